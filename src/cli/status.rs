//! `awscost status`: one account or warehouse on one screen.

mod next;
mod screen;

use jiff::Timestamp;
use kube::{
    Resource,
    core::{DeserializeGuard, NamespaceResourceScope},
};
use serde::{Serialize, de::DeserializeOwned};

use super::cluster::{ClusterFault, ClusterScope, ScopeArgs};
use crate::{
    api::{AwsCostAccount, CostWarehouse, status::PeriodStatus},
    cli::{
        cluster::{
            fleet::{Kind, Member, Name},
            selection::{WantedObject, parse_object},
        },
        findings::said::Said,
        terminal::{
            format::{StructuredFormat, structured},
            print::{complain, print_out},
        },
    },
    connection::Snippet,
    model::{ConditionType, ExitCode, Reason},
};

/// What to show.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The account's name, optionally as NAMESPACE/NAME, or costwarehouse/NAME.
    #[arg(value_name = "NAME", value_parser = parse_placed)]
    name: Placed,
    #[command(flatten)]
    scope: ScopeArgs,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: StructuredFormat,
}

/// A name, and the namespace where it is said with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Placed {
    namespace: Option<String>,
    wanted: WantedObject,
}

/// Parses `NAME`, `KIND/NAME` and `NAMESPACE/NAME`.
fn parse_placed(text: &str) -> Result<Placed, String> {
    match (parse_object(text), text.split_once('/')) {
        (Ok(wanted), _) => Ok(Placed { namespace: None, wanted }),
        (Err(_), Some((namespace, name))) if !namespace.is_empty() => {
            Ok(Placed { namespace: Some(namespace.to_owned()), wanted: parse_object(name)? })
        }
        (Err(wrong), _) => Err(wrong),
    }
}

/// Everything about one object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusView {
    #[serde(flatten)]
    name: Name,
    suspended: bool,
    /// What it is, a line each.
    about: Vec<String>,
    /// The conditions in the order of their layers.
    conditions: Vec<Line>,
    /// The billing periods, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    periods: Vec<PeriodStatus>,
    /// The Jobs at work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    active_jobs: Vec<String>,
    /// What to do next, a step each.
    next: Vec<String>,
    /// Policies and commands for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    snippets: Vec<Snippet>,
}

/// One condition.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    #[serde(rename = "type")]
    type_: Said<ConditionType>,
    status: &'static str,
    reason: Said<Reason>,
    since: Timestamp,
    message: String,
}

/// Runs the command.
pub async fn run(args: StatusArgs) -> ExitCode {
    let now = Timestamp::now();
    match read_view(&args, now).await {
        Ok(view) => {
            print_out(&structured(&view, args.output).unwrap_or_else(|| screen::render_screen(&view, now)));
            ExitCode::Done
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit_code()
        }
    }
}

async fn read_view(args: &StatusArgs, now: Timestamp) -> Result<StatusView, ClusterFault> {
    let mut scope = args.scope.connect().await?;
    let Placed { namespace, wanted } = &args.name;
    scope.namespace = namespace.clone().or(scope.namespace);
    match wanted.kind {
        Kind::AwsCostAccount => match read_object::<DeserializeGuard<AwsCostAccount>>(&scope, &wanted.name)
            .await
        {
            Ok(found) => Ok(StatusView::of_account(&found, now)),
            Err(fault @ ClusterFault::Refused(_)) => Err(or_a_warehouse(&scope, &wanted.name, fault).await),
            Err(fault) => Err(fault),
        },
        Kind::CostWarehouse => {
            let found = read_object::<DeserializeGuard<CostWarehouse>>(&scope, &wanted.name).await?;
            Ok(StatusView::of_warehouse(&found, now))
        }
    }
}

/// The fault of a name that no account has, with the way to the warehouse that has it.
async fn or_a_warehouse(scope: &ClusterScope, name: &str, fault: ClusterFault) -> ClusterFault {
    match read_object::<DeserializeGuard<CostWarehouse>>(scope, name).await {
        Ok(_) => ClusterFault::Refused(format!(
            "{fault}; use costwarehouse/{name} for the CostWarehouse with this name"
        )),
        Err(_) => fault,
    }
}

/// The one object of a name; over all namespaces, if it is the only one.
async fn read_object<K>(scope: &ClusterScope, name: &str) -> Result<K, ClusterFault>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    if let Some(namespace) = &scope.namespace {
        return scope.get(namespace, name).await;
    }
    let mut found = scope.list::<K>(None).await?;
    found.retain(|object| object.meta().name.as_deref() == Some(name));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(ClusterFault::Refused(format!("no {} {name} in any namespace", K::kind(&())))),
        _ => Err(ClusterFault::Refused(format!(
            "{name} exists in several namespaces: choose one with --namespace"
        ))),
    }
}

impl StatusView {
    /// Of an account.
    pub(super) fn of_account(object: &DeserializeGuard<AwsCostAccount>, now: Timestamp) -> Self {
        let member = Member::read_account(object, now);
        let (about, status) = match &object.0 {
            Ok(account) => (account_lines(account), account.status.clone().unwrap_or_default()),
            Err(_) => (Vec::new(), Default::default()),
        };
        let rotates =
            object.0.as_ref().is_ok_and(|account| account.spec.access.next_external_id_secret_ref.is_some());
        let ingestion = status.ingestion.unwrap_or_default();
        Self {
            suspended: member.suspended,
            about,
            conditions: condition_lines(&member),
            periods: status.periods,
            next: next::next_steps(&member, &ingestion.active_jobs, rotates),
            snippets: snippets_of(&member),
            active_jobs: ingestion.active_jobs,
            name: member.name,
        }
    }

    /// Of a warehouse.
    pub(super) fn of_warehouse(object: &DeserializeGuard<CostWarehouse>, now: Timestamp) -> Self {
        let member = Member::read_warehouse(object, now);
        let about = object.0.as_ref().map(|warehouse| {
            let accounts = warehouse.status.as_ref().and_then(|status| status.accounts);
            let used = accounts.map(|count| format!("AwsCostAccounts that name it: {count}"));
            std::iter::once(warehouse.spec.location().to_owned()).chain(used).collect()
        });
        Self {
            suspended: false,
            about: about.unwrap_or_default(),
            conditions: condition_lines(&member),
            periods: Vec::new(),
            active_jobs: Vec::new(),
            next: next::next_steps(&member, &[], false),
            snippets: snippets_of(&member),
            name: member.name,
        }
    }
}

fn account_lines(account: &AwsCostAccount) -> Vec<String> {
    let spec = &account.spec;
    let status = account.status.as_ref();
    let mut about = Vec::new();
    about.extend(spec.display_name.clone());
    let identity = status.and_then(|status| status.identity.as_ref());
    let id = identity.and_then(|identity| identity.account_id.clone()).or_else(|| spec.account_id.clone());
    let type_ = format!("{} account", spec.account_type);
    about.push(id.map_or_else(|| type_.clone(), |id| format!("{type_} {id}")));
    about.push(match (&spec.access.role_arn, &spec.access.access_key_secret_ref) {
        (Some(role), _) => format!("Role {role}"),
        (None, Some(keys)) => format!("Keys of an IAM user, in Secret {}", keys.name),
        (None, None) => "No access".to_owned(),
    });
    about.extend(rotation_line(account));
    if let Some(report) = &spec.report {
        let bucket = &report.bucket;
        let prefix = bucket.prefix.as_deref().unwrap_or_default();
        let kind = status.and_then(|status| status.report.as_ref()?.kind.clone());
        let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
        about.push(format!(
            "Report {}{kind} in s3://{}/{prefix}, {}",
            report.name, bucket.name, bucket.region
        ));
    }
    if let Some(ingestion) = &spec.ingestion {
        about.push(format!("Warehouse {}", ingestion.warehouse_ref.name));
    }
    about
}

/// Which of two external IDs the role takes.
fn rotation_line(account: &AwsCostAccount) -> Option<String> {
    let access = &account.spec.access;
    let (current, next) =
        (access.external_id_secret_ref.as_ref()?, access.next_external_id_secret_ref.as_ref()?);
    let identity = account.status.as_ref().and_then(|status| status.identity.as_ref());
    Some(match identity.and_then(|identity| identity.external_id_in_use.as_deref()) {
        Some("Next") => format!("External ID in use: the next one, of Secret {}", next.name),
        Some(_) => format!("External ID in use: the current one, of Secret {}", current.name),
        None => format!("External ID: from Secret {}, to be replaced by {}", current.name, next.name),
    })
}

/// Each block once: two conditions of a role can want the same trust policy.
fn snippets_of(member: &Member) -> Vec<Snippet> {
    let mut snippets: Vec<Snippet> = member.words.iter().filter_map(|word| word.snippet.clone()).collect();
    snippets.dedup();
    snippets
}

fn condition_lines(member: &Member) -> Vec<Line> {
    let mut words: Vec<_> = member.words.iter().collect();
    words.sort_by_key(|word| &word.type_);
    words
        .into_iter()
        .map(|word| Line {
            type_: word.type_.clone(),
            status: word.status.as_str(),
            reason: word.reason.clone(),
            since: word.since,
            message: word.message.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_as_lists_print_it() {
        let parsed = |text| {
            parse_placed(text).map(|placed| (placed.namespace, placed.wanted.kind, placed.wanted.name))
        };
        let (account, warehouse) = (Kind::AwsCostAccount, Kind::CostWarehouse);
        assert_eq!(parsed("acme"), Ok((None, account, "acme".to_owned())));
        assert_eq!(parsed("finops/acme"), Ok((Some("finops".to_owned()), account, "acme".to_owned())));
        assert_eq!(parsed("cwh/lake"), Ok((None, warehouse, "lake".to_owned())));
        assert_eq!(parsed("finops/cwh/lake"), Ok((Some("finops".to_owned()), warehouse, "lake".to_owned())));
        assert!(parsed("/acme").is_err() && parsed("finops/").is_err());
    }
}
