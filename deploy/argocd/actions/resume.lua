-- Removed, not set to false: so the object is again what Git says.
obj.spec.suspend = nil
return obj
