-- The actions that Argo CD offers. A CostWarehouse can't be suspended, and of a suspended account nothing is checked.
local actions = {}
local suspended = obj.spec.suspend == true
actions["reconcile"] = { ["disabled"] = suspended }
if obj.kind == "AwsCostAccount" then
  actions["suspend"] = { ["disabled"] = suspended }
  actions["resume"] = { ["disabled"] = not suspended }
end
return actions
