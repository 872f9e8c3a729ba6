#!/usr/bin/env python3
"""Judges every version of every awscost object in an audit log: kstatus's reading, Argo CD's health, and drift.

    judge.py AUDIT_LOG
"""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e import drift, kstatus, versions
from tests.gitops import argo

SHOWN = 20


def statuses(histories):
    """How often each pair of kstatus's reading and Argo CD's health was met, and what is wrong with any version."""
    everything = [version for history in histories for version in history]
    healths = argo.health([version.object for version in everything])
    pairs, wrong = collections.Counter(), []
    for version, (health, _) in zip(everything, healths):
        reading = kstatus.reading(version.object)
        pairs[reading, health] += 1
        problems = kstatus.faults(version.object)
        if not problems and not kstatus.agrees(version.object, health):
            problems = [f"kstatus reads {reading}, Argo CD {health}"]
        wrong += [f"{version.name}: {problem}" for problem in problems]
    for history in histories:
        for before, after in zip(history, history[1:]):
            wrong += [f"{after.name}: {problem}" for problem in kstatus.turned(before.object, after.object)]
    return pairs, wrong


def written(histories, is_operators):
    """How many versions the operator wrote, and where it wrote more than its own."""
    count, wrong = 0, []
    for history in histories:
        for before, after in zip([None, *history], history):
            if not is_operators(after):
                continue
            count += 1
            wrong += [f"{after.name}: asked for {what}" for what in drift.asked(after)]
            if before is not None:
                wrong += [f"{after.name}: changed {what}" for what in drift.changed(before, after)]
    return count, wrong


def main():
    histories = versions.by_object(sys.argv[1])
    pairs, wrong = statuses(histories)
    # Nobody else writes status in the tests that this is for.
    count, drifted = written(histories, lambda version: version.part == "status")
    for (reading, health), number in sorted(pairs.items()):
        print(f"{number:7}  kstatus {reading:11}  Argo CD {health}")
    print(f"{len(histories)} objects, {sum(pairs.values())} versions, {count} of them the operator's statuses")
    if not pairs:
        sys.exit("error: the audit log has no object of awscost")
    if wrong or drifted:
        print("\n".join((wrong + drifted)[:SHOWN]), file=sys.stderr)
        sys.exit(f"error: {len(wrong)} versions read badly, {len(drifted)} writes drift")


if __name__ == "__main__":
    main()
