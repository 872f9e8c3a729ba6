//! Which versions of a report are there: finds the periods, reads each manifest, and refuses to take a
//! delivery that is under way for a version.
//!
//! The protocol of one look (docs/design/0004-right-numbers.md): GET manifest → LIST its files → GET manifest again. A
//! version is taken only if the manifest stayed the same, every listed file is there, none that is replaced in place
//! is newer than the manifest, and a Parquet report's status does not say UPDATING. Readers then pin each file to its ETag.

mod newest;
mod periods;
mod seen;
mod times;
mod version;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{BillingPeriod, Reason, ReportKind, VersionIdentity};

use super::{FileFormat, MANIFEST_LIMIT, ReportFault, ReportRoot, ReportStore, StoreFault};
pub use periods::beside;
use periods::{PeriodFolder, ReportFolders};

/// The periods that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedPeriods {
    /// Every period that was delivered.
    All,
    /// These; one that is not there is reported as such.
    Only(BTreeSet<BillingPeriod>),
}

/// A data file of a version, as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredFile {
    /// The file's key in the bucket or folder.
    pub key: String,
    /// What reading is pinned to.
    pub etag: String,
    /// The size in bytes.
    pub size: u64,
}

/// A complete version of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The family of the report.
    pub kind: ReportKind,
    /// The billing period that was delivered.
    pub period: BillingPeriod,
    /// The key of the manifest that names the version's files.
    pub manifest_key: String,
    /// The manifest's ETag when it was read.
    pub manifest_etag: String,
    /// A hash of everything that makes the version; equal content has an equal identity.
    pub version: VersionIdentity,
    /// Assembly or execution id, for display.
    pub assembly: Option<String>,
    /// The time that orders versions of this source: in the assembly id or the run's folder, else the
    /// manifest's Last-Modified. `None` in a folder whose names carry no time, or one that can't be true.
    pub ordered_at: Option<Timestamp>,
    /// The time in its names, true or not.
    pub named_time: Option<Timestamp>,
    /// When the manifest was put, where the store tells.
    pub last_modified: Option<Timestamp>,
    /// How the files are written.
    pub format: FileFormat,
    /// The files, in the manifest's order.
    pub files: Vec<DeliveredFile>,
    /// Why a folder's files may be of two deliveries, as far as their times show it.
    pub torn: Option<String>,
}

impl Delivery {
    /// Bytes of all its files as delivered.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// What was found of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPeriod {
    /// The billing period that was looked up.
    pub period: BillingPeriod,
    /// Its current version, or why there is none to take.
    pub delivery: Result<Delivery, ReportFault>,
}

/// Finds the current version of every wanted period, oldest first.
///
/// # Errors
/// What stands in the way of the report as a whole. What is wrong with one period is in its [`FoundPeriod`].
pub async fn deliveries(
    store: &dyn ReportStore,
    root: &ReportRoot,
    wanted: &WantedPeriods,
    now: Timestamp,
) -> Result<Vec<FoundPeriod>, ReportFault> {
    let place = periods::locate(store, root).await?;
    let periods = match wanted {
        WantedPeriods::All => place.periods(),
        WantedPeriods::Only(periods) => periods.clone(),
    };
    let mut found = Vec::with_capacity(periods.len());
    for period in periods {
        let look = PeriodLook { store, root, place: &place, period, now };
        let delivery = look.delivery().await;
        // Without permission or network every further period fails alike: say it once.
        if let Err(fault @ ReportFault::Store(StoreFault::Refused { reason, .. })) = &delivery
            && !is_of_one_object(*reason)
        {
            return Err(fault.clone());
        }
        found.push(FoundPeriod { period, delivery });
    }
    refused_alike(&found).map_or(Ok(found), Err)
}

/// True if a refusal for this reason may be a matter of the one object, so that others are worth asking for.
fn is_of_one_object(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ObjectReadDenied
            | Reason::ObjectArchived
            | Reason::ObjectOwnedByOther
            | Reason::CustomerKeyEncrypted
            | Reason::KmsDecryptDenied
            | Reason::KmsKeyUnusable
    )
}

/// The first period's refusal, if every period was refused for the same reason.
fn refused_alike(found: &[FoundPeriod]) -> Option<ReportFault> {
    let first = found.first()?.delivery.as_ref().err()?;
    let ReportFault::Store(StoreFault::Refused { reason, .. }) = first else { return None };
    let alike = found.iter().all(|found| {
        matches!(
            &found.delivery,
            Err(ReportFault::Store(StoreFault::Refused { reason: other, .. })) if other == reason
        )
    });
    alike.then(|| first.clone())
}

/// Looks once more before a commit: true if the manifest is still the one that was read.
///
/// # Errors
/// Faults of the store.
pub async fn confirm(store: &dyn ReportStore, delivery: &Delivery) -> Result<bool, ReportFault> {
    let object = store.get(&delivery.manifest_key, MANIFEST_LIMIT).await?;
    // The manifest is written last (docs/aws-facts.md 2.5, 3.7), so its ETag alone shows whether a new
    // delivery was finished.
    Ok(object.is_some_and(|object| object.etag == delivery.manifest_etag))
}

/// One look at one period.
struct PeriodLook<'a> {
    store: &'a dyn ReportStore,
    root: &'a ReportRoot,
    place: &'a ReportFolders,
    period: BillingPeriod,
    now: Timestamp,
}

impl PeriodLook<'_> {
    async fn delivery(&self) -> Result<Delivery, ReportFault> {
        let candidates = self.place.candidates.get(&self.period).map(Vec::as_slice).unwrap_or_default();
        let mut manifests = self.manifests(candidates).await?;
        if manifests.is_empty() {
            let seen = match (candidates.first(), self.place.data.get(&self.period)) {
                (Some(PeriodFolder { folder, .. }), _) => manifests
                    .listed
                    .get(folder)
                    .map(|listing| seen::without_manifest(self.root, folder, listing)),
                (None, Some(folder)) => Some(seen::data_alone(self.root, folder)),
                (None, None) => seen::other_periods(&self.place.periods()),
            };
            return Err(ReportFault::NoManifest { period: self.period, seen });
        }
        let listed = std::mem::take(&mut manifests.listed);
        let newest = manifests.newest(self.period)?;
        self.version(newest, listed).await
    }
}

#[cfg(test)]
#[path = "discovery/tests.rs"]
mod tests;
