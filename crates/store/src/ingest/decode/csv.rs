//! csv files: gzip → blocks of whole records → cells → batches.

mod block;
mod records;

use super::{
    DecodeFault, DecodeJob, FaultPlace, FileReport, Interrupt, Sink, fault::shortened, inflate::Inflated,
};
use crate::{
    ingest::{
        normalize::{BatchBuilder, CellFault, Mapping, MappingFault, Maps, RowStamp},
        verify::{CsvTally, VerifyFault},
    },
    report::SourceFile,
};
use block::CsvBlock;
use records::Records;

/// Bytes of cells after which a batch is given out even if it could take more rows: long cells must not add up.
const BATCH_BYTES: usize = 32 << 20;

/// Decodes a gzip-compressed csv file.
pub(super) fn decode(
    file: &dyn SourceFile,
    job: &DecodeJob,
    sink: &mut Sink<'_>,
) -> Result<FileReport, Interrupt> {
    let source =
        Tee { inner: Inflated::open(file, &job.limits)?, tally: CsvTally::new(&job.table.bill), fault: None };
    let mut records = Records::new(source, file.key(), &job.limits);
    let mut maps = Maps::new(job.table);
    let header = records.header()?;
    let mapping = Mapping::new(job.table, header, &mut maps).map_err(|fault| refused(fault, file.key()))?;
    let stamp = RowStamp { manifest_id: job.manifest_id.clone(), loaded_at: job.loaded_at };
    let builder = BatchBuilder::new(job.table, mapping, maps, stamp);
    let mut batch = Batch { builder, bytes: 0, rows: 0, sink };
    while let Some(block) = records.next_block()? {
        batch.add(&block, file.key(), job)?;
    }
    batch.emit()?;
    let Batch { builder, rows, .. } = batch;
    let missing_columns = builder.missing_columns();
    let (rounded, tag_keys) = builder.finish();
    let Tee { tally, fault, .. } = records.into_source();
    let unverifiable = |fault| DecodeFault::Unverifiable { file: file.key().to_owned(), fault };
    let source = match fault {
        Some(fault) => return Err(unverifiable(fault).into()),
        None => tally.finish().map_err(unverifiable)?,
    };
    Ok(FileReport { rows, source, rounded, tag_keys, missing_columns })
}

/// Gives the same inflated bytes to both decoders.
struct Tee {
    inner: Inflated,
    tally: CsvTally,
    /// The independent decoder's first fault: told only if the main one finds none, which has the better words.
    fault: Option<VerifyFault>,
}

impl Tee {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DecodeFault> {
        let read = self.inner.read(buffer)?;
        if self.fault.is_none() {
            self.fault = self.tally.push(&buffer[..read]).err();
        }
        Ok(read)
    }
}

/// The batch being gathered, and where it goes.
struct Batch<'a, 'b> {
    builder: BatchBuilder,
    bytes: usize,
    rows: u64,
    sink: &'a mut Sink<'b>,
}

impl Batch<'_, '_> {
    fn add(&mut self, block: &CsvBlock<'_>, file: &str, job: &DecodeJob) -> Result<(), Interrupt> {
        let mut from = 0;
        while from < block.rows() {
            let room = job.batch_rows.max(1) - self.builder.rows();
            let to = block.rows().min(from + room);
            self.builder.fill(block, from..to).map_err(|fault| self.bad_value(fault, block, file))?;
            self.bytes += block.bytes(from..to);
            if self.builder.most_keys() > job.limits.map_keys {
                let limit = format!("more than {} keys in a map column", job.limits.map_keys);
                return Err(DecodeFault::LimitExceeded { file: file.to_owned(), limit }.into());
            }
            if self.builder.rows() >= job.batch_rows || self.bytes >= BATCH_BYTES {
                self.emit()?;
            }
            from = to;
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<(), Interrupt> {
        self.bytes = 0;
        self.rows += self.builder.rows() as u64;
        if self.builder.rows() == 0 { Ok(()) } else { (self.sink)(self.builder.take()) }
    }

    fn bad_value(&self, fault: CellFault, block: &CsvBlock<'_>, file: &str) -> DecodeFault {
        let CellFault { row, column, value, problem } = fault;
        let column = self.builder.headers()[column].clone();
        let place = FaultPlace { file: file.to_owned(), row: block.number(row), column };
        DecodeFault::BadValue { place, value: shortened(value.as_bytes()), problem }
    }
}

/// What a refused header means for the file.
pub(super) fn refused(fault: MappingFault, file: &str) -> DecodeFault {
    let file = file.to_owned();
    match fault {
        MappingFault::Missing(columns) => DecodeFault::ColumnsMissing { file, columns },
        MappingFault::Twice(column) => DecodeFault::ColumnTwice { file, column },
    }
}
