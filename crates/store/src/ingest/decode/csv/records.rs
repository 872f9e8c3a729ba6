//! Cuts inflated bytes into blocks that end where a record ends, and finds the cells in one pass.
//!
//! A comma or line end counts only where the number of quotes before it is even; the cells themselves are
//! checked for stray quotes when they are read, so the parity can't be led astray unnoticed.

use std::ops::ControlFlow;

use super::{
    Tee,
    block::{CsvBlock, Index, unquoted},
};
use crate::ingest::decode::{BadValue, DecodeFault, FaultPlace, Limits, shortened};

/// Bytes of a block: large enough to work on columns, small enough for the cache.
const BLOCK: usize = 1 << 20;

/// Reads a csv file block by block.
pub(super) struct Records {
    source: Tee,
    file: String,
    limits: Limits,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold data.
    filled: usize,
    /// Bytes of the buffer that were given out with the last block.
    used: usize,
    ended: bool,
    columns: usize,
    /// The number of the next record.
    next: u64,
    index: Index,
    headers: Vec<String>,
}

impl Records {
    pub fn new(source: Tee, file: &str, limits: &Limits) -> Self {
        Self {
            source,
            file: file.to_owned(),
            limits: limits.clone(),
            buffer: vec![0; BLOCK + limits.record],
            filled: 0,
            used: 0,
            ended: false,
            columns: 0,
            next: 1,
            index: Index::default(),
            headers: Vec::new(),
        }
    }

    pub fn into_source(self) -> Tee {
        self.source
    }

    /// Reads the header line.
    pub fn header(&mut self) -> Result<Vec<String>, DecodeFault> {
        self.refill()?;
        if self.buffer[..self.filled].starts_with(b"\xef\xbb\xbf") {
            self.used = 3;
        }
        let start = self.used;
        let mut ends = Vec::new();
        let mut line_end = None;
        let quoted = delimiters(&self.buffer[start..self.filled], |at, byte| {
            if byte == b'\n' {
                line_end = Some(start + at);
                return ControlFlow::Break(());
            }
            ends.push(at);
            ControlFlow::Continue(())
        });
        let end = match line_end {
            Some(end) => end,
            None if self.ended && quoted => return Err(self.unclosed(1)),
            None if self.ended => self.filled,
            None => return Err(self.too_long(1)),
        };
        if end - start > self.limits.record {
            return Err(self.too_long(1));
        }
        if ends.len() >= self.limits.columns {
            let limit = format!("{} columns, more than {}", ends.len() + 1, self.limits.columns);
            return Err(DecodeFault::LimitExceeded { file: self.file.clone(), limit });
        }
        let line = std::str::from_utf8(&self.buffer[start..end])
            .map_err(|_| self.bad(1, "(header)", &[], BadValue::Encoding))?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(DecodeFault::HeaderMissing { file: self.file.clone() });
        }
        ends.push(line.len());
        let mut from = 0;
        let mut headers = Vec::with_capacity(ends.len());
        for end in ends {
            let cell = &line[from..end];
            let name = unquoted(cell).map_err(|problem| self.bad(1, cell, cell.as_bytes(), problem))?;
            headers.push(name.into_owned());
            from = end + 1;
        }
        self.used = (end + 1).min(self.filled);
        self.columns = headers.len();
        self.next = 2;
        self.headers.clone_from(&headers);
        Ok(headers)
    }

    /// The next records; `None` at the end of the file.
    pub fn next_block(&mut self) -> Result<Option<CsvBlock<'_>>, DecodeFault> {
        loop {
            if !self.ended {
                self.refill()?;
            }
            let start = self.used;
            if start == self.filled {
                return Ok(None);
            }
            let end = self.find_cells(start)?;
            self.used = end;
            if !self.index.starts.is_empty() {
                let first = self.next;
                self.next += self.index.starts.len() as u64;
                let text = std::str::from_utf8(&self.buffer[start..end])
                    .map_err(|error| self.not_utf8(&self.buffer[start..end], error.valid_up_to(), first))?;
                return Ok(Some(CsvBlock { text, index: &self.index, columns: self.columns, first }));
            }
        }
    }

    /// Moves what is left to the front and fills the buffer up.
    fn refill(&mut self) -> Result<(), DecodeFault> {
        self.buffer.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        self.used = 0;
        while self.filled < self.buffer.len() && !self.ended {
            match self.source.read(&mut self.buffer[self.filled..])? {
                0 => self.ended = true,
                read => self.filled += read,
            }
        }
        Ok(())
    }

    /// Indexes the records from `start` on; the end of the last whole one.
    fn find_cells(&mut self, start: usize) -> Result<usize, DecodeFault> {
        let Index { ends, starts } = &mut self.index;
        ends.clear();
        starts.clear();
        let bytes = &self.buffer[start..self.filled];
        let mut record = Record { ends, starts, columns: self.columns, limit: self.limits.record, start: 0 };
        let mut stopped = None;
        let quoted = delimiters(bytes, |at, byte| {
            record.ends.push(at as u32);
            if byte != b'\n' {
                return ControlFlow::Continue(());
            }
            match record.end(bytes, at) {
                Ok(()) => ControlFlow::Continue(()),
                Err(fault) => {
                    stopped = Some(fault);
                    ControlFlow::Break(())
                }
            }
        });
        let mut end = record.start;
        let rest = bytes.len() - record.start;
        if stopped.is_none() && self.ended && rest > 0 && !quoted {
            record.ends.push(bytes.len() as u32);
            stopped = record.end(bytes, bytes.len()).err();
            end = bytes.len();
        }
        let number = self.next + self.index.starts.len() as u64;
        match stopped {
            Some(RecordFault::Ragged { found }) => {
                return Err(DecodeFault::RaggedRow {
                    file: self.file.clone(),
                    row: number,
                    found,
                    expected: self.columns,
                });
            }
            Some(RecordFault::TooLong) => return Err(self.too_long(number)),
            None if self.ended && rest > 0 && quoted => return Err(self.unclosed(number)),
            None if !self.ended && rest > self.limits.record => return Err(self.too_long(number)),
            None => {}
        }
        // Cells of a record that is not whole yet are found again with the next block.
        self.index.ends.truncate(self.index.starts.len() * self.columns);
        Ok(start + end)
    }

    fn not_utf8(&self, bytes: &[u8], at: usize, first: u64) -> DecodeFault {
        let row = self.index.starts.partition_point(|start| *start as usize <= at).saturating_sub(1);
        let cells = &self.index.ends[row * self.columns..];
        let column = cells.partition_point(|end| (*end as usize) < at).min(self.columns - 1);
        let from = bytes[..at].iter().rposition(|byte| matches!(byte, b',' | b'\n')).map_or(0, |at| at + 1);
        let to = bytes[at..]
            .iter()
            .position(|byte| matches!(byte, b',' | b'\n'))
            .map_or(bytes.len(), |to| at + to);
        self.bad(first + row as u64, &self.headers[column], &bytes[from..to], BadValue::Encoding)
    }

    fn bad(&self, row: u64, column: &str, value: &[u8], problem: BadValue) -> DecodeFault {
        let place = FaultPlace { file: self.file.clone(), row, column: column.to_owned() };
        DecodeFault::BadValue { place, value: shortened(value), problem }
    }

    fn too_long(&self, row: u64) -> DecodeFault {
        let limit = format!("row {row} is longer than {} bytes; is a quote not closed?", self.limits.record);
        DecodeFault::LimitExceeded { file: self.file.clone(), limit }
    }

    fn unclosed(&self, row: u64) -> DecodeFault {
        DecodeFault::Damaged {
            file: self.file.clone(),
            problem: format!("a quote in row {row} is not closed at the end of the file"),
        }
    }
}

/// The records being indexed.
struct Record<'a> {
    ends: &'a mut Vec<u32>,
    starts: &'a mut Vec<u32>,
    columns: usize,
    limit: usize,
    /// Where the record under way starts.
    start: usize,
}

enum RecordFault {
    Ragged { found: usize },
    TooLong,
}

impl Record<'_> {
    /// Ends a record at `at`; its last cell is indexed already.
    fn end(&mut self, bytes: &[u8], at: usize) -> Result<(), RecordFault> {
        let whole = self.starts.len() * self.columns;
        let found = self.ends.len() - whole;
        let blank = matches!(&bytes[self.start..at], b"" | b"\r");
        if blank && self.columns > 1 {
            self.ends.truncate(whole);
        } else if found != self.columns {
            return Err(RecordFault::Ragged { found });
        } else if at - self.start > self.limit {
            return Err(RecordFault::TooLong);
        } else {
            self.starts.push(self.start as u32);
        }
        self.start = at + 1;
        Ok(())
    }
}

/// Visits every comma and line end outside quotes; true if the bytes end inside quotes.
///
/// Eight bytes at a time: most of a report is text between its delimiters.
fn delimiters(bytes: &[u8], mut visit: impl FnMut(usize, u8) -> ControlFlow<()>) -> bool {
    let mut quoted = false;
    let mut see = |at: usize, byte: u8| match byte {
        b'"' => {
            quoted = !quoted;
            ControlFlow::Continue(())
        }
        b',' | b'\n' if !quoted => visit(at, byte),
        _ => ControlFlow::Continue(()),
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let value = u64::from_le_bytes(*word);
        let mut marks = marks(value, b',') | marks(value, b'\n') | marks(value, b'"');
        while marks != 0 {
            let at = marks.trailing_zeros() as usize / 8;
            if see(index * 8 + at, word[at]).is_break() {
                return quoted;
            }
            marks &= marks - 1;
        }
    }
    for (at, byte) in rest.iter().enumerate() {
        if see(words.len() * 8 + at, *byte).is_break() {
            return quoted;
        }
    }
    quoted
}

/// The top bit of every byte of `value` that equals `byte`, and no other bit.
fn marks(value: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differing = value ^ u64::from_ne_bytes([byte; 8]);
    !(((differing & LOW) + LOW) | differing | LOW)
}
