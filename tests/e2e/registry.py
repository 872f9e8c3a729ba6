"""A registry that asks for a password: the operator's pod pulls with `imagePullSecrets`, its Jobs with
`jobs.imagePullSecrets`, and neither without. A release of its own beside the demo's, with Debian's registry on the node."""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.e2e.cluster import AWS, REPOSITORY, apply, conditions, eventually, get, kubectl, run

NAMESPACE = "private"
USER, PASSWORD = "puller", "only-for-this-test"
# Of the password, by bcrypt: the registry takes no other kind.
HTPASSWD = f"{USER}:$2b$05$ks56zfpjxKQQirPM55NGMOnoPgm.vlfLEviiSuX3Dosmu9.cvgLPi\n"
LAKE = {"accessKeyId": "AKIAACMELAKEWRITER01", "secretAccessKey": "lake-secret-of-the-sandbox"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Registry:
    """Debian's registry on loopback, with the demo's image in it. The container runtime speaks plain HTTP to loopback."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.address = f"127.0.0.1:{free_port()}"
        (self.folder / "users").write_text(HTPASSWD, encoding="utf-8")
        config = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}},
                  "http": {"addr": self.address}, "auth": {"htpasswd": {"realm": "test", "path": str(self.folder / "users")}}}
        (self.folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.folder / "config.yml"], stdout=log, stderr=log)
        eventually("the registry asks for a password", self.asks_for_a_password, 20)

    def asks_for_a_password(self):
        try:
            urllib.request.urlopen(f"http://{self.address}/v2/", timeout=5).close()
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        raise AssertionError("the registry lets anybody in")

    def push(self, image):
        """Puts an image of the node into the registry, under the same name and tag."""
        archive = self.folder / "image.tar"
        run(*os.environ["CTR"].split(), "images", "export", str(archive), f"localhost/{image}")
        run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"--dest-creds={USER}:{PASSWORD}",
            f"oci-archive:{archive}", f"docker://{self.address}/{image}")
        archive.unlink()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        shutil.rmtree(self.folder)


def pull_secret(name, address):
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE},
           "type": "kubernetes.io/dockerconfigjson",
           "stringData": {".dockerconfigjson": json.dumps({"auths": {address: {"auth": login}}})}})


class PrivateRegistry(unittest.TestCase):
    """From an image that nobody may pull without a password to a probed warehouse."""

    @classmethod
    def setUpClass(cls):
        run(str(REPOSITORY / "tests/environment/packages"), "docker-registry", "skopeo")
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)
        cls.registry.push("awscost:dev")
        apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
        cls.addClassCleanup(kubectl, "delete", "namespace", NAMESPACE, "--wait=false")

    def test_operator_and_jobs_pull_with_their_secrets_and_not_without(self):
        pull_secret("for-the-operator", self.registry.address)
        values = {
            "image": {"registry": self.registry.address, "tag": "dev", "pullPolicy": "Always"},
            "imagePullSecrets": [{"name": "for-the-operator"}],
            "jobs": {"imagePullSecrets": [{"name": "for-jobs"}]},
            "aws": {"env": {"AWS_REGION": "us-east-1"}},
        }
        run("helm", "install", "private", str(REPOSITORY / "charts/awscost-operator"), "--namespace", NAMESPACE,
            "--values", "-", "--wait", "--timeout", "60s", text=json.dumps(values))
        self.addCleanup(run, "helm", "uninstall", "private", "--namespace", NAMESPACE)

        apply({"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": "lake", "namespace": NAMESPACE, "labels": {"awscost.io/use": "warehouse"}}, "stringData": LAKE})
        apply({"apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "lake", "namespace": NAMESPACE},
               "spec": {"delta": {"location": "s3://acme-lake/private", "region": "us-east-1", "pathStyle": True,
                                  "endpoint": f"http://aws.{AWS}.svc.cluster.local:4566",
                                  "credentialsSecretRef": {"name": "lake"}}}})
        eventually("without its Secret the probe's image can't be pulled, and the warehouse says so",
                   lambda: "can't be pulled" in self.said(), 60)

        pull_secret("for-jobs", self.registry.address)
        eventually("with the Secret the probe runs", lambda: self.ready().get("status") == "True", 90)
        pods = get(NAMESPACE, "pods")["items"]
        used = {pod["spec"]["containers"][0]["image"] for pod in pods}
        self.assertEqual(used, {f"{self.registry.address}/awscost:dev"})

    @staticmethod
    def ready():
        return conditions(NAMESPACE, "costwarehouse", "lake").get("Ready", {})

    @staticmethod
    def said():
        """Every message: Ready's is short, Reconciling has it whole."""
        return " ".join(each.get("message", "") for each in conditions(NAMESPACE, "costwarehouse", "lake").values())


if __name__ == "__main__":
    unittest.main()
