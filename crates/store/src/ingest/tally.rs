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
    schema::{
        AmortizedSource, InvoiceColumns, TableContract,
        amortized::{AmortizedColumns, NoCost, RESERVATION},
    },
};

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
pub struct LineSum {
    /// Rows that have a value.
    pub values: u64,
    /// Their sum.
    pub total: Amount,
}

impl LineSum {
    /// Adds one value; `None` past 38 digits.
    pub fn add(&mut self, value: Amount) -> Option<()> {
        self.values += 1;
        self.total = self.total.checked_add(value)?;
        Some(())
    }
}

/// Rows and sums of one currency and line type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineSums {
    /// Rows.
    pub rows: u64,
    /// Sums, in the order of the table's summed columns.
    pub sums: Box<[LineSum]>,
}

impl LineSums {
    /// No rows, and as many sums as columns are summed.
    pub fn new(columns: usize) -> Self {
        Self { rows: 0, sums: vec![LineSum::default(); columns].into() }
    }
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
    /// A batch without one of the columns that are tallied, or with another type.
    #[error("the rows read back have no column {0} of the right type")]
    Column(&'static str),
    /// A sum that no decimal(38,18) holds.
    #[error("the sum of {0} has more than 20 integer digits")]
    TooLarge(&'static str),
}

/// A set of texts that stops growing: who pays, whose usage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenRows {
    /// The texts, at most [`SeenRows::MOST`].
    pub values: BTreeSet<String>,
    /// True if there were more.
    pub more: bool,
}

impl SeenRows {
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    table: &'static TableContract,
    /// Rows and sums, by source file.
    pub files: Vec<FileTally>,
    /// Totals by currency.
    pub currencies: BTreeMap<String, CurrencyTotals>,
    /// The payers; the empty text stands for rows without.
    pub payers: SeenRows,
    /// The accounts whose usage it is; the empty text stands for rows without.
    pub usage_accounts: SeenRows,
    /// When the bill begins, at most [`Tally::MOST_PERIODS`]; `None` stands for rows without.
    pub period_starts: BTreeSet<Option<Timestamp>>,
    anniversary_rows: u64,
    without_invoice: u64,
    /// Source files whose fees don't say whether they are of a reservation.
    unnamed: BTreeSet<usize>,
}

impl Tally {
    /// How many period starts are kept: a bill has one.
    pub const MOST_PERIODS: usize = 100;

    /// An empty tally of so many source files of a table's rows. A batch must have the columns
    /// [`BillColumns::tallied`](crate::schema::BillColumns::tallied), beside which it may have others.
    pub fn new(table: &'static TableContract, files: usize) -> Self {
        Self {
            table,
            files: vec![FileTally::default(); files],
            currencies: BTreeMap::new(),
            payers: SeenRows::default(),
            usage_accounts: SeenRows::default(),
            period_starts: BTreeSet::new(),
            anniversary_rows: 0,
            without_invoice: 0,
            unnamed: BTreeSet::new(),
        }
    }

    /// The table whose rows these are.
    pub fn table(&self) -> &'static TableContract {
        self.table
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
        let columns = Columns::of(self.table, batch)?;
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
        let (bill, summed) = (&self.table.bill, self.table.bill.summed);
        let line = self.files[file].lines.entry(key).or_insert_with(|| LineSums::new(summed.len()));
        line.rows += rows.len() as u64;
        for (column, sum) in line.sums.iter_mut().enumerate() {
            for row in rows.clone() {
                if let Some(value) = amount(columns.sums[column], row) {
                    sum.add(value).ok_or(TallyFault::TooLarge(summed[column].name))?;
                }
            }
        }
        let totals = self.currencies.entry(currency.to_owned()).or_default();
        totals.rows += rows.len() as u64;
        let names_reservations = !self.unnamed.contains(&file);
        for row in rows {
            match amount(columns.unblended, row) {
                Some(cost) => totals.unblended = sum_of(bill.unblended, totals.unblended, cost)?,
                None => totals.rows_without.get_or_insert_default().unblended += 1,
            }
            match columns.net_unblended.and_then(|column| amount(column, row)) {
                Some(cost) => {
                    let so_far = totals.net_unblended.unwrap_or_default();
                    totals.net_unblended =
                        Some(sum_of(bill.net_unblended.unwrap_or("the net cost"), so_far, cost)?);
                }
                None => totals.rows_without.get_or_insert_default().net_unblended += 1,
            }
            add_amortized(totals, columns.amortized.cost(row, names_reservations))?;
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
        if let Some((bill_type, invoice)) = columns.invoice
            && text(bill_type, row) == "Anniversary"
        {
            self.anniversary_rows += 1;
            self.without_invoice += u64::from(text(invoice, row).is_empty());
        }
    }
}

fn sum_of(column: &'static str, left: Amount, right: Amount) -> Result<Amount, TallyFault> {
    left.checked_add(right).ok_or(TallyFault::TooLarge(column))
}

/// Adds a row to the amortized sum, which is gone for good with the first row that has no such cost.
fn add_amortized(totals: &mut CurrencyTotals, cost: Result<Amount, NoCost>) -> Result<(), TallyFault> {
    const COST: &str = "the amortized cost";
    let without = &mut totals.rows_without.get_or_insert_default().amortized;
    match cost {
        Err(NoCost::TooLarge) => return Err(TallyFault::TooLarge(COST)),
        Ok(_) if *without > 0 => {}
        Ok(cost) => totals.amortized = Some(sum_of(COST, totals.amortized.unwrap_or_default(), cost)?),
        Err(NoCost::Lacking) => {
            *without += 1;
            totals.amortized = None;
        }
    }
    Ok(())
}

fn text(column: &StringArray, row: usize) -> &str {
    if column.is_valid(row) { column.value(row) } else { "" }
}

fn amount(column: &Decimal128Array, row: usize) -> Option<Amount> {
    column.is_valid(row).then(|| Amount::from_units(column.value(row)))
}

/// The columns of a batch that a tally reads, looked up once.
struct Columns<'a> {
    rows: usize,
    currency: &'a StringArray,
    line_type: &'a StringArray,
    unblended: &'a Decimal128Array,
    net_unblended: Option<&'a Decimal128Array>,
    amortized: Amortized<'a>,
    payer: &'a StringArray,
    usage_account: &'a StringArray,
    period_start: &'a TimestampMicrosecondArray,
    /// The kind of bill, and the invoice's id.
    invoice: Option<(&'a StringArray, &'a StringArray)>,
    sums: Vec<&'a Decimal128Array>,
}

/// Where a batch has the amortized costs of its rows.
enum Amortized<'a> {
    Formula(AmortizedColumns<'a>),
    Column(&'a Decimal128Array),
}

impl Amortized<'_> {
    /// A row's cost. A fee may have been paid ahead for a reservation, and then has none; where the file names no
    /// reservations, that can't be told.
    fn cost(&self, row: usize, names_reservations: bool) -> Result<Amount, NoCost> {
        match self {
            Self::Column(column) => amount(column, row).ok_or(NoCost::Lacking),
            Self::Formula(columns) => {
                let parts = columns.parts(row);
                match parts.cost() {
                    Ok(_) if !names_reservations && parts.may_be_upfront() => Err(NoCost::Lacking),
                    cost => cost,
                }
            }
        }
    }
}

impl<'a> Columns<'a> {
    fn of(table: &TableContract, batch: &'a RecordBatch) -> Result<Self, TallyFault> {
        let bill = &table.bill;
        let column = |name: &'static str| batch.column_by_name(name).ok_or(TallyFault::Column(name));
        let text = |name| column(name)?.as_string_opt::<i32>().ok_or(TallyFault::Column(name));
        let amounts =
            |name| column(name)?.as_primitive_opt::<Decimal128Type>().ok_or(TallyFault::Column(name));
        let start = bill.period_start;
        let invoice = |columns: InvoiceColumns| Ok((text(columns.bill_type)?, text(columns.invoice_id)?));
        Ok(Self {
            rows: batch.num_rows(),
            currency: text(bill.currency.name)?,
            line_type: text(bill.line_type.name)?,
            unblended: amounts(bill.unblended)?,
            net_unblended: bill.net_unblended.map(amounts).transpose()?,
            amortized: match bill.amortized {
                AmortizedSource::Column(column) => Amortized::Column(amounts(column)?),
                // The formula takes a column that is absent, or of another type, as NULL; here that is a fault.
                AmortizedSource::ByLineType => {
                    text(RESERVATION).map(|_| Amortized::Formula(AmortizedColumns::of(batch)))?
                }
            },
            payer: text(bill.payer)?,
            usage_account: text(bill.usage_account)?,
            period_start: column(start)?
                .as_primitive_opt::<TimestampMicrosecondType>()
                .ok_or(TallyFault::Column(start))?,
            invoice: bill.invoice.map(invoice).transpose()?,
            sums: bill.summed.iter().map(|column| amounts(column.name)).collect::<Result<_, _>>()?,
        })
    }

    fn key(&self, row: usize) -> (&'a str, &'a str) {
        (text(self.currency, row), text(self.line_type, row))
    }
}

#[cfg(test)]
mod tests;
