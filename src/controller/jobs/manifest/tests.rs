//! The whole Job as it is sent, and what its name depends on.

use serde_json::json;

use crate::{
    api::CostWarehouseSpec,
    controller::{jobs::manifest::*, validate},
};

fn owner() -> ObjectOwner {
    ObjectOwner {
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
        pods: JobPods::default(),
        cluster: "prod".to_owned(),
        env: BTreeMap::from([("HTTPS_PROXY".to_owned(), "http://proxy:3128".to_owned())]).into(),
        ca_secret: None,
        deadline: Duration::from_secs(21_600),
        ttl: Duration::from_secs(3600),
    }
}

fn account() -> ValidAccount {
    account_with("acme-cur", "cur")
}

fn account_with(report: &str, prefix: &str) -> ValidAccount {
    let spec = json!({
        "accountType": "Management",
        "access": {
            "roleArn": "arn:aws:iam::123456789012:role/awscost",
            "externalIdSecretRef": {"name": "acme-external-id"}
        },
        "report": {"name": report, "bucket": {"name": "acme-billing", "region": "eu-west-1", "prefix": prefix}},
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
    validate::parse_account(&serde_json::from_value(spec).expect("a spec")).expect("valid")
}

pub fn warehouse(delta: serde_json::Value) -> ValidWarehouse {
    let spec: CostWarehouseSpec = serde_json::from_value(json!({"delta": delta})).expect("a spec");
    spec.parse().expect("valid")
}

fn attempt(count: i64) -> ProbeAttempt<'static> {
    ProbeAttempt { inputs: "1234", count }
}

fn load() -> PlannedLoad {
    PlannedLoad {
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
    let owner = owner();
    let of = AccountJobs { owner: &owner, account: &account, bill, warehouse };
    insta::assert_yaml_snapshot!(ingest_job(&of, &load(), &settings()));
}

#[test]
fn the_probe_job_of_an_s3_warehouse() {
    let lake = warehouse(json!({
        "location": "s3://lake/costs", "region": "eu-west-1", "endpoint": "http://store:9000", "pathStyle": true,
        "credentialsSecretRef": {"name": "lake-keys"}
    }));
    let owner = ObjectOwner { kind: "CostWarehouse", name: "lake".to_owned(), ..owner() };
    insta::assert_yaml_snapshot!(probe_job(&owner, attempt(3), &lake, None, &settings()));
}

#[test]
fn every_job_trusts_what_the_operator_trusts() {
    let lake = warehouse(json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": "lake"}));
    let settings = JobSettings {
        ca_secret: Some("awscost-ca"),
        // A path of the operator's own container says nothing in another.
        env: BTreeMap::from([("AWS_CA_BUNDLE".to_owned(), "/etc/mine.pem".to_owned())]).into(),
        ..settings()
    };
    let owner = ObjectOwner { kind: "CostWarehouse", name: "lake".to_owned(), ..owner() };
    let job = serde_json::to_value(probe_job(&owner, attempt(1), &lake, None, &settings)).expect("JSON");
    let pod = &job["spec"]["template"]["spec"];
    let volume = json!({"name": "ca", "secret": {
        "secretName": "awscost-ca", "defaultMode": 0o440, "items": [{"key": "ca.crt", "path": "ca.crt"}]}});
    assert!(pod["volumes"].as_array().is_some_and(|volumes| volumes.contains(&volume)), "{pod}");
    let mount = json!({"name": "ca", "mountPath": CA_DIR, "readOnly": true});
    let container = &pod["containers"][0];
    assert!(container["volumeMounts"].as_array().is_some_and(|mounts| mounts.contains(&mount)), "{pod}");
    let named: Vec<&serde_json::Value> = container["env"]
        .as_array()
        .expect("an environment")
        .iter()
        .filter(|variable| variable["name"] == "AWS_CA_BUNDLE")
        .map(|variable| &variable["value"])
        .collect();
    assert_eq!(named, ["/var/run/awscost/ca/ca.crt"]);
}

#[test]
fn the_purge_job_removes_what_this_account_owns_and_needs_no_session() {
    let lake = warehouse(json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": "lake"}));
    let account = account();
    let bill = account.bill.as_ref().expect("a bill");
    let (owner, warehouse) = (owner(), WarehouseOf { uid: "wh-uid", spec: &lake });
    let of = AccountJobs { owner: &owner, account: &account, bill, warehouse };
    let named = |attempt| purge_job(&of, attempt, &settings()).metadata.name;
    assert_ne!(named(1), named(2), "each attempt is a Job of its own");
    let job = serde_json::to_value(purge_job(&of, 1, &settings())).expect("JSON");
    let pod = &job["spec"]["template"]["spec"];
    let args = pod["containers"][0]["args"].as_array().expect("arguments");
    let args: Vec<&str> = args.iter().filter_map(serde_json::Value::as_str).collect();
    let purge = "warehouse purge --connection=123456789012 --owner=prod/finops/acme-payer";
    let place = "--warehouse=delta:file:///warehouse/costs";
    assert_eq!(
        args.join(" "),
        format!("{purge} {place} --termination-log=/dev/termination-log --output=json")
    );
    let secrets =
        pod["volumes"].as_array().expect("volumes").iter().filter(|volume| volume.get("secret").is_some());
    assert_eq!(secrets.count(), 0);
    assert_eq!(job["metadata"]["labels"]["app.kubernetes.io/component"], "purge");
    assert_eq!(pod["nodeSelector"]["pool"], "batch", "it runs where loads do");
}

/// What an administrator may say of every Job, each with something that an account says, too.
fn defaults() -> JobPods {
    serde_json::from_value(json!({
        "imagePullSecrets": [{"name": "registry"}, {"name": "pull"}],
        "resources": {"limits": {"memory": "3Gi"}},
        "nodeSelector": {"pool": "any", "arch": "arm64"},
        "tolerations": [{"key": "finops", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
        ]}}},
        "priorityClassName": "low",
        "labels": {"team": "platform", "cost-center": "42"},
        "annotations": {"note": "default", "sidecar.istio.io/inject": "false"},
        "podSecurityContext": {"runAsUser": 1000, "supplementalGroups": [5000]},
        "securityContext": {"runAsGroup": 1000}
    }))
    .expect("defaults")
}

/// Every kind of Job: an account's load and purge, and the probe of a warehouse that no account names.
fn every_job(settings: &JobSettings) -> Vec<(&'static str, serde_json::Value)> {
    let lake = warehouse(json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": "lake"}));
    jobs_of(&account(), &lake, settings)
}

/// The same of an account with this report and prefix, in a cluster of this name.
pub fn every_job_of(
    report: &str,
    prefix: &str,
    cluster: &str,
    lake: &ValidWarehouse,
) -> Vec<(&'static str, serde_json::Value)> {
    let settings = JobSettings { cluster: cluster.to_owned(), ..settings() };
    jobs_of(&account_with(report, prefix), lake, &settings)
}

fn jobs_of(
    account: &ValidAccount,
    lake: &ValidWarehouse,
    settings: &JobSettings,
) -> Vec<(&'static str, serde_json::Value)> {
    let bill = account.bill.as_ref().expect("a bill");
    let (owner, warehouse) = (owner(), WarehouseOf { uid: "wh-uid", spec: lake });
    let of = AccountJobs { owner: &owner, account, bill, warehouse };
    [
        ("ingest", ingest_job(&of, &load(), settings)),
        ("purge", purge_job(&of, 1, settings)),
        ("probe", probe_job(&owner, attempt(1), lake, None, settings)),
    ]
    .map(|(name, job)| (name, serde_json::to_value(job).expect("JSON")))
    .into()
}

#[test]
fn a_proxys_password_stands_in_no_pods_spec_and_comes_from_the_jobs_own_secret() {
    let proxy = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let env = BTreeMap::from([
        proxy("HTTPS_PROXY", "http://me:canary@proxy:3128"),
        proxy("http_proxy", "me:canary@proxy:3128"),
        proxy("NO_PROXY", ".corp.example"),
    ]);
    for (name, job) in every_job(&JobSettings { env: env.clone().into(), ..settings() }) {
        assert!(!job.to_string().contains("canary"), "the {name} Job: {job}");
        let env = &job["spec"]["template"]["spec"]["containers"][0]["env"];
        let env = env.as_array().expect("an environment");
        for variable in ["HTTPS_PROXY", "http_proxy"] {
            let from = json!({"secretKeyRef": {"name": job["metadata"]["name"], "key": variable}});
            assert!(
                env.contains(&json!({"name": variable, "valueFrom": from})),
                "{variable} of the {name} Job: {env:?}"
            );
        }
        assert!(
            env.contains(&json!({"name": "NO_PROXY", "value": ".corp.example"})),
            "the {name} Job: {env:?}"
        );
    }
}

#[test]
fn every_job_takes_the_administrators_defaults_and_an_accounts_own_win() {
    for (name, job) in every_job(&JobSettings { pods: defaults(), ..settings() }) {
        let template = &job["spec"]["template"];
        let pod = &template["spec"];
        let own = name != "probe";
        let either = |with: serde_json::Value, without: serde_json::Value| if own { with } else { without };
        let said = [
            ("imagePullSecrets", &pod["imagePullSecrets"], json!([{"name": "registry"}, {"name": "pull"}])),
            (
                "resources",
                &pod["containers"][0]["resources"],
                either(
                    json!({"requests": {"cpu": "1", "memory": "1Gi"}}),
                    json!({"limits": {"memory": "3Gi"}}),
                ),
            ),
            (
                "nodeSelector",
                &pod["nodeSelector"],
                json!({"pool": either(json!("batch"), json!("any")), "arch": "arm64"}),
            ),
            (
                "tolerations",
                &pod["tolerations"],
                either(
                    json!([{"key": "finops", "operator": "Exists"}, {"key": "batch", "operator": "Exists"}]),
                    json!([{"key": "finops", "operator": "Exists"}]),
                ),
            ),
            ("priorityClassName", &pod["priorityClassName"], json!("low")),
            ("labels", &template["metadata"]["labels"]["cost-center"], json!("42")),
            ("labels", &template["metadata"]["labels"]["team"], either(json!("finops"), json!("platform"))),
            (
                "annotations",
                &template["metadata"]["annotations"],
                json!({"note": either(json!("x"), json!("default")), "sidecar.istio.io/inject": "false"}),
            ),
            ("podSecurityContext", &pod["securityContext"]["runAsUser"], json!(1000)),
            ("podSecurityContext", &pod["securityContext"]["supplementalGroups"], json!([5000])),
            ("securityContext", &pod["containers"][0]["securityContext"]["runAsGroup"], json!(1000)),
        ];
        for (field, is, wanted) in said {
            assert_eq!(*is, wanted, "{field} of the {name} Job");
        }
        assert!(pod["affinity"]["nodeAffinity"].is_object(), "the {name} Job has no affinity");
    }
}

#[test]
fn whatever_the_defaults_every_job_stays_restricted() {
    let bare: JobPods =
        serde_json::from_value(json!({"podSecurityContext": {}, "securityContext": {}})).expect("empty");
    for pods in [JobPods::default(), defaults(), bare] {
        for (name, job) in every_job(&JobSettings { pods, ..settings() }) {
            let pod = &job["spec"]["template"]["spec"];
            let container = &pod["containers"][0]["securityContext"];
            let held = [
                ("runAsNonRoot", &pod["securityContext"]["runAsNonRoot"], json!(true)),
                (
                    "seccompProfile",
                    &pod["securityContext"]["seccompProfile"]["type"],
                    json!("RuntimeDefault"),
                ),
                ("allowPrivilegeEscalation", &container["allowPrivilegeEscalation"], json!(false)),
                ("readOnlyRootFilesystem", &container["readOnlyRootFilesystem"], json!(true)),
                ("capabilities", &container["capabilities"], json!({"drop": ["ALL"]})),
                ("token", &pod["automountServiceAccountToken"], json!(false)),
            ];
            for (field, is, wanted) in held {
                assert_eq!(*is, wanted, "{field} of the {name} Job");
            }
        }
    }
}

#[test]
fn a_platform_that_chooses_the_user_is_left_to_choose() {
    let pods: JobPods = serde_json::from_value(json!({"podSecurityContext": {}})).expect("empty");
    for (name, job) in every_job(&JobSettings { pods, ..settings() }) {
        let context = &job["spec"]["template"]["spec"]["securityContext"];
        for field in ["runAsUser", "runAsGroup", "fsGroup"] {
            assert!(context[field].is_null(), "{field} of the {name} Job is {}", context[field]);
        }
    }
}

#[test]
fn a_change_of_the_defaults_is_worth_another_attempt() {
    let changed = JobSettings { pods: defaults(), ..settings() };
    assert_ne!(changed.fingerprint(), settings().fingerprint());
}

#[test]
fn the_name_depends_on_account_period_version_and_attempt_only() {
    let name = |mutate: fn(&mut PlannedLoad), uid: &str| {
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
    assert!(args.contains(&"--source=s3://acme-billing".to_owned()), "{args:?}");
}
