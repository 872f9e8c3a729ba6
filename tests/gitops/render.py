"""Manifests as objects, however they were made: by helm from the charts, by kustomize from a folder, from a file."""

import functools
import json
import pathlib
import subprocess
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = "awscost-system"
KUBERNETES = "1.36.3"
MONITORING = "monitoring.coreos.com/v1"
# What only helm says of an object; kustomize and GitOps tools have labels of their own for it.
HELMS_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
SETTINGS_HASH = "awscost.io/settings"
CONVERTED = "awscost.io/converted"


def run(*command, text=None):
    """What a program prints."""
    done = subprocess.run([str(each) for each in command], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def program(name):
    """Where a program of the cluster is."""
    return run(REPOSITORY / "tests/cluster/binaries", "--path", name).strip()


def kubectl(*arguments, text=None):
    return run(program("kubectl"), *arguments, text=text)


def objects(manifests):
    """The objects in a text of YAML documents. Any kind will do, and no server is asked."""
    if not manifests.strip():
        return []
    text = kubectl("label", "--local", "--filename", "-", "--output", "json", f"{CONVERTED}=x", text=manifests)
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        del document["metadata"]["labels"][CONVERTED]
        if not document["metadata"]["labels"]:
            del document["metadata"]["labels"]
        found.append(document)
        text = text[end:]
    return found


def chart(name, *arguments):
    """What helm makes of a chart, where Prometheus' operator is installed."""
    kinds = [f"--api-versions={MONITORING}{kind}" for kind in ("", "/PodMonitor", "/ServiceMonitor", "/PrometheusRule")]
    return objects(run(
        program("helm"), "template", "awscost", REPOSITORY / "charts" / name, "--namespace", SYSTEM, "--no-hooks",
        "--kube-version", KUBERNETES, *kinds, *arguments))


def built(folder):
    """What kustomize builds from a folder."""
    return objects(kubectl("kustomize", folder))


def yaml(found):
    """Objects as kustomize prints them, each a text."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, each in enumerate(found):
            names.append(f"{number}.json")
            (pathlib.Path(folder) / names[-1]).write_text(json.dumps(each), encoding="utf-8")
        listed = json.dumps({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": names,
                             "sortOptions": {"order": "fifo"}})
        (pathlib.Path(folder) / "kustomization.yaml").write_text(listed, encoding="utf-8")
        return [text.strip() + "\n" for text in kubectl("kustomize", folder).split("\n---\n")]


def identity(found):
    return found["apiVersion"], found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]


def volumes(found):
    return found.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", [])


def plain(found):
    """The same without what only helm says, in its pods' template as well."""
    found = json.loads(json.dumps(found))
    metadatas = [found["metadata"]]
    if "template" in found.get("spec", {}):
        metadatas.append(found["spec"]["template"]["metadata"])
    for metadata in metadatas:
        for label in HELMS_LABELS:
            metadata.get("labels", {}).pop(label, None)
        metadata.get("annotations", {}).pop(SETTINGS_HASH, None)
        for part in ("labels", "annotations"):
            if not metadata.get(part, True):
                del metadata[part]
    return found
