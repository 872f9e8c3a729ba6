//! From the sums of slots to those of an answer: which reading of a tag its rows have, which fees have an amortized
//! cost, and what stands apart because connections overlap.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    answer::{GroupSum, Included, LoadedMonth, RoundedValues, Spelling, TagAnswer, WithoutCost},
    question::Metric,
    sums::{OfCurrency, OfSlot},
    tag::{AskedTag, TagReading},
    tally::CostsFault,
};
use crate::{
    model::ConnectionKey,
    schema::{amortized::RESERVATION, fold_keeping_letters},
    warehouse::{Slot, ledger::LedgerRow},
};

/// The slots whose groups have names.
pub(super) enum Known {
    /// All of them.
    Always,
    /// Those that have the tag in this reading; rows of others have no value.
    In(usize, BTreeSet<Slot>),
}

/// What a tag was taken for.
pub(super) struct Taken {
    pub(super) asked: AskedTag,
    pub(super) answer: TagAnswer,
    pub(super) reading: usize,
    /// The slots that have it.
    pub(super) slots: BTreeSet<Slot>,
}

/// Takes a tag for the first of its readings that rows have.
pub(super) fn take(asked: AskedTag, slots: &BTreeMap<Slot, OfSlot>) -> Taken {
    let have: Vec<BTreeSet<Slot>> = (0..asked.readings().len())
        .map(|at| {
            let has = |(_, of): &(&Slot, &OfSlot)| has(of, at, &asked.readings()[at]);
            slots.iter().filter(has).map(|(slot, _)| slot.clone()).collect()
        })
        .collect();
    let reading = have.iter().position(|slots| !slots.is_empty());
    let others = (0..have.len()).filter(|at| Some(*at) != reading && !have[*at].is_empty());
    let also = others.map(|at| asked.readings()[at].name.clone()).collect();
    let found = reading.is_some();
    let reading = reading.unwrap_or_default();
    let lack = slots.keys().filter(|slot| found && !have[reading].contains(*slot));
    let absent_from = lack.cloned().collect();
    let collisions = spellings(&asked.readings()[reading], reading, slots);
    let nearest = if found { Vec::new() } else { asked.nearest(slots.values().flat_map(keys)) };
    let asked = asked.taken_for(reading);
    let answer = TagAnswer {
        asked: asked.text().to_owned(),
        key: asked.key().to_owned(),
        found,
        also,
        absent_from,
        elsewhere: Vec::new(),
        collisions,
        nearest,
    };
    let slots = have.into_iter().nth(reading).unwrap_or_default();
    Taken { asked, answer, reading, slots }
}

/// Whether rows of a slot have the tag in this reading. A name that lost letters may be another key's, so that the
/// keys as the source spelled them decide, where they are known.
fn has(of: &OfSlot, at: usize, reading: &TagReading) -> bool {
    let spelled_so = |of: &OfSlot| {
        of.keys.is_empty()
            || of.keys.iter().any(|key| reading.is(key))
            || of.seen.of_reading(at).next().is_some()
    };
    of.has_names(at) && (!reading.is_lossy() || spelled_so(of))
}

/// All tag keys of a slot, as they can be asked for.
fn keys(of: &OfSlot) -> impl Iterator<Item = &str> {
    of.keys.iter().map(|key| key.original.as_str()).chain(of.seen.keys())
}

/// The different keys that go by a reading's name, if there are several.
fn spellings(reading: &TagReading, at: usize, slots: &BTreeMap<Slot, OfSlot>) -> Vec<Spelling> {
    let mut found = Vec::new();
    for (slot, of) in slots {
        let of_resources = of.keys.iter().filter(|key| key.folded == reading.folded);
        let of_resources = of_resources.map(|key| (key.original.as_str(), key.collisions));
        let mut spelled: BTreeMap<&str, u64> = BTreeMap::new();
        for (original, rows) in of_resources.chain(of.seen.of_reading(at)) {
            // CUR 2.0 and Parquet have the folded name only: it may be any of the others.
            if rows > 0 || fold_keeping_letters(original) != original {
                *spelled.entry(original).or_default() += rows;
            }
        }
        let Slot { connection, period } = slot;
        found.extend(spelled.into_iter().map(|(original, rows)| Spelling {
            connection: connection.clone(),
            period: *period,
            original: original.to_owned(),
            rows,
        }));
    }
    let distinct: BTreeSet<&str> = found.iter().map(|of| of.original.as_str()).collect();
    if distinct.len() > 1 { found } else { Vec::new() }
}

/// The sums of an answer in the making.
#[derive(Default)]
pub(super) struct Merged {
    /// True if nothing may be added up across connections.
    apart: bool,
    pub(super) groups: BTreeMap<(Option<ConnectionKey>, String, Option<String>), GroupSum>,
    pub(super) rows_without_cost: Vec<WithoutCost>,
    named: BTreeMap<(Option<ConnectionKey>, String, String), GroupSum>,
}

impl Merged {
    /// No sums yet; `apart` if nothing may be added up across connections.
    pub(super) fn new(apart: bool) -> Self {
        Self { apart, ..Self::default() }
    }

    /// Adds the sums of a slot, of which the ledger says `row`.
    pub(super) fn add(
        &mut self,
        slot: &Slot,
        mut of: OfSlot,
        row: Option<&LedgerRow>,
        known: &Known,
    ) -> Result<(), CostsFault> {
        let unnamed = of.hides_reservations
            || row.is_some_and(|row| row.missing_columns.iter().any(|column| column == RESERVATION));
        let fees: u64 = of.fees.values().map(OfCurrency::rows).sum();
        if unnamed && fees > 0 {
            of.rows_without_cost += fees;
            of.lacking.insert(RESERVATION);
        }
        let (reading, named) = match known {
            Known::Always => (0, true),
            Known::In(reading, slots) => (*reading, slots.contains(slot)),
        };
        let connection = self.apart.then(|| slot.connection.clone());
        let sums = of.sums.into_iter().map(|sums| (sums, true));
        for ((currency, mut sums), costs) in sums.chain(of.fees.into_iter().map(|fees| (fees, !unnamed))) {
            let too_large = || CostsFault::TooLarge { currency: currency.clone() };
            for (line_type, sum) in sums.named.drain().filter(|_| costs) {
                let key = (connection.clone(), currency.clone(), line_type);
                self.named.entry(key).or_default().absorb(sum).ok_or_else(too_large)?;
            }
            for (name, sum) in sums.into_sums(reading) {
                let key = (connection.clone(), currency.clone(), name.filter(|_| named));
                let sum = if costs { sum } else { sum.without_cost() };
                self.groups.entry(key).or_default().absorb(sum).ok_or_else(too_large)?;
            }
        }
        if of.rows_without_cost > 0 {
            let Slot { connection, period } = slot.clone();
            let columns = of.lacking.into_iter().collect();
            self.rows_without_cost.push(WithoutCost {
                connection,
                period,
                rows: of.rows_without_cost,
                columns,
            });
        }
        Ok(())
    }

    /// What the sums include that people often leave out.
    pub(super) fn included(self) -> Vec<Included> {
        let included = |((connection, currency, line_item_type), sum): (_, GroupSum)| Included {
            connection,
            currency,
            line_item_type,
            cost: sum.cost,
            rows: sum.rows,
        };
        self.named.into_iter().map(included).collect()
    }
}

/// The values of the metric's columns that were rounded when they were loaded.
pub(super) fn rounded(metric: Metric, ledger: &[LedgerRow]) -> Vec<RoundedValues> {
    let of_row = |row: &LedgerRow| {
        let counts = row.rounded.iter().filter(|(column, _)| metric.columns().contains(&column.as_str()));
        let value = |(column, rounded): (&String, &crate::warehouse::ledger::Rounded)| RoundedValues {
            connection: row.connection.clone(),
            period: row.period,
            column: column.clone(),
            values: rounded.values,
            effect: rounded.effect.clone(),
        };
        counts.map(value).collect::<Vec<_>>()
    };
    ledger.iter().flat_map(of_row).collect()
}

pub(super) fn loaded(row: &LedgerRow) -> LoadedMonth {
    LoadedMonth {
        connection: row.connection.clone(),
        period: row.period,
        version: row.version.clone(),
        loaded_at: row.loaded_at,
        rows: row.rows,
    }
}
