"""The demo on kind, as an ordinary user, on a machine without Docker: programs that record how they were called stand in for
docker, kind, kubectl, helm and cargo. It shows what the scripts ask of kind and that nothing needs root; not that kind obliges.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ["tests/demo", "tests/cluster", "tests/environment", "tests/sandbox/worlds", "deploy", "charts"]
NOBODY = 65534
BILL = {"totals": {"rows": 3, "perCurrency": {"USD": {"unblended": "1.5"}}}}

# What each program does beside recording that it was called. `$*` are its arguments.
STUBS = {
    "docker": '[[ "$*" != info || ! -e "$STUBS/no-docker" ]]',
    "kind": 'case "$1" in version) printf "kind %s go1.25.1 linux/amd64\\n" "$(cat "$STUBS/kind-version")" ;; esac',
    "kubectl": """
case "$*" in
*"config view"*) printf https://127.0.0.1:6443 ;;
*--dry-run=client*) printf '{}\\n' ;;
*"label --local"*) cat ;;
*"--filename -"*) cat >/dev/null ;;
*--watch*) cat "$STUBS/accounts.json" ;;
esac""",
    "helm": "",
    "rustc": "printf 'rustc 1.95.0\\n'",
    "cargo": 'mkdir -p "$CARGO_TARGET_DIR/debug" && cp "$STUBS"/{awscost,awscost-sandbox} "$CARGO_TARGET_DIR/debug"',
    "strip": 'cp "$3" "$2"',
    "aws": "printf 'aws-cli/2.27.0 \\n'",
    "curl": '[[ "$*" != *@-* ]] || cat >/dev/null; while (($#)); do [[ $1 != --output || $2 == /dev/null ]] || cp "$STUBS/bill.json" "$2"; shift; done',
    "awscost": '[[ "$*" != *ledger* ]] || cat "$STUBS/ledger.json"',
    "awscost-sandbox": "",
    # None of these has a place in the demo of an ordinary user.
    "sudo": "", "apt-get": "", "ctr": "", "go": "",
}
SYSTEM = ("awk basename bash cat cc chmod cp cut date dirname env find getconf grep head id install ldd ln ls mkdir mktemp mv od "
          "python3 realpath rm sed setsid sha256sum sort tail tee touch tr true uname wc xargs").split()


class Machine:
    """A folder with a copy of the scripts, and a PATH of nothing but stubs and what every system has."""

    def __init__(self, folder: str) -> None:
        self.folder = pathlib.Path(folder)
        self.stubs, self.demo = self.folder / "stubs", self.folder / "demo"
        for path in NEEDED:
            shutil.copytree(REPOSITORY / path, self.folder / "checkout" / path, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("stubs", "system", "home"):
            (self.folder / name).mkdir()
        for name, body in STUBS.items():
            script = self.stubs / name
            script.write_text(f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >>"$STUBS/calls"\n{body}\n', encoding="utf-8")
            script.chmod(0o755)
        for name in SYSTEM:
            if found := shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"):
                (self.folder / "system" / name).symlink_to(found)
        (self.stubs / "calls").touch()
        (self.stubs / "kind-version").write_text("v0.30.0", encoding="utf-8")
        (self.stubs / "bill.json").write_text(json.dumps(BILL), encoding="utf-8")
        (self.stubs / "accounts.json").write_text("\n".join(map(json.dumps, map(account, ("acme-payer", "shop")))), encoding="utf-8")
        (self.stubs / "ledger.json").write_text("\n".join(map(json.dumps, ledger())), encoding="utf-8")

    def run(self, *command: str, root: bool = False) -> subprocess.CompletedProcess:
        environment = {"PATH": f"{self.stubs}:{self.folder}/system", "HOME": str(self.folder / "home"), "STUBS": str(self.stubs),
                       "AWSCOST_DEMO_DIR": str(self.demo)}
        drop = {}
        if os.geteuid() == 0 and not root:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.folder], check=True)
            drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return subprocess.run(command, cwd=self.folder / "checkout", env=environment, capture_output=True, text=True, check=False,
                              timeout=120, **drop)

    def calls(self) -> list[str]:
        return (self.stubs / "calls").read_text(encoding="utf-8").splitlines()

    def without(self, *programs: str) -> None:
        for name in programs:
            for folder in ("stubs", "system"):
                (self.folder / folder / name).unlink(missing_ok=True)


def account(name: str) -> dict:
    conditions = [{"type": kind, "status": "True", "reason": "Shown"} for kind in ("Ready", "DataCurrent", "TotalsVerified")]
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def ledger() -> list[dict]:
    """Both accounts' rows of every month that the demo may deliver, as the bill says."""
    months = subprocess.run(["bash", "-c", 'c=$(date -u +%Y-%m); date -u -d "$c-01 -1 day" +%Y-%m; echo "$c"'], check=True,
                            capture_output=True, text=True).stdout.split()
    totals = BILL["totals"]
    return [{"connection": connection, "period": month, "rows": totals["rows"], "totals": totals["perCurrency"]}
            for connection in ("123456789012", "210987654321") for month in months]


class OnKind(unittest.TestCase):
    def setUp(self) -> None:
        # Below /var/tmp, as sockets' paths are short and the user that runs it must get there.
        folder = tempfile.TemporaryDirectory(prefix="kind-", dir="/var/tmp")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.machine = Machine(folder.name)

    def position(self, pattern: str) -> int:
        """Where in the record a call stands that is like this."""
        found = [number for number, call in enumerate(self.machine.calls()) if re.search(pattern, call)]
        self.assertTrue(found, f"no call is like {pattern}:\n" + "\n".join(self.machine.calls()))
        return found[0]

    def test_the_demo_goes_from_an_empty_machine_to_equal_totals_and_away_without_root(self) -> None:
        up = self.machine.run("tests/demo/up")
        self.assertEqual(up.returncode, 0, up.stdout + up.stderr)
        self.assertIn("equal to the last decimal", up.stdout)
        order = [r"^docker info$", r"^kind create cluster --name awscost --kubeconfig \S+/kubeconfig --config \S+/kind.yaml --wait 120s$",
                 r"^kind load image-archive --name awscost \S+/awscost.tar$",
                 r"^kind load image-archive --name awscost \S+/awscost-sandbox.tar$",
                 r"^kubectl -n aws-sandbox patch service aws .*NodePort.*30466",
                 r"^helm upgrade --install awscost-crds ", r"^helm upgrade --install awscost ./charts/awscost-operator",
                 r"^kubectl apply --kustomize tests/demo/samples"]
        positions = [self.position(pattern) for pattern in order]
        self.assertEqual(positions, sorted(positions), "\n".join(self.machine.calls()))
        self.assertEqual([], [call for call in self.machine.calls() if call.split()[0] in ("sudo", "apt-get", "ctr", "go")])

        wanted = yaml.safe_load((self.machine.demo / "run/kind.yaml").read_text(encoding="utf-8"))
        node = wanted["nodes"][0]
        port = node["extraPortMappings"][0]
        self.assertEqual((port["containerPort"], port["listenAddress"]), (30466, "127.0.0.1"), "the sandbox listens on loopback only")
        self.position(rf"^curl .*http://127.0.0.1:{port['hostPort']}/_sandbox/deliver")
        volumes = f"{self.machine.demo}/volumes"
        self.assertIn({"hostPath": volumes, "containerPath": volumes}, node["extraMounts"], "the warehouse's volume is the machine's")
        for patch in node["kubeadmConfigPatches"]:
            self.assertEqual(yaml.safe_load(patch)["kind"], "ClusterConfiguration")

        down = self.machine.run("tests/demo/down")
        self.assertEqual(down.returncode, 0, down.stderr)
        self.assertFalse(self.machine.demo.exists(), "the demo's folder is left")
        cleaned = self.position(rf"^docker exec awscost-control-plane find {volumes} \S+ -mindepth 1 -delete$")
        self.assertLess(cleaned, self.position(r"^kind delete cluster --name awscost "), "what pods wrote goes while the node is there")

    def test_what_is_missing_is_said_at_once_for_both_ways_and_before_anything_is_built(self) -> None:
        (self.machine.stubs / "no-docker").touch()
        (self.machine.stubs / "kind-version").write_text("v0.20.0", encoding="utf-8")
        self.machine.without("helm", "go", "curl", "apt-get")
        up = self.machine.run("tests/demo/up")
        self.assertEqual(up.returncode, 1, up.stdout)
        kind, node = up.stderr.split("On Debian with root it lacks:")
        for lack in ("a Docker that answers this user", "kind 0.29 or newer", "curl", "Go 1.26 or newer, to build kubectl and helm"):
            self.assertIn(lack, kind)
        self.assertEqual(kind.count("\n  - "), 4, kind)
        for lack in ("apt-get", "root", "Go 1.26 or newer, to build the cluster's programs"):
            self.assertIn(lack, node)
        self.assertIn("make try", node)
        self.assertEqual({call.split()[0] for call in self.machine.calls()}, {"docker", "kind", "rustc"}, "only asked, built nothing")

    @unittest.skipUnless(os.geteuid() == 0, "only root can show what root gets")
    def test_root_on_debian_gets_a_node_where_kind_is_not_or_is_not_wanted(self) -> None:
        (self.machine.stubs / "go").write_text("#!/bin/bash\necho go version go1.26.8 linux/amd64\n", encoding="utf-8")
        self.assertEqual(self.machine.run("tests/demo/needs", root=True).stdout, "kind\n", "kind comes first where it is")
        self.machine.without("kind")
        asked = self.machine.run("tests/demo/needs", root=True)
        self.assertEqual(asked.stdout, "node\n", asked.stderr)


if __name__ == "__main__":
    unittest.main()
