//! Everything that can end a load, and what it means to whoever started it.

use jiff::Timestamp;

use super::{decode::DecodeFault, right_bill::WrongBill, tally::TallyFault, verify::TotalsDiffer};
use crate::{
    model::{ExitCode, Outcome, Reason},
    network::trust::InvalidBundle,
    report::{ReportFault, ReportFaultClass, SourceFault},
    warehouse::WarehouseFault,
};

/// Why a load ended without a commit.
#[derive(Debug, thiserror::Error)]
pub enum LoadFault {
    /// The report or this delivery of it.
    #[error(transparent)]
    Report(#[from] ReportFault),
    /// A data file.
    #[error(transparent)]
    Decode(#[from] DecodeFault),
    /// The warehouse.
    #[error(transparent)]
    Warehouse(#[from] WarehouseFault),
    /// What was read back can't be summed.
    #[error(transparent)]
    Tally(#[from] TallyFault),
    /// What was read back is not what the source holds.
    #[error(transparent)]
    TotalsDiffer(#[from] TotalsDiffer),
    /// The rows are another bill's.
    #[error(transparent)]
    WrongBill(#[from] WrongBill),
    /// The certificate authorities can't be read.
    #[error(transparent)]
    Trust(#[from] InvalidBundle),
    /// The files are of a kind that is not read.
    #[error("{file}: .csv.zip can't be read; set the report's format to .csv.gz or Parquet")]
    FormatUnsupported {
        /// The first file.
        file: String,
    },
    /// Nothing says under which key to load.
    #[error("no row names the payer: give --connection or --account")]
    PayerUnknown,
    /// The payer in the rows makes no key.
    #[error("bill_payer_account_id is {0:?}, which is not a connection key: give --connection or --account")]
    PayerUnusable(String),
    /// The version tells no time.
    #[error("{}", no_time(manifest, *named))]
    NoTime {
        /// The manifest's key.
        manifest: String,
        /// The time in its names, which can't be true.
        named: Option<Timestamp>,
    },
    /// Another version than the expected one is delivered.
    #[error("version {delivered} is delivered now, not {expected}: look again")]
    NotExpected {
        /// What is there, in short.
        delivered: String,
        /// What was asked for, in short.
        expected: String,
    },
    /// The delivery changed again and again while it was read.
    #[error("the delivery changed {attempts} times while it was read; try again in some minutes")]
    KeepsChanging {
        /// How often it was started over.
        attempts: u32,
    },
    /// The delivery changed while it was read: start over. Never leaves the loader.
    #[error("the delivery changed while it was read")]
    Changed,
    /// The process was asked to stop.
    #[error("stopped before the end, as asked; nothing was committed")]
    Stopped,
}

fn no_time(manifest: &str, named: Option<Timestamp>) -> String {
    match named {
        Some(named) => {
            format!("the time {named} in {manifest} is in the future: give the delivery's time with --as-of")
        }
        None => format!(
            "neither the assembly id nor the folder's name has the time of {manifest}: give it with --as-of"
        ),
    }
}

/// What a fault means: for the report, the status and the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadVerdict {
    /// How the period ended.
    pub outcome: Outcome,
    /// The condition reason.
    pub reason: Reason,
    /// How the process ends.
    pub exit: ExitCode,
}

const fn failed(reason: Reason, exit: ExitCode) -> LoadVerdict {
    LoadVerdict { outcome: Outcome::Failed, reason, exit }
}

impl LoadFault {
    /// What it means.
    pub fn verdict(&self) -> LoadVerdict {
        match self {
            Self::Report(fault) => report_verdict(fault),
            Self::Decode(fault) => decode_verdict(fault),
            Self::Warehouse(fault) => failed(fault.reason(), fault.exit_code()),
            Self::Tally(_) => failed(Reason::ParseFailed, ExitCode::Data),
            Self::TotalsDiffer(_) => failed(Reason::TotalsDiffer, ExitCode::Data),
            Self::WrongBill(WrongBill::Account { .. }) => failed(Reason::PayerInDataDiffers, ExitCode::Data),
            Self::WrongBill(WrongBill::Period { .. }) => failed(Reason::ParseFailed, ExitCode::Data),
            Self::FormatUnsupported { .. } => failed(Reason::FormatUnsupported, ExitCode::Configuration),
            Self::Trust(_) | Self::PayerUnknown | Self::PayerUnusable(_) | Self::NoTime { .. } => {
                failed(Reason::InvalidSpec, ExitCode::Configuration)
            }
            Self::NotExpected { .. } => failed(Reason::JobFailed, ExitCode::Conflict),
            Self::KeepsChanging { .. } | Self::Changed => LoadVerdict {
                outcome: Outcome::DeliveryInProgress,
                reason: Reason::Loading,
                exit: ExitCode::Transient,
            },
            Self::Stopped => failed(Reason::JobFailed, ExitCode::Transient),
        }
    }
}

fn report_verdict(fault: &ReportFault) -> LoadVerdict {
    let exit = match fault.class() {
        ReportFaultClass::Configuration => ExitCode::Configuration,
        ReportFaultClass::Data => ExitCode::Data,
        ReportFaultClass::NotYet | ReportFaultClass::Transient => ExitCode::Transient,
    };
    let outcome = match fault {
        ReportFault::DeliveryInProgress { .. } => Outcome::DeliveryInProgress,
        _ => Outcome::Failed,
    };
    LoadVerdict { outcome, reason: fault.reason(), exit }
}

fn decode_verdict(fault: &DecodeFault) -> LoadVerdict {
    match fault {
        DecodeFault::Source(SourceFault::Changed { .. }) => LoadFault::Changed.verdict(),
        DecodeFault::Source(SourceFault::Denied { .. }) => {
            failed(Reason::ObjectReadDenied, ExitCode::Configuration)
        }
        DecodeFault::Source(SourceFault::Transient { .. }) => {
            failed(Reason::EndpointUnreachable, ExitCode::Transient)
        }
        DecodeFault::FormatUnsupported { .. } => failed(Reason::FormatUnsupported, ExitCode::Data),
        DecodeFault::ColumnsMissing { .. } => failed(Reason::ExportNotComplete, ExitCode::Data),
        _ => failed(Reason::ParseFailed, ExitCode::Data),
    }
}
