//! The accounts and warehouses of a cluster as people ask about them: what each is called, and what its status says.

use std::fmt;

use jiff::Timestamp;
use kube::{ResourceExt, core::DeserializeGuard};
use serde::Serialize;

use super::{
    cluster::{ClusterFault, Scope},
    severity::Severity,
};
use crate::{
    api::{
        AwsCostAccount, CostWarehouse,
        aws_cost_account::RequireExternalId,
        conditions::{self, Condition},
    },
    model::{ConditionStatus, ConditionType, Reason},
};

/// Our two kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// An AwsCostAccount.
    AwsCostAccount,
    /// A CostWarehouse.
    CostWarehouse,
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
    pub fn resource(self) -> &'static str {
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
    pub type_: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
    pub reason: Reason,
    /// How much it matters.
    pub severity: Severity,
    /// Since when.
    pub since: Timestamp,
    /// Why, and what to do.
    pub message: String,
}

impl Word {
    /// Where it stands in the order of mending: by layers, but a report that is named wrongly comes before the place that
    /// was looked at for it.
    pub fn turn(&self) -> (ConditionType, bool) {
        turn(self.type_, self.reason)
    }
}

/// [`Word::turn`] of a condition and its reason.
pub fn turn(type_: ConditionType, reason: Reason) -> (ConditionType, bool) {
    let misnamed = reason.misnames_report();
    (if misnamed { ConditionType::BucketReadable } else { type_ }, !misnamed)
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
    pub async fn read(scope: &Scope, selector: Option<&str>, now: Timestamp) -> Result<Self, ClusterFault> {
        let (accounts, warehouses) = futures::try_join!(
            scope.list::<DeserializeGuard<AwsCostAccount>>(selector),
            scope.list::<DeserializeGuard<CostWarehouse>>(selector),
        )?;
        let mut members: Vec<Member> = accounts.iter().map(|account| Member::account(account, now)).collect();
        members.extend(warehouses.iter().map(|warehouse| Member::warehouse(warehouse, now)));
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
    pub fn account(object: &DeserializeGuard<AwsCostAccount>, now: Timestamp) -> Self {
        let name = named(Kind::AwsCostAccount, object);
        let account = match &object.0 {
            Ok(account) => account,
            Err(invalid) => return Self::unparsable(name, object.creation_timestamp(), &invalid.error, now),
        };
        let policy = account.spec.access.require_external_id.unwrap_or_default();
        let enforced = policy == RequireExternalId::Enforce;
        let conditions = account.status.as_ref().map(|status| status.conditions.as_slice());
        let words = understood(conditions.unwrap_or_default(), |type_, status, reason| {
            Severity::of(type_, status, reason, enforced)
        });
        let warehouse = account.spec.ingestion.as_ref().map(|ingestion| ingestion.warehouse_ref.name.clone());
        Self { name, suspended: account.spec.suspend == Some(true), warehouse, words }
    }

    /// A warehouse.
    pub fn warehouse(object: &DeserializeGuard<CostWarehouse>, now: Timestamp) -> Self {
        let name = named(Kind::CostWarehouse, object);
        let warehouse = match &object.0 {
            Ok(warehouse) => warehouse,
            Err(invalid) => return Self::unparsable(name, object.creation_timestamp(), &invalid.error, now),
        };
        let conditions = warehouse.status.as_ref().map(|status| status.conditions.as_slice());
        let words = understood(conditions.unwrap_or_default(), |type_, status, reason| match type_ {
            ConditionType::Ready => Severity::of_warehouse(status, reason),
            _ => Severity::Fine,
        });
        Self { name, suspended: false, warehouse: None, words }
    }

    fn unparsable(
        name: Name,
        created: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
        problem: &str,
        now: Timestamp,
    ) -> Self {
        let word = Word {
            type_: ConditionType::Ready,
            status: ConditionStatus::False,
            reason: Reason::InvalidSpec,
            severity: Severity::Error,
            since: created.map_or(now, |created| created.0),
            message: conditions::bounded(&format!("The object does not parse: {problem}.")),
        };
        Self { name, suspended: false, warehouse: None, words: vec![word] }
    }

    /// True if something must be mended, or could not be told.
    pub fn is_broken(&self) -> bool {
        !self.suspended && self.words.iter().any(|word| word.severity >= Severity::Untold)
    }
}

fn named<K: ResourceExt>(kind: Kind, object: &K) -> Name {
    Name { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

/// The conditions that this version knows.
pub fn understood(
    conditions: &[Condition],
    severity: impl Fn(ConditionType, ConditionStatus, Reason) -> Severity,
) -> Vec<Word> {
    conditions
        .iter()
        .filter_map(|condition| {
            let type_ = ConditionType::from_name(&condition.type_)?;
            let reason = Reason::from_name(&condition.reason)?;
            let status = match condition.status.as_str() {
                "True" => ConditionStatus::True,
                "False" => ConditionStatus::False,
                _ => ConditionStatus::Unknown,
            };
            Some(Word {
                type_,
                status,
                reason,
                severity: severity(type_, status, reason),
                since: condition.last_transition_time,
                message: condition.message.clone(),
            })
        })
        .collect()
}
