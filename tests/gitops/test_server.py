"""A real API server takes what deploy/ builds, under restricted pod security; the snippet for Argo CD leaves Argo CD's own alone.

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
from tests.gitops import manifests, render

MONITORS = (("PodMonitor", "podmonitors"), ("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules"))


def definition(kind, plural):
    """A kind of Prometheus' operator, whatever is in it: that operator is not here."""
    group, version = render.MONITORING.split("/")
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                         "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


class Server(unittest.TestCase):
    """One API server for all."""

    @classmethod
    def setUpClass(cls):
        cls.environment = dict(os.environ, KUBECONFIG=os.environ["AWSCOST_TEST_KUBECONFIG"])
        cls.program = render.program("kubectl")
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        for name in (render.SYSTEM, "finops", "argocd"):
            cls.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}})
        for each in MONITORS:
            cls.apply(definition(*each))
        cls.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", manifests.DEPLOY / "crds")
        cls.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    @classmethod
    def kubectl(cls, *arguments, text=None):
        done = subprocess.run([cls.program, *map(str, arguments)], input=text, capture_output=True, text=True,
                              env=cls.environment, check=False)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}:\n{done.stderr}")
        return done.stdout, done.stderr

    @classmethod
    def apply(cls, found):
        cls.kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", text=json.dumps(found))

    def test_it_takes_the_base_and_every_overlay(self):
        for name in ("base", *(f"overlays/{name}" for name in manifests.OVERLAYS)):
            with self.subTest(name):
                said, warned = self.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--kustomize",
                                            manifests.DEPLOY / name)
                self.assertNotIn("Warning", warned)
                self.assertEqual(len(said.splitlines()), len(render.built(manifests.DEPLOY / name)), "every object")

    def test_it_takes_the_samples(self):
        self.kubectl("apply", "--dry-run=server", "--kustomize", manifests.DEPLOY / "samples")

    def test_argo_cds_own_settings_stay(self):
        own = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"},
               "data": {"url": "https://argocd.example.com"}}
        self.apply(own)
        self.kubectl("--namespace", "argocd", "patch", "configmap", "argocd-cm", "--patch-file",
                     manifests.DEPLOY / "argocd/argocd-cm.yaml")
        data = json.loads(self.kubectl("--namespace", "argocd", "get", "configmap", "argocd-cm", "--output", "json")[0])["data"]
        self.assertEqual(data["url"], own["data"]["url"])
        self.assertEqual(len(data), 5, "health and actions of both kinds beside it")


if __name__ == "__main__":
    unittest.main()
