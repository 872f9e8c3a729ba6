//! Finds which periods a report has, and where the manifest of each may be.

use std::collections::BTreeMap;

use crate::model::{BillingPeriod, ReportKind};

use super::super::{
    Anchor, Area, Listing, ReportFault, ReportRoot, ReportStore, StoreFault, layout::parse_folder,
};

/// Where a report lies, and the manifests to try for each period, best first.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) base: String,
    pub(super) kind: ReportKind,
    pub(super) candidates: BTreeMap<BillingPeriod, Vec<String>>,
}

/// Looks for the report's folders. Never builds a key blindly: folder spellings vary (docs/aws-facts.md 2.4, 3.7).
pub(super) async fn locate(store: &dyn ReportStore, root: &ReportRoot) -> Result<Place, ReportFault> {
    for (index, base) in root.bases().into_iter().enumerate() {
        let top = match store.list(&base).await {
            // Permission is given for the usual base; where the unusual one is refused, it isn't used.
            Err(StoreFault::Refused { .. }) if index > 0 => continue,
            listed => listed?,
        };
        let Some(kind) = kind_of(root, &base, &top)? else { continue };
        let candidates = match kind {
            ReportKind::LegacyCur => legacy(store, root, &base, &top).await?,
            ReportKind::Cur2 => {
                let metadata = store.list(&format!("{base}metadata/")).await?;
                manifests(root, &format!("{base}metadata/"), Area::Metadata, &metadata)
            }
        };
        return Ok(Place { base, kind, candidates });
    }
    let hint = if root.prefix.as_str().ends_with('/') {
        " (the prefix ends with a slash, so keys have two; AWS keeps them, and so does awscost)"
    } else {
        ""
    };
    Err(ReportFault::NothingDelivered { place: describe(root), hint })
}

/// The kind that the report's folders show, if there are any.
fn kind_of(root: &ReportRoot, base: &str, top: &Listing) -> Result<Option<ReportKind>, ReportFault> {
    let folder = |name: &str| top.folders.iter().any(|folder| *folder == format!("{base}{name}/"));
    let export = folder("metadata") || folder("data");
    let legacy = folder(root.name.as_str()) && !matches!(root.name.as_str(), "metadata" | "data")
        || top.folders.iter().any(|folder| period_of(base, Area::Range, folder).is_some());
    match root.kind {
        Some(ReportKind::Cur2) => Ok(export.then_some(ReportKind::Cur2)),
        Some(ReportKind::LegacyCur) => Ok((!top.folders.is_empty()).then_some(ReportKind::LegacyCur)),
        None if export && legacy => Err(ReportFault::TwoKinds { place: describe(root) }),
        None if export => Ok(Some(ReportKind::Cur2)),
        None if legacy => Ok(Some(ReportKind::LegacyCur)),
        None => Ok(None),
    }
}

/// A legacy report's manifests: in the range folder, else beside the Parquet files (docs/aws-facts.md 2.4).
async fn legacy(
    store: &dyn ReportStore,
    root: &ReportRoot,
    base: &str,
    top: &Listing,
) -> Result<BTreeMap<BillingPeriod, Vec<String>>, ReportFault> {
    let mut found = manifests(root, base, Area::Range, top);
    let parquet = root.parquet_folder(base);
    if !top.folders.contains(&parquet) {
        return Ok(found);
    }
    for year in store.list(&parquet).await?.folders {
        if !year[parquet.len()..].starts_with("year=") {
            continue;
        }
        let months = store.list(&year).await?;
        for (period, keys) in manifests(root, &parquet, Area::Month, &months) {
            found.entry(period).or_default().extend(keys);
        }
    }
    Ok(found)
}

/// The manifest of every period that has a folder in the listing.
fn manifests(
    root: &ReportRoot,
    base: &str,
    area: Area,
    listing: &Listing,
) -> BTreeMap<BillingPeriod, Vec<String>> {
    let mut found: BTreeMap<BillingPeriod, Vec<String>> = BTreeMap::new();
    for folder in &listing.folders {
        if let Some(period) = period_of(base, area, folder) {
            found.entry(period).or_default().push(format!("{folder}{}", root.manifest_name()));
        }
    }
    found
}

fn period_of(base: &str, area: Area, folder: &str) -> Option<BillingPeriod> {
    parse_folder(area, folder.strip_prefix(base)?.strip_suffix('/')?)
}

fn describe(root: &ReportRoot) -> String {
    match &root.anchor {
        Anchor::Bucket(bucket) => format!("s3://{bucket}/{}", root.base()),
        Anchor::Folder => format!("the folder's {}", root.base()),
    }
}
