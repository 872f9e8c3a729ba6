//! The operator itself behind a proxy, under an authority of one's own: the program as its pod runs it, on a real API server.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as the tests of the admission policy do.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use awscost::api::AwsCostAccount;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{Api, Client, api::PostParams, core::NamespaceResourceScope, runtime::wait::await_condition};
use serde_json::{Value, json};

use super::{
    super::{
        admission,
        aws_environment::{KEYS, PAYER, sandbox},
    },
    authority::Authority,
    clean,
    proxy::{Proxy, Speaks},
};

/// A start and one round of questions take seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that ends with this value.
struct Running(Child);

impl Running {
    /// Waits until it ends by itself, and tells whether it ended well.
    async fn ends_well(&mut self) -> bool {
        loop {
            if let Some(status) = self.0.try_wait().expect("a child of this process") {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts the operator with these settings and environment; its log goes into `folder`.
fn operator(folder: &Path, settings: &Value, environment: &[(&str, &str)]) -> Running {
    let config = folder.join("operator.yaml");
    std::fs::write(&config, settings.to_string()).expect("the settings are written");
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    let kubeconfig = std::env::var("AWSCOST_TEST_KUBECONFIG").expect("a kubeconfig");
    clean(&mut command)
        .args(["operator", "--config"])
        .arg(config)
        .env("KUBECONFIG", kubeconfig)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("one file, two streams"))
        .stderr(log);
    Running(command.spawn().expect("the operator starts"))
}

async fn create<K>(client: &Client, namespace: &str, object: Value)
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + serde::de::DeserializeOwned
        + serde::Serialize
        + Clone
        + std::fmt::Debug,
{
    let object = serde_json::from_value(object).expect("an object");
    let api = Api::<K>::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &object).await.expect("it is accepted");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn the_operator_reaches_aws_through_the_proxy_and_starts_again_with_another_bundle() {
    let client = admission::client().await;
    admission::install(&client).await;
    let namespace = format!("proxied-{}", std::process::id());
    let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).expect("a namespace");
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.expect("a namespace");
    create::<Secret>(
        &client,
        &namespace,
        json!({"metadata": {"name": "member-id", "labels": {"awscost.io/use": "external-id"}},
            "stringData": {"externalId": PAYER.1}}),
    )
    .await;
    create::<AwsCostAccount>(
        &client,
        &namespace,
        json!({"apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": "member"},
            "spec": {"accountType": "Member", "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "member-id"}}}}),
    )
    .await;

    let sandbox = sandbox();
    let authority = Authority::new();
    let proxy = Proxy::start(&authority, sandbox.address(), Speaks::Http).await;
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = folder.path().join("ca.crt");
    let authorities = std::fs::read_to_string(authority.pem()).expect("the authority");
    std::fs::write(&bundle, &authorities).expect("written");
    let settings = json!({
        "image": "localhost/awscost:test", "watch": {"namespaces": [namespace]}, "metrics": {"address": "127.0.0.1:0"},
        "leaderElection": {"enabled": false}, "testing": {"firstLookSpread": "1s"}, "caBundle": bundle,
    });
    let url = proxy.url();
    let environment = [
        KEYS[0],
        KEYS[1],
        ("AWS_REGION", "us-east-1"),
        ("HTTPS_PROXY", &url),
        ("POD_NAME", "test"),
        ("POD_NAMESPACE", &namespace),
    ];
    let mut running = operator(folder.path(), &settings, &environment);

    let accounts: Api<AwsCostAccount> = Api::namespaced(client, &namespace);
    let assumed = |account: Option<&AwsCostAccount>| {
        let conditions = account.and_then(|account| account.status.as_ref()).map(|status| &status.conditions);
        conditions
            .is_some_and(|all| all.iter().any(|one| one.type_ == "RoleAssumable" && one.status == "True"))
    };
    let waited = tokio::time::timeout(PATIENCE, await_condition(accounts.clone(), "member", assumed)).await;
    let account = accounts.get("member").await.expect("the account");
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(waited.is_ok(), "the role is assumed through the proxy: {:#?}\n{log}", account.status);
    let asked = proxy.asked();
    assert!(asked.contains(&"sts.us-east-1.amazonaws.com:443".to_owned()), "{asked:?}");
    assert!(
        asked.iter().all(|host| host.ends_with(".amazonaws.com:443")),
        "only AWS is asked through it: {asked:?}"
    );

    std::fs::write(&bundle, format!("{authorities}# Another authority was added.\n")).expect("written");
    let ended = tokio::time::timeout(PATIENCE, running.ends_well()).await;
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert_eq!(
        ended,
        Ok(true),
        "the process ends well, for the kubelet to start it with the new bundle:\n{log}"
    );
}
