"""200 accounts whose facts grow old in 10 seconds, for two minutes: each is looked at again and again, and once all have
their verdict nothing is written to the API server but the lease. An operator, an API server and a sandbox of its own."""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e import versions
from tests.e2e.cluster import REPOSITORY, TARGET, audit, eventually, run
from tests.gitops import judge

ACCOUNTS = 200
SECONDS = 120
LOOKS = 5
NAMESPACE = "fleet"
MANAGEMENT = "100000000000"
PAYERS_ROLE = "arn:aws:iam::{account}:role/awscost"


def world():
    """An organization of 200 members, each with a role that trusts the operator with an external ID of its own."""
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:user/operator"}, "Action": "sts:AssumeRole"}]}
    read = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "organizations:DescribeOrganization", "Resource": "*"}]}
    accounts = {"999988887777": {"name": "Operator", "users": [{
        "name": "operator", "accessKeys": [{"id": "AKIAFLEETOPERATOR001", "secret": "fleet-secret"}],
        "policies": {"assume": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}}}]},
        MANAGEMENT: {"name": "Payer"}}
    for number in range(ACCOUNTS):
        account = f"2{number:011}"
        own = json.loads(json.dumps(trust))
        own["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": f"fleet-{number:04}-external-id"}}
        accounts[account] = {"name": f"Member {number}",
                             "roles": [{"name": "awscost", "trust": own, "policies": {"read": read}}]}
    members = [{"id": f"2{number:011}", "name": f"Member {number}"} for number in range(ACCOUNTS)]
    return {"accounts": accounts,
            "organizations": [{"id": "o-fleet00001", "management": MANAGEMENT, "members": members}]}


def objects():
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for number in range(ACCOUNTS):
        account, name = f"2{number:011}", f"member-{number:04}"
        yield {"apiVersion": "v1", "kind": "Secret", "stringData": {"externalId": f"fleet-{number:04}-external-id"},
               "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"awscost.io/use": "external-id"}}}
        yield {"apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
               "metadata": {"name": name, "namespace": NAMESPACE},
               "spec": {"accountId": account, "accountType": "Member", "access": {
                   "roleArn": PAYERS_ROLE.format(account=account), "externalIdSecretRef": {"name": name}}}}


class Fleet(unittest.TestCase):
    """One operator and 200 accounts."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="awscost-fleet-"))
        self.cluster = pathlib.Path("/var/tmp/awscost-fleet")
        self.processes = []
        self.addCleanup(self.stop)
        run(str(REPOSITORY / "tests/cluster/up"), "--name", "fleet", "--dir", str(self.cluster), "--api-only")
        self.environment = dict(os.environ, KUBECONFIG=str(self.cluster / "kubeconfig"))

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=90)
        run(str(REPOSITORY / "tests/cluster/down"), "--name", "fleet", "--dir", str(self.cluster), check=False)
        shutil.rmtree(self.folder)

    def start(self, name, *arguments, **environment):
        log = self.folder / f"{name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT,
                                       env=dict(self.environment, **environment))
        self.processes.append(process)
        return log

    def kubectl(self, *arguments, text=None):
        done = subprocess.run(["kubectl", *arguments], input=text, capture_output=True, text=True,
                              env=self.environment, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done.stdout

    def ready(self):
        items = json.loads(self.kubectl("-n", NAMESPACE, "get", "awscostaccounts", "-o", "json"))["items"]
        return sum(any(each["type"] == "Ready" and each["status"] == "True"
                       for each in item.get("status", {}).get("conditions", [])) for item in items)

    def test_looks_go_on_and_writes_do_not(self):
        (self.folder / "world.yaml").write_text(json.dumps(world()), encoding="utf-8")
        port = 14566
        self.start("sandbox", str(TARGET / "debug/awscost-sandbox"), "serve",
                   "--world", str(self.folder / "world.yaml"), "--listen", f"127.0.0.1:{port}")

        def sandbox(path, method="GET"):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/_sandbox/{path}", method=method)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        def is_up():
            try:
                return sandbox("healthz")
            except OSError:
                return None

        eventually("the sandbox answers", is_up, 30)
        self.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        documents = "\n---\n".join(json.dumps(each) for each in objects())
        self.kubectl("apply", "--server-side", "-f", "-", text=documents)
        (self.folder / "operator.yaml").write_text(json.dumps({
            "image": "none", "watch": {"namespaces": [NAMESPACE]}, "metrics": {"address": "127.0.0.1:0"},
            "tenancy": {"rules": [{"namespaces": [NAMESPACE], "roleArns": [PAYERS_ROLE.format(account="*")]}]},
            "testing": {"factAge": "10s", "firstLookSpread": "5s", "stsCallsPerSecond": 200},
        }), encoding="utf-8")
        log = self.start(
            "operator", str(TARGET / "debug/awscost"), "operator", "--config", str(self.folder / "operator.yaml"),
            POD_NAME="fleet", POD_NAMESPACE=NAMESPACE, AWS_REGION="us-east-1",
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_ACCESS_KEY_ID="AKIAFLEETOPERATOR001",
            AWS_SECRET_ACCESS_KEY="fleet-secret", AWS_EC2_METADATA_DISABLED="true")
        try:
            eventually("all accounts are Ready", lambda: self.ready() == ACCOUNTS, 180)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text(encoding='utf-8')[-3000:]}") from error

        # Reconciles that were under way may still write once; from here on nothing may.
        time.sleep(5)
        sandbox("calls", "DELETE")
        started = time.time()
        time.sleep(SECONDS)
        looked = collections.Counter(
            call["parameters"].get("RoleArn") for call in sandbox("calls?service=sts&operation=AssumeRole"))
        fewest = min(looked[PAYERS_ROLE.format(account=f"2{number:011}")] for number in range(ACCOUNTS))
        writes = collections.Counter(
            (event["verb"], event["objectRef"]["resource"])
            for event in audit(self.cluster / "log/audit.log")
            if event["verb"] in ("create", "update", "patch", "delete")
            and event["requestReceivedTimestamp"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started))
            and "awscost" in event.get("userAgent", "") + event["objectRef"].get("apiGroup", "")
        )
        print(f"{ACCOUNTS} accounts, {SECONDS} s: fewest looks {fewest}, writes {dict(writes)}")
        self.assertGreaterEqual(fewest, LOOKS, "looks at the least watched account")
        self.assertEqual({what for what in writes if what[1] != "leases"}, set(), "writes that are not the lease")
        _, wrong = judge.statuses(versions.by_object(self.cluster / "log/audit.log"))
        self.assertEqual(wrong, [], "every version reads well")


if __name__ == "__main__":
    unittest.main()
