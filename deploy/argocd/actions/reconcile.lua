-- Everything is checked now, and a failed load is tried again.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["awscost.io/reconcile-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
