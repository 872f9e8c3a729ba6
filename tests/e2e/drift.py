"""What would be drift to a GitOps tool: anything that the operator writes beside status and its own finalizer."""

FINALIZER = "awscost.io/purge"


def _declared(found):
    """What belongs to whoever applied the object."""
    metadata = found["metadata"]
    finalizers = [each for each in metadata.get("finalizers", []) if each != FINALIZER]
    return {"spec": found["spec"], "generation": metadata["generation"], "labels": metadata.get("labels", {}),
            "annotations": metadata.get("annotations", {}), "owners": metadata.get("ownerReferences", []),
            "finalizers": finalizers}


def asked(version):
    """What a write of the operator's wanted beyond what is its own."""
    wanted = dict(version.asked)
    metadata = set(wanted.pop("metadata", {})) - {"resourceVersion"}
    if version.part == "status":
        wanted.pop("status", None)
    else:
        metadata -= {"finalizers"}
    return sorted({*wanted, *(f"metadata.{key}" for key in metadata)} - {"apiVersion", "kind"})


def changed(before, after):
    """What of the owner's a write changed."""
    old, new = _declared(before.object), _declared(after.object)
    return sorted(key for key in old if old[key] != new[key])


def managers(history, writer):
    """The names under which the API server keeps what a writer wrote: who manages an object anew after its writes."""
    names = set()
    for before, after in zip(history, history[1:]):
        if after.writer == writer:
            names |= _entries(after.object) - _entries(before.object)
    return {manager for manager, _, _ in names}


def _entries(found):
    return {(entry["manager"], entry.get("subresource", ""), entry.get("time"))
            for entry in found["metadata"].get("managedFields", [])}


def owned(found, manager):
    """The fields outside status and finalizers that the API server ascribes to a manager."""
    fields = set()
    for entry in found["metadata"].get("managedFields", []):
        if entry["manager"] == manager:
            fields |= set(entry["fieldsV1"]) - {"f:status"}
            fields |= {f"f:metadata.{key}" for key in entry["fieldsV1"].get("f:metadata", {})}
    return sorted(fields - {"f:metadata", "f:metadata.f:finalizers"})
