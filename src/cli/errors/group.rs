//! What is broken, by reason: who is hit since when, what waits behind it, and what is to be fixed first. Pure.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cli::{
        cluster::fleet::{Fleet, Kind, Member, Name, Word, fix_turn},
        findings::said::Said,
    },
    connection::Snippet,
    model::{ConditionType, Guide, Reason, Severity, guide::FaultOwner, layers::Layer},
};

/// One reason and everything it has hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingGroup {
    /// The reason.
    pub reason: Said<Reason>,
    /// How many objects it has hit.
    pub count: usize,
    /// Since when, for the one that was hit first.
    pub since: Timestamp,
    /// Checks that can't be made before it is fixed, over all objects.
    pub waiting: usize,
    /// What to do about it, in general.
    pub fix: String,
    /// Why it stands where it does, where an order of mending was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The objects.
    pub objects: Vec<Hit>,
}

/// One object that a reason has hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The object.
    #[serde(flatten)]
    pub name: Name,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The condition that says so.
    pub condition: Said<ConditionType>,
    /// False, or Unknown where it could not be told.
    pub status: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// What is wrong with this object, and what to do.
    pub message: String,
    /// A policy or commands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Snippet>,
    /// Its checks that can't be made before it is fixed.
    pub waiting: usize,
}

/// What is broken in a fleet, and what is not but should be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Accounts in the scope.
    pub accounts: usize,
    /// How many of them are broken.
    pub broken_accounts: usize,
    /// Warehouses in the scope.
    pub warehouses: usize,
    /// How many of them are broken.
    pub broken_warehouses: usize,
    /// What is broken.
    pub errors: Vec<FindingGroup>,
    /// What works, but could be better.
    pub advice: Vec<FindingGroup>,
    /// Accounts that are not looked at.
    pub suspended: Vec<Name>,
}

/// The general advice for a reason.
pub type Remedy = fn(Reason) -> String;

impl Overview {
    /// Of a fleet.
    pub fn of(fleet: &Fleet, remedy: Remedy, fix_order: bool) -> Self {
        let broken = |kind| fleet.of(kind).filter(|member| member.is_broken()).count();
        let mut errors = group_findings(fleet, remedy, |severity| severity >= Severity::Untold);
        if fix_order {
            errors.sort_by_key(urgency_of);
            for group in &mut errors {
                group.why = Some(why_waiting(group));
            }
        }
        Self {
            accounts: fleet.of(Kind::AwsCostAccount).count(),
            broken_accounts: broken(Kind::AwsCostAccount),
            warehouses: fleet.of(Kind::CostWarehouse).count(),
            broken_warehouses: broken(Kind::CostWarehouse),
            errors,
            advice: group_findings(fleet, remedy, |severity| severity == Severity::Advice),
            suspended: fleet.members.iter().filter(|member| member.suspended).map(named).collect(),
        }
    }
}

/// The objects that a reason has hit: those at work, or those that it had hit when they were suspended.
pub fn hit_by(fleet: &Fleet, reason: Reason, suspended: bool) -> impl Iterator<Item = &Member> {
    let hit = move |member: &&Member| {
        let shown = |word: &Word| word.severity >= Severity::Advice && !is_a_copy(fleet, word, member);
        member.words.iter().any(|word| word.reason == reason && shown(word))
    };
    fleet.members.iter().filter(move |member| member.suspended == suspended).filter(hit)
}

fn named(member: &Member) -> Name {
    member.name.clone()
}

/// What to do about a reason that this version does not know.
const NEWER: &str =
    "This reason comes from a newer operator: read the object's message, and update this awscost.";

/// Grouped by reason, the most frequent first.
fn group_findings(fleet: &Fleet, remedy: Remedy, wanted: impl Fn(Severity) -> bool) -> Vec<FindingGroup> {
    let mut groups: Vec<FindingGroup> = Vec::new();
    for member in fleet.members.iter().filter(|member| !member.suspended) {
        for word in
            member.words.iter().filter(|word| wanted(word.severity) && !is_a_copy(fleet, word, member))
        {
            let hit = Hit {
                name: member.name.clone(),
                display_name: member.display_name.clone(),
                condition: word.type_.clone(),
                status: word.status.as_str(),
                since: word.since,
                message: word.message.clone(),
                snippet: word.snippet.clone(),
                waiting: count_waiting(fleet, member, &word.type_),
            };
            match groups.iter_mut().find(|group| group.reason == word.reason) {
                Some(group) => group.add(hit),
                None => groups.push(FindingGroup::of(word, hit, remedy)),
            }
        }
    }
    groups.sort_by_cached_key(|group| (Reverse(group.count), group.reason.to_string()));
    groups
}

impl FindingGroup {
    fn of(word: &Word, hit: Hit, remedy: Remedy) -> Self {
        Self {
            reason: word.reason.clone(),
            count: 1,
            since: hit.since,
            waiting: hit.waiting,
            fix: word.reason.known_value().map_or_else(|| NEWER.to_owned(), remedy),
            why: None,
            objects: vec![hit],
        }
    }

    fn add(&mut self, hit: Hit) {
        // One object with two conditions of one reason is hit once.
        if self.objects.iter().all(|known| known.name != hit.name) {
            self.count += 1;
        }
        self.since = self.since.min(hit.since);
        self.waiting += hit.waiting;
        self.objects.push(hit);
    }
}

/// An account repeats its warehouse's fault, which the warehouse itself shows; one that is not there, or was not asked
/// for, can't.
fn is_a_copy(fleet: &Fleet, word: &Word, member: &Member) -> bool {
    let shows = |warehouse: &Member| {
        warehouse.name.namespace == member.name.namespace
            && member.warehouse.as_ref() == Some(&warehouse.name.name)
    };
    member.name.kind == Kind::AwsCostAccount
        && word.type_ == ConditionType::WarehouseReady
        && word.reason != Reason::WarehouseNotFound
        && fleet.of(Kind::CostWarehouse).any(shows)
}

/// How many checks wait for a condition: an account's own, and those of every account that uses a warehouse.
fn count_waiting(fleet: &Fleet, member: &Member, type_: &Said<ConditionType>) -> usize {
    let behind = |member: &Member, layer: ConditionType| {
        let reason = Layer::of(layer).and_then(|layer| layer.blocks_as);
        let waits = |word: &&Word| {
            word.severity == Severity::Blocked && reason.is_some_and(|reason| word.reason == reason)
        };
        member.words.iter().filter(waits).count()
    };
    if member.name.kind == Kind::CostWarehouse {
        let uses = |account: &&Member| {
            account.name.namespace == member.name.namespace
                && account.warehouse.as_ref() == Some(&member.name.name)
        };
        let accounts = fleet.of(Kind::AwsCostAccount).filter(uses);
        return accounts.map(|account| behind(account, ConditionType::WarehouseReady)).sum();
    }
    let Some(type_) = type_.known_value() else { return 0 };
    let misnamed =
        member.words.iter().filter_map(|word| word.reason.known_value()).any(Reason::misnames_report);
    match type_ {
        // What waits for a place that is not the report's waits for the report.
        ConditionType::BucketReadable if misnamed => 0,
        ConditionType::ReportConfigured if misnamed => {
            behind(member, ConditionType::BucketReadable) + behind(member, ConditionType::ReportConfigured)
        }
        layer => behind(member, layer),
    }
}

/// Reasons that keep everything else of an object from being looked at.
const WHOLE: [Reason; 2] = [Reason::InvalidSpec, Reason::InternalError];

/// Where a group stands in the order of mending: what hits everybody, what keeps whole objects from being looked at, then
/// what most checks wait for, what hits most, the lowest layer, the oldest.
type Urgency =
    (u8, Reverse<usize>, Reverse<usize>, Option<(Said<ConditionType>, bool)>, Timestamp, Said<Reason>);

fn urgency_of(group: &FindingGroup) -> Urgency {
    let tier = match group.reason.known_value() {
        Some(reason) if WHOLE.contains(&reason) => 1,
        Some(reason) if Guide::to(reason).owner == FaultOwner::Operator => 0,
        _ => 2,
    };
    (
        tier,
        Reverse(group.waiting),
        Reverse(group.count),
        group.objects.iter().map(|hit| fix_turn(&hit.condition, &group.reason)).min(),
        group.since,
        group.reason.clone(),
    )
}

fn why_waiting(group: &FindingGroup) -> String {
    let checks = match group.waiting {
        0 => "It blocks no other check.".to_owned(),
        1 => "1 check waits for it.".to_owned(),
        many => format!("It blocks {many} checks."),
    };
    match group.reason.known_value() {
        Some(reason) if WHOLE.contains(&reason) => "It blocks every other check of these objects.".to_owned(),
        Some(reason) if Guide::to(reason).owner == FaultOwner::Operator => {
            format!("This is a fault of the operator: one fix works for every account. {checks}")
        }
        _ => checks,
    }
}

#[cfg(test)]
mod tests;
