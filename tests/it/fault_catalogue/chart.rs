//! What the operator's chart puts around an operator: its service account, its roles and the policies on what it writes,
//! rendered by helm and applied; and the operator's way in, a kubeconfig with a token of that account.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::{Secret, ServiceAccount},
};
use kube::{
    Api, Client, Config,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::admission;

/// The operator's image, as the chart and the operator's settings name it.
pub const IMAGE: &str = "awscost:test";
/// The chart's service account, where the release has the chart's name.
const ACCOUNT: &str = "awscost";
/// What of the chart bounds the operator.
const TEMPLATES: [&str; 3] = ["serviceaccount", "rbac", "admission-policy"];
/// How long an API server may take until a new policy is in force.
const IN_FORCE: Duration = Duration::from_secs(30);

/// What is rendered of the chart, and how.
struct Parts<'a> {
    templates: &'a [&'a str],
    /// More values, `NAME=VALUE`.
    values: &'a [&'a str],
}

/// The chart, installed around the operator of one namespace.
pub struct Chart {
    client: Client,
    policies: Vec<Value>,
    folder: tempfile::TempDir,
}

impl Chart {
    /// Installs it for an operator in `home` that watches these namespaces, and that runs elsewhere.
    pub async fn install(client: &Client, home: &str, watched: &[&str]) -> Self {
        Self::install_these(client, home, watched, &Parts { templates: &TEMPLATES, values: &[] }).await
    }

    /// The same with more values (`NAME=VALUE`).
    pub async fn install_with(client: &Client, home: &str, watched: &[&str], values: &[&str]) -> Self {
        Self::install_these(client, home, watched, &Parts { templates: &TEMPLATES, values }).await
    }

    /// The same with the operator's Deployment and its settings.
    pub async fn install_whole(client: &Client, home: &str, watched: &[&str]) -> Self {
        let templates = [&TEMPLATES[..], &["configmap", "deployment"]].concat();
        Self::install_these(client, home, watched, &Parts { templates: &templates, values: &[] }).await
    }

    async fn install_these(client: &Client, home: &str, watched: &[&str], parts: &Parts<'_>) -> Self {
        let server = client.apiserver_version().await.expect("the API server's version").git_version;
        let (policies, namespaced): (Vec<Value>, Vec<Value>) = rendered(home, watched, parts, &server)
            .into_iter()
            .partition(|object| object["metadata"]["namespace"].is_null());
        for object in namespaced.iter().chain(&policies) {
            let name = object["metadata"]["name"].as_str().expect("what is rendered has a name");
            let params = PatchParams::apply("awscost-test").force();
            api(client, object)
                .patch(name, &params, &Patch::Apply(object))
                .await
                .expect("the chart is taken");
        }
        let chart = Self { client: client.clone(), policies, folder: tempfile::tempdir().expect("a folder") };
        write_kubeconfig(client, home, ACCOUNT, &chart.kubeconfig()).await;
        chart.in_force(home).await;
        chart
    }

    /// The operator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A client that is the operator's account.
    pub async fn operators_client(&self) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        Client::try_from(config.expect("a usable kubeconfig")).expect("a client")
    }

    /// Takes away what lies in no namespace.
    pub async fn remove(self) {
        for object in &self.policies {
            let name = object["metadata"]["name"].as_str().expect("what is rendered has a name");
            match api(&self.client, object).delete(name, &Default::default()).await {
                // A test may have taken one away already.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                gone => drop(gone.expect("a policy goes")),
            }
        }
    }

    /// An API server learns of a policy a moment after it took it.
    async fn in_force(&self, home: &str) {
        let secrets: Api<Secret> = Api::namespaced(self.operators_client().await, home);
        let secret: Secret =
            serde_json::from_value(json!({"metadata": {"name": "anything"}})).expect("a Secret without data");
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let refused = async {
            while !secrets.create(&dry, &secret).await.is_err_and(|error| is_of_policy(&error)) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(IN_FORCE, refused).await.expect("the policies come into force");
    }
}

/// Writes a kubeconfig that is a ServiceAccount's.
pub async fn write_kubeconfig(client: &Client, namespace: &str, account: &str, path: &Path) {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let (params, request) = (PostParams::default(), TokenRequest::default());
    let made = accounts.create_token_request(account, &params, &request).await.expect("a token");
    let token = made.status.expect("a token request is answered").token;
    let text = std::fs::read_to_string(admission::kubeconfig()).expect("a kubeconfig");
    let mut kubeconfig: Value = serde_saphyr::from_str(&text).expect("a kubeconfig is YAML");
    kubeconfig["users"][0]["user"] = json!({"token": token});
    std::fs::write(path, kubeconfig.to_string()).expect("the kubeconfig is written");
}

/// True if an admission policy refused.
fn is_of_policy(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.message.contains("ValidatingAdmissionPolicy"))
}

fn rendered(home: &str, watched: &[&str], parts: &Parts<'_>, server: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = output(Command::new(root.join("tests/cluster/binaries")).args(["--path", "helm"]));
    let image = IMAGE.split_once(':').expect("an image has a tag");
    let mut helm = Command::new(found.trim());
    helm.current_dir(root)
        .args(["template", "awscost", "charts/awscost-operator"])
        .args(["--namespace", home])
        .args(["--kube-version", server])
        .args(["--set-json", &format!("watch.namespaces={}", json!(watched))])
        .args(["--set", &format!("image.registry=,image.repository={},image.tag={}", image.0, image.1)])
        .args(["--set", "tenancy.rules[0].namespaces={any}"])
        .args(["--set-string", "tenancy.rules[0].accountIds={123456789012}"])
        .args(parts.values.iter().flat_map(|value| ["--set", value]))
        .args(
            parts
                .templates
                .iter()
                .flat_map(|name| ["--show-only".to_owned(), format!("templates/{name}.yaml")]),
        );
    serde_saphyr::from_multiple(&output(&mut helm)).expect("manifests are YAML")
}

/// What a program prints.
fn output(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("what it prints is text")
}

fn api(client: &Client, object: &Value) -> Api<DynamicObject> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let version = text("/apiVersion").expect("an object has a version");
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = text("/kind").expect("an object has a kind");
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match text("/metadata/namespace") {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}
