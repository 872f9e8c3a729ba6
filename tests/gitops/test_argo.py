"""Argo CD's scripts on objects as the controller wrote them (deploy/argocd/testdata), in a real Lua."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e import kstatus
from tests.gitops import argo, render

TESTDATA = argo.SCRIPTS / "testdata"
WISH = "awscost.io/reconcile-at"


def stored(name):
    found, = render.objects((TESTDATA / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


class Health(unittest.TestCase):
    """Each state, and what Argo CD shows of it."""

    TABLE = {
        "account-unseen": ("Progressing", "The operator has not seen this generation yet."),
        "account-progressing": ("Progressing", "Progressing: "),
        "account-healthy": ("Healthy", "Succeeded: "),
        "account-degraded": ("Degraded", "CallerMayNotAssume: "),
        "account-retrying": ("Degraded", "WarehouseUnreachable: "),
        "account-suspended": ("Suspended", "Suspended: "),
        "account-deleted": ("Progressing", "Is being deleted."),
        "warehouse-progressing": ("Progressing", "Progressing: "),
        "warehouse-healthy": ("Healthy", "ProbeSucceeded: "),
        "warehouse-degraded": ("Degraded", "SecretNotUsable: "),
    }

    def test_each_state(self):
        self.assertEqual({path.stem for path in TESTDATA.glob("*.yaml")}, set(self.TABLE), "a row for each file")
        found = list(map(stored, self.TABLE))
        for (name, (status, words)), each, (health, message) in zip(self.TABLE.items(), found, argo.health(found)):
            with self.subTest(name):
                self.assertEqual(health, status)
                self.assertTrue(message.startswith(words), message)
                self.assertEqual(kstatus.faults(each), [], "it is what the controller writes")
                self.assertTrue(kstatus.agrees(each, health), "kstatus is of the same mind")


class Actions(unittest.TestCase):
    """What may be done with an object, and what comes of it."""

    def test_what_is_offered(self):
        for name, actions in {
            "account-healthy": {"reconcile", "suspend"}, "account-degraded": {"reconcile", "suspend"},
            "account-suspended": {"resume"}, "warehouse-degraded": {"reconcile"},
        }.items():
            self.assertEqual(argo.offered(stored(name)), actions, name)

    def test_reconcile_asks_once_more_and_changes_nothing_else(self):
        for name in ("account-healthy", "warehouse-healthy"):
            for annotations in ({"team": "web"}, {"team": "web", WISH: "2026-11-30T09:00:00Z"}):
                before = stored(name)
                before["metadata"]["annotations"] = annotations
                after = argo.act("reconcile", before)
                asked = after["metadata"]["annotations"].pop(WISH)
                self.assertRegex(asked, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                self.assertNotEqual(asked, annotations.pop(WISH, None))
                self.assertEqual(after, before)

    def test_suspend_and_resume_leave_the_spec_as_it_was(self):
        before = stored("account-healthy")
        suspended = argo.act("suspend", before)
        self.assertIs(suspended["spec"]["suspend"], True)
        self.assertEqual(argo.health([suspended])[0][0], "Suspended")
        self.assertEqual(argo.act("resume", suspended), before)

    def test_a_script_gets_no_library_that_argo_cd_lacks(self):
        with self.assertRaisesRegex(AssertionError, "attempt to index"):
            argo.run(self.script("return string.format('%s', obj.kind)"), [stored("account-healthy")])
        with self.assertRaisesRegex(AssertionError, "Argo CD has no library io"):
            argo.run(self.script("return require('io')"), [stored("account-healthy")])

    def script(self, text):
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "script.lua"
        path.write_text(text, encoding="utf-8")
        return path


class Snippet(unittest.TestCase):
    """argocd-cm.yaml, as Argo CD reads it: each value is YAML again."""

    def test_it_holds_the_scripts(self):
        config, = render.objects((argo.SCRIPTS / "argocd-cm.yaml").read_text(encoding="utf-8"))
        script = lambda name: (argo.SCRIPTS / name).read_text(encoding="utf-8")
        for kind, names in (("AwsCostAccount", ["reconcile", "suspend", "resume"]), ("CostWarehouse", ["reconcile"])):
            key = f"awscost.io_{kind}"
            self.assertEqual(config["data"].pop(f"resource.customizations.health.{key}"), script("health.lua"))
            head = "apiVersion: v1\nkind: Actions\nmetadata: {name: actions}\n"
            actions, = render.objects(head + config["data"].pop(f"resource.customizations.actions.{key}"))
            self.assertEqual(actions["discovery.lua"], script("actions/discovery.lua"))
            self.assertEqual(actions["definitions"], [
                {"name": name, "action.lua": script(f"actions/{name}.lua")} for name in names])
        self.assertEqual(config["data"], {}, "and nothing else of Argo CD's is touched")


if __name__ == "__main__":
    unittest.main()
