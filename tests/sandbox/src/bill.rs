//! The bill generator: one billing month of one payer, at any size, in each of AWS's dialects.
//!
//! A [`BillSpec`] stands for one bill. [`write`] puts it into a sink as one delivery of a dialect and
//! gives its exact [`Totals`]; the same specification always gives the same bytes. Rows are made in
//! chunks, so memory holds the streams of usage, one day's plan and one compressed file.
//!
//! What is on a bill: every line item type that moves money, the columns that amortisation needs,
//! tags and cost categories with commas, quotes, line breaks and letters beyond ASCII, refunds and
//! fees dated outside the month, a Marketplace seller, costs from nothing to five digits and down to
//! the eighteenth fractional digit. No amount has more than 15 significant digits, so that the double
//! of a Parquet file stands for exactly the decimal of the csv file.
//!
//! # The same bill in each dialect
//! After names are folded (see [`fold`]) and empty texts are read as NULL, all dialects give equal
//! rows in equal order, except:
//!
//! - `bill_payer_account_name`, `line_item_usage_account_name` and `tags` exist in CUR 2.0 only;
//! - colliding tag keys (on request): a legacy csv keeps both columns; in Parquet and CUR 2.0 they are
//!   merged, and the byte-smallest raw key that has a value wins;
//! - `product/comments` is CUR 2.0's `product_comment`, the one fixed column whose spelling differs;
//!   `product/region` and `product/servicename` are `product['region']` and `product['servicename']`,
//!   beside the fixed `product_region_code` and `product_servicecode`;
//! - `discount/EdpDiscount` and the like are `discount['edp_discount']`; `discount_bundled_discount`
//!   and `discount_total_discount` are columns;
//! - the print of numbers: ten or more fractional digits in a legacy csv, an engine's double
//!   (`4.0E-7`) in an export's csv, a double in Parquet. Rates are texts, the same everywhere;
//! - nothing: an empty field in csv, `''` in the `line_item_*` texts of legacy Parquet, NULL in all
//!   others; an export's `cost_category` and `discount` without entries are empty or NULL, its
//!   other maps are `{}`;
//! - time: without milliseconds in a legacy csv, with them in an export's, zoneless milliseconds in
//!   legacy Parquet, UTC milliseconds in an export's.

use bytes::Bytes;
use jiff::Timestamp;

mod amount;
mod charges;
pub mod cli;
mod columns;
mod compose;
mod csv;
mod cur2;
mod describing;
mod dice;
mod failure;
mod fold;
mod gzip;
mod layout;
mod manifest;
mod metering;
mod names;
mod offers;
mod parquet;
mod rows;
mod sink;
mod spec;
mod stream;
mod tagging;
#[cfg(test)]
mod tests;
mod totals;

pub use failure::BillFailure;
pub use fold::fold;
pub use sink::{FolderSink, MemorySink, ObjectSink};
pub use spec::{BillOptions, BillSpec, Dialect, Granularity, ManifestFolder, PartitionCase, Versioning};
pub use totals::{CurrencyTotals, FileTotals, Sums, Totals};

use compose::Bill;
use csv::CsvWriter;
use cur2::Cur2Columns;
use layout::Layout;
use parquet::{EncodingFailure, ParquetWriter, status_file};
use rows::{Row, Rows};
use totals::Summing;

/// Rows made at a time.
const CHUNK: u64 = 16_384;

/// Writes the bill into the sink as one delivery at the time `now`, manifests last, and gives what
/// it adds up to.
pub fn write(
    spec: &BillSpec,
    dialect: &Dialect,
    now: Timestamp,
    sink: &mut dyn ObjectSink,
) -> Result<Totals, BillFailure> {
    let bill = Bill::compose(spec)?;
    let layout = Layout::new(spec, dialect, bill.month, now);
    let export = Cur2Columns::new(&bill.catalogue);
    let mut format = Format::new(spec, &bill, dialect, &export);
    let mut rows = Rows::new(&bill);
    let mut summing = Summing::new(spec, &bill);
    let mut files = Vec::new();
    put_status(&layout, "UPDATING", sink)?;
    for number in 1..=spec.files {
        let key = layout.data_file(number);
        let share = |up_to: u32| bill.rows * u64::from(up_to) / u64::from(spec.files);
        let mut left = share(number) - share(number - 1);
        format.begin(&key, number)?;
        while left > 0 {
            let size = left.min(CHUNK);
            let chunk: Vec<Row<'_>> =
                rows.by_ref().take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
            chunk.iter().for_each(|row| summing.add(row));
            format.write(&key, &chunk)?;
            left -= size;
        }
        let body = format.finish(&key)?;
        summing.file(&key, body.len() as u64);
        put(sink, &key, body)?;
        files.push(key);
    }
    put_status(&layout, "READY", sink)?;
    let manifest = match dialect {
        Dialect::LegacyCsvGz { .. } | Dialect::LegacyParquet { .. } => {
            manifest::legacy(spec, dialect, &bill.catalogue, bill.month, &layout.delivery, &files)
        }
        Dialect::Cur2CsvGz { .. } | Dialect::Cur2Parquet { .. } => {
            manifest::data_export(spec, &export, &layout.delivery, &files)
        }
    };
    for key in &layout.manifests {
        put(sink, key, manifest.clone())?;
    }
    Ok(summing.finish())
}

fn put(sink: &mut dyn ObjectSink, key: &str, body: Bytes) -> Result<(), BillFailure> {
    sink.put(key, body).map_err(|source| BillFailure::Sink { key: key.to_owned(), source })
}

fn put_status(layout: &Layout, status: &str, sink: &mut dyn ObjectSink) -> Result<(), BillFailure> {
    let Some(key) = &layout.status else {
        return Ok(());
    };
    let body = status_file(status).map_err(|failure| encoding(key, failure))?;
    put(sink, key, body)
}

/// The writer of a dialect's data files.
enum Format<'a> {
    Csv(CsvWriter<'a>),
    Parquet(ParquetWriter<'a>),
}

impl<'a> Format<'a> {
    fn new(spec: &'a BillSpec, bill: &'a Bill, dialect: &Dialect, export: &'a Cur2Columns) -> Self {
        match dialect {
            Dialect::LegacyCsvGz { .. } => Self::Csv(CsvWriter::new(spec, bill, None)),
            Dialect::Cur2CsvGz { .. } => Self::Csv(CsvWriter::new(spec, bill, Some(export))),
            Dialect::LegacyParquet { .. } => Self::Parquet(ParquetWriter::new(spec, bill, None)),
            Dialect::Cur2Parquet { .. } => Self::Parquet(ParquetWriter::new(spec, bill, Some(export))),
        }
    }

    fn begin(&mut self, key: &str, number: u32) -> Result<(), BillFailure> {
        match self {
            Self::Csv(writer) => writer.begin(number).map_err(|source| compression(key, source)),
            Self::Parquet(writer) => writer.begin().map_err(|failure| encoding(key, failure)),
        }
    }

    fn write(&mut self, key: &str, rows: &[Row<'_>]) -> Result<(), BillFailure> {
        match self {
            Self::Csv(writer) => writer.write(rows).map_err(|source| compression(key, source)),
            Self::Parquet(writer) => writer.write(rows).map_err(|failure| encoding(key, failure)),
        }
    }

    fn finish(&mut self, key: &str) -> Result<Bytes, BillFailure> {
        match self {
            Self::Csv(writer) => writer.finish().map_err(|source| compression(key, source)),
            Self::Parquet(writer) => writer.finish().map_err(|failure| encoding(key, failure)),
        }
    }
}

fn compression(key: &str, source: std::io::Error) -> BillFailure {
    BillFailure::Compression { key: key.to_owned(), source }
}

fn encoding(key: &str, failure: EncodingFailure) -> BillFailure {
    let key = key.to_owned();
    match failure {
        EncodingFailure::Columns(source) => BillFailure::Columns { key, source },
        EncodingFailure::Parquet(source) => BillFailure::Parquet { key, source },
    }
}
