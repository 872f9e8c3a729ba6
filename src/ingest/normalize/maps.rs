//! The map columns being filled: settled entries, row by row, into Arrow's map layout.

use std::{borrow::Cow, sync::Arc};

use arrow::{
    array::{ArrayRef, Decimal128Builder, MapArray, StringBuilder, StructArray},
    buffer::{OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field},
};

use super::{MapColumn, amounts, rounding::Rounding};
use crate::{
    ingest::{
        decode::BadValue,
        tags::{KeyBook, KeyId, TagKeys},
    },
    schema::{COLUMNS, DECIMAL, data_type, index_of},
};

/// The entries of one row's map, values as text.
pub(in crate::ingest) type Entries<'a> = Vec<(KeyId, Cow<'a, str>)>;

/// The six map columns of a file.
#[derive(Debug)]
pub(in crate::ingest) struct Maps {
    columns: [MapBuilder; MapColumn::ALL.len()],
}

impl Maps {
    pub fn new() -> Self {
        Self { columns: MapColumn::ALL.map(MapBuilder::new) }
    }

    /// The number of a key in a map. Keys of `tags` keep their spelling (`accountTag/Environment`): only CUR 2.0 has
    /// them, so there is nothing to join; all others are folded.
    pub fn key(&mut self, map: MapColumn, raw: &str) -> KeyId {
        let book = &mut self.columns[map as usize].book;
        if map == MapColumn::Tags { book.verbatim(raw) } else { book.id(raw) }
    }

    /// Keys of the largest map.
    pub fn most_keys(&self) -> usize {
        self.columns.iter().map(|column| column.book.len()).max().unwrap_or_default()
    }

    pub fn book(&self, map: MapColumn) -> &KeyBook {
        &self.columns[map as usize].book
    }

    /// Appends one row's map, which may be empty. `row` is left empty.
    pub fn push(&mut self, map: MapColumn, row: &mut Entries<'_>) -> Result<(), BadValue> {
        self.columns[map as usize].push(row)
    }

    /// The arrays of the rows since the last call, each under its index in the stable table.
    pub fn finish(&mut self) -> impl Iterator<Item = (usize, ArrayRef)> + '_ {
        self.columns.iter_mut().map(|column| (column.index, column.finish()))
    }

    /// What rounding did in `discount`.
    pub fn rounding(&self) -> (&'static str, &Rounding) {
        (MapColumn::Discount.name(), &self.columns[MapColumn::Discount as usize].rounding)
    }

    /// The tag keys of the file.
    pub fn into_tag_keys(self) -> TagKeys {
        let [_, _, _, tags, _, _] = self.columns;
        tags.book.into_tag_keys()
    }
}

/// One map column.
#[derive(Debug)]
struct MapBuilder {
    index: usize,
    book: KeyBook,
    offsets: Vec<i32>,
    entries: i32,
    keys: StringBuilder,
    values: Values,
    rounding: Rounding,
}

#[derive(Debug)]
enum Values {
    Text(StringBuilder),
    Amount(Decimal128Builder),
}

impl MapBuilder {
    fn new(map: MapColumn) -> Self {
        Self {
            index: index_of(map.name()).expect("every map column is in the contract"),
            book: KeyBook::default(),
            offsets: vec![0],
            entries: 0,
            keys: StringBuilder::new(),
            values: match map {
                MapColumn::Discount => Values::Amount(Decimal128Builder::new().with_data_type(DECIMAL)),
                _ => Values::Text(StringBuilder::new()),
            },
            rounding: Rounding::default(),
        }
    }

    fn push(&mut self, row: &mut Entries<'_>) -> Result<(), BadValue> {
        row.retain(|(_, value)| !value.is_empty());
        let (keys, entries) = (&mut self.keys, &mut self.entries);
        match &mut self.values {
            Values::Text(values) => self.book.settle(row, |name, value| {
                keys.append_value(name);
                values.append_value(value);
                *entries += 1;
            }),
            Values::Amount(values) => {
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
            Values::Text(values) => Arc::new(values.finish()),
            Values::Amount(values) => Arc::new(values.finish()),
        };
        let entry = entry_field(self.index);
        let DataType::Struct(fields) = entry.data_type() else {
            unreachable!("a map's entries are a struct")
        };
        let entries = StructArray::new(fields.clone(), vec![keys, values], None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(MapArray::new(entry, offsets, entries, None, false))
    }
}

/// The field of the entries of the map column with this index.
fn entry_field(index: usize) -> Arc<Field> {
    match data_type(COLUMNS[index].kind) {
        DataType::Map(entry, _) => entry,
        other => unreachable!("{other} is no map"),
    }
}
