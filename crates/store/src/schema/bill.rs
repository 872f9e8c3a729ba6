//! The columns that make rows a bill: what they are summed by, which amounts count, and whose they are.

/// A column, and its header in a legacy report. Written out beside the contract file, for the independent decoder: a
/// mistake there can't hide here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpelledColumn {
    /// In the table and in reports of today.
    pub name: &'static str,
    /// In legacy reports.
    pub legacy: &'static str,
}

impl SpelledColumn {
    /// A column under its two names.
    pub const fn new(name: &'static str, legacy: &'static str) -> Self {
        Self { name, legacy }
    }
}

/// Which columns of a table a load is tallied by.
#[derive(Debug)]
pub struct BillColumns {
    /// The currency, which sums are kept apart by.
    pub currency: SpelledColumn,
    /// The type of a line, which sums are kept apart by.
    pub line_type: SpelledColumn,
    /// The amounts that are summed and compared with the source: everything a total is made of.
    pub summed: &'static [SpelledColumn],
    /// What the invoice says; one of the summed columns.
    pub unblended: &'static str,
    /// The cost after discounts, where the table has one; one of the summed columns.
    pub net_unblended: Option<&'static str>,
    /// Where the amortized cost comes from.
    pub amortized: AmortizedSource,
    /// Who pays.
    pub payer: &'static str,
    /// Whose usage it is.
    pub usage_account: &'static str,
    /// The time the bill begins.
    pub period_start: &'static str,
    /// What says that a bill is invoiced, where rows do.
    pub invoice: Option<InvoiceColumns>,
    /// The columns that a report may lack and then has no net or no amortized figure for some of its rows.
    pub optional: &'static [&'static str],
}

/// Where a row's amortized cost comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmortizedSource {
    /// The formula by line type of [`super::amortized`].
    ByLineType,
    /// A column that holds it.
    Column(&'static str),
}

/// The columns that say that a bill is invoiced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceColumns {
    /// The kind of bill: only a month's own counts, which is called `Anniversary`.
    pub bill_type: &'static str,
    /// The invoice's number.
    pub invoice_id: &'static str,
}

impl BillColumns {
    /// The columns the independent decoder looks for: currency, line type, then the summed ones.
    pub fn spelled(&self) -> impl Iterator<Item = SpelledColumn> {
        [self.currency, self.line_type].into_iter().chain(self.summed.iter().copied())
    }

    /// The columns that a tally reads, each once.
    pub fn tallied(&self) -> Vec<&'static str> {
        let mut columns: Vec<&'static str> = self.spelled().map(|column| column.name).collect();
        columns.extend([self.payer, self.usage_account, self.period_start]);
        columns.extend(self.invoice.iter().flat_map(|invoice| [invoice.bill_type, invoice.invoice_id]));
        match self.amortized {
            AmortizedSource::ByLineType => columns.push(super::amortized::RESERVATION),
            AmortizedSource::Column(column) => columns.push(column),
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}
