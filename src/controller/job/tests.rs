//! The whole Job as it is sent, and what its name depends on.

use serde_json::json;

use super::*;
use crate::controller::validate;

fn owner() -> Owner {
    Owner {
        kind: "AwsCostAccount",
        namespace: "finops".to_owned(),
        name: "acme-payer".to_owned(),
        uid: "0b1c2d3e-0000-4000-8000-000000000001".to_owned(),
    }
}

fn settings() -> JobSettings {
    JobSettings {
        image: "ghcr.io/awscost/awscost:0.1.0".to_owned(),
        image_pull_policy: "IfNotPresent".to_owned(),
        cluster: "prod".to_owned(),
        env: BTreeMap::from([("HTTPS_PROXY".to_owned(), "http://proxy:3128".to_owned())]),
        deadline: Duration::from_secs(21_600),
        ttl: Duration::from_secs(3600),
    }
}

fn account() -> ValidAccount {
    let spec = json!({
        "accountType": "Management",
        "access": {
            "roleArn": "arn:aws:iam::123456789012:role/awscost",
            "externalIdSecretRef": {"name": "acme-external-id"}
        },
        "report": {"name": "acme-cur", "bucket": {"name": "acme-billing", "region": "eu-west-1", "prefix": "cur"}},
        "ingestion": {
            "warehouseRef": {"name": "lake"},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
            "nodeSelector": {"pool": "batch"},
            "tolerations": [{"key": "batch", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "pull"}],
            "podLabels": {"team": "finops", "awscost.io/period": "1999-01"},
            "podAnnotations": {"note": "x"}
        }
    });
    validate::account(&serde_json::from_value(spec).expect("a spec")).expect("valid")
}

fn warehouse(delta: serde_json::Value) -> ValidWarehouse {
    validate::warehouse(&serde_json::from_value(json!({"delta": delta})).expect("a spec")).expect("valid")
}

fn load() -> Load {
    Load {
        period: "2026-10".parse().expect("a period"),
        version: VersionIdentity("ab".repeat(32)),
        kind: ReportKind::Cur2,
        attempt: 1,
        inputs: "1234".to_owned(),
    }
}

#[test]
fn the_ingest_job_on_a_claim() {
    let lake = warehouse(json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": "lake"}));
    let account = account();
    let bill = account.bill.as_ref().expect("a bill");
    let warehouse = WarehouseOf { uid: "wh-uid", spec: &lake };
    insta::assert_yaml_snapshot!(ingest(&owner(), &account, bill, &load(), warehouse, &settings()));
}

#[test]
fn the_probe_job_of_an_s3_warehouse() {
    let lake = warehouse(json!({
        "location": "s3://lake/costs", "region": "eu-west-1", "endpoint": "http://store:9000", "pathStyle": true,
        "credentialsSecretRef": {"name": "lake-keys"}
    }));
    let owner = Owner { kind: "CostWarehouse", name: "lake".to_owned(), ..owner() };
    insta::assert_yaml_snapshot!(probe(&owner, "1234", 3, &lake, None, &settings()));
}

#[test]
fn the_purge_job_removes_what_this_account_owns_and_needs_no_session() {
    let lake = warehouse(json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": "lake"}));
    let account = account();
    let ingestion = &account.bill.as_ref().expect("a bill").ingestion;
    let of = WarehouseOf { uid: "wh-uid", spec: &lake };
    let named = |attempt| purge(&owner(), &account, attempt, of, ingestion, &settings()).metadata.name;
    assert_ne!(named(1), named(2), "each attempt is a Job of its own");
    let job = serde_json::to_value(purge(&owner(), &account, 1, of, ingestion, &settings())).expect("JSON");
    let pod = &job["spec"]["template"]["spec"];
    let args = pod["containers"][0]["args"].as_array().expect("arguments");
    let args: Vec<&str> = args.iter().filter_map(serde_json::Value::as_str).collect();
    let purge = "warehouse purge --connection 123456789012 --owner prod/finops/acme-payer";
    let place = "--warehouse delta:file:///warehouse/costs";
    assert_eq!(args.join(" "), format!("{purge} {place} --termination-log /dev/termination-log -o json"));
    let secrets =
        pod["volumes"].as_array().expect("volumes").iter().filter(|volume| volume.get("secret").is_some());
    assert_eq!(secrets.count(), 0);
    assert_eq!(job["metadata"]["labels"]["app.kubernetes.io/component"], "purge");
    assert_eq!(pod["nodeSelector"]["pool"], "batch", "it runs where loads do");
}

#[test]
fn the_name_depends_on_account_period_version_and_attempt_only() {
    let name = |mutate: fn(&mut Load), uid: &str| {
        let mut load = load();
        mutate(&mut load);
        load.job_name(uid)
    };
    let one = name(|_| {}, "uid");
    assert_eq!(one.len(), "awscost-".len() + 20);
    assert_eq!(name(|load| load.inputs = "other".to_owned(), "uid"), one);
    assert_eq!(name(|load| load.kind = ReportKind::LegacyCur, "uid"), one);
    let others = [
        name(|load| load.attempt = 2, "uid"),
        name(|load| load.version.0.push('0'), "uid"),
        name(|load| load.period = load.period.next(), "uid"),
        name(|_| {}, "other"),
    ];
    assert!(!others.contains(&one));
}

#[test]
fn a_bucket_root_has_no_trailing_slash() {
    let mut account = account();
    let mut bill = account.bill.take().expect("a bill");
    bill.report.prefix = Default::default();
    let args = ingest_args(&owner(), &account, &bill, &load(), "prod");
    assert!(args.contains(&"s3://acme-billing".to_owned()), "{args:?}");
}
