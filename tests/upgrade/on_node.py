"""An operator that an older version installed is upgraded to this tree's and rolled back, with helm, while it has accounts that are
loaded: tests/upgrade/run lays the ground."""

import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e import scenarios, versions
from tests.e2e.cluster import REPOSITORY, SYSTEM, TENANT, conditions, eventually, get, jobs, kubectl, ledger, run
from tests.gitops import judge

ACCOUNTS = ("acme-payer", "shop")
WAREHOUSES = ("lake", "volume")
SHOP = "210987654321"


def account(name):
    """What of an account must outlive an upgrade."""
    found = get(TENANT, "awscostaccount", name)
    return {"uid": found["metadata"]["uid"], "generation": found["metadata"]["generation"], "spec": found["spec"],
            "periods": found["status"]["periods"], "lastSuccess": found["status"]["ingestion"]["lastSuccess"]}


def picture():
    return {"accounts": {name: account(name) for name in ACCOUNTS}, "ledger": ledger(), "loads": scenarios.loads_by_version(),
            "jobs": {job["metadata"]["uid"] for job in jobs() if job["spec"]["template"]["spec"]["containers"][0]["args"][0] == "ingest"}}


def ask_and_wait():
    """Every account is asked for a look and healthy, every warehouse probed by the operator that now works."""
    wish = str(time.time_ns())
    for kind, names in (("awscostaccount", ACCOUNTS), ("costwarehouse", WAREHOUSES)):
        for name in names:
            kubectl("-n", TENANT, "annotate", kind, name, "--overwrite", f"awscost.io/reconcile-at={wish}")
    for name in WAREHOUSES:
        eventually(f"the warehouse {name} is ready", lambda name=name: get(TENANT, "costwarehouse", name)["status"].get(
            "lastHandledReconcileAt") == wish and conditions(TENANT, "costwarehouse", name)["Ready"]["status"] == "True", 180)
    for name in ACCOUNTS:
        eventually(f"{name} is healthy", lambda name=name: get(TENANT, "awscostaccount", name)["status"].get(
            "lastHandledReconcileAt") == wish and scenarios.healthy(name), 180)


class Upgrade(unittest.TestCase):
    """Up and back, with a bill delivered in between."""

    maxDiff = None

    def assert_runs(self, tag):
        kubectl("-n", SYSTEM, "rollout", "status", "deployment/awscost", "--timeout=120s")
        deployment = get(SYSTEM, "deployment", "awscost")
        self.assertTrue(deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{tag}"), tag)

    def deliver(self):
        """A newer version of the newest bill, loaded."""
        period = max(row["period"] for row in ledger(SHOP))
        run(str(REPOSITORY / "tests/demo/deliver"), SHOP, "report", "shop-cur", period, json.dumps({"rows": 2000, "seed": 41}))
        expected = scenarios.totals_of(SHOP, period)["perCurrency"]["USD"]["unblended"]
        scenarios.ask_for_a_look("shop")
        eventually("the newer bill is loaded", lambda: scenarios.healthy("shop") and any(
            row["period"] == period and row["totals"]["USD"]["unblended"] == expected for row in ledger(SHOP)), 180)

    def test_up_and_back(self):
        self.assert_runs("before")
        before = picture()
        run(str(REPOSITORY / "tests/demo/install"))
        self.assert_runs("dev")
        ask_and_wait()
        self.assertEqual(picture(), before, "after the upgrade: nothing is lost, and nothing is loaded again")

        self.deliver()
        after = picture()
        # The definitions stay, as docs/upgrade.md has it: an older operator passes over what it does not know.
        run("helm", "rollback", "awscost", "1", "--namespace", SYSTEM, "--wait", "--timeout", "120s")
        self.assert_runs("before")
        ask_and_wait()
        self.assertEqual(picture(), after, "after the way back: what the newer version loaded stays, and is loaded once")

        _, wrong = judge.statuses(versions.by_object())
        self.assertEqual(wrong, [], "both versions' statuses read well")


if __name__ == "__main__":
    unittest.main()
