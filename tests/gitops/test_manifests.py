"""What kustomize builds from deploy/ is what helm makes of the charts with the same values."""

import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.gitops import manifests, render

HASHED = re.compile(r"^(awscost)-settings-[a-z0-9]{10}$")


def compared(found):
    """Objects by identity, the settings' ConfigMap under the chart's name for it, and texts of settings without comments."""
    by_identity = {}
    for each in map(render.plain, found):
        if each["kind"] == "ConfigMap":
            each["metadata"]["name"] = HASHED.sub(r"\1", each["metadata"]["name"])
            each["data"] = {key: re.sub("^#.*\n", "", text) for key, text in each["data"].items()}
        for volume in render.volumes(each):
            if "configMap" in volume:
                volume["configMap"]["name"] = HASHED.sub(r"\1", volume["configMap"]["name"])
        by_identity[render.identity(each)] = each
    return by_identity


class Equal(unittest.TestCase):
    """Both ways to install give the same."""

    maxDiff = None

    def assert_equal(self, built, rendered):
        built, rendered = compared(built), compared(rendered)
        # Helm makes the namespace with --create-namespace.
        built.pop(("v1", "Namespace", "", render.SYSTEM), None)
        self.assertEqual(sorted(built), sorted(rendered), "the same objects")
        for identity, each in rendered.items():
            self.assertEqual(built[identity], each, identity)

    def test_the_definitions(self):
        self.assert_equal(render.built(manifests.DEPLOY / "crds"), render.chart("awscost-crds"))

    def test_the_base_is_the_chart_as_it_comes(self):
        self.assert_equal(render.built(manifests.DEPLOY / "base"), render.chart("awscost-operator"))

    def test_each_overlay_is_the_chart_with_its_values(self):
        self.assertEqual({path.name for path in (manifests.DEPLOY / "overlays").iterdir()}, set(manifests.OVERLAYS))
        for name in manifests.OVERLAYS:
            folder = manifests.DEPLOY / "overlays" / name
            with self.subTest(name):
                self.assert_equal(render.built(folder), render.chart("awscost-operator", "--values", folder / "values.yaml"))

    def test_an_overlay_of_your_own_as_the_page_has_it(self):
        page = (render.REPOSITORY / "docs/gitops.md").read_text(encoding="utf-8")
        kustomization, = re.findall(r"^```yaml\n(# awscost/kustomization\.yaml\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
        self.assertIn("resources: [../deploy/overlays/namespaced]\n", kustomization)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(manifests.DEPLOY, pathlib.Path(folder) / "deploy")
            own = pathlib.Path(folder) / "awscost"
            own.mkdir()
            (own / "kustomization.yaml").write_text(kustomization, encoding="utf-8")
            found = render.built(own)
        values = manifests.DEPLOY / "overlays/namespaced/values.yaml"
        image = "image.registry=registry.example.com,image.repository=finops/awscost,image.tag=0.1.0"
        self.assert_equal(found, render.chart("awscost-operator", "--values", values, "--set", image))


class Size(unittest.TestCase):
    """`kubectl apply` without --server-side, as some tools do it, keeps the whole object in an annotation of 256 KiB at most."""

    def test_a_definition_fits_into_an_annotation(self):
        for path in (manifests.DEPLOY / "crds").glob("*.awscost.io.yaml"):
            self.assertLess(path.stat().st_size, 200 * 1024, path.name)


class Restart(unittest.TestCase):
    """The pod starts anew with new settings."""

    def test_the_settings_name_follows_from_what_is_in_them(self):
        def names(folder):
            found = render.built(manifests.DEPLOY / folder)
            deployment = next(each for each in found if each["kind"] == "Deployment")
            mounted = [volume["configMap"]["name"] for volume in render.volumes(deployment) if "configMap" in volume]
            made = [each["metadata"]["name"] for each in found if each["kind"] == "ConfigMap"]
            self.assertTrue(set(made).issubset(mounted), f"{folder}: the pod mounts the settings")
            return made

        base, namespaced = names("base"), names("overlays/namespaced")
        self.assertRegex(base[0], HASHED)
        self.assertNotEqual(base, namespaced)


if __name__ == "__main__":
    unittest.main()
