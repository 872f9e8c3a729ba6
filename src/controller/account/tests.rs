//! A reconcile against an API server that fails in one place.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, patch},
};
use kube::Client;
use serde_json::{Value, json};

use crate::controller::{
    account::*,
    context::{
        Stores,
        children::tests::{account, made_for, shown},
    },
    workqueue::workers::tests::state_over,
};

const STATUS: &str = "/apis/awscost.io/v1alpha1/namespaces/finops/awscostaccounts/acme/status";

/// One reconcile over a suspended account with a Job, where pods are listed with this answer: its end, and what it wrote.
async fn pass_of_suspended(pods: StatusCode) -> (Result<Duration, ReconcileFault>, Vec<Value>) {
    let object = json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
        "metadata": {"name": "acme", "namespace": "finops", "uid": "u", "resourceVersion": "1"},
        "spec": {"accountType": "Member", "suspend": true, "access": {
            "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "acme-external-id"}
        }}
    });
    let written = Arc::new(Mutex::new(Vec::new()));
    let (patches, answer) = (written.clone(), object.clone());
    let take = move |Json(body): Json<Value>| {
        patches.lock().expect("lock").push(body);
        async move { Json(answer) }
    };
    let server = Router::new()
        .route("/api/v1/namespaces/finops/pods", get(move || async move { pods }))
        .route(STATUS, patch(take));
    let jobs = shown(&[made_for(&account("finops", "u"), "load")]);
    let stores = Stores::new(None, shown(&[]), shown(&[]), jobs, shown(&[]));
    let state = state_over(Client::new(server, "finops"), vec![stores]);
    let object = serde_json::from_value(object).expect("an account");
    let ended = reconcile_account(&object, &state.accounts).await;
    let written = written.lock().expect("lock").clone();
    (ended, written)
}

#[tokio::test]
async fn a_suspended_account_whose_pods_can_t_be_seen_is_told_as_one_and_looked_at_again_soon() {
    let (failed, written) = pass_of_suspended(StatusCode::INTERNAL_SERVER_ERROR).await;
    assert!(matches!(failed, Err(ReconcileFault::Api { action: "list pods", .. })), "{failed:?}");
    assert!(written[0].to_string().contains("Suspended"), "{written:?}");
    let (refused, written) = pass_of_suspended(StatusCode::FORBIDDEN).await;
    assert_eq!(refused.ok(), Some(Duration::from_secs(180)), "a refusal is asked about again soon");
    assert!(written[0].to_string().contains("Suspended"), "{written:?}");
}
