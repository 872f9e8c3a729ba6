//! `awscost warehouse` and `awscost costs` as a person or a Job runs them.

use std::{
    path::Path,
    process::{Command, Output},
};

use awscost::warehouse::{
    Warehouse,
    conformance::Load,
    delta::{DeltaOptions, DeltaWarehouse},
};
use k8s_openapi::api::batch::v1::CronJob;
use kube::{Api, api::PostParams};
use serde_json::Value;

use super::admission;

/// The binary with these arguments.
pub fn awscost(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_awscost")).args(arguments).output().expect("the binary runs")
}

/// What a command that works prints.
pub fn prints(arguments: &[&str]) -> String {
    let output = awscost(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The one JSON object that a command that works prints.
pub fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&prints(arguments)).expect("JSON")
}

async fn lake(folder: &Path) -> String {
    let options = DeltaOptions::at(folder.to_str().expect("a plain path")).expect("a location");
    let warehouse = DeltaWarehouse::open(options).expect("it opens");
    warehouse.prepare().await.expect("prepared");
    Load::of("123456789012", "v1", &["10.5", "-0.000000000000000001"]).run_on(&warehouse).await;
    Load::of("123456789012", "v2", &["2"]).period("2026-11").run_on(&warehouse).await;
    Load::of("other", "v3", &["4"]).owner("cli").run_on(&warehouse).await;
    format!("delta:{}", folder.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_exact_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake(folder.path()).await;
    let table = prints(&["costs", "--warehouse", &lake, "--group-by", "tag:Owner"]);
    assert!(table.contains("16.499999999999999999  USD"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");

    let answer =
        json(&["costs", "--warehouse", &lake, "--group-by", "day", "--period", "2026-10", "-o", "json"]);
    assert_eq!(answer["groups"][0]["name"], "2026-10-05");
    assert_eq!(answer["totals"][0]["cost"], "14.499999999999999999");
    assert_eq!(answer["loads"].as_array().map(Vec::len), Some(2));

    let csv = prints(&["costs", "--warehouse", &lake, "--connection", "other", "-o", "csv"]);
    assert_eq!(csv, "connection,currency,service,cost,rows\r\n,USD,,4,1\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_one_object_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake(folder.path()).await;
    let lines = prints(&["warehouse", "ledger", "--warehouse", &lake, "-o", "json"]);
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<_> = rows.iter().map(|row| (row["connection"].as_str(), row["period"].as_str())).collect();
    let expected = [("123456789012", "2026-10"), ("123456789012", "2026-11"), ("other", "2026-10")];
    assert_eq!(told, expected.map(|(connection, period)| (Some(connection), Some(period))));
    assert_eq!(rows[0]["totals"]["USD"]["unblended"], "10.499999999999999999");
    let table = prints(&["warehouse", "ledger", "--warehouse", &lake, "--connection", "other"]);
    assert_eq!(table.lines().count(), 2, "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_end_with_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("termination.json");
    let log = log.to_str().expect("a plain path");
    let lake = lake(&folder.path().join("lake")).await;
    let tasks: [(&[&str], &str); 3] = [
        (&["warehouse", "probe"], "ProbeSucceeded"),
        (&["warehouse", "maintain", "--retention", "36h"], "Succeeded"),
        (&["warehouse", "purge", "--connection", "other"], "Purged"),
    ];
    for (task, reason) in tasks {
        let arguments = [task, &["--warehouse", &lake, "--termination-log", log, "-o", "json"]].concat();
        let printed = json(&arguments);
        assert_eq!(printed["outcome"], "Succeeded");
        assert_eq!(printed["reason"], reason);
        let logged = std::fs::read_to_string(log).expect("a termination log");
        assert_eq!(serde_json::from_str::<Value>(&logged).expect("JSON"), printed);
    }
    let others = ["warehouse", "purge", "--connection", "123456789012", "--owner", "prod/finops/other"];
    let printed = json(&[others.as_slice(), &["--warehouse", &lake, "-o", "json"]].concat());
    assert_eq!(
        printed["message"], "0 billing periods of 123456789012 were removed",
        "they belong to another"
    );
    let left = prints(&["warehouse", "ledger", "--warehouse", &lake, "-o", "json"]);
    assert_eq!(left.lines().count(), 2, "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_removes_only_the_given_months_and_its_dry_run_lists_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake(folder.path()).await;
    let purge = |options: &[&str]| {
        let task = ["warehouse", "purge", "--warehouse", &lake, "--connection", "123456789012", "-o", "json"];
        json(&[task.as_slice(), options].concat())["message"].as_str().expect("words").to_owned()
    };
    let left = || {
        let lines = prints(&["warehouse", "ledger", "--warehouse", &lake, "-o", "json"]);
        let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        rows.map(|row| format!("{} {}", row["connection"], row["period"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    let all = left();
    for (options, said) in [
        (&[][..], "2 billing periods of 123456789012 would be removed: 2026-10 (2 rows), 2026-11 (1 rows)"),
        (&["--period", "2026-11"], "1 billing periods of 123456789012 would be removed: 2026-11 (1 rows)"),
        (&["--period", "2026-01"], "none of the requested months of 123456789012 is loaded"),
        (&["--owner", "cli"], "nothing would be removed: 123456789012 belongs to cluster/finops/acme"),
    ] {
        assert_eq!(purge(&[options, &["--dry-run"]].concat()), said);
    }
    assert_eq!(left(), all, "a dry run removes nothing");
    assert_eq!(purge(&["--period", "2026-11"]), "1 billing periods of 123456789012 were removed");
    assert_eq!(left(), ["123456789012 2026-10", "other 2026-10"]);
    let data = folder.path().join("costs/connection=123456789012");
    assert!(data.join("billing_period=2026-10").exists() && !data.join("billing_period=2026-11").exists());
    assert_eq!(purge(&["--period", "2026-11"]), "0 billing periods of 123456789012 were removed");
}

#[test]
fn what_can_not_work_ends_with_its_own_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").expect("written");
    let in_a_file = format!("delta:{}", file.join("lake").display());
    let output = awscost(&["warehouse", "probe", "--warehouse", &in_a_file, "-o", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &report["outcome"]), (Some(11), &Value::from("Failed")), "{report}");

    let output =
        awscost(&["costs", "--warehouse", "delta:s3://acme-lake/x", "--warehouse-region", "us-east-1"]);
    assert_eq!(output.status.code(), Some(11));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--warehouse-credentials-dir"));

    let nothing = format!("delta:{}", folder.path().join("nothing").display());
    let output = awscost(&["costs", "--warehouse", &nothing]);
    assert_eq!(output.status.code(), Some(11), "a misspelt place is no bill of nothing");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("there is no table at file://") && said.contains("/nothing"), "{said}");
    assert!(!folder.path().join("nothing").exists(), "a look creates nothing");
}

fn cron_job() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/maintenance/cronjob.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(path).expect("the file")).expect("YAML")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_cron_job_sweeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake(folder.path()).await;
    let job = cron_job();
    let container = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    let arguments: Vec<String> = container["args"]
        .as_array()
        .expect("arguments")
        .iter()
        .map(|argument| argument.as_str().expect("text").replace("delta:/warehouse", &lake))
        .collect();
    assert!(arguments.iter().any(|argument| argument.contains(&lake)), "{arguments:?} name the warehouse");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = json(&[arguments.as_slice(), &["-o", "json"]].concat());
    assert_eq!(printed["reason"], "Succeeded", "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn the_documented_cron_job_is_accepted() {
    let mut object: CronJob = serde_json::from_value(cron_job()).expect("a CronJob");
    object.metadata.namespace = Some("default".to_owned());
    let api: Api<CronJob> = Api::namespaced(admission::client().await, "default");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    api.create(&dry, &object).await.expect("the API server takes it");
}
