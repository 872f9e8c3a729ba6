//! The answer: sums by group and currency, what they include, and which versions they were read from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::question::{GroupBy, Metric};
use crate::{
    model::{Amount, BillingPeriod, ConnectionKey, VersionIdentity},
    warehouse::Slot,
};

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
    pub groups: Vec<CostGroup>,
    /// One sum a currency (and a connection, where connections overlap).
    pub totals: Vec<CostGroup>,
    /// What the sums include that people often leave out.
    pub included: Vec<Included>,
    /// Rows that have no such cost, by load; they count as nothing.
    pub rows_without_cost: Vec<WithoutCost>,
    /// Values that were rounded when they were loaded, by load and column: where there are any, sums are not exact.
    pub rounded: Vec<RoundedValues>,
    /// What became of the tag that was asked for; absent where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagAnswer>,
    /// Accounts' months that several connections hold. While there are any, nothing is added up across
    /// connections, because that would count them twice.
    pub overlaps: Vec<Overlap>,
    /// Periods that were asked for and of which nothing is loaded.
    pub not_loaded: Vec<BillingPeriod>,
    /// The table's version that was read.
    pub table_version: Option<u64>,
    /// The loads that were read.
    pub loads: Vec<LoadedMonth>,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostGroup {
    /// The connection, where connections overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionKey>,
    /// The currency's code.
    pub currency: String,
    /// The service, account, day, tag value or line type; absent where rows have none, and in totals.
    pub name: Option<String>,
    /// The sum; absent where no row has such a cost.
    pub cost: Option<Amount>,
    /// Rows.
    pub rows: u64,
    /// Those among them that have no such cost and count as nothing.
    #[serde(skip_serializing_if = "is_none_at_all")]
    pub rows_without_cost: u64,
}

impl CostGroup {
    pub(super) fn new(
        connection: Option<ConnectionKey>,
        currency: String,
        name: Option<String>,
        sum: GroupSum,
    ) -> Self {
        let GroupSum { cost, rows, without } = sum;
        let cost = (without < rows).then_some(cost);
        Self { connection, currency, name, cost, rows, rows_without_cost: without }
    }
}

fn is_none_at_all(rows: &u64) -> bool {
    *rows == 0
}

/// Rows of one load that have no such cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WithoutCost {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
    /// Rows.
    pub rows: u64,
    /// The columns in which they have nothing.
    pub columns: Vec<&'static str>,
}

/// Values of one column of one load that had more digits than are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundedValues {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
    /// The column.
    pub column: String,
    /// How many.
    pub values: u64,
    /// The column's sum after rounding minus before, exact, as text.
    pub effect: String,
}

/// What became of the tag that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagAnswer {
    /// As it was asked for.
    pub asked: String,
    /// The full name of the key it was taken for.
    pub key: String,
    /// False if no row that was read has it.
    pub found: bool,
    /// Other keys of these rows that the question may mean as well.
    pub also: Vec<String>,
    /// Loads that were read and have no such key, where others have it.
    pub absent_from: Vec<Slot>,
    /// Loads that were not read and have it, if none that was read has.
    pub elsewhere: Vec<Slot>,
    /// The keys that met under its name, by load, if there are several: their values stand together.
    pub collisions: Vec<Spelling>,
    /// The keys that look most like it, if it was not found.
    pub nearest: Vec<String>,
}

/// One of several keys that go by one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spelling {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
    /// The key as the source spells it.
    pub original: String,
    /// Rows on which it met another one with another value.
    pub rows: u64,
}

/// Rows of a kind that people often leave out: credits, refunds, tax, discounts and other negative amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Included {
    /// The connection, where connections overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionKey>,
    /// The currency's code.
    pub currency: String,
    /// `line_item_line_item_type`; of a type that is usually positive, only the negative rows.
    pub line_item_type: String,
    /// Their sum.
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
pub struct LoadedMonth {
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
pub(super) struct GroupSum {
    pub(super) cost: Amount,
    pub(super) rows: u64,
    /// Rows that have no such cost.
    pub(super) without: u64,
}

impl GroupSum {
    /// Adds a row's cost, if it has one; `None` past 38 digits.
    pub(super) fn add(&mut self, cost: Option<Amount>) -> Option<()> {
        let row = Self { cost: cost.unwrap_or_default(), rows: 1, without: u64::from(cost.is_none()) };
        self.absorb(row)
    }

    /// Adds another sum; `None` past 38 digits.
    pub(super) fn absorb(&mut self, other: Self) -> Option<()> {
        self.cost = self.cost.checked_add(other.cost)?;
        self.rows += other.rows;
        self.without += other.without;
        Some(())
    }

    /// The same rows without a cost.
    pub(super) fn without_cost(self) -> Self {
        Self { cost: Amount::ZERO, without: self.rows, ..self }
    }
}

/// Puts groups in order: by connection and currency, then days as they come, all else the dearest first.
pub(super) fn ordered(groups: &mut [CostGroup], group_by: &GroupBy) {
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
pub(super) fn totals(groups: &[CostGroup]) -> Option<Vec<CostGroup>> {
    let mut sums: BTreeMap<(Option<ConnectionKey>, String), GroupSum> = BTreeMap::new();
    for group in groups {
        let key = (group.connection.clone(), group.currency.clone());
        let cost = group.cost.unwrap_or_default();
        let sum = GroupSum { cost, rows: group.rows, without: group.rows_without_cost };
        sums.entry(key).or_default().absorb(sum)?;
    }
    let total =
        |((connection, currency), sum): (_, GroupSum)| CostGroup::new(connection, currency, None, sum);
    Some(sums.into_iter().map(total).collect())
}
