"""What readers that nobody here wrote find in the reports of `awscost check`.

Takes a SARIF file and a JUnit file, prints one JSON object: by file, what was found in it. A member that SARIF's model
does not know is an error, as one of a wrong type or value is.
"""

import json
import sys

import junitparser
import sarif_pydantic


def unknown_members(given, known, path=""):
    """Paths of the members that the model dropped."""
    if isinstance(given, dict):
        return [
            found
            for name, value in given.items()
            for found in (
                unknown_members(value, known[name], f"{path}/{name}") if name in known else [f"{path}/{name}"]
            )
        ]
    if isinstance(given, list):
        pairs = zip(given, known, strict=True)
        return [found for index, pair in enumerate(pairs) for found in unknown_members(*pair, f"{path}/{index}")]
    return []


def read_sarif(path):
    """Rule and level of every result."""
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    read = sarif_pydantic.Sarif.model_validate(given)
    unknown = unknown_members(given, json.loads(read.model_dump_json(by_alias=True, exclude_none=True)))
    assert not unknown, f"SARIF has no {unknown}"
    return [[result.rule_id, result.level.value] for run in read.runs for result in run.results]


def read_junit(path):
    """Class, name and kind of outcome of every case, and whether the suites' sums are those of the cases."""
    read = junitparser.JUnitXml.fromfile(path)
    said = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in read]
    cases = [
        [case.classname, case.name, [type(outcome).__name__ for outcome in case.result]]
        for suite in read
        for case in suite
    ]
    read.update_statistics()
    counted = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in read]
    assert said == counted, f"suites say {said} and hold {counted}"
    return cases


sarif, junit = sys.argv[1:]
print(json.dumps({"sarif": read_sarif(sarif), "junit": read_junit(junit)}))
