//! Columns that arrive as Arrow arrays (Parquet), brought to the stable types.

use std::{borrow::Cow, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, MapArray, StringArray},
    compute::{CastOptions, cast, cast_with_options},
    datatypes::{DataType, Float32Type, Float64Type},
    record_batch::RecordBatch,
    util::display::{ArrayFormatter, FormatOptions},
};

use super::{
    BatchBuilder, CellFault, Json, MapEntries, TargetColumn,
    batch::{ColumnBuilder, MapSources},
    maps::MapNumber,
    time_arrays,
};
use crate::{
    ingest::decode::{BadValue, shortened},
    schema::ColumnType,
};

/// A cell that can't be taken, before its column is known.
pub(super) type RowFault = (usize, String, BadValue);

impl BatchBuilder {
    /// Takes a batch whose columns are the file's, in the order of its headers. The builder must be empty.
    ///
    /// # Errors
    /// The first cell that can't be taken. The builder is of no use afterwards.
    pub fn fill_arrays(&mut self, batch: &RecordBatch) -> Result<(), CellFault> {
        for (source, array) in batch.columns().iter().enumerate() {
            if let TargetColumn::Column(index) = self.mapping.targets[source] {
                convert(array, self.table.columns[index].kind, &mut self.columns[index])
                    .map_err(at(source))?;
            }
        }
        for map in 0..self.sources.len() {
            self.fill_map_from_arrays(map, batch)?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn fill_map_from_arrays(&mut self, map: MapNumber, batch: &RecordBatch) -> Result<(), CellFault> {
        let sources = &self.sources[map];
        let MapSources { entries, wholes } = sources;
        let text = |source: usize| texts(batch.column(source)).map_err(at(source));
        let flat = entries
            .iter()
            .map(|(source, key)| Ok((*key, text(*source)?)))
            .collect::<Result<Vec<_>, CellFault>>()?;
        let wholes = wholes
            .iter()
            .map(|source| Whole::of(batch.column(*source)).map(|whole| (*source, whole)).map_err(at(*source)))
            .collect::<Result<Vec<_>, CellFault>>()?;
        let mut row_entries: MapEntries<'_> = Vec::new();
        for row in 0..batch.num_rows() {
            for (key, values) in &flat {
                if values.is_valid(row) && !values.value(row).is_empty() {
                    row_entries.push((*key, Cow::Borrowed(values.value(row))));
                }
            }
            for (source, whole) in &wholes {
                let pairs = whole.row(row).map_err(at(*source))?;
                row_entries.extend(pairs.map(|(key, value)| (self.maps.key(map, &key), value)));
            }
            self.maps
                .push(map, &mut row_entries)
                .map_err(|problem| at(sources.first())((row, String::new(), problem)))?;
        }
        Ok(())
    }
}

fn at(column: usize) -> impl Fn(RowFault) -> CellFault {
    move |(row, value, problem)| CellFault { row, column, value, problem }
}

/// A source column that is a map: Arrow's, or JSON text.
enum Whole {
    Map(Box<TextMap>),
    Json(StringArray),
}

/// Arrow's map, its keys and values as text.
struct TextMap {
    map: MapArray,
    keys: StringArray,
    values: StringArray,
}

/// The keys and values of a row's map.
type Pairs<'a> = Box<dyn Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + 'a>;

impl Whole {
    fn of(array: &ArrayRef) -> Result<Self, RowFault> {
        let Some(map) = array.as_map_opt() else {
            return texts(array).map(Self::Json);
        };
        // A fault in an entry is told as one of the row that holds the entry.
        let of_row = |(entry, value, problem): RowFault| {
            let ends = map.value_offsets().iter().skip(1);
            (ends.take_while(|end| **end as usize <= entry).count(), value, problem)
        };
        let keys = texts(map.keys()).map_err(of_row)?;
        let values = texts(map.values()).map_err(of_row)?;
        Ok(Self::Map(Box::new(TextMap { keys, values, map: map.clone() })))
    }

    fn row(&self, row: usize) -> Result<Pairs<'_>, RowFault> {
        match self {
            Self::Map(map) => Ok(map.row(row)),
            Self::Json(texts) => {
                let text = if texts.is_valid(row) { texts.value(row) } else { "" };
                let pairs = Json::object(text)
                    .map_err(|problem| (row, text.to_owned(), BadValue::Map(problem.to_owned())))?;
                Ok(Box::new(pairs.into_iter()))
            }
        }
    }
}

impl TextMap {
    fn row(&self, row: usize) -> Pairs<'_> {
        let offsets = self.map.value_offsets();
        let entries =
            if self.map.is_valid(row) { offsets[row] as usize..offsets[row + 1] as usize } else { 0..0 };
        let entries = entries.filter(|entry| self.keys.is_valid(*entry) && self.values.is_valid(*entry));
        Box::new(entries.map(|entry| (self.keys.value(entry).into(), self.values.value(entry).into())))
    }
}

/// Appends an array to a column of the stable table.
fn convert(array: &ArrayRef, kind: ColumnType, column: &mut ColumnBuilder) -> Result<(), RowFault> {
    match (kind, array.data_type()) {
        (ColumnType::Decimal, DataType::Float64) => {
            let values = array.as_primitive::<Float64Type>();
            doubles(values, column)
        }
        (ColumnType::Timestamp, DataType::Timestamp(..)) => {
            *column = ColumnBuilder::Ready(Arc::new(time_arrays::micros(array)?.with_timezone("UTC")));
            Ok(())
        }
        (ColumnType::Text, _) => {
            let texts = texts(array)?;
            let offsets = texts.value_offsets();
            let has_empty =
                offsets.windows(2).enumerate().any(|(row, pair)| pair[0] == pair[1] && texts.is_valid(row));
            *column = ColumnBuilder::Ready(if has_empty {
                Arc::new(without_empty(&texts))
            } else {
                Arc::new(texts)
            });
            Ok(())
        }
        (_, _) => {
            let texts = texts(array)?;
            for row in 0..texts.len() {
                let text = if texts.is_valid(row) { texts.value(row) } else { "" };
                column.push(text).map_err(|problem| (row, text.to_owned(), problem))?;
            }
            Ok(())
        }
    }
}

fn doubles(values: &Float64Array, column: &mut ColumnBuilder) -> Result<(), RowFault> {
    let ColumnBuilder::Amount(amounts) = column else { return Ok(()) };
    for row in 0..values.len() {
        if values.is_valid(row) {
            let value = values.value(row);
            amounts.push_double(value).map_err(|problem| (row, format!("{value:?}"), problem.into()))?;
        } else {
            amounts.push_null();
        }
    }
    Ok(())
}

fn without_empty(texts: &StringArray) -> StringArray {
    texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect()
}

/// The values of any array as text, NULL where they are.
fn texts(array: &ArrayRef) -> Result<StringArray, RowFault> {
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().clone()),
        // A float prints as its shortest decimal, without an exponent.
        DataType::Float64 => {
            Ok(array.as_primitive::<Float64Type>().iter().map(|v| v.map(|v| v.to_string())).collect())
        }
        DataType::Float32 => {
            Ok(array.as_primitive::<Float32Type>().iter().map(|v| v.map(|v| v.to_string())).collect())
        }
        DataType::Timestamp(..) | DataType::Date32 => time_arrays::texts(array),
        _ => other_texts(array),
    }
}

/// Types no report has today, so that a new one is text in `extra` and not a failed load.
fn other_texts(array: &ArrayRef) -> Result<StringArray, RowFault> {
    if let Some(bytes) = array.as_binary_opt::<i32>() {
        let text = |(row, bytes): (usize, Option<&[u8]>)| match bytes.map(std::str::from_utf8).transpose() {
            Ok(text) => Ok(text.map(str::to_owned)),
            Err(_) => Err((row, shortened(bytes.unwrap_or_default()), BadValue::Encoding)),
        };
        return bytes.iter().enumerate().map(text).collect();
    }
    // Text of a fixed length. Other bytes than text, such as a UUID's, are written as digits below.
    if matches!(array.data_type(), DataType::FixedSizeBinary(_))
        && let Ok(bytes) = cast(array, &DataType::Binary)
        && let Ok(texts) = StringArray::try_from_binary(bytes.as_binary::<i32>().clone())
    {
        return Ok(texts);
    }
    // Errors are errors: by default the words for one would stand in the bill, as a value that it does not have.
    let options = FormatOptions::default().with_display_error(false);
    let strict = CastOptions { format_options: options.clone(), ..CastOptions::default() };
    if let Ok(texts) = cast_with_options(array, &DataType::Utf8, &strict) {
        return Ok(texts.as_string::<i32>().clone());
    }
    let unknown = |_| (0, String::new(), BadValue::Type(array.data_type().to_string()));
    let formatter = ArrayFormatter::try_new(array, &options).map_err(unknown)?;
    // Only a time, alone or within a list or a structure, has values without a text.
    let text = |row| match array.is_valid(row).then(|| formatter.value(row).try_to_string()).transpose() {
        Ok(text) => Ok(text),
        Err(_) => Err((row, format!("a {}", array.data_type()), BadValue::TimeRange)),
    };
    (0..array.len()).map(text).collect()
}
