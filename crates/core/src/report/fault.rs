//! What can be wrong with a report or one delivery of it.

use crate::model::{BillingPeriod, Reason};

use super::{InvalidManifest, StoreFault};

/// Why a report, or one period of it, can't be read now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// The bucket or folder could not be read.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Nothing of that name lies under the prefix.
    #[error("nothing was delivered under {place} yet: check prefix and report name{hint}{seen}")]
    NothingDelivered {
        /// Where it was looked for.
        place: String,
        /// A further hint, or nothing.
        hint: &'static str,
        /// What lies there instead, or nothing.
        seen: String,
    },
    /// A legacy report and a data export share name and prefix.
    #[error("{place} has both a legacy report and a data export: choose one with --kind (report.kind)")]
    TwoKinds {
        /// The prefix that has both.
        place: String,
    },
    /// The period has no manifest.
    #[error("{period} has no manifest yet: {}", seen.as_deref().unwrap_or("its first delivery is not complete"))]
    NoManifest {
        /// The billing period without a manifest.
        period: BillingPeriod,
        /// What is there instead, if anything is.
        seen: Option<String>,
    },
    /// Several manifests, and nothing says which is the newest.
    #[error(
        "{period} has several manifests, and {why}: {}. Move those of the layout that is no longer delivered elsewhere",
        manifests.join(", ")
    )]
    SeveralManifests {
        /// The billing period with several manifests.
        period: BillingPeriod,
        /// The keys of the manifests.
        manifests: Vec<String>,
        /// Why they can't be ordered.
        why: &'static str,
    },
    /// The manifest is not one, or not this report's.
    #[error("manifest {key}: {problem}")]
    Manifest {
        /// The key of the manifest that can't be read.
        key: String,
        /// What is wrong with it.
        problem: InvalidManifest,
    },
    /// The manifest lists a file that is not there.
    #[error("manifest {manifest} lists {missing}, which does not exist (files missing: {count})")]
    PartsMissing {
        /// The key of the manifest.
        manifest: String,
        /// The first missing file.
        missing: String,
        /// How many are missing.
        count: usize,
    },
    /// Files are being replaced right now.
    #[error("a delivery of {period} is under way: {sign}; it is checked again in a few minutes")]
    DeliveryInProgress {
        /// The billing period that is being delivered.
        period: BillingPeriod,
        /// The evidence, as half a sentence.
        sign: String,
    },
    /// Files were replaced, and no manifest came after them, for longer than a delivery takes.
    #[error(
        "a delivery of {period} was begun and not finished: {sign}. The next delivery repairs it; if a copy or a \
         re-encryption caused it, {again}"
    )]
    DeliveryUnfinished {
        /// The billing period whose delivery stopped half-way.
        period: BillingPeriod,
        /// The evidence, as half a sentence.
        sign: String,
        /// What makes a copied month whole.
        again: String,
    },
}

/// What can be done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFaultClass {
    /// Only a change of configuration or permissions helps.
    Configuration,
    /// What was delivered can't be loaded; only another delivery helps.
    Data,
    /// Nothing is wrong: what is waited for is not there yet.
    NotYet,
    /// A fault that may go away by itself.
    Transient,
}

impl ReportFault {
    /// What can be done about it.
    pub fn class(&self) -> ReportFaultClass {
        match self {
            Self::Store(StoreFault::Refused { .. }) | Self::TwoKinds { .. } => {
                ReportFaultClass::Configuration
            }
            Self::Store(StoreFault::Transient { .. }) => ReportFaultClass::Transient,
            Self::Store(StoreFault::TooLarge { .. })
            | Self::Manifest { .. }
            | Self::PartsMissing { .. }
            | Self::SeveralManifests { .. }
            | Self::DeliveryUnfinished { .. } => ReportFaultClass::Data,
            Self::NothingDelivered { .. } | Self::NoManifest { .. } | Self::DeliveryInProgress { .. } => {
                ReportFaultClass::NotYet
            }
        }
    }

    /// The condition reason it stands for.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Store(StoreFault::Refused { reason, .. } | StoreFault::Transient { reason, .. }) => *reason,
            Self::Store(StoreFault::TooLarge { .. }) | Self::Manifest { .. } => Reason::ManifestUnreadable,
            Self::NothingDelivered { .. } | Self::NoManifest { .. } => Reason::AwaitingFirstDelivery,
            Self::TwoKinds { .. } => Reason::ReportNotFound,
            Self::PartsMissing { .. } => Reason::ManifestPartsMissing,
            Self::DeliveryInProgress { .. } => Reason::Loading,
            Self::DeliveryUnfinished { .. } => Reason::DeliveryUnfinished,
            Self::SeveralManifests { .. } => Reason::ManifestAmbiguous,
        }
    }
}
