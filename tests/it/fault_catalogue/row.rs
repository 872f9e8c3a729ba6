//! One row, shown: broken and healed twice, each time measured and held against what the row says.

use std::time::{Duration, Instant};

use awscost::api::AwsCostAccount;
use kube::runtime::wait::await_condition;

use super::{
    catalogue::{Expectation, Row},
    check,
    cluster::Asked,
    conditions::{Said, both, said, strays, unmet},
    ground::{Ground, Stage, conditions},
    scene::Scene,
    world,
};

/// What the issue promises: a verdict this soon after a change or a wish.
const PROMISE: Duration = Duration::from_secs(5);
/// How long a verdict is waited for, so that a late one is told from none.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the slowest verdict of a row took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the fault's trigger.
    pub named: Duration,
    /// From the cure's trigger.
    pub healed: Duration,
}

impl Timing {
    /// True if one of them came later than promised.
    pub fn is_late(self) -> bool {
        self.named.max(self.healed) > PROMISE
    }
}

/// The timing, if it keeps the promise.
///
/// # Errors
/// How late it was.
pub fn in_time(timing: Timing) -> Result<Timing, String> {
    let slow = timing.named.max(timing.healed).as_secs_f64();
    if timing.is_late() { Err(format!("right, but after {slow:.1} s")) } else { Ok(timing) }
}

/// The slowest rows, in words.
pub fn summary(timings: &[Timing]) -> String {
    let mut named: Vec<Duration> = timings.iter().map(|timing| timing.named).collect();
    named.sort();
    let healed = timings.iter().map(|timing| timing.healed).max().unwrap_or_default();
    let median = named.get(named.len() / 2).copied().unwrap_or_default();
    let slowest = named.last().copied().unwrap_or_default();
    format!(
        "named after {:.1} s (median), {:.1} s (slowest); healed after {:.1} s (slowest)",
        median.as_secs_f64(),
        slowest.as_secs_f64(),
        healed.as_secs_f64()
    )
}

/// What makes the operator look at an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// The spec changed.
    Spec,
    /// A Secret changed.
    Secret,
    /// Somebody asked.
    Wish,
}

/// The trigger that fits a change: what a person would have done to make it, or an explicit wish where only AWS changed.
fn trigger(from: &Scene, to: &Scene) -> Trigger {
    if from.differs(to, "/spec") {
        Trigger::Spec
    } else if from.differs(to, "/secrets") {
        Trigger::Secret
    } else {
        Trigger::Wish
    }
}

/// True if the account has a warehouse of its own that is to be probed anew.
fn concerns_warehouse(from: &Scene, to: &Scene) -> bool {
    let its_own = !from.at("/warehouse").is_null();
    its_own && ["/warehouse", "/lake", "/user"].iter().any(|section| from.differs(to, section))
}

/// Breaks and heals the row's account twice.
///
/// # Errors
/// The first thing that was not as the row says.
pub async fn show(ground: &Ground, row: &Row, number: usize) -> Result<Timing, String> {
    let stage = &ground.stages[number];
    let broken = stage.scene.with(&row.changes);
    let mut timing = Timing { named: Duration::ZERO, healed: Duration::ZERO };
    let mut first: Option<Said> = None;
    for round in ["first", "second"] {
        let (took, ill) = turn(ground, stage, &stage.scene, &broken, |now| met(&row.expect, stage, now))
            .await
            .map_err(|problem| format!("{round} time: {problem}"))?;
        timing.named = timing.named.max(took);
        match &first {
            None => {
                same_in_a_check(ground, row, &broken, &ill).await?;
                first = Some(ill);
            }
            Some(before) if *before != ill => {
                return Err(format!("the same fault twice: first {before:?}, then {ill:?}"));
            }
            Some(_) => {}
        }
        let (took, _) = turn(ground, stage, &broken, &stage.scene, |now| healthy(stage, now))
            .await
            .map_err(|problem| format!("{round} time, not healed: {problem}"))?;
        timing.healed = timing.healed.max(took);
    }
    Ok(timing)
}

/// `awscost check` on the same manifests says the same.
async fn same_in_a_check(ground: &Ground, row: &Row, broken: &Scene, ill: &Said) -> Result<(), String> {
    let settings = ground.operator().settings();
    let (said, output) = check::said(broken, &ground.cluster.namespace, &settings).await;
    ground.note_check(output);
    let differences = check::differences(row, ill, &said);
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

fn met(expected: &[Expectation], stage: &Stage, now: &Said) -> Vec<String> {
    let mut problems = unmet(expected, now);
    problems.extend(strays(expected, &stage.healthy, now));
    problems
}

fn healthy(stage: &Stage, now: &Said) -> Vec<String> {
    let types = stage.healthy.keys().chain(now.keys()).collect::<std::collections::BTreeSet<_>>();
    types
        .into_iter()
        .filter(|type_| stage.healthy.get(*type_) != now.get(*type_))
        .map(|type_| format!("{type_} is {:?}, was {:?}", now.get(type_), stage.healthy.get(type_)))
        .collect()
}

/// Breaks the account in two ways at once, and heals it.
///
/// # Errors
/// What was neither reported nor blocked by the other, or did not heal.
pub async fn show_pair(ground: &Ground, rows: [&Row; 2], stage: &Stage) -> Result<(), String> {
    let broken = stage.scene.with(&rows[0].changes).with(&rows[1].changes);
    turn(ground, stage, &stage.scene, &broken, |now| both(rows, &stage.healthy, now)).await?;
    turn(ground, stage, &broken, &stage.scene, |now| healthy(stage, now))
        .await
        .map_err(|problem| format!("not healed: {problem}"))?;
    Ok(())
}

/// True if the fault is AWS's alone, so that nothing in the cluster tells of it; a warehouse is probed in its own time.
pub fn befalls_aws(row: &Row, stage: &Stage) -> bool {
    let broken = stage.scene.with(&row.changes);
    trigger(&stage.scene, &broken) == Trigger::Wish
        && !concerns_warehouse(&stage.scene, &broken)
        && !row.expect.is_empty()
}

/// Breaks and heals what is AWS's with nobody asking for a look, each found within `patience`.
///
/// # Errors
/// What was not found in time.
pub async fn show_unasked(
    ground: &Ground,
    row: &Row,
    number: usize,
    patience: Duration,
) -> Result<(), String> {
    let stage = &ground.stages[number];
    let broken = stage.scene.with(&row.changes);
    world::stage(&ground.sandbox, &broken, &stage.delivered);
    found(ground, stage, patience, |now| met(&row.expect, stage, now)).await?;
    world::stage(&ground.sandbox, &stage.scene, &stage.delivered);
    found(ground, stage, patience, |now| healthy(stage, now))
        .await
        .map_err(|problem| format!("not healed: {problem}"))
}

async fn found(
    ground: &Ground,
    stage: &Stage,
    patience: Duration,
    amiss: impl Fn(&Said) -> Vec<String> + Send,
) -> Result<(), String> {
    let (accounts, name) = (ground.cluster.accounts(), &stage.scene.names.name);
    let right = |account: Option<&AwsCostAccount>| {
        account.is_some_and(|account| amiss(&said(conditions(account))).is_empty())
    };
    if tokio::time::timeout(patience, await_condition(accounts.clone(), name, right)).await.is_ok() {
        return Ok(());
    }
    let account = accounts.get(name).await.map_err(|error| format!("the API server refuses: {error}"))?;
    Err(amiss(&said(conditions(&account))).join("; "))
}

/// Makes the change, triggers, and waits until nothing is amiss; how long that took, and what was then said.
async fn turn(
    ground: &Ground,
    stage: &Stage,
    from: &Scene,
    to: &Scene,
    amiss: impl Fn(&Said) -> Vec<String> + Send,
) -> Result<(Duration, Said), String> {
    let cluster = &ground.cluster;
    let name = &stage.scene.names.name;
    let api = |error: kube::Error| format!("the API server refuses: {error}");
    world::stage(&ground.sandbox, to, &stage.delivered);
    let wish = uuid::Uuid::new_v4().to_string();
    let started = Instant::now();
    if from.differs(to, "/secrets") {
        cluster.stage_secrets(Some(from), to).await.map_err(api)?;
    }
    if concerns_warehouse(from, to) {
        cluster.stage_warehouse(to).await.map_err(api)?;
        cluster.ask(Asked::Warehouse, name, &wish).await.map_err(api)?;
    }
    let kind = trigger(from, to);
    match kind {
        Trigger::Spec => cluster.stage_account(to).await.map_err(api)?,
        Trigger::Secret => {}
        Trigger::Wish => cluster.ask(Asked::Account, name, &wish).await.map_err(api)?,
    }
    let handled = |account: &AwsCostAccount| {
        let status = account.status.as_ref();
        match kind {
            Trigger::Wish => {
                status.and_then(|status| status.last_handled_reconcile_at.as_ref()) == Some(&wish)
            }
            _ => status.and_then(|status| status.observed_generation) == account.metadata.generation,
        }
    };
    let right = |account: Option<&AwsCostAccount>| {
        account.is_some_and(|account| handled(account) && amiss(&said(conditions(account))).is_empty())
    };
    let wait = await_condition(cluster.accounts(), name, right);
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(account) => {
            let account = account.map_err(|error| format!("the watch broke: {error}"))?;
            let account = account.ok_or("the account went")?;
            Ok((started.elapsed(), said(conditions(&account))))
        }
        Err(_) => {
            let account = cluster.accounts().get(name).await.map_err(api)?;
            let mut problems = amiss(&said(conditions(&account)));
            if problems.is_empty() {
                problems.push("the trigger was never answered".to_owned());
            }
            Err(problems.join("; "))
        }
    }
}
