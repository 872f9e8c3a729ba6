//! `awscost check` on a scene's manifests: what a pull request is told, to be held against what the operator says.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Output, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{
    catalogue::Row,
    cluster,
    conditions::{Said, unmet},
    operator::identity,
    scene::Scene,
};

/// Conditions of which a check says nothing: bills are loaded by Jobs, and the summaries repeat the layers.
const NOT_CHECKED: [&str; 5] = ["DataCurrent", "TotalsVerified", "Ready", "Reconciling", "Stalled"];

/// How a check ended.
pub struct Checked {
    /// What it says of the account.
    pub said: Said,
    /// Its exit code.
    pub exit: Option<i32>,
    /// All it printed and logged.
    pub output: String,
}

/// Checks the scene's manifests.
pub async fn check(scene: &Scene, namespace: &str, settings: &Path) -> Checked {
    let output = run(scene, namespace, settings, "json").await;
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
    Checked { said, exit: output.status.code(), output: String::from_utf8_lossy(&all).into_owned() }
}

/// A check of the scene's manifests in one of its formats, with everything logged.
pub async fn run(scene: &Scene, namespace: &str, settings: &Path, format: &str) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_awscost"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    let mut child = command
        .args(["check", "-f", "-", "-o", format, "-n", namespace, "--operator-config"])
        .arg(settings)
        .env("AWSCOST_LOG", "trace")
        .env("HOME", "/nonexistent")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", &scene.names.endpoint)
        .envs(identity(scene))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the check starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(documents(scene).as_bytes()).await.expect("it reads");
    drop(input);
    child.wait_with_output().await.expect("it ends")
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

/// Where a check and the operator differ, of all that either says.
pub fn differences(row: &Row, operator: &Said, checked: &Checked) -> Vec<String> {
    let own: Vec<&str> = row.check.iter().map(|expected| expected.condition.as_str()).collect();
    let mut differences = unmet(&row.check, &checked.said);
    differences.extend(compare(operator, &checked.said, &own));
    differences.extend(wrong_exit(row.exit, checked));
    differences
}

/// Where they differ while nothing is wrong.
pub fn healthy_differences(operator: &Said, checked: &Checked) -> Vec<String> {
    let mut differences = compare(operator, &checked.said, &[]);
    differences.extend(wrong_exit(0, checked));
    differences
}

fn compare(operator: &Said, check: &Said, own: &[&str]) -> Vec<String> {
    let conditions: BTreeSet<&String> = operator.keys().chain(check.keys()).collect();
    conditions
        .into_iter()
        .filter(|condition| !NOT_CHECKED.contains(&condition.as_str()) && !own.contains(&condition.as_str()))
        .filter_map(|condition| {
            let (there, here) = (word(operator, condition), word(check, condition));
            let same = here == there || is_for_the_cluster(condition, here);
            (!same).then(|| format!("{condition} is {here:?} in a check and {there:?} in the cluster"))
        })
        .collect()
}

fn word<'a>(said: &'a Said, condition: &str) -> Option<(&'a str, &'a str)> {
    said.get(condition).map(|(status, reason, _)| (status.as_str(), reason.as_str()))
}

/// Only a probe tells whether a warehouse that is declared works.
fn is_for_the_cluster(condition: &str, word: Option<(&str, &str)>) -> bool {
    condition == "WarehouseReady" && word == Some(("Unknown", "Probing"))
}

fn wrong_exit(expected: i32, checked: &Checked) -> Option<String> {
    (checked.exit != Some(expected))
        .then(|| format!("a check exits with {:?}, not with {expected}", checked.exit))
}
