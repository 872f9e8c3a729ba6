"""What an older version stored outlives an upgrade and the way back: its definitions, its chart and objects with their status,
kept as files in tests/upgrade/kept (tests/upgrade/keep wrote them), and this tree's over them, on a real API server.

Needs AWSCOST_TEST_KUBECONFIG: tests/environment/with-api-server.
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.gitops import render

KEPT = render.REPOSITORY / "tests/upgrade/kept"
KINDS = "awscostaccounts.awscost.io,costwarehouses.awscost.io"
TENANT = "upgraded"


def _list(found):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": found})


class Stored(unittest.TestCase):
    """From the kept version to this one and back."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.environment = dict(os.environ, KUBECONFIG=os.environ["AWSCOST_TEST_KUBECONFIG"])
        cls.program = render.program("kubectl")

    def kubectl(self, *arguments, text=None):
        done = subprocess.run([self.program, *map(str, arguments)], input=text, capture_output=True, text=True,
                              env=self.environment, check=False)
        self.assertEqual(done.returncode, 0, f"kubectl {' '.join(map(str, arguments))}:\n{done.stderr}")
        return done.stdout

    def install(self, definitions, operator):
        """As helm does it: what is there is changed, whoever else changed it."""
        for found in (definitions, operator):
            text = "\n---\n".join(map(json.dumps, found))
            self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "--filename", "-", text=text)
            self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    def stored(self):
        """Every object as it is stored, without what each write changes."""
        found = json.loads(self.kubectl("--namespace", TENANT, "get", KINDS, "--output", "json"))["items"]
        for each in found:
            for key in ("resourceVersion", "managedFields"):
                each["metadata"].pop(key, None)
        return {(each["kind"], each["metadata"]["name"]): each for each in found}

    def make(self, objects):
        """The objects and their statuses, as a person and an operator would have written them."""
        kept = ("name", "labels", "annotations")
        declared = [{**each, "metadata": {key: each["metadata"][key] for key in kept if key in each["metadata"]}} for each in objects]
        self.kubectl("--namespace", TENANT, "create", "--filename", "-", text=_list(declared))
        there = json.loads(self.kubectl("--namespace", TENANT, "get", KINDS, "--output", "json"))["items"]
        versions = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in there}
        with_status = [{**each, "metadata": {"name": each["metadata"]["name"], "resourceVersion": versions[each["metadata"]["name"]]}}
                       for each in objects if "status" in each]
        self.kubectl("--namespace", TENANT, "replace", "--subresource=status", "--filename", "-", text=_list(with_status))

    def assert_writable(self):
        """Nothing that is stored is refused when it is written again, whole or its status."""
        there = self.kubectl("--namespace", TENANT, "get", KINDS, "--output", "json")
        for part in ([], ["--subresource=status"]):
            self.kubectl("replace", "--dry-run=server", *part, "--filename", "-", text=there)

    def test_up_and_back_nothing_is_lost_or_refused(self):
        for name in (render.SYSTEM, "finops", TENANT):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.kubectl("apply", "--server-side", "--filename", "-", text=json.dumps(namespace))
        old = [render.objects((KEPT / f"{name}.yaml").read_text(encoding="utf-8")) for name in ("definitions", "operator")]
        new = [render.chart("awscost-crds"), render.chart("awscost-operator", "--values", KEPT / "values.yaml")]
        objects = render.objects((KEPT / "objects.yaml").read_text(encoding="utf-8"))

        self.install(*old)
        self.make(objects)
        before = self.stored()
        self.assertEqual(len(before), len(objects))
        for each in objects:
            there = before[each["kind"], each["metadata"]["name"]]
            self.assertEqual((there["spec"], there.get("status")), (each["spec"], each.get("status")), "stored as it was written")

        for version, charts in (("this tree's", new), ("the kept one's, again", old)):
            with self.subTest(version):
                self.install(*charts)
                self.assertEqual(self.stored(), before)
                self.assert_writable()
        self.assert_one_version()

    def assert_one_version(self):
        """No definition keeps objects in a version that a later one might drop."""
        for each in json.loads(self.kubectl("get", "crd", "--output", "json"))["items"]:
            if each["spec"]["group"] == "awscost.io":
                self.assertEqual(each["status"]["storedVersions"], ["v1alpha1"], each["metadata"]["name"])


if __name__ == "__main__":
    unittest.main()
