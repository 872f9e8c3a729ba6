//! The map columns being filled: settled entries, row by row, into Arrow's map layout.

use std::{borrow::Cow, sync::Arc};

use arrow::{
    array::{ArrayRef, Decimal128Builder, MapArray, StringBuilder, StructArray},
    buffer::{OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field},
};

use super::{
    amounts,
    rounding::{Rounding, Roundings},
};
use crate::{
    ingest::{
        decode::BadValue,
        tags::{KeyBook, KeyId, TagKeys},
    },
    schema::{ColumnType, DECIMAL, MapColumn, TableContract, data_type},
};

/// The entries of one row's map, values as text.
pub(in crate::ingest) type MapEntries<'a> = Vec<(KeyId, Cow<'a, str>)>;

/// The number of a map column among those of its table.
pub(in crate::ingest) type MapNumber = usize;

/// The map columns of a file.
#[derive(Debug)]
pub(in crate::ingest) struct Maps {
    columns: Vec<MapBuilder>,
}

impl Maps {
    /// Those of a table, empty.
    pub fn new(table: &TableContract) -> Self {
        Self { columns: table.maps.iter().map(|map| MapBuilder::new(table, map)).collect() }
    }

    /// How many map columns there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// The number of a key in a map.
    pub fn key(&mut self, map: MapNumber, raw: &str) -> KeyId {
        let MapBuilder { about, book, .. } = &mut self.columns[map];
        if about.folds { book.id(raw) } else { book.verbatim(raw) }
    }

    /// Keys of the largest map.
    pub fn most_keys(&self) -> usize {
        self.columns.iter().map(|column| column.book.len()).max().unwrap_or_default()
    }

    pub fn book(&self, map: MapNumber) -> &KeyBook {
        &self.columns[map].book
    }

    /// Appends one row's map, which may be empty. `row` is left empty.
    pub fn push(&mut self, map: MapNumber, row: &mut MapEntries<'_>) -> Result<(), BadValue> {
        self.columns[map].push(row)
    }

    /// The arrays of the rows since the last call, each under its index in the stable table.
    pub fn finish(&mut self) -> impl Iterator<Item = (usize, ArrayRef)> + '_ {
        self.columns.iter_mut().map(|column| (column.index, column.finish()))
    }

    /// Adds what rounding did in maps of amounts.
    pub fn note_roundings(&self, roundings: &mut Roundings) {
        self.columns.iter().for_each(|column| roundings.note(column.about.name, &column.rounding));
    }

    /// The tag keys of the file.
    pub fn into_tag_keys(self) -> TagKeys {
        let mut keys = TagKeys::default();
        for column in self.columns.into_iter().filter(|column| column.about.lists_keys) {
            keys.absorb(&column.book.into_tag_keys());
        }
        keys
    }
}

/// One map column.
#[derive(Debug)]
struct MapBuilder {
    about: &'static MapColumn,
    index: usize,
    /// The field of its entries.
    entry: Arc<Field>,
    book: KeyBook,
    offsets: Vec<i32>,
    entries: i32,
    keys: StringBuilder,
    values: EntryValues,
    rounding: Rounding,
}

#[derive(Debug)]
enum EntryValues {
    Text(StringBuilder),
    Amount(Decimal128Builder),
}

impl MapBuilder {
    fn new(table: &TableContract, about: &'static MapColumn) -> Self {
        let index = table.index_of(about.name).expect("every map column is in the contract");
        let kind = table.columns[index].kind;
        let DataType::Map(entry, _) = data_type(kind) else {
            unreachable!("the contract's {} is no map", about.name)
        };
        Self {
            about,
            index,
            entry,
            book: KeyBook::default(),
            offsets: vec![0],
            entries: 0,
            keys: StringBuilder::new(),
            values: match kind {
                ColumnType::DecimalMap => {
                    EntryValues::Amount(Decimal128Builder::new().with_data_type(DECIMAL))
                }
                _ => EntryValues::Text(StringBuilder::new()),
            },
            rounding: Rounding::default(),
        }
    }

    fn push(&mut self, row: &mut MapEntries<'_>) -> Result<(), BadValue> {
        row.retain(|(_, value)| !value.is_empty());
        let (keys, entries) = (&mut self.keys, &mut self.entries);
        match &mut self.values {
            EntryValues::Text(values) => self.book.settle(row, |name, value| {
                keys.append_value(name);
                values.append_value(value);
                *entries += 1;
            }),
            EntryValues::Amount(values) => {
                let parse = |(id, text): &(KeyId, Cow<'_, str>)| {
                    Ok((*id, amounts::parse(text.as_bytes(), &mut self.rounding)?))
                };
                let mut row: Vec<_> = row.iter().map(parse).collect::<Result<_, BadValue>>()?;
                self.book.settle(&mut row, |name, value| {
                    keys.append_value(name);
                    values.append_value(value.units());
                    *entries += 1;
                });
            }
        }
        row.clear();
        self.offsets.push(self.entries);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        self.entries = 0;
        let keys: ArrayRef = Arc::new(self.keys.finish());
        let values: ArrayRef = match &mut self.values {
            EntryValues::Text(values) => Arc::new(values.finish()),
            EntryValues::Amount(values) => Arc::new(values.finish()),
        };
        let DataType::Struct(fields) = self.entry.data_type() else {
            unreachable!("a map's entries are a struct")
        };
        let entries = StructArray::new(fields.clone(), vec![keys, values], None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(MapArray::new(Arc::clone(&self.entry), offsets, entries, None, false))
    }
}
