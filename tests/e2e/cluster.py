"""The demo's cluster as scenarios speak of it: kubectl, the sandbox's admin API, the warehouse, the audit log."""

import base64
import json
import os
import pathlib
import subprocess
import time
import urllib.parse
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEMO = pathlib.Path(os.environ.get("DEMO_DIR", "/var/tmp/awscost-e2e"))
SYSTEM, TENANT, AWS = "awscost-system", "finops", "aws-sandbox"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
AWSCOST = str(TARGET / "debug" / "awscost")
LAKE = f"delta:file://{DEMO}/volumes/lake"


def run(*command, check=True, text=None):
    """Runs a command; its output, or an error that shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def kubectl(*arguments, **options):
    return run("kubectl", *arguments, **options).stdout


def get(namespace, *arguments):
    return json.loads(kubectl("-n", namespace, "get", *arguments, "-o", "json"))


def apply(document):
    kubectl("apply", "-f", "-", text=json.dumps(document))


def conditions(namespace, kind, name):
    found = get(namespace, kind, name).get("status", {}).get("conditions", [])
    return {each["type"]: each for each in found}


def eventually(what, question, seconds=120):
    """Asks until the answer is true, and returns it; `what` names the hope that was not fulfilled."""
    until = time.monotonic() + seconds
    answer = None
    while time.monotonic() < until:
        answer = question()
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"after {seconds} s still not: {what} (last answer: {answer!r})")


def sandbox(path, body=None):
    """The sandbox's admin API."""
    address = kubectl("-n", AWS, "get", "service", "aws", "-o", "jsonpath={.spec.clusterIP}")
    request = urllib.request.Request(f"http://{address}:4566/_sandbox/{path}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=120) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def ledger(connection=None):
    """The ledger of the volume's warehouse, a row a period."""
    output = run(AWSCOST, "warehouse", "ledger", "--warehouse", LAKE, "-o", "json").stdout
    rows = [json.loads(line) for line in output.splitlines() if line.strip()]
    rows = rows[0] if len(rows) == 1 and isinstance(rows[0], list) else rows
    return [row for row in rows if connection in (None, row["connection"])]


def jobs(namespace=TENANT):
    return get(namespace, "jobs")["items"]


def forms(secret):
    """A secret in the five encodings in which it could leak."""
    raw = secret.encode()
    return {
        "raw": secret,
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "URL-encoded": urllib.parse.quote(secret, safe=""),
        "hexadecimal": raw.hex(),
        "decimal bytes": ", ".join(str(byte) for byte in raw),
    }


def audit(path=None):
    """Every completed request of the API server's audit log."""
    with open(path or os.environ["AUDIT_LOG"], encoding="utf-8") as log:
        for line in log:
            event = json.loads(line)
            if event.get("stage") == "ResponseComplete":
                yield event
