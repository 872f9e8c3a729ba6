-- No more checks and no new Jobs; a running Job ends normally.
obj.spec.suspend = true
return obj
