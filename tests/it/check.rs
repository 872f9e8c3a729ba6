//! `awscost check` as a pipeline runs it, against the sandbox.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use awscost_sandbox::{Sandbox, World};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use serde_json::{Value, json};

use super::{
    admission,
    fault_catalogue::{cluster::Cluster, leaks},
};

const EXTERNAL_ID: &str = "acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";
const ACCOUNT: &str = "\
apiVersion: awscost.io/v1alpha1
kind: AwsCostAccount
metadata:
  name: acme-payer
  namespace: finops
spec:
  accountType: Management
  access:
    roleArn: arn:aws:iam::123456789012:role/awscost
    externalIdSecretRef:
      name: acme-external-id
  report:
    name: acme-cur
    bucket:
      name: acme-billing
      region: us-east-1
      prefix: cur
  ingestion:
    warehouseRef:
      name: lake
";
const WAREHOUSE: &str = "\
apiVersion: awscost.io/v1alpha1
kind: CostWarehouse
metadata: {name: lake, namespace: finops}
spec:
  delta: {location: file:///warehouse, persistentVolumeClaim: lake}
";

fn secret(label: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: acme-external-id\n  namespace: finops\n  \
         labels: {{awscost.io/use: {label}}}\nstringData:\n  externalId: {value}\n"
    )
}

/// What stands in the cluster's repository when all is well.
fn good() -> String {
    format!("{ACCOUNT}---\n{WAREHOUSE}---\n{}", secret("external-id", EXTERNAL_ID))
}

fn sandbox() -> Sandbox {
    Sandbox::start(World::demo())
}

/// A command with an AWS configuration of its own.
struct Check {
    command: Command,
    input: String,
}

impl Check {
    fn of(input: &str, sandbox: Option<&Sandbox>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS")) {
            command.env_remove(name);
        }
        command
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", "/nonexistent")
            .args(["check", "-f", "-"]);
        if let Some(sandbox) = sandbox {
            command
                .env("AWS_ENDPOINT_URL", sandbox.endpoint())
                .env("AWS_REGION", "us-east-1")
                .env("AWS_ACCESS_KEY_ID", "AKIAAWSCOSTOPERATOR1")
                .env("AWS_SECRET_ACCESS_KEY", "operator-secret-of-the-sandbox");
        }
        Self { command, input: input.to_owned() }
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn run(mut self) -> Output {
        let pipes = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that ends early reads nothing more.
        drop(stdin.write_all(self.input.as_bytes()));
        drop(stdin);
        child.wait_with_output().expect("it ends")
    }

    /// The exit code and the JSON.
    fn json(self) -> (i32, Value) {
        let output = self.with(&["-o", "json"]).run();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| {
            let words = String::from_utf8_lossy(&output.stderr);
            unreachable!("{error} in {text:?}; {words}")
        });
        (output.status.code().expect("an exit code"), json)
    }
}

/// The reason of a condition, on whatever object says it.
fn reason<'a>(report: &'a Value, condition: &str) -> Option<&'a str> {
    finding(report, condition)?["reason"].as_str()
}

fn finding<'a>(report: &'a Value, condition: &str) -> Option<&'a Value> {
    let objects = report["objects"].as_array()?;
    let mut findings = objects.iter().filter_map(|object| object["findings"].as_array()).flatten();
    findings.find(|finding| finding["condition"] == condition)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_account_is_good() {
    let sandbox = sandbox();
    let (code, report) = Check::of(&good(), Some(&sandbox)).json();
    assert_eq!(code, 0, "{report:#}");
    for (condition, expected) in [
        ("RoleAssumable", "RoleAssumed"),
        ("ExternalIdEnforced", "Enforced"),
        ("AccountTypeVerified", "Verified"),
        ("ReportConfigured", "Configured"),
        ("ReportDelivered", "AwaitingFirstDelivery"),
        ("WarehouseReady", "Probing"),
    ] {
        assert_eq!(reason(&report, condition), Some(expected), "{condition}: {report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_the_operators_reason_and_its_line() {
    type Fault = (&'static str, String, &'static str, &'static str, u64);
    let broken = |from: &str, to: &str| good().replace(from, to);
    let table: [Fault; 11] = [
        ("bucket", broken("acme-billing", "acme-biling"), "BucketReadable", "BucketNotFound", 15),
        (
            "region",
            broken("region: us-east-1", "region: eu-central-1"),
            "BucketReadable",
            "BucketRegionMismatch",
            16,
        ),
        (
            "bucket's definition",
            broken("acme-billing", "acme-biling"),
            "ReportConfigured",
            "DestinationDiffers",
            15,
        ),
        (
            "region's definition",
            broken("region: us-east-1", "region: eu-central-1"),
            "ReportConfigured",
            "DestinationDiffers",
            16,
        ),
        ("prefix", broken("prefix: cur", "prefix: cost"), "ReportConfigured", "DestinationDiffers", 17),
        ("report", broken("acme-cur", "Acme-cur"), "ReportConfigured", "ReportNotFound", 13),
        ("external ID", broken(EXTERNAL_ID, "another-external-id"), "RoleAssumable", "AssumeRoleDenied", 9),
        ("label", broken("use: external-id", "use: warehouse"), "RoleAssumable", "SecretNotUsable", 11),
        ("key", broken("  externalId: acme", "  id: acme"), "RoleAssumable", "SecretKeyMissing", 11),
        (
            "type",
            broken("Management", "Standalone"),
            "AccountTypeVerified",
            "DeclaredStandaloneIsInOrganization",
            7,
        ),
        (
            "warehouse",
            broken("name: lake\n---", "name: lago\n---"),
            "WarehouseReady",
            "WarehouseNotFound",
            20,
        ),
    ];
    let sandbox = sandbox();
    for (name, manifests, condition, expected, line) in table {
        let (code, report) = Check::of(&manifests, Some(&sandbox)).json();
        assert_eq!(code, 1, "{name}: {report:#}");
        assert_eq!(reason(&report, condition), Some(expected), "{name}: {report:#}");
        let found = finding(&report, condition).expect("a finding");
        assert_eq!(found["line"], line, "{name}: {found:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_has_the_fault_and_none_has_a_secret() {
    let sandbox = sandbox();
    let manifests = good().replace("acme-billing", "acme-biling");
    for format in ["text", "json", "junit", "sarif"] {
        let output =
            Check::of(&manifests, Some(&sandbox)).with(&["-o", format]).env("AWSCOST_LOG", "trace").run();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(stdout.contains("BucketNotFound"), "{format}: {stdout}");
        let mut secrets = vec![EXTERNAL_ID.to_owned(), "operator-secret-of-the-sandbox".to_owned()];
        secrets.extend(sandbox.session_secrets());
        let said = [("its output", stdout.clone()), ("its log", stderr.into_owned())];
        assert_eq!(leaks::found(&secrets, &said), Vec::<String>::new(), "{format}");
        match format {
            "text" => assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}"),
            "sarif" => {
                let sarif: Value = serde_json::from_str(&stdout).expect("JSON");
                let result = &sarif["runs"][0]["results"][0];
                let rule = result["ruleIndex"].as_u64().expect("an index") as usize;
                let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
                assert_eq!(rules[rule]["id"], result["ruleId"]);
                let place = &result["locations"][0]["physicalLocation"];
                assert_eq!(
                    (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
                    (&"stdin".into(), &15.into())
                );
            }
            _ => {}
        }
    }
}

/// Two faults on one account, as others read them: `tests/engines/reports.py` fails for what a format does not have.
#[tokio::test(flavor = "multi_thread")]
async fn readers_that_nobody_here_wrote_find_the_same_in_sarif_and_junit() {
    let sandbox = sandbox();
    let manifests = good().replace("acme-billing", "acme-biling").replace("Management", "Standalone");
    let folder = tempfile::tempdir().expect("a folder");
    let written = ["sarif", "junit"].map(|format| {
        let output = Check::of(&manifests, Some(&sandbox)).with(&["-o", format]).run();
        let path = folder.path().join(format);
        std::fs::write(&path, output.stdout).expect("written");
        path
    });
    let python = std::env::var("AWSCOST_PYTHON")
        .expect("AWSCOST_PYTHON names the interpreter that tests/environment/python prints");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/reports.py");
    let output = Command::new(python).arg(script).args(written).output().expect("the readers run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let errors = [
        ["AccountTypeVerified/DeclaredStandaloneIsInOrganization", "error"],
        ["BucketReadable/BucketNotFound", "error"],
    ];
    for error in errors {
        assert!(read["sarif"].as_array().is_some_and(|found| found.contains(&json!(error))), "{read:#}");
    }
    let account = "AwsCostAccount finops/acme-payer";
    for (condition, outcome) in [
        ("RoleAssumable", json!([])),
        ("AccountTypeVerified", json!(["Failure"])),
        ("BucketReadable", json!(["Failure"])),
        ("ReportDelivered", json!(["Skipped"])),
    ] {
        let case = json!([account, condition, outcome]);
        assert!(read["junit"].as_array().is_some_and(|found| found.contains(&case)), "{case} in {read:#}");
    }
}

#[test]
fn without_aws_schema_rules_and_references_are_checked() {
    let offline = |manifests: &str| Check::of(manifests, None).with(&["--skip-aws"]).json();
    assert_eq!(offline(&good()).0, 0);
    assert_eq!(offline(&format!("{ACCOUNT}---\n{WAREHOUSE}")).0, 0, "Secrets are seldom in a repository");
    let (code, report) = offline(ACCOUNT);
    let warehouse = (code, reason(&report, "WarehouseReady"));
    assert_eq!(warehouse, (0, Some("Probing")), "a folder of accounts leaves its warehouse to others");
    let elsewhere = WAREHOUSE.replace("namespace: finops", "namespace: data");
    assert_eq!(offline(&format!("{ACCOUNT}---\n{elsewhere}")).0, 0, "and so does another namespace's");
    let (code, report) =
        offline(&format!("{ACCOUNT}---\n{}", WAREHOUSE.replace("name: lake,", "name: lago,")));
    let warehouse = (code, reason(&report, "WarehouseReady"));
    assert_eq!(warehouse, (1, Some("WarehouseNotFound")), "documents that have others have all");
    let (code, report) = offline(&good().replace("region: us-east-1", "regoin: us-east-1"));
    assert_eq!((code, reason(&report, "Ready")), (1, Some("InvalidSpec")), "{report:#}");
    let (code, _) = offline(&good().replace("123456789012:role", "123456789012:user"));
    assert_eq!(code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_document_is_not_called_missing() {
    let words = |report: &Value, condition: &str| {
        finding(report, condition).map(|finding| finding["message"].to_string()).unwrap_or_default()
    };
    let other = WAREHOUSE.replace("name: lake,", "name: lago,");
    for (what, warehouse) in [
        ("a field nobody knows", WAREHOUSE.replace("location:", "locatoin: x, location:")),
        ("a location that is none", WAREHOUSE.replace("file:///warehouse", "gs://bucket")),
        (
            "no namespace",
            WAREHOUSE.replace(", namespace: finops", "").replace("file:///warehouse", "gs://bucket"),
        ),
    ] {
        let documents =
            format!("{ACCOUNT}---\n{warehouse}---\n{other}---\n{}", secret("external-id", EXTERNAL_ID));
        let (code, report) = Check::of(&documents, None).with(&["--skip-aws", "-n", "finops"]).json();
        assert_eq!((code, reason(&report, "WarehouseReady")), (1, Some("Probing")), "{what}: {report:#}");
        let said = words(&report, "WarehouseReady");
        assert!(said.contains("CostWarehouse lake is among the documents, and not valid"), "{what}: {said}");
    }
    let unread = format!("{ACCOUNT}---\n{other}");
    let (_, report) = Check::of(&unread, None).with(&["/nonexistent.yaml", "--skip-aws"]).json();
    let said = words(&report, "WarehouseReady");
    assert!(said.contains("is not among the documents that could be read"), "{said}");
    let sandbox = sandbox();
    let documents = format!("{ACCOUNT}---\n{WAREHOUSE}---\n{}", secret("external-id", "[1]"));
    let (code, report) = Check::of(&documents, Some(&sandbox)).json();
    assert_eq!((code, reason(&report, "RoleAssumable")), (1, Some("SecretNotUsable")), "{report:#}");
    let said = words(&report, "RoleAssumable");
    assert!(said.contains("It is among the documents, but invalid"), "{said}");
}

#[test]
fn a_configuration_that_the_sdk_leaves_out_is_told_without_the_sdks_insides() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config");
    std::fs::write(&config, "[profile x\nregion = canary\n").expect("written");
    let check = Check::of(&good(), None)
        .env("AWS_CONFIG_FILE", &config.display().to_string())
        .env("AWS_PROFILE", "x")
        .env("AWS_USE_FIPS_ENDPOINT", "canary")
        .env("AWS_ENDPOINT_URL_STS", "canary");
    let output = check.run();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    for said in [
        "AWS_USE_FIPS_ENDPOINT is neither true nor false",
        "AWS_ENDPOINT_URL_STS is not an address",
        "the files with AWS profiles",
    ] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    for insides in ["aws_config", "Error {", "Error(", "Configuration(", "canary"] {
        assert!(!stderr.contains(insides) && !stdout.contains(insides), "{insides}: {stderr}{stdout}");
    }
}

#[test]
fn nothing_to_check_is_not_good() {
    for format in ["text", "json", "junit", "sarif"] {
        let output = Check::of("", None).with(&["--skip-aws", "-o", format]).run();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{format}: a build that came to nothing is no green pull request"
        );
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("nothing was checked"), "{format}: {stderr}");
    }
}

#[test]
fn what_could_not_be_checked_is_neither_good_nor_a_finding() {
    let (code, report) = Check::of(&good(), None).json();
    assert_eq!((code, reason(&report, "RoleAssumable")), (2, Some("NoBaseCredentials")), "{report:#}");
    assert_eq!(Check::of("a: [", None).with(&["--skip-aws"]).run().status.code(), Some(2));
    let absent = Check::of("", None).with(&["/nonexistent.yaml", "--skip-aws"]).run();
    assert_eq!(absent.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_from_folders_manifests_and_the_environment() {
    let sandbox = sandbox();
    let bare = format!("{ACCOUNT}---\n{WAREHOUSE}");
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("acme");
    std::fs::create_dir(&keys).expect("a folder");
    std::fs::write(keys.join("externalId"), EXTERNAL_ID).expect("written");
    let manifest = folder.path().join("secret.yaml");
    std::fs::write(&manifest, secret("external-id", EXTERNAL_ID)).expect("written");

    let (code, report) = Check::of(&bare, Some(&sandbox)).json();
    assert_eq!((code, reason(&report, "RoleAssumable")), (1, Some("SecretNotUsable")));
    let of = |path: &Path| format!("finops/acme-external-id={}", path.display());
    for option in [of(&keys), of(&manifest)] {
        let (code, report) = Check::of(&bare, Some(&sandbox)).with(&["--secret", &option]).json();
        assert_eq!(code, 0, "{option}: {report:#}");
    }
    let check = Check::of(&bare, Some(&sandbox)).env("ACME_ID", EXTERNAL_ID);
    let (code, report) = check.with(&["--secret-env", "finops/acme-external-id/externalId=ACME_ID"]).json();
    assert_eq!(code, 0, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn what_is_not_given_comes_from_the_cluster_if_asked() {
    let client = admission::client().await;
    admission::install(&client).await;
    let namespace = format!("check-{:x}", std::process::id());
    let cluster = Cluster { client: client.clone(), namespace: namespace.clone() };
    let moved = |text: &str| text.replace("finops", &namespace);
    let made = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n");
    for text in [made, moved(WAREHOUSE), moved(&secret("external-id", EXTERNAL_ID))] {
        let object: Value = serde_saphyr::from_str(&text).expect("YAML");
        cluster.apply(object).await.expect("applied");
    }

    let sandbox = sandbox();
    let kubeconfig = admission::kubeconfig();
    let check = || Check::of(&moved(ACCOUNT), Some(&sandbox)).with(&["--kubeconfig", &kubeconfig]);
    let (code, report) = check().json();
    assert_eq!(
        (code, reason(&report, "RoleAssumable")),
        (1, Some("SecretNotUsable")),
        "not asked: {report:#}"
    );
    let (code, report) = check().with(&["--from-cluster"]).json();
    assert_eq!((code, reason(&report, "RoleAssumable")), (0, Some("RoleAssumed")), "{report:#}");

    let unlabelled: Value = serde_saphyr::from_str(&moved(&secret("warehouse", EXTERNAL_ID))).expect("YAML");
    cluster.apply(unlabelled).await.expect("applied");
    let (code, report) = check().with(&["--from-cluster"]).json();
    assert_eq!((code, reason(&report, "RoleAssumable")), (1, Some("SecretNotUsable")), "{report:#}");
    let api: Api<Namespace> = Api::all(client);
    api.delete(&namespace, &Default::default()).await.expect("the namespace goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_that_the_operator_will_make_is_waited_for() {
    let sandbox = sandbox();
    let asks = "    generateExternalId: true\n    externalIdSecretRef:";
    let manifests = format!("{ACCOUNT}---\n{WAREHOUSE}").replace("    externalIdSecretRef:", asks);
    let (code, report) = Check::of(&manifests, Some(&sandbox)).json();
    assert_eq!((code, reason(&report, "RoleAssumable")), (0, Some("NotChecked")), "{report:#}");
    let waits = finding(&report, "RoleAssumable").expect("a finding");
    assert_eq!(waits["severity"], "waiting", "{waits:#}");
    let message = waits["message"].as_str().expect("a message");
    assert!(message.contains("The operator makes Secret acme-external-id"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_tenancy_rules_and_external_ids_in_two_namespaces_count() {
    let sandbox = sandbox();
    let twice = format!("{}---\n{}", good(), good().replace("namespace: finops", "namespace: other"));
    let (code, report) = Check::of(&twice, Some(&sandbox)).json();
    assert_eq!(code, 1);
    let reasons: Vec<&Value> = report["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .filter(|object| object["name"].as_str().is_some_and(|name| name.starts_with("AwsCostAccount")))
        .map(|object| &object["findings"][0]["reason"])
        .collect();
    assert_eq!(reasons, ["RoleAssumed", "ExternalIdReused"], "the later one is at fault");

    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("settings.yaml");
    let rules = "image: awscost\nwatch: {allNamespaces: true}\n\
                 tenancy: {rules: [{namespaces: [other], accountIds: [\"123456789012\"]}]}\n";
    std::fs::write(&settings, rules).expect("written");
    let option = settings.display().to_string();
    let (code, report) = Check::of(&good(), Some(&sandbox)).with(&["--operator-config", &option]).json();
    assert_eq!(
        (code, reason(&report, "RoleAssumable")),
        (1, Some("RoleNotAllowedInNamespace")),
        "{report:#}"
    );
}

#[test]
fn folders_and_several_files_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    write("account.yaml", ACCOUNT);
    write("README.md", "no manifest");
    let apart = tempfile::tempdir().expect("a folder");
    let warehouse = apart.path().join("lake.yml");
    std::fs::write(&warehouse, WAREHOUSE).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_awscost"))
        .args(["check", "--skip-aws", "-f"])
        .args([folder.path(), &warehouse])
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("2 objects"), "{text}");
}
