//! Of the manifests of one period, in whatever folders they lie, the newest by the order rule.
//!
//! A report that was switched to another format, layout or spelling leaves its former manifests behind (docs/aws-facts.md 2.4).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{BillingPeriod, clock::is_future};

use super::{
    super::{InvalidManifest, MANIFEST_LIMIT, Manifest, ReportFault, StoreListing, StoreObject},
    PeriodLook,
    periods::PeriodFolder,
    times,
};

/// A manifest that was read.
#[derive(Debug)]
pub(super) struct ReadManifest {
    pub(super) key: String,
    pub(super) base: String,
    pub(super) object: StoreObject,
    pub(super) manifest: Manifest,
    /// The time in its names.
    pub(super) named: Option<Timestamp>,
    /// The time that orders it.
    pub(super) ordered_at: Option<Timestamp>,
}

/// One that is no manifest of this report.
#[derive(Debug)]
pub(super) struct UnreadableManifest {
    key: String,
    put: Option<Timestamp>,
    problem: InvalidManifest,
}

/// What was read of a period.
#[derive(Debug, Default)]
pub(super) struct PeriodManifests {
    read: Vec<ReadManifest>,
    unreadable: Vec<UnreadableManifest>,
    /// The folders they lie in, listed after they were read.
    pub(super) listed: BTreeMap<String, StoreListing>,
}

impl PeriodLook<'_> {
    /// Reads every manifest that may be the newest.
    pub(super) async fn manifests(
        &self,
        candidates: &[PeriodFolder],
    ) -> Result<PeriodManifests, ReportFault> {
        let mut manifests = PeriodManifests::default();
        for candidate in candidates {
            self.read(&mut manifests, candidate, &candidate.folder).await?;
        }
        for candidate in candidates {
            // Listed after the manifests were read: files of a delivery that begins in between are then seen
            // as newer.
            let listing = self.store.list(&candidate.folder).await?;
            manifests.listed.insert(candidate.folder.clone(), listing);
        }
        for candidate in candidates {
            for (run, timed) in self.newer_runs(&manifests, &candidate.folder) {
                let found = self.read(&mut manifests, candidate, &run).await?;
                // Runs come newest first, so the first with a time of its own settles it. Names without a
                // time order nothing, so all of them are read.
                if found && timed {
                    break;
                }
            }
        }
        Ok(manifests)
    }

    /// Folders of single versions beside the manifest that points to the current one, the newest first, and whether a name
    /// tells its time. They matter only where that manifest is absent or older, as in a copy that was cut off.
    fn newer_runs(&self, manifests: &PeriodManifests, folder: &str) -> Vec<(String, bool)> {
        let pointer = format!("{folder}{}", self.root.manifest_name());
        let pointer = manifests.read.iter().find(|read| read.key == pointer);
        let matters = |time: &Option<Timestamp>| match (time, pointer) {
            (Some(time), _) if is_future(*time, self.now) => false,
            (Some(time), Some(pointer)) => pointer.ordered_at.is_some_and(|pointed| *time > pointed),
            (Some(_), None) => true,
            (None, pointer) => pointer.is_none(),
        };
        let runs = manifests.listed.get(folder).into_iter().flat_map(|listing| &listing.folders);
        let mut runs: Vec<(Option<Timestamp>, &String)> = runs
            .map(|run| (times::in_name(run[folder.len()..].trim_end_matches('/')), run))
            .filter(|(time, _)| matters(time))
            .collect();
        runs.sort_unstable_by(|a, b| b.cmp(a));
        runs.into_iter().map(|(time, run)| (run.clone(), time.is_some())).collect()
    }

    /// Reads the manifest in a folder; false if there is none.
    async fn read(
        &self,
        manifests: &mut PeriodManifests,
        candidate: &PeriodFolder,
        folder: &str,
    ) -> Result<bool, ReportFault> {
        let PeriodFolder { base, service, .. } = candidate;
        let key = format!("{folder}{}", self.root.manifest_name());
        let Some(object) = self.store.get(&key, MANIFEST_LIMIT).await? else { return Ok(false) };
        match Manifest::parse(&object.bytes, self.root, base, *service, self.period) {
            Ok(manifest) => {
                let named = times::named(&manifest);
                let ordered_at = times::order(named, object.last_modified, self.now);
                let base = base.clone();
                manifests.read.push(ReadManifest { key, base, object, manifest, named, ordered_at });
            }
            Err(problem) => {
                manifests.unreadable.push(UnreadableManifest { key, put: object.last_modified, problem });
            }
        }
        Ok(true)
    }
}

impl PeriodManifests {
    pub(super) fn is_empty(&self) -> bool {
        self.read.is_empty() && self.unreadable.is_empty()
    }

    /// The newest. One that can't be read may be it, unless another was put later.
    ///
    /// # Errors
    /// The manifest that can't be read, or the names of those that can't be ordered.
    pub(super) fn newest(self, period: BillingPeriod) -> Result<ReadManifest, ReportFault> {
        let put = self.read.iter().filter_map(|read| read.object.last_modified).max();
        let newer = |bad: &UnreadableManifest| bad.put.zip(put).is_none_or(|(bad, good)| bad >= good);
        if let Some(bad) = self.unreadable.into_iter().find(newer) {
            return Err(ReportFault::Manifest { key: bad.key, problem: bad.problem });
        }
        let mut versions: Vec<ReadManifest> = Vec::with_capacity(self.read.len());
        for read in self.read {
            // The same version in two places is one: beside its files, and where it points to them.
            if !versions.iter().any(|known| is_same(known, &read)) {
                versions.push(read);
            }
        }
        order(versions, period)
    }
}

/// The newest of different versions.
fn order(mut versions: Vec<ReadManifest>, period: BillingPeriod) -> Result<ReadManifest, ReportFault> {
    let several = |of: &[ReadManifest], why| ReportFault::SeveralManifests {
        period,
        manifests: of.iter().map(|read| read.key.clone()).collect(),
        why,
    };
    if versions.len() > 1 {
        let Some(times) = comparable(&versions) else {
            return Err(several(&versions, "their times can't be compared"));
        };
        let newest = times.iter().max();
        let mut times = times.iter();
        versions.retain(|_| times.next() == newest);
        if versions.len() > 1 {
            return Err(several(&versions, "they have the same time"));
        }
    }
    versions.pop().ok_or(ReportFault::NoManifest { period, seen: None })
}

/// Times by which several versions can be compared with each other, or `None`.
///
/// A time in a name is when AWS made a version, Last-Modified is when something put the manifest here. The two can be
/// compared only where AWS itself put it, soon after it was made: a copy comes at any time.
fn comparable(versions: &[ReadManifest]) -> Option<Vec<Timestamp>> {
    let named = versions.iter().filter(|read| read.is_named()).count();
    let time = |read: &ReadManifest| match read.object.last_modified {
        _ if named == 0 || named == versions.len() => read.ordered_at,
        Some(put) if read.is_named() => {
            read.named.filter(|named| put.duration_since(*named) <= times::BETWEEN_DELIVERIES).map(|_| put)
        }
        put => put,
    };
    versions.iter().map(time).collect()
}

impl ReadManifest {
    /// True if a time in its names orders it.
    pub(super) fn is_named(&self) -> bool {
        self.named.is_some() && self.named == self.ordered_at
    }
}

fn is_same(one: &ReadManifest, other: &ReadManifest) -> bool {
    one.manifest.assembly == other.manifest.assembly && one.manifest.files == other.manifest.files
}
