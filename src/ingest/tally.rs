//! What a load knows about its rows: totals, who pays, whose usage, which period. Computed from what was read back.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use arrow::{
    array::{Array, AsArray, Decimal128Array, StringArray, TimestampMicrosecondArray},
    datatypes::{Decimal128Type, TimestampMicrosecondType},
    record_batch::RecordBatch,
};
use jiff::Timestamp;

use crate::{
    model::{Amount, CurrencyTotals},
    schema::amortized::{AmortizedColumns, AmortizedParts, NoCost, RESERVATION},
};

/// The columns that are summed and compared with the source: everything a total is made of.
pub const SUMMED: [&str; 9] = [
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "reservation_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "line_item_usage_amount",
];

/// What rows are summed by. A missing value counts as the empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LineKey {
    /// `line_item_currency_code`.
    pub currency: String,
    /// `line_item_line_item_type`; an open set.
    pub line_type: String,
}

/// Sum of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Rows that have a value.
    pub values: u64,
    /// Their sum.
    pub total: Amount,
}

impl Sum {
    /// Adds one value; `None` past 38 digits.
    pub fn add(&mut self, value: Amount) -> Option<()> {
        self.values += 1;
        self.total = self.total.checked_add(value)?;
        Some(())
    }
}

/// Rows and sums of one currency and line type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineSums {
    /// Rows.
    pub rows: u64,
    /// Sums in the order of [`SUMMED`].
    pub sums: [Sum; SUMMED.len()],
}

/// Rows and sums of one source file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileTally {
    /// By currency and line type.
    pub lines: BTreeMap<LineKey, LineSums>,
}

impl FileTally {
    /// Rows of the file.
    pub fn rows(&self) -> u64 {
        self.lines.values().map(|line| line.rows).sum()
    }
}

/// Why a tally stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TallyFault {
    /// A batch without one of [`Tally::COLUMNS`], or with another type.
    #[error("the rows read back have no column {0} of the right type")]
    Column(&'static str),
    /// A sum that no decimal(38,18) holds.
    #[error("the sum of {0} has more than 20 integer digits")]
    TooLarge(&'static str),
}

/// A set of texts that stops growing: who pays, whose usage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The texts, at most [`Seen::MOST`].
    pub values: BTreeSet<String>,
    /// True if there were more.
    pub more: bool,
}

impl Seen {
    /// How many are kept: more accounts than an organization may have by default.
    pub const MOST: usize = 20_000;

    fn insert(&mut self, value: &str) {
        if !self.values.contains(value) {
            if self.values.len() < Self::MOST {
                self.values.insert(value.to_owned());
            } else {
                self.more = true;
            }
        }
    }
}

/// Everything a load knows about its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows and sums, by source file.
    pub files: Vec<FileTally>,
    /// Totals by currency.
    pub currencies: BTreeMap<String, CurrencyTotals>,
    /// `bill_payer_account_id`; the empty text stands for rows without.
    pub payers: Seen,
    /// `line_item_usage_account_id`; the empty text stands for rows without.
    pub usage_accounts: Seen,
    /// `bill_billing_period_start_date`, at most [`Tally::MOST_PERIODS`]; `None` stands for rows without.
    pub period_starts: BTreeSet<Option<Timestamp>>,
    anniversary_rows: u64,
    without_invoice: u64,
    /// Source files whose fees don't say whether they are of a reservation.
    unnamed: BTreeSet<usize>,
}

impl Tally {
    /// The columns that a batch must have, beside which it may have others.
    pub const COLUMNS: [&'static str; 8 + SUMMED.len()] = [
        "line_item_currency_code",
        "line_item_line_item_type",
        "reservation_reservation_a_r_n",
        "bill_payer_account_id",
        "line_item_usage_account_id",
        "bill_billing_period_start_date",
        "bill_bill_type",
        "bill_invoice_id",
        SUMMED[0],
        SUMMED[1],
        SUMMED[2],
        SUMMED[3],
        SUMMED[4],
        SUMMED[5],
        SUMMED[6],
        SUMMED[7],
        SUMMED[8],
    ];
    /// How many period starts are kept: a bill has one.
    pub const MOST_PERIODS: usize = 100;

    /// An empty tally of so many source files.
    pub fn new(files: usize) -> Self {
        Self { files: vec![FileTally::default(); files], ..Self::default() }
    }

    /// Says that a source file has no column for the reservation, before its rows are added: no fee of it has an
    /// amortized cost then.
    pub fn names_no_reservation(&mut self, file: usize) {
        self.unnamed.insert(file);
    }

    /// Adds the rows of a batch that come from the source file with this index.
    ///
    /// # Errors
    /// [`TallyFault`]: a column is not there, or a sum passes 38 digits.
    pub fn add(&mut self, file: usize, batch: &RecordBatch) -> Result<(), TallyFault> {
        let columns = Columns::of(batch)?;
        if self.files.len() <= file {
            self.files.resize(file + 1, FileTally::default());
        }
        // Rows come in long runs of one currency and type.
        let mut start = 0;
        while start < columns.rows {
            let key = columns.key(start);
            let end = (start + 1..columns.rows).find(|row| columns.key(*row) != key).unwrap_or(columns.rows);
            self.add_run(file, key, &columns, start..end)?;
            start = end;
        }
        for row in 0..columns.rows {
            self.note(&columns, row);
        }
        Ok(())
    }

    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        self.currencies.values().map(|totals| totals.rows).sum()
    }

    /// True if there are rows of type Anniversary and every one carries an invoice id.
    pub fn invoiced(&self) -> bool {
        self.anniversary_rows > 0 && self.without_invoice == 0
    }

    fn add_run(
        &mut self,
        file: usize,
        (currency, line_type): (&str, &str),
        columns: &Columns<'_>,
        rows: Range<usize>,
    ) -> Result<(), TallyFault> {
        let key = LineKey { currency: currency.to_owned(), line_type: line_type.to_owned() };
        let line = self.files[file].lines.entry(key).or_default();
        line.rows += rows.len() as u64;
        for (column, sum) in line.sums.iter_mut().enumerate() {
            for row in rows.clone() {
                if let Some(value) = columns.sum(column, row) {
                    sum.add(value).ok_or(TallyFault::TooLarge(SUMMED[column]))?;
                }
            }
        }
        let totals = self.currencies.entry(currency.to_owned()).or_default();
        totals.rows += rows.len() as u64;
        let names_reservations = !self.unnamed.contains(&file);
        for row in rows {
            match columns.sum(UNBLENDED, row) {
                Some(cost) => totals.unblended = sum_of(SUMMED[UNBLENDED], totals.unblended, cost)?,
                None => totals.rows_without.get_or_insert_default().unblended += 1,
            }
            match columns.sum(NET_UNBLENDED, row) {
                Some(cost) => {
                    let so_far = totals.net_unblended.unwrap_or_default();
                    totals.net_unblended = Some(sum_of(SUMMED[NET_UNBLENDED], so_far, cost)?);
                }
                None => totals.rows_without.get_or_insert_default().net_unblended += 1,
            }
            add_amortized(totals, &columns.amortized.parts(row), names_reservations)?;
        }
        Ok(())
    }

    fn note(&mut self, columns: &Columns<'_>, row: usize) {
        self.payers.insert(text(columns.payer, row));
        self.usage_accounts.insert(text(columns.usage_account, row));
        let start = columns.period_start;
        let start = start.is_valid(row).then(|| Timestamp::from_microsecond(start.value(row)).ok()).flatten();
        if self.period_starts.len() < Self::MOST_PERIODS {
            self.period_starts.insert(start);
        }
        if text(columns.bill_type, row) == "Anniversary" {
            self.anniversary_rows += 1;
            self.without_invoice += u64::from(text(columns.invoice, row).is_empty());
        }
    }
}

const UNBLENDED: usize = 0;
const NET_UNBLENDED: usize = 1;

fn sum_of(column: &'static str, left: Amount, right: Amount) -> Result<Amount, TallyFault> {
    left.checked_add(right).ok_or(TallyFault::TooLarge(column))
}

/// Adds a row to the amortized sum, which is gone for good with the first row that has no such cost.
fn add_amortized(
    totals: &mut CurrencyTotals,
    parts: &AmortizedParts<'_>,
    names_reservations: bool,
) -> Result<(), TallyFault> {
    const COST: &str = "the amortized cost";
    let without = &mut totals.rows_without.get_or_insert_default().amortized;
    match parts.cost() {
        Err(NoCost::TooLarge) => return Err(TallyFault::TooLarge(COST)),
        Ok(cost) if names_reservations || !parts.may_be_upfront() => {
            if *without == 0 {
                totals.amortized = Some(sum_of(COST, totals.amortized.unwrap_or_default(), cost)?);
            }
        }
        Ok(_) | Err(NoCost::Lacking) => {
            *without += 1;
            totals.amortized = None;
        }
    }
    Ok(())
}

fn text(column: &StringArray, row: usize) -> &str {
    if column.is_valid(row) { column.value(row) } else { "" }
}

/// The columns of a batch that a tally reads.
struct Columns<'a> {
    rows: usize,
    currency: &'a StringArray,
    line_type: &'a StringArray,
    amortized: AmortizedColumns<'a>,
    payer: &'a StringArray,
    usage_account: &'a StringArray,
    period_start: &'a TimestampMicrosecondArray,
    bill_type: &'a StringArray,
    invoice: &'a StringArray,
    sums: [&'a Decimal128Array; SUMMED.len()],
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, TallyFault> {
        let column = |name: &'static str| batch.column_by_name(name).ok_or(TallyFault::Column(name));
        let text = |name| column(name)?.as_string_opt::<i32>().ok_or(TallyFault::Column(name));
        let amount =
            |name| column(name)?.as_primitive_opt::<Decimal128Type>().ok_or(TallyFault::Column(name));
        let start = "bill_billing_period_start_date";
        let [unblended, net, effective, commitment, used, reserved, upfront, recurring, usage] = SUMMED;
        Ok(Self {
            rows: batch.num_rows(),
            currency: text("line_item_currency_code")?,
            line_type: text("line_item_line_item_type")?,
            // The formula takes a column that is absent, or of another type, as NULL; here that is a fault.
            amortized: text(RESERVATION).map(|_| AmortizedColumns::of(batch))?,
            payer: text("bill_payer_account_id")?,
            usage_account: text("line_item_usage_account_id")?,
            period_start: column(start)?
                .as_primitive_opt::<TimestampMicrosecondType>()
                .ok_or(TallyFault::Column(start))?,
            bill_type: text("bill_bill_type")?,
            invoice: text("bill_invoice_id")?,
            sums: [
                amount(unblended)?,
                amount(net)?,
                amount(effective)?,
                amount(commitment)?,
                amount(used)?,
                amount(reserved)?,
                amount(upfront)?,
                amount(recurring)?,
                amount(usage)?,
            ],
        })
    }

    fn key(&self, row: usize) -> (&'a str, &'a str) {
        (text(self.currency, row), text(self.line_type, row))
    }

    fn sum(&self, column: usize, row: usize) -> Option<Amount> {
        let column = self.sums[column];
        column.is_valid(row).then(|| Amount::from_units(column.value(row)))
    }
}

#[cfg(test)]
mod tests;
