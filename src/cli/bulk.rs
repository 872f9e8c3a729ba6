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
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
};
use serde::Serialize;
use serde_json::json;

use super::cluster::{ClusterFault, ClusterScope, api_message};
use crate::{
    api::{AwsCostAccount, CostWarehouse, RECONCILE_AT, duration},
    cli::{
        cluster::{
            fleet::{Kind, Name},
            selection::{SelectedObject, SelectionArgs},
        },
        terminal::{
            format::{StructuredFormat, structured},
            print::{complain, print_out},
        },
    },
    model::ExitCode,
};

/// Calls at once: as many as kubectl would not, and few enough for any API server.
const AT_ONCE: usize = 8;

/// Options of every action.
#[derive(Debug, clap::Args)]
pub struct BulkArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Let the API server check the change without making it.
    #[arg(long)]
    dry_run: bool,
    /// Output format of the result.
    #[arg(short, long, value_enum, default_value = "text")]
    output: StructuredFormat,
}

/// Options of `reconcile`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("names", |names| {
    names.help("Names of accounts; costwarehouse/NAME (or cwh/NAME) for a warehouse")
}))]
pub struct ReconcileArgs {
    #[command(flatten)]
    common: BulkArgs,
    /// Wait until the operator has checked them, and end with 1 if one is then not Ready, or is suspended.
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    /// The longest time to wait, such as 90s or 5m.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration::parse, requires = "wait")]
    timeout: Duration,
}

/// Options of `delete`.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    common: BulkArgs,
    /// Do not ask for confirmation.
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
    /// Why the operator's look was not seen.
    #[serde(skip)]
    silence: Option<wait::Silence>,
    /// What the operator says after its look.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<wait::WaitVerdict>,
}

/// Suspends accounts.
pub async fn suspend(args: BulkArgs) -> u8 {
    report_end(act_on_selected(&args, &Action::Suspend).await, &args)
}

/// Resumes accounts.
pub async fn resume(args: BulkArgs) -> u8 {
    report_end(act_on_selected(&args, &Action::Resume).await, &args)
}

/// Asks for a new look at accounts and warehouses.
pub async fn reconcile(args: ReconcileArgs) -> u8 {
    report_end(looked_at(&args).await, &args.common)
}

/// Deletes accounts.
pub async fn delete(args: DeleteArgs) -> u8 {
    report_end(delete_selected(&args).await, &args.common)
}

/// Prints what was done; 1 if an object failed or is not Ready after a look that was awaited, 11 or 12 if one's look was not
/// seen.
fn report_end(outcome: Result<Vec<Done>, ClusterFault>, args: &BulkArgs) -> u8 {
    match outcome {
        Ok(all) if all.is_empty() => {
            print_out(&structured(&all, args.output).unwrap_or_default());
            complain("nothing is selected, so nothing was done");
            ExitCode::Done as u8
        }
        Ok(all) => {
            print_out(&structured(&all, args.output).unwrap_or_else(|| list_changes(&all, args.dry_run)));
            for failed in &all {
                if let Some(error) = failed.error.as_ref().filter(|_| args.output == StructuredFormat::Text) {
                    complain(&format!("{}: {error}", failed.name));
                }
            }
            if let Some(silence) = all.iter().find_map(|done| done.silence.as_ref()) {
                return silence.exit_code() as u8;
            }
            let ready = |done: &Done| done.ready.as_ref().is_none_or(wait::WaitVerdict::is_ready);
            u8::from(!all.iter().all(|done| done.error.is_none() && ready(done)))
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit_code() as u8
        }
    }
}

fn list_changes(all: &[Done], dry_run: bool) -> String {
    let dry = if dry_run { " (dry run)" } else { "" };
    let line = |done: &Done| {
        let name = &done.name;
        let what = done.done?;
        let ready = done.ready.as_ref().map(|verdict| format!(": {verdict}")).unwrap_or_default();
        Some(format!(
            "{}/{} in {} {what}{dry}{ready}\n",
            name.kind.resource_name(),
            name.name,
            name.namespace
        ))
    };
    all.iter().filter_map(line).collect()
}

/// Does it to everything that is selected.
async fn act_on_selected(args: &BulkArgs, action: &Action) -> Result<Vec<Done>, ClusterFault> {
    let scope = args.selection.scope().await?;
    let now = Timestamp::now();
    let selected = match action {
        Action::Resume => args.selection.suspended_accounts(&scope, now).await?,
        _ => args.selection.select_accounts(&scope, now).await?,
    };
    Ok(apply_action(&scope, selected, action, args.dry_run).await)
}

async fn apply_action(
    scope: &ClusterScope,
    selected: Vec<SelectedObject>,
    action: &Action,
    dry_run: bool,
) -> Vec<Done> {
    let done = stream::iter(selected)
        .map(|one| async move {
            let error = apply_one(scope, &one, action, dry_run).await.err().map(|error| api_message(&error));
            let done = error.is_none().then(|| action.past_participle());
            Done { name: one.name, done, error, silence: None, ready: None }
        })
        .buffered(AT_ONCE);
    done.collect().await
}

impl Action {
    fn past_participle(&self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Reconcile { .. } => "reconciled",
            Self::Delete => "deleted",
        }
    }
}

async fn apply_one(
    scope: &ClusterScope,
    selected: &SelectedObject,
    action: &Action,
    dry_run: bool,
) -> Result<(), kube::Error> {
    let name = &selected.name;
    let api = dynamic_api(scope, name);
    let patch = match action {
        Action::Suspend => json!({"spec": {"suspend": true}}),
        Action::Resume => json!({"spec": {"suspend": false}}),
        Action::Reconcile { at } => json!({"metadata": {"annotations": {RECONCILE_AT: at}}}),
        Action::Delete => {
            return api.delete(&name.name, &delete_params(selected, dry_run)).await.map(drop);
        }
    };
    let params = PatchParams { dry_run, ..PatchParams::default() };
    api.patch(&name.name, &params, &Patch::Merge(&patch)).await.map(drop)
}

/// Deletes the object that was selected: a person may think for minutes, and it may be another one's name by then.
fn delete_params(selected: &SelectedObject, dry_run: bool) -> DeleteParams {
    let preconditions = Preconditions { uid: selected.uid.clone(), resource_version: None };
    DeleteParams { dry_run, preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// An API that reads objects whatever their spec holds.
fn dynamic_api(scope: &ClusterScope, name: &Name) -> Api<DynamicObject> {
    Api::namespaced_with(scope.client.clone(), &name.namespace, &api_resource(name.kind))
}

fn api_resource(kind: Kind) -> ApiResource {
    match kind {
        Kind::AwsCostAccount => ApiResource::erase::<AwsCostAccount>(&()),
        Kind::CostWarehouse => ApiResource::erase::<CostWarehouse>(&()),
    }
}

async fn looked_at(args: &ReconcileArgs) -> Result<Vec<Done>, ClusterFault> {
    let common = &args.common;
    let scope = common.selection.scope().await?;
    let now = Timestamp::now();
    let selected = common.selection.select_objects(&scope, now).await?;
    let action = Action::Reconcile { at: now.to_string() };
    let (paused, selected): (Vec<SelectedObject>, _) =
        selected.into_iter().partition(|one| args.wait && one.suspended);
    let mut all = apply_action(&scope, selected, &action, common.dry_run).await;
    // Whoever names one wants its verdict; of all, those that are suspended on purpose have none to give.
    if common.selection.by_name() {
        all.extend(paused.into_iter().map(not_looked_at));
    } else if !paused.is_empty() {
        complain(&format!("{} suspended and not checked", paused.len()));
    }
    if args.wait {
        let asked: Vec<Name> =
            all.iter().filter(|done| done.error.is_none()).map(|done| done.name.clone()).collect();
        let mut answers = wait::until_looked_at(&scope, &asked, now, args.timeout).await;
        for done in &mut all {
            done.ready = answers.verdicts.remove(&done.name);
            done.silence = answers.silent.remove(&done.name);
            done.error = done.error.take().or_else(|| done.silence.as_ref().map(ToString::to_string));
        }
    }
    Ok(all)
}

/// A wish for a look at what is suspended would be answered, and by a verdict from before it was.
fn not_looked_at(paused: SelectedObject) -> Done {
    let Name { namespace, name, .. } = &paused.name;
    let error =
        format!("it is suspended, so it is not checked: kubectl awscost resume {name} -n {namespace}");
    Done { error: Some(error), name: paused.name, done: None, silence: None, ready: None }
}

async fn delete_selected(args: &DeleteArgs) -> Result<Vec<Done>, ClusterFault> {
    let common = &args.common;
    let scope = common.selection.scope().await?;
    let accounts = common.selection.select_accounts(&scope, Timestamp::now()).await?;
    if accounts.len() > 1 && !args.yes && !common.dry_run {
        confirm_deletion(&accounts)?;
    }
    Ok(apply_action(&scope, accounts, &Action::Delete, common.dry_run).await)
}

/// Asks the person.
fn confirm_deletion(accounts: &[SelectedObject]) -> Result<(), ClusterFault> {
    let list: Vec<String> = accounts.iter().map(|account| account.name.to_string()).collect();
    let question = format!("{} AwsCostAccounts would be deleted: {}.", accounts.len(), list.join(", "));
    if !std::io::stdin().is_terminal() {
        return Err(ClusterFault::Refused(format!(
            "{question} Nothing was deleted, because there is no terminal to ask for confirmation: give --yes"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_suspended_is_not_said_to_be_looked_at() {
        let name =
            Name { kind: Kind::AwsCostAccount, namespace: "finops".to_owned(), name: "acme".to_owned() };
        let done = not_looked_at(SelectedObject { name, uid: None, suspended: true });
        assert_eq!(done.done, None);
        let error = done.error.unwrap_or_default();
        assert!(error.ends_with("kubectl awscost resume acme -n finops"), "{error}");
    }

    #[test]
    fn only_the_object_that_was_selected_is_deleted() {
        let name =
            Name { kind: Kind::AwsCostAccount, namespace: "finops".to_owned(), name: "acme".to_owned() };
        let selected = SelectedObject { name, uid: Some("3f1c".to_owned()), suspended: false };
        let params = delete_params(&selected, true);
        let uid = params.preconditions.and_then(|preconditions| preconditions.uid);
        assert_eq!((uid.as_deref(), params.dry_run), (Some("3f1c"), true));
    }
}
