"""Argo CD's side: runs the scripts of deploy/argocd as Argo CD does, in Lua 5.1 and with its few libraries."""

import json
import pathlib
import re
import subprocess
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "deploy/argocd"
RUNNER = pathlib.Path(__file__).with_suffix(".lua")


def lua(value):
    """A JSON value as a Lua expression; null is nil, as it is for Argo CD."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return '"' + re.sub(rb'[^ !#-\[\]-~]', lambda byte: b"\\%03d" % byte[0][0], value.encode()).decode() + '"'
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    return "{" + ",".join(f"[{lua(key)}]={lua(each)}" for key, each in value.items()) + "}"


def run(script, objects):
    """What a script returns for each of the objects."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="ascii") as file:
        # One function an object: Lua bounds the constants of a function, not the functions of a file.
        file.write("local all = {}\n")
        for each in objects:
            file.write(f"table.insert(all, (function() return {lua(each)} end)())\n")
        file.write("return all\n")
        file.flush()
        done = subprocess.run(["lua5.1", str(RUNNER), str(SCRIPTS / script), file.name],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{script}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def health(objects):
    """Argo CD's health of each object: (status, message)."""
    return [(found["status"], found["message"]) for found in run("health.lua", objects)]


def offered(found):
    """The actions that can be taken on an object."""
    return {name for name, action in run("actions/discovery.lua", [found])[0].items() if not action["disabled"]}


def act(action, found):
    """The object that an action wants to have."""
    return run(f"actions/{action}.lua", [found])[0]
