//! The bundle's only I/O but the file: it lists objects, reads logs and metrics of the operator's pods, and never a Secret.

use axum::http::Request;
use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams, LogParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use super::{
    allowed,
    contents::{Bundle, Content},
    logs,
};
use crate::cli::{
    cluster::{ClusterFault, ClusterScope, api_message},
    preflight,
};

/// Objects in one answer of the API server, as kubectl asks for them.
const PAGE: u32 = 500;
/// The operator's objects by their labels.
const OPERATOR: &str = "app.kubernetes.io/name=awscost,app.kubernetes.io/component=operator";
/// The Jobs and their pods.
const JOBS: &str = "app.kubernetes.io/managed-by=awscost-operator";
/// What the operator's pods serve metrics at, where the Deployment does not say.
const METRICS_PORT: i64 = 8080;

/// What is wanted beside the objects of the scope.
#[derive(Clone, Copy)]
pub(super) struct BundleRequest<'a> {
    pub operator_namespace: Option<&'a str>,
    /// Lines of a log.
    pub tail: u32,
}

/// What a list is of: group, version, kind, plural.
type Resource = (&'static str, &'static str, &'static str, &'static str);
const ACCOUNTS: Resource = ("awscost.io", "v1alpha1", "AwsCostAccount", "awscostaccounts");
const WAREHOUSES: Resource = ("awscost.io", "v1alpha1", "CostWarehouse", "costwarehouses");
const EVENTS: Resource = ("events.k8s.io", "v1", "Event", "events");
const BATCH_JOBS: Resource = ("batch", "v1", "Job", "jobs");
const PODS: Resource = ("", "v1", "Pod", "pods");
const DEPLOYMENTS: Resource = ("apps", "v1", "Deployment", "deployments");
const CONFIG_MAPS: Resource = ("", "v1", "ConfigMap", "configmaps");
const LEASES: Resource = ("coordination.k8s.io", "v1", "Lease", "leases");

/// Everything that can be had; the API server itself must answer.
pub(super) async fn gather_bundle(
    scope: &ClusterScope,
    wanted: BundleRequest<'_>,
    now: Timestamp,
) -> Result<Bundle, ClusterFault> {
    let server = scope
        .client
        .apiserver_version()
        .await
        .map_err(ClusterFault::while_doing("ask the API server's version"))?;
    let mut bundle = Bundle::default();
    let versions = json!({"awscost": env!("CARGO_PKG_VERSION"), "kubernetes": server.git_version, "at": now.to_string()});
    bundle.add(
        "versions.json",
        "versions of this program and of the API server",
        Ok(Content::Json(versions)),
    );
    of_scope(scope, &mut bundle).await;
    of_operator(&scope.client, wanted, &mut bundle).await;
    Ok(bundle)
}

/// The accounts and warehouses, and what was done for them.
async fn of_scope(scope: &ClusterScope, bundle: &mut Bundle) {
    let namespace = scope.namespace.as_deref();
    let list = |resource, selector| list_objects(&scope.client, resource, namespace, selector);
    let (accounts, warehouses, jobs, pods, events) = tokio::join!(
        list(ACCOUNTS, None),
        list(WAREHOUSES, None),
        list(BATCH_JOBS, Some(JOBS)),
        list(PODS, Some(JOBS)),
        list(EVENTS, None),
    );
    let kept = |objects: &SeenObject<Vec<Value>>, keep: &dyn Fn(&Value) -> Value| {
        objects.as_ref().map(|all| Content::Json(all.iter().map(keep).collect())).map_err(Clone::clone)
    };
    let only = |list: &'static [&'static str]| move |object: &Value| allowed::keep_listed(object, list);
    bundle.add(
        "accounts.json",
        "AwsCostAccounts: spec, status, conditions",
        kept(&accounts, &only(allowed::ACCOUNT)),
    );
    bundle.add(
        "warehouses.json",
        "CostWarehouses: spec, status, conditions",
        kept(&warehouses, &only(allowed::WAREHOUSE)),
    );
    bundle.add(
        "jobs.json",
        "Jobs: states, arguments without unknown values",
        kept(&jobs, &allowed::allowed_job),
    );
    bundle.add("pods.json", "pods of Jobs: states, exit codes", kept(&pods, &only(allowed::POD)));
    if let (Some(namespace), Ok([]), Ok([])) =
        (namespace, accounts.as_deref().map_err(drop), warehouses.as_deref().map_err(drop))
    {
        let none = format!(
            "accounts and warehouses: namespace {namespace} has none; use -n NAMESPACE or -A for others"
        );
        bundle.missing.push(none);
    }
    let mut ours = jobs.unwrap_or_default();
    ours.extend(pods.unwrap_or_default());
    let events = events.map(|all| all.into_iter().filter(|event| is_ours(event, &ours)).collect());
    bundle.add("events.json", "events of all these", kept(&events, &allowed::allowed_event));
}

/// True for an event of an account, a warehouse, or one of these Jobs and pods.
fn is_ours(event: &Value, ours: &[Value]) -> bool {
    let regarding = &event["regarding"];
    match regarding["kind"].as_str() {
        Some("AwsCostAccount" | "CostWarehouse") => true,
        Some("Job" | "Pod") => ours.iter().any(|one| {
            one["metadata"]["name"] == regarding["name"]
                && one["metadata"]["namespace"] == regarding["namespace"]
        }),
        _ => false,
    }
}

/// The operator: how it is set and how it does.
async fn of_operator(client: &Client, wanted: BundleRequest<'_>, bundle: &mut Bundle) {
    let deployments = list_objects(client, DEPLOYMENTS, wanted.operator_namespace, Some(OPERATOR)).await;
    let kept =
        deployments.as_ref().map(|all| Content::Json(all.iter().map(allowed::allowed_deployment).collect()));
    bundle.add("operator/deployments.json", "Deployments of the operator", kept.map_err(Clone::clone));
    for deployment in deployments.unwrap_or_default() {
        let operator = OperatorDeployment::of(&deployment);
        add_settings(client, &operator, bundle).await;
        of_pods(client, &operator, wanted.tail, bundle).await;
        let judged = preflight::from_outside(client, &operator.namespace).await;
        let judged = judged.map(Content::Json).map_err(|fault| fault.to_string());
        let name = operator.file_name("preflight.json");
        bundle.add(&name, "the result of awscost preflight from outside", judged);
    }
}

/// What leads from a Deployment to the rest of an operator.
struct OperatorDeployment {
    namespace: String,
    name: String,
    config_map: Option<String>,
    metrics_port: i64,
}

impl OperatorDeployment {
    fn of(deployment: &Value) -> Self {
        let text = |pointer: &str| {
            deployment.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let list =
            |pointer: &str| deployment.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let mut volumes = list("/spec/template/spec/volumes").filter(|volume| volume["name"] == "config");
        let mut ports = list("/spec/template/spec/containers/0/ports").filter(|port| port["name"] == "http");
        Self {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            config_map: volumes.find_map(|volume| volume["configMap"]["name"].as_str().map(str::to_owned)),
            metrics_port: ports.find_map(|port| port["containerPort"].as_i64()).unwrap_or(METRICS_PORT),
        }
    }

    /// The name of a file about it.
    fn file_name(&self, name: &str) -> String {
        format!("operator/{}/{}/{name}", self.namespace, self.name)
    }
}

/// The settings file, and the lease that it names.
async fn add_settings(client: &Client, operator: &OperatorDeployment, bundle: &mut Bundle) {
    let namespace = &operator.namespace;
    let settings = match &operator.config_map {
        None => Err("the Deployment mounts no ConfigMap".to_owned()),
        Some(map) => get_object(client, CONFIG_MAPS, namespace, map).await.and_then(|map| {
            let text = map["data"]["operator.yaml"].as_str().ok_or("it has no key operator.yaml")?;
            allowed::allowed_settings(text)
        }),
    };
    let lease = match &settings {
        Ok(settings) => {
            let name = settings["leaderElection"]["leaseName"].as_str().unwrap_or("awscost-operator");
            get_object(client, LEASES, namespace, name)
                .await
                .map(|lease| allowed::keep_listed(&lease, allowed::LEASE))
        }
        Err(because) => Err(because.clone()),
    };
    bundle.add(&operator.file_name("settings.json"), "the operator's settings", settings.map(Content::Json));
    bundle.add(&operator.file_name("lease.json"), "the lease of the election", lease.map(Content::Json));
}

/// The operator's pods: states, logs, metrics.
async fn of_pods(client: &Client, operator: &OperatorDeployment, tail: u32, bundle: &mut Bundle) {
    let namespace = &operator.namespace;
    let pods = list_objects(client, PODS, Some(namespace), Some(OPERATOR)).await;
    let kept = pods
        .as_ref()
        .map(|all| Content::Json(all.iter().map(|pod| allowed::keep_listed(pod, allowed::POD)).collect()));
    bundle.add(
        &operator.file_name("pods.json"),
        "pods of the operator: states, exit codes",
        kept.map_err(Clone::clone),
    );
    for pod in pods.unwrap_or_default() {
        let Some(name) = pod["metadata"]["name"].as_str() else { continue };
        let file = |what: &str| operator.file_name(&format!("{name}.{what}"));
        let now = read_log(client, namespace, name, tail, Life::This).await;
        bundle.add(&file("log.jsonl"), "lines of its log in the operator's own format", now);
        let restarts = pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_i64);
        if restarts.is_some_and(|restarts| restarts > 0) {
            let before = read_log(client, namespace, name, tail, Life::Before).await;
            bundle.add(&file("before.log.jsonl"), "lines from before its last restart", before);
        }
        let metrics = read_metrics(client, namespace, name, operator.metrics_port).await;
        bundle.add(&file("metrics.txt"), "its metrics", metrics);
    }
}

/// Which life of a container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    This,
    Before,
}

async fn read_log(client: &Client, namespace: &str, pod: &str, tail: u32, life: Life) -> SeenObject<Content> {
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client.clone(), namespace);
    let params = LogParams {
        tail_lines: Some(i64::from(tail)),
        previous: life == Life::Before,
        ..LogParams::default()
    };
    let text = pods.logs(pod, &params).await.map_err(|error| why_unseen(&error))?;
    Ok(Content::Lines(logs::allowed_lines(&text)))
}

/// The pod's metrics by way of the API server: those of our own names.
async fn read_metrics(client: &Client, namespace: &str, pod: &str, port: i64) -> SeenObject<Content> {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/metrics");
    let request = Request::get(path).body(Vec::new()).map_err(|_| "the pod's name is none".to_owned())?;
    let page = client.request_text(request).await.map_err(|error| why_unseen(&error))?;
    let ours = |line: &&str| {
        line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ").starts_with("awscost_")
    };
    Ok(Content::Text(page.lines().filter(ours).map(|line| format!("{line}\n")).collect()))
}

/// What was read, or why it could not be.
type SeenObject<T> = Result<T, String>;

fn why_unseen(error: &kube::Error) -> String {
    format!("it can't be read: {}", api_message(error))
}

fn resource_api(client: &Client, resource: Resource, namespace: Option<&str>) -> Api<DynamicObject> {
    let (group, version, kind, plural) = resource;
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

async fn get_object(client: &Client, resource: Resource, namespace: &str, name: &str) -> SeenObject<Value> {
    let object = resource_api(client, resource, Some(namespace))
        .get(name)
        .await
        .map_err(|error| why_unseen(&error))?;
    Ok(serde_json::to_value(object).expect("an object is JSON"))
}

/// The objects of a kind, whatever they hold: what this version does not know must not keep a bundle from being made.
async fn list_objects(
    client: &Client,
    resource: Resource,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> SeenObject<Vec<Value>> {
    let api = resource_api(client, resource, namespace);
    let mut params = ListParams::default().limit(PAGE);
    params.label_selector = selector.map(str::to_owned);
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await.map_err(|error| why_unseen(&error))?;
        all.extend(
            page.items.into_iter().map(|object| serde_json::to_value(object).expect("an object is JSON")),
        );
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(all),
        }
    }
}
