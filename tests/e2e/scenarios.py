"""What must hold on a real node, once the demo's two accounts are loaded. Run in order; each leaves the cluster healthy."""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e.cluster import (
    AWS, AWSCOST, DEMO, LAKE, REPOSITORY, SYSTEM, TENANT,
    apply, audit, conditions, eventually, forms, get, jobs, kubectl, ledger, run, sandbox,
)
from tests.e2e import drift, versions
from tests.gitops import argo, judge

OPERATOR = f"system:serviceaccount:{SYSTEM}:awscost"
EXTERNAL_IDS = ("acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10", "shop-7a1de5f4-9a1c-4f0b-8a3e-6f2c1b7d3e42")
KEYS = {"accessKeyId": "AKIASHOPREADER000001", "secretAccessKey": "reader-secret-of-the-sandbox"}
GOOD = ("Ready", "DataCurrent", "TotalsVerified")
RUNNING_SINCE = time.time()


def healthy(name):
    found = conditions(TENANT, "awscostaccount", name)
    return all(found.get(wanted, {}).get("status") == "True" for wanted in GOOD)


def ask_for_a_look(name):
    kubectl("-n", TENANT, "annotate", "awscostaccount", name, "--overwrite",
            f"awscost.io/reconcile-at={time.time_ns()}")


def totals_of(account, period):
    return json.loads((DEMO / "totals" / f"{account}-{period}.json").read_text(encoding="utf-8"))["totals"]


def loads_by_version():
    """How many ingest Jobs there are for each (account, period, version)."""
    counts = collections.Counter()
    for job in jobs():
        arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
        if arguments[0] == "ingest":
            said = dict(argument.split("=", 1) for argument in arguments[1:] if "=" in argument)
            counts[tuple(said[option] for option in ("--connection", "--period", "--expect-version"))] += 1
    return counts


def support_bundle(*more):
    """Every file of a new bundle of everything, by name."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/bundle.tar.gz"
        run(AWSCOST, "support-bundle", "--all-namespaces", "--output", path, *more)
        with tarfile.open(path) as archive:
            return {each.name: archive.extractfile(each).read().decode() for each in archive.getmembers()}


class GitOps(unittest.TestCase):
    """What a person does in Argo CD, by its own scripts on the live object."""

    def take(self, action):
        kubectl("replace", "-f", "-", text=json.dumps(argo.act(action, get(TENANT, "awscostaccount", "shop"))))

    def health(self):
        return argo.health([get(TENANT, "awscostaccount", "shop")])[0][0]

    def test_00_argo_cds_actions(self):
        self.assertEqual(self.health(), "Healthy")
        self.take("reconcile")
        wish = get(TENANT, "awscostaccount", "shop")["metadata"]["annotations"]["awscost.io/reconcile-at"]
        eventually("the wish is answered", lambda: get(TENANT, "awscostaccount", "shop")["status"].get(
            "lastHandledReconcileAt") == wish)
        self.take("suspend")
        self.assertEqual(self.health(), "Suspended")
        self.assertEqual(argo.offered(get(TENANT, "awscostaccount", "shop")), {"resume"})
        self.take("resume")
        eventually("the account is healthy", lambda: self.health() == "Healthy")
        self.assertEqual(get(TENANT, "awscostaccount", "shop")["spec"], self.declared(), "the spec is what Git says")

    def declared(self):
        sample = REPOSITORY / "deploy/samples/account-standalone.yaml"
        return json.loads(kubectl("create", "--dry-run=client", "-o", "json", "-f", str(sample)))["spec"]


class MainJob(unittest.TestCase):
    """The demo's result, held against the generator and other engines."""

    def test_01_the_ledger_equals_the_generator(self):
        rows = ledger("210987654321")
        self.assertEqual(len(rows), 2, "two periods of the standalone account are loaded")
        for row in rows:
            expected = totals_of("210987654321", row["period"])
            self.assertEqual(row["rows"], expected["rows"])
            for currency, sums in expected["perCurrency"].items():
                self.assertEqual(row["totals"][currency]["unblended"], sums["unblended"], f"{row['period']} {currency}")

    def test_02_other_engines_read_the_same(self):
        costs = f"{DEMO}/volumes/lake/costs"
        expected = [
            (row["connection"], row["period"], currency, sums["rows"], sums["unblended"])
            for row in ledger() for currency, sums in sorted(row["totals"].items())
        ]
        read, answers = str(REPOSITORY / "tests/engines/read.py"), {}
        asked = expected[0][:2]
        for engine in ("duckdb", "delta-rs", "polars", "clickhouse", "spark"):
            with self.subTest(engine=engine):
                output = run(sys.executable, read, engine, costs).stdout
                found = json.loads(output.strip().splitlines()[-1])
                keys = ("connection", "period", "currency", "rows", "unblended")
                self.assertEqual([tuple(row[key] for key in keys) for row in found], expected)
                output = run(sys.executable, read, engine, costs, "documented", *asked).stdout
                answers[engine] = sorted(json.loads(output.strip().splitlines()[-1]), key=str)
        self.assertTrue(answers["duckdb"], "somebody owns something")
        for engine, answer in answers.items():
            self.assertEqual(answer, answers["duckdb"], f"what docs/costs-table.md asks, answered by {engine}")

    def test_03_kubectl_explain_knows_every_field(self):
        for kind in ("awscostaccount", "costwarehouse"):
            text = kubectl("explain", f"{kind}.spec", "--recursive=false")
            self.assertNotIn("<no description>", text)


class Recovery(unittest.TestCase):
    """What may be killed, deleted or delivered again without a wrong number."""

    def test_10_deleting_the_operator_while_it_works(self):
        before = loads_by_version()
        period = max(row["period"] for row in ledger("210987654321"))
        run(str(REPOSITORY / "tests/demo/deliver"), "210987654321", "report", "shop-cur", period,
            '{"rows": 8000, "files": 3, "seed": 12, "options": {"version": 2}}')
        expected = totals_of("210987654321", period)["perCurrency"]["USD"]["unblended"]
        ask_for_a_look("shop")
        for moment in range(4):
            kubectl("-n", SYSTEM, "delete", "pod", "-l", "app.kubernetes.io/name=awscost", "--wait=false")
            kubectl("-n", SYSTEM, "rollout", "status", "deployment/awscost", "--timeout=120s")
            time.sleep(0.3 * moment)  # a different moment of its work each time, not a wait for anything
        eventually("the new version is loaded", lambda: healthy("shop") and any(
            row["period"] == period and row["totals"]["USD"]["unblended"] == expected
            for row in ledger("210987654321")), 240)
        for version, count in (loads_by_version() - before).items():
            self.assertEqual(count, 1, f"one Job for {version}")

    def test_11_delete_and_apply_again_doubles_nothing(self):
        before = ledger("210987654321")
        kubectl("-n", TENANT, "delete", "awscostaccount", "shop", "--timeout=60s")
        eventually("the account's Jobs are gone", lambda: not any(
            "210987654321" in json.dumps(job["spec"]) for job in jobs()))
        kubectl("apply", "-f", str(REPOSITORY / "deploy/samples/account-standalone.yaml"))
        eventually("the account is healthy again", lambda: healthy("shop"), 180)
        self.assertEqual(ledger("210987654321"), before, "the ledger did not change: nothing was loaded a second time")

    def test_13_a_purged_account_takes_its_rows_along(self):
        others = ledger("123456789012")
        kubectl("-n", TENANT, "patch", "awscostaccount", "shop", "--type=merge", "-p", '{"spec":{"deletionPolicy":"Purge"}}')
        eventually("the finalizer is on", lambda: "awscost.io/purge" in get(
            TENANT, "awscostaccount", "shop")["metadata"].get("finalizers", []))
        kubectl("-n", TENANT, "delete", "awscostaccount", "shop", "--timeout=180s")
        self.assertEqual(ledger("210987654321"), [], "its rows are gone")
        self.assertEqual(ledger("123456789012"), others, "and nobody else's")
        kubectl("apply", "-f", str(REPOSITORY / "deploy/samples/account-standalone.yaml"))
        eventually("the account is loaded anew", lambda: healthy("shop"), 240)
        self.assertEqual(len(ledger("210987654321")), 2)

    def test_12_a_running_loads_session_is_renewed(self):
        document = json.loads(kubectl("create", "--dry-run=client", "-o", "json", "-f",
                                      str(REPOSITORY / "deploy/samples/account-standalone.yaml")))
        document["metadata"] = {"name": "waiting", "namespace": TENANT}
        document["spec"]["ingestion"]["nodeSelector"] = {"kubernetes.io/hostname": "no-such-node"}
        apply(document)
        try:
            uid = get(TENANT, "awscostaccount", "waiting")["metadata"]["uid"]

            def session():
                return next((each for each in get(TENANT, "secrets")["items"]
                             if any(owner["uid"] == uid for owner in each["metadata"].get("ownerReferences", []))), None)

            name = eventually("a load waits for a node", session)["metadata"]["name"]
            kubectl("-n", TENANT, "annotate", "secret", name, "--overwrite", "awscost.io/expires=2026-01-01T00:00:00Z")
            ask_for_a_look("waiting")
            eventually("the session is renewed", lambda: session()["metadata"]["annotations"][
                "awscost.io/expires"] > "2026-01-01T00:00:00Z")
        finally:
            kubectl("-n", TENANT, "delete", "awscostaccount", "waiting")


class Onboarding(unittest.TestCase):
    """docs/onboarding.md as a reader follows it, letter by letter, for the account that nobody has connected yet."""

    def test_15_from_nothing_to_the_bill_in_ten_commands(self):
        page = (REPOSITORY / "docs/onboarding.md").read_text(encoding="utf-8")
        walk = page[:page.index("## What `awscost onboard` prints")]
        *connect, see = re.findall(r"^```\n(.*?)^```$", walk, re.MULTILINE | re.DOTALL)
        ask, show = see.splitlines()
        script = "".join([*connect, see])
        bodiless = re.sub(r"<<'(\w+)'\n.*?^\1$", "", script, flags=re.MULTILINE | re.DOTALL).replace("\\\n", " ")
        commands = list(filter(None, map(str.strip, bodiless.splitlines())))
        self.assertLessEqual(len(commands), 10, commands)

        with tempfile.TemporaryDirectory() as folder:
            def typed(text):
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", f"source {DEMO}/globex; {text}"],
                                      cwd=folder, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                return done.stdout

            typed("".join(connect))
            # What is delivered after the first look is found at the next, which is an hour off unless somebody asks.
            eventually("the sandbox has delivered", lambda: 'delivered","account":"345678901234"' in kubectl(
                "-n", AWS, "logs", "deployment/aws", "--tail=-1"))
            self.assertIn("Ready True", typed(ask))
            eventually("the first delivery is loaded", lambda: healthy("globex-payer"), 240)
            self.assertRegex(typed(show), r"TOTAL +[0-9.]+ +USD")
        kubectl("-n", TENANT, "delete", "awscostaccount", "globex-payer", "--timeout=60s")


class RoleInsteadOfKeys(unittest.TestCase):
    """The deprecated way into an account, and the way from there to a role."""

    SHOP = "210987654321"

    def deliver(self, seed):
        """A new version of the newest bill; from here on it is asked who reads bills."""
        self.reads_before = len(self.reads())
        self.period = max(row["period"] for row in ledger(self.SHOP))
        run(str(REPOSITORY / "tests/demo/deliver"), self.SHOP, "report", "shop-cur", self.period,
            json.dumps({"rows": 2000, "seed": seed}))

    def reads(self):
        return [call for call in sandbox("calls?service=s3&operation=GetObject")
                if call["parameters"].get("Bucket") == "shop-billing" and call["parameters"]["Key"].endswith(".csv.gz")]

    def readers(self):
        return {call["principal"] for call in self.reads()[self.reads_before:]}

    def is_current(self):
        """True if the newest delivery is loaded and the account healthy, as its spec is now."""
        account = get(TENANT, "awscostaccount", "shop")
        observed = account.get("status", {}).get("observedGeneration")
        expected = totals_of(self.SHOP, self.period)["perCurrency"]["USD"]["unblended"]
        return observed == account["metadata"]["generation"] and healthy("shop") and any(
            row["period"] == self.period and row["totals"]["USD"]["unblended"] == expected for row in ledger(self.SHOP))

    def what_is_loaded(self):
        costs = run(AWSCOST, "costs", "--warehouse", LAKE, "--group-by", "line-item-type", "-o", "json").stdout
        return ledger(self.SHOP), costs, loads_by_version()

    def test_16_an_account_with_keys_moves_to_a_role_and_loses_nothing(self):
        over_a_role = json.loads(kubectl("create", "--dry-run=client", "-o", "json", "-f",
                                         str(REPOSITORY / "deploy/samples/account-standalone.yaml")))
        with_keys = {**over_a_role, "spec": {**over_a_role["spec"], "access": {"accessKeySecretRef": {"name": "shop-keys"}}}}
        policy = run(AWSCOST, "onboard", "policy", "-f", "-", text=json.dumps(with_keys)).stdout
        sandbox("world", {"accounts": {self.SHOP: {"users": [{
            "name": "reader", "policies": {"read-costs": json.loads(policy)},
            "accessKeys": [{"id": KEYS["accessKeyId"], "secret": KEYS["secretAccessKey"]}]}]}}})
        apply({"apiVersion": "v1", "kind": "Secret", "stringData": KEYS, "metadata": {
            "name": "shop-keys", "namespace": TENANT, "labels": {"awscost.io/use": "access-key"}}})
        kubectl("-n", TENANT, "delete", "awscostaccount", "shop", "--timeout=60s")
        self.deliver(seed=31)
        apply(with_keys)
        eventually("a bill is loaded with the keys", self.is_current, 180)
        self.assertEqual(self.readers(), {f"arn:aws:sts::{self.SHOP}:federated-user/awscost-ingest"}, "who read it")
        deprecated = conditions(TENANT, "awscostaccount", "shop")["Deprecated"]
        self.assertEqual((deprecated["status"], deprecated["reason"]), ("True", "IamUserKeys"))

        account, loaded = get(TENANT, "awscostaccount", "shop"), self.what_is_loaded()
        to_a_role = {"spec": {"access": {"accessKeySecretRef": None, **over_a_role["spec"]["access"]}}}
        kubectl("-n", TENANT, "patch", "awscostaccount", "shop", "--type=merge", "-p", json.dumps(to_a_role))
        eventually("the account is healthy over the role", self.is_current)
        moved = get(TENANT, "awscostaccount", "shop")
        self.assertEqual(moved["metadata"]["uid"], account["metadata"]["uid"], "the object stayed")
        self.assertEqual(self.what_is_loaded(), loaded, "nothing was lost, and nothing loaded again")
        self.assertNotIn("Deprecated", conditions(TENANT, "awscostaccount", "shop"))

        kubectl("-n", TENANT, "delete", "secret", "shop-keys")
        self.deliver(seed=32)
        ask_for_a_look("shop")
        eventually("the next delivery is loaded", self.is_current, 180)
        self.assertEqual(self.readers(), {f"arn:aws:sts::{self.SHOP}:assumed-role/awscost/awscost-ingest"}, "who read it")


class Security(unittest.TestCase):
    """Who may not do what."""

    def test_20_a_tenant_that_names_a_foreign_role_gets_nothing(self):
        role = "arn:aws:iam::555555555555:role/awscost"
        document = json.loads(kubectl("create", "--dry-run=client", "-o", "json", "-f",
                                      str(REPOSITORY / "deploy/samples/account-standalone.yaml")))
        document["metadata"] = {"name": "thief", "namespace": TENANT}
        document["spec"]["accountId"] = "555555555555"
        document["spec"]["access"]["roleArn"] = role
        apply(document)
        try:
            condition = eventually("the operator has a verdict", lambda: conditions(
                TENANT, "awscostaccount", "thief").get("RoleAssumable"))
            self.assertEqual(condition["reason"], "RoleNotAllowedInNamespace")
            self.assertNotIn(role, json.dumps(sandbox("calls")), "no call named the role")
            self.assertFalse([job for job in jobs() if "555555555555" in json.dumps(job["spec"])], "no Job")
            uid = get(TENANT, "awscostaccount", "thief")["metadata"]["uid"]
            owned = [each for each in get(TENANT, "secrets")["items"]
                     if any(owner["uid"] == uid for owner in each["metadata"].get("ownerReferences", []))]
            self.assertFalse(owned, "no Secret")
        finally:
            kubectl("-n", TENANT, "delete", "awscostaccount", "thief")

    def test_21_the_operators_own_token_is_bounded(self):
        token = kubectl("-n", SYSTEM, "create", "token", "awscost").strip()

        def refused(document):
            done = run("kubectl", "--token", token, "create", "-f", "-", check=False, text=json.dumps(document))
            self.assertNotEqual(done.returncode, 0, "the API server must refuse")
            return done.stderr

        secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                  "metadata": {"name": "awscost-token", "namespace": TENANT,
                               "annotations": {"kubernetes.io/service-account.name": "default"}}}
        self.assertIn("only Opaque Secrets", refused(secret))
        self.assertIn("named awscost-", refused({"apiVersion": "v1", "kind": "Secret",
                                                 "metadata": {"name": "other", "namespace": TENANT}}))
        job = next(job for job in jobs())
        job = {"apiVersion": "batch/v1", "kind": "Job",
               "metadata": {"name": "awscost-other-image", "namespace": TENANT}, "spec": job["spec"]}
        for key in ("selector", "manualSelector"):
            job["spec"].pop(key, None)
        job["spec"]["template"]["metadata"] = {}
        job["spec"]["template"]["spec"]["containers"][0]["image"] = "localhost/other:dev"
        self.assertIn("only the configured image", refused(job))

    def test_22_external_ids_and_keys_appear_nowhere(self):
        address = kubectl("-n", SYSTEM, "get", "service", "awscost", "-o", "jsonpath={.spec.clusterIP}")
        places = {
            "the operator's log": kubectl("-n", SYSTEM, "logs", "deployment/awscost", "--tail=-1"),
            "metrics": run("curl", "--silent", "--fail", "--retry", "60", "--retry-connrefused", "--retry-delay", "1",
                           f"http://{address}:8080/metrics").stdout,
            "accounts": kubectl("get", "awscostaccounts,costwarehouses", "-A", "-o", "yaml"),
            "Jobs and pods": kubectl("get", "jobs,pods", "-A", "-o", "yaml"),
            "events": kubectl("get", "events.events.k8s.io", "-A", "-o", "yaml"),
            "config maps": kubectl("-n", SYSTEM, "get", "configmaps", "-o", "yaml"),
        }
        for pod in get(TENANT, "pods")["items"]:
            name = pod["metadata"]["name"]
            places[f"the log of {name}"] = run("kubectl", "-n", TENANT, "logs", name, check=False).stdout
        places.update(support_bundle())
        for secret in (*EXTERNAL_IDS, KEYS["secretAccessKey"]):
            for place, text in places.items():
                for form, value in forms(secret).items():
                    self.assertNotIn(value, text, f"a secret stands {form} in {place}")

    def test_23_a_bundle_of_a_running_operator_has_its_log_and_metrics(self):
        files = support_bundle("--mask")
        ends = {"accounts.json": "acme-payer", ".log.jsonl": "awscost::", ".metrics.txt": "awscost_leader 1",
                "lease.json": "holderIdentity", "settings.json": TENANT, "jobs.json": "--expect-version"}
        for end, words in ends.items():
            found = [text for name, text in files.items() if name.endswith(end)]
            self.assertTrue(found, f"no {end} in {sorted(files)}")
            self.assertIn(words, "".join(found), end)
        for name, text in files.items():
            for known in ("123456789012", "210987654321", "acme-billing", "role/awscost"):
                self.assertNotIn(known, text, f"{known} is in {name} though it is masked")

    def test_24_an_administrator_sees_a_whole_installation(self):
        done = run(AWSCOST, "preflight", "--namespace", SYSTEM, "-o", "json", check=False)
        report = json.loads(done.stdout)
        amiss = [each for each in report["checks"] if each["verdict"] != "Pass"]
        self.assertEqual((amiss, done.returncode), ([], 0), done.stdout)
        self.assertEqual(report["leftToTheOperator"]["checks"], ["OwnRights", "AwsIdentity", "Clock"])


class WholeRun(unittest.TestCase):
    """The whole run, as the API server's audit log saw it."""

    def test_90_nothing_denied_and_nothing_unused(self):
        allowed = set()
        for role in json.loads(kubectl("get", "roles", "-A", "-l", "app.kubernetes.io/name=awscost", "-o", "json"))["items"]:
            for rule in role["rules"]:
                allowed |= {(group, resource, verb) for group in rule["apiGroups"]
                            for resource in rule["resources"] for verb in rule["verbs"]}
        used, denied = set(), []
        for event in audit():
            if event["user"]["username"] != OPERATOR or "kubectl" in event.get("userAgent", ""):
                continue
            reference = event.get("objectRef")
            if reference is None:
                continue
            resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
            used.add((reference.get("apiGroup", ""), resource, event["verb"]))
            if event["responseStatus"].get("code") == 403:
                denied.append(f"{event['verb']} {event['requestURI']}")
        self.assertFalse(denied, "denied calls")
        self.assertEqual(used - allowed, set(), "used, though no rule of the chart grants it")
        self.assertEqual(allowed - used, set(), "granted, though the operator never used it")

    def test_91_every_version_of_every_object_reads_well(self):
        pairs, wrong = judge.statuses(versions.by_object())
        print(f"\n{sum(pairs.values())} versions: {dict(pairs)}")
        self.assertEqual(wrong, [])
        met = {health for _, health in pairs}
        self.assertEqual(met, {"Healthy", "Progressing", "Degraded", "Suspended"}, "each health was met")
        self.assertTrue({"Current", "InProgress", "Failed", "Terminating"}.issuperset(reading for reading, _ in pairs))

    def test_92_the_operator_wrote_status_and_its_finalizer_alone(self):
        histories = versions.by_object()
        count, wrong = judge.written(histories, lambda version: version.writer == OPERATOR)
        self.assertEqual(wrong, [])
        self.assertGreater(count, 20, "the operator's writes are found")
        managers = {manager for history in histories for manager in drift.managers(history, OPERATOR)}
        self.assertTrue(managers, "the API server says who manages status")
        for version in (version for history in histories for version in history):
            for manager in managers:
                self.assertEqual(drift.owned(version.object, manager), [], f"{version.name}: fields of {manager}")

    def test_93_what_is_declared_is_what_is_there(self):
        done = run("kubectl", "diff", "--server-side", "--force-conflicts", "--field-manager=gitops",
                   "-k", str(REPOSITORY / "tests/demo/samples"), check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)


if __name__ == "__main__":
    unittest.main()
