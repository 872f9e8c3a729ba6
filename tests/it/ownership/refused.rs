//! What the API server refuses is told, with everything else that is known; and a session is renewed where there is no room
//! for a new Secret.

use awscost::api::conditions::Condition;
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    core::v1::ResourceQuota,
    rbac::v1::{PolicyRule, Role},
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::stage::Stage;
use crate::{
    eventually::eventually,
    fault_catalogue::{cluster::Asked, ground::conditions},
};

/// How many Secrets there may be; returns once the API server holds to it.
async fn room_for(stage: &Stage, secrets: usize) {
    let api: Api<ResourceQuota> = Api::namespaced(stage.here.client.clone(), &stage.here.namespace);
    let hard = json!({"count/secrets": secrets.to_string()});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}});
    stage.here.apply(quota).await.expect("the quota is taken");
    let wanted = serde_json::from_value(hard).expect("quantities");
    eventually("the quota is in force", async || {
        let status = api.get("q").await.expect("the quota").status?;
        (status.hard.as_ref() == Some(&wanted) && status.used.is_some()).then_some(())
    })
    .await;
}

/// The condition once it has this reason.
async fn told(stage: &Stage, account: &str, condition: &str, reason: &str) -> String {
    let is = |one: &Condition| one.type_ == condition && one.reason == reason;
    let what = format!("{condition} {reason}");
    let account = stage.until(account, &what, |account| conditions(account).iter().any(is)).await;
    conditions(&account).iter().find(|one| is(one)).map(|one| one.message.clone()).expect("checked")
}

/// Takes a right away from the operator.
async fn forbid(stage: &Stage, resource: &str) {
    let api: Api<Role> = Api::namespaced(stage.here.client.clone(), &stage.here.namespace);
    let mut role = api.get("awscost").await.expect("the chart's Role");
    let names = |rule: &PolicyRule| rule.resources.iter().flatten().any(|name| name == resource);
    role.rules.iter_mut().for_each(|rules| rules.retain(|rule| !names(rule)));
    api.replace("awscost", &PostParams::default(), &role).await.expect("the Role is taken");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_refusal_is_named_and_a_renewal_needs_no_room() {
    let generated = [("spec/access/generateExternalId", json!(true)), ("secrets", json!(null))];
    let mut stage = Stage::set("refused", false, &[&[], &generated]).await;
    stage.operator(json!({}), json!({}));
    eventually("the warehouse is ready, and its probe's Secret went with the probe", async || {
        let lake = stage.here.warehouses().get("lake").await.expect("the warehouse").status?;
        let left = stage.here.secrets().list(&ListParams::default()).await.expect("Secrets").items;
        (left.is_empty() && lake.conditions.iter().any(|one| one.type_ == "Ready" && one.is_true()))
            .then_some(())
    })
    .await;
    // Room for the payer's external ID, and for nothing of the operator's.
    room_for(&stage, 1).await;
    stage.apply_accounts().await;
    let [payer, generating] = [stage.accounts[0].clone(), stage.accounts[1].clone()];

    let message = told(&stage, &payer, "DataCurrent", "QuotaExceeded").await;
    assert!(message.contains("quota") && message.contains("refuses the session Secret"), "{message}");
    assert!(
        stage.said(&payer).await.iter().any(|one| one.starts_with("RoleAssumable True")),
        "AWS's verdict is told"
    );
    let message = told(&stage, &generating, "RoleAssumable", "SecretNotUsable").await;
    assert!(message.contains("A resource quota") && message.contains("makes the external ID"), "{message}");

    room_for(&stage, 3).await;
    stage.ask(Asked::Account, &payer).await;
    let load = stage.load_of(&stage.account(&payer).await).await.name_any();
    room_for(&stage, 1).await;
    assert!(stage.renews(&payer, &load).await, "the session is renewed though the quota is full");

    forbid(&stage, "persistentvolumeclaims").await;
    stage.ask(Asked::Warehouse, "lake").await;
    eventually("the warehouse stays ready and names what the operator may not do", async || {
        let lake = stage.here.warehouses().get("lake").await.expect("the warehouse").status?;
        let ready = lake.conditions.iter().any(|one| one.type_ == "Ready" && one.is_true());
        let named = |one: &Condition| {
            one.type_ == "Reconciling" && one.message.contains("read PersistentVolumeClaims")
        };
        (ready && lake.conditions.iter().any(named)).then_some(())
    })
    .await;
    forbid(&stage, "pods").await;
    stage.ask(Asked::Account, &payer).await;
    let message = told(&stage, &payer, "DataCurrent", "JobFailed").await;
    assert!(message.contains("list pods") && message.contains("Role"), "{message}");
    stage.clear().await;
}

/// Has every Secret of the namespace wait for a webhook that does not answer: the API server says 500, which may pass.
async fn break_secrets(stage: &Stage) -> Api<ValidatingWebhookConfiguration> {
    let namespace = &stage.here.namespace;
    let webhook = json!({
        "metadata": {"name": namespace},
        "webhooks": [{
            "name": "nobody.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail", "timeoutSeconds": 1, "clientConfig": {"url": "https://127.0.0.1:9/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}]
        }]
    });
    let webhook = serde_json::from_value(webhook).expect("a webhook");
    let api: Api<ValidatingWebhookConfiguration> = Api::all(stage.here.client.clone());
    api.create(&PostParams::default(), &webhook).await.expect("the webhook is taken");
    let probe = json!({"metadata": {"name": "anything"}});
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the webhook is in force", async || {
        let probe = serde_json::from_value(probe.clone()).expect("a Secret");
        stage.here.secrets().create(&dry, &probe).await.is_err().then_some(())
    })
    .await;
    api
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_fault_in_starting_a_load_keeps_no_verdict_out_of_status() {
    // No load starts before the Secrets break.
    let mut stage = Stage::healthy("faulty", false, &[&[]]).await;
    let payer = stage.accounts[0].clone();
    let webhooks = break_secrets(&stage).await;
    stage.operator(json!({"cluster": 10}), json!({}));
    // A new generation: all that was said of the old one is said again, or not at all.
    let renamed = Patch::Merge(json!({"spec": {"displayName": "Acme"}}));
    let renamed =
        stage.here.accounts().patch(&payer, &PatchParams::default(), &renamed).await.expect("a new name");
    let told = stage.until(&payer, "AWS's verdict on the new generation", |account| {
        let of_now =
            |one: &&Condition| one.observed_generation == renamed.metadata.generation && one.is_true();
        let all = conditions(account);
        ["Ready", "RoleAssumable"]
            .iter()
            .all(|type_| all.iter().filter(of_now).any(|one| one.type_ == *type_))
    });
    told.await;
    webhooks.delete(&stage.here.namespace, &Default::default()).await.expect("the webhook goes");
    stage.load_of(&stage.account(&payer).await).await;
    stage.clear().await;
}
