//! The part of a Parquet file that is in memory: its footer, then one row group after the other.

use std::{io, ops::Range, sync::Arc};

use bytes::{Buf, Bytes};
use parquet::{
    errors::{ParquetError, Result},
    file::reader::{ChunkReader, Length},
};

use crate::report::{SourceFault, SourceFile};

/// Bytes fetched at once: neighbouring columns share a request.
const PIECE: u64 = 16 << 20;

/// Bytes of a file at their offsets, for both decoders. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Held {
    size: u64,
    /// In order of their offsets.
    pieces: Arc<[(u64, Bytes)]>,
}

impl Held {
    /// Fetches ranges of a file; touching ones together, up to a size.
    pub fn fetch(
        file: &dyn SourceFile,
        mut ranges: Vec<Range<u64>>,
    ) -> std::result::Result<Self, SourceFault> {
        ranges.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end && range.end.max(last.end) - last.start <= PIECE => {
                    last.end = last.end.max(range.end);
                }
                _ => joined.push(range),
            }
        }
        let mut pieces = Vec::with_capacity(joined.len());
        for range in joined {
            let bytes = file.read_range(range.clone())?;
            if bytes.len() as u64 != range.end - range.start {
                let problem =
                    format!("{} bytes came where {} were asked for", bytes.len(), range.end - range.start);
                return Err(SourceFault::Transient { key: file.key().to_owned(), problem });
            }
            pieces.push((range.start, bytes));
        }
        Ok(Self { size: file.size(), pieces: pieces.into() })
    }

    /// From `start` to the end of the piece it lies in.
    fn from(&self, start: u64) -> Result<Bytes> {
        let after = self.pieces.partition_point(|(at, _)| *at <= start);
        let piece = after.checked_sub(1).map(|index| &self.pieces[index]);
        piece
            .and_then(|(at, bytes)| {
                let skip = usize::try_from(start - at).ok().filter(|skip| *skip <= bytes.len())?;
                Some(bytes.slice(skip..))
            })
            .ok_or_else(|| ParquetError::EOF(format!("no data at offset {start}")))
    }
}

impl Length for Held {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Held {
    type T = io::BufReader<bytes::buf::Reader<Bytes>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(io::BufReader::with_capacity(512, self.from(start)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at offset {start} pass the end of the column"
            )));
        }
        Ok(bytes.slice(..length))
    }
}
