//! The answer: sums by group and currency, what they include, and which versions they were read from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::question::{GroupBy, Metric};
use crate::model::{Amount, BillingPeriod, ConnectionKey, VersionIdentity};

/// Sums, and what to know about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Which cost was summed.
    #[serde(serialize_with = "as_text")]
    pub metric: Metric,
    /// What rows were put together by.
    #[serde(serialize_with = "as_text")]
    pub group_by: GroupBy,
    /// The groups: by currency, then the largest sum first; days in their order.
    pub groups: Vec<Group>,
    /// One sum a currency (and a connection, where connections overlap).
    pub totals: Vec<Group>,
    /// What the sums include that people often leave out.
    pub included: Vec<Included>,
    /// Rows that have no such cost; they count as nothing.
    pub rows_without_cost: u64,
    /// Accounts' months that several connections hold. While there are any, nothing is added up across
    /// connections, because that would count them twice.
    pub overlaps: Vec<Overlap>,
    /// The table's version that was read.
    pub table_version: Option<u64>,
    /// The loads that were read.
    pub loads: Vec<Loaded>,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The connection, where connections overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionKey>,
    /// The currency's code.
    pub currency: String,
    /// The service, account, day, tag value or line type; absent where rows have none, and in totals.
    pub name: Option<String>,
    /// The exact sum.
    pub cost: Amount,
    /// Rows.
    pub rows: u64,
}

/// Rows of a kind that people often leave out: credits, refunds, tax, discounts and other negative amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Included {
    /// The currency's code.
    pub currency: String,
    /// `line_item_line_item_type`; of a type that is usually positive, only the negative rows.
    pub line_item_type: String,
    /// Their exact sum.
    pub cost: Amount,
    /// Rows.
    pub rows: u64,
}

/// An account's month that more than one connection holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overlap {
    /// The month.
    pub period: BillingPeriod,
    /// The account whose usage it is.
    pub account: String,
    /// Who holds it.
    pub connections: Vec<ConnectionKey>,
}

/// A load that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
    /// The version.
    pub version: VersionIdentity,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// Its rows.
    pub rows: u64,
}

fn as_text<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A sum in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sum {
    pub(super) cost: Amount,
    pub(super) rows: u64,
}

impl Sum {
    /// Adds a cost; `None` past 38 digits.
    pub(super) fn add(&mut self, cost: Amount, rows: u64) -> Option<()> {
        self.cost = self.cost.checked_add(cost)?;
        self.rows += rows;
        Some(())
    }
}

/// Puts groups in order: by connection and currency, then days as they come, all else the dearest first.
pub(super) fn ordered(groups: &mut [Group], group_by: &GroupBy) {
    groups.sort_by(|a, b| {
        let place = (&a.connection, &a.currency).cmp(&(&b.connection, &b.currency));
        let within = match group_by {
            GroupBy::Day => a.name.cmp(&b.name),
            _ => b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)),
        };
        place.then(within)
    });
}

/// One sum of all groups, a currency (and connection) each; `None` past 38 digits.
pub(super) fn totals(groups: &[Group]) -> Option<Vec<Group>> {
    let mut sums: BTreeMap<(Option<ConnectionKey>, String), Sum> = BTreeMap::new();
    for group in groups {
        let key = (group.connection.clone(), group.currency.clone());
        sums.entry(key).or_default().add(group.cost, group.rows)?;
    }
    let total = |((connection, currency), sum): (_, Sum)| Group {
        connection,
        currency,
        name: None,
        cost: sum.cost,
        rows: sum.rows,
    };
    Some(sums.into_iter().map(total).collect())
}
