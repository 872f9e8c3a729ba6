//! What a bill adds up to: exact sums of the amounts that were written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::compose::Bill;
use super::fold::fold;
use super::names::Measure;
use super::rows::Row;
use super::spec::{BillSpec, instant};
use super::stream::LineType;

/// Tags that totals are given for: those with few values.
const TOTALLED_TAGS: [&str; 3] = ["user:env", "user:team", "user:cost-center"];

/// The totals of one bill in one dialect. Sums are canonical decimal texts: no exponent, no
/// trailing zeros, `0` for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Data rows in all files.
    pub rows: u64,
    /// By currency code; currencies are never added up.
    pub per_currency: BTreeMap<String, CurrencyTotals>,
    /// In the order of delivery.
    pub per_file: Vec<FileTotals>,
}

/// The totals of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrencyTotals {
    /// Data rows in this currency.
    pub rows: u64,
    /// Sum of `line_item_unblended_cost`.
    pub unblended: String,
    /// Sum of `line_item_net_unblended_cost`, empty fields as nothing.
    pub net_unblended: String,
    /// Sum of `line_item_blended_cost`, empty fields as nothing.
    pub blended: String,
    /// Sum of the amortised cost by AWS's rule for each line item type.
    pub amortized: String,
    /// By `line_item_line_item_type`.
    pub by_line_type: BTreeMap<String, Sums>,
    /// By `line_item_product_code`.
    pub by_service: BTreeMap<String, Sums>,
    /// By `line_item_usage_account_id`.
    pub by_account: BTreeMap<String, Sums>,
    /// By the UTC day on which usage started, `YYYY-MM-DD`.
    pub by_day: BTreeMap<String, Sums>,
    /// By folded tag key (`user_team`) and value; rows without the tag are under the empty value.
    pub by_tag: BTreeMap<String, BTreeMap<String, Sums>>,
}

/// Sums of a group of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    /// Rows of the group.
    pub rows: u64,
    /// Sum of `line_item_unblended_cost`.
    pub unblended: String,
    /// Sum of `line_item_net_unblended_cost`.
    pub net_unblended: String,
    /// Sum of `line_item_blended_cost`.
    pub blended: String,
    /// Sum of the amortised cost.
    pub amortized: String,
}

/// The totals of one data file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileTotals {
    /// The file's key in the bucket.
    pub key: String,
    /// Data rows in the file.
    pub rows: u64,
    /// Size of the object as stored, in bytes.
    pub bytes: u64,
    /// Sum of `line_item_unblended_cost` by currency.
    pub unblended: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    rows: u64,
    unblended: Amount,
    net_unblended: Amount,
    blended: Amount,
    amortized: Amount,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.unblended += other.unblended;
        self.net_unblended += other.net_unblended;
        self.blended += other.blended;
        self.amortized += other.amortized;
    }

    fn printed(&self) -> Sums {
        Sums {
            rows: self.rows,
            unblended: self.unblended.to_string(),
            net_unblended: self.net_unblended.to_string(),
            blended: self.blended.to_string(),
            amortized: self.amortized.to_string(),
        }
    }
}

/// Adds up rows as they are written: by stream, whose rows agree in every text, and by day.
pub(super) struct Summing<'a> {
    spec: &'a BillSpec,
    bill: &'a Bill,
    reservation: Option<u16>,
    by_stream: Vec<Sum>,
    by_day: BTreeMap<(usize, i64), Sum>,
    of_file: Vec<Sum>,
    files: Vec<FileTotals>,
}

impl<'a> Summing<'a> {
    pub(super) fn new(spec: &'a BillSpec, bill: &'a Bill) -> Self {
        Self {
            spec,
            bill,
            reservation: bill.catalogue.field("reservation/ReservationARN"),
            by_stream: vec![Sum::default(); bill.streams.len()],
            by_day: BTreeMap::new(),
            of_file: vec![Sum::default(); spec.currencies.len()],
            files: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: &Row<'_>) {
        let sum = Sum {
            rows: 1,
            unblended: row.amounts.or_zero(Measure::Unblended),
            net_unblended: row.amounts.or_zero(Measure::NetUnblended),
            blended: row.amounts.or_zero(Measure::Blended),
            amortized: amortized(row, self.reservation),
        };
        self.by_stream[row.place].add(&sum);
        self.of_file[row.stream.currency].add(&sum);
        let day = row.start.div_euclid(86_400);
        self.by_day.entry((row.stream.currency, day)).or_default().add(&sum);
    }

    /// Closes a file: what was added since the last one is in it.
    pub(super) fn file(&mut self, key: &str, bytes: u64) {
        let sums = std::mem::replace(&mut self.of_file, vec![Sum::default(); self.spec.currencies.len()]);
        let with_rows = self.spec.currencies.iter().zip(&sums).filter(|(_, sum)| sum.rows > 0);
        self.files.push(FileTotals {
            key: key.to_owned(),
            rows: sums.iter().map(|sum| sum.rows).sum(),
            bytes,
            unblended: with_rows.map(|(code, sum)| (code.clone(), sum.unblended.to_string())).collect(),
        });
    }

    pub(super) fn finish(self) -> Totals {
        let mut totals = Totals { rows: self.files.iter().map(|file| file.rows).sum(), ..Totals::default() };
        for (currency, code) in self.spec.currencies.iter().enumerate() {
            let mine = || {
                self.bill
                    .streams
                    .iter()
                    .zip(&self.by_stream)
                    .filter(move |(stream, sum)| stream.currency == currency && sum.rows > 0)
            };
            let mut all = Sum::default();
            mine().for_each(|(_, sum)| all.add(sum));
            if all.rows == 0 {
                continue;
            }
            let service = self.bill.catalogue.field("lineItem/ProductCode");
            let all = all.printed();
            let currency_totals = CurrencyTotals {
                rows: all.rows,
                unblended: all.unblended,
                net_unblended: all.net_unblended,
                blended: all.blended,
                amortized: all.amortized,
                by_line_type: grouped(mine().map(|(stream, sum)| (stream.line.name(), sum))),
                by_service: grouped(mine().map(|(stream, sum)| {
                    (service.and_then(|field| stream.texts.get(field)).unwrap_or(""), sum)
                })),
                by_account: grouped(
                    mine().map(|(stream, sum)| (self.spec.accounts()[stream.account].as_str(), sum)),
                ),
                by_day: self.days(currency),
                by_tag: TOTALLED_TAGS
                    .iter()
                    .map(|tag| {
                        let field = self.bill.catalogue.field(&format!("resourceTags/{tag}"));
                        let by_value = grouped(mine().map(|(stream, sum)| {
                            (field.and_then(|field| stream.texts.get(field)).unwrap_or(""), sum)
                        }));
                        (fold(tag), by_value)
                    })
                    .collect(),
            };
            totals.per_currency.insert(code.clone(), currency_totals);
        }
        totals.per_file = self.files;
        totals
    }

    fn days(&self, currency: usize) -> BTreeMap<String, Sums> {
        let mine = self.by_day.range((currency, i64::MIN)..=(currency, i64::MAX));
        mine.map(|((_, day), sum)| (instant(day * 86_400)[..10].to_owned(), sum.printed())).collect()
    }
}

fn grouped<'a>(rows: impl Iterator<Item = (&'a str, &'a Sum)>) -> BTreeMap<String, Sums> {
    let mut groups: BTreeMap<&str, Sum> = BTreeMap::new();
    for (group, sum) in rows {
        groups.entry(group).or_default().add(sum);
    }
    groups.into_iter().map(|(group, sum)| (group.to_owned(), sum.printed())).collect()
}

/// The amortised cost of a row, by its type.
fn amortized(row: &Row<'_>, reservation: Option<u16>) -> Amount {
    let amount = |measure| row.amounts.or_zero(measure);
    match row.stream.line {
        LineType::SavingsPlanCoveredUsage => amount(Measure::SpEffective),
        LineType::SavingsPlanRecurringFee => {
            amount(Measure::SpTotalCommitment) - amount(Measure::SpUsedCommitment)
        }
        LineType::SavingsPlanNegation | LineType::SavingsPlanUpfrontFee => Amount::ZERO,
        LineType::DiscountedUsage => amount(Measure::RiEffective),
        LineType::RIFee => amount(Measure::RiUnusedAmortizedUpfront) + amount(Measure::RiUnusedRecurring),
        LineType::Fee if reservation.is_some_and(|field| row.stream.texts.get(field).is_some()) => {
            Amount::ZERO
        }
        _ => amount(Measure::Unblended),
    }
}
