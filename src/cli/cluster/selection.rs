//! Which objects a command for many at once is about: by name, label, reason, or all of a scope.

use std::collections::BTreeSet;

use clap::{ArgGroup, Args};
use jiff::Timestamp;

use crate::{
    cli::{
        cluster::{
            ClusterFault, ClusterScope, ScopeArgs,
            fleet::{Fleet, Kind, Member, Name},
        },
        errors::group::hit_by,
    },
    model::Reason,
};

/// Which objects.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("selected")
    .args(["names", "selector", "reasons", "all"]).required(true).multiple(true))]
pub struct SelectionArgs {
    /// Names of accounts.
    #[arg(value_name = "NAME", value_parser = parse_object, conflicts_with_all = ["selector", "reasons", "all"])]
    names: Vec<WantedObject>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Accounts with these labels.
    #[arg(help_heading = "Selection options", short = 'l', long, value_name = "LABELS", value_parser = parse_labels)]
    selector: Option<String>,
    /// Everything that `errors` lists under this reason; for `resume`, what was suspended with it. Can be
    /// repeated.
    #[arg(help_heading = "Selection options", long = "reason", value_name = "REASON", value_parser = parse_reason)]
    reasons: Vec<Reason>,
    /// All accounts of the namespace, or with -A of all namespaces.
    #[arg(help_heading = "Selection options", long, conflicts_with_all = ["selector", "reasons"])]
    all: bool,
}

/// A name as a person types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedObject {
    /// The kind; an account where none is said.
    pub kind: Kind,
    /// The name.
    pub name: String,
}

/// A selected object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectedObject {
    /// What it is called.
    pub name: Name,
    /// The one of this name that was there when it was selected.
    pub uid: Option<String>,
    /// True if looks at it are paused.
    pub suspended: bool,
}

/// Parses `NAME` and `KIND/NAME`.
pub(in crate::cli) fn parse_object(text: &str) -> Result<WantedObject, String> {
    let (kind, name) = text.split_once('/').unwrap_or(("aca", text));
    let kind = match kind.to_ascii_lowercase().as_str() {
        "aca" | "awscostaccount" | "awscostaccounts" | "awscostaccount.awscost.io" => Kind::AwsCostAccount,
        "cwh" | "costwarehouse" | "costwarehouses" | "costwarehouse.awscost.io" => Kind::CostWarehouse,
        _ => {
            return Err("it takes NAME, awscostaccount/NAME or costwarehouse/NAME; the namespace goes to -n"
                .to_owned());
        }
    };
    if name.is_empty() || name.contains('/') {
        return Err("it takes one name".to_owned());
    }
    Ok(WantedObject { kind, name: name.to_owned() })
}

/// A label selector. A blank one, as an unset variable of a script leaves it, would be all objects there are.
pub(in crate::cli) fn parse_labels(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it takes labels such as team=data; an empty selector would select everything".to_owned());
    }
    Ok(text.to_owned())
}

/// A reason in any spelling of upper and lower case.
fn parse_reason(text: &str) -> Result<Reason, String> {
    let found = Reason::ALL.iter().copied().find(|reason| reason.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "no such reason; `awscost reasons` lists them all".to_owned())
}

impl SelectionArgs {
    /// True if objects were named, each of its own.
    pub(in crate::cli) fn by_name(&self) -> bool {
        !self.names.is_empty()
    }

    /// Where to look.
    ///
    /// # Errors
    /// [`ClusterFault`] if there is no way to the cluster.
    pub async fn scope(&self) -> Result<ClusterScope, ClusterFault> {
        self.scope.connect().await
    }

    /// The selected objects, sorted.
    ///
    /// # Errors
    /// [`ClusterFault`] if the API server does not list them, or a name is not there or not unique.
    pub async fn select_objects(
        &self,
        scope: &ClusterScope,
        now: Timestamp,
    ) -> Result<Vec<SelectedObject>, ClusterFault> {
        let fleet = Fleet::read(scope, self.selector.as_deref(), now).await?;
        self.of(&fleet, false)
    }

    /// The selected accounts, for what is done to accounts alone.
    ///
    /// # Errors
    /// [`ClusterFault`] as [`Self::select_objects`], and if a warehouse is named.
    pub async fn select_accounts(
        &self,
        scope: &ClusterScope,
        now: Timestamp,
    ) -> Result<Vec<SelectedObject>, ClusterFault> {
        self.accounts_that(scope, now, false).await
    }

    /// The selected accounts, of which a reason is that of suspended ones.
    ///
    /// # Errors
    /// [`ClusterFault`] as [`Self::select_accounts`].
    pub async fn suspended_accounts(
        &self,
        scope: &ClusterScope,
        now: Timestamp,
    ) -> Result<Vec<SelectedObject>, ClusterFault> {
        self.accounts_that(scope, now, true).await
    }

    async fn accounts_that(
        &self,
        scope: &ClusterScope,
        now: Timestamp,
        suspended: bool,
    ) -> Result<Vec<SelectedObject>, ClusterFault> {
        self.names_no_warehouse()?;
        let fleet = Fleet::read(scope, self.selector.as_deref(), now).await?;
        let mut selected = self.of(&fleet, suspended)?;
        // What a reason has hit may be a warehouse; the accounts among them are meant.
        selected.retain(|one| one.name.kind == Kind::AwsCostAccount);
        Ok(selected)
    }

    fn names_no_warehouse(&self) -> Result<(), ClusterFault> {
        match self.names.iter().find(|wanted| wanted.kind == Kind::CostWarehouse) {
            Some(warehouse) => Err(ClusterFault::Refused(format!(
                "this command can't change CostWarehouse {}, only reconcile works: nothing was done",
                warehouse.name
            ))),
            None => Ok(()),
        }
    }

    /// The selected objects of a fleet; by a reason those at work, or those that are `suspended`. Pure.
    fn of(&self, fleet: &Fleet, suspended: bool) -> Result<Vec<SelectedObject>, ClusterFault> {
        if !self.reasons.is_empty() {
            let hit = self.reasons.iter().flat_map(|reason| hit_by(fleet, *reason, suspended));
            return Ok(hit.map(selected).collect::<BTreeSet<_>>().into_iter().collect());
        }
        if self.names.is_empty() {
            return Ok(fleet.of(Kind::AwsCostAccount).map(selected).collect());
        }
        let mut found = BTreeSet::new();
        for wanted in &self.names {
            let mut named = fleet.of(wanted.kind).filter(|member| member.name.name == wanted.name);
            match (named.next(), named.next()) {
                (Some(member), None) => found.insert(selected(member)),
                (None, _) => {
                    return Err(ClusterFault::Refused(format!(
                        "there is no {} {}: nothing was done",
                        wanted.kind, wanted.name
                    )));
                }
                (Some(_), Some(_)) => {
                    return Err(ClusterFault::Refused(format!(
                        "{} is in several namespaces: choose one with --namespace; nothing was done",
                        wanted.name
                    )));
                }
            };
        }
        Ok(found.into_iter().collect())
    }
}

fn selected(member: &Member) -> SelectedObject {
    SelectedObject { name: member.name.clone(), uid: member.uid.clone(), suspended: member.suspended }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        selection: SelectionArgs,
    }

    fn line(words: &[&str]) -> Result<Line, clap::Error> {
        Line::try_parse_from(std::iter::once("suspend").chain(words.iter().copied()))
    }

    #[test]
    fn everything_is_selected_only_by_all() {
        for blank in [["-l", ""], ["-l", " "], ["--selector", ""], ["--reason", ""]] {
            assert!(line(&blank).is_err(), "{blank:?} is what an unset variable leaves");
        }
        assert!(line(&["--selector="]).is_err() && line(&[]).is_err() && line(&[""]).is_err());
        assert!(line(&["-l", "team=data"]).is_ok() && line(&["--all"]).is_ok());
    }

    #[test]
    fn a_named_warehouse_is_refused_among_accounts_too() {
        for words in [&["cwh/lake"][..], &["acme", "cwh/lake"], &["cwh/a", "cwh/b"]] {
            let selection = line(words).expect("names").selection;
            assert!(selection.names_no_warehouse().is_err(), "{words:?}");
        }
        assert!(line(&["acme"]).expect("a name").selection.names_no_warehouse().is_ok());
    }

    #[test]
    fn nothing_is_selected_by_accident_and_each_way_to_select_is_named() {
        let refused = line(&["-n", "finops"]).expect_err("nothing is selected").to_string();
        for way in ["NAME", "--selector", "--reason", "--all"] {
            assert!(refused.contains(way), "{way}: {refused}");
        }
    }

    #[test]
    fn names_have_kubectls_forms() {
        let warehouse = Ok(WantedObject { kind: Kind::CostWarehouse, name: "lake".to_owned() });
        assert_eq!(parse_object("cwh/lake"), warehouse);
        assert_eq!(parse_object("costwarehouse.awscost.io/lake"), warehouse);
        assert_eq!(parse_object("acme").map(|wanted| wanted.kind), Ok(Kind::AwsCostAccount));
        assert!(
            parse_object("pod/x").is_err() && parse_object("aca/").is_err() && parse_object("a/b/c").is_err()
        );
    }
}
