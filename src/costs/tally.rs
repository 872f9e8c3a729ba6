//! The aggregation: batches in, sums kept by connection, currency and group, an answer out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::{
    array::{Array, AsArray, Decimal128Array, MapArray, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{Decimal128Type, TimestampMicrosecondType},
};
use jiff::{ToSpan, civil::Date};

use super::{
    answer::{Answer, Group, Included, Loaded, Overlap, Sum, ordered, totals},
    question::{ACCOUNT, CURRENCY, GroupBy, LINE_TYPE, Metric, columns},
};
use crate::{
    model::{Amount, BillingPeriod, ConnectionKey},
    schema::amortized::AmortizedColumns,
    warehouse::{Reading, Slot},
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
pub struct Tally {
    metric: Metric,
    group_by: GroupBy,
    sums: BTreeMap<ConnectionKey, HashMap<String, OfCurrency>>,
    holders: BTreeMap<(BillingPeriod, String), BTreeSet<ConnectionKey>>,
    rows_without_cost: u64,
}

#[derive(Default)]
struct OfCurrency {
    groups: HashMap<String, Sum>,
    days: HashMap<i64, Sum>,
    nameless: Sum,
    named: HashMap<String, Sum>,
}

impl Tally {
    /// An empty tally for this question.
    pub fn new(metric: Metric, group_by: GroupBy) -> Self {
        Self { metric, group_by, sums: BTreeMap::new(), holders: BTreeMap::new(), rows_without_cost: 0 }
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
        let keys = Keys::of(batch, &self.group_by)?;
        let sums = self.sums.entry(slot.connection.clone()).or_default();
        for row in 0..batch.num_rows() {
            let currency = value(currencies, row).unwrap_or_default();
            let too_large = || CostsFault::TooLarge { currency: currency.to_owned() };
            let cost = match costs.at(row) {
                Cost::Is(cost) => cost,
                Cost::TooLarge => return Err(too_large()),
                Cost::None => {
                    self.rows_without_cost += 1;
                    Amount::ZERO
                }
            };
            let of = entry(sums, currency);
            let sum = match keys.at(row) {
                Key::None => &mut of.nameless,
                Key::Day(day) => of.days.entry(day).or_default(),
                Key::Text(name) => entry(&mut of.groups, name),
            };
            sum.add(cost, 1).ok_or_else(too_large)?;
            let line_type = value(types, row).unwrap_or_default();
            if NAMED.contains(&line_type) || cost < Amount::ZERO {
                entry(&mut of.named, line_type).add(cost, 1).ok_or_else(too_large)?;
            }
        }
        Ok(())
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
        let mut groups: BTreeMap<(Option<ConnectionKey>, String, Option<String>), Sum> = BTreeMap::new();
        let mut named: BTreeMap<(String, String), Sum> = BTreeMap::new();
        for (connection, currencies) in self.sums {
            let connection = (!overlaps.is_empty()).then_some(connection);
            for (currency, of) in currencies {
                let too_large = || CostsFault::TooLarge { currency: currency.clone() };
                let days = of.days.into_iter().map(|(day, sum)| (Some(day_text(day)), sum));
                let texts = of.groups.into_iter().map(|(name, sum)| (Some(name), sum));
                let nameless = (of.nameless.rows > 0).then_some((None, of.nameless));
                for (name, sum) in days.chain(texts).chain(nameless) {
                    let key = (connection.clone(), currency.clone(), name);
                    groups.entry(key).or_default().add(sum.cost, sum.rows).ok_or_else(too_large)?;
                }
                for (line_type, sum) in of.named {
                    let key = (currency.clone(), line_type);
                    named.entry(key).or_default().add(sum.cost, sum.rows).ok_or_else(too_large)?;
                }
            }
        }
        let group = |((connection, currency, name), sum): (_, Sum)| Group {
            connection,
            currency,
            name,
            cost: sum.cost,
            rows: sum.rows,
        };
        let mut groups: Vec<Group> = groups.into_iter().map(group).collect();
        ordered(&mut groups, &self.group_by);
        let some = || CostsFault::TooLarge { currency: "some currency".to_owned() };
        Ok(Answer {
            metric: self.metric,
            group_by: self.group_by,
            totals: totals(&groups).ok_or_else(some)?,
            groups,
            included: named
                .into_iter()
                .map(|((currency, line_item_type), sum)| Included {
                    currency,
                    line_item_type,
                    cost: sum.cost,
                    rows: sum.rows,
                })
                .collect(),
            rows_without_cost: self.rows_without_cost,
            overlaps,
            table_version: reading.table_version,
            loads: reading
                .ledger
                .iter()
                .map(|row| Loaded {
                    connection: row.connection.clone(),
                    period: row.period,
                    version: row.version.clone(),
                    loaded_at: row.loaded_at,
                    rows: row.rows,
                })
                .collect(),
        })
    }
}

/// The entry of a map by a borrowed key: a key is copied only when it is new.
fn entry<'a, V: Default>(map: &'a mut HashMap<String, V>, key: &str) -> &'a mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key).expect("it was put there if it lacked")
}

fn text<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a StringArray, CostsFault> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt()).ok_or(CostsFault::Column(name))
}

fn value(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn day_text(day: i64) -> String {
    let date = Date::constant(1970, 1, 1).checked_add(day.days());
    date.map_or_else(|_| format!("day {day}"), |date| date.to_string())
}

/// The cost of a row, by the metric.
enum Costs<'a> {
    Column(&'a Decimal128Array),
    Amortized(AmortizedColumns<'a>),
}

enum Cost {
    Is(Amount),
    None,
    TooLarge,
}

impl<'a> Costs<'a> {
    fn of(batch: &'a RecordBatch, metric: Metric) -> Result<Self, CostsFault> {
        let name = match metric {
            Metric::Unblended => "line_item_unblended_cost",
            Metric::Net => "line_item_net_unblended_cost",
            Metric::Amortized => return Ok(Self::Amortized(AmortizedColumns::of(batch))),
        };
        let column =
            batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Decimal128Type>());
        column.map(Self::Column).ok_or(CostsFault::Column(name))
    }

    fn at(&self, row: usize) -> Cost {
        match self {
            Self::Column(column) if column.is_null(row) => Cost::None,
            Self::Column(column) => Cost::Is(Amount::from_units(column.value(row))),
            Self::Amortized(columns) => columns.parts(row).cost().map_or(Cost::TooLarge, Cost::Is),
        }
    }
}

/// The group of a row.
enum Keys<'a> {
    Text(&'a StringArray),
    Day(&'a TimestampMicrosecondArray),
    Tag(&'a MapArray, &'a StringArray, &'a StringArray, &'a str),
}

enum Key<'a> {
    None,
    Day(i64),
    Text(&'a str),
}

impl<'a> Keys<'a> {
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
            GroupBy::Tag(key) => {
                let name = "resource_tags";
                let maps = batch.column_by_name(name).and_then(|column| column.as_map_opt());
                let parts = maps.and_then(|maps| {
                    Some((maps, maps.keys().as_string_opt()?, maps.values().as_string_opt()?))
                });
                let (maps, keys, values) = parts.ok_or(CostsFault::Column(name))?;
                return Ok(Self::Tag(maps, keys, values, key));
            }
        };
        text(batch, name).map(Self::Text)
    }

    fn at(&self, row: usize) -> Key<'a> {
        match self {
            Self::Text(column) => value(column, row).map_or(Key::None, Key::Text),
            Self::Day(column) if column.is_null(row) => Key::None,
            Self::Day(column) => Key::Day(column.value(row).div_euclid(MICROSECONDS_A_DAY)),
            Self::Tag(maps, keys, values, wanted) => {
                let offsets = maps.value_offsets();
                let [from, to] = [offsets[row], offsets[row + 1]].map(|at| usize::try_from(at).unwrap_or(0));
                let found = (from..to).find(|&at| keys.value(at) == *wanted && values.is_valid(at));
                found.map_or(Key::None, |at| Key::Text(values.value(at)))
            }
        }
    }
}
