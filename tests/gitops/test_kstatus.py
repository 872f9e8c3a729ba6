"""The judge of the end-to-end run judges well: kstatus's rules, row by row, and each promise broken once."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e import drift, kstatus
from tests.gitops import argo


def condition(type_, status, generation=2, at="2026-11-30T09:00:00Z"):
    return {"type": type_, "status": status, "reason": "Words", "message": "Words.", "observedGeneration": generation,
            "lastTransitionTime": at}


def account(*conditions, observed=2, suspend=None, **metadata):
    found = {"kind": "AwsCostAccount", "metadata": {"name": "a", "generation": 2, **metadata}, "spec": {}}
    if suspend is not None:
        found["spec"]["suspend"] = suspend
    if conditions or observed is None:
        found["status"] = {"conditions": [condition(*each) for each in conditions]}
        if observed is not None:
            found["status"]["observedGeneration"] = observed
    return found


RECONCILING, STALLED = ("Reconciling", "True"), ("Stalled", "True")
READY, BROKEN, UNKNOWN = ("Ready", "True"), ("Ready", "False"), ("Ready", "Unknown")
GOING = {"deletionTimestamp": "2026-11-30T09:00:00Z"}


class Readings(unittest.TestCase):
    """What kstatus and Argo CD make of an object."""

    def test_each_state(self):
        table = [
            ("nobody has seen it", account(), "Current", "Progressing"),
            ("healthy", account(READY), "Current", "Healthy"),
            ("a new generation, not seen yet", account(READY, observed=1), "InProgress", "Progressing"),
            ("a broken one, its mended spec not seen yet", account(STALLED, BROKEN, observed=1), "InProgress", "Progressing"),
            ("a new generation, seen", account(RECONCILING, UNKNOWN), "InProgress", "Progressing"),
            ("somebody must act", account(STALLED, BROKEN), "Failed", "Degraded"),
            ("broken, and tried again", account(RECONCILING, BROKEN), "InProgress", "Degraded"),
            ("suspended while healthy", account(READY, suspend=True), "Current", "Suspended"),
            ("suspended while broken", account(STALLED, BROKEN, suspend=True), "Failed", "Suspended"),
            ("suspended before it was seen", account(UNKNOWN, suspend=True), "InProgress", "Suspended"),
            ("not suspended, and says so", account(READY, suspend=False), "Current", "Healthy"),
            ("being deleted", account(READY, **GOING), "Terminating", "Progressing"),
        ]
        healths = argo.health([found for _, found, _, _ in table])
        for (name, found, reading, health), (said, _) in zip(table, healths):
            with self.subTest(name):
                self.assertEqual(kstatus.reading(found), reading, "kstatus's reading")
                self.assertEqual(said, health, "Argo CD's health")
                self.assertTrue(kstatus.agrees(found, health), "they agree")
                self.assertEqual(kstatus.faults(found), [])

    def test_a_health_of_another_mind_does_not_agree(self):
        for found, health in [(account(READY), "Progressing"), (account(STALLED, BROKEN), "Healthy"),
                              (account(RECONCILING, UNKNOWN), "Degraded"), (account(READY, suspend=True), "Healthy")]:
            self.assertFalse(kstatus.agrees(found, health), (found, health))


class Promises(unittest.TestCase):
    """Each promise, broken."""

    def test_each_is_noticed(self):
        later = account(READY)
        later["status"]["conditions"][0]["observedGeneration"] = 3
        table = [
            ("side by side", account(RECONCILING, STALLED, BROKEN)),
            ("there is no Ready", account(("RoleAssumable", "True"))),
            ("no observedGeneration", account(READY, observed=None)),
            ("before it was there", account(READY, observed=3)),
            ("does not stand first", account(BROKEN, STALLED)),
            ("True beside Stalled", account(STALLED, READY)),
            ("neither Stalled nor Reconciling", account(BROKEN)),
            ("nothing is Reconciling", account(UNKNOWN)),
            ("only while it is True", account(("Stalled", "False"), READY)),
            ("twice", account(READY, READY)),
            ("generation to come", later),
        ]
        for words, found in table:
            self.assertIn(words, "; ".join(kstatus.faults(found)))

    def test_a_time_moves_with_its_status_alone(self):
        def at(status, time):
            found = account(("Ready", status))
            found["status"]["conditions"][0]["lastTransitionTime"] = time
            return found

        old = at("True", "2026-11-30T09:00:01Z")
        for new, wrong in [(old, 0), (at("False", "2026-11-30T09:00:02Z"), 0), (at("False", "2026-11-30T09:00:01Z"), 0),
                           (at("False", "2026-11-30T09:00:00Z"), 1), (at("True", "2026-11-30T09:00:02Z"), 1)]:
            self.assertEqual(len(list(kstatus.turned(old, new))), wrong, new)


class Drift(unittest.TestCase):
    """What the operator may write, and what would be drift."""

    class Write:
        """A version, as far as it matters."""

        def __init__(self, part, asked, found=None, writer="operator"):
            self.part, self.asked, self.object, self.writer = part, asked, found, writer

    def test_what_a_write_asks_for(self):
        table = [
            ("status", {"metadata": {"resourceVersion": "1"}, "status": {}}, []),
            ("", {"metadata": {"resourceVersion": "1", "finalizers": []}}, []),
            ("status", {"metadata": {"labels": {}}, "status": {}}, ["metadata.labels"]),
            ("", {"metadata": {"finalizers": []}, "spec": {}}, ["spec"]),
            ("", {"status": {}}, ["status"]),
        ]
        for part, asked, beyond in table:
            self.assertEqual(drift.asked(self.Write(part, asked)), beyond)

    def test_what_a_write_changes(self):
        old = self.Write("", {}, account(READY))
        for new, keys in [(account(STALLED, BROKEN), []), (account(READY, finalizers=["awscost.io/purge"]), []),
                          (account(READY, suspend=True), ["spec"]), (account(READY, labels={"a": "b"}), ["labels"]),
                          (account(READY, generation=3), ["generation"]),
                          (account(READY, finalizers=["other"]), ["finalizers"])]:
            self.assertEqual(drift.changed(old, self.Write("", {}, new)), keys)

    def test_which_managers_a_writer_has(self):
        def written(by, *managers):
            return self.Write("", {}, account(managedFields=[{"manager": name, "time": time} for name, time in managers]), by)

        history = [written("person", ("kubectl", 1)), written("operator", ("kubectl", 1), ("awscost", 2)),
                   written("person", ("kubectl", 3), ("awscost", 2))]
        self.assertEqual(drift.managers(history, "operator"), {"awscost"})

    def test_what_a_manager_owns(self):
        entries = [{"manager": "awscost", "fieldsV1": {"f:status": {}}},
                   {"manager": "awscost", "fieldsV1": {"f:metadata": {"f:finalizers": {}}}},
                   {"manager": "kubectl", "fieldsV1": {"f:spec": {}}}]
        self.assertEqual(drift.owned(account(managedFields=entries), "awscost"), [])
        entries.append({"manager": "awscost", "fieldsV1": {"f:spec": {}, "f:metadata": {"f:labels": {}}}})
        self.assertEqual(drift.owned(account(managedFields=entries), "awscost"), ["f:metadata.f:labels", "f:spec"])


if __name__ == "__main__":
    unittest.main()
