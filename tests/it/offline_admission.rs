//! The verdicts of `admission_cases.rs` without a cluster: the structural schema and the CEL rules of the definitions.

use awscost::{
    api::admission::{Complaint, list_complaints},
    model::{DeltaLocation, StoreEndpoint},
    warehouse::delta::{Addressing, DeltaOptions, DeltaWarehouse, WarehouseIdentity},
};
use serde_json::{Value, json};

use super::admission_cases::{Case, Verdict, accounts, warehouses};

/// What differs from the verdict, if anything.
fn disagreement(case: &Case, complaints: &[Complaint]) -> Option<String> {
    let all = complaints.iter().map(Complaint::to_string).collect::<Vec<_>>().join("; ");
    match case.verdict {
        Verdict::Accept if complaints.is_empty() => None,
        Verdict::Refuse(part) if all.contains(part) => None,
        verdict => Some(format!("{}\n  wanted {verdict:?}, got {all:?}", case.name)),
    }
}

fn judge(cases: &[Case], least: usize) {
    assert!(cases.len() >= least, "{} cases are too few", cases.len());
    for refused in [false, true] {
        let count = cases.iter().filter(|case| (case.verdict != Verdict::Accept) == refused).count();
        assert!(count * 5 >= least, "accepted and refused cases are to be balanced, not {count}");
    }
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let kind = case.sent["kind"].as_str().expect("a kind");
            disagreement(case, &list_complaints(kind, &case.sent, case.stored.as_ref()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A table of places, good and bad, as a CostWarehouse names them: location, endpoint, and whether the bucket is in the path.
const PLACES: &[(&str, Option<&str>, bool)] = &[
    ("file:///warehouse", None, false),
    ("file:///warehouse/", None, false),
    ("file:///warehouse/env=prod/a.b_c-d", None, false),
    ("file:///warehouse//a", None, false),
    ("file:///warehouse/..", None, false),
    ("file:///warehouse/a b", None, false),
    ("file:///warehouse/a%20b", None, false),
    ("file:///warehouse/team(a)", None, false),
    ("file://host/warehouse", None, false),
    ("s3://acme-lake", None, false),
    ("s3://acme-lake/", None, false),
    ("s3://acme-lake/a/b/", None, false),
    ("s3://acme-lake/a//b", None, false),
    ("s3://acme-lake/a/b//", None, false),
    ("s3://acme-lake/env=prod", None, false),
    ("s3://acme-lake/team(a)/x", None, false),
    ("s3://acme-lake/x!", None, false),
    ("s3://acme-lake/./x", None, false),
    ("s3://acme-lake/...", None, false),
    ("s3://a.b.c/x", None, false),
    ("s3://a..b/x", None, false),
    ("s3://10.0.0.1/x", None, false),
    ("s3://ab/x", None, false),
    ("s3://-acme/x", None, false),
    ("s3://Acme/x", None, false),
    ("s3://acme_lake/x", None, false),
    ("S3://acme-lake/x", None, false),
    ("gs://acme-lake/x", None, false),
    ("s3://acme-lake", Some("https://store.example"), false),
    ("s3://acme-lake", Some("https://store.example/"), false),
    ("s3://acme-lake", Some("https://store.example:9000"), true),
    ("s3://acme-lake", Some("https://store.example:0"), true),
    ("s3://acme-lake", Some("https://store.example:65535"), true),
    ("s3://acme-lake", Some("https://store.example:65536"), true),
    ("s3://acme-lake", Some("https://store.example/s3"), true),
    ("s3://acme-lake", Some("https://store.example?x"), true),
    ("s3://acme-lake", Some("https://user:word@store.example"), true),
    ("s3://acme-lake", Some("ftp://store.example"), true),
    ("s3://acme-lake", Some("https://-store.example"), true),
    ("s3://acme-lake", Some("https://store_a.example"), true),
    ("s3://acme-lake", Some("http://minio"), true),
    ("s3://acme-lake", Some("http://10.0.0.1:9000"), true),
    ("s3://acme-lake", Some("http://10.0.0.1:9000"), false),
    ("s3://acme-lake", Some("http://10.0.0.256"), true),
    ("s3://acme-lake", Some("http://10.0.1"), true),
    ("s3://acme-lake", Some("http://[fd00::1]:9000"), true),
];

/// Why the loader does not open a place, if it does not.
fn loader_refuses(location: &str, endpoint: Option<&str>, path_style: bool) -> Option<String> {
    // In a cluster a folder lies on the claim; the loader of a laptop takes any.
    if !location.starts_with("s3://") && !location.starts_with("file:///warehouse") {
        return location.parse::<DeltaLocation>().err().map(|error| error.to_string());
    }
    let mut options = match DeltaOptions::at(location) {
        Ok(options) => options,
        Err(error) => return Some(error.to_string()),
    };
    options.region = "eu-west-1".parse().ok();
    options.addressing = if path_style { Addressing::Path } else { Addressing::VirtualHost };
    options.endpoint = match endpoint.map(str::parse::<StoreEndpoint>).transpose() {
        Ok(endpoint) => endpoint.map(|endpoint| endpoint.url().clone()),
        Err(words) => return Some(words),
    };
    options.identity = options.location.is_bucket().then(|| WarehouseIdentity::Keys {
        access_key_id: "AKIA".to_owned(),
        secret_access_key: "secret".into(),
        session_token: None,
    });
    DeltaWarehouse::open(options).err().map(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_and_the_loader_take_the_same_places() {
    let mut differ = Vec::new();
    let mut taken = 0;
    for (location, endpoint, path_style) in PLACES {
        let mut delta = json!({"location": location});
        if location.starts_with("s3://") {
            delta["region"] = json!("eu-west-1");
            delta["credentialsSecretRef"] = json!({"name": "keys"});
        } else {
            delta["persistentVolumeClaim"] = json!("lake");
        }
        if let Some(endpoint) = endpoint {
            delta["endpoint"] = json!(endpoint);
            delta["pathStyle"] = json!(path_style);
        }
        let object: Value = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "place"},
            "spec": {"delta": delta}
        });
        let complaints = list_complaints("CostWarehouse", &object, None);
        let refused = loader_refuses(location, *endpoint, *path_style);
        taken += usize::from(refused.is_none());
        if complaints.is_empty() != refused.is_none() {
            differ.push(format!("{delta}: the definition says {complaints:?}, the loader {refused:?}"));
        }
        assert!(complaints.len() <= 1, "one slip, one complaint: {delta}: {complaints:?}");
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(taken > 12, "only {taken} places are good");
}

#[test]
fn accounts_offline() {
    judge(&accounts(), 80);
}

#[test]
fn warehouses_offline() {
    judge(&warehouses(), 40);
}
