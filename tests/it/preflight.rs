//! `awscost preflight` on a real API server: as the operator of the chart, and as an administrator.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as `admission.rs` does.

// What is asked for here is a test's ground: when there is no answer, the test has failed, and says so.
#![allow(clippy::panic)]

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use awscost_sandbox::{Sandbox, World};
use jiff::Timestamp;
use k8s_openapi::{
    api::{
        admissionregistration::v1::ValidatingAdmissionPolicyBinding,
        coordination::v1::Lease,
        core::v1::{ConfigMap, Namespace, Pod},
        rbac::v1::Role,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    admission,
    fault_catalogue::{
        chart::{Chart, IMAGE},
        ground,
    },
};

/// How long the API server may take until a change shows in what it says or does.
const IN_FORCE: Duration = Duration::from_secs(30);
/// The lease of these tests, whatever the chart calls it.
const LEASE: &str = "awscost-preflight";

/// The chart in a namespace of its own, an operator that renews its lease, and AWS.
struct Place {
    client: Client,
    home: String,
    chart: Chart,
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    operator: JoinHandle<()>,
}

impl Place {
    async fn new(name: &str) -> Self {
        let client = admission::client().await;
        admission::install(&client).await;
        let home = format!("{name}-{:x}", std::process::id());
        ground::made(&client, &home).await;
        let chart = Chart::install_whole(&client, &home, &[&home]).await;
        let world = World::demo();
        let folder = tempfile::tempdir().expect("a folder");
        let settings = json!({
            "image": IMAGE, "watch": {"namespaces": [home]},
            "leaderElection": {"leaseName": LEASE, "leaseDuration": "3s", "renewDeadline": "2s", "retryPeriod": "1s"},
        });
        std::fs::write(folder.path().join("operator.yaml"), settings.to_string()).expect("written");
        let place = Self {
            operator: tokio::spawn(renew(client.clone(), home.clone())),
            sandbox: Sandbox::start(world),
            client,
            home,
            chart,
            folder,
        };
        // The chart's rights are for the lease that its own settings name.
        let role: Api<Role> = Api::namespaced(place.client.clone(), &place.home);
        let rules = json!({"rules": [
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [LEASE], "verbs": ["get", "update"]},
        ]});
        role.patch("awscost-lease", &PatchParams::default(), &Patch::Merge(&rules)).await.expect("a Role");
        place
    }

    fn settings(&self) -> std::path::PathBuf {
        self.folder.path().join("operator.yaml")
    }

    /// The command as `helm test` runs it: in a pod, with the operator's token and settings.
    async fn as_operator(&self) -> (Option<i32>, Report) {
        let mut command = awscost(&self.chart.kubeconfig());
        command
            .args(["preflight", "-o", "json", "--config"])
            .arg(self.settings())
            .env("POD_NAMESPACE", &self.home)
            .env("KUBERNETES_SERVICE_HOST", "kubernetes.default")
            .env("AWS_ENDPOINT_URL", self.sandbox.endpoint())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "AKIAAWSCOSTOPERATOR1")
            .env("AWS_SECRET_ACCESS_KEY", "operator-secret-of-the-sandbox");
        report(output(command).await)
    }

    async fn seen_from_outside(&self, more: &[&str]) -> (Option<i32>, Report) {
        let mut command = awscost(Path::new(&admission::kubeconfig()));
        command.args(["preflight", "-o", "json", "--namespace", &self.home]).args(more);
        report(output(command).await)
    }

    /// Asks as the operator until a check has this verdict: a change is not in force at once.
    async fn until(&self, check: &str, verdict: &str) -> Report {
        let asked = async {
            loop {
                let (_, report) = self.as_operator().await;
                if report.verdicts.get(check).is_some_and(|found| found == verdict) {
                    break report;
                }
            }
        };
        tokio::time::timeout(IN_FORCE, asked)
            .await
            .unwrap_or_else(|_| panic!("{check} does not turn {verdict}"))
    }

    async fn clear(self) {
        self.operator.abort();
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.home, &DeleteParams::default()).await.expect("the namespace goes");
        self.chart.remove().await;
    }
}

/// Writes the lease as an operator does, until it is stopped.
async fn renew(client: Client, home: String) {
    let leases: Api<Lease> = Api::namespaced(client, &home);
    loop {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE},
            "spec": {"holderIdentity": "awscost-0", "renewTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()},
        });
        leases
            .patch(LEASE, &PatchParams::apply("awscost-test").force(), &Patch::Apply(&lease))
            .await
            .expect("the lease is taken");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn awscost(kubeconfig: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_PROXY"))
    {
        command.env_remove(name);
    }
    command.env("KUBECONFIG", kubeconfig).env("HOME", "/nonexistent").env_remove("POD_NAMESPACE");
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("it ends")
}

/// What was printed: a verdict and a message a check.
#[derive(Debug)]
struct Report {
    verdicts: BTreeMap<String, String>,
    whole: Value,
}

fn report(output: Output) -> (Option<i32>, Report) {
    let whole: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let checks = whole["checks"].as_array().expect("a list");
    let verdicts = checks.iter().map(|one| (text(&one["check"]), text(&one["verdict"]))).collect();
    (output.status.code(), Report { verdicts, whole })
}

impl Report {
    fn not_passed(&self) -> Vec<(&str, &str)> {
        let all = self.verdicts.iter().map(|(check, verdict)| (check.as_str(), verdict.as_str()));
        all.filter(|(_, verdict)| *verdict != "Pass").collect()
    }

    #[track_caller]
    fn says(&self, words: &str) {
        assert!(self.whole.to_string().contains(words), "{words} is not in {:#}", self.whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn the_operator_finds_what_is_wrong_around_it() {
    let place = Place::new("preflight").await;
    let (code, whole) = place.as_operator().await;
    assert_eq!((code, whole.not_passed()), (Some(0), vec![]), "{:#}", whole.whole);
    assert_eq!(whole.verdicts.len(), 9);
    whole.says("identifies the operator as arn:aws:iam::999988887777:");

    let roles: Api<Role> = Api::namespaced(place.client.clone(), &place.home);
    let role = roles.get("awscost").await.expect("the chart's Role");
    let without_pods: Vec<_> = role
        .rules
        .iter()
        .flatten()
        .filter(|rule| rule.resources.as_ref().is_none_or(|all| !all.contains(&"pods".to_owned())))
        .collect();
    let patch = |rules: Value| Patch::Merge(json!({"rules": rules}));
    roles.patch("awscost", &PatchParams::default(), &patch(json!(without_pods))).await.expect("patched");
    let denied = place.until("OwnRights", "Fail").await;
    denied.says(&format!("may not list pods in {}", place.home));
    assert_eq!(denied.not_passed(), [("OwnRights", "Fail")], "nothing else is wrong");
    roles.patch("awscost", &PatchParams::default(), &patch(json!(role.rules))).await.expect("patched");
    place.until("OwnRights", "Pass").await;

    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(place.client.clone());
    bindings
        .delete(&format!("awscost-{}-secrets", place.home), &DeleteParams::default())
        .await
        .expect("the binding goes");
    let unbound = place.until("AdmissionPolicy", "Fail").await;
    unbound.says(&format!("it may write any Secret in {}", place.home));

    place.operator.abort();
    let stale = place.until("Lease", "Fail").await;
    stale.says("awscost-0 holds the lease and has not renewed it for 3 s");
    place.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn an_administrator_judges_what_can_be_seen_seen_from_outside() {
    let place = Place::new("outside").await;
    let maps: Api<ConfigMap> = Api::namespaced(place.client.clone(), &place.home);
    let ours = std::fs::read_to_string(place.settings()).expect("the settings");
    let settings = |text: &str| Patch::Merge(json!({"data": {"operator.yaml": text}}));
    maps.patch("awscost", &PatchParams::default(), &settings(&ours)).await.expect("patched");
    run_the_pod(&place).await;
    let available = async {
        loop {
            let (code, report) = place.seen_from_outside(&[]).await;
            if report.verdicts["Deployment"] == "Pass" {
                break (code, report);
            }
        }
    };
    let (code, whole) =
        tokio::time::timeout(IN_FORCE, available).await.expect("the Deployment gets available");
    assert_eq!((code, whole.not_passed()), (Some(0), Vec::new()), "{:#}", whole.whole);
    let left = json!({"checks": ["OwnRights", "AwsIdentity", "Clock"],
        "command": format!("helm test awscost --namespace {} --logs", place.home)});
    assert_eq!(whole.whole["leftToTheOperator"], left, "{:#}", whole.whole);

    let other = ours.replace(IMAGE, "awscost:other");
    maps.patch("awscost", &PatchParams::default(), &settings(&other)).await.expect("patched");
    let (code, differing) = place.seen_from_outside(&[]).await;
    assert_eq!((code, differing.verdicts["Image"].as_str()), (Some(1), "Fail"));
    differing.says("The settings give Jobs the image awscost:other");
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(place.client.clone());
    bindings
        .delete(&format!("awscost-{}-jobs", place.home), &DeleteParams::default())
        .await
        .expect("the binding goes");
    let (_, unbound) = place.seen_from_outside(&[]).await;
    unbound.says(&format!("No binding enforces the admission policy awscost-{}-jobs", place.home));
    place.clear().await;
}

/// There is no kubelet: says for it that the operator's pod is ready.
async fn run_the_pod(place: &Place) {
    let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.home);
    let made = async {
        loop {
            if let Some(pod) = pods.list(&ListParams::default()).await.expect("a list").items.pop() {
                break pod.name_any();
            }
        }
    };
    let name = tokio::time::timeout(IN_FORCE, made).await.expect("the Deployment makes a pod");
    let ready = json!({"status": {"phase": "Running", "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-30T12:00:00Z"},
    ]}});
    pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&ready)).await.expect("a status");
}

/// Takes the definitions away from the whole cluster, so nothing may run beside it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server with nothing beside it: AWSCOST_TEST_KUBECONFIG"]
async fn definitions_that_are_old_or_gone_are_named() {
    let place = Place::new("definitions").await;
    let definitions: Api<CustomResourceDefinition> = Api::all(place.client.clone());
    let name = "awscostaccounts.awscost.io";
    let mut older =
        serde_json::to_value(definitions.get(name).await.expect("it is installed")).expect("JSON");
    older["metadata"] = json!({"name": name});
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    older.pointer_mut(spec).and_then(Value::as_object_mut).expect("fields").remove("displayName");
    let params = PatchParams::apply("awscost-test").force();
    definitions.patch(name, &params, &Patch::Apply(&older)).await.expect("the older definition is taken");
    place.until("Definitions", "Fail").await.says("AwsCostAccount: spec.displayName");

    let warehouses = "costwarehouses.awscost.io";
    let uid = definitions.get(warehouses).await.expect("it is installed").uid().expect("a UID");
    definitions.delete(warehouses, &DeleteParams::default()).await.expect("it goes");
    let gone = await_condition(definitions.clone(), warehouses, is_deleted(&uid));
    tokio::time::timeout(IN_FORCE, gone).await.expect("in time").expect("a watch");
    let missing = async {
        while !place
            .until("Definitions", "Fail")
            .await
            .whole
            .to_string()
            .contains("does not serve CostWarehouse")
        {}
    };
    tokio::time::timeout(IN_FORCE, missing).await.expect("it is missed");
    admission::install(&place.client).await;
    place.until("Definitions", "Pass").await;
    place.clear().await;
}
