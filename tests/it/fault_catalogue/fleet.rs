//! Many accounts at once: broken ones cost the healthy ones nothing, everybody has a verdict in the time that the STS
//! rate allows, and then nothing is written while all of them are looked at again.
//!
//! 300 accounts at ten times the operator's STS rate in every test run. `make fleet` asks for 2,000 (`AWSCOST_TEST_FLEET`)
//! at the rate an operator has, ten calls a second (`AWSCOST_TEST_STS_RATE`): about an hour.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use awscost::api::AwsCostAccount;
use awscost_sandbox::{Fault, Rule, Sandbox};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

use super::{
    catalogue::Catalogue,
    cluster::Cluster,
    ground::{conditions, is_ready, made},
    operator::OperatorProcess,
    scene::{Names, Scene},
    world::{self, Objects},
};
use crate::admission;

/// STS calls a second in every test run: ten times what an operator makes.
const RATE: u32 = 100;
/// STS calls of a member's first look: who we are, the role, whom it made us, and two probes of the external ID.
const CALLS: u32 = 5;
/// On top of what the rate allows: a start, and whoever is silent for ten seconds at every attempt.
const MARGIN: f64 = 1.2;
const START: Duration = Duration::from_secs(35);
/// How much later a healthy account may be Ready beside broken ones.
const SLOWER: f64 = 1.5;
/// Clocks and cores jitter by this much, whatever the fleet.
const JITTER: Duration = Duration::from_secs(2);
/// Facts are looked at again within 1.2 of their age, so that in this time everybody is looked at.
const IDLE: f64 = 1.25;
/// Accounts created at once.
const AT_ONCE: usize = 16;

/// One way to be broken: what differs from a healthy member.
fn broken(way: usize) -> BTreeMap<String, Value> {
    let (path, value) = match way {
        0 => ("secrets/$name-id", json!(null)),
        1 => ("secrets/$name-id/labels", json!({})),
        2 => ("secrets/$name-id/data/externalId", json!("$externalId\n")),
        3 => ("secrets/$name-id/data/externalId", json!("another-one")),
        4 => ("role", json!(null)),
        5 => ("role/trust/operator/Principal/AWS", json!("arn:aws:iam::999988887777:user/somebody")),
        6 => ("role/trust/operator/Condition", json!(null)),
        7 => ("spec/access/roleArn", json!("arn:aws:iam::$account:role/admin")),
        8 => ("organization", json!(null)),
        // Ten seconds of silence at every look: the costliest way.
        _ => (
            "calls",
            json!({"sts:GetCallerIdentity": {"fault": {"latency": {"millis": 10_000}}},
                   "organizations:DescribeOrganization": {"fault": "reset"}}),
        ),
    };
    BTreeMap::from([(path.to_owned(), value)])
}

/// How a fleet came up.
struct Result {
    /// When each healthy account was Ready, from the operator's start, in order.
    ready: Vec<Duration>,
    /// When the last account had a verdict.
    verdicts: Duration,
}

/// What went on in a fleet that has nothing to do but look again.
struct Idleness {
    /// Accounts whose objects changed.
    restless: BTreeSet<String>,
    /// Healthy accounts that were looked at.
    looked_at: usize,
}

impl Result {
    fn percentile(&self, hundredth: usize) -> Duration {
        self.ready[(self.ready.len() - 1) * hundredth / 100]
    }
}

fn size() -> u32 {
    asked("AWSCOST_TEST_FLEET").unwrap_or(300)
}

fn rate() -> u32 {
    asked("AWSCOST_TEST_STS_RATE").unwrap_or(RATE)
}

fn asked(variable: &str) -> Option<u32> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, not a number")))
}

/// Brings up a fleet in which every tenth account is broken, or none; the broken one is watched while idle, too.
async fn bring_up(name: &str, set: u8, any_broken: bool) -> (Result, Option<Idleness>) {
    let client = admission::client().await;
    admission::install(&client).await;
    let namespace = format!("{name}-{:x}", std::process::id());
    let cluster = made(&client, &namespace).await;
    let sandbox = Sandbox::start(world::empty());
    let catalogue = Catalogue::read();
    let scenes: Vec<(Scene, bool)> = (0..size() as usize)
        .map(|number| {
            let names = Names::of(set, number, &sandbox.endpoint());
            let scene = Scene::healthy(&catalogue, "member", names);
            let ill = any_broken && number % 10 == 3;
            let scene = if ill { scene.with(&broken(number / 10 % 10)) } else { scene };
            world::stage(&sandbox, &scene, &Objects::new());
            (scene, ill)
        })
        .collect();
    stream::iter(&scenes)
        .for_each_concurrent(AT_ONCE, |(scene, _)| {
            let cluster = &cluster;
            async move {
                cluster.stage_secrets(None, scene).await.expect("the Secret is taken");
                cluster.stage_account(scene).await.expect("the account is taken");
            }
        })
        .await;
    let settings = json!({
        "image": "none", "watch": {"namespaces": [namespace]}, "metrics": {"address": "127.0.0.1:0"},
        "leaderElection": {"enabled": false},
        "tenancy": {"rules": [{"namespaces": [namespace], "roleArns": ["arn:aws:iam::1*:role/awscost*"]}]},
        "testing": {"stsCallsPerSecond": rate(), "factAge": format!("{}s", fact_age().as_secs())},
    });
    let operator =
        OperatorProcess::start(&sandbox, &namespace, &settings, admission::kubeconfig().as_ref(), "info");
    let result = watch(&cluster, &scenes, &operator).await;
    let idleness = if any_broken { Some(idle(&cluster, &sandbox, &scenes).await) } else { None };
    drop(operator);
    let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client);
    api.delete(&namespace, &Default::default()).await.expect("the namespace goes");
    (result, idleness)
}

/// Follows the fleet from the operator's start until every account is judged.
async fn watch(cluster: &Cluster, scenes: &[(Scene, bool)], operator: &OperatorProcess) -> Result {
    let started = Instant::now();
    let healthy: BTreeSet<&str> =
        scenes.iter().filter(|(_, ill)| !ill).map(|(scene, _)| scene.names.name.as_str()).collect();
    let mut ready: BTreeMap<String, Duration> = BTreeMap::new();
    let mut judged: BTreeSet<String> = BTreeSet::new();
    let mut verdicts = Duration::ZERO;
    let limit = allowed() * 4;
    let mut changes =
        Box::pin(watcher(cluster.accounts(), watcher::Config::default()).default_backoff().applied_objects());
    while ready.len() < healthy.len() || judged.len() < scenes.len() {
        let next = tokio::time::timeout(limit.saturating_sub(started.elapsed()), changes.try_next()).await;
        let Ok(change) = next else {
            panic!(
                "{} of {} healthy accounts Ready, {} of {} judged after {:.0} s\n{}",
                ready.len(),
                healthy.len(),
                judged.len(),
                scenes.len(),
                limit.as_secs_f64(),
                operator.last_lines(20)
            );
        };
        let account = change.expect("a watch with backoff goes on").expect("a watch has no end");
        let name = account.name_any();
        if is_judged(&account) && judged.insert(name.clone()) {
            verdicts = started.elapsed();
        }
        if is_ready(&account) && healthy.contains(name.as_str()) {
            ready.entry(name).or_insert_with(|| started.elapsed());
        }
    }
    let mut ready: Vec<Duration> = ready.into_values().collect();
    ready.sort();
    Result { ready, verdicts }
}

/// Follows the fleet while every fact ages once.
async fn idle(cluster: &Cluster, sandbox: &Sandbox, scenes: &[(Scene, bool)]) -> Idleness {
    let mut changes =
        Box::pin(watcher(cluster.accounts(), watcher::Config::default()).default_backoff().touched_objects());
    let mut shown = 0;
    while shown < scenes.len() {
        changes.try_next().await.expect("a watch with backoff goes on").expect("a watch has no end");
        shown += 1;
    }
    sandbox.calls().clear();
    let mut restless = BTreeSet::new();
    let end = Instant::now() + fact_age().mul_f64(IDLE);
    while let Ok(change) =
        tokio::time::timeout(end.saturating_duration_since(Instant::now()), changes.try_next()).await
    {
        let account = change.expect("a watch with backoff goes on").expect("a watch has no end");
        restless.insert(account.name_any());
    }
    let callers: BTreeSet<String> =
        sandbox.calls().of("sts", "GetCallerIdentity").into_iter().map(|call| call.account).collect();
    let healthy = scenes.iter().filter(|(_, ill)| !ill);
    let looked_at = healthy.filter(|(scene, _)| callers.contains(&scene.names.account)).count();
    Idleness { restless, looked_at }
}

/// True once a pass over it has ended: its Ready says something of the account, not of the pass.
fn is_judged(account: &AwsCostAccount) -> bool {
    conditions(account)
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.reason != "Progressing")
}

/// What the rate allows for a first look at all of them.
fn allowed() -> Duration {
    START + Duration::from_secs_f64(f64::from(size() * CALLS) / f64::from(rate()) * MARGIN)
}

/// Facts last longer than first looks take, so that those are over when the second begin.
fn fact_age() -> Duration {
    allowed()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn broken_accounts_cost_the_healthy_ones_nothing() {
    let (without, _) = bring_up("fleet-healthy", 8, false).await;
    let (with, idleness) = bring_up("fleet-broken", 9, true).await;
    for (name, fleet) in [("without broken ones", &without), ("a tenth broken in ten ways", &with)] {
        println!(
            "{} accounts, {} STS calls/s, {name}: healthy ones Ready after {:.1} s (half), {:.1} s (95 %), {:.1} s (all); \
             all judged after {:.1} s of {:.1} s allowed",
            size(),
            rate(),
            fleet.percentile(50).as_secs_f64(),
            fleet.percentile(95).as_secs_f64(),
            fleet.percentile(100).as_secs_f64(),
            fleet.verdicts.as_secs_f64(),
            allowed().as_secs_f64(),
        );
        assert!(fleet.verdicts <= allowed(), "{name}: the last verdict came too late");
    }
    let Idleness { restless, looked_at } = idleness.expect("the broken fleet was watched");
    println!(
        "idle: {looked_at} of {} healthy ones looked at again, {} written",
        with.ready.len(),
        restless.len()
    );
    assert!(restless.is_empty(), "written while idle: {restless:?}");
    assert_eq!(looked_at, with.ready.len(), "not all were looked at while idle, so the quiet shows little");
    for hundredth in [50, 95, 100] {
        let (alone, beside) = (without.percentile(hundredth), with.percentile(hundredth));
        assert!(
            beside <= alone.mul_f64(SLOWER) + JITTER,
            "{hundredth} % of the healthy ones: {beside:?} beside broken ones, {alone:?} without"
        );
    }
}

/// The rule that strikes a whole call, so that a typing error in a way to be broken shows here and not as a healthy fleet.
#[test]
fn every_way_to_be_broken_differs() {
    let ways: BTreeSet<String> = (0..10).map(|way| format!("{:?}", broken(way))).collect();
    assert_eq!(ways.len(), 10);
    let rule = Rule::on("sts", "GetCallerIdentity", Fault::Latency { millis: 10_000 });
    assert_eq!(serde_json::to_value(rule.fault).expect("JSON"), json!({"latency": {"millis": 10_000}}));
}
