//! The accounts and warehouses of a cluster as people ask about them: what each is called, and what its status says.

use std::fmt;

use jiff::Timestamp;
use kube::{ResourceExt, core::DeserializeGuard};
use serde::Serialize;

use crate::{
    api::{
        AwsCostAccount, CostWarehouse,
        aws_cost_account::RequireExternalId,
        conditions::{self, Condition},
    },
    cli::{
        cluster::{ClusterFault, ClusterScope},
        findings::said::Said,
        terminal::snippet,
    },
    connection::Snippet,
    model::{ConditionStatus, ConditionType, Reason, Severity},
};

/// Our two kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// An AwsCostAccount.
    AwsCostAccount,
    /// A CostWarehouse.
    CostWarehouse,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As the API spells it.
        self.serialize(f)
    }
}

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Kind {
    /// As kubectl prints and takes it.
    pub fn resource_name(self) -> &'static str {
        match self {
            Self::AwsCostAccount => "awscostaccount.awscost.io",
            Self::CostWarehouse => "costwarehouse.awscost.io",
        }
    }
}

/// An account among others is only called by namespace and name; a warehouse by its kind, too.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::AwsCostAccount => write!(f, "{}/{}", self.namespace, self.name),
            Kind::CostWarehouse => write!(f, "CostWarehouse {}/{}", self.namespace, self.name),
        }
    }
}

/// One object and what its status says.
#[derive(Debug, Clone)]
pub struct Member {
    /// What it is called.
    pub name: Name,
    /// What tells it from one that is created later under its name.
    pub uid: Option<String>,
    /// What people call an account.
    pub display_name: Option<String>,
    /// True if looks and loads are paused.
    pub suspended: bool,
    /// The warehouse an account names.
    pub warehouse: Option<String>,
    /// What its status says.
    pub words: Vec<Word>,
}

/// One condition, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The layer.
    pub type_: Said<ConditionType>,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
    pub reason: Said<Reason>,
    /// How much it matters.
    pub severity: Severity,
    /// Since when.
    pub since: Timestamp,
    /// Why, and what to do.
    pub message: String,
    /// A policy or commands for it.
    pub snippet: Option<Snippet>,
}

impl Word {
    /// Where it stands in the order of mending: by layers, but a report that is named wrongly comes before the place that
    /// was looked at for it.
    pub fn fix_turn(&self) -> (Said<ConditionType>, bool) {
        fix_turn(&self.type_, &self.reason)
    }
}

/// [`Word::fix_turn`] of a condition and its reason.
pub fn fix_turn(type_: &Said<ConditionType>, reason: &Said<Reason>) -> (Said<ConditionType>, bool) {
    let misnamed = reason.known_value().is_some_and(Reason::misnames_report);
    (if misnamed { ConditionType::BucketReadable.into() } else { type_.clone() }, !misnamed)
}

/// Everything in a scope.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Accounts and warehouses, sorted by kind, namespace and name.
    pub members: Vec<Member>,
}

impl Fleet {
    /// Lists a scope's accounts and warehouses.
    ///
    /// # Errors
    /// [`ClusterFault`] if the API server does not list them.
    pub async fn read(
        scope: &ClusterScope,
        selector: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, ClusterFault> {
        let (accounts, warehouses) = futures::try_join!(
            scope.list::<DeserializeGuard<AwsCostAccount>>(selector),
            scope.list::<DeserializeGuard<CostWarehouse>>(selector),
        )?;
        let mut members: Vec<Member> =
            accounts.iter().map(|account| Member::read_account(account, now)).collect();
        members.extend(warehouses.iter().map(|warehouse| Member::read_warehouse(warehouse, now)));
        members.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { members })
    }

    /// The members of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.name.kind == kind)
    }
}

impl Member {
    /// An account. One that does not parse was stored before a rule was there.
    pub fn read_account(object: &DeserializeGuard<AwsCostAccount>, now: Timestamp) -> Self {
        let name = name_of(Kind::AwsCostAccount, object);
        let account = match &object.0 {
            Ok(account) => account,
            Err(invalid) => return Self::unparsable_member(name, object, &invalid.error, now),
        };
        let policy = account.spec.access.require_external_id.unwrap_or_default();
        let enforced = policy == RequireExternalId::Enforce;
        let conditions = account.status.as_ref().map(|status| status.conditions.as_slice());
        let words = understand_conditions(conditions.unwrap_or_default(), |type_, status, reason| {
            Severity::of(type_, status, reason, enforced)
        });
        let mut words = summed_up(words, object, now);
        add_snippets(&mut words, |reason| snippet::of_account(reason, account, &name.namespace));
        let warehouse = account.spec.ingestion.as_ref().map(|ingestion| ingestion.warehouse_ref.name.clone());
        Self {
            name,
            uid: object.uid(),
            display_name: account.spec.display_name.clone(),
            suspended: account.spec.suspend == Some(true),
            warehouse,
            words,
        }
    }

    /// A warehouse.
    pub fn read_warehouse(object: &DeserializeGuard<CostWarehouse>, now: Timestamp) -> Self {
        let name = name_of(Kind::CostWarehouse, object);
        let warehouse = match &object.0 {
            Ok(warehouse) => warehouse,
            Err(invalid) => return Self::unparsable_member(name, object, &invalid.error, now),
        };
        let conditions = warehouse.status.as_ref().map(|status| status.conditions.as_slice());
        let words =
            understand_conditions(conditions.unwrap_or_default(), |type_, status, reason| match type_ {
                ConditionType::Ready => Severity::of_warehouse(status, reason),
                _ => Severity::Fine,
            });
        let mut words = summed_up(words, object, now);
        add_snippets(&mut words, |reason| snippet::of_warehouse(reason, warehouse, &name.namespace));
        Self { name, uid: object.uid(), display_name: None, suspended: false, warehouse: None, words }
    }

    fn unparsable_member(name: Name, object: &impl ResourceExt, problem: &str, now: Timestamp) -> Self {
        let word = Word {
            type_: ConditionType::Ready.into(),
            status: ConditionStatus::False,
            reason: Reason::InvalidSpec.into(),
            severity: Severity::Error,
            since: object.creation_timestamp().map_or(now, |created| created.0),
            message: conditions::bound_message(&format!("The object does not parse: {problem}.")),
            snippet: None,
        };
        Self {
            name,
            uid: object.uid(),
            display_name: None,
            suspended: false,
            warehouse: None,
            words: vec![word],
        }
    }

    /// True if something must be fixed, or could not be told.
    pub fn is_broken(&self) -> bool {
        !self.suspended && self.words.iter().any(|word| word.severity >= Severity::Untold)
    }
}

/// Gives what is to be fixed or could be better its block to copy.
fn add_snippets(words: &mut [Word], snippet: impl Fn(Reason) -> Option<Snippet>) {
    for word in words.iter_mut().filter(|word| word.severity >= Severity::Advice) {
        word.snippet = word.reason.known_value().and_then(&snippet);
    }
}

fn name_of<K: ResourceExt>(kind: Kind, object: &K) -> Name {
    Name { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

/// The conditions, those that only a newer operator knows among them.
pub fn understand_conditions(
    conditions: &[Condition],
    severity: impl Fn(ConditionType, ConditionStatus, Option<Reason>) -> Severity,
) -> Vec<Word> {
    let summary = conditions::find_condition(conditions, ConditionType::Ready);
    let ready = summary.is_some_and(|summary| summary.holds() == ConditionStatus::True);
    // Ready says in short what is wrong; people who ask want it whole.
    let whole = |condition: &Condition| match ready || condition.type_ != ConditionType::Ready.as_str() {
        true => condition.message.clone(),
        false => conditions::whole_message(conditions).unwrap_or(&condition.message).to_owned(),
    };
    conditions
        .iter()
        .map(|condition| {
            let type_ = Said::of(&condition.type_, ConditionType::from_name);
            let reason = Said::of(&condition.reason, Reason::from_name);
            let status = condition.holds();
            let severity = match type_.known_value() {
                Some(type_) => severity(type_, status, reason.known_value()),
                None => Severity::of_newer(status, reason.known_value(), ready),
            };
            Word {
                type_,
                status,
                reason,
                severity,
                since: condition.last_transition_time,
                message: whole(condition),
                snippet: None,
            }
        })
        .collect()
}

/// The words, of which Ready counts for itself where no layer says what keeps it from being True. Without it, nobody has
/// looked: that is not to be read as health.
fn summed_up(mut words: Vec<Word>, object: &impl ResourceExt, now: Timestamp) -> Vec<Word> {
    let gravest = words.iter().map(|word| word.severity).max().unwrap_or(Severity::Fine);
    match words.iter_mut().find(|word| word.type_ == ConditionType::Ready) {
        Some(ready) if ready.status == ConditionStatus::False && gravest < Severity::Untold => {
            ready.severity = Severity::Error;
        }
        Some(ready) if ready.status == ConditionStatus::Unknown && gravest == Severity::Fine => {
            ready.severity = Severity::of_unknown(ready.reason.known_value());
        }
        Some(_) => {}
        None => words.push(Word {
            type_: ConditionType::Ready.into(),
            status: ConditionStatus::Unknown,
            reason: Reason::NotChecked.into(),
            severity: Severity::Untold,
            since: object.creation_timestamp().map_or(now, |created| created.0),
            message: "The operator has not checked it yet: check that it runs and watches this namespace."
                .to_owned(),
            snippet: None,
        }),
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().expect("a time")
    }

    fn account(conditions: &[(&str, &str, &str)]) -> Member {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(type_, status, reason)| {
                json!({"type": type_, "status": status, "reason": reason, "message": "words",
                       "lastTransitionTime": "2026-11-25T09:30:00Z"})
            })
            .collect();
        let value = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": "acme", "namespace": "finops", "creationTimestamp": "2026-11-25T09:00:00Z"},
            "spec": {
                "accountType": "Member",
                "access": {
                    "roleArn": "arn:aws:iam::123456789012:role/awscost",
                    "externalIdSecretRef": {"name": "acme-external-id"}
                }
            },
            "status": {"conditions": conditions}
        });
        Member::read_account(&serde_json::from_value(value).expect("metadata"), now())
    }

    #[test]
    fn an_account_is_healthy_only_if_its_operator_says_so() {
        let ready = ("Ready", "True", "Succeeded");
        let unready = ("Ready", "False", "BucketOnTheMoon");
        for (conditions, broken) in [
            (&[][..], true),
            (&[ready], false),
            (&[ready, ("BucketReadable", "True", "ReadableFromTheMoon")], false),
            (&[unready, ("BucketReadable", "False", "BucketOnTheMoon")], true),
            (&[unready, ("MoonReachable", "False", "BucketOnTheMoon")], true),
            (&[unready], true),
            (&[ready, ("MoonReachable", "False", "BucketOnTheMoon")], false),
            (&[("Ready", "Unknown", "Progressing")], false),
        ] {
            assert_eq!(account(conditions).is_broken(), broken, "{conditions:?}");
        }
    }

    #[test]
    fn what_only_a_newer_operator_knows_keeps_its_name() {
        let member = account(&[("Ready", "False", "BucketOnTheMoon"), ("MoonReachable", "False", "NewMoon")]);
        let said: Vec<String> = member
            .words
            .iter()
            .map(|word| format!("{} {} {:?}", word.type_, word.reason, word.severity))
            .collect();
        assert_eq!(said, ["Ready BucketOnTheMoon Fine", "MoonReachable NewMoon Error"]);
    }
}
