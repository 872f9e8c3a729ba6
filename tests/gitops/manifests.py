#!/usr/bin/env python3
"""Writes what deploy/ has of the charts and scripts: the bases, what the overlays change in them, argocd-cm.yaml.

    manifests.py           write
    manifests.py --check   write nothing; fail where a file is not what would be written
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
# pylint: disable=wrong-import-position
from tests.gitops import render

DEPLOY = render.REPOSITORY / "deploy"
OVERLAYS = ("namespaced", "cluster-wide", "monitoring")
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
GENERATED = "# Generated from {of}: make generate.\n"
SETTINGS = "operator.yaml"
SUFFIX = "-settings"


def split(found):
    """The objects of the operator's chart without its settings, and the settings' ConfigMap under a name of its own: kustomize
    takes every resourceName of a Role that is a ConfigMap's for that ConfigMap's, and the lease has the release's name."""
    found = list(map(render.plain, found))
    settings = next(each for each in found if each["kind"] == "ConfigMap" and SETTINGS in each.get("data", {}))
    name = settings["metadata"]["name"]
    for volume in (volume for each in found for volume in render.volumes(each)):
        if volume.get("configMap", {}).get("name") == name:
            volume["configMap"]["name"] = name + SUFFIX
    settings["metadata"]["name"] = name + SUFFIX
    return {render.identity(each): each for each in found if each is not settings}, settings


def files_of(found, head):
    """A file a kind."""
    texts = {}
    for each, text in zip(found, render.yaml(found)):
        texts.setdefault(each["kind"].lower() + ".yaml", []).append(text)
    return {name: head + "---\n".join(parts) for name, parts in texts.items()}


def listed(key, entries):
    """A list of a kustomization; nothing without entries."""
    return f"{key}:\n" + "".join(f"  - {entry}\n" for entry in entries) if entries else ""


def settings_of(config_map, **more):
    """The settings as kustomize makes a ConfigMap of them: its name follows from what is in it, so a change restarts the pod."""
    metadata = config_map["metadata"]
    entry = {"name": metadata["name"], "namespace": metadata["namespace"], "files": [SETTINGS], **more}
    return "configMapGenerator:\n" + "".join(
        f"  {'-' if key == 'name' else ' '} {key}: {json.dumps(value)}\n" for key, value in entry.items())


def definitions():
    head = GENERATED.format(of="charts/awscost-crds")
    found = list(map(render.plain, render.chart("awscost-crds")))
    files = {f"{each['metadata']['name']}.yaml": head + text for each, text in zip(found, render.yaml(found))}
    return {"kustomization.yaml": head + KUSTOMIZATION + listed("resources", sorted(files)), **files}


def base():
    head = GENERATED.format(of="charts/awscost-operator")
    found, settings = split(render.chart("awscost-operator"))
    # Helm makes the namespace itself: --create-namespace.
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": render.SYSTEM, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    files = files_of([namespace, *found.values()], head)
    options = {"labels": settings["metadata"]["labels"]}
    kustomization = head + KUSTOMIZATION + listed("resources", list(files)) + settings_of(settings, options=options)
    return {"kustomization.yaml": kustomization, SETTINGS: head + settings["data"][SETTINGS], **files}


def overlay(name):
    """What the values of an overlay change in the base."""
    values = DEPLOY / "overlays" / name / "values.yaml"
    head = GENERATED.format(of="charts/awscost-operator with values.yaml")
    before, standard = split(render.chart("awscost-operator"))
    after, settings = split(render.chart("awscost-operator", "--values", values))
    files = files_of([after[each] for each in after if each not in before], head)
    kustomization = head + KUSTOMIZATION + listed("resources", ["../../base", *files])
    if settings["data"] != standard["data"]:
        files[SETTINGS] = head + settings["data"][SETTINGS]
        kustomization += settings_of(settings, behavior="replace")
    patches = [deletion(before[each]) for each in before if each not in after]
    patches += [replacement(before[each], after[each]) for each in before if after.get(each, before[each]) != before[each]]
    return {"kustomization.yaml": kustomization + listed("patches", patches), **files}


def deletion(found):
    metadata = {key: found["metadata"][key] for key in ("name", "namespace") if key in found["metadata"]}
    patch = {"$patch": "delete", "apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata}
    return f"patch: '{json.dumps(patch)}'"


def replacement(old, new):
    """The sections of an object that are otherwise, whole."""
    steps = [{"op": "replace" if key in old else "add", "path": f"/{key}", "value": new[key]}
             for key in new if new[key] != old.get(key)]
    steps += [{"op": "remove", "path": f"/{key}"} for key in old if key not in new]
    target = {"kind": old["kind"], "name": old["metadata"]["name"]}
    quoted = json.dumps(steps).replace("'", "''")
    return f"target: {json.dumps(target)}\n    patch: '{quoted}'"


def argocd():
    """Health and actions as Argo CD's ConfigMap takes them."""
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in (DEPLOY / "argocd").rglob("*.lua")}

    def block(text, indent):
        return "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in text.splitlines())

    text = ("# Argo CD's health and actions for the kinds of awscost, to merge into its own ConfigMap: docs/gitops.md.\n"
            + GENERATED.format(of="health.lua and actions/") +
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\n"
            "  labels:\n    app.kubernetes.io/name: argocd-cm\n    app.kubernetes.io/part-of: argocd\ndata:\n")
    for kind, actions in (("AwsCostAccount", ("reconcile", "suspend", "resume")), ("CostWarehouse", ("reconcile",))):
        text += f"  resource.customizations.health.awscost.io_{kind}: |\n" + block(scripts["health"], 4)
        text += f"  resource.customizations.actions.awscost.io_{kind}: |\n    discovery.lua: |\n"
        text += block(scripts["discovery"], 6) + "    definitions:\n"
        for action in actions:
            text += f"      - name: {action}\n        action.lua: |\n" + block(scripts[action], 10)
    return text


def everything():
    """Every generated file by its path, and the folders that hold nothing else but what a person wrote as values."""
    folders = {DEPLOY / "crds": definitions(), DEPLOY / "base": base()}
    folders |= {DEPLOY / "overlays" / name: overlay(name) for name in OVERLAYS}
    files = {folder / name: text for folder, texts in folders.items() for name, text in texts.items()}
    return {**files, DEPLOY / "argocd/argocd-cm.yaml": argocd()}, list(folders)


def stored(path):
    return path.read_text(encoding="utf-8") if path.exists() else None


def main():
    files, folders = everything()
    there = {path for folder in folders if folder.exists() for path in folder.iterdir() if path.name != "values.yaml"}
    drifted = sorted(path for path in {*there, *files} if stored(path) != files.get(path))
    if "--check" in sys.argv:
        names = ", ".join(str(path.relative_to(render.REPOSITORY)) for path in drifted)
        sys.exit(f"error: drifted from the charts and scripts: {names}: make generate" if drifted else 0)
    for path in drifted:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    main()
