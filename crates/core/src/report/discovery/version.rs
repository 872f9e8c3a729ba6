//! What a manifest and its files make: a whole version, or a delivery that is under way, unfinished or torn.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::DeliveryService;

use super::{
    super::{
        FileFormat, ListedObject, MANIFEST_LIMIT, Manifest, ReportAnchor, ReportFault, StoreListing, identity,
    },
    DeliveredFile, Delivery, PeriodLook,
    newest::ReadManifest,
    times::{self, DatedFile},
};

impl PeriodLook<'_> {
    /// The version that a manifest makes with its files as they are now.
    pub(super) async fn version(
        &self,
        read: ReadManifest,
        listed: BTreeMap<String, StoreListing>,
    ) -> Result<Delivery, ReportFault> {
        let listed = self.list_files(&read.manifest, listed).await?;
        self.not_updating(&read).await?;
        // S3 has no snapshot of several keys. A manifest that is the same before and after the listing, and
        // files that are not newer, show that both belong together.
        let again = self.store.get(&read.key, MANIFEST_LIMIT).await?;
        if again.is_none_or(|again| again.etag != read.object.etag || again.bytes != read.object.bytes) {
            return Err(self.in_progress("the manifest changed while its files were listed".to_owned()));
        }
        let objects = complete(&read, &listed)?;
        self.not_begun(&read, &objects)?;
        let torn = self.torn(&read, &objects);
        let files: Vec<DeliveredFile> = objects.into_iter().map(delivered).collect();
        Ok(Delivery {
            kind: read.manifest.kind,
            period: self.period,
            version: identity(&read.object.bytes, &files),
            manifest_key: read.key,
            manifest_etag: read.object.etag,
            assembly: read.manifest.assembly,
            ordered_at: read.ordered_at,
            named_time: read.named,
            last_modified: read.object.last_modified,
            format: read.manifest.format,
            files,
            torn,
        })
    }

    /// Lists the folders of the manifest's files, but for those that were listed since it was read.
    async fn list_files(
        &self,
        manifest: &Manifest,
        mut known: BTreeMap<String, StoreListing>,
    ) -> Result<BTreeMap<String, ListedObject>, ReportFault> {
        let folders: BTreeSet<&str> =
            manifest.files.iter().map(|key| key.rfind('/').map_or("", |slash| &key[..=slash])).collect();
        let mut listed = BTreeMap::new();
        for folder in folders {
            let listing = match known.remove(folder) {
                Some(listing) => listing,
                None => self.store.list(folder).await?,
            };
            listed.extend(listing.objects.into_iter().map(|object| (object.key.clone(), object)));
        }
        Ok(listed)
    }

    /// Refuses a legacy Parquet report that AWS says it is replacing (docs/aws-facts.md 2.4).
    ///
    /// The status is one word in a Parquet file of one row. It stands there as plain bytes, since Snappy does
    /// not shorten a single word, so no Parquet reader is needed to see it.
    async fn not_updating(&self, read: &ReadManifest) -> Result<(), ReportFault> {
        const STATUS_LIMIT: u64 = 64 * 1024;
        if read.manifest.kind.service() != DeliveryService::Legacy
            || read.manifest.format != FileFormat::Parquet
        {
            return Ok(());
        }
        let key = self.root.status_key(&read.base);
        let Some(status) = self.store.get(&key, STATUS_LIMIT).await? else { return Ok(()) };
        if memchr::memmem::find(&status.bytes, b"UPDATING").is_none() {
            return Ok(());
        }
        let since = status.last_modified.or(status.file_time);
        Err(match since.filter(|since| self.is_over(*since)) {
            Some(since) => {
                let again = format!("copy {key} again once AWS's original says READY");
                self.unfinished(format!("{key} says UPDATING since {since}"), again)
            }
            None => self.in_progress("the report's status is UPDATING".to_owned()),
        })
    }

    /// Refuses files that are replaced in place and were put after the manifest: the next version has begun.
    fn not_begun(&self, read: &ReadManifest, objects: &[&ListedObject]) -> Result<(), ReportFault> {
        // In a folder the store's times mean nothing; `torn` looks at the files' times instead, and only
        // warns.
        let Some(manifest) = read.object.last_modified else { return Ok(()) };
        let dated = self.in_place(read, objects, |object| object.last_modified);
        let Some(newer) = times::newer(&dated, manifest) else { return Ok(()) };
        Err(if self.is_over(newer.at) {
            let again = match &self.root.anchor {
                ReportAnchor::Bucket(bucket) => format!("write s3://{bucket}/{} once more", read.key),
                ReportAnchor::Folder => "copy the whole folder again".to_owned(),
            };
            let sign = format!("{} was written at {}, after the manifest's {manifest}", newer.key, newer.at);
            self.unfinished(sign, again)
        } else {
            self.in_progress(format!("{} is newer than the manifest", newer.key))
        })
    }

    fn torn(&self, read: &ReadManifest, objects: &[&ListedObject]) -> Option<String> {
        let manifest = read.object.file_time?;
        let dated = self.in_place(read, objects, |object| object.file_time);
        let named = read.named.filter(|_| read.is_named());
        times::torn(&dated, manifest, named)
    }

    /// The files that the next delivery replaces, with their times. A folder of one version is never written to again, so
    /// the times in it prove nothing: a copy may bring them in any order.
    fn in_place<'o>(
        &self,
        read: &ReadManifest,
        objects: &[&'o ListedObject],
        time: impl Fn(&ListedObject) -> Option<Timestamp>,
    ) -> Vec<DatedFile<'o>> {
        let replaced =
            |key: &str| self.root.parse(&read.base, key).is_some_and(|parsed| parsed.run.is_none());
        let in_place = objects.iter().filter(|object| replaced(&object.key));
        in_place.filter_map(|object| Some(DatedFile { key: &object.key, at: time(object)? })).collect()
    }

    /// True if a delivery whose last sign is of this time must be over.
    fn is_over(&self, since: Timestamp) -> bool {
        self.now.duration_since(since) > times::BETWEEN_DELIVERIES
    }

    fn in_progress(&self, sign: String) -> ReportFault {
        ReportFault::DeliveryInProgress { period: self.period, sign }
    }

    fn unfinished(&self, sign: String, again: String) -> ReportFault {
        ReportFault::DeliveryUnfinished { period: self.period, sign, again }
    }
}

/// The manifest's files as listed, if all are there.
fn complete<'a>(
    read: &ReadManifest,
    listed: &'a BTreeMap<String, ListedObject>,
) -> Result<Vec<&'a ListedObject>, ReportFault> {
    let missing: Vec<&String> = read.manifest.files.iter().filter(|key| !listed.contains_key(*key)).collect();
    if let Some(first) = missing.first() {
        return Err(ReportFault::PartsMissing {
            manifest: read.key.clone(),
            missing: (*first).clone(),
            count: missing.len(),
        });
    }
    Ok(read.manifest.files.iter().filter_map(|key| listed.get(key)).collect())
}

fn delivered(object: &ListedObject) -> DeliveredFile {
    DeliveredFile { key: object.key.clone(), etag: object.etag.clone(), size: object.size }
}
