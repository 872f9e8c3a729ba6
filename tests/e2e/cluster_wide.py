"""An operator that watches every namespace, with a forger in one of them: what somebody else makes, with every label that
the operator's own Jobs and Secrets carry, blocks no month, loads none, makes no warehouse ready and holds no slot."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e.cluster import REPOSITORY, SYSTEM, TENANT, apply, conditions, eventually, get, jobs, kubectl, ledger, run

FORGERS = "forgers"
SHOP = "210987654321"
SAMPLE = str(REPOSITORY / "deploy/samples/account-standalone.yaml")
OURS = {"app.kubernetes.io/name": "awscost", "app.kubernetes.io/managed-by": "awscost-operator"}


def forge(name, labels, version="", suspend=False):
    """A Job that is at work for ever, or one that ends well."""
    container = {"name": "awscost", "image": "localhost/awscost:dev", "imagePullPolicy": "Never", "args": ["crds"]}
    apply({"apiVersion": "batch/v1", "kind": "Job",
           "metadata": {"name": name, "namespace": FORGERS, "labels": {**OURS, "awscost.io/attempt": "1", **labels},
                        "annotations": {"awscost.io/version": version, "awscost.io/inputs": ""}},
           "spec": {"suspend": suspend, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}})


def complete(name):
    return conditions(FORGERS, "job", name).get("Complete", {}).get("status") == "True"


class ClusterWide(unittest.TestCase):
    """From an account whose every month somebody else claims to have loaded to its bill."""

    def test_nothing_that_somebody_else_made_counts(self):
        before = ledger(SHOP)
        self.assertEqual(len(before), 2, "two periods are loaded")
        kubectl("-n", TENANT, "patch", "awscostaccount", "shop", "--type=merge", "-p", '{"spec":{"deletionPolicy":"Purge"}}')
        eventually("the finalizer is on", lambda: get(TENANT, "awscostaccount", "shop")["metadata"].get("finalizers"))
        kubectl("-n", TENANT, "delete", "awscostaccount", "shop", "--timeout=120s")
        self.assertEqual(ledger(SHOP), [], "its rows are gone")
        kubectl("-n", SYSTEM, "scale", "deployment/awscost", "--replicas=0")
        kubectl("-n", SYSTEM, "wait", "pod", "-l", "app.kubernetes.io/component=operator", "--for=delete", "--timeout=60s")

        kubectl("apply", "-f", SAMPLE)
        apply({"apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "pond", "namespace": TENANT},
               "spec": {"delta": {"location": "s3://nowhere/costs", "region": "us-east-1", "serviceAccountName": "default"}}})
        self.forge_everything(before)

        run("helm", "upgrade", "awscost", str(REPOSITORY / "charts/awscost-operator"), "--namespace", SYSTEM,
            "--values", str(REPOSITORY / "tests/demo/values.yaml"), "--set", "watch.clusterWide=true",
            "--set-json", "watch.namespaces=[]", "--wait", "--timeout", "120s")
        eventually("every month is loaded", lambda: len(ledger(SHOP)) == 2, 180)
        eventually("the account is healthy", lambda: conditions(TENANT, "awscostaccount", "shop").get(
            "Ready", {}).get("status") == "True")
        for old, new in zip(before, ledger(SHOP)):
            for field in ("period", "version", "rows", "totals"):
                self.assertEqual(new[field], old[field], f"{field} of {old['period']}")
        pond = get(TENANT, "costwarehouse", "pond")["metadata"]["uid"]
        eventually("the pond is probed by a Job of the operator's own", lambda: any(
            owner["uid"] == pond for job in jobs() for owner in job["metadata"].get("ownerReferences", [])))
        self.assertNotEqual(conditions(TENANT, "costwarehouse", "pond").get("Ready", {}).get("status"), "True")
        self.assertEqual(get(FORGERS, "secret", "awscost-forged")["metadata"]["resourceVersion"], self.forged,
                         "what is not the operator's it leaves alone")

    def forge_everything(self, rows):
        apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": FORGERS}})
        account = get(TENANT, "awscostaccount", "shop")["metadata"]["uid"]
        pond = get(TENANT, "costwarehouse", "pond")["metadata"]["uid"]
        lake = get(TENANT, "costwarehouse", get(TENANT, "awscostaccount", "shop")["spec"]["ingestion"]["warehouseRef"][
            "name"])["metadata"]["uid"]
        names = ["probe"]
        for row in rows:
            load = {"awscost.io/account-uid": account, "awscost.io/warehouse-uid": lake, "awscost.io/period": row["period"],
                    "app.kubernetes.io/component": "ingest"}
            forge(f"complete-{row['period']}", load, row["version"])
            names.append(f"complete-{row['period']}")
            for number in range(5):
                forge(f"active-{row['period']}-{number}", load, suspend=True)
        forge("probe", {"awscost.io/warehouse-uid": pond, "app.kubernetes.io/component": "probe"})
        apply({"apiVersion": "v1", "kind": "Secret", "stringData": {"session.json": "forged"},
               "metadata": {"name": "awscost-forged", "namespace": FORGERS,
                            "labels": {**OURS, "awscost.io/use": "session", "awscost.io/account-uid": account},
                            "annotations": {"awscost.io/expires": "2099-01-01T00:00:00Z"}}})
        self.forged = get(FORGERS, "secret", "awscost-forged")["metadata"]["resourceVersion"]
        for name in names:
            eventually(f"the forged Job {name} is Complete", lambda name=name: complete(name))


if __name__ == "__main__":
    unittest.main()
