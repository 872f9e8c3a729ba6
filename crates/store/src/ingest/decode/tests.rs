//! What stands for a bucket in the tests of decoding, and a few hands to build files and to read rows.

mod dialects;
mod hostile_csv;
mod hostile_parquet;
mod legal_csv;
mod second_table;

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    record_batch::RecordBatch,
    util::display::{ArrayFormatter, FormatOptions},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::{ingest::tally::Tally, report::SourceFault, schema::COSTS};

/// A data file in memory.
pub(in crate::ingest) struct MemoryFile {
    pub key: &'static str,
    pub bytes: Bytes,
    /// The size the listing tells, if it lies.
    pub listed: Option<u64>,
    /// After so many bytes, the file turns out to be replaced.
    pub replaced_after: Option<usize>,
    pub fetched: AtomicU64,
}

impl MemoryFile {
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            key: "cur/part-00001",
            bytes: bytes.into(),
            listed: None,
            replaced_after: None,
            fetched: AtomicU64::new(0),
        }
    }

    fn changed(&self) -> SourceFault {
        SourceFault::Changed { key: self.key.to_owned() }
    }
}

impl SourceFile for MemoryFile {
    fn key(&self) -> &str {
        self.key
    }

    fn size(&self) -> u64 {
        self.listed.unwrap_or(self.bytes.len() as u64)
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, SourceFault> {
        self.fetched.fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
        let whole = io::Cursor::new(self.bytes.clone());
        Ok(match self.replaced_after {
            None => Box::new(whole),
            Some(after) => Box::new(whole.take(after as u64).chain(Failing(self.key))),
        })
    }

    fn read_range(&self, range: Range<u64>) -> Result<Bytes, SourceFault> {
        if self.replaced_after.is_some_and(|after| range.start < after as u64) {
            return Err(self.changed());
        }
        assert!(range.end <= self.size(), "a range must lie in the file");
        self.fetched.fetch_add(range.end - range.start, Ordering::Relaxed);
        let end = range.end.min(self.bytes.len() as u64) as usize;
        Ok(self.bytes.slice((range.start as usize).min(end)..end))
    }
}

struct Failing(&'static str);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(SourceFault::Changed { key: self.0.to_owned() }))
    }
}

pub(in crate::ingest) fn job(format: DecodedFormat) -> DecodeJob {
    DecodeJob {
        table: &COSTS,
        format,
        manifest_id: "5ca1ab1e".to_owned(),
        loaded_at: "2026-11-22T15:00:00Z".parse().expect("a time"),
        batch_rows: 1_000,
        limits: Limits::default(),
    }
}

/// A decoded file.
#[derive(Debug)]
pub(in crate::ingest) struct Decoded {
    pub table: &'static TableContract,
    pub batches: Vec<RecordBatch>,
    pub report: FileReport,
}

impl Decoded {
    /// What stands in each row: column → text, NULLs left out, maps as `key=value`.
    pub fn rows(&self) -> Vec<BTreeMap<&'static str, String>> {
        self.batches.iter().flat_map(|batch| rows_of(self.table, batch)).collect()
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::new(self.table, 1);
        for batch in &self.batches {
            tally.add(0, batch).expect("batches have all columns");
        }
        tally
    }
}

pub(in crate::ingest) fn decode(file: &MemoryFile, job: &DecodeJob) -> Result<Decoded, DecodeFault> {
    let mut batches = Vec::new();
    let result = decode_file::<std::convert::Infallible>(file, job, &mut |batch| {
        assert!(batch.num_rows() <= job.batch_rows && batch.num_rows() > 0);
        assert_eq!(batch.schema(), *job.table.schema);
        batches.push(batch);
        Ok(())
    });
    match result {
        Ok(report) => Ok(Decoded { table: job.table, batches, report }),
        Err(Stopped::Decode(fault)) => Err(fault),
        Err(Stopped::Sink(never)) => match never {},
    }
}

pub(in crate::ingest) fn decode_csv(text: impl AsRef<[u8]>) -> Result<Decoded, DecodeFault> {
    decode(&MemoryFile::new(gzip(text)), &job(DecodedFormat::CsvGzip))
}

pub(in crate::ingest) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_ref()).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// The smallest bill: one row, the required columns and those given, which may replace required ones.
pub(in crate::ingest) fn sheet(cells: &[(&str, &str)]) -> String {
    sheet_of(&[cells])
}

/// Rows with the columns of the first one.
pub(in crate::ingest) fn sheet_of(rows: &[&[(&str, &str)]]) -> String {
    let header =
        |cells: &[(&str, &str)]| -> Vec<String> { filled(cells).into_iter().map(|(name, _)| name).collect() };
    let mut text = csv_line(&header(rows[0]));
    for cells in rows {
        assert_eq!(header(cells), header(rows[0]));
        text += &csv_line(&filled(cells).into_iter().map(|(_, cell)| cell).collect::<Vec<_>>());
    }
    text
}

pub(in crate::ingest) const REQUIRED: [(&str, &str); 8] = [
    ("bill/BillingPeriodStartDate", "2026-10-01T00:00:00Z"),
    ("bill/PayerAccountId", "000000000012"),
    ("lineItem/CurrencyCode", "USD"),
    ("lineItem/LineItemType", "Usage"),
    ("lineItem/ProductCode", "AmazonEC2"),
    ("lineItem/UnblendedCost", "1.5"),
    ("lineItem/UsageAccountId", "210987654321"),
    ("lineItem/UsageStartDate", "2026-10-24T08:00:00Z"),
];

fn filled(cells: &[(&str, &str)]) -> Vec<(String, String)> {
    let required = REQUIRED.iter().filter(|(name, _)| !cells.iter().any(|(given, _)| given == name));
    required.chain(cells).map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect()
}

pub(in crate::ingest) fn csv_line(cells: &[String]) -> String {
    let quoted = cells.iter().map(|cell| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

fn rows_of(table: &'static TableContract, batch: &RecordBatch) -> Vec<BTreeMap<&'static str, String>> {
    let mut rows = vec![BTreeMap::new(); batch.num_rows()];
    for (column, array) in table.columns.iter().zip(batch.columns()) {
        for (row, cells) in rows.iter_mut().enumerate() {
            if let Some(text) = shown(array, row) {
                cells.insert(column.name, text);
            }
        }
    }
    rows
}

/// A value as text; `None` for NULL and for an empty map.
fn shown(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    let Some(map) = array.as_map_opt() else {
        let options = FormatOptions::default();
        let text = ArrayFormatter::try_new(array, &options).expect("a type of ours").value(row).to_string();
        // Decimals without the zeros at their end.
        let is_amount = *array.data_type() == crate::schema::DECIMAL;
        return Some(if is_amount {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        });
    };
    let entries = map.value(row);
    let entry = |at| {
        format!(
            "{}={}",
            shown(entries.column(0), at).unwrap_or_default(),
            shown(entries.column(1), at).unwrap_or_default()
        )
    };
    let text: Vec<String> = (0..entries.len()).map(entry).collect();
    (!text.is_empty()).then(|| text.join(";"))
}
