//! The standard AWS configuration: environment variables and profiles, each read in a process of its own, and moto as an
//! AWS that nobody here wrote.
//!
//! moto needs Python with `moto[server]`, named by `AWSCOST_PYTHON`; `make test` sets it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use awscost::{
    aws::{
        AwsSettings, Sdk, Session,
        traits::{AssumeRole, BucketOwner, Delimiter, ListObjects, ReadObject},
    },
    model::{AccountId, BucketName, ExternalId, Region, RoleArn},
    network::trust::TrustedAuthorities,
};
use awscost_sandbox::{Sandbox, World};
use jiff::SignedDuration;

pub const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAAWSCOSTOPERATOR1"),
    ("AWS_SECRET_ACCESS_KEY", "operator-secret-of-the-sandbox"),
];

/// What a process with this environment and nothing else of AWS's and of proxies' says when it calls AWS.
pub fn calls(environment: &[(&str, &str)]) -> String {
    alone("aws_environment::in_a_process_of_its_own", environment)
}

/// What a test prints that is run in a process with this environment and nothing else of AWS's and of proxies'.
pub fn alone(test: &str, environment: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().expect("a running test knows its program"));
    child.args(["--exact", test, "--ignored", "--nocapture"]);
    let ours = |name: &str| {
        let name = name.to_ascii_uppercase();
        name.starts_with("AWS_") || name.ends_with("_PROXY") || name.starts_with("SSL_CERT")
    };
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        child.env_remove(name);
    }
    child.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nonexistent");
    child.envs(environment.iter().copied());
    let output = child.output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test]
#[ignore = "the other tests run it, with the environment they test"]
async fn in_a_process_of_its_own() {
    let of = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let trust = TrustedAuthorities::of_environment().expect("a bundle, if one is named");
    let aws = Sdk::load(AwsSettings { trust, ..AwsSettings::default() }).await.aws();
    println!("base: {:?}", aws.identity.base_caller().await.map(|caller| caller.arn));

    let role: RoleArn = of("ROLE", "arn:aws:iam::123456789012:role/awscost").parse().expect("a role");
    let external_id = ExternalId::parse(of("EXTERNAL_ID", "none").as_bytes()).expect("an external ID");
    let (bucket, region): (BucketName, Region) = (
        of("BUCKET", "acme-billing").parse().expect("a bucket"),
        of("BUCKET_REGION", "us-east-1").parse().expect("a region"),
    );
    let request = AssumeRole {
        role: &role,
        external_id: Some(&external_id),
        session_name: "awscost-check",
        duration: SignedDuration::from_hours(1),
        policy: None,
        region: &of("STS_REGION", "us-east-1").parse().expect("a region"),
    };
    let session: Session = match aws.identity.assume_role(request).await {
        Ok(session) => session,
        Err(fault) => return println!("role: {fault}"),
    };
    let caller = aws.identity.session_caller(&session, &region).await.map(|caller| caller.arn);
    println!("role: {caller:?}");
    println!("organization: {:?}", aws.organizations.membership(&session, role.partition()).await);

    let owner: AccountId = "123456789012".parse().expect("an account");
    let prefix = of("PREFIX", "cur/acme-cur/");
    let request = ListObjects {
        bucket: &bucket,
        region: &region,
        owner: BucketOwner::Expected(&owner),
        prefix: &prefix,
        delimiter: Delimiter::None,
        limit: 1,
    };
    let listing = aws.buckets.list(&session, request).await;
    println!("list: {:?}", listing.as_ref().map(|listing| listing.objects.len()));
    for key in [format!("{prefix}20261101-20261201/acme-Manifest.json"), format!("{prefix}none")] {
        let request =
            ReadObject { bucket: &bucket, region: &region, owner: &owner, key: &key, range: Some(0..2) };
        println!("read: {:?}", aws.buckets.read(&session, request).await.map(|read| read.bytes));
    }
}

pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(World::demo());
    sandbox.put_object("acme-billing", "cur/acme-cur/20261101-20261201/acme-Manifest.json", "{}");
    sandbox
}

/// What the sandbox gives when all is well.
const ALL_WELL: [&str; 6] = [
    r#"base: Ok("arn:aws:iam::999988887777:user/awscost-operator")"#,
    r#"role: Ok("arn:aws:sts::123456789012:assumed-role/awscost/awscost-check")"#,
    r#"organization: Ok(InOrganization { management: 123456789012, features: All })"#,
    "list: Ok(1)",
    r#"read: Ok(b"{}")"#,
    "code: NoSuchKey",
];
pub const PAYER: (&str, &str) = ("EXTERNAL_ID", "acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10");

pub fn assert_all_well(said: &str) {
    for line in ALL_WELL {
        assert!(said.contains(line), "no {line} in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_endpoint_from_the_environment() {
    let sandbox = sandbox();
    let endpoint = sandbox.endpoint();
    assert_all_well(&calls(&[KEYS[0], KEYS[1], PAYER, ("AWS_ENDPOINT_URL", &endpoint)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_for_each_service() {
    let sandbox = sandbox();
    let endpoint = sandbox.endpoint();
    let nowhere = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let each = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_ORGANIZATIONS", "AWS_ENDPOINT_URL_S3"];
    let mut environment = vec![KEYS[0], KEYS[1], PAYER, nowhere];
    environment.extend(each.map(|name| (name, endpoint.as_str())));
    assert_all_well(&calls(&environment));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config");
    let profile = format!(
        "[profile finops]\nregion = eu-central-1\nendpoint_url = {}\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        sandbox.endpoint(),
        KEYS[0].1,
        KEYS[1].1
    );
    std::fs::write(&file, profile).expect("a file");
    let file = file.to_str().expect("a plain path");
    assert_all_well(&calls(&[PAYER, ("AWS_CONFIG_FILE", file), ("AWS_PROFILE", "finops")]));
    let own = sandbox.calls().of("sts", "GetCallerIdentity");
    assert_eq!(own.first().expect("it asked").region, "eu-central-1", "the operator's own region");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_and_broken_ones() {
    let sandbox = sandbox();
    let endpoint = sandbox.endpoint();
    let endpoint = ("AWS_ENDPOINT_URL", endpoint.as_str());
    let none = calls(&[endpoint]);
    assert!(
        none.contains("code: NoCredentials") && none.contains("role: sts:AssumeRole failed: NoCredentials"),
        "{none}"
    );
    let token = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
    let role = ("AWS_ROLE_ARN", "arn:aws:iam::999988887777:role/operator");
    let no_token = calls(&[endpoint, token, role]);
    assert!(no_token.contains("code: CredentialsMisconfigured"), "{no_token}");
    let unknown =
        calls(&[endpoint, ("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODYNO01"), ("AWS_SECRET_ACCESS_KEY", "x")]);
    assert!(unknown.contains("code: InvalidClientToken"), "{unknown}");
}

/// moto in a process of its own, ended with this value.
struct Moto {
    process: Child,
    endpoint: String,
}

impl Moto {
    fn start() -> Self {
        let python = std::env::var("AWSCOST_PYTHON")
            .expect("AWSCOST_PYTHON names the interpreter that tests/environment/python prints");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/serve.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut port = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut port).expect("moto prints its port");
        Self { process, endpoint: format!("http://127.0.0.1:{}", port.trim()) }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_as_a_second_s3_and_sts() {
    let moto = Moto::start();
    let region = ("BUCKET_REGION", "eu-west-1");
    let prefix = ("PREFIX", "cur/acme/");
    let said = calls(&[KEYS[0], KEYS[1], region, prefix, ("AWS_ENDPOINT_URL", &moto.endpoint)]);
    for line in [
        r#"base: Ok("arn:aws:sts::123456789012:user/moto")"#,
        r#"role: Ok("arn:aws:sts::123456789012:assumed-role/awscost/awscost-check")"#,
        "organization: Ok(InOrganization { management: 123456789012, features: All })",
        "list: Ok(1)",
        r#"read: Ok(b"{}")"#,
        "code: NoSuchKey",
    ] {
        assert!(said.contains(line), "no {line} in:\n{said}");
    }
    let missing = calls(&[
        KEYS[0],
        KEYS[1],
        region,
        ("BUCKET", "nobody-has-this"),
        ("AWS_ENDPOINT_URL", &moto.endpoint),
    ]);
    assert!(missing.contains("code: NoSuchBucket"), "{missing}");
}
