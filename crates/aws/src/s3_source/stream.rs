//! A data file in S3, read in ranges ahead of the reader.

use std::{
    io::{self, Read},
    ops::Range,
    sync::Arc,
};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::Inner;
use crate::report::{DeliveredFile, SourceFault, SourceFile};

/// Bytes of one range: large enough that the round trip hardly counts.
const RANGE: u64 = 8 * 1024 * 1024;
/// Ranges fetched at once. With one waiting and one being read, a file holds at most four in memory.
const AHEAD: usize = 2;

/// A data file, pinned to the ETag it was listed with.
pub(super) struct S3File {
    pub inner: Arc<Inner>,
    pub listed: DeliveredFile,
}

impl SourceFile for S3File {
    fn key(&self) -> &str {
        &self.listed.key
    }

    fn size(&self) -> u64 {
        self.listed.size
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, SourceFault> {
        let (send, ranges) = mpsc::channel(1);
        let (inner, listed, size) = (Arc::clone(&self.inner), self.listed.clone(), self.listed.size);
        self.inner.runtime.spawn(async move {
            let fetches = futures::stream::iter(split_ranges(size))
                .map(move |range| {
                    let (inner, listed) = (Arc::clone(&inner), listed.clone());
                    async move { inner.fetch_range(&listed.key, &listed.etag, range).await }
                })
                .buffered(AHEAD);
            let mut fetches = std::pin::pin!(fetches);
            while let Some(fetched) = fetches.next().await {
                let failed = fetched.is_err();
                // Nobody takes it any more once the reader is dropped.
                if send.send(fetched).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok(Box::new(RangeReader { ranges, current: Bytes::new() }))
    }

    fn read_range(&self, range: Range<u64>) -> Result<Bytes, SourceFault> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.inner.runtime.block_on(self.inner.fetch_range(&self.listed.key, &self.listed.etag, range))
    }
}

/// The ranges of a file of this size.
fn split_ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(RANGE)).map(move |index| index * RANGE..((index + 1) * RANGE).min(size))
}

/// Hands out what the fetching task brings.
struct RangeReader {
    ranges: mpsc::Receiver<Result<Bytes, SourceFault>>,
    current: Bytes,
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.ranges.blocking_recv() {
                Some(fetched) => self.current = fetched?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_a_file_once() {
        for size in [0, 1, RANGE - 1, RANGE, RANGE + 1, 3 * RANGE] {
            let mut next = 0;
            for range in split_ranges(size) {
                assert_eq!(range.start, next);
                assert!(range.end > range.start);
                next = range.end;
            }
            assert_eq!(next, size);
        }
    }
}
