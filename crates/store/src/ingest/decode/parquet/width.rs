//! How wide the rows of a row group may get in memory.
//!
//! A dictionary lets a few stored bytes stand for one long text on every row, so a batch's size can't be told from
//! the file's. The dictionaries are looked at first, and the batch is made as short as the longest texts ask.

use std::sync::Arc;

use parquet::{
    basic::{Encoding, Type as PhysicalType},
    column::page::{Page, PageReader},
    errors::Result,
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        serialized_reader::SerializedPageReader,
    },
};

use super::Held;

/// Bytes of text that a batch may hold.
const BATCH_BYTES: u64 = 64 << 20;

/// The most rows, up to `wanted`, that are read from a row group at once.
pub(super) fn rows_at_once(held: &Held, group: &RowGroupMetaData, wanted: usize) -> Result<usize> {
    let rows = u64::try_from(group.num_rows()).unwrap_or_default().max(1);
    let mut width = u64::try_from(group.total_byte_size()).unwrap_or_default() / rows;
    for column in group.columns() {
        if column.column_type() == PhysicalType::BYTE_ARRAY {
            width += longest_repeated(held, column, rows)?;
        }
    }
    let fitting = usize::try_from(BATCH_BYTES / width.max(1)).unwrap_or(usize::MAX);
    Ok(wanted.min(fitting).max(1))
}

/// The length of the longest text of a column that may stand on many rows while it is stored once.
fn longest_repeated(held: &Held, column: &ColumnChunkMetaData, rows: u64) -> Result<u64> {
    let mut longest = 0;
    for encoding in column.encodings() {
        match encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                let mut pages = SerializedPageReader::new(Arc::new(held.clone()), column, rows, None)?;
                if let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? {
                    longest = longest.max(longest_of(&buf));
                }
            }
            // Each text may repeat what the one before began with, and so on to the first.
            Encoding::DELTA_BYTE_ARRAY => {
                longest = longest.max(u64::try_from(column.uncompressed_size()).unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(longest)
}

/// The longest of texts that are each preceded by their length in four bytes.
fn longest_of(mut bytes: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(length);
        bytes = rest.get(length as usize..).unwrap_or_default();
    }
    longest.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_counts_even_in_a_broken_page() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"\x01\0\0\0a\x03\0\0\0abc\x02\0\0\0ab", 3),
            (b"\x01\0\0\0a\xff\0\0\0abc", 255),
            (b"\x01\0", 0),
        ] {
            assert_eq!(longest_of(bytes), expected, "{bytes:?}");
        }
    }
}
