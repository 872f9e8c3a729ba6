//! `awscost support-bundle` on a real API server, by a user who has the documented rights and may read no Secret.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as `admission.rs` does.

// What is asked for here is a test's ground: when there is no answer, the test has failed, and says so.
#![allow(clippy::panic)]

use std::{
    collections::BTreeMap,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::{
    admission,
    fault_catalogue::{
        chart::{Chart, write_kubeconfig},
        ground,
    },
};

/// How long an API server may take until a new right is in force, and until its audit log has a call.
const IN_FORCE: Duration = Duration::from_secs(30);
const ACCOUNT_ID: &str = "123456789012";
const BUCKET: &str = "acme-billing";
const ROLE: &str = "arn:aws:iam::123456789012:role/finops/awscost";
/// Stands in every place that is on no list.
const CANARY: &str = "canary-in-no-bundle";

/// The files of an archive by their names.
pub fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let file = std::fs::File::open(path).expect("the bundle is there");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().expect("an archive");
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let name = entry.path().expect("a path").display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            (name, text)
        })
        .collect()
}

/// An operator's namespace with an account, and the kubeconfig of somebody who helps.
struct Place {
    client: Client,
    home: String,
    chart: Chart,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let client = admission::client().await;
        admission::install(&client).await;
        let home = format!("bundle-{:x}", std::process::id());
        let cluster = ground::made(&client, &home).await;
        let chart = Chart::install_whole(&client, &home, &[&home]).await;
        for object in [account(), secret()] {
            cluster.apply(object).await.expect("taken");
        }
        let message = format!("{ROLE} may not list {BUCKET}; its bucket is acme-elsewhere.");
        let status = json!({"status": {
            "identity": {"accountId": ACCOUNT_ID},
            "conditions": [{"type": "Ready", "status": "False", "reason": "ListDenied", "message": message,
                "lastTransitionTime": "2026-11-30T12:00:00Z"}],
            "periods": [{"period": "2026-10", "state": "Final", "rows": 7, "totals": {"USD": "4711.25"}}],
        }});
        let params = PatchParams::default();
        cluster.accounts().patch_status("acme", &params, &Patch::Merge(&status)).await.expect("a status");
        let place = Self { client, home, chart, folder: tempfile::tempdir().expect("a folder") };
        place.let_somebody_help(&cluster).await;
        place
    }

    /// Binds the role that the documentation prints to a ServiceAccount, and waits until it is in force.
    async fn let_somebody_help(&self, cluster: &crate::fault_catalogue::cluster::Cluster) {
        let mut role = documented_role();
        role["metadata"]["name"] = json!(self.role());
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "helper"}});
        cluster.apply(account).await.expect("taken");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": self.role()},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.role()},
            "subjects": [{"kind": "ServiceAccount", "name": "helper", "namespace": self.home}],
        });
        for object in [role, binding] {
            let api = self.everywhere(object["kind"].as_str().expect("a kind"));
            let params = PatchParams::apply("awscost-test").force();
            api.patch(&self.role(), &params, &Patch::Apply(&object)).await.expect("taken");
        }
        write_kubeconfig(&self.client, &self.home, "helper", &self.kubeconfig()).await;
    }

    fn everywhere(&self, kind: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", kind));
        Api::all_with(self.client.clone(), &resource)
    }

    fn role(&self) -> String {
        format!("awscost-support-{}", self.home)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    async fn bundle(&self, file: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
        command
            .args(["support-bundle", "--namespace", &self.home, "--operator-namespace", &self.home])
            .args(more)
            .arg("--output")
            .arg(self.folder.path().join(file))
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .env("AWSCOST_LOG", "trace");
        tokio::task::spawn_blocking(move || command.output().expect("the binary runs"))
            .await
            .expect("it ends")
    }

    /// A bundle once the rights are in force: until then everything is refused.
    async fn made(&self, file: &str, more: &[&str]) -> BTreeMap<String, String> {
        let path = self.folder.path().join(file);
        let made = async {
            loop {
                let output = self.bundle(file, more).await;
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let files = unpacked(&path);
                if files.keys().any(|name| name.ends_with("settings.json")) {
                    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
                    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
                    assert!(
                        printed.ends_with(&files["awscost-support/index.txt"]),
                        "it prints the index: {printed}"
                    );
                    return files;
                }
                std::fs::remove_file(&path).expect("it goes");
            }
        };
        tokio::time::timeout(IN_FORCE, made).await.expect("the rights come into force")
    }

    async fn clear(self) {
        for kind in ["ClusterRole", "ClusterRoleBinding"] {
            self.everywhere(kind).delete(&self.role(), &DeleteParams::default()).await.expect("it goes");
        }
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.home, &DeleteParams::default()).await.expect("the namespace goes");
        self.chart.remove().await;
    }
}

fn account() -> Value {
    json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
        "metadata": {"name": "acme", "labels": {"note": CANARY}, "annotations": {"note": CANARY}},
        "spec": {
            "displayName": CANARY, "accountId": ACCOUNT_ID, "accountType": "Standalone",
            "access": {"roleArn": ROLE, "externalIdSecretRef": {"name": "acme-external-id"}},
            "report": {"name": "acme-cur", "bucket": {"name": BUCKET, "region": "us-east-1", "prefix": "cur"}},
            "ingestion": {"warehouseRef": {"name": "lake"}, "podAnnotations": {"note": CANARY}, "podLabels": {"note": CANARY}},
        },
    })
}

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"externalId": CANARY},
        "metadata": {"name": "acme-external-id", "labels": {"awscost.io/use": "external-id"}},
    })
}

/// The role that docs/day-2.md prints.
fn documented_role() -> Value {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/day-2.md")).expect("the page");
    let yaml =
        page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of YAML");
    serde_saphyr::from_str(yaml).expect("a ClusterRole")
}

/// What the API server says somebody called, once it says that they called at all.
async fn calls(user: &str) -> Vec<Value> {
    let kubeconfig = admission::kubeconfig();
    let log = Path::new(&kubeconfig).parent().expect("a folder").join("log/audit.log");
    let logged = async {
        loop {
            let text = std::fs::read_to_string(&log).expect("the API server keeps an audit log");
            let events = text
                .lines()
                .filter(|line| line.contains(user))
                .filter_map(|line| serde_json::from_str(line).ok());
            let calls: Vec<Value> =
                events.filter(|event: &Value| event["user"]["username"] == user).collect();
            if calls.iter().any(|call| call["objectRef"]["resource"] == "leases") {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(IN_FORCE, logged).await.expect("the calls are in the audit log")
}

#[test]
fn the_documented_role_reads_no_secret() {
    let role = documented_role();
    let rules = role["rules"].as_array().expect("rules");
    for rule in rules {
        for part in ["resources", "verbs"] {
            let all: Vec<&str> =
                rule[part].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
            assert!(!all.contains(&"secrets") && !all.contains(&"*"), "{rule}");
            assert!(
                part != "verbs" || all.iter().all(|verb| ["get", "list"].contains(verb)),
                "it only reads: {rule}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_bundle_has_what_helps_and_nothing_else() {
    let place = Place::new().await;
    let files = place.made("plain.tar.gz", &[]).await;
    let named = |end: &str| {
        let found = files.iter().find(|(name, _)| name.ends_with(end)).map(|(_, text)| text.as_str());
        found.unwrap_or_else(|| panic!("no {end} in {:?}", files.keys()))
    };
    assert!(named("accounts.json").contains(ROLE) && named("accounts.json").contains("ListDenied"));
    assert!(
        named("settings.json").contains(&place.home) && named("deployments.json").contains("awscost:test")
    );
    assert!(
        named("preflight.json").contains("AdmissionPolicy") && named("versions.json").contains("kubernetes")
    );
    let index = named("index.txt");
    assert!(files.keys().all(
        |name| index.contains(name.trim_start_matches("awscost-support/")) || name.ends_with("index.txt")
    ));
    assert!(index.contains("Not in it:") && index.contains("log.jsonl"), "no kubelet, no log: {index}");
    for (name, text) in &files {
        assert!(
            !text.contains(CANARY) && !text.contains("4711.25"),
            "{name} has what is on no list:\n{text}"
        );
    }

    let again = place.bundle("plain.tar.gz", &[]).await;
    assert_eq!(again.status.code(), Some(11), "a file that is there is left alone");
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"));

    for (name, text) in place.made("masked.tar.gz", &["--mask"]).await {
        for known in [ACCOUNT_ID, BUCKET, "acme-elsewhere", "role/finops"] {
            assert!(!text.contains(known), "{name} has {known}:\n{text}");
        }
        if name.ends_with("accounts.json") {
            assert!(text.contains("arn:aws:iam::account-1:resource-1 may not list bucket-"), "{text}");
        }
    }

    let calls = calls(&format!("system:serviceaccount:{}:helper", place.home)).await;
    let of_secrets: Vec<&Value> =
        calls.iter().filter(|call| call["objectRef"]["resource"] == "secrets").collect();
    assert!(of_secrets.is_empty(), "it asks for Secrets: {of_secrets:?}");
    let writes = |call: &&Value| call["verb"] != "get" && call["verb"] != "list";
    let reviews = |call: &&Value| call["objectRef"]["resource"] == "selfsubjectreviews";
    let written: Vec<&Value> = calls.iter().filter(writes).filter(|call| !reviews(call)).collect();
    assert!(written.is_empty(), "it writes: {written:?}");
    place.clear().await;
}
