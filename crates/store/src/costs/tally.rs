//! The aggregation: batches in, sums kept by connection, currency and group, an answer out.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{
    array::{Array, AsArray, Decimal128Array, MapArray, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{Decimal128Type, TimestampMicrosecondType},
};

use super::{
    answer::{Answer, CostGroup, Overlap, ordered, totals},
    merge::{Known, Merged, loaded, rounded, take},
    question::{ACCOUNT, CURRENCY, GroupBy, LINE_TYPE, Metric, columns},
    sums::{OfSlot, SumKey, entry},
    tag::{self, FoundTag, MOST_READINGS, SeenTags},
};
use crate::{
    model::{Amount, BillingPeriod, ConnectionKey},
    schema::amortized::{AmortizedColumns, NoCost},
    warehouse::{Reading, Slot, TagKey},
};

/// Why sums could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostsFault {
    /// The sum needs more digits than a decimal(38,18) has.
    #[error("a sum of {currency} has more than 20 integer digits")]
    TooLarge {
        /// The currency.
        currency: String,
    },
    /// The rows are not of the stable schema.
    #[error("the rows have no column {0} of the right type")]
    Column(&'static str),
}

/// Line types that are named in the answer whatever their sign.
const NAMED: [&str; 3] = ["Credit", "Refund", "Tax"];
const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Sums in the making.
pub struct CostTally {
    metric: Metric,
    group_by: GroupBy,
    slots: BTreeMap<Slot, OfSlot>,
    holders: BTreeMap<(BillingPeriod, String), BTreeSet<ConnectionKey>>,
}

impl CostTally {
    /// An empty tally for this question.
    pub fn new(metric: Metric, group_by: GroupBy) -> Self {
        Self { metric, group_by, slots: BTreeMap::new(), holders: BTreeMap::new() }
    }

    /// The columns it reads.
    pub fn columns(&self) -> Vec<&'static str> {
        columns(self.metric, &self.group_by)
    }

    /// Adds rows of a slot.
    ///
    /// # Errors
    /// [`CostsFault`] if a column lacks or a sum overflows.
    pub fn add(&mut self, slot: &Slot, batch: &RecordBatch) -> Result<(), CostsFault> {
        let currencies = text(batch, CURRENCY)?;
        let types = text(batch, LINE_TYPE)?;
        self.note_accounts(slot, text(batch, ACCOUNT)?);
        let costs = Costs::of(batch, self.metric)?;
        let keys = GroupKeys::of(batch, &self.group_by)?;
        let of_slot = self.slots.entry(slot.clone()).or_default();
        let mut found = Vec::new();
        for row in 0..batch.num_rows() {
            let currency = value(currencies, row).unwrap_or_default();
            let too_large = || CostsFault::TooLarge { currency: currency.to_owned() };
            let (sums, cost) = match costs.at(row, of_slot) {
                Cost::Is(cost) => (&mut of_slot.sums, Some(cost)),
                Cost::OfUnsureFee(cost) => (&mut of_slot.fees, Some(cost)),
                Cost::TooLarge => return Err(too_large()),
                Cost::None => {
                    of_slot.rows_without_cost += 1;
                    (&mut of_slot.sums, None)
                }
            };
            let of = entry(sums, currency);
            keys.at(row, &mut of_slot.seen, &mut found);
            for (groups, key) in of.readings(found.len()).iter_mut().zip(&found) {
                groups.sum(*key).add(cost).ok_or_else(too_large)?;
            }
            let line_type = value(types, row).unwrap_or_default();
            if NAMED.contains(&line_type) || cost.is_some_and(|cost| cost < Amount::ZERO) {
                entry(&mut of.named, line_type).add(cost).ok_or_else(too_large)?;
            }
        }
        Ok(())
    }

    /// Takes the tag keys of a slot as its source spelled them, once its rows are added.
    pub fn learn(&mut self, slot: &Slot, keys: Vec<TagKey>) {
        if let Some(of_slot) = self.slots.get_mut(slot) {
            of_slot.keys = keys;
        }
    }

    /// Remembers whose usage a slot holds. Rows of one account stand together mostly, so a look back saves most.
    fn note_accounts(&mut self, slot: &Slot, accounts: &StringArray) {
        let mut last = None;
        for account in accounts.iter().flatten() {
            if last == Some(account) {
                continue;
            }
            last = Some(account);
            let holders = self.holders.entry((slot.period, account.to_owned())).or_default();
            if !holders.contains(&slot.connection) {
                holders.insert(slot.connection.clone());
            }
        }
    }

    /// The answer, once all that was read is added.
    ///
    /// # Errors
    /// [`CostsFault::TooLarge`] if a total overflows.
    pub fn answer(self, reading: &Reading) -> Result<Answer, CostsFault> {
        let overlaps: Vec<Overlap> = self
            .holders
            .into_iter()
            .filter(|(_, connections)| connections.len() > 1)
            .map(|((period, account), connections)| Overlap {
                period,
                account,
                connections: connections.into_iter().collect(),
            })
            .collect();
        let (group_by, tag, known) = match self.group_by {
            GroupBy::Tag(asked) => {
                let taken = take(asked, &self.slots);
                (GroupBy::Tag(taken.asked), Some(taken.answer), Known::In(taken.reading, taken.slots))
            }
            other => (other, None, Known::Always),
        };
        let mut merged = Merged::new(!overlaps.is_empty());
        for (slot, of_slot) in self.slots {
            let row = reading.ledger.iter().find(|row| row.is_of(&slot));
            merged.add(&slot, of_slot, row, &known)?;
        }
        let group = |((connection, currency, name), sum)| CostGroup::new(connection, currency, name, sum);
        let mut groups: Vec<CostGroup> = std::mem::take(&mut merged.groups).into_iter().map(group).collect();
        ordered(&mut groups, &group_by);
        let some = || CostsFault::TooLarge { currency: "some currency".to_owned() };
        Ok(Answer {
            metric: self.metric,
            totals: totals(&groups).ok_or_else(some)?,
            groups,
            group_by,
            rows_without_cost: std::mem::take(&mut merged.rows_without_cost),
            included: merged.included(),
            rounded: rounded(self.metric, &reading.ledger),
            tag,
            overlaps,
            not_loaded: Vec::new(),
            table_version: reading.table_version,
            loads: reading.ledger.iter().map(loaded).collect(),
        })
    }
}

fn text<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a StringArray, CostsFault> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt()).ok_or(CostsFault::Column(name))
}

fn value(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// The cost of a row, by the metric.
enum Costs<'a> {
    Column(&'static str, &'a Decimal128Array),
    Amortized(AmortizedColumns<'a>),
}

enum Cost {
    Is(Amount),
    /// Of a fee that may have been paid ahead for a reservation: whether it has this one shows when all is read.
    OfUnsureFee(Amount),
    None,
    TooLarge,
}

impl<'a> Costs<'a> {
    fn of(batch: &'a RecordBatch, metric: Metric) -> Result<Self, CostsFault> {
        if metric == Metric::Amortized {
            return Ok(Self::Amortized(AmortizedColumns::of(batch)));
        }
        let name = metric.columns()[0];
        let column =
            batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Decimal128Type>());
        column.map(|column| Self::Column(name, column)).ok_or(CostsFault::Column(name))
    }

    /// The row's cost. What keeps rows from one is noted in `of_slot`: the columns in which they have nothing, and that
    /// reservations are not named.
    fn at(&self, row: usize, of_slot: &mut OfSlot) -> Cost {
        match self {
            Self::Column(name, column) if column.is_null(row) => {
                of_slot.lacking.insert(*name);
                Cost::None
            }
            Self::Column(_, column) => Cost::Is(Amount::from_units(column.value(row))),
            Self::Amortized(columns) => {
                let parts = columns.parts(row);
                of_slot.hides_reservations |= parts.hides_its_reservation();
                match parts.cost() {
                    Ok(cost) if parts.may_be_upfront() => Cost::OfUnsureFee(cost),
                    Ok(cost) => Cost::Is(cost),
                    Err(NoCost::Lacking) => {
                        of_slot.lacking.extend(parts.lacking());
                        Cost::None
                    }
                    Err(NoCost::TooLarge) => Cost::TooLarge,
                }
            }
        }
    }
}

/// The group of a row.
enum GroupKeys<'a> {
    Text(&'a StringArray),
    Day(&'a TimestampMicrosecondArray),
    Tag(TagColumns<'a>),
}

impl<'a> GroupKeys<'a> {
    fn of(batch: &'a RecordBatch, group_by: &'a GroupBy) -> Result<Self, CostsFault> {
        let name = match group_by {
            GroupBy::Service => "line_item_product_code",
            GroupBy::Account => ACCOUNT,
            GroupBy::LineItemType => LINE_TYPE,
            GroupBy::Day => {
                let name = "line_item_usage_start_date";
                let column = batch.column_by_name(name);
                let times = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
                return times.map(Self::Day).ok_or(CostsFault::Column(name));
            }
            GroupBy::Tag(asked) => return TagColumns::of(batch, asked.readings()).map(Self::Tag),
        };
        text(batch, name).map(Self::Text)
    }

    /// The groups of a row, one for each reading of the question.
    fn at(&self, row: usize, seen: &mut SeenTags, found: &mut Vec<SumKey<'a>>) {
        found.clear();
        match self {
            Self::Text(column) => found.push(value(column, row).map_or(SumKey::None, SumKey::Text)),
            Self::Day(column) if column.is_null(row) => found.push(SumKey::None),
            Self::Day(column) => found.push(SumKey::Day(column.value(row).div_euclid(MICROSECONDS_A_DAY))),
            Self::Tag(columns) => {
                found.extend(
                    columns.values(row, seen).map(|found| found.value.map_or(SumKey::None, SumKey::Text)),
                );
            }
        }
    }
}

/// The columns in which a bill has tags.
struct TagColumns<'a> {
    readings: &'a [tag::TagReading],
    resource_tags: TextColumn<'a>,
    tags: TextColumn<'a>,
}

impl<'a> TagColumns<'a> {
    fn of(batch: &'a RecordBatch, readings: &'a [tag::TagReading]) -> Result<Self, CostsFault> {
        let resource_tags = TextColumn::of(batch, "resource_tags")?;
        Ok(Self { readings, resource_tags, tags: TextColumn::of(batch, "tags")? })
    }

    /// The value of the tag on a row, for each reading.
    fn values(&self, row: usize, seen: &mut SeenTags) -> impl Iterator<Item = FoundTag<'a>> + use<'a> {
        let mut found = [FoundTag::default(); MOST_READINGS];
        let of_readings = &mut found[..self.readings.len()];
        for (key, value) in self.resource_tags.entries(row) {
            tag::look_at(self.readings, of_readings, key, value);
        }
        tag::look_into_tags(self.readings, of_readings, seen, self.tags.entries(row));
        found.into_iter().take(self.readings.len())
    }
}

/// A map column of texts.
struct TextColumn<'a> {
    maps: &'a MapArray,
    keys: &'a StringArray,
    values: &'a StringArray,
}

impl<'a> TextColumn<'a> {
    fn of(batch: &'a RecordBatch, name: &'static str) -> Result<Self, CostsFault> {
        let maps = batch.column_by_name(name).and_then(|column| column.as_map_opt());
        let parts = maps.and_then(|maps| {
            Some(Self { maps, keys: maps.keys().as_string_opt()?, values: maps.values().as_string_opt()? })
        });
        parts.ok_or(CostsFault::Column(name))
    }

    fn entries(&self, row: usize) -> impl Iterator<Item = (&'a str, &'a str)> + Clone + use<'a> {
        let offsets = self.maps.value_offsets();
        let [from, to] = [offsets[row], offsets[row + 1]].map(|at| usize::try_from(at).unwrap_or(0));
        let (keys, values) = (self.keys, self.values);
        (from..to).filter(move |at| values.is_valid(*at)).map(move |at| (keys.value(at), values.value(at)))
    }
}
