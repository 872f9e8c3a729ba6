//! The AWS identities that `awscost onboard operator` and `awscost onboard warehouse` print, on the sandbox: they are enough,
//! and nobody else gets in. The files of `deploy/quickstart` are what is printed.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use awscost::warehouse::{
    Warehouse,
    delta::{Addressing, DeltaOptions, DeltaWarehouse, WarehouseIdentity},
};
use awscost_sandbox::{Sandbox, World, world::User};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC";
const SUBJECT: &str = "system:serviceaccount:awscost-system:awscost";
const ROLE: &str = "arn:aws:iam::999988887777:role/awscost-operator";
const EXTERNAL_ID: &str = "acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";

fn quickstart(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/quickstart").join(file)
}

/// Runs the program with an AWS configuration of its own, and this on its standard input.
fn awscost(arguments: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS")) {
        command.env_remove(name);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
    command.args(arguments).envs(env.iter().copied());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that ends early reads nothing more.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// What `awscost onboard` prints.
fn printed(subject: &str, options: &[&str], file: &Path) -> String {
    let file = file.display().to_string();
    let arguments = [&["onboard", subject, "-f", &file], options].concat();
    let output = awscost(&arguments, &[], "");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn document(subject: &str, options: &[&str], file: &Path) -> Value {
    serde_json::from_str(&printed(subject, options, file)).expect("JSON")
}

/// A token as the cluster's API server signs it for a pod; the sandbox reads it and asks for no signature.
fn token(issuer: &str, subject: &str, audience: &str) -> String {
    let claims =
        json!({"iss": issuer, "sub": subject, "aud": [audience], "exp": Timestamp::now().as_second() + 3600});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.signature", part(&json!({"alg": "RS256"})), part(&claims))
}

/// The demo's world, where the accounts trust a role of the operator's that has these policies.
fn world(trust: &Value, policy: &Value) -> Sandbox {
    let text = include_str!("../sandbox/worlds/demo.yaml")
        .replace("arn:aws:iam::999988887777:user/awscost-operator", ROLE);
    let sandbox = Sandbox::start(World::from_yaml(&text).expect("a world"));
    let role = json!({"name": "awscost-operator", "trust": trust, "policies": {"awscost": policy}});
    sandbox.world_mut(|world| {
        let platform = world.accounts.get_mut("999988887777").expect("the operator's account");
        platform.roles.push(serde_json::from_value(role).expect("a role"));
    });
    sandbox
}

/// The reason of RoleAssumable for the quickstart's account, for whoever brings this token.
fn verdict(sandbox: &Sandbox, token: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, token).expect("written");
    let account = std::fs::read_to_string(quickstart("account.yaml")).expect("the file");
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: acme-external-id\n  namespace: finops\n  \
         labels: {{awscost.io/use: external-id}}\nstringData:\n  externalId: {EXTERNAL_ID}\n"
    );
    let (file, endpoint) = (file.display().to_string(), sandbox.endpoint().to_string());
    let env = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &file),
    ];
    let output = awscost(&["check", "-f", "-", "-o", "json"], &env, &format!("{account}---\n{secret}"));
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| unreachable!("{}", String::from_utf8_lossy(&output.stderr)));
    let objects = report["objects"].as_array().expect("objects");
    let mut findings = objects.iter().filter_map(|object| object["findings"].as_array()).flatten();
    let role = findings.find(|finding| finding["condition"] == "RoleAssumable");
    role.unwrap_or_else(|| unreachable!("{report:#}"))["reason"].as_str().expect("a reason").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_pods_get_its_role_and_the_accounts_and_nobody_else_does() {
    let account = quickstart("account.yaml");
    let of =
        |print| document("operator", &["--irsa", ISSUER, "--principal", ROLE, "--print", print], &account);
    let sandbox = world(&of("trust"), &of("policy"));
    let other = "system:serviceaccount:finops:awscost";
    for (issuer, subject, audience, expected) in [
        (ISSUER, SUBJECT, "sts.amazonaws.com", "RoleAssumed"),
        (ISSUER, other, "sts.amazonaws.com", "WebIdentityRejected"),
        (ISSUER, SUBJECT, "vault", "WebIdentityRejected"),
        (
            "https://oidc.eks.eu-west-1.amazonaws.com/id/XYZ",
            SUBJECT,
            "sts.amazonaws.com",
            "WebIdentityRejected",
        ),
    ] {
        let said = verdict(&sandbox, &token(issuer, subject, audience));
        assert_eq!(said, expected, "{issuer} {subject} {audience}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_may_assume_no_role_that_it_was_not_given() {
    let trust = document(
        "operator",
        &["--irsa", ISSUER, "--principal", ROLE, "--print", "trust"],
        &quickstart("account.yaml"),
    );
    let narrow = [
        "onboard",
        "operator",
        "--irsa",
        ISSUER,
        "--principal",
        ROLE,
        "--print",
        "policy",
        "--role-arns",
        "arn:aws:iam::*:role/finops/*",
    ];
    let policy = serde_json::from_slice(&awscost(&narrow, &[], "").stdout).expect("a policy");
    let said = verdict(&world(&trust, &policy), &token(ISSUER, SUBJECT, "sts.amazonaws.com"));
    assert_eq!(said, "CallerMayNotAssume");
}

/// What a probe of the quickstart's warehouse ends with, for a user who may do these things.
async fn probed(policy: &Value) -> Result<(), String> {
    const KEY: (&str, &str) = ("AKIAACMELAKEUSER0001", "the-secret-of-the-lakes-user");
    let sandbox = Sandbox::start(World::demo());
    let user = json!({
        "name": "awscost-lake", "accessKeys": [{"id": KEY.0, "secret": KEY.1}], "policies": {"awscost": policy},
    });
    let user: User = serde_json::from_value(user).expect("a user");
    sandbox.world_mut(|world| {
        world.accounts.get_mut("123456789012").expect("the account").users.push(user);
    });
    let options = DeltaOptions::at("s3://acme-lake/awscost").expect("a location");
    let warehouse = DeltaWarehouse::open(DeltaOptions {
        region: "us-east-1".parse().ok(),
        endpoint: sandbox.endpoint().parse().ok(),
        addressing: Addressing::Path,
        identity: Some(WarehouseIdentity::Keys {
            access_key_id: KEY.0.to_owned(),
            secret_access_key: KEY.1.into(),
            session_token: None,
        }),
        ..options
    })
    .expect("it opens");
    warehouse.probe().await.map(drop).map_err(|fault| fault.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouses_policy_is_enough_and_each_right_is_needed() {
    let user = "arn:aws:iam::123456789012:user/awscost-lake";
    let policy = document(
        "warehouse",
        &["--user", "--principal", user, "--print", "policy"],
        &quickstart("warehouse.yaml"),
    );
    assert_eq!(probed(&policy).await, Ok(()), "{policy:#}");
    let text = policy.to_string();
    for right in ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
        let without = text.replace(right, "s3:GetBucketLocation");
        assert_ne!(without, text, "{right} is not among them");
        let policy = serde_json::from_str(&without).expect("a policy");
        assert!(probed(&policy).await.is_err(), "the probe passes without {right}");
    }
    let elsewhere = serde_json::from_str(&text.replace("acme-lake/awscost/*", "acme-lake/other/*"));
    assert!(probed(&elsewhere.expect("a policy")).await.is_err(), "the objects are those below the prefix");
}

#[test]
fn a_warehouse_on_eks_has_a_service_account_that_the_chart_lets_jobs_run_as() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("warehouse.yaml");
    let with_keys = std::fs::read_to_string(quickstart("warehouse.yaml")).expect("the file");
    let manifest =
        with_keys.replace("credentialsSecretRef: {name: acme-lake}", "serviceAccountName: awscost-lake");
    std::fs::write(&file, manifest).expect("written");
    let role = "arn:aws:iam::123456789012:role/awscost-lake";
    let of = |print| printed("warehouse", &["--irsa", ISSUER, "--principal", role, "--print", print], &file);
    let account: Value = serde_saphyr::from_str(&of("service-account")).expect("YAML");
    assert_eq!(account["metadata"]["name"], "awscost-lake");
    assert_eq!(account["metadata"]["namespace"], "finops");
    assert_eq!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], role);
    let values: Value = serde_saphyr::from_str(&of("values")).expect("YAML");
    assert_eq!(values, json!({"jobs": {"serviceAccounts": ["awscost-lake"]}}));
    assert!(of("trust").contains("system:serviceaccount:finops:awscost-lake"), "{}", of("trust"));
}

#[test]
fn a_warehouse_that_needs_no_identity_is_refused_with_a_fix() {
    let (user, role) = ("arn:aws:iam::123456789012:user/awscost", "arn:aws:iam::123456789012:role/awscost");
    let manifest = |delta: &str| {
        format!(
            "apiVersion: awscost.io/v1alpha1\nkind: CostWarehouse\nmetadata: {{name: lake, namespace: finops}}\n\
             spec: {{delta: {{{delta}}}}}\n"
        )
    };
    let keys = "location: s3://acme-lake/a, region: us-east-1, credentialsSecretRef: {name: keys}";
    let volume = "location: file:///warehouse, persistentVolumeClaim: lake";
    let minio = &format!("{keys}, endpoint: http://minio");
    for (source, principal, delta, part) in [
        ("--user", role, keys, "is not an IAM user"),
        ("--pod-identity=acme", role, keys, "--pod-identity needs spec.delta.serviceAccountName instead"),
        ("--user", user, volume, "only a bucket in AWS"),
        ("--user", user, minio, "its store is not AWS:"),
    ] {
        let output = awscost(
            &["onboard", "warehouse", source, "--principal", principal, "-f", "-"],
            &[],
            &manifest(delta),
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(part), "{source} {delta}: {said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(11), 0), "{said}");
    }
}

#[test]
fn the_quickstarts_values_are_what_is_printed_for_its_account() {
    let (user, role) = (
        "arn:aws:iam::123456789012:user/awscost-operator",
        "arn:aws:iam::123456789012:role/awscost-operator",
    );
    for (file, source, principal) in [
        ("values-keys.yaml", "--user", user),
        ("values-irsa.yaml", "--irsa=https://oidc.example/id/A", role),
        ("values-pod-identity.yaml", "--pod-identity=acme", role),
    ] {
        let options = [source, "--principal", principal, "--print", "values"];
        let printed: Value =
            serde_saphyr::from_str(&printed("operator", &options, &quickstart("account.yaml")))
                .expect("YAML");
        let kept = std::fs::read_to_string(quickstart(file)).expect("the file");
        let kept: Value = serde_saphyr::from_str(&kept).expect("YAML");
        assert_eq!(kept, printed, "deploy/quickstart/{file}");
    }
}

#[test]
fn the_readme_shows_the_quickstarts_account() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("it");
    let (_, rest) = readme.split_once("```yaml\n").expect("a manifest");
    let (shown, _) = rest.split_once("```").expect("its end");
    let kept = std::fs::read_to_string(quickstart("account.yaml")).expect("the file");
    let parsed = |text: &str| serde_saphyr::from_str::<Value>(text).expect("YAML");
    assert_eq!(parsed(shown), parsed(&kept));
}

/// A program in place of `aws` or `kubectl` that keeps what was created as files of a folder, says no to a second creation
/// and to a question about what isn't there, and writes down what it created.
const RECORDER: &str = r#"#!/bin/bash
cd "$RECORDED"
case "$(basename "$0") $*" in
    aws\ *\ create-access-key\ *) echo create-access-key >>log; printf 'accessKeyId=A\tsecretAccessKey=S\n' ;;
    aws\ *\ create-*) [[ ! -e $2 ]] || { echo "$2 is there" >&2; exit 254; }; touch "$2" "${2/create/get}" "${2/create/head}"; echo "$2" >>log ;;
    aws\ *\ list-*) ! test -e create-pod-identity-association || echo a-1234 ;;
    aws\ *\ get-*|aws\ *\ head-*) test -e "$2" ;;
    aws\ *\ put-*|aws\ *\ update-*) ;;
    kubectl\ *\ get\ secret\ *) test -e secret ;;
    kubectl\ *\ create\ secret\ *) test ! -e secret && cat >secret && echo create-secret >>log ;;
    kubectl\ get\ namespace\ *|kubectl\ *\ label\ *) ;;
    *) echo "not known: $0 $*" >&2; exit 1 ;;
esac
"#;

/// What a script created, in order, when it was run so many times.
fn created(script: &str, times: usize) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    for program in ["aws", "kubectl"] {
        let path = folder.path().join(program);
        std::fs::write(&path, RECORDER).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("executable");
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a path"));
    for time in 1..=times {
        let mut bash = Command::new("bash");
        bash.args(["-c", script]).env("RECORDED", folder.path()).env("PATH", &path);
        let output = bash.output().expect("bash runs");
        assert!(output.status.success(), "time {time}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    log.lines().map(str::to_owned).collect()
}

#[test]
fn a_script_that_is_run_again_creates_nothing_twice() {
    let user = "arn:aws:iam::999988887777:user/awscost";
    let cases: [(&str, &str, &[&str], &[&str]); 4] = [
        (
            "operator",
            "account.yaml",
            &["--user", "--principal", user],
            &["create-user", "create-access-key", "create-secret"],
        ),
        ("operator", "account.yaml", &["--irsa", ISSUER, "--principal", ROLE], &["create-role"]),
        (
            "operator",
            "account.yaml",
            &["--pod-identity", "acme", "--principal", ROLE],
            &["create-role", "create-pod-identity-association"],
        ),
        (
            "warehouse",
            "warehouse.yaml",
            &["--user", "--principal", user, "--with-bucket"],
            &["create-bucket", "create-user", "create-access-key", "create-secret"],
        ),
    ];
    for (subject, file, options, expected) in cases {
        let script = printed(subject, options, &quickstart(file));
        assert_eq!(created(&script, 2), expected, "{options:?}:\n{script}");
    }
}
