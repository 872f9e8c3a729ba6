//! The Parquet dialects: legacy reports with Athena's column names, and CUR 2.0 exports with maps.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Array, Float64Builder, MapBuilder, MapFieldNames, RecordBatch, StringArray,
    StringBuilder, TimestampMillisecondArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{Field as ArrowField, Schema};
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::amount::Amount;
use super::columns::{Field, Source};
use super::compose::Bill;
use super::cur2::{Cell, Cur2Columns, MapName, account_name};
use super::rows::Row;
use super::spec::{BillSpec, instant};
use super::stream::Stream;

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
        let chunk = Chunk::new(rows);
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (name, fill) in &self.columns {
            let array = self.array(fill, &chunk)?;
            fields.push(ArrowField::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    fn array(&self, fill: &Fill, chunk: &Chunk<'_>) -> Result<ArrayRef, ArrowError> {
        let cell = match fill {
            Fill::Texts(fields, blank) => {
                let blank = (*blank == Blank::Empty).then_some("");
                return chunk.texts(|stream| stream.texts.first_of(fields).or(blank));
            }
            Fill::Cell(cell) => *cell,
        };
        match cell {
            Cell::Source(Source::LineItemId) => {
                Ok(Arc::new(chunk.rows.iter().map(|row| Some(row.id())).collect::<StringArray>()))
            }
            Cell::Source(Source::TimeInterval) => chunk.intervals(),
            Cell::Source(Source::UsageStart) => Ok(self.times(chunk, |row| row.start)),
            Cell::Source(Source::UsageEnd) => Ok(self.times(chunk, |row| row.end)),
            Cell::Source(Source::PeriodStart) => Ok(self.times(chunk, |_| self.bill.month.start())),
            Cell::Source(Source::PeriodEnd) => Ok(self.times(chunk, |_| self.bill.month.end())),
            Cell::Source(Source::Text(field)) => chunk.texts(|stream| stream.texts.get(field)),
            Cell::Source(Source::Number(measure)) => {
                let number = |row: &Row<'_>| row.amounts.get(measure).map(Amount::to_f64);
                Ok(Arc::new(chunk.rows.iter().map(number).collect::<Float64Array>()))
            }
            Cell::PayerName => chunk.texts(|_| Some(&self.spec.payer_name)),
            Cell::AccountName => {
                let names = chunk.streams.iter().map(|stream| Some(account_name(stream.account)));
                chunk.spread(&names.collect::<StringArray>())
            }
            Cell::Map(map) => self.text_map(map, chunk),
            Cell::Discount => self.discounts(chunk),
        }
    }

    /// Milliseconds; exports say that they are UTC, legacy reports say nothing.
    fn times(&self, chunk: &Chunk<'_>, seconds: impl Fn(&Row<'_>) -> i64) -> ArrayRef {
        let times = chunk.rows.iter().map(|row| Some(seconds(row) * 1_000));
        let times: TimestampMillisecondArray = times.collect();
        match self.export {
            Some(_) => Arc::new(times.with_timezone("UTC")),
            None => Arc::new(times),
        }
    }

    fn text_map(&self, map: MapName, chunk: &Chunk<'_>) -> Result<ArrayRef, ArrowError> {
        let mut maps = MapBuilder::new(Some(map_names()), StringBuilder::new(), StringBuilder::new());
        for stream in &chunk.streams {
            let entries = match self.export {
                Some(export) => export.entries(map, stream, &self.spec.options),
                None => Vec::new(),
            };
            let is_map = !entries.is_empty() || map.empty_is_map();
            for (key, value) in entries {
                maps.keys().append_value(key);
                maps.values().append_value(value);
            }
            maps.append(is_map)?;
        }
        chunk.spread(&maps.finish())
    }

    fn discounts(&self, chunk: &Chunk<'_>) -> Result<ArrayRef, ArrowError> {
        let mut maps = MapBuilder::new(Some(map_names()), StringBuilder::new(), Float64Builder::new());
        for row in chunk.rows {
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

/// Rows with the streams they are of, so that what streams agree in is made once for each.
struct Chunk<'r> {
    rows: &'r [Row<'r>],
    streams: Vec<&'r Stream>,
    /// For each row the place of its stream.
    which: UInt32Array,
}

impl<'r> Chunk<'r> {
    fn new(rows: &'r [Row<'r>]) -> Self {
        let mut places = HashMap::new();
        let mut streams = Vec::new();
        let which = rows.iter().map(|row| {
            *places.entry(row.place).or_insert_with(|| {
                streams.push(row.stream);
                u32::try_from(streams.len() - 1).expect("a chunk is far smaller")
            })
        });
        let which = which.collect::<Vec<u32>>().into();
        Self { rows, streams, which }
    }

    /// Gives each row the value of its stream.
    fn spread(&self, by_stream: &dyn Array) -> Result<ArrayRef, ArrowError> {
        take(by_stream, &self.which, None)
    }

    fn texts<'t>(&self, text: impl Fn(&'r Stream) -> Option<&'t str>) -> Result<ArrayRef, ArrowError> {
        self.spread(&self.streams.iter().map(|stream| text(stream)).collect::<StringArray>())
    }

    fn intervals(&self) -> Result<ArrayRef, ArrowError> {
        let mut places = HashMap::new();
        let mut intervals = Vec::new();
        let which = self.rows.iter().map(|row| {
            *places.entry((row.start, row.end)).or_insert_with(|| {
                intervals.push(format!("{}/{}", instant(row.start), instant(row.end)));
                u32::try_from(intervals.len() - 1).expect("a chunk is far smaller")
            })
        });
        let which: UInt32Array = which.collect::<Vec<u32>>().into();
        take(&StringArray::from(intervals), &which, None)
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
