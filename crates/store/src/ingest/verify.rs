//! The independent decoder: rows and sums of a file, found by other code than the one that makes the rows.
//!
//! It is slow-witted on purpose: a byte-by-byte csv machine, the low-level Parquet column reader, its own number
//! parser. It sees the bytes the main decoder downloaded (and, for csv, inflated), so nothing is fetched twice:
//! both S3's checksum-bearing transport and gzip's CRC vouch for those bytes, and Parquet pages are decompressed
//! again. What is compared is its sums with the rows read back from the warehouse, so every step between is covered.

mod csv;
mod number;
mod parquet;

pub(in crate::ingest) use csv::CsvTally;
pub(in crate::ingest) use parquet::ParquetTally;

use super::tally::{FileTally, LineKey, LineSums};
use crate::schema::{BillColumns, SpelledColumn};

/// Why the independent decoder gave up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFault {
    /// A summed column's cell is no number.
    #[error("row {row}: {value:?} in {column} is not a number that fits decimal(38,18)")]
    Number {
        /// The record's number; a csv header is 1, a Parquet file's first row is 1.
        row: u64,
        /// The column's name in the stable table.
        column: &'static str,
        /// The cell, shortened.
        value: String,
    },
    /// The sum of a column does not fit.
    #[error("the sum of {0} has more than 20 integer digits")]
    TooLarge(&'static str),
    /// The file is not built as the decoder expects.
    #[error("{0}")]
    Structure(String),
}

/// The first difference between a source and what was read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file}: {what} of {} rows in {} differ: {source_says} in the source, {read_back} read back",
    shown(&line.line_type),
    shown(&line.currency)
)]
pub struct TotalsDiffer {
    /// The source file's key.
    pub file: Box<str>,
    /// Currency and line type.
    pub line: LineKey,
    /// `rows`, or a column: its values or its sum.
    pub what: Box<str>,
    /// What the independent decoder saw.
    pub source_says: Box<str>,
    /// What the warehouse gave back.
    pub read_back: Box<str>,
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "(none)" } else { text }
}

/// Compares what the source holds with what was read back, file by file: rows, and the columns that are `summed`.
///
/// `files` are the keys of the source files in the manifest's order, for the message.
///
/// # Errors
/// [`TotalsDiffer`] with the first difference, by file, currency and line type.
pub fn compare(
    summed: &[SpelledColumn],
    files: &[&str],
    source: &[FileTally],
    read_back: &[FileTally],
) -> Result<(), TotalsDiffer> {
    let empty = FileTally::default();
    for index in 0..files.len().max(source.len()).max(read_back.len()) {
        let file = files.get(index).copied().unwrap_or("a file that is not in the manifest");
        let [source, read_back] = [source, read_back].map(|files| files.get(index).unwrap_or(&empty));
        compare_file(summed, file, source, read_back)?;
    }
    Ok(())
}

fn compare_file(
    summed: &[SpelledColumn],
    file: &str,
    source: &FileTally,
    read_back: &FileTally,
) -> Result<(), TotalsDiffer> {
    let nothing = LineSums::new(summed.len());
    let lines =
        source.lines.keys().chain(read_back.lines.keys().filter(|key| !source.lines.contains_key(key)));
    for line in lines {
        let left = source.lines.get(line).unwrap_or(&nothing);
        let right = read_back.lines.get(line).unwrap_or(&nothing);
        let differ = |what: &str, source_says: String, read_back: String| TotalsDiffer {
            file: file.into(),
            line: line.clone(),
            what: what.into(),
            source_says: source_says.into(),
            read_back: read_back.into(),
        };
        if left.rows != right.rows {
            return Err(differ("the number", left.rows.to_string(), right.rows.to_string()));
        }
        for (column, (left, right)) in summed.iter().zip(left.sums.iter().zip(&right.sums)) {
            let column = column.name;
            if left.values != right.values {
                let what = format!("the values of {column}");
                return Err(differ(&what, left.values.to_string(), right.values.to_string()));
            }
            if left.total != right.total {
                let what = format!("the sums of {column}");
                return Err(differ(&what, left.total.to_string(), right.total.to_string()));
            }
        }
    }
    Ok(())
}

/// By source column: its place among the [`BillColumns::spelled`] ones. An exact name wins over one that differs in
/// capitals and separators.
fn places(bill: &BillColumns, headers: &[String]) -> Vec<Option<usize>> {
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let mut places = vec![None; headers.len()];
    for (place, SpelledColumn { name, legacy }) in bill.spelled().enumerate() {
        let exact = headers.iter().position(|header| header == name || header == legacy);
        let alike = || headers.iter().position(|header| letters(header) == letters(name));
        if let Some(column) = exact.or_else(alike) {
            places[column] = Some(place);
        }
    }
    places
}

/// Sums rows as they come.
#[derive(Debug)]
struct Summing {
    summed: &'static [SpelledColumn],
    tally: FileTally,
    /// The line of the row before, which the next one most often shares.
    current: Option<(LineKey, LineSums)>,
}

impl Summing {
    fn new(bill: &'static BillColumns) -> Self {
        Self { summed: bill.summed, tally: FileTally::default(), current: None }
    }

    /// Adds one row, its numbers in units of 10⁻¹⁸.
    fn row(&mut self, currency: &str, line_type: &str, numbers: &[Option<i128>]) -> Result<(), VerifyFault> {
        let same = self
            .current
            .as_ref()
            .is_some_and(|(key, _)| key.currency == currency && key.line_type == line_type);
        if !same {
            self.flush();
            let key = LineKey { currency: currency.to_owned(), line_type: line_type.to_owned() };
            // Taken out and put back: the sums of a line are one allocation for the whole file.
            let sums = self.tally.lines.remove(&key).unwrap_or_else(|| LineSums::new(self.summed.len()));
            self.current = Some((key, sums));
        }
        let Some((_, line)) = &mut self.current else { return Ok(()) };
        line.rows += 1;
        for ((sum, number), column) in line.sums.iter_mut().zip(numbers).zip(self.summed) {
            if let Some(number) = number {
                let added = sum.add(crate::model::Amount::from_units(*number));
                added.ok_or(VerifyFault::TooLarge(column.name))?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        if let Some((key, sums)) = self.current.take() {
            self.tally.lines.insert(key, sums);
        }
    }

    fn finish(mut self) -> FileTally {
        self.flush();
        self.tally
    }
}

#[cfg(test)]
mod tests;
