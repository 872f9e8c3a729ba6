//! A block of whole records and where their cells are.

use std::{borrow::Cow, ops::Range};

use crate::ingest::{
    decode::{BadValue, shortened},
    normalize::{CellFault, Cells},
};

/// Where the cells of some records end.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The delimiter behind each cell, or the end of the block.
    pub ends: Vec<u32>,
    /// The first byte of each record.
    pub starts: Vec<u32>,
}

/// Whole records with as many cells each as the header.
#[derive(Debug)]
pub(super) struct CsvBlock<'a> {
    pub text: &'a str,
    pub index: &'a Index,
    pub columns: usize,
    /// The number of the first record; the header is 1.
    pub first: u64,
}

impl CsvBlock<'_> {
    pub fn rows(&self) -> usize {
        self.index.starts.len()
    }

    /// A record's number; the header is 1.
    pub fn number(&self, row: usize) -> u64 {
        self.first + row as u64
    }

    /// Bytes of some records.
    pub fn bytes(&self, rows: Range<usize>) -> usize {
        let end = self.index.starts.get(rows.end).map_or(self.text.len(), |end| *end as usize);
        end - self.index.starts[rows.start] as usize
    }

    /// A cell's bytes, with its quotes.
    fn range(&self, row: usize, column: usize) -> Range<usize> {
        let at = row * self.columns + column;
        let start = if column == 0 { self.index.starts[row] } else { self.index.ends[at - 1] + 1 };
        start as usize..self.index.ends[at] as usize
    }
}

impl Cells for CsvBlock<'_> {
    fn is_empty(&self, row: usize, column: usize) -> bool {
        self.range(row, column).is_empty()
    }

    fn cell(&self, row: usize, column: usize) -> Result<Cow<'_, str>, CellFault> {
        let cell = &self.text[self.range(row, column)];
        let last = column + 1 == self.columns;
        let cell = if last { cell.strip_suffix('\r').unwrap_or(cell) } else { cell };
        unquoted(cell).map_err(|problem| CellFault {
            row,
            column,
            value: shortened(cell.as_bytes()),
            problem,
        })
    }
}

/// A cell's text: as it stands, or between its quotes with doubled ones made single.
///
/// # Errors
/// [`BadValue::Quote`] for a quote anywhere else: readers differ on what such a cell says.
pub(super) fn unquoted(cell: &str) -> Result<Cow<'_, str>, BadValue> {
    let Some(inner) = cell.strip_prefix('"') else {
        return if cell.contains('"') { Err(BadValue::Quote) } else { Ok(Cow::Borrowed(cell)) };
    };
    let inner = inner.strip_suffix('"').ok_or(BadValue::Quote)?;
    if !inner.contains('"') {
        return Ok(Cow::Borrowed(inner));
    }
    let single = inner.replace("\"\"", "\u{0}");
    if single.contains('"') {
        return Err(BadValue::Quote);
    }
    Ok(Cow::Owned(inner.replace("\"\"", "\"")))
}
