//! Loads one version: stage, write, verify, confirm, commit — or nothing at all.
//!
//! A process killed anywhere leaves the old version or the new one: what is staged is invisible until the one
//! commit, and the ledger row is part of it.

mod payer;
mod workers;

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use payer::{Payer, find_payer};

use super::{
    crash_point,
    decode::{DecodeFault, DecodeJob, Limits},
    fault::LoadFault,
    outcome::{EndedPeriod, delivered_at},
    plan::{Planned, Step, Terms, draft, step},
    progress::Progress,
    right_bill::ExpectedBill,
    tally::Tally,
    verify,
};
use crate::{
    model::Outcome,
    report::{
        self, BillSource, Delivery, FileFormat, ReportFault, ReportRoot, SourceFault, WantedPeriods, confirm,
    },
    schema::amortized::RESERVATION,
    warehouse::{
        Committed, Slot, Stage, Warehouse, WarehouseFault,
        ledger::{Decision, LedgerRow},
    },
};
use workers::{CrewTerms, Read};

/// How often a delivery that changes under the reader is started over.
const ATTEMPTS: u32 = 3;
/// Rows of one batch: with 132 columns some ten megabytes.
const BATCH_ROWS: usize = 8 * 1024;

/// Everything a load needs beside the version itself.
pub struct Loader<'a> {
    /// Where the files are.
    pub source: &'a dyn BillSource,
    /// The report, to look again when a delivery changed.
    pub root: &'a ReportRoot,
    /// Where the rows go.
    pub warehouse: &'a dyn Warehouse,
    /// What the load is asked to be.
    pub terms: &'a Terms,
    /// Whose bill it must be.
    pub expected: ExpectedBill,
    /// Files read at once, one thread each.
    pub workers: usize,
    /// Asks the load to end without a commit.
    pub stop: CancellationToken,
    /// Raised while rows are written.
    pub progress: Arc<Progress>,
}

/// How one attempt at a version ended well.
enum LoadedPeriod {
    Committed(Box<LedgerRow>),
    Refused(Decision),
}

impl Loader<'_> {
    /// Carries out one step of a plan. `rows` are the connection's ledger rows that the plan was made from.
    pub async fn carry_out(&self, planned: Planned, rows: &[LedgerRow]) -> EndedPeriod {
        let connection = Some(&self.terms.connection);
        let (mut delivery, mut ordered_at) = match planned.step {
            Step::Load { delivery, ordered_at } => (delivery, ordered_at),
            other => return self.without_load(planned.period, &other, rows),
        };
        for _ in 0..ATTEMPTS {
            let fault = match self.load(&delivery, ordered_at).await {
                Ok(LoadedPeriod::Committed(row)) => {
                    let done = EndedPeriod::done(Outcome::Loaded, &row, delivered_at(&delivery));
                    return done.warned(&delivery).in_place_of(rows);
                }
                Ok(LoadedPeriod::Refused(decision)) => return self.refused(&delivery, &decision).await,
                Err(fault) => fault,
            };
            if !is_change(&fault) {
                return EndedPeriod::fault(planned.period, connection, Some(&delivery), &fault);
            }
            tracing::info!(period = %planned.period, "the delivery changed while it was read; starting over");
            match self.look_again(&delivery).await {
                Ok(found) => match step(found, rows, self.terms) {
                    Step::Load { delivery: found, ordered_at: time } => {
                        (delivery, ordered_at) = (found, time);
                    }
                    other => return self.without_load(planned.period, &other, rows),
                },
                Err(fault) => {
                    return EndedPeriod::fault(planned.period, connection, Some(&delivery), &fault.into());
                }
            }
        }
        let fault = LoadFault::KeepsChanging { attempts: ATTEMPTS };
        EndedPeriod::fault(planned.period, connection, Some(&delivery), &fault)
    }

    /// The end of a step that loads nothing.
    fn without_load(
        &self,
        period: crate::model::BillingPeriod,
        step: &Step,
        rows: &[LedgerRow],
    ) -> EndedPeriod {
        let connection = &self.terms.connection;
        let (delivery, fault) = match step {
            Step::Settled { delivery, decision } => {
                return EndedPeriod::settled(connection, &self.terms.owner, delivery, decision, rows);
            }
            Step::Load { delivery, .. } => (Some(delivery), LoadFault::Changed),
            Step::NotExpected { delivery } => {
                let expected = self.terms.expect.as_ref().map_or("", |version| version.short()).to_owned();
                let delivered = delivery.version.short().to_owned();
                (Some(delivery), LoadFault::NotExpected { delivered, expected })
            }
            Step::NoTime { delivery } => {
                let (manifest, named) = (delivery.manifest_key.clone(), delivery.named_time);
                (Some(delivery), LoadFault::NoTime { manifest, named })
            }
            Step::Fault(fault) => (None, LoadFault::Report(fault.clone())),
        };
        EndedPeriod::fault(period, Some(connection), delivery.map(AsRef::as_ref), &fault)
    }

    /// The commit's own look at the ledger said no: someone else was first.
    async fn refused(&self, delivery: &Delivery, decision: &Decision) -> EndedPeriod {
        match self.warehouse.ledger(Some(&self.terms.connection)).await {
            Ok(rows) => {
                let Terms { connection, owner, .. } = self.terms;
                EndedPeriod::settled(connection, owner, delivery, decision, &rows)
            }
            Err(fault) => EndedPeriod::fault(
                delivery.period,
                Some(&self.terms.connection),
                Some(delivery),
                &fault.into(),
            ),
        }
    }

    async fn look_again(&self, delivery: &Delivery) -> Result<Box<Delivery>, ReportFault> {
        let wanted = WantedPeriods::Only(BTreeSet::from([delivery.period]));
        let found = report::deliveries(self.source, self.root, &wanted, Timestamp::now()).await?;
        found
            .into_iter()
            .find(|found| found.period == delivery.period)
            .map_or(Err(ReportFault::NoManifest { period: delivery.period, seen: None }), |found| {
                found.delivery
            })
            .map(Box::new)
    }

    /// One attempt at one version. After any fault nothing of it is visible.
    async fn load(&self, delivery: &Delivery, ordered_at: Timestamp) -> Result<LoadedPeriod, LoadFault> {
        let format = decoder_format(delivery)?;
        let loaded_at = Timestamp::now();
        let job = DecodeJob {
            table: self.warehouse.table(),
            format,
            manifest_id: delivery.version.0.clone(),
            loaded_at,
            batch_rows: BATCH_ROWS,
            limits: Limits::default(),
        };
        self.progress.begin(delivery.files.len() as u64);
        let slot = Slot { connection: self.terms.connection.clone(), period: delivery.period };
        let run = uuid::Uuid::new_v4().to_string();
        let stage = self.warehouse.begin(&slot, &delivery.version, &run).await?;
        crash_point::reach("stage-begun");
        let files = delivery.files.iter().map(|file| self.source.file(file)).collect();
        let terms = CrewTerms {
            workers: self.workers,
            stop: self.stop.clone(),
            progress: Arc::clone(&self.progress),
        };
        let (stage, read) = workers::read_all(stage, files, job, terms).await;
        crash_point::reach("parts-finished");
        let row = LedgerRow { run, loaded_at, ..draft(delivery, ordered_at, self.terms) };
        let ready = match read {
            Ok(read) => self.verified(stage.as_ref(), delivery, read, row).await,
            Err(fault) => Err(fault),
        };
        let row = match ready {
            Ok(row) => row,
            Err(fault) => {
                if let Err(left) = stage.abort().await {
                    tracing::warn!(%left, "staged files could not be removed; maintenance will remove them");
                }
                return Err(fault);
            }
        };
        match stage.commit(row.clone(), self.terms.ordering).await? {
            Committed::Replaced { table_version } => {
                crash_point::reach("committed");
                tracing::info!(period = %row.period, rows = row.rows, table_version, "committed");
                Ok(LoadedPeriod::Committed(Box::new(row)))
            }
            Committed::Refused(decision) => Ok(LoadedPeriod::Refused(decision)),
        }
    }

    /// Reads back what was staged, holds it against the source, and completes the ledger row.
    async fn verified(
        &self,
        stage: &dyn Stage,
        delivery: &Delivery,
        read: Read,
        row: LedgerRow,
    ) -> Result<LedgerRow, LoadFault> {
        stage.tag_keys(&read.tag_keys.list()).await?;
        crash_point::reach("tag-keys-written");
        let table = self.warehouse.table();
        let mut tally = Tally::new(table, delivery.files.len());
        for (file, missing) in read.missing_columns.iter().enumerate() {
            if missing.contains(&RESERVATION) {
                tally.names_no_reservation(file);
            }
        }
        let mut summing = Ok(());
        let mut add = |file: usize, batch: &arrow::record_batch::RecordBatch| {
            summing = tally.add(file, batch);
            // The text goes nowhere: `summing` carries the fault itself.
            summing.as_ref().map_err(|fault| WarehouseFault::Corrupt(fault.to_string())).copied()
        };
        let visited = stage.read_back(&table.bill.tallied(), &mut add).await;
        summing?;
        visited?;
        let keys: Vec<&str> = delivery.files.iter().map(|file| file.key.as_str()).collect();
        verify::compare(table.bill.summed, &keys, &read.tallies, &tally.files)?;
        self.expected.check(&tally, delivery.period)?;
        crash_point::reach("totals-verified");
        if self.stop.is_cancelled() {
            return Err(LoadFault::Stopped);
        }
        if !confirm(self.source, delivery).await? {
            return Err(LoadFault::Changed);
        }
        crash_point::reach("manifest-confirmed");
        Ok(LedgerRow {
            rows: tally.rows(),
            invoiced: tally.invoiced(),
            tag_collisions: read.tag_keys.collisions(),
            rounded: read.rounded.to_ledger(),
            missing_columns: once_each(&read.missing_columns),
            totals: tally.currencies,
            ..row
        })
    }
}

/// The columns that one file or more lacks.
fn once_each(missing: &[Vec<&'static str>]) -> Vec<String> {
    let columns: BTreeSet<&str> = missing.iter().flatten().copied().collect();
    columns.into_iter().map(str::to_owned).collect()
}

/// How the decoder names the files' format.
fn decoder_format(delivery: &Delivery) -> Result<super::decode::DecodedFormat, LoadFault> {
    match delivery.format {
        FileFormat::CsvGz => Ok(super::decode::DecodedFormat::CsvGzip),
        FileFormat::Parquet => Ok(super::decode::DecodedFormat::Parquet),
        FileFormat::CsvZip => {
            let file = delivery.files.first().map(|file| file.key.clone()).unwrap_or_default();
            Err(LoadFault::FormatUnsupported { file })
        }
    }
}

/// True if starting over from the manifest is the cure.
fn is_change(fault: &LoadFault) -> bool {
    matches!(fault, LoadFault::Changed | LoadFault::Decode(DecodeFault::Source(SourceFault::Changed { .. })))
}
