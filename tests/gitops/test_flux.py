"""deploy/flux: what is applied before what, and what each step waits for. Flux itself does not run here."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.gitops import render

FLUX = render.REPOSITORY / "deploy/flux"
VERSIONS = {"GitRepository": "source.toolkit.fluxcd.io/v1", "HelmRelease": "helm.toolkit.fluxcd.io/v2",
            "Kustomization": "kustomize.toolkit.fluxcd.io/v1"}
ORDER = ["awscost-crds", "awscost-operator", "awscost-accounts"]


class Flux(unittest.TestCase):
    """The files as a person copies them."""

    def setUp(self):
        found = render.objects((FLUX / "awscost.yaml").read_text(encoding="utf-8"))
        self.source = next(each for each in found if each["kind"] == "GitRepository")
        self.steps = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "Kustomization"}
        self.operator = {each["kind"]: each for each in render.built(FLUX / "operator")}
        self.everything = [*found, *self.operator.values()]

    def test_definitions_then_the_operator_then_accounts(self):
        self.assertEqual(list(self.steps), ORDER)
        before = [[each["name"] for each in self.steps[name].get("dependsOn", [])] for name in ORDER]
        self.assertEqual(before, [[], ORDER[:1], ORDER[1:2]])

    def test_each_step_waits_until_what_it_applied_is_healthy(self):
        for name in ORDER:
            self.assertIn("timeout", self.steps[name])
        self.assertTrue(self.steps["awscost-crds"]["wait"])
        self.assertTrue(self.steps["awscost-accounts"]["wait"])
        release = self.operator["HelmRelease"]
        self.assertEqual(self.steps["awscost-operator"]["healthChecks"], [
            {"apiVersion": release["apiVersion"], "kind": "HelmRelease", **{
                key: release["metadata"][key] for key in ("name", "namespace")}}])

    def test_both_kinds_are_judged_by_what_the_operator_has_seen(self):
        expressions = {each["kind"]: each for each in self.steps["awscost-accounts"]["healthCheckExprs"]}
        self.assertEqual(set(expressions), {"AwsCostAccount", "CostWarehouse"})
        for each in expressions.values():
            self.assertEqual(each["apiVersion"], "awscost.io/v1alpha1")
            self.assertIn("'Stalled'", each["failed"])
            self.assertIn("'Ready'", each["current"])
            for name in ("failed", "current"):
                self.assertIn("status.observedGeneration == metadata.generation", each[name])

    def test_definitions_are_never_pruned(self):
        self.assertEqual([self.steps[name]["prune"] for name in ORDER], [False, True, True])

    def test_what_the_steps_name_is_there(self):
        self.assertTrue((render.REPOSITORY / self.steps["awscost-crds"]["path"] / "kustomization.yaml").exists())
        self.assertEqual(self.steps["awscost-crds"]["sourceRef"]["name"], self.source["metadata"]["name"])
        chart = self.operator["HelmRelease"]["spec"]["chart"]["spec"]
        text = (render.REPOSITORY / chart["chart"] / "Chart.yaml").read_text(encoding="utf-8")
        self.assertIn(f"\nversion: {self.source['spec']['ref']['tag'].removeprefix('v')}\n", text, "the tag is the chart's")
        self.assertEqual(chart["sourceRef"], {"kind": "GitRepository", **{
            key: self.source["metadata"][key] for key in ("name", "namespace")}})
        namespace = self.operator["Namespace"]["metadata"]["name"]
        self.assertEqual(self.operator["HelmRelease"]["metadata"]["namespace"], namespace)
        self.assertEqual(namespace, render.SYSTEM)

    def test_the_chart_takes_the_values(self):
        values = self.operator["HelmRelease"]["spec"]["values"]
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(values, file)
            file.flush()
            rendered = render.chart("awscost-operator", "--values", file.name)
        watched = {each["metadata"].get("namespace") for each in rendered if each["kind"] == "Role"}
        self.assertTrue(watched.issuperset(values["watch"]["namespaces"]), "a Role in each watched namespace")

    def test_the_page_copies_them_to_where_the_steps_look(self):
        page = (render.REPOSITORY / "docs/gitops.md").read_text(encoding="utf-8")
        script, = re.findall(r"^```\n(CLUSTER=.*?)^```$", page, re.MULTILINE | re.DOTALL)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "clusters/production").mkdir(parents=True)
            typed = script.replace("AWSCOST=../awscost", f"AWSCOST={render.REPOSITORY}")
            subprocess.run(["bash", "-euc", typed], cwd=folder, check=True)
            for name in ORDER[1:]:
                self.assertEqual(self.steps[name]["sourceRef"]["name"], "flux-system", "your own repository")
                self.assertTrue(render.built(pathlib.Path(folder) / self.steps[name]["path"]), name)
            self.assertTrue((pathlib.Path(folder) / "clusters/production/awscost.yaml").exists())

    def test_versions_of_the_kinds(self):
        for each in self.everything:
            if each["kind"] in VERSIONS:
                self.assertEqual(each["apiVersion"], VERSIONS[each["kind"]], each["metadata"]["name"])


if __name__ == "__main__":
    unittest.main()
