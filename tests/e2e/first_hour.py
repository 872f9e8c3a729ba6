"""The README's "Install" as a reader follows it, letter by letter, on a cluster that has nothing but its node."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e.cluster import AWS, AWSCOST, DEMO, REPOSITORY, TENANT, get, kubectl

ENDPOINT = f"http://aws.{AWS}.svc.cluster.local:4566"
OPERATOR = "arn:aws:iam::123456789012:user/awscost-operator"
MOST_COMMANDS, MOST_SECONDS = 12, 300


def install_path():
    """The code blocks of the README's way, as one script, and the commands in it."""
    page = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Install\n(.*?)^## ", page, re.MULTILINE | re.DOTALL).group(1)
    script = "".join(re.findall(r"^ *```\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL))
    commands = [line.strip() for line in script.replace("\\\n", " ").splitlines() if line.strip()]
    return script, commands


def edit(path, old, new):
    """What the README tells its reader to change in the quickstart's files; here it is where AWS answers."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise AssertionError(f"{path.name} has no {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def environment(folder):
    """Somebody with the programs on the PATH, signed in as the account's administrator."""
    programs = folder / "bin"
    programs.mkdir()
    for name, program in (("awscost", AWSCOST), ("kubectl-awscost", AWSCOST), ("aws", os.environ["AWS_CLI"])):
        (programs / name).symlink_to(program)
    address = kubectl("-n", AWS, "get", "service", "aws", "-o", "jsonpath={.spec.clusterIP}")
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS")}
    return mine | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "CONTAINERD_ADDRESS": f"{DEMO}/run/containerd.sock",
        "AWS_ENDPOINT_URL": f"http://{address}:4566", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIAACMEADMIN0000001", "AWS_SECRET_ACCESS_KEY": "administrator-secret-of-the-sandbox",
    }


class FirstHour(unittest.TestCase):
    """From nothing to Ready."""

    def test_the_readme_leads_from_a_bare_cluster_to_ready(self):
        script, commands = install_path()
        self.assertLessEqual(len(commands), MOST_COMMANDS, commands)
        self.assertGreater(len(commands), 8, "the README's blocks were not found")
        here = {each["metadata"]["name"] for each in json.loads(kubectl("get", "namespaces", "-o", "json"))["items"]}
        self.assertFalse(here & {"awscost-system", TENANT}, "the cluster is bare")

        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for part in ("charts", "deploy"):
                shutil.copytree(REPOSITORY / part, folder / part)
            (folder / "awscost.tar").symlink_to(DEMO / "awscost.tar")
            quickstart = folder / "deploy/quickstart"
            edit(quickstart / "values-keys.yaml", "    AWS_REGION: us-east-1\n",
                 f"    AWS_REGION: us-east-1\n    AWS_ENDPOINT_URL: {ENDPOINT}\n")
            store = json.dumps([{"op": "add", "path": "/spec/delta/endpoint", "value": ENDPOINT},
                                {"op": "add", "path": "/spec/delta/pathStyle", "value": True}])
            edit(quickstart / "kustomization.yaml", "secretGenerator:\n",
                 f"patches:\n  - {{target: {{kind: CostWarehouse}}, patch: '{store}'}}\nsecretGenerator:\n")
            variables = environment(folder)
            started = time.monotonic()
            done = subprocess.run(["bash", "-veuo", "pipefail", "-c", script], cwd=folder, env=variables, check=False,
                                  capture_output=True, text=True, timeout=2 * MOST_SECONDS)
            seconds = time.monotonic() - started
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            print(f"{len(commands)} commands, {seconds:.0f} s to Ready")
            self.assertLessEqual(seconds, MOST_SECONDS, done.stdout + done.stderr)

            account = get(TENANT, "awscostaccount", "acme-payer")
            conditions = {each["type"]: each["status"] for each in account["status"]["conditions"]}
            self.assertEqual(conditions["Ready"], "True", conditions)
            self.assertEqual(account["status"]["identity"]["operator"],
                             {"accountId": "123456789012", "principal": OPERATOR})
            told = subprocess.run(["kubectl", "awscost", "identity"], env=variables, check=True,
                                  capture_output=True, text=True)
            self.assertEqual(told.stdout, f"OPERATOR={OPERATOR}\n")
            self.assertIn("Lease awscost-system/", told.stderr, "it is told without any account, too")
        secret = get(TENANT, "secret", "acme-external-id")
        self.assertEqual(secret["metadata"].get("annotations", {}), {}, "no copy of the external ID beside it")


if __name__ == "__main__":
    unittest.main()
