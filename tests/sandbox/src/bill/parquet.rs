//! The Parquet dialects: legacy reports with Athena's column names, and CUR 2.0 exports with maps.

use std::sync::Arc;

use arrow::array::Float64Builder;
use arrow::array::{
    ArrayRef, Float64Array, MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder,
    TimestampMillisecondArray,
};
use arrow::datatypes::{Field as ArrowField, Schema};
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::columns::{Field, Source};
use super::compose::Bill;
use super::cur2::{Cell, Cur2Columns, MapName, account_name};
use super::rows::Row;
use super::spec::{BillSpec, instant};

/// Rows of a row group.
const ROW_GROUP: usize = 128 * 1024;

/// How a text column says that there is none; AWS's files do both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blank {
    Null,
    Empty,
}

/// What fills a Parquet column.
#[derive(Clone, Debug)]
enum Fill {
    Cell(Cell),
    /// The first text of several columns whose names fold to one: AWS merges them.
    Texts(Vec<Field>, Blank),
}

/// What an encoder may fail with.
#[derive(Debug)]
pub(super) enum EncodingFailure {
    Columns(ArrowError),
    Parquet(ParquetError),
}

impl From<ArrowError> for EncodingFailure {
    fn from(failure: ArrowError) -> Self {
        Self::Columns(failure)
    }
}

impl From<ParquetError> for EncodingFailure {
    fn from(failure: ParquetError) -> Self {
        Self::Parquet(failure)
    }
}

/// Writes rows as Parquet, file by file.
pub(super) struct ParquetWriter<'a> {
    spec: &'a BillSpec,
    bill: &'a Bill,
    columns: Vec<(String, Fill)>,
    export: Option<&'a Cur2Columns>,
    file: Option<ArrowWriter<Vec<u8>>>,
}

impl<'a> ParquetWriter<'a> {
    pub(super) fn new(spec: &'a BillSpec, bill: &'a Bill, export: Option<&'a Cur2Columns>) -> Self {
        let columns = match export {
            Some(export) => {
                export.columns.iter().map(|(name, cell)| (name.clone(), Fill::Cell(*cell))).collect()
            }
            None => legacy_columns(bill),
        };
        Self { spec, bill, columns, export, file: None }
    }

    pub(super) fn begin(&mut self) -> Result<(), EncodingFailure> {
        let schema = self.batch(&[])?.schema();
        self.file = Some(writer(schema, Some(ROW_GROUP))?);
        Ok(())
    }

    pub(super) fn write(&mut self, rows: &[Row<'_>]) -> Result<(), EncodingFailure> {
        let batch = self.batch(rows)?;
        if let Some(file) = &mut self.file {
            file.write(&batch)?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<Bytes, EncodingFailure> {
        match self.file.take() {
            Some(file) => Ok(Bytes::from(file.into_inner()?)),
            None => Ok(Bytes::new()),
        }
    }

    fn batch(&self, rows: &[Row<'_>]) -> Result<RecordBatch, ArrowError> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (name, fill) in &self.columns {
            let array = self.array(fill, rows)?;
            fields.push(ArrowField::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    fn array(&self, fill: &Fill, rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
        let cell = match fill {
            Fill::Texts(fields, blank) => {
                let blank = (*blank == Blank::Empty).then_some("");
                return Ok(texts(rows, |row| row.stream.texts.first_of(fields).or(blank)));
            }
            Fill::Cell(cell) => *cell,
        };
        Ok(match cell {
            Cell::Source(Source::LineItemId) => texts(rows, |row| Some(row.id())),
            Cell::Source(Source::TimeInterval) => {
                let interval = |row: &Row<'_>| Some(format!("{}/{}", instant(row.start), instant(row.end)));
                Arc::new(rows.iter().map(interval).collect::<StringArray>())
            }
            Cell::Source(Source::UsageStart) => self.times(rows, |row| row.start),
            Cell::Source(Source::UsageEnd) => self.times(rows, |row| row.end),
            Cell::Source(Source::PeriodStart) => self.times(rows, |_| self.bill.month.start()),
            Cell::Source(Source::PeriodEnd) => self.times(rows, |_| self.bill.month.end()),
            Cell::Source(Source::Text(field)) => texts(rows, |row| row.stream.texts.get(field)),
            Cell::Source(Source::Number(measure)) => {
                let number = |row: &Row<'_>| row.amounts.get(measure).map(|amount| amount.to_f64());
                Arc::new(rows.iter().map(number).collect::<Float64Array>())
            }
            Cell::PayerName => texts(rows, |_| Some(&self.spec.payer_name)),
            Cell::AccountName => Arc::new(
                rows.iter().map(|row| Some(account_name(row.stream.account))).collect::<StringArray>(),
            ),
            Cell::Map(map) => self.text_map(map, rows)?,
            Cell::Discount => self.discounts(rows)?,
        })
    }

    /// Milliseconds; exports say that they are UTC, legacy reports say nothing.
    fn times(&self, rows: &[Row<'_>], seconds: impl Fn(&Row<'_>) -> i64) -> ArrayRef {
        let times: TimestampMillisecondArray = rows.iter().map(|row| Some(seconds(row) * 1_000)).collect();
        match self.export {
            Some(_) => Arc::new(times.with_timezone("UTC")),
            None => Arc::new(times),
        }
    }

    fn text_map(&self, map: MapName, rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
        let mut maps = MapBuilder::new(Some(map_names()), StringBuilder::new(), StringBuilder::new());
        for row in rows {
            let entries = self
                .export
                .map_or_else(Vec::new, |export| export.entries(map, row.stream, &self.spec.options));
            let is_map = !entries.is_empty() || map.empty_is_map();
            for (key, value) in entries {
                maps.keys().append_value(key);
                maps.values().append_value(value);
            }
            maps.append(is_map)?;
        }
        Ok(Arc::new(maps.finish()))
    }

    fn discounts(&self, rows: &[Row<'_>]) -> Result<ArrayRef, ArrowError> {
        let mut maps = MapBuilder::new(Some(map_names()), StringBuilder::new(), Float64Builder::new());
        for row in rows {
            let entries = self.export.map_or_else(Vec::new, |export| export.discount_entries(row));
            let is_map = !entries.is_empty();
            for (key, amount) in entries {
                maps.keys().append_value(key);
                maps.values().append_value(amount.to_f64());
            }
            maps.append(is_map)?;
        }
        Ok(Arc::new(maps.finish()))
    }
}

/// The file that says whether a report for Athena is whole: one row, `READY` or `UPDATING`.
pub(super) fn status_file(status: &str) -> Result<Bytes, EncodingFailure> {
    let column: ArrayRef = Arc::new(StringArray::from(vec![status]));
    let batch = RecordBatch::try_from_iter([("status", column)])?;
    let mut file = writer(batch.schema(), None)?;
    file.write(&batch)?;
    Ok(Bytes::from(file.into_inner()?))
}

fn writer(schema: Arc<Schema>, row_group: Option<usize>) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(row_group)
        .build();
    // AWS's files come from no Arrow writer, so ours carry no Arrow schema either.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(Vec::new(), schema, options)
}

fn texts<'r>(rows: &'r [Row<'r>], text: impl Fn(&'r Row<'r>) -> Option<&'r str>) -> ArrayRef {
    Arc::new(rows.iter().map(text).collect::<StringArray>())
}

fn map_names() -> MapFieldNames {
    MapFieldNames { entry: "key_value".to_owned(), key: "key".to_owned(), value: "value".to_owned() }
}

/// One column for each folded name, at the place of the first.
fn legacy_columns(bill: &Bill) -> Vec<(String, Fill)> {
    let mut by_name: Vec<_> = bill.catalogue.columns.iter().collect();
    by_name.sort_by(|one, other| one.name.cmp(&other.name));
    let mut columns: Vec<(String, Fill)> = Vec::new();
    for column in &bill.catalogue.columns {
        if columns.iter().any(|(name, _)| *name == column.folded) {
            continue;
        }
        let fill = match column.source {
            Source::Text(_) => {
                let merged = by_name.iter().filter(|other| other.folded == column.folded);
                let fields = merged.filter_map(|other| match other.source {
                    Source::Text(field) => Some(field),
                    _ => None,
                });
                let blank = if column.category() == "lineItem" { Blank::Empty } else { Blank::Null };
                Fill::Texts(fields.collect(), blank)
            }
            source => Fill::Cell(Cell::Source(source)),
        };
        columns.push((column.folded.clone(), fill));
    }
    columns
}
