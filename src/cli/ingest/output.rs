//! What `awscost ingest` prints: a table for people, a JSON object a period for programs.

use std::path::PathBuf;

use crate::{
    cli::terminal::{
        format::TextOrJson,
        print::{complain, print_out},
        table::{self, Align},
    },
    ingest::{
        fault::LoadFault,
        outcome::{EndedPeriod, exit_code, termination_message},
    },
    model::PeriodReport,
    schema::amortized::AMORTIZED_COLUMNS,
};

/// Where results go.
pub(super) struct Output {
    format: TextOrJson,
    termination_log: Option<PathBuf>,
}

impl Output {
    pub fn new(format: TextOrJson, termination_log: Option<PathBuf>) -> Self {
        Self { format, termination_log }
    }

    /// A period ended. JSON is printed at once, so that a reader sees the newest period first and soon.
    pub fn report_period(&self, ended: &EndedPeriod) {
        if self.format == TextOrJson::Json {
            let line = serde_json::to_string(&ended.report).expect("a report of text and numbers");
            print_out(&format!("{line}\n"));
        }
    }

    /// The command ended before it knew of any period.
    pub fn without_period(&self, fault: &LoadFault) {
        complain(&fault.to_string());
    }

    /// All periods ended.
    pub fn write_summary(&self, ended: &[EndedPeriod]) {
        if self.format == TextOrJson::Text {
            print_out(&render_json(ended));
        }
        let exit = exit_code(ended);
        // A Job loads one period; of several, the one that decides the exit code is told of.
        let told = ended.iter().find(|ended| ended.exit == exit);
        if let (Some(path), Some(told)) = (&self.termination_log, told)
            && let Err(error) = std::fs::write(path, termination_message(&told.report))
        {
            tracing::warn!(path = %path.display(), error = %error.kind(), "the termination log could not be written");
        }
    }
}

/// What a bill's figures lack, a sentence each.
fn list_lacks(report: &PeriodReport) -> Vec<String> {
    let mut lines = Vec::new();
    for (currency, totals) in &report.totals {
        let (rows, without) = (totals.rows, totals.rows_without.unwrap_or_default());
        let mut tell = |count: u64, figure: &str, so: &str| {
            if count > 0 {
                lines.push(format!("{count} of {rows} {currency} rows have no {figure}, {so}"));
            }
        };
        tell(without.unblended, "unblended cost", "and count as nothing");
        tell(
            without.amortized,
            "amortized cost, so the bill has no such total",
            amortized_remedy(report).as_str(),
        );
        // Most bills have no net costs at all, and say so by having no such sum.
        if totals.net_unblended.is_some() {
            tell(without.net_unblended, "net unblended cost", "and count as zero in that sum");
        }
    }
    lines
}

/// Why rows have no amortized cost, and what to do.
fn amortized_remedy(report: &PeriodReport) -> String {
    let missing: Vec<&str> = report
        .missing_columns
        .iter()
        .map(String::as_str)
        .filter(|column| AMORTIZED_COLUMNS.contains(column))
        .collect();
    if missing.is_empty() {
        return "because cells that it is computed from are empty".to_owned();
    }
    format!("because the report lacks {}. Add these columns to the export", missing.join(", "))
}

/// One line a period and currency, then a sentence for each period that did not go well or that lacks a figure.
fn render_json(ended: &[EndedPeriod]) -> String {
    let columns = [
        ("PERIOD", Align::Left),
        ("OUTCOME", Align::Left),
        ("FILES", Align::Right),
        ("ROWS", Align::Right),
        ("CURRENCY", Align::Left),
        ("UNBLENDED", Align::Right),
        ("VERSION", Align::Left),
    ];
    let mut lines = Vec::new();
    for EndedPeriod { report, .. } in ended {
        let version = report.manifest.as_ref().map_or("-", |version| version.short());
        let line = |rows: u64, currency: &str, unblended: String| {
            vec![
                report.period.to_string(),
                report.outcome.to_string(),
                report.files.to_string(),
                rows.to_string(),
                currency.to_owned(),
                unblended,
                version.to_owned(),
            ]
        };
        if report.totals.is_empty() {
            lines.push(line(report.rows, "-", "-".to_owned()));
        }
        for (currency, totals) in &report.totals {
            lines.push(line(totals.rows, currency, totals.unblended.to_string()));
        }
    }
    let mut text = table::render_table(&columns, &lines);
    for EndedPeriod { report, .. } in ended {
        if let Some(message) = &report.message {
            text.push_str(&format!("{}: {message}\n", report.period));
        }
        for line in list_lacks(report) {
            text.push_str(&format!("{}: {line}\n", report.period));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{CurrencyTotals, RowsWithout},
        report::ReportFault,
    };

    #[test]
    fn a_bill_that_lacks_a_figure_says_which_rows_and_which_columns() {
        let period = "2026-10".parse().expect("a period");
        let mut ended =
            EndedPeriod::fault(period, None, None, &ReportFault::NoManifest { period, seen: None }.into());
        ended.report.message = None;
        let rows_without = Some(RowsWithout { amortized: 4, net_unblended: 6, ..RowsWithout::default() });
        let totals = CurrencyTotals { rows: 6, rows_without, ..CurrencyTotals::default() };
        ended.report.totals.insert("USD".to_owned(), totals);
        ended.report.missing_columns =
            ["line_item_net_unblended_cost", "reservation_effective_cost"].map(str::to_owned).to_vec();
        let text = render_json(&[ended]);
        let told = "2026-10: 4 of 6 USD rows have no amortized cost, so the bill has no such total, because the report lacks \
                    reservation_effective_cost. Add these columns to the export\n";
        assert!(text.ends_with(told), "{text}");
        assert_eq!(text.lines().count(), 3, "a bill without net costs is an ordinary one: {text}");
    }

    #[test]
    fn the_table_has_a_line_for_each_currency_and_a_sentence_for_each_fault() {
        let period = "2026-10".parse().expect("a period");
        let missing =
            EndedPeriod::fault(period, None, None, &ReportFault::NoManifest { period, seen: None }.into());
        let mut loaded = missing.clone();
        loaded.report.message = None;
        for (currency, unblended) in [("EUR", "1.5"), ("USD", "-1234.000000000000000001")] {
            let unblended = unblended.parse().expect("an amount");
            let totals = CurrencyTotals { rows: 3, unblended, ..CurrencyTotals::default() };
            loaded.report.totals.insert(currency.to_owned(), totals);
        }
        assert_eq!(
            render_json(&[loaded, missing]),
            "PERIOD   OUTCOME  FILES  ROWS  CURRENCY                 UNBLENDED  VERSION\n\
             2026-10  Failed       0     3  EUR                            1.5  -\n\
             2026-10  Failed       0     3  USD       -1234.000000000000000001  -\n\
             2026-10  Failed       0     0  -                                -  -\n\
             2026-10: 2026-10 has no manifest yet: its first delivery is not complete\n"
        );
    }
}
