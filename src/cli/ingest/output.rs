//! What `awscost ingest` prints: a table for people, a JSON object a period for programs.

use std::{io::Write, path::PathBuf};

use crate::ingest::{
    fault::LoadFault,
    outcome::{Ended, exit_code, termination_message},
};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// A table.
    Text,
    /// One JSON object a period, each on a line of its own.
    Json,
}

/// Where results go.
pub(super) struct Output {
    format: OutputFormat,
    termination_log: Option<PathBuf>,
}

impl Output {
    pub fn new(format: OutputFormat, termination_log: Option<PathBuf>) -> Self {
        Self { format, termination_log }
    }

    /// A period ended. JSON is printed at once, so that a reader sees the newest period first and soon.
    pub fn period(&self, ended: &Ended) {
        if self.format == OutputFormat::Json {
            let line = serde_json::to_string(&ended.report).expect("a report of text and numbers");
            print(&format!("{line}\n"));
        }
    }

    /// The command ended before it knew of any period.
    pub fn without_period(&self, fault: &LoadFault) {
        let _ = writeln!(std::io::stderr(), "awscost: {fault}");
    }

    /// All periods ended.
    pub fn finish(&self, ended: &[Ended]) {
        if self.format == OutputFormat::Text {
            print(&table(ended));
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

/// A reader that went away is no reason to fail a load that is committed.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// One line a period and currency, then a sentence for each period that did not go well.
fn table(ended: &[Ended]) -> String {
    let mut lines =
        vec![["PERIOD", "OUTCOME", "FILES", "ROWS", "CURRENCY", "UNBLENDED", "VERSION"].map(str::to_owned)];
    for Ended { report, .. } in ended {
        let version = report.manifest.as_ref().map_or("-", |version| version.short()).to_owned();
        let outcome = format!("{:?}", report.outcome);
        let (period, files) = (report.period.to_string(), report.files.to_string());
        if report.totals.is_empty() {
            let rows = report.rows.to_string();
            lines.push([period, outcome, files, rows, "-".to_owned(), "-".to_owned(), version]);
            continue;
        }
        for (currency, totals) in &report.totals {
            lines.push([
                period.clone(),
                outcome.clone(),
                files.clone(),
                totals.rows.to_string(),
                currency.clone(),
                totals.unblended.to_string(),
                version.clone(),
            ]);
        }
    }
    let mut text = aligned(&lines);
    for Ended { report, .. } in ended {
        if let Some(message) = &report.message {
            text.push_str(&format!("{}: {message}\n", report.period));
        }
    }
    text
}

/// Columns of equal width; files, rows and amounts to the right.
fn aligned(lines: &[[String; 7]]) -> String {
    const TO_THE_RIGHT: [bool; 7] = [false, false, true, true, false, true, false];
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .enumerate()
            .map(|(column, cell)| {
                if TO_THE_RIGHT[column] {
                    format!("{cell:>0$}", widths[column])
                } else {
                    format!("{cell:<0$}", widths[column])
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::CurrencyTotals, report::ReportFault};

    #[test]
    fn the_table_has_a_line_for_each_currency_and_a_sentence_for_each_fault() {
        let period = "2026-10".parse().expect("a period");
        let missing = Ended::fault(period, None, None, &ReportFault::NoManifest { period }.into());
        let mut loaded = missing.clone();
        loaded.report.message = None;
        for (currency, unblended) in [("EUR", "1.5"), ("USD", "-1234.000000000000000001")] {
            let unblended = unblended.parse().expect("an amount");
            let totals = CurrencyTotals { rows: 3, unblended, ..CurrencyTotals::default() };
            loaded.report.totals.insert(currency.to_owned(), totals);
        }
        assert_eq!(
            table(&[loaded, missing]),
            "PERIOD   OUTCOME  FILES  ROWS  CURRENCY                   UNBLENDED  VERSION\n\
             2026-10  Failed       0     3  EUR                              1.5  -\n\
             2026-10  Failed       0     3  USD         -1234.000000000000000001  -\n\
             2026-10  Failed       0     0  -                                  -  -\n\
             2026-10: 2026-10 has no manifest yet: its first delivery is not complete\n"
        );
    }
}
