//! A Parquet file's footer: read within limits, and nothing in it believed before it is checked.

use std::{ops::Range, sync::Arc};

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::{damaged, guarded};
use crate::{
    ingest::decode::{DecodeFault, Limits},
    report::SourceFile,
};

/// Bytes read first: most footers fit.
const TAIL: u64 = 64 << 10;
/// The length and the magic at the end of a file.
const TRAILER: u64 = 8;

/// Reads and checks the footer.
pub(super) fn read(file: &dyn SourceFile, limits: &Limits) -> Result<Arc<ParquetMetaData>, DecodeFault> {
    let size = file.size();
    if size < TRAILER + 4 {
        return Err(damaged(file, &format!("it has only {size} bytes")));
    }
    let tail_start = size.saturating_sub(TAIL);
    let tail = file.read_range(tail_start..size)?;
    let Some((before, trailer)) = tail.split_last_chunk::<8>() else {
        return Err(damaged(file, "its end can't be read"));
    };
    let [a, b, c, d, magic @ ..] = *trailer;
    if &magic != b"PAR1" {
        return Err(not_parquet(file, tail_start, &tail)?);
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > limits.footer {
        let limit = format!("a footer of {length} bytes, more than {}", limits.footer);
        return Err(DecodeFault::LimitExceeded { file: file.key().to_owned(), limit });
    }
    let Some(start) = (size - TRAILER).checked_sub(length) else {
        return Err(damaged(file, "its footer is longer than the file"));
    };
    let metadata = if start >= tail_start {
        let skip = (start - tail_start) as usize;
        guarded(file, || ParquetMetaDataReader::decode_metadata(&before[skip..]))?
    } else {
        let footer = file.read_range(start..size - TRAILER)?;
        guarded(file, || ParquetMetaDataReader::decode_metadata(&footer))?
    };
    let columns = metadata.file_metadata().schema_descr().num_columns();
    if columns > limits.columns * 2 {
        let limit = format!("{columns} columns, more than {}", limits.columns * 2);
        return Err(DecodeFault::LimitExceeded { file: file.key().to_owned(), limit });
    }
    Ok(Arc::new(metadata))
}

fn not_parquet(file: &dyn SourceFile, tail_start: u64, tail: &[u8]) -> Result<DecodeFault, DecodeFault> {
    let head = if tail_start == 0 { tail[..4].to_vec() } else { file.read_range(0..4)?.to_vec() };
    let unsupported =
        |found| DecodeFault::FormatUnsupported { file: file.key().to_owned(), found, expected: "Parquet" };
    Ok(match head.as_slice() {
        b"PAR1" => damaged(file, "it begins like Parquet but does not end like it: it is truncated"),
        [0x1f, 0x8b, ..] => unsupported("compressed with gzip"),
        [b'P', b'K', ..] => unsupported("a zip archive"),
        _ => unsupported("of an unknown format"),
    })
}

/// Where the bytes of a row group's columns are, if they lie in the file and are not too many.
pub(super) fn column_ranges(
    file: &dyn SourceFile,
    group: &RowGroupMetaData,
    limits: &Limits,
) -> Result<Vec<Range<u64>>, DecodeFault> {
    let limit_passed = |limit: String| DecodeFault::LimitExceeded { file: file.key().to_owned(), limit };
    if group.num_rows() < 0 {
        return Err(damaged(file, "a row group has fewer than no rows"));
    }
    let mut ranges = Vec::with_capacity(group.num_columns());
    let (mut stored, mut inflated) = (0u64, 0u64);
    for column in group.columns() {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let numbers = (
            u64::try_from(start),
            u64::try_from(column.compressed_size()),
            u64::try_from(column.uncompressed_size()),
        );
        let (Ok(start), Ok(length), Ok(uncompressed)) = numbers else {
            return Err(damaged(file, "its footer has negative sizes"));
        };
        let end = start.checked_add(length).filter(|end| *end <= file.size());
        let end = end.ok_or_else(|| damaged(file, "its footer points past its end"))?;
        ranges.push(start..end);
        stored = stored.saturating_add(length);
        inflated = inflated.saturating_add(uncompressed);
    }
    if stored > limits.row_group {
        return Err(limit_passed(format!("a row group of {stored} bytes, more than {}", limits.row_group)));
    }
    if inflated > limits.row_group_inflated {
        let most = limits.row_group_inflated;
        return Err(limit_passed(format!(
            "a row group of {inflated} bytes once decompressed, more than {most}"
        )));
    }
    Ok(ranges)
}
