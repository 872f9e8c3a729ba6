//! `awscost suspend`, `resume`, `reconcile` and `delete`: one action on many objects at once.

mod wait;

use std::{
    io::{BufRead, IsTerminal, Write},
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde::Serialize;
use serde_json::json;

use super::{
    cluster::{ClusterFault, Scope, said},
    fleet::{Kind, Name},
    format::{OutputFormat, structured},
    selection::SelectionArgs,
    warehouse::{complain, print},
};
use crate::{
    api::{AwsCostAccount, CostWarehouse, RECONCILE_AT, duration},
    model::ExitCode,
};

/// Calls at once: as many as kubectl would not, and few enough for any API server.
const AT_ONCE: usize = 8;

/// Options of every action.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Let the API server check the change without making it.
    #[arg(long)]
    dry_run: bool,
    /// How to print what was done.
    #[arg(short, long, value_enum, default_value = "text")]
    output: OutputFormat,
}

/// Options of `reconcile`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("names", |names| {
    names.help("Names of accounts; costwarehouse/NAME (or cwh/NAME) for a warehouse")
}))]
pub struct ReconcileArgs {
    #[command(flatten)]
    common: Args,
    /// Wait until the operator has looked, and end with 1 if one is not Ready then.
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    /// How long to wait at most, such as 90s or 5m.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration::parse, requires = "wait")]
    timeout: Duration,
}

/// Options of `delete`.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    common: Args,
    /// Do not ask, however many they are.
    #[arg(short, long)]
    yes: bool,
}

/// What is done to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Suspend,
    Resume,
    Reconcile { at: String },
    Delete,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    #[serde(flatten)]
    name: Name,
    /// suspended, resumed, reconciled or deleted; absent where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'static str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What the operator says after its look.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<wait::Verdict>,
}

/// Suspends accounts.
pub async fn suspend(args: Args) -> u8 {
    ended(act(&args, &Action::Suspend).await, &args)
}

/// Resumes accounts.
pub async fn resume(args: Args) -> u8 {
    ended(act(&args, &Action::Resume).await, &args)
}

/// Asks for a new look at accounts and warehouses.
pub async fn reconcile(args: ReconcileArgs) -> u8 {
    ended(looked_at(&args).await, &args.common)
}

/// Deletes accounts.
pub async fn delete(args: DeleteArgs) -> u8 {
    ended(deleted(&args).await, &args.common)
}

/// Prints what was done; 1 if an object failed, or is not Ready after a look that was awaited.
fn ended(outcome: Result<Vec<Done>, ClusterFault>, args: &Args) -> u8 {
    match outcome {
        Ok(all) if all.is_empty() => {
            print(&structured(&all, args.output).unwrap_or_default());
            complain("nothing is selected, so nothing was done");
            ExitCode::Done as u8
        }
        Ok(all) => {
            print(&structured(&all, args.output).unwrap_or_else(|| text(&all, args.dry_run)));
            for failed in &all {
                if let Some(error) = failed.error.as_ref().filter(|_| args.output == OutputFormat::Text) {
                    complain(&format!("{}: {error}", failed.name));
                }
            }
            let ready = |done: &Done| done.ready.as_ref().is_none_or(wait::Verdict::is_ready);
            u8::from(!all.iter().all(|done| done.error.is_none() && ready(done)))
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit() as u8
        }
    }
}

fn text(all: &[Done], dry_run: bool) -> String {
    let dry = if dry_run { " (dry run)" } else { "" };
    let line = |done: &Done| {
        let name = &done.name;
        let what = done.done?;
        let ready = done.ready.as_ref().map(|verdict| format!(": {verdict}")).unwrap_or_default();
        Some(format!("{}/{} in {} {what}{dry}{ready}\n", name.kind.resource(), name.name, name.namespace))
    };
    all.iter().filter_map(line).collect()
}

/// Does it to everything that is selected.
async fn act(args: &Args, action: &Action) -> Result<Vec<Done>, ClusterFault> {
    let scope = args.selection.scope().await?;
    let names = args.selection.select(&scope, Timestamp::now()).await?;
    apply(&scope, names, action, args.dry_run).await
}

async fn apply(
    scope: &Scope,
    mut names: Vec<Name>,
    action: &Action,
    dry_run: bool,
) -> Result<Vec<Done>, ClusterFault> {
    if !matches!(action, Action::Reconcile { .. }) {
        if let Some(name) = names.iter().find(|name| name.kind == Kind::CostWarehouse)
            && names.len() == 1
        {
            return Err(ClusterFault::Refused(format!(
                "{name} can only be reconciled from here: nothing was done"
            )));
        }
        // What a reason has hit may be a warehouse; the accounts among them are meant.
        names.retain(|name| name.kind == Kind::AwsCostAccount);
    }
    let done = stream::iter(names)
        .map(|name| async move {
            let error = apply_one(scope, &name, action, dry_run).await.err().map(|error| said(&error));
            let done = error.is_none().then(|| action.done());
            Done { name, done, error, ready: None }
        })
        .buffered(AT_ONCE);
    Ok(done.collect().await)
}

impl Action {
    fn done(&self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Reconcile { .. } => "reconciled",
            Self::Delete => "deleted",
        }
    }
}

async fn apply_one(scope: &Scope, name: &Name, action: &Action, dry_run: bool) -> Result<(), kube::Error> {
    let api = dynamic(scope, name);
    let patch = match action {
        Action::Suspend => json!({"spec": {"suspend": true}}),
        Action::Resume => json!({"spec": {"suspend": false}}),
        Action::Reconcile { at } => json!({"metadata": {"annotations": {RECONCILE_AT: at}}}),
        Action::Delete => {
            let params = DeleteParams { dry_run, ..DeleteParams::default() };
            return api.delete(&name.name, &params).await.map(drop);
        }
    };
    let params = PatchParams { dry_run, ..PatchParams::default() };
    api.patch(&name.name, &params, &Patch::Merge(&patch)).await.map(drop)
}

/// An API that reads objects whatever their spec holds.
fn dynamic(scope: &Scope, name: &Name) -> Api<DynamicObject> {
    Api::namespaced_with(scope.client.clone(), &name.namespace, &resource(name.kind))
}

fn resource(kind: Kind) -> ApiResource {
    match kind {
        Kind::AwsCostAccount => ApiResource::erase::<AwsCostAccount>(&()),
        Kind::CostWarehouse => ApiResource::erase::<CostWarehouse>(&()),
    }
}

async fn looked_at(args: &ReconcileArgs) -> Result<Vec<Done>, ClusterFault> {
    let common = &args.common;
    let scope = common.selection.scope().await?;
    let now = Timestamp::now();
    let names = common.selection.select(&scope, now).await?;
    let action = Action::Reconcile { at: now.to_string() };
    let mut all = apply(&scope, names, &action, common.dry_run).await?;
    if args.wait {
        let asked: Vec<Name> =
            all.iter().filter(|done| done.error.is_none()).map(|done| done.name.clone()).collect();
        let mut verdicts = wait::until_looked_at(&scope, &asked, &now.to_string(), args.timeout).await?;
        for done in &mut all {
            done.ready = verdicts.remove(&done.name);
        }
    }
    Ok(all)
}

async fn deleted(args: &DeleteArgs) -> Result<Vec<Done>, ClusterFault> {
    let common = &args.common;
    let scope = common.selection.scope().await?;
    let names = common.selection.select(&scope, Timestamp::now()).await?;
    let accounts: Vec<&Name> = names.iter().filter(|name| name.kind == Kind::AwsCostAccount).collect();
    if accounts.len() > 1 && !args.yes && !common.dry_run {
        confirm(&accounts)?;
    }
    apply(&scope, names, &Action::Delete, common.dry_run).await
}

/// Asks the person.
fn confirm(accounts: &[&Name]) -> Result<(), ClusterFault> {
    let list: Vec<String> = accounts.iter().map(ToString::to_string).collect();
    let question = format!("{} AwsCostAccounts would be deleted: {}.", accounts.len(), list.join(", "));
    if !std::io::stdin().is_terminal() {
        return Err(ClusterFault::Refused(format!(
            "{question} Nothing was deleted, because nobody can be asked: give --yes"
        )));
    }
    let mut terminal = std::io::stderr().lock();
    let mut answer = String::new();
    let asked = write!(terminal, "{question} Delete them? [y/N] ")
        .and_then(|()| terminal.flush())
        .and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    if asked.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(ClusterFault::Refused("nothing was deleted".to_owned()))
}
