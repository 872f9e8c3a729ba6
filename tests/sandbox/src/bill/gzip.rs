//! Gzip into memory, in one member or in several, as AWS delivers both.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};

/// Uncompressed size after which a file in several members begins the next one.
const MEMBER: usize = 256 << 10;

/// How many members a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Members {
    One,
    Several,
}

/// Compresses what is written to it.
pub(super) struct Gzip {
    encoder: GzEncoder<Vec<u8>>,
    members: Members,
    in_member: usize,
}

impl Gzip {
    pub(super) fn new(members: Members) -> Self {
        Self { encoder: member(Vec::new()), members, in_member: 0 }
    }

    /// Adds bytes; a member ends only between two calls.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.members == Members::Several && self.in_member >= MEMBER {
            let so_far = std::mem::replace(&mut self.encoder, member(Vec::new())).finish()?;
            self.encoder = member(so_far);
            self.in_member = 0;
        }
        self.in_member += bytes.len();
        self.encoder.write_all(bytes)
    }

    pub(super) fn finish(self) -> io::Result<Bytes> {
        self.encoder.finish().map(Bytes::from)
    }
}

/// A member without a time or name, so that the same bytes compress to the same bytes.
fn member(target: Vec<u8>) -> GzEncoder<Vec<u8>> {
    GzBuilder::new().mtime(0).write(target, Compression::new(6))
}
