//! One row, shown: broken and healed twice, each time measured and held against what the row says.

use std::time::{Duration, Instant};

use awscost::api::AwsCostAccount;
use kube::runtime::wait::await_condition;

use super::{
    catalogue::Row,
    check,
    cluster::Asked,
    conditions::{Said, both, said, strays, unmet},
    doors,
    ground::{Ground, Stage, conditions, rest_of},
    operator,
    rest::{self, Rest},
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
    /// How long each may take.
    pub promised: Duration,
}

impl Timing {
    /// The same, if it keeps the promise.
    ///
    /// # Errors
    /// How late it was.
    pub fn kept(self) -> Result<Self, String> {
        let slow = self.named.max(self.healed);
        if slow > self.promised {
            return Err(format!("right, but after {:.1} s", slow.as_secs_f64()));
        }
        Ok(self)
    }
}

/// The slowest rows of those that are promised at once, in words.
pub fn summary(timings: &[Timing]) -> String {
    let timings: Vec<&Timing> = timings.iter().filter(|timing| timing.promised == PROMISE).collect();
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

/// True if the account's own warehouse is to be probed anew.
fn concerns_warehouse(from: &Scene, to: &Scene) -> bool {
    let sections = ["/warehouse", "/lake", "/lakeObjects", "/user", "/calls"];
    !to.at("/warehouse").is_null() && sections.iter().any(|section| from.differs(to, section))
}

/// Breaks and heals the row's account twice. Whatever comes of it, the account is healed in the end.
///
/// # Errors
/// The first thing that was not as the row says.
pub async fn show(ground: &Ground, row: &Row, number: usize) -> Result<Timing, String> {
    let stage = &ground.stages[number];
    let shown = break_and_heal(ground, stage, row, number).await;
    if let Err(problem) = &shown {
        let broken = stage.scene.with(&row.changes);
        let cured = turn(ground, stage, &broken, &stage.scene, PATIENCE, |now| healthy(stage, now)).await;
        if let Err(worse) = cured {
            return Err(format!("{problem}; and not healed after that: {worse}"));
        }
    }
    shown
}

/// A check of every kind of healthy account says what the operator says, and finds nothing.
///
/// # Errors
/// Where it does not.
pub async fn show_healthy(ground: &Ground, stage: &Stage) -> Result<(), String> {
    let checked = checked(ground, &stage.scene).await;
    let differences = check::healthy_differences(&stage.healthy, &checked);
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

async fn break_and_heal(ground: &Ground, stage: &Stage, row: &Row, number: usize) -> Result<Timing, String> {
    let broken = stage.scene.with(&row.changes);
    let promised = row.within.map_or(PROMISE, Duration::from_secs);
    let patience = promised.max(PATIENCE);
    let mut timing = Timing { named: Duration::ZERO, healed: Duration::ZERO, promised };
    let mut first: Option<Said> = None;
    for round in ["first", "second"] {
        let named = |now: &Seen| met(row, stage, now);
        let (took, ill) = turn(ground, stage, &stage.scene, &broken, patience, named)
            .await
            .map_err(|problem| format!("{round} time: {problem}"))?;
        timing.named = timing.named.max(took);
        match &first {
            None => {
                same_in_a_check(ground, row, &broken, &ill).await?;
                ground.note_said(&doors::knock(ground, &broken, number).await?);
                first = Some(ill);
            }
            Some(before) if *before != ill => {
                return Err(format!("the same fault twice: first {before:?}, then {ill:?}"));
            }
            Some(_) => {}
        }
        let (took, _) = turn(ground, stage, &broken, &stage.scene, patience, |now| healthy(stage, now))
            .await
            .map_err(|problem| format!("{round} time, not healed: {problem}"))?;
        timing.healed = timing.healed.max(took);
    }
    Ok(timing)
}

/// `awscost check` on the same manifests says the same.
async fn same_in_a_check(ground: &Ground, row: &Row, broken: &Scene, ill: &Said) -> Result<(), String> {
    let differences = check::differences(row, ill, &checked(ground, broken).await);
    if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
}

async fn checked(ground: &Ground, scene: &Scene) -> check::Checked {
    let settings = ground.operator().settings();
    let checked = check::check(scene, &ground.cluster.namespace, &settings).await;
    ground.note_said(&checked.output);
    checked
}

/// What an account's status says, and what else is in it.
struct Seen {
    said: Said,
    rest: Rest,
}

impl Seen {
    fn of(account: &AwsCostAccount) -> Self {
        Self { said: said(conditions(account)), rest: rest_of(account) }
    }
}

fn met(row: &Row, stage: &Stage, now: &Seen) -> Vec<String> {
    let mut problems = unmet(&row.expect, &now.said);
    problems.extend(strays(&row.expect, &stage.healthy, &now.said));
    problems.extend(rest::strays(&[row], &stage.rest, &now.rest));
    problems
}

/// What is not as it was before the fault.
fn healthy(stage: &Stage, now: &Seen) -> Vec<String> {
    let types = stage.healthy.keys().chain(now.said.keys()).collect::<std::collections::BTreeSet<_>>();
    let turned = types
        .into_iter()
        .filter(|type_| stage.healthy.get(*type_) != now.said.get(*type_))
        .map(|type_| format!("{type_} is {:?}, was {:?}", now.said.get(type_), stage.healthy.get(type_)));
    turned.chain(rest::unhealed(&stage.rest, &now.rest)).collect()
}

/// Breaks the account in two ways at once, and heals it.
///
/// # Errors
/// What was neither reported nor blocked by the other, or did not heal.
pub async fn show_pair(ground: &Ground, rows: [&Row; 2], stage: &Stage) -> Result<(), String> {
    let broken = stage.scene.with(&rows[0].changes).with(&rows[1].changes);
    turn(ground, stage, &stage.scene, &broken, PATIENCE, |now: &Seen| {
        let mut problems = both(rows, &stage.healthy, &now.said);
        problems.extend(rest::strays(&rows, &stage.rest, &now.rest));
        problems
    })
    .await?;
    turn(ground, stage, &broken, &stage.scene, PATIENCE, |now| healthy(stage, now))
        .await
        .map_err(|problem| format!("not healed: {problem}"))?;
    Ok(())
}

/// Makes the change, triggers, and waits until nothing is amiss; how long that took, and what was then said.
async fn turn(
    ground: &Ground,
    stage: &Stage,
    from: &Scene,
    to: &Scene,
    patience: Duration,
    amiss: impl Fn(&Seen) -> Vec<String> + Sync,
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
    if from.differs(to, "/operatorEnvironment") {
        ground.operator().restart(&operator::identity(to));
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
    let wrong = |account: &AwsCostAccount| {
        let mut problems = amiss(&Seen::of(account));
        if !handled(account) {
            problems.push("the trigger is not answered".to_owned());
        }
        problems
    };
    let account = until_right(ground, name, patience, wrong).await?;
    Ok((started.elapsed(), said(conditions(&account))))
}

/// Waits until nothing is wrong with an account.
async fn until_right(
    ground: &Ground,
    name: &str,
    patience: Duration,
    wrong: impl Fn(&AwsCostAccount) -> Vec<String>,
) -> Result<AwsCostAccount, String> {
    let accounts = ground.cluster.accounts();
    let right = |account: Option<&AwsCostAccount>| account.is_some_and(|account| wrong(account).is_empty());
    match tokio::time::timeout(patience, await_condition(accounts.clone(), name, right)).await {
        Ok(Ok(account)) => account.ok_or_else(|| "the account went".to_owned()),
        Ok(Err(error)) => Err(format!("the watch broke: {error}")),
        Err(_) => match accounts.get(name).await {
            Ok(account) => Err(in_words(&wrong(&account), patience)),
            Err(error) => Err(format!("the API server refuses: {error}")),
        },
    }
}

fn in_words(problems: &[String], patience: Duration) -> String {
    match problems {
        [] => format!("right, but after more than {} s", patience.as_secs()),
        problems => problems.join("; "),
    }
}

/// True if only AWS changes with the row's fault, so that nothing in the cluster tells the operator of it.
pub fn is_silent(row: &Row) -> bool {
    let told = ["spec", "secrets", "warehouse", "lake", "operator"];
    let tells = |path: &String| told.iter().any(|section| path.starts_with(section));
    !row.expect.is_empty() && !row.changes.keys().any(tells) && row.of != "lakeside"
}

/// Breaks and heals the row's account at AWS alone: the operator finds either by itself.
///
/// # Errors
/// What it did not find in time.
pub async fn show_unasked(ground: &Ground, row: &Row, number: usize, within: Duration) -> Result<(), String> {
    let stage = &ground.stages[number];
    let broken = stage.scene.with(&row.changes);
    let name = &stage.scene.names.name;
    world::stage(&ground.sandbox, &broken, &stage.delivered);
    let named = |account: &AwsCostAccount| met(row, stage, &Seen::of(account));
    let found = until_right(ground, name, within, named).await;
    world::stage(&ground.sandbox, &stage.scene, &stage.delivered);
    let cured = |account: &AwsCostAccount| healthy(stage, &Seen::of(account));
    let healed = until_right(ground, name, within, cured).await;
    found?;
    healed.map(drop).map_err(|problem| format!("not healed: {problem}"))
}
