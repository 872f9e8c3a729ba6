"""Every version that an object of awscost ever had, from the API server's audit log: who wrote it, and what was written."""

import collections

from tests.e2e.cluster import audit

RESOURCES = ("awscostaccounts", "costwarehouses")
# A deletion that a finalizer holds writes as well: its answer is the object, and not a Status.
VERBS = ("create", "update", "patch", "delete")


class Version:
    """An object after one write."""

    def __init__(self, event):
        self.object = event["responseObject"]
        self.writer = event["user"]["username"]
        self.asked = event.get("requestObject")
        self.part = event["objectRef"].get("subresource", "")
        metadata = self.object["metadata"]
        self.uid = metadata["uid"]
        self.number = int(metadata["resourceVersion"])
        self.name = f"{event['objectRef']['resource']} {metadata['namespace']}/{metadata['name']} at {self.number}"


def _is_write(event):
    reference = event.get("objectRef", {})
    return (reference.get("resource") in RESOURCES and event["verb"] in VERBS and "dryRun=" not in event["requestURI"]
            and event["responseStatus"]["code"] < 300 and event["responseObject"]["kind"] != "Status")


def _completed(history):
    """Whoever patches metadata alone may ask for metadata alone: the rest is what it was before."""
    whole = []
    for version in history:
        if version.object["kind"] == "PartialObjectMetadata":
            version.object = {**whole[-1].object, "metadata": version.object["metadata"]}
        whole.append(version)
    return whole


def by_object(path=None):
    """The versions of each object, oldest first. A write that changed nothing made none."""
    found = collections.defaultdict(dict)
    for event in filter(_is_write, audit(path)):
        version = Version(event)
        found[version.uid].setdefault(version.number, version)
    return [_completed([of_one[number] for number in sorted(of_one)]) for of_one in found.values()]
