//! What one table is, as a value: whoever writes, sums, verifies or reads rows is handed it and knows no table itself.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};

use super::{BillColumns, COSTS, ColumnType, TableColumn, data_type};

/// Every table that a warehouse may hold: what is purged and maintained.
pub static TABLES: [&TableContract; 1] = [&COSTS];

/// The columns that the loader fills in every table: a file's column of that name is an unknown one.
pub const LOADER_COLUMNS: [&str; 3] = ["manifest_id", "loaded_at", "provisional"];

/// One stable table. Column order is the contract's order.
#[derive(Debug)]
pub struct TableContract {
    /// Its name, which is its folder's or its table's in a warehouse.
    pub name: &'static str,
    /// The name of the table beside it that lists the keys of its tags.
    pub keys_name: &'static str,
    /// The columns a file holds.
    pub columns: LazyLock<Vec<TableColumn>>,
    /// The columns' Arrow schema: what a part writer takes and a file holds.
    pub schema: LazyLock<SchemaRef>,
    /// The columns the table is partitioned by: the connection's and the billing period's. They stand in the table's
    /// schema after the data columns and in the path of every file, never inside a file.
    pub partitions: [&'static str; 2],
    /// The time whose first and last value is told of every file, so that readers skip files by it.
    pub statistics: &'static str,
    /// The map columns, and which of a report's headers they take.
    pub maps: &'static [MapColumn],
    /// Folded names that reports gave up, and the column that took their place. They count only in files that lack the
    /// newer column.
    pub aliases: &'static [(&'static str, &'static str)],
    /// What a load is tallied and verified by.
    pub bill: BillColumns,
}

/// A map column, and which of a report's headers go there as keys.
#[derive(Debug)]
pub struct MapColumn {
    /// Its name in the table.
    pub name: &'static str,
    /// Which headers are its keys.
    pub takes: MapHeaders,
    /// True if keys are folded, so that those of every dialect join. A map of one dialect keeps their spelling.
    pub folds: bool,
    /// True if its keys are listed beside the table, as the source spelled them.
    pub lists_keys: bool,
}

/// Which headers of a report are keys of a map column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapHeaders {
    /// All of its category (`resourceTags/user:Owner`): they are a customer's names, which no plain column may take.
    Category,
    /// Those of its category that are no column of the table.
    Leftover,
    /// None: a report brings the map whole or not at all.
    None,
    /// All that nothing else takes. A report's column of the map's own name is one of them.
    Unknown,
}

impl TableContract {
    /// The table of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.into_iter().find(|table| table.name == name)
    }

    /// The index of a column in [`Self::columns`] and in every batch.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The number of the map that takes what nothing else takes.
    pub fn unknown_map(&self) -> usize {
        let unknown = self.maps.iter().position(|map| map.takes == MapHeaders::Unknown);
        unknown.expect("every table keeps the columns that it does not know")
    }

    /// The columns that hold one value, and their indices; the loader's own are not among them.
    pub fn plain_columns(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.columns.iter().enumerate().filter_map(|(index, column)| {
            let is_map = matches!(column.kind, ColumnType::TextMap | ColumnType::DecimalMap);
            (!is_map && !LOADER_COLUMNS.contains(&column.name)).then_some((column.name, index))
        })
    }
}

// The name is the identity: a warehouse has one table of a name.
impl PartialEq for TableContract {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TableContract {}

/// The Arrow schema of these columns.
pub fn arrow_schema(columns: &[TableColumn]) -> SchemaRef {
    let fields = columns.iter().map(|column| Field::new(column.name, data_type(column.kind), true));
    Arc::new(Schema::new(fields.collect::<Fields>()))
}
