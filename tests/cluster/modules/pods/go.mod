// Programs that run inside the pods of the one-node cluster itself; no dependencies.
module awscost.io/tests/cluster/modules/pods

go 1.26.0
