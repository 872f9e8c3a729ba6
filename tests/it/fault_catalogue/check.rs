//! `awscost check` on a scene's manifests: what a pull request is told, to be held against what the operator says.

use std::{path::Path, process::Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{
    catalogue::{Expectation, Row},
    cluster,
    conditions::{Said, unmet},
    scene::Scene,
    world::OPERATOR_KEY,
};

/// Conditions of which a check says nothing: bills are loaded by Jobs, and summaries are the operator's.
const NOT_CHECKED: [&str; 5] = ["DataCurrent", "TotalsVerified", "Ready", "Reconciling", "Stalled"];

/// What a check says of the scene, and its whole output.
pub async fn said(scene: &Scene, namespace: &str, settings: &Path) -> (Said, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_awscost"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    let mut child = command
        .args(["check", "-f", "-", "-o", "json", "-n", namespace, "--operator-config"])
        .arg(settings)
        .env("AWSCOST_LOG", "trace")
        .env("HOME", "/nonexistent")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", &scene.names.endpoint)
        .env("AWS_ACCESS_KEY_ID", OPERATOR_KEY.0)
        .env("AWS_SECRET_ACCESS_KEY", OPERATOR_KEY.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the check starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(documents(scene).as_bytes()).await.expect("it reads");
    drop(input);
    let output = child.wait_with_output().await.expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let findings = report["objects"].as_array().into_iter().flatten();
    let of_account =
        |object: &&Value| object["name"].as_str().is_some_and(|name| name.starts_with("AwsCostAccount"));
    let findings = findings.filter(of_account).flat_map(|object| object["findings"].as_array()).flatten();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let said = findings
        .map(|finding| {
            let said = (text(finding, "status"), text(finding, "reason"), text(finding, "message"));
            (text(finding, "condition"), said)
        })
        .collect();
    let all = [output.stdout, output.stderr].concat();
    (said, String::from_utf8_lossy(&all).into_owned())
}

/// The manifests of the scene, as they stand in a repository.
fn documents(scene: &Scene) -> String {
    let mut documents = vec![cluster::account(scene)];
    documents.extend(cluster::shared_warehouses());
    documents.extend(cluster::own_warehouse(scene));
    for (name, secret) in scene.at("/secrets").as_object().into_iter().flatten() {
        let data: serde_json::Map<String, Value> = secret["data"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, text)| (key.clone(), json!(STANDARD.encode(text.as_str().unwrap_or_default()))))
            .collect();
        documents.push(json!({
            "apiVersion": "v1", "kind": "Secret", "data": data,
            "metadata": {"name": name, "labels": secret["labels"].as_object().cloned().unwrap_or_default()},
        }));
    }
    documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n")
}

/// Where a check and the operator differ.
pub fn differences(row: &Row, operator: &Said, check: &Said) -> Vec<String> {
    let told: Vec<&Expectation> = row.check.iter().collect();
    let mut differences = unmet(&row.check, check);
    let conditions: std::collections::BTreeSet<&String> = operator.keys().chain(check.keys()).collect();
    for condition in conditions {
        let own = told.iter().any(|expected| expected.condition.as_str() == condition);
        let of =
            |said: &Said| said.get(condition).map(|(status, reason, _)| (status.clone(), reason.clone()));
        let (there, here) = (of(operator), of(check));
        // A check probes no warehouse.
        let unprobed = here.as_ref().is_some_and(|(_, reason)| reason == "Probing");
        if !own && !unprobed && there != here && !NOT_CHECKED.contains(&condition.as_str()) {
            differences.push(format!("{condition} is {here:?} in a check and {there:?} in the cluster"));
        }
    }
    if check.is_empty() {
        differences.push("a check says nothing".to_owned());
    }
    differences
}
