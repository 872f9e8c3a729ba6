//! The chart's admission policy: of Secrets that are not named `awscost-…` the operator can create an external ID as it
//! makes them, and no other; and then neither change nor delete it.

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::{ground, walk::Walk};
use crate::admission_cases::patched;

const NAMES: &str = "the operator writes only Secrets named awscost-*, and immutable external IDs";
const OPAQUE: &str = "the operator writes only Opaque Secrets";
const ITS_OWN: &str = "the operator changes and deletes only the session Secrets it wrote";

/// How a Secret differs from one that the operator makes, and what the policy says.
fn cases() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "0"}]);
    let token = json!({"kubernetes.io/service-account.name": "default"});
    vec![
        ("as the operator makes it", json!({}), None),
        ("without the label", json!({"metadata": {"labels": {"awscost.io/use": null}}}), Some(NAMES)),
        (
            "labelled for an access key",
            json!({"metadata": {"labels": {"awscost.io/use": "access-key"}}}),
            Some(NAMES),
        ),
        (
            "labelled as a session",
            json!({"metadata": {"labels": {"awscost.io/use": "session"}}}),
            Some(NAMES),
        ),
        ("that can be changed", json!({"immutable": null}), Some(NAMES)),
        ("made for nobody", json!({"metadata": {"annotations": null}}), Some(NAMES)),
        ("with an owner", json!({"metadata": {"ownerReferences": owner}}), Some(NAMES)),
        ("with two values", json!({"data": {"second": "AAAA"}}), Some(NAMES)),
        ("with a second value as text", json!({"stringData": {"second": "text"}}), Some(NAMES)),
        ("without a value", json!({"data": null}), Some(NAMES)),
        (
            "that is a service account's token",
            json!({"type": "kubernetes.io/service-account-token", "metadata": {"annotations": token}}),
            Some(OPAQUE),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn the_operator_can_make_such_a_secret_and_no_other() {
    let ground = ground("only-this").await;
    let no_secret = [("spec/access/generateExternalId", json!(true)), ("secrets", Value::Null)];
    let mut walk = Walk::begin(&ground, 0, &no_secret).await;
    walk.verdict().await;
    let made = walk.secret().await;
    let another = json!({
        "apiVersion": "v1", "kind": "Secret", "type": made.type_, "immutable": made.immutable, "data": made.data,
        "metadata": {"name": "another", "labels": made.labels(), "annotations": made.annotations()},
    });
    let operators: Api<Secret> = Api::namespaced(ground.operators_client().await, &ground.cluster.namespace);
    for (what, difference, refusal) in cases() {
        let said = created(&operators, patched(&another, &difference)).await;
        assert_eq!(said.is_some(), refusal.is_some(), "a Secret {what}: {said:?}");
        let said = said.unwrap_or_default();
        assert!(said.contains(refusal.unwrap_or_default()), "a Secret {what}: {said}");
    }
    let label = Patch::Merge(json!({"metadata": {"labels": {"more": "more"}}}));
    let name = made.name_any();
    let changed = operators.patch(&name, &PatchParams { dry_run: true, ..Default::default() }, &label).await;
    assert!(
        refusal(changed).is_some_and(|said| said.contains(ITS_OWN)),
        "the operator changes the one it made"
    );
    let gone = operators.delete(&name, &DeleteParams { dry_run: true, ..Default::default() }).await;
    assert!(refusal(gone).is_some_and(|said| said.contains(ITS_OWN)), "the operator deletes the one it made");
    let anybodys = patched(&another, &json!({"metadata": {"labels": null, "annotations": null}}));
    assert_eq!(created(&ground.cluster.secrets(), anybodys).await, None, "the policy holds others up");
    ground.clear().await;
}

/// What the API server has against such a Secret, on a dry run.
async fn created(secrets: &Api<Secret>, secret: Value) -> Option<String> {
    let secret: Secret = serde_json::from_value(secret).expect("a Secret");
    refusal(secrets.create(&PostParams { dry_run: true, ..Default::default() }, &secret).await)
}

fn refusal<T>(verdict: Result<T, kube::Error>) -> Option<String> {
    verdict.err().map(|error| match error {
        kube::Error::Api(status) => status.message.clone(),
        other => panic!("no verdict: {other}"),
    })
}
