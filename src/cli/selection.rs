//! Which objects a command for many at once is about: by name, label, reason, or all of a scope.

use std::collections::BTreeSet;

use clap::{ArgGroup, Args};
use jiff::Timestamp;

use super::{
    cluster::{ClusterFault, Scope, ScopeArgs},
    errors::group::Overview,
    fleet::{Fleet, Kind, Name},
    remedy::remedy,
};
use crate::model::Reason;

/// Which objects.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("selected")
    .args(["names", "selector", "reasons", "all"]).required(true).multiple(true))]
pub struct SelectionArgs {
    /// Names of accounts.
    #[arg(value_name = "NAME", value_parser = wanted, conflicts_with_all = ["selector", "reasons", "all"])]
    names: Vec<Wanted>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Accounts with these labels.
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Everything that `errors` shows under this reason; may be given several times.
    #[arg(long = "reason", value_name = "REASON", value_parser = reason)]
    reasons: Vec<Reason>,
    /// All accounts of the namespace, or with -A of all namespaces.
    #[arg(long, conflicts_with_all = ["selector", "reasons"])]
    all: bool,
}

/// A name as a person types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The kind; an account where none is said.
    pub kind: Kind,
    /// The name.
    pub name: String,
}

/// Parses `NAME` and `KIND/NAME`.
pub(super) fn wanted(text: &str) -> Result<Wanted, String> {
    let (kind, name) = text.split_once('/').unwrap_or(("aca", text));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "aca" | "awscostaccount" | "awscostaccounts" | "awscostaccount.awscost.io" => Kind::AwsCostAccount,
        "cwh" | "costwarehouse" | "costwarehouses" | "costwarehouse.awscost.io" => Kind::CostWarehouse,
        _ => return Err("it takes NAME, awscostaccount/NAME or costwarehouse/NAME".to_owned()),
    };
    if name.is_empty() || name.contains('/') {
        return Err("it takes one name".to_owned());
    }
    Ok(Wanted { kind, name: name.to_owned() })
}

/// A reason in any spelling of upper and lower case.
fn reason(text: &str) -> Result<Reason, String> {
    let found = Reason::ALL.iter().copied().find(|reason| reason.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "no such reason; `awscost reasons` lists them all".to_owned())
}

impl SelectionArgs {
    /// Where to look.
    ///
    /// # Errors
    /// [`ClusterFault`] if there is no way to the cluster.
    pub async fn scope(&self) -> Result<Scope, ClusterFault> {
        self.scope.connect().await
    }

    /// The selected objects, sorted.
    ///
    /// # Errors
    /// [`ClusterFault`] if the API server does not list them, or a name is not there or not unique.
    pub async fn select(&self, scope: &Scope, now: Timestamp) -> Result<Vec<Name>, ClusterFault> {
        let fleet = Fleet::read(scope, self.selector.as_deref(), now).await?;
        self.of(&fleet)
    }

    /// The selected objects of a fleet. Pure.
    fn of(&self, fleet: &Fleet) -> Result<Vec<Name>, ClusterFault> {
        if !self.reasons.is_empty() {
            let overview = Overview::of(fleet, remedy, false);
            let hit: BTreeSet<Name> =
                self.reasons.iter().flat_map(|reason| overview.hit_by(*reason)).collect();
            return Ok(hit.into_iter().collect());
        }
        if self.names.is_empty() {
            return Ok(fleet.of(Kind::AwsCostAccount).map(|member| member.name.clone()).collect());
        }
        let mut found = BTreeSet::new();
        for wanted in &self.names {
            let mut named = fleet.of(wanted.kind).filter(|member| member.name.name == wanted.name);
            match (named.next(), named.next()) {
                (Some(member), None) => found.insert(member.name.clone()),
                (None, _) => {
                    return Err(ClusterFault::Refused(format!(
                        "there is no {:?} {}: nothing was done",
                        wanted.kind, wanted.name
                    )));
                }
                (Some(_), Some(_)) => {
                    return Err(ClusterFault::Refused(format!(
                        "{} is in several namespaces: say which one with --namespace; nothing was done",
                        wanted.name
                    )));
                }
            };
        }
        Ok(found.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        _selection: SelectionArgs,
    }

    #[test]
    fn nothing_is_selected_by_accident_and_each_way_to_select_is_named() {
        let parsed =
            |words: &[&str]| Line::try_parse_from(std::iter::once("suspend").chain(words.iter().copied()));
        for words in [&["acme"][..], &["--all"], &["-l", "team=data"], &["--reason", "AssumeRoleDenied"]] {
            assert!(parsed(words).is_ok(), "{words:?}");
        }
        let refused = parsed(&["-n", "finops"]).expect_err("nothing is selected").to_string();
        for way in ["NAME", "--selector", "--reason", "--all"] {
            assert!(refused.contains(way), "{way}: {refused}");
        }
    }

    #[test]
    fn names_have_kubectls_forms() {
        let warehouse = Ok(Wanted { kind: Kind::CostWarehouse, name: "lake".to_owned() });
        assert_eq!(wanted("cwh/lake"), warehouse);
        assert_eq!(wanted("costwarehouse.awscost.io/lake"), warehouse);
        assert_eq!(wanted("acme").map(|wanted| wanted.kind), Ok(Kind::AwsCostAccount));
        assert!(wanted("pod/x").is_err() && wanted("aca/").is_err() && wanted("a/b/c").is_err());
    }
}
