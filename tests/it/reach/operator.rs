//! The operator itself behind a proxy, under an authority of one's own: the program as its pod runs it, on a real API server.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as the tests of the admission policy do.

use std::{process::Command, time::Duration};

use awscost::api::AwsCostAccount;
use kube::runtime::wait::await_condition;
use serde_json::json;

use super::{
    super::{
        admission,
        aws_environment::{KEYS, PAYER, sandbox},
        fault_catalogue::{ground::made, operator::OperatorProcess},
    },
    authority::Authority,
    clean,
    proxy::{Proxy, Speaks},
};

/// A start and one round of questions take seconds.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn the_operator_reaches_aws_through_the_proxy_and_starts_again_with_another_bundle() {
    let client = admission::client().await;
    admission::install(&client).await;
    let namespace = format!("proxied-{}", std::process::id());
    let cluster = made(&client, &namespace).await;
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "member-id", "labels": {"awscost.io/use": "external-id"}},
            "stringData": {"externalId": PAYER.1}}),
        json!({"apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": "member"},
            "spec": {"accountType": "Member", "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "member-id"}}}}),
    ] {
        cluster.apply(object).await.expect("it is accepted");
    }

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    clean(&mut command).envs([KEYS[0], KEYS[1], ("AWS_REGION", "us-east-1"), ("HTTPS_PROXY", &url)]);
    let kubeconfig = admission::kubeconfig();
    let mut running = OperatorProcess::start_in(folder, command, &namespace, &settings, kubeconfig.as_ref());

    let accounts = cluster.accounts();
    let assumed = |account: Option<&AwsCostAccount>| {
        let conditions = account.and_then(|account| account.status.as_ref()).map(|status| &status.conditions);
        conditions
            .is_some_and(|all| all.iter().any(|one| one.type_ == "RoleAssumable" && one.status == "True"))
    };
    let waited = tokio::time::timeout(PATIENCE, await_condition(accounts.clone(), "member", assumed)).await;
    let account = accounts.get("member").await.expect("the account");
    let log = std::fs::read_to_string(running.log()).expect("a log");
    assert!(waited.is_ok(), "the role is assumed through the proxy: {:#?}\n{log}", account.status);
    let asked = proxy.asked();
    assert!(asked.contains(&"sts.us-east-1.amazonaws.com:443".to_owned()), "{asked:?}");
    assert!(
        asked.iter().all(|host| host.ends_with(".amazonaws.com:443")),
        "only AWS is asked through it: {asked:?}"
    );

    std::fs::write(&bundle, format!("{authorities}# Another authority was added.\n")).expect("written");
    let ended = tokio::time::timeout(PATIENCE, running.ended()).await;
    let log = std::fs::read_to_string(running.log()).expect("a log");
    assert_eq!(
        ended,
        Ok(true),
        "the process ends well, for the kubelet to start it with the new bundle:\n{log}"
    );
}
