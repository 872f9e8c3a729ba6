//! Finds which periods a report has, and the folders in which the manifests of each may lie.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{BillingPeriod, DeliveryService, ReportKind};

use super::{
    super::{
        KeyArea, ReportAnchor, ReportFault, ReportRoot, ReportStore, StoreFault, StoreListing,
        layout::parse_folder,
    },
    seen,
};

/// A folder of a period that may hold manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PeriodFolder {
    /// The report's base that it lies under.
    pub(super) base: String,
    /// Whose layout it has.
    pub(super) service: DeliveryService,
    /// Its key, with the slash at its end.
    pub(super) folder: String,
}

/// Where a report lies: by period, the folders with its manifests, and folders of data.
#[derive(Debug, Default)]
pub(super) struct ReportFolders {
    pub(super) candidates: BTreeMap<BillingPeriod, Vec<PeriodFolder>>,
    /// The data folder of an export's period.
    pub(super) data: BTreeMap<BillingPeriod, String>,
    /// What lies there that is no period of the report.
    strange: Vec<String>,
}

/// Looks for the report's folders. Never builds a key blindly: folder spellings vary (docs/aws-facts.md 2.4, 3.7), and a report
/// that was changed leaves the folders of its former layout.
///
/// # Errors
/// [`ReportFault::NothingDelivered`] with what is there instead where no period is found.
pub(super) async fn locate(store: &dyn ReportStore, root: &ReportRoot) -> Result<ReportFolders, ReportFault> {
    let mut place = ReportFolders::default();
    let mut service = root.kind.map(ReportKind::service);
    for (index, base) in root.bases().into_iter().enumerate() {
        // Only legacy reports have keys that start with a slash.
        if index > 0 && service == Some(DeliveryService::DataExports) {
            break;
        }
        let top = match store.list(&base).await {
            // Permission is given for the usual base; where the unusual one is refused, it isn't used.
            Err(StoreFault::Refused { .. }) if index > 0 => continue,
            listed => listed?,
        };
        let found = service_of(root, service, &base, &top)?;
        service = found.or(service);
        match found {
            None => place.strange.extend(seen::entries(&base, &top)),
            Some(DeliveryService::Legacy) => place.legacy(store, root, &base, &top).await?,
            Some(DeliveryService::DataExports) => place.export(store, &base, &top).await?,
        }
    }
    if place.is_empty() {
        let hint = if root.prefix.as_str().ends_with('/') {
            " (the prefix ends with a slash, so keys contain two slashes, as AWS writes them)"
        } else {
            ""
        };
        let seen = seen::instead(root, service, &place.strange);
        return Err(ReportFault::NothingDelivered { place: describe(root), hint, seen });
    }
    Ok(place)
}

/// Whose layout the report's folders show, if they show the one that is asked for.
fn service_of(
    root: &ReportRoot,
    asked: Option<DeliveryService>,
    base: &str,
    top: &StoreListing,
) -> Result<Option<DeliveryService>, ReportFault> {
    let folder = |name: &str| top.folders.iter().any(|folder| *folder == format!("{base}{name}/"));
    let export = folder("metadata") || folder("data");
    let legacy = folder(root.name.as_str()) && !matches!(root.name.as_str(), "metadata" | "data")
        || top.folders.iter().any(|folder| period_of(base, KeyArea::Range, folder).is_some());
    match asked {
        Some(DeliveryService::DataExports) => Ok(asked.filter(|_| export)),
        Some(DeliveryService::Legacy) => Ok(asked.filter(|_| legacy)),
        None if export && legacy => Err(ReportFault::TwoKinds { place: describe(root) }),
        None if export => Ok(Some(DeliveryService::DataExports)),
        None if legacy => Ok(Some(DeliveryService::Legacy)),
        None => Ok(None),
    }
}

impl ReportFolders {
    /// A legacy report's manifests: in the range folder, and beside the Parquet files (docs/aws-facts.md 2.4).
    async fn legacy(
        &mut self,
        store: &dyn ReportStore,
        root: &ReportRoot,
        base: &str,
        top: &StoreListing,
    ) -> Result<(), ReportFault> {
        self.take(base, KeyArea::Range, base, top);
        let parquet = root.parquet_folder(base);
        if top.folders.contains(&parquet) {
            let years = store.list(&parquet).await?;
            self.take(base, KeyArea::Month, &parquet, &years);
            for year in years.folders.iter().filter(|year| year[parquet.len()..].starts_with("year=")) {
                let months = store.list(year).await?;
                self.take(base, KeyArea::Month, &parquet, &months);
            }
        }
        Ok(())
    }

    /// An export's manifests, and the periods that it has data of.
    async fn export(
        &mut self,
        store: &dyn ReportStore,
        base: &str,
        top: &StoreListing,
    ) -> Result<(), ReportFault> {
        for (area, name) in [(KeyArea::Metadata, "metadata"), (KeyArea::Data, "data")] {
            let parent = format!("{base}{name}/");
            if !top.folders.contains(&parent) {
                continue;
            }
            let listing = store.list(&parent).await?;
            self.take(base, area, &parent, &listing);
        }
        Ok(())
    }

    /// Takes in a listing: the folders of periods that it has below `parent`, and all its names while no period is known.
    fn take(&mut self, base: &str, area: KeyArea, parent: &str, listing: &StoreListing) {
        for (period, folder) in periods(parent, area, listing) {
            if area == KeyArea::Data {
                self.data.entry(period).or_insert(folder);
                continue;
            }
            let candidate = PeriodFolder { base: base.to_owned(), service: area.service(), folder };
            self.candidates.entry(period).or_default().push(candidate);
        }
        if self.is_empty() {
            self.strange.extend(seen::entries(base, listing));
        }
    }

    fn is_empty(&self) -> bool {
        self.candidates.is_empty() && self.data.is_empty()
    }

    /// The periods that have a folder.
    pub(super) fn periods(&self) -> BTreeSet<BillingPeriod> {
        self.candidates.keys().chain(self.data.keys()).copied().collect()
    }
}

/// The periods that have a folder in the listing, each with the folder.
fn periods<'a>(
    parent: &'a str,
    area: KeyArea,
    listing: &'a StoreListing,
) -> impl Iterator<Item = (BillingPeriod, String)> + 'a {
    let of = move |folder: &'a String| Some((period_of(parent, area, folder)?, folder.clone()));
    listing.folders.iter().filter_map(of)
}

fn period_of(base: &str, area: KeyArea, folder: &str) -> Option<BillingPeriod> {
    parse_folder(area, folder.strip_prefix(base)?.strip_suffix('/')?)
}

/// The same fault, with the names of what lies beside a report of which nothing is there: another one may be meant.
///
/// For people only: who loads one report need not be allowed to list what is beside it.
pub async fn beside(store: &dyn ReportStore, root: &ReportRoot, mut fault: ReportFault) -> ReportFault {
    if let ReportFault::NothingDelivered { seen, .. } = &mut fault
        && seen.is_empty()
    {
        let parent = root.prefix.join("");
        if let Ok(listing) = store.list(&parent).await {
            *seen = seen::beside(&parent, &listing);
        }
    }
    fault
}

/// Where the report is looked for, in words.
fn describe(root: &ReportRoot) -> String {
    match &root.anchor {
        ReportAnchor::Bucket(bucket) => format!("s3://{bucket}/{}", root.base()),
        ReportAnchor::Folder => format!("the folder's {}", root.base()),
    }
}
