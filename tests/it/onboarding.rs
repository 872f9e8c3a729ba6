//! What `awscost onboard` prints, judged by tools that nobody here wrote: cfn-lint, parliament, Terraform's parser and
//! moto's CloudFormation (`tests/engines/onboarding.py`).
//!
//! The Python that has them is named by `AWSCOST_PYTHON`, as in `other_engines.rs`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/finops/awscost";
const PRINCIPAL: &str = "arn:aws:iam::999988887777:role/awscost-operator";
/// The same as in the script.
const EXTERNAL_ID: &str = "the-external-id-of-the-test";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";

/// What may be asked for: its name, whether it has a report, and the options.
const WANTED: &[(&str, &str)] = &[
    ("member", ""),
    ("member-whole", "--with-metrics --with-audit"),
    ("either", "--report-name acme-cur --bucket acme-billing --bucket-region us-east-1 --prefix cur"),
    (
        "legacy",
        "--report-name old(cur) --report-kind LegacyCur --bucket acme-billing --bucket-region us-east-1",
    ),
    (
        "whole",
        "--report-name acme-cur --report-kind Cur2 --bucket acme-billing --bucket-region us-east-1 --prefix a*b/c \
         --with-metrics --with-audit --kms-key KEY",
    ),
];

/// What templates may hold besides the role.
const DELIVERY: &[(&str, &str)] = &[
    ("role", ""),
    ("pods", "--pod-identity"),
    ("bucket", "--with-bucket"),
    ("export", "--with-export --granularity daily"),
    ("all", "--with-bucket --with-export --split-cost-allocation --iam-principal"),
];

fn onboard(document: &str, options: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    command.args(["onboard", document, "--role-arn", ROLE]).env("AWSCOST_EXTERNAL_ID", EXTERNAL_ID);
    command.args(options.replace("KEY", KEY).split_whitespace());
    command.output().expect("the program runs")
}

fn printed(document: &str, options: &str) -> String {
    let output = onboard(document, options);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{document} {options}: {said}");
    assert!(!said.contains(EXTERNAL_ID), "{document} {options} says the external ID: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn parsed(document: &str, options: &str) -> Value {
    serde_json::from_str(&printed(document, options)).expect("JSON")
}

/// What the tools say of a folder of documents.
fn judged(folder: &Path) -> Value {
    let python = std::env::var("AWSCOST_PYTHON")
        .expect("AWSCOST_PYTHON names the interpreter that tests/environment/python prints");
    for kind in ["cloudformation", "terraform", "policy", "trust"] {
        fs::create_dir_all(folder.join(kind)).expect("made");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/onboarding.py");
    let output = Command::new(python).arg(script).arg(folder).output().expect("the tools run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, text).expect("written");
}

/// A template to be printed in either language.
struct Template {
    name: String,
    /// What the role is to be able to do.
    asked: &'static str,
    /// What else there is to be.
    holds: &'static str,
}

impl Template {
    fn options(&self) -> String {
        format!("{} {} --principal {PRINCIPAL}", self.asked, self.holds)
    }

    /// The policies as they are printed alone: what the role trusts, and what it may do.
    fn policies(&self) -> (Value, Value) {
        let pods = if self.holds.contains("--pod-identity") { "--pod-identity" } else { "" };
        (parsed("trust", &format!("--principal {PRINCIPAL} {pods}")), parsed("policy", self.asked))
    }
}

/// The policies of the operator's and a warehouse's own identities: kind, name and text.
fn workloads() -> Vec<(&'static str, String, String)> {
    const LAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/quickstart/warehouse.yaml");
    let operator = "operator --role-arns arn:aws:iam::*:role/awscost --principal PRINCIPAL";
    let lake = "warehouse -f LAKE --user --principal arn:aws:iam::123456789012:user/lake";
    let asked = [
        ("operator-irsa", format!("{operator} --irsa https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"), true),
        ("operator-pods", format!("{operator} --pod-identity acme"), true),
        ("warehouse", lake.to_owned(), false),
    ];
    let mut printed = Vec::new();
    for (name, options, has_role) in asked {
        for kind in ["policy", "trust"].into_iter().filter(|kind| has_role || *kind == "policy") {
            let options = options.replace("PRINCIPAL", PRINCIPAL).replace("LAKE", LAKE);
            let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
            command.arg("onboard").args(options.split_whitespace()).args(["--print", kind]);
            let output = command.output().expect("the program runs");
            assert!(output.status.success(), "{name} {kind}: {}", String::from_utf8_lossy(&output.stderr));
            printed.push((kind, name.to_owned(), String::from_utf8(output.stdout).expect("UTF-8")));
        }
    }
    printed
}

/// Every combination that is possible.
fn templates() -> Vec<Template> {
    let mut found = Vec::new();
    for &(wanted, asked) in WANTED {
        for &(delivery, holds) in DELIVERY {
            let nothing_to_deliver = !asked.contains("--report-name") && holds.contains("--with-");
            let legacy_export = asked.contains("LegacyCur") && holds.contains("--with-export");
            if !nothing_to_deliver && !legacy_export {
                found.push(Template { name: format!("{wanted}-{delivery}"), asked, holds });
            }
        }
    }
    found
}

#[test]
fn only_the_trust_policy_contains_the_external_id_and_the_page_says_so() {
    let principal = format!("--principal {PRINCIPAL}");
    for (document, options) in
        [("policy", ""), ("cloudformation", &principal), ("terraform", &principal), ("trust", &principal)]
    {
        let holds = printed(document, options).contains(EXTERNAL_ID);
        assert_eq!(holds, document == "trust", "{document} holds the external ID: {holds}");
    }
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md")).expect("the page");
    let said = "Only one command prints external IDs: [`awscost onboard trust`]";
    assert!(page.contains(said), "docs/cli.md must say: {said}");
}

#[test]
fn a_public_linter_finds_nothing_in_the_policies() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, options) in WANTED {
        put(folder.path(), &format!("policy/{name}.json"), &printed("policy", options));
    }
    for (name, options) in &DELIVERY[..2] {
        let trust = printed("trust", &format!("--principal {PRINCIPAL} {options}"));
        put(folder.path(), &format!("trust/{name}.json"), &trust);
    }
    for (kind, name, document) in workloads() {
        put(folder.path(), &format!("{kind}/{name}.json"), &document);
    }
    // The linter is awake: an action that there is not, and one that takes another kind of resource.
    put(
        folder.path(),
        "policy/wrong.json",
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::acme/*"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme"}]}"#,
    );
    let said = judged(folder.path());
    for kind in ["policy", "trust"] {
        for (name, findings) in said[kind].as_object().expect("files") {
            // AWS asks for both actions under one condition (docs/aws-facts.md 5.1); the linter's list lacks
            // the pair. Nor does it know providers of OpenID Connect, and what conditions they bring.
            let known = [
                "Unknown condition sts:ExternalId for action sts:TagSession",
                ":oidc-provider/oidc.eks.",
                "Unknown condition oidc.eks.",
            ];
            let findings: Vec<&Value> = findings
                .as_array()
                .expect("findings")
                .iter()
                .filter(|finding| {
                    !finding.as_str().is_some_and(|text| known.iter().any(|known| text.contains(known)))
                })
                .collect();
            let count = findings.len();
            assert_eq!(count, if name == "wrong.json" { 2 } else { 0 }, "{kind}/{name}: {findings:?}");
        }
    }
}

/// What `onboard policy` and what else is asked of it print for a manifest.
fn of_manifest(document: &str, access: &Value, metrics: bool) -> Output {
    of_manifest_with(document, access, metrics, &[])
}

fn of_manifest_with(document: &str, access: &Value, metrics: bool, options: &[&str]) -> Output {
    let mut spec = json!({"accountId": "123456789012", "accountType": "Member", "access": access});
    if metrics {
        spec["metrics"] = json!({"region": "eu-west-1"});
    }
    let manifest = json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
        "metadata": {"name": "acme", "namespace": "finops"}, "spec": spec,
    });
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "account.json", &manifest.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    command.args(["onboard", document, "-f"]).arg(folder.path());
    if document != "policy" {
        command.args(["--principal", PRINCIPAL]);
    }
    command.args(options).env("AWSCOST_EXTERNAL_ID", EXTERNAL_ID);
    command.output().expect("the program runs")
}

#[test]
fn the_policy_holds_what_the_manifest_asks_for() {
    let role = json!({"roleArn": ROLE, "externalIdSecretRef": {"name": "acme"}});
    let keys = json!({"accessKeySecretRef": {"name": "acme"}});
    for (access, metrics, expected) in [
        (&role, false, vec!["organizations:DescribeOrganization"]),
        (&role, true, vec!["organizations:DescribeOrganization", "cloudwatch:ListMetrics"]),
        (&keys, false, vec!["organizations:DescribeOrganization", "sts:GetFederationToken"]),
    ] {
        let output = of_manifest("policy", access, metrics);
        let said = String::from_utf8_lossy(&output.stderr);
        let policy: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let statements = policy["Statement"].as_array().expect("statements");
        let actions: Vec<&str> =
            statements.iter().filter_map(|statement| one(&statement["Action"]).as_str()).collect();
        assert_eq!(actions, expected, "{access}");
    }
}

#[test]
fn a_rotation_is_in_every_document() {
    let access = json!({
        "roleArn": ROLE, "externalIdSecretRef": {"name": "acme"}, "nextExternalIdSecretRef": {"name": "acme-next"},
    });
    let trusted = |statement: &Value| statement["Condition"]["StringEquals"]["sts:ExternalId"].clone();
    let run = |document: &str, options: &[&str]| {
        let output = of_manifest_with(document, &access, false, options);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default(), said)
    };
    let (_, said) = run("trust", &[]);
    assert!(said.contains("--next-external-id-file"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "next", "the-next-one\n");
    let next = folder.path().join("next").display().to_string();
    let (trust, said) = run("trust", &["--next-external-id-file", &next]);
    assert_eq!(trusted(&trust["Statement"][0]), json!([EXTERNAL_ID, "the-next-one"]), "{said}");

    let (stack, said) = run("cloudformation", &["-o", "json"]);
    let role = &stack["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trusted(role), json!([{"Ref": "ExternalId"}, {"Ref": "NextExternalId"}]), "{said}");
    assert_eq!(stack["Parameters"]["NextExternalId"]["NoEcho"], true);
    let (configuration, said) = run("terraform", &[]);
    assert_eq!(configuration["variable"]["next_external_id"]["sensitive"], true, "{said}");
    let role = configuration["resource"]["aws_iam_role"]["awscost"]["assume_role_policy"].as_str();
    assert!(
        role.is_some_and(|role| role.contains(r#"["${var.external_id}","${var.next_external_id}"]"#)),
        "{role:?}"
    );
}

#[test]
fn keys_take_no_role() {
    let keys = json!({"accessKeySecretRef": {"name": "acme"}});
    for document in ["trust", "cloudformation", "terraform"] {
        let output = of_manifest(document, &keys, false);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("to move to a role"), "{document}: {said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(11), 0), "{document}: {said}");
    }
}

#[test]
fn cloudformation_takes_every_template_and_makes_the_printed_role_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut templates = templates();
    templates.push(Template { name: "stack-set".to_owned(), asked: WANTED[1].1, holds: "--stack-set" });
    for template in &templates {
        for format in ["yaml", "json"] {
            let text = printed("cloudformation", &format!("{} -o {format}", template.options()));
            assert!(!text.contains(EXTERNAL_ID), "{} holds the external ID", template.name);
            put(folder.path(), &format!("cloudformation/{}.{format}", template.name), &text);
        }
    }
    let said = judged(folder.path());
    for template in &templates {
        let (trust, policy) = template.policies();
        let role = json!([{
            "arn": ROLE, "seconds": 3600, "trust": trust, "policies": [policy], "managed": [],
        }]);
        let buckets =
            if template.holds.contains("--with-bucket") { json!(["acme-billing"]) } else { json!([]) };
        for format in ["yaml", "json"] {
            let file = format!("{}.{format}", template.name);
            let stack = &said["cloudformation"][&file];
            assert_eq!(stack["lint"], json!([]), "{file}");
            assert_eq!(stack["applied"]["roles"], role, "{file}");
            assert_eq!(stack["applied"]["buckets"], buckets, "{file}");
        }
    }
}

#[test]
fn terraform_reads_every_configuration_as_the_same_policies() {
    let folder = tempfile::tempdir().expect("a folder");
    let templates = templates();
    for template in &templates {
        let configuration = printed("terraform", &template.options());
        assert!(!configuration.contains(EXTERNAL_ID), "{} holds the external ID", template.name);
        put(folder.path(), &format!("terraform/{}/main.tf.json", template.name), &configuration);
    }
    let said = judged(folder.path());
    for template in &templates {
        let (name, (trust, policy)) = (&template.name, template.policies());
        let read = &said["terraform"][name];
        let role = &read["aws_iam_role"][0];
        assert_eq!(role["assume_role_policy"], trust, "{name}");
        assert_eq!((&role["name"], &role["path"]), (&json!("awscost"), &json!("/finops/")), "{name}");
        assert_eq!(role["max_session_duration"], 3600, "{name}");
        assert_eq!(read["aws_iam_role_policy"][0]["policy"], policy, "{name}");
        let source = template;
        let template = parsed("cloudformation", &format!("{} -o json", template.options()));
        // What has no plain form is the same as in the other language.
        let bucket_policy = &template["Resources"]["ReportBucketPolicy"]["Properties"]["PolicyDocument"];
        assert_eq!(&read["aws_s3_bucket_policy"][0]["policy"], bucket_policy, "{name}");
        let export = &template["Resources"]["Export"]["Properties"]["Export"];
        if export.is_null() {
            assert!(read["aws_bcmdataexports_export"].is_null(), "{name}");
            continue;
        }
        let exports = read["aws_bcmdataexports_export"].as_array().map(Vec::len);
        assert_eq!(exports, Some(1), "{name}");
        // Without the provider's schema the parser can't tell a block from an attribute, so blocks are read as printed.
        let printed = printed("terraform", &source.options());
        let printed: Value = serde_json::from_str(&printed).expect("JSON");
        let read = &printed["resource"]["aws_bcmdataexports_export"]["awscost"]["export"];
        assert_eq!(one(read)["name"], export["Name"], "{name}");
        let query = &one(&one(read)["data_query"])["query_statement"];
        assert_eq!(query, &export["DataQuery"]["QueryStatement"], "{name}");
    }
}

/// The block, whether the parser gives it alone or as the one of a list.
fn one(block: &Value) -> &Value {
    block.get(0).unwrap_or(block)
}

#[test]
fn what_aws_would_refuse_is_refused_with_the_way_out() {
    let principal = format!("--principal {PRINCIPAL}");
    let report = WANTED[2].1;
    for (document, options, part) in [
        ("trust", "--principal arn:aws:iam::999988887777:root".to_owned(), "lets in every identity"),
        ("cloudformation", format!("{principal} --with-bucket"), "has no spec.report"),
        ("cloudformation", format!("{principal} {report} --stack-set"), "for members without spec.report"),
        (
            "cloudformation",
            format!("{principal} {report} --bucket-owner 999999999999 --with-bucket"),
            "belongs to account",
        ),
        ("link", format!("{principal} {report} --template-url https://example.com/a"), "from S3 only"),
    ] {
        let output = onboard(document, &options);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(part), "{document} {options}: {said}");
    }
}
