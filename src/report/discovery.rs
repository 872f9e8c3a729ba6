//! Which versions of a report are there: finds the periods, reads each manifest, and refuses to take a
//! delivery that is under way for a version.
//!
//! The protocol of one look (docs/design/0004-right-numbers.md): GET manifest → LIST its files → GET manifest again. A
//! version is taken only if the manifest stayed the same, every listed file is there, none is newer than the
//! manifest, and a Parquet report's status does not say UPDATING. Readers then pin each file to its ETag.

mod periods;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{BillingPeriod, ReportKind, VersionIdentity};

use super::{
    FileFormat, ListedObject, MANIFEST_LIMIT, Manifest, Object, ReportFault, ReportRoot, ReportStore,
    identity,
};

/// The periods that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever is there.
    All,
    /// These; one that is not there is reported as such.
    Only(BTreeSet<BillingPeriod>),
}

/// A data file of a version, as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredFile {
    /// Its key.
    pub key: String,
    /// What reading is pinned to.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

/// A complete version of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The family of the report.
    pub kind: ReportKind,
    /// The month.
    pub period: BillingPeriod,
    /// The manifest's key.
    pub manifest_key: String,
    /// The manifest's ETag when it was read.
    pub manifest_etag: String,
    /// The version's identity.
    pub version: VersionIdentity,
    /// Assembly or execution id, for display.
    pub assembly: Option<String>,
    /// The time that orders versions of this source: in the assembly id or the run's folder, else the
    /// manifest's Last-Modified. `None` in a folder whose names carry no time.
    pub ordered_at: Option<Timestamp>,
    /// When the manifest was put, where the store tells.
    pub last_modified: Option<Timestamp>,
    /// How the files are written.
    pub format: FileFormat,
    /// The files, in the manifest's order.
    pub files: Vec<DeliveredFile>,
}

impl Delivery {
    /// Bytes of all its files as delivered.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// What was found of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The month.
    pub period: BillingPeriod,
    /// Its current version, or why there is none to take.
    pub delivery: Result<Delivery, ReportFault>,
}

/// Finds the current version of every wanted period, oldest first.
///
/// # Errors
/// What stands in the way of the report as a whole. What is wrong with one period is in its [`Found`].
pub async fn deliveries(
    store: &dyn ReportStore,
    root: &ReportRoot,
    wanted: &Wanted,
) -> Result<Vec<Found>, ReportFault> {
    let place = periods::locate(store, root).await?;
    let mut candidates = place.candidates;
    if let Wanted::Only(periods) = wanted {
        candidates.retain(|period, _| periods.contains(period));
        for period in periods {
            candidates.entry(*period).or_insert_with(Vec::new);
        }
    }
    let mut found = Vec::with_capacity(candidates.len());
    for (period, manifests) in candidates {
        let look = Look { store, root, base: &place.base, kind: place.kind, period };
        let delivery = look.delivery(&manifests).await;
        // Without permission or network every further period fails alike: say it once.
        if let Err(fault @ ReportFault::Store(super::StoreFault::Refused { .. })) = delivery {
            return Err(fault);
        }
        found.push(Found { period, delivery });
    }
    Ok(found)
}

/// Looks once more before a commit: true if the manifest is still the one that was read.
///
/// # Errors
/// Faults of the store.
pub async fn confirm(store: &dyn ReportStore, delivery: &Delivery) -> Result<bool, ReportFault> {
    let object = store.get(&delivery.manifest_key, MANIFEST_LIMIT).await?;
    Ok(object.is_some_and(|object| object.etag == delivery.manifest_etag))
}

/// One look at one period.
struct Look<'a> {
    store: &'a dyn ReportStore,
    root: &'a ReportRoot,
    base: &'a str,
    kind: ReportKind,
    period: BillingPeriod,
}

impl Look<'_> {
    async fn delivery(&self, manifests: &[String]) -> Result<Delivery, ReportFault> {
        for key in manifests {
            if let Some(object) = self.store.get(key, MANIFEST_LIMIT).await? {
                return self.version(key, object).await;
            }
        }
        Err(ReportFault::NoManifest { period: self.period })
    }

    async fn version(&self, manifest_key: &str, object: Object) -> Result<Delivery, ReportFault> {
        let manifest = Manifest::parse(&object.bytes, self.root, self.base, self.kind, self.period)
            .map_err(|problem| ReportFault::Manifest { key: manifest_key.to_owned(), problem })?;
        let listed = self.list_files(&manifest).await?;
        if self.parquet_updating(&manifest).await? {
            return Err(self.in_progress("the report's status is UPDATING".to_owned()));
        }
        let again = self.store.get(manifest_key, MANIFEST_LIMIT).await?;
        if again.is_none_or(|again| again.etag != object.etag || again.bytes != object.bytes) {
            return Err(self.in_progress("the manifest changed while its files were listed".to_owned()));
        }
        let files = self.complete(manifest_key, &manifest, &listed, object.last_modified)?;
        let ordered_at = embedded_time(&manifest).or(object.last_modified);
        Ok(Delivery {
            kind: self.kind,
            period: self.period,
            manifest_key: manifest_key.to_owned(),
            version: identity(&object.bytes, &files),
            manifest_etag: object.etag,
            assembly: manifest.assembly,
            ordered_at,
            last_modified: object.last_modified,
            format: manifest.format,
            files,
        })
    }

    /// Lists the folders of the manifest's files.
    async fn list_files(&self, manifest: &Manifest) -> Result<BTreeMap<String, ListedObject>, ReportFault> {
        let folders: BTreeSet<&str> =
            manifest.files.iter().map(|key| key.rfind('/').map_or("", |slash| &key[..=slash])).collect();
        let mut listed = BTreeMap::new();
        for folder in folders {
            let listing = self.store.list(folder).await?;
            listed.extend(listing.objects.into_iter().map(|object| (object.key.clone(), object)));
        }
        Ok(listed)
    }

    /// Whether AWS says that it is replacing a legacy Parquet report (docs/aws-facts.md 2.4).
    ///
    /// The status is one word in a Parquet file of one row. It stands there as plain bytes, since Snappy does
    /// not shorten a single word, so no Parquet reader is needed to see it.
    async fn parquet_updating(&self, manifest: &Manifest) -> Result<bool, ReportFault> {
        const STATUS_LIMIT: u64 = 64 * 1024;
        if self.kind != ReportKind::LegacyCur || manifest.format != FileFormat::Parquet {
            return Ok(false);
        }
        let status = self.store.get(&self.root.status_key(self.base), STATUS_LIMIT).await?;
        Ok(status.is_some_and(|status| memchr::memmem::find(&status.bytes, b"UPDATING").is_some()))
    }

    /// The manifest's files as listed, if all are there and none is newer than the manifest.
    fn complete(
        &self,
        manifest_key: &str,
        manifest: &Manifest,
        listed: &BTreeMap<String, ListedObject>,
        manifest_time: Option<Timestamp>,
    ) -> Result<Vec<DeliveredFile>, ReportFault> {
        let missing: Vec<&String> = manifest.files.iter().filter(|key| !listed.contains_key(*key)).collect();
        if let Some(first) = missing.first() {
            return Err(ReportFault::PartsMissing {
                manifest: manifest_key.to_owned(),
                missing: (*first).clone(),
                count: missing.len(),
            });
        }
        let mut files = Vec::with_capacity(manifest.files.len());
        for object in manifest.files.iter().filter_map(|key| listed.get(key)) {
            if object.last_modified.zip(manifest_time).is_some_and(|(file, manifest)| file > manifest) {
                return Err(self.in_progress(format!("{} is newer than the manifest", object.key)));
            }
            files.push(DeliveredFile {
                key: object.key.clone(),
                etag: object.etag.clone(),
                size: object.size,
            });
        }
        Ok(files)
    }

    fn in_progress(&self, sign: String) -> ReportFault {
        ReportFault::DeliveryInProgress { period: self.period, sign }
    }
}

/// The time in the assembly id (`20261021T043010Z`) or at the start of a run's folder
/// (`2026-10-21T04:30:10.826Z-…`), where there is one.
fn embedded_time(manifest: &Manifest) -> Option<Timestamp> {
    let basic = |text: &str| {
        jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text)
            .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|time| time.timestamp())
            .ok()
    };
    let extended = |text: &str| text.split_inclusive('Z').next().and_then(|time| time.parse().ok());
    manifest
        .assembly
        .iter()
        .chain(&manifest.runs)
        .filter_map(|text| basic(text).or_else(|| extended(text)))
        .max()
}

#[cfg(test)]
#[path = "discovery/tests.rs"]
mod tests;
