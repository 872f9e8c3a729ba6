//! Finds out who pays a bill from its first row, for a load that was given no connection key.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use jiff::Timestamp;

use super::{
    super::{
        decode::{DecodeJob, Limits, Stopped, decode_file},
        fault::LoadFault,
        plan::table_of,
    },
    decoder_format,
};
use crate::{
    model::{BillingPeriod, ConnectionKey},
    report::{BillSource, Delivery, FoundPeriod},
};

/// Who pays, and the connection key that the bill is loaded under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// The key.
    pub connection: ConnectionKey,
    /// As the rows name it.
    pub named: String,
}

/// The payer that the newest month names. If that month is empty or can't be read, the next older one is asked, and so on.
/// `found` is oldest first, as discovery gives it.
///
/// # Errors
/// By month, why no delivered month names a usable payer.
pub async fn find_payer(
    source: &dyn BillSource,
    found: &[FoundPeriod],
) -> Result<Payer, BTreeMap<BillingPeriod, LoadFault>> {
    let mut silent = BTreeMap::new();
    for delivery in found.iter().rev().filter_map(|found| found.delivery.as_ref().ok()) {
        let fault = match payer_of(source, delivery).await {
            Ok(named) => match named.parse() {
                Ok(connection) => return Ok(Payer { connection, named }),
                Err(_) => LoadFault::PayerUnusable(named),
            },
            Err(fault) => fault,
        };
        silent.insert(delivery.period, fault);
    }
    Err(silent)
}

/// The payer that the first row of a version names.
///
/// # Errors
/// [`LoadFault::PayerUnknown`] for a bill without rows or whose first row names none, and faults of reading it.
async fn payer_of(source: &dyn BillSource, delivery: &Delivery) -> Result<String, LoadFault> {
    let job = DecodeJob {
        table: table_of(delivery.kind),
        format: decoder_format(delivery)?,
        manifest_id: String::new(),
        loaded_at: Timestamp::UNIX_EPOCH,
        batch_rows: 1,
        limits: Limits::default(),
    };
    for listed in &delivery.files {
        let (file, job) = (source.file(listed), job.clone());
        // The sink stops the decoder at the first row by handing the payer out as its "error".
        let first = tokio::task::spawn_blocking(move || {
            decode_file(file.as_ref(), &job, &mut |batch| {
                let payers = batch.column_by_name(job.table.bill.payer);
                let payer = payers.and_then(|column| column.as_string_opt::<i32>());
                Err(payer
                    .filter(|payer| payer.len() > 0 && payer.is_valid(0))
                    .map(|payer| payer.value(0).to_owned()))
            })
        });
        match first.await {
            Ok(Ok(_without_rows)) => {}
            Ok(Err(Stopped::Sink(payer))) => return payer.ok_or(LoadFault::PayerUnknown),
            Ok(Err(Stopped::Decode(fault))) => return Err(fault.into()),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    Err(LoadFault::PayerUnknown)
}
