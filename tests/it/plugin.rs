//! `kubectl awscost` against a real API server, with statuses as an operator writes them.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as `admission.rs` does.

use std::process::{Command, Output};

use awscost::api::{AwsCostAccount, CostWarehouse, RECONCILE_AT};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

use super::admission::{client, install, kubeconfig};

/// A namespace of its own, with two accounts that are denied, one that is ready, one that is suspended, and a warehouse.
struct Place {
    client: Client,
    namespace: String,
}

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": format!("Words about {reason}."),
           "lastTransitionTime": "2026-11-25T09:30:00Z"})
}

impl Place {
    async fn new(name: &str) -> Self {
        let client = client().await;
        install(&client).await;
        let meta = json!({"metadata": {"generateName": format!("{name}-")}});
        let namespace: Namespace = serde_json::from_value(meta).expect("a namespace");
        let made = Api::all(client.clone()).create(&PostParams::default(), &namespace).await;
        let place = Self { client, namespace: made.expect("a namespace").name_any() };
        let denied = [
            condition("Ready", "False", "AssumeRoleDenied"),
            condition("RoleAssumable", "False", "AssumeRoleDenied"),
            condition("BucketReadable", "Unknown", "BlockedByRole"),
        ];
        place.account("denied-1", false, &denied).await;
        place.account("denied-2", false, &denied).await;
        place.account("fine", false, &[condition("Ready", "True", "Succeeded")]).await;
        place.account("old", true, &denied).await;
        place.warehouse().await;
        place
    }

    fn accounts(&self) -> Api<AwsCostAccount> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn account(&self, name: &str, suspend: bool, conditions: &[Value]) {
        let object = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": name, "labels": {"team": if name == "fine" { "web" } else { "data" }}},
            "spec": {
                "accountType": "Member", "suspend": suspend,
                "access": {
                    "roleArn": "arn:aws:iam::123456789012:role/awscost",
                    "externalIdSecretRef": {"name": "acme-external-id"}
                }
            }
        });
        let object: AwsCostAccount = serde_json::from_value(object).expect("an account");
        self.accounts().create(&PostParams::default(), &object).await.expect("created");
        let status = json!({"status": {"conditions": conditions}});
        let patched =
            self.accounts().patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await;
        patched.expect("a status");
    }

    async fn warehouse(&self) {
        let api: Api<CostWarehouse> = Api::namespaced(self.client.clone(), &self.namespace);
        let object = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "lake"},
            "spec": {"delta": {"location": "file:///warehouse", "persistentVolumeClaim": "lake"}}
        });
        let object: CostWarehouse = serde_json::from_value(object).expect("a warehouse");
        api.create(&PostParams::default(), &object).await.expect("created");
        let status = json!({"status": {"conditions": [condition("Ready", "False", "ClaimNotUsable")]}});
        api.patch_status("lake", &PatchParams::default(), &Patch::Merge(&status)).await.expect("a status");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
        command.args(arguments).args(["--kubeconfig", &kubeconfig(), "--namespace", &self.namespace]);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().expect("the binary runs"))
            .await
            .expect("it ends")
    }

    async fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    async fn suspended(&self) -> Vec<String> {
        let all = self.accounts().list(&Default::default()).await.expect("a list");
        all.into_iter().filter(|one| one.spec.suspend == Some(true)).map(|one| one.name_any()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn errors_has_every_broken_object_by_reason() {
    let place = Place::new("errors").await;
    let text = place.prints(&["errors", "--fix-order"]).await;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.starts_with("2 of 4 accounts broken, 1 of 1 warehouse broken. 1 suspended.\n"), "{text}");
    assert!(text.contains("AssumeRoleDenied") && text.contains("It blocks 2 checks."), "{text}");
    assert!(text.contains("ClaimNotUsable") && text.contains(&format!("{}/old", place.namespace)), "{text}");
    let json: Value = serde_json::from_str(&place.prints(&["errors", "-o", "json"]).await).expect("JSON");
    let groups: Vec<(&str, u64)> = json["errors"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| (group["reason"].as_str().expect("a reason"), group["count"].as_u64().expect("a count")))
        .collect();
    assert_eq!(groups, [("AssumeRoleDenied", 2), ("ClaimNotUsable", 1)]);
    let yaml = place.prints(&["errors", "-o", "yaml"]).await;
    assert!(yaml.contains("brokenAccounts: 2"), "{yaml}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn status_is_one_screen() {
    let place = Place::new("status").await;
    let text = place.prints(&["status", "denied-1"]).await;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("RoleAssumable: Words about AssumeRoleDenied."), "{text}");
    let text = place.prints(&["status", "cwh/lake"]).await;
    assert!(text.contains("ClaimNotUsable"), "{text}");
    assert_eq!(place.run(&["status", "nobody"]).await.status.code(), Some(11));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn many_are_suspended_and_resumed_at_once() {
    let place = Place::new("suspend").await;
    place.prints(&["suspend", "--reason", "assumeroledenied", "--dry-run"]).await;
    assert_eq!(place.suspended().await, ["old"], "a dry run changes nothing");
    place.prints(&["suspend", "--reason", "AssumeRoleDenied"]).await;
    assert_eq!(place.suspended().await, ["denied-1", "denied-2", "old"]);
    place.prints(&["resume", "--reason", "AssumeRoleDenied"]).await;
    assert_eq!(
        place.suspended().await,
        Vec::<String>::new(),
        "what was suspended with a reason resumes with it"
    );
    place.prints(&["suspend", "denied-1", "denied-2", "old"]).await;
    place.prints(&["resume", "-l", "team=data"]).await;
    assert_eq!(place.suspended().await, Vec::<String>::new());
    place.prints(&["suspend", "fine", "old"]).await;
    assert_eq!(place.suspended().await, ["fine", "old"]);
    let unknown = place.run(&["suspend", "fine", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(11), "a name that is not there stops everything");
    assert_eq!(place.run(&["suspend"]).await.status.code(), Some(2), "nothing is selected by accident");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn several_are_deleted_only_with_a_yes() {
    let place = Place::new("delete").await;
    let count = || async { place.accounts().list(&Default::default()).await.expect("a list").items.len() };
    let asked = place.run(&["delete", "--all"]).await;
    assert_eq!(asked.status.code(), Some(11), "there is no terminal to ask");
    place.prints(&["delete", "--all", "--dry-run"]).await;
    assert_eq!(count().await, 4);
    place.prints(&["delete", "old"]).await;
    assert_eq!(count().await, 3, "one needs no question");
    place.prints(&["delete", "--reason", "AssumeRoleDenied", "--yes"]).await;
    assert_eq!(count().await, 1);
}

/// Answers wishes as an operator does.
async fn answer(api: Api<AwsCostAccount>) {
    let mut objects = watcher(api.clone(), watcher::Config::default()).applied_objects().boxed();
    while let Some(object) = objects.next().await {
        let Ok(object) = object else { continue };
        let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
        let Some(wish) =
            object.annotations().get(RECONCILE_AT).filter(|wish| Some(*wish) != handled.as_ref())
        else {
            continue;
        };
        let patch = json!({"status": {"lastHandledReconcileAt": wish}});
        let params = PatchParams::default();
        api.patch_status(&object.name_any(), &params, &Patch::Merge(&patch)).await.expect("a status");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn reconcile_waits_for_the_operators_answer() {
    let place = Place::new("reconcile").await;
    let silent = place.run(&["reconcile", "fine", "--wait", "--timeout", "1s"]).await;
    assert_eq!(silent.status.code(), Some(12), "no operator answers");
    let operator = tokio::spawn(answer(place.accounts()));
    let half = place.run(&["reconcile", "fine", "cwh/lake", "--wait", "--timeout", "5s"]).await;
    assert_eq!(half.status.code(), Some(12), "nobody answers for the warehouse");
    let (stdout, stderr) = (String::from_utf8_lossy(&half.stdout), String::from_utf8_lossy(&half.stderr));
    assert!(stdout.contains("Ready True Succeeded"), "the account's answer counts all the same: {stdout}");
    assert!(stderr.contains("/lake: the operator did not handle the request within 5 s"), "{stderr}");
    let text = place.prints(&["reconcile", "fine", "--wait", "--timeout", "30s"]).await;
    assert!(text.contains("reconciled: Ready True Succeeded"), "{text}");
    let broken =
        place.run(&["reconcile", "--reason", "AssumeRoleDenied", "--wait", "--timeout", "30s"]).await;
    assert_eq!(broken.status.code(), Some(1), "they are looked at, and still broken");
    assert!(String::from_utf8_lossy(&broken.stdout).contains("Ready False AssumeRoleDenied"));
    operator.abort();
    let warehouse = place.prints(&["reconcile", "cwh/lake", "-o", "json"]).await;
    assert!(warehouse.contains("\"reconciled\""), "{warehouse}");
}

#[test]
fn kubectl_finds_the_same_binary_as_its_plugin() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = folder.path().join("kubectl-awscost");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_awscost"), &plugin).expect("a link");
    let help = |program: &std::path::Path| {
        let output = Command::new(program).args(["errors", "--help"]).output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(help(&plugin).contains("Usage: kubectl awscost errors"), "{}", help(&plugin));
    assert!(help(std::path::Path::new(env!("CARGO_BIN_EXE_awscost"))).contains("Usage: awscost errors"));
}
