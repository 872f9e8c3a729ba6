//! Rows of the stable table being gathered, a column at a time, until a batch is full.

use std::{borrow::Cow, ops::Range, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, StringArray, StringBuilder, TimestampMicrosecondArray, new_null_array},
    record_batch::RecordBatch,
};
use jiff::Timestamp;

use super::{
    AmountColumn, Json, MapEntries, Mapping, Roundings, TargetColumn,
    maps::{MapNumber, Maps},
    times::TimeColumn,
};
use crate::{
    ingest::{
        decode::BadValue,
        tags::{KeyId, TagKeys},
    },
    schema::{ColumnType, TableContract},
};

/// What the loader itself says of every row.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct RowStamp {
    pub manifest_id: String,
    pub loaded_at: Timestamp,
}

/// A cell that can't be taken.
#[derive(Debug)]
pub(in crate::ingest) struct CellFault {
    /// The row, as the source of the cells numbers it.
    pub row: usize,
    /// The source column.
    pub column: usize,
    pub value: String,
    pub problem: BadValue,
}

/// Rows of text cells.
pub(in crate::ingest) trait Cells {
    /// True if a cell has no text: most cells of a report, so this is asked first.
    fn is_empty(&self, row: usize, column: usize) -> bool;

    /// A cell's text.
    fn cell(&self, row: usize, column: usize) -> Result<Cow<'_, str>, CellFault>;
}

/// Gathers the rows of one file and gives them out as batches.
#[derive(Debug)]
pub(in crate::ingest) struct BatchBuilder {
    pub(super) table: &'static TableContract,
    pub(super) mapping: Mapping,
    pub(super) maps: Maps,
    pub(super) columns: Vec<ColumnBuilder>,
    /// The source columns that go to each map.
    pub(super) sources: Vec<MapSources>,
    pub(super) rows: usize,
    stamp: RowStamp,
    /// Longest run of NULLs needed so far, by stable column.
    nulls: Vec<Option<ArrayRef>>,
}

/// What fills a column of the stable table.
#[derive(Debug)]
pub(super) enum ColumnBuilder {
    /// Nothing: the file has no such column.
    Absent,
    Text(StringBuilder),
    Amount(AmountColumn),
    Time(TimeColumn),
    /// A whole array for the next batch.
    Ready(ArrayRef),
}

/// What fills a map.
#[derive(Debug, Default)]
pub(super) struct MapSources {
    /// Source columns that are one entry each, in the order of their settled names.
    pub entries: Vec<(usize, KeyId)>,
    /// Source columns that are maps.
    pub wholes: Vec<usize>,
}

impl MapSources {
    /// The source column that errors of the whole map name.
    pub fn first(&self) -> usize {
        let entry = self.entries.first().map(|(source, _)| source);
        entry.or_else(|| self.wholes.first()).copied().unwrap_or_default()
    }
}

impl BatchBuilder {
    pub fn new(table: &'static TableContract, mapping: Mapping, maps: Maps, stamp: RowStamp) -> Self {
        let mut columns: Vec<ColumnBuilder> = table.columns.iter().map(|_| ColumnBuilder::Absent).collect();
        let mut sources: Vec<MapSources> = (0..maps.len()).map(|_| MapSources::default()).collect();
        for (source, target) in mapping.targets.iter().enumerate() {
            match *target {
                TargetColumn::Column(index) => {
                    columns[index] = ColumnBuilder::of(table.columns[index].kind);
                }
                TargetColumn::Entry(map, key) => sources[map].entries.push((source, key)),
                TargetColumn::Map(map) => sources[map].wholes.push(source),
            }
        }
        for (map, sources) in sources.iter_mut().enumerate() {
            let book = maps.book(map);
            sources.entries.sort_by(|(_, left), (_, right)| book.compare(*left, *right));
        }
        let nulls = vec![None; table.columns.len()];
        Self { table, mapping, maps, columns, sources, rows: 0, stamp, nulls }
    }

    /// The file's headers.
    pub fn headers(&self) -> &[String] {
        &self.mapping.headers
    }

    /// The columns of net and amortized costs that the file lacks.
    pub fn missing_columns(&self) -> Vec<&'static str> {
        let goes_there = |index| self.mapping.targets.contains(&TargetColumn::Column(index));
        let lacks = |column: &&str| !self.table.index_of(column).is_some_and(goes_there);
        self.table.bill.optional.iter().copied().filter(lacks).collect()
    }

    /// Rows gathered since the last batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Keys of the map with the most.
    pub fn most_keys(&self) -> usize {
        self.maps.most_keys()
    }

    /// Appends rows of text cells.
    ///
    /// # Errors
    /// The first cell that can't be taken, column by column. The builder is of no use afterwards.
    pub fn fill(&mut self, cells: &impl Cells, rows: Range<usize>) -> Result<(), CellFault> {
        for (source, target) in self.mapping.targets.iter().enumerate() {
            if let TargetColumn::Column(index) = *target {
                for row in rows.clone() {
                    let cell =
                        if cells.is_empty(row, source) { "".into() } else { cells.cell(row, source)? };
                    self.columns[index].push(&cell).map_err(|problem| CellFault {
                        row,
                        column: source,
                        value: cell.into_owned(),
                        problem,
                    })?;
                }
            }
        }
        for map in 0..self.sources.len() {
            self.fill_map(map, cells, rows.clone())?;
        }
        self.rows += rows.len();
        Ok(())
    }

    fn fill_map(&mut self, map: MapNumber, cells: &impl Cells, rows: Range<usize>) -> Result<(), CellFault> {
        let sources = &self.sources[map];
        for row in rows {
            let mut entries: MapEntries<'_> = Vec::new();
            for (source, key) in &sources.entries {
                if !cells.is_empty(row, *source) {
                    entries.push((*key, cells.cell(row, *source)?));
                }
            }
            for source in &sources.wholes {
                let cell = cells.cell(row, *source)?;
                let fault = |problem: BadValue| CellFault {
                    row,
                    column: *source,
                    value: cell.clone().into_owned(),
                    problem,
                };
                let pairs =
                    Json::object(&cell).map_err(|problem| fault(BadValue::Map(problem.to_owned())))?;
                for (key, value) in pairs {
                    entries.push((self.maps.key(map, &key), Cow::Owned(value.into_owned())));
                }
            }
            let column = sources.first();
            self.maps.push(map, &mut entries).map_err(|problem| CellFault {
                row,
                column,
                value: String::new(),
                problem,
            })?;
        }
        Ok(())
    }

    /// The rows gathered, as a batch; the builder starts over.
    pub fn take(&mut self) -> RecordBatch {
        let rows = std::mem::take(&mut self.rows);
        let mut arrays: Vec<Option<ArrayRef>> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        for (index, array) in self.maps.finish() {
            arrays[index] = Some(array);
        }
        self.stamp(&mut arrays, rows);
        let arrays = arrays.into_iter().enumerate();
        let arrays = arrays.map(|(index, array)| array.unwrap_or_else(|| self.nulls(index, rows))).collect();
        let schema = Arc::clone(&self.table.schema);
        RecordBatch::try_new(schema, arrays).expect("every column was filled by its own builder")
    }

    fn stamp(&self, arrays: &mut [Option<ArrayRef>], rows: usize) {
        let mut put = |name: &str, array: ArrayRef| {
            arrays[self.table.index_of(name).expect("a column of the contract")] = Some(array);
        };
        let id = self.stamp.manifest_id.as_str();
        put("manifest_id", Arc::new(StringArray::from_iter_values(std::iter::repeat_n(id, rows))));
        let at = self.stamp.loaded_at.as_microsecond();
        let at = TimestampMicrosecondArray::from_value(at, rows).with_timezone("UTC");
        put("loaded_at", Arc::new(at));
        put("provisional", Arc::new(BooleanArray::from(vec![false; rows])));
    }

    /// So many NULLs of a column the file lacks: a slice of one array, as most columns of most files are.
    fn nulls(&mut self, index: usize, rows: usize) -> ArrayRef {
        let held = self.nulls[index].take().filter(|held| held.len() >= rows);
        let held = held.unwrap_or_else(|| new_null_array(self.table.schema.field(index).data_type(), rows));
        let slice = held.slice(0, rows);
        self.nulls[index] = Some(held);
        slice
    }

    /// What the file taught, once its last batch is taken.
    pub fn finish(self) -> (Roundings, TagKeys) {
        let mut roundings = Roundings::default();
        for (index, column) in self.columns.iter().enumerate() {
            if let ColumnBuilder::Amount(column) = column {
                roundings.note(self.table.columns[index].name, column.rounding());
            }
        }
        self.maps.note_roundings(&mut roundings);
        (roundings, self.maps.into_tag_keys())
    }
}

impl ColumnBuilder {
    fn of(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text => Self::Text(StringBuilder::new()),
            ColumnType::Decimal => Self::Amount(AmountColumn::new()),
            ColumnType::Timestamp => Self::Time(TimeColumn::new()),
            // Booleans are the loader's own, maps are gathered apart.
            ColumnType::Boolean | ColumnType::TextMap | ColumnType::DecimalMap => Self::Absent,
        }
    }

    pub fn push(&mut self, cell: &str) -> Result<(), BadValue> {
        match self {
            Self::Absent | Self::Ready(_) => {}
            Self::Text(column) if cell.is_empty() => column.append_null(),
            Self::Text(column) => column.append_value(cell),
            Self::Amount(column) => column.push(cell.as_bytes())?,
            Self::Time(column) => column.push(cell)?,
        }
        Ok(())
    }

    fn finish(&mut self) -> Option<ArrayRef> {
        match self {
            Self::Absent => None,
            Self::Text(column) => Some(Arc::new(column.finish())),
            Self::Amount(column) => Some(column.finish()),
            Self::Time(column) => Some(column.finish()),
            Self::Ready(array) => Some(array.clone()),
        }
    }
}
