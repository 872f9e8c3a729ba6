"""What tools that nobody here wrote say of what `awscost onboard` prints.

Takes a folder, prints one JSON object: by file, what cfn-lint and parliament complain of, what Terraform's parser
read, and what moto's CloudFormation created.

    cloudformation/NAME.{yaml,json}   terraform/NAME/main.tf.json   policy/NAME.json   trust/NAME.json
"""

import ast
import json
import pathlib
import sys
import warnings

import boto3
import moto
import parliament
import tfparse
from cfnlint import api as cfnlint

EXTERNAL_ID = "the-external-id-of-the-test"
REGION = "us-east-1"
warnings.filterwarnings("ignore", message=".*not supported by moto.*")


def lint_template(text):
    """Errors and warnings of cfn-lint."""
    matches = cfnlint.lint(text, regions=[REGION])
    return [f"{match.rule.id}: {match.message}" for match in matches]


def lint_policy(policy, resource=None):
    """Findings of parliament, which knows no trust policies: they get the resource they speak of."""
    for statement in policy["Statement"] if resource else []:
        statement["Resource"] = resource
    findings = parliament.analyze_policy_string(json.dumps(policy)).findings
    return [f"{finding.issue}: {finding.detail}" for finding in findings]


def document(policy):
    """A policy as moto gives it back: what CloudFormation made is the text of a Python value."""
    return ast.literal_eval(policy) if isinstance(policy, str) else policy


def apply_template(text):
    """Creates the stack in moto, and reads back what came of it. Moto passes over bucket policies and exports."""
    with moto.mock_aws():
        client = lambda service: boto3.client(
            service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        client("cloudformation").create_stack(
            StackName="awscost",
            TemplateBody=text,
            Parameters=[{"ParameterKey": "ExternalId", "ParameterValue": EXTERNAL_ID}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        iam = client("iam")
        buckets = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
        read = {"roles": [], "buckets": buckets}
        for role in iam.list_roles()["Roles"]:
            name = role["RoleName"]
            role = iam.get_role(RoleName=name)["Role"]
            read["roles"].append({
                "arn": role["Arn"],
                "seconds": role["MaxSessionDuration"],
                "trust": role["AssumeRolePolicyDocument"],
                "policies": [
                    document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
                    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
                ],
                "managed": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
            })
        return read


def read_terraform(folder):
    """The resources, as evaluated by Terraform's own expression language."""
    # An unset variable would leave every text that refers to it unknown.
    (folder / "test.tfvars").write_text(f'external_id = "{EXTERNAL_ID}"\n')
    parsed = tfparse.load_from_path(str(folder), vars_paths=["test.tfvars"])
    policy = lambda resource, field: json.loads(resource[field])
    resources = {
        kind: [{key: value for key, value in item.items() if key not in ("__tfmeta", "id")} for item in items]
        for kind, items in parsed.items()
    }
    for kind, field in [
        ("aws_iam_role", "assume_role_policy"),
        ("aws_iam_role_policy", "policy"),
        ("aws_s3_bucket_policy", "policy"),
    ]:
        for item in resources.get(kind, []):
            item[field] = policy(item, field)
    return resources


def main(folder):
    said = {"cloudformation": {}, "terraform": {}, "policy": {}, "trust": {}}
    for path in sorted((folder / "cloudformation").iterdir()):
        text = path.read_text()
        said["cloudformation"][path.name] = {"lint": lint_template(text), "applied": apply_template(text)}
    for path in sorted((folder / "terraform").iterdir()):
        said["terraform"][path.name] = read_terraform(path)
    for path in sorted((folder / "policy").iterdir()):
        said["policy"][path.name] = lint_policy(json.loads(path.read_text()))
    for path in sorted((folder / "trust").iterdir()):
        said["trust"][path.name] = lint_policy(json.loads(path.read_text()), "arn:aws:iam::123456789012:role/awscost")
    json.dump(said, sys.stdout, default=str)


main(pathlib.Path(sys.argv[1]))
