//! What rows stand on: a sandbox as AWS, a namespace of a real cluster, an operator in it, and every row's account, healthy.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use awscost::api::{AwsCostAccount, conditions::Condition};
use awscost_sandbox::Sandbox;
use futures::{StreamExt, stream};
use kube::{Api, Client, api::ListParams, runtime::wait::await_condition};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    catalogue::Catalogue,
    chart::{Chart, IMAGE},
    cluster::{self, Cluster},
    conditions::{Said, said, unmet},
    node::Node,
    operator::OperatorProcess,
    rest::{self, Rest},
    scene::{NEIGHBOURS_EXTERNAL_ID, Names, Scene},
    world::{self, Objects},
};
use crate::admission;

/// How long all accounts together may take to their first verdict, on two busy cores.
const FIRST_VERDICTS: Duration = Duration::from_secs(120);
/// Accounts that are created at once.
const AT_ONCE: usize = 8;

/// The ground of one run.
pub struct Ground {
    /// AWS.
    pub sandbox: Sandbox,
    /// The namespace.
    pub cluster: Cluster,
    /// Every row's account.
    pub stages: Vec<Stage>,
    metrics: SocketAddr,
    said: Mutex<String>,
    operator: Mutex<OperatorProcess>,
    neighbours: String,
    chart: Option<Chart>,
    _node: Node,
}

/// What is otherwise than usual on a ground.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Facts grow no older than this.
    pub fact_age: Option<Duration>,
    /// The operator is no administrator: it may do what the chart lets it do.
    pub bounded: bool,
}

/// One account while it is healthy.
pub struct Stage {
    /// Everything that makes it.
    pub scene: Scene,
    /// What was delivered into its bucket.
    pub delivered: Objects,
    /// What its status says.
    pub healthy: Said,
    /// What else is in its status.
    pub rest: Rest,
}

impl Ground {
    /// Brings everything up with these healthy accounts, and waits until each has its verdict; `set` is one digit that no
    /// other ground of a run has.
    pub async fn raise<'a>(
        catalogue: &Catalogue,
        name: &str,
        set: u8,
        accounts: impl Iterator<Item = &'a str>,
    ) -> Self {
        Self::raise_with(catalogue, name, set, accounts, Manner::default()).await
    }

    /// The same in this manner.
    pub async fn raise_with<'a>(
        catalogue: &Catalogue,
        name: &str,
        set: u8,
        accounts: impl Iterator<Item = &'a str>,
        manner: Manner,
    ) -> Self {
        let client = admission::client().await;
        admission::install(&client).await;
        let namespace = format!("{name}-{:x}", std::process::id());
        let cluster = made(&client, &namespace).await;
        let neighbours = neighbours(&client, &namespace).await;
        let sandbox = Sandbox::start(world::empty());
        let kinds: Vec<&str> = accounts.collect();
        let scenes: Vec<Scene> = kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| {
                Scene::healthy(catalogue, kind, Names::of(set, number, &sandbox.endpoint()))
            })
            .collect();
        shared_warehouses(&cluster).await;
        let delivered: Vec<Objects> =
            scenes.iter().map(|scene| world::stage_delivered(&sandbox, scene)).collect();
        let node = Node::start(client, &namespace);
        let metrics = free_address();
        // It traces everything: its log is searched for what must not be in it.
        let mut settings = settings(&[&namespace, &neighbours], metrics, &with_keys(&scenes));
        if let Some(age) = manner.fact_age {
            settings["testing"]["factAge"] = json!(format!("{}s", age.as_secs()));
        }
        let chart = match manner.bounded {
            true => Some(Chart::install(&cluster.client, &namespace, &[&namespace, &neighbours]).await),
            false => None,
        };
        let way_in = chart.as_ref().map_or_else(|| admission::kubeconfig().into(), Chart::kubeconfig);
        let operator = OperatorProcess::start(&sandbox, &namespace, &settings, &way_in, "trace");
        stream::iter(&scenes)
            .for_each_concurrent(AT_ONCE, |scene| {
                let cluster = &cluster;
                async move {
                    cluster.stage_secrets(None, scene).await.expect("the Secrets are taken");
                    cluster.stage_warehouse(scene).await.expect("the warehouse is taken");
                    cluster.stage_account(scene).await.expect("the account is taken");
                }
            })
            .await;
        let healthy = first_verdicts(&cluster, &scenes, &operator).await;
        for (kind, (said, _)) in kinds.iter().zip(&healthy) {
            let missing = unmet(&catalogue.healthy[*kind].says, said);
            assert!(missing.is_empty(), "a healthy {kind}: {}", missing.join("; "));
        }
        let stages = scenes
            .into_iter()
            .zip(delivered)
            .zip(healthy)
            .map(|((scene, delivered), (healthy, rest))| Stage { scene, delivered, healthy, rest })
            .collect();
        let (said, operator) = (Mutex::default(), Mutex::new(operator));
        Self { sandbox, cluster, stages, metrics, said, operator, neighbours, chart, _node: node }
    }

    /// The last complaints in the operator's log.
    pub fn operator_log(&self, lines: usize) -> String {
        self.operator().last_lines(lines)
    }

    /// The operator.
    pub fn operator(&self) -> MutexGuard<'_, OperatorProcess> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what a check or the plugin said, for the search for secrets.
    pub fn note_said(&self, output: &str) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push_str(output);
    }

    /// What all of them said.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the operator's `/metrics` says now.
    pub async fn metrics(&self) -> String {
        let mut connection = tokio::net::TcpStream::connect(self.metrics).await.expect("it serves metrics");
        let request = format!("GET /metrics HTTP/1.0\r\nhost: {}\r\n\r\n", self.metrics);
        connection.write_all(request.as_bytes()).await.expect("the request goes out");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("the answer is text");
        assert!(answer.contains("200 OK"), "no metrics: {answer}");
        answer
    }

    /// Takes the namespaces away.
    pub async fn clear(self) {
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.cluster.client.clone());
        for namespace in [&self.cluster.namespace, &self.neighbours] {
            api.delete(namespace, &Default::default()).await.expect("the namespace goes");
        }
        if let Some(chart) = self.chart {
            chart.remove().await;
        }
    }

    /// A client that may do what the operator may do, where the chart bounds it.
    pub async fn operators_client(&self) -> Client {
        self.chart.as_ref().expect("a ground with a bounded operator").operators_client().await
    }
}

/// A namespace, made.
pub async fn made(client: &Client, namespace: &str) -> Cluster {
    let cluster = Cluster { client: client.clone(), namespace: namespace.to_owned() };
    let made = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    cluster.apply(made).await.expect("a namespace");
    cluster
}

/// Another tenant's namespace, with an account that is older than any row's.
async fn neighbours(client: &Client, namespace: &str) -> String {
    let cluster = made(client, &format!("{namespace}-next-door")).await;
    let (name, label) = ("neighbour", json!({"awscost.io/use": "external-id"}));
    let access = json!({
        "roleArn": "arn:aws:iam::190000000000:role/awscost", "externalIdSecretRef": {"name": name},
    });
    for object in [
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": label},
            "stringData": {"externalId": NEIGHBOURS_EXTERNAL_ID},
        }),
        json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": name},
            "spec": {"accountType": "Member", "access": access},
        }),
    ] {
        cluster.apply(object).await.expect("the neighbour's objects are taken");
    }
    // Creation times are whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.namespace
}

/// The accounts that are reached with the keys of an IAM user: a rule must name them.
fn with_keys(scenes: &[Scene]) -> Vec<&str> {
    let keys = |scene: &&Scene| !scene.at("/spec/access/accessKeySecretRef").is_null();
    scenes.iter().filter(keys).map(|scene| scene.names.account.as_str()).collect()
}

/// An address of this machine that nobody listens at.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound listener has an address")
}

/// The warehouses of accounts that have none of their own, and the claim of one.
async fn shared_warehouses(cluster: &Cluster) {
    cluster.apply(cluster::claim()).await.expect("the claim is taken");
    for warehouse in cluster::shared_warehouses() {
        cluster.apply(warehouse).await.expect("a warehouse for all is taken");
    }
}

/// No load is ever started: what is diagnosed here comes before, and a loaded bill may no longer change its report.
fn settings(namespaces: &[&str], metrics: SocketAddr, with_keys: &[&str]) -> Value {
    json!({
        "image": IMAGE, "watch": {"namespaces": namespaces}, "metrics": {"address": metrics},
        "leaderElection": {"enabled": false}, "jobs": {"cluster": 0},
        "tenancy": {"rules": [{"namespaces": namespaces, "accountIds": with_keys, "roleArns": [
            "arn:aws:iam::1*:role/awscost*", "arn:aws:iam::1*:role/finops/awscost", "arn:aws-cn:iam::1*:role/awscost*", "arn:aws-us-gov:iam::1*:role/awscost*",
        ]}]},
        // A probe that never begins is not given up before the last row is shown.
        "testing": {"firstLookSpread": "1s", "stsCallsPerSecond": 1000, "retryDelay": "1s", "patience": "2h"},
    })
}

/// Waits until every account is Ready, and gives what their statuses say.
async fn first_verdicts(
    cluster: &Cluster,
    scenes: &[Scene],
    operator: &OperatorProcess,
) -> Vec<(Said, Rest)> {
    let until = Instant::now() + FIRST_VERDICTS;
    let waits = scenes.iter().map(|scene| {
        let ready = |account: Option<&AwsCostAccount>| account.is_some_and(is_ready);
        let wait = await_condition(cluster.accounts(), &scene.names.name, ready);
        async move { tokio::time::timeout(until.saturating_duration_since(Instant::now()), wait).await }
    });
    let all = stream::iter(waits).buffered(AT_ONCE).collect::<Vec<_>>().await;
    if all.iter().any(Result::is_err) {
        let accounts = cluster.accounts().list(&ListParams::default()).await.expect("a list").items;
        let sick: BTreeMap<_, _> = accounts
            .iter()
            .filter(|account| conditions(account).iter().all(|one| one.type_ != "Ready" || !one.is_true()))
            .map(|account| (account.metadata.name.clone(), said(conditions(account))))
            .collect();
        let log = operator.last_lines(20);
        panic!("{} accounts are not healthy before any fault: {sick:#?}\n{log}", sick.len());
    }
    all.into_iter()
        .map(|account| {
            let account = account.expect("checked").expect("a watch").expect("a healthy account is there");
            (said(conditions(&account)), rest_of(&account))
        })
        .collect()
}

/// True if an account is Ready.
pub fn is_ready(account: &AwsCostAccount) -> bool {
    conditions(account).iter().any(|condition| condition.type_ == "Ready" && condition.is_true())
}

/// The rest of an account's status.
pub fn rest_of(account: &AwsCostAccount) -> Rest {
    account.status.as_ref().map(rest::rest).unwrap_or_default()
}

/// The conditions of an account.
pub fn conditions(account: &AwsCostAccount) -> &[Condition] {
    account.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
}
