-- Health of an AwsCostAccount or a CostWarehouse, from its own status. `make generate` copies it into argocd-cm.yaml.
local hs = {}

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "Is being deleted."
  return hs
end

if obj.spec.suspend == true then
  hs.status = "Suspended"
  hs.message = "Suspended: nothing is checked or loaded until spec.suspend is false or removed."
  return hs
end

local ready = nil
if obj.status ~= nil and obj.status.observedGeneration == obj.metadata.generation then
  for _, condition in ipairs(obj.status.conditions or {}) do
    if condition.type == "Ready" then
      ready = condition
    end
  end
end

if ready == nil then
  hs.status = "Progressing"
  hs.message = "The operator has not seen this generation yet."
  return hs
end

-- A failure that is tried again is Degraded all the same: it is one until a try succeeds.
local healths = { True = "Healthy", False = "Degraded" }
hs.status = healths[ready.status] or "Progressing"
hs.message = ready.reason .. ": " .. ready.message
return hs
