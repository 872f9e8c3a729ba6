"""kstatus's reading of an object, written from its rules and not from our code, and what our statuses promise beyond it.

Flux, `kubectl wait` and Argo CD judge an object by these few fields; docs/gitops.md tells what each judgement leads to.
"""

ABNORMAL = ("Reconciling", "Stalled")


def conditions(found):
    return found.get("status", {}).get("conditions", [])


def of_type(found, type_):
    return next((each for each in conditions(found) if each["type"] == type_), None)


def reading(found):
    """Terminating, InProgress, Failed or Current, as kstatus reads any custom resource."""
    metadata = found["metadata"]
    if "deletionTimestamp" in metadata:
        return "Terminating"
    observed = found.get("status", {}).get("observedGeneration")
    if observed is not None and observed != metadata["generation"]:
        return "InProgress"
    for each in conditions(found):
        if each["status"] == "True" and each["type"] in ABNORMAL:
            return "InProgress" if each["type"] == "Reconciling" else "Failed"
    ready = of_type(found, "Ready")
    # Who says nothing of Ready is taken to be done: so an object is Current until its controller has seen it.
    return "Current" if ready is None or ready["status"] == "True" else "InProgress"


def faults(found):
    """What an object's status says against our word; nothing of an object that no operator has seen yet."""
    status = found.get("status")
    if not status:
        return []
    return [*_of_the_summary(found), *_of_each_condition(found)]


def _of_the_summary(found):
    generation, observed = found["metadata"]["generation"], found["status"].get("observedGeneration")
    ready = of_type(found, "Ready")
    abnormal = [each["type"] for each in conditions(found) if each["type"] in ABNORMAL]
    suspended = found["spec"].get("suspend", False)
    if observed is None:
        yield "there is no observedGeneration"
    elif observed > generation:
        yield f"generation {observed} was observed before it was there"
    if ready is None:
        yield "there is no Ready"
        return
    if len(abnormal) > 1:
        yield "Reconciling and Stalled stand side by side"
    if abnormal and conditions(found)[0]["type"] != abnormal[0]:
        yield f"{abnormal[0]} does not stand first, where kstatus finds it before Ready"
    if ready["status"] == "True" and abnormal:
        yield f"Ready is True beside {abnormal[0]}"
    if ready["status"] == "False" and not abnormal and not suspended:
        yield "Ready is False, and neither Stalled nor Reconciling says whether it is tried again"
    if ready["status"] == "Unknown" and abnormal != ["Reconciling"] and not suspended:
        yield "Ready is Unknown, and nothing is Reconciling"
    if reading(found) == "Current" and ready["status"] != "True":
        yield "kstatus reads Current, and Ready is not True"


def _of_each_condition(found):
    seen = set()
    for each in conditions(found):
        type_ = each["type"]
        if type_ in seen:
            yield f"{type_} stands there twice"
        seen.add(type_)
        if type_ in ABNORMAL and each["status"] != "True":
            yield f"{type_} is {each['status']}: it may be there only while it is True"
        if not each["reason"] or not each["message"]:
            yield f"{type_} has no reason or no message"
        if each.get("observedGeneration", 0) > found["metadata"]["generation"]:
            yield f"{type_} speaks of a generation to come"


def turned(before, after):
    """What is wrong with the way from one version of an object to the next."""
    old = {each["type"]: each for each in conditions(before)}
    for each in conditions(after):
        was = old.get(each["type"])
        if was is None:
            continue
        old_time, new_time = was["lastTransitionTime"], each["lastTransitionTime"]
        if was["status"] == each["status"] and new_time != old_time:
            yield f"{each['type']} stays {each['status']}, and its time moved"
        # Times are whole seconds: two turns within one have the same.
        if new_time < old_time:
            yield f"{each['type']} turned {each['status']} before it was {was['status']}"


def agrees(found, health):
    """True if Argo CD's health and kstatus's reading are of one mind."""
    if "deletionTimestamp" in found["metadata"]:
        return health == "Progressing"
    if found["spec"].get("suspend"):
        return health == "Suspended"
    if not found.get("status"):
        return health == "Progressing"
    ready = of_type(found, "Ready")["status"]
    expected = {
        "Current": "Healthy",
        "Failed": "Degraded",
        # Broken and tried again: kstatus waits, Argo CD shows what is broken.
        "InProgress": "Degraded" if ready == "False" and _is_observed(found) else "Progressing",
    }
    return health == expected[reading(found)]


def _is_observed(found):
    return found["status"].get("observedGeneration") == found["metadata"]["generation"]
