//! Reading a gzip file: every member of it, within the limits, with the source's faults kept apart from gzip's.

use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    rc::Rc,
};

use flate2::bufread::GzDecoder;

use super::{DecodeFault, Limits};
use crate::report::{SourceFault, SourceFile};

/// Bytes asked of the source at once.
const READ: usize = 256 << 10;

/// A gzip file's content.
pub(super) struct Inflated {
    /// The member that is being read; `None` behind the last.
    member: Option<GzDecoder<io::BufReader<Compressed>>>,
    compressed: Rc<Cell<u64>>,
    out: u64,
    file: String,
    limits: Limits,
}

impl Inflated {
    /// Opens a file and looks at its first bytes.
    pub fn open(file: &dyn SourceFile, limits: &Limits) -> Result<Self, DecodeFault> {
        let compressed = Rc::new(Cell::new(0));
        let source = Compressed {
            inner: file.open()?,
            key: file.key().to_owned(),
            listed: file.size(),
            read: compressed.clone(),
        };
        let mut source = io::BufReader::with_capacity(READ, source);
        let start = source.fill_buf().map_err(|error| fault(error, file.key()))?;
        if !start.starts_with(&[0x1f, 0x8b]) {
            return Err(DecodeFault::FormatUnsupported {
                file: file.key().to_owned(),
                found: looks_like(start),
                expected: "gzip-compressed csv",
            });
        }
        let member = Some(GzDecoder::new(source));
        Ok(Self { member, compressed, out: 0, file: file.key().to_owned(), limits: limits.clone() })
    }

    /// Reads on; 0 at the end of the last member.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DecodeFault> {
        let read = loop {
            let Some(member) = &mut self.member else { break 0 };
            match member.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) if !buffer.is_empty() => self.next_member()?,
                result => break result.map_err(|error| fault(error, &self.file))?,
            }
        };
        self.out += read as u64;
        self.check()?;
        Ok(read)
    }

    /// Goes on to what follows a member: another one, or nothing but zeros, with which tools pad a file to whole blocks.
    fn next_member(&mut self) -> Result<(), DecodeFault> {
        let Some(ended) = self.member.take() else { return Ok(()) };
        let mut source = ended.into_inner();
        let mut padded = false;
        loop {
            let rest = match source.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                rest => rest.map_err(|error| fault(error, &self.file))?,
            };
            if rest.is_empty() {
                return Ok(());
            }
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            padded |= zeros > 0;
            if zeros < rest.len() {
                break;
            }
            source.consume(zeros);
        }
        if padded {
            let problem = "data follows the zero bytes after its last member".to_owned();
            return Err(DecodeFault::Damaged { file: self.file.clone(), problem });
        }
        self.member = Some(GzDecoder::new(source));
        Ok(())
    }

    fn check(&self) -> Result<(), DecodeFault> {
        let Limits { inflated, ratio, ratio_after, .. } = self.limits;
        let limit = if self.out > inflated {
            format!("more than {inflated} bytes after decompression")
        } else if self.out > ratio_after && self.out / ratio > self.compressed.get() {
            format!("{} bytes came out of {}, more than {ratio} to 1", self.out, self.compressed.get())
        } else {
            return Ok(());
        };
        Err(DecodeFault::LimitExceeded { file: self.file.clone(), limit })
    }
}

fn looks_like(start: &[u8]) -> &'static str {
    match start {
        [b'P', b'K', ..] => "a zip archive",
        [b'P', b'A', b'R', b'1', ..] => "Parquet",
        _ if start.is_ascii() => "plain text",
        _ => "of an unknown format",
    }
}

/// A fault of the source if it is one, else of the packing.
fn fault(error: io::Error, file: &str) -> DecodeFault {
    match error.downcast::<SourceFault>() {
        Ok(source) => source.into(),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            DecodeFault::Damaged { file: file.to_owned(), problem: "it is cut short".to_owned() }
        }
        Err(error) => DecodeFault::Damaged { file: file.to_owned(), problem: error.to_string() },
    }
}

/// The bytes of the source, counted and held against its listed size.
struct Compressed {
    inner: Box<dyn Read + Send>,
    key: String,
    listed: u64,
    read: Rc<Cell<u64>>,
}

impl Read for Compressed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let transient = |problem: String| SourceFault::Transient { key: self.key.clone(), problem };
        let read = self.inner.read(buffer).map_err(|error| match error.downcast::<SourceFault>() {
            Ok(fault) => io::Error::other(fault),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => error,
            Err(error) => io::Error::other(transient(error.to_string())),
        })?;
        let total = self.read.get() + read as u64;
        self.read.set(total);
        let ended_early = read == 0 && !buffer.is_empty() && total < self.listed;
        if ended_early || total > self.listed {
            let problem = format!("{total} bytes came where {} are listed", self.listed);
            return Err(io::Error::other(transient(problem)));
        }
        Ok(read)
    }
}
