//! What lies where something else was looked for, in words: nobody should have to list a bucket to learn it. Pure.

use std::collections::BTreeSet;

use crate::model::{BillingPeriod, DeliveryService};

use super::super::{KeyArea, ReportRoot, StoreListing, kinds_of, layout::parse_folder};

/// As many names tell what is there.
const NAMED: usize = 3;

/// The names in a listing, from the report's base on.
pub(super) fn entries(base: &str, listing: &StoreListing) -> Vec<String> {
    let objects = listing.objects.iter().map(|object| &object.key);
    let keys = listing.folders.iter().chain(objects);
    keys.map(|key| key.strip_prefix(base).unwrap_or(key).to_owned()).collect()
}

/// What is there where no period of the report is; empty if nothing is.
pub(super) fn instead(root: &ReportRoot, asked: Option<DeliveryService>, there: &[String]) -> String {
    if there.is_empty() {
        return String::new();
    }
    let parquet = format!("{}/", root.name);
    let export = there.iter().any(|name| name == "metadata/" || name == "data/");
    let legacy = there
        .iter()
        .any(|name| *name == parquet || parse_folder(KeyArea::Range, name.trim_end_matches('/')).is_some());
    let dates = there.iter().any(|name| name.contains("/date="));
    let means = if dates {
        ": an export with daily folders, such as one of Cost Optimization Hub, which is not a bill".to_owned()
    } else if export && asked == Some(DeliveryService::Legacy) {
        format!(": the folders of a data export, whose kind is {}", kinds_of(DeliveryService::DataExports))
    } else if legacy && asked == Some(DeliveryService::DataExports) {
        format!(": the folders of a legacy report, whose kind is {}", kinds_of(DeliveryService::Legacy))
    } else {
        format!(", where {} should be", expected(root, asked))
    };
    format!("; it contains {}{means}", few(there))
}

/// The folders beside a report of which nothing is there; empty if there are none.
pub(super) fn beside(parent: &str, listing: &StoreListing) -> String {
    let folders = StoreListing { folders: listing.folders.clone(), ..StoreListing::default() };
    let names = entries(parent, &folders);
    if names.is_empty() { String::new() } else { format!("; beside it is {}", few(&names)) }
}

/// The folders of a period, by who delivers them.
fn expected(root: &ReportRoot, service: Option<DeliveryService>) -> String {
    let (legacy, export) = ("20261001-20261101/", "metadata/BILLING_PERIOD=2026-10/");
    match service {
        Some(DeliveryService::DataExports) => export.to_owned(),
        Some(DeliveryService::Legacy) => format!("{legacy} or {}/year=2026/month=10/", root.name),
        None => format!("{legacy} of a legacy report or {export} of a data export"),
    }
}

/// A period's folder holds no manifest.
pub(super) fn without_manifest(root: &ReportRoot, folder: &str, listing: &StoreListing) -> String {
    let within = entries(folder, listing);
    let holds = if within.is_empty() { "is empty".to_owned() } else { format!("holds {}", few(&within)) };
    let wanted = root.manifest_name();
    format!("{folder} {holds}; it lacks {wanted}, which AWS writes last and which a copy must include")
}

/// An export's period has data and no folder for a manifest.
pub(super) fn data_alone(root: &ReportRoot, folder: &str) -> String {
    let wanted = root.manifest_name();
    format!(
        "{folder} exists, but metadata/ with its {wanted} is missing, which AWS writes last and which a copy must include"
    )
}

/// The periods that are there when another one was asked for.
pub(super) fn other_periods(periods: &BTreeSet<BillingPeriod>) -> Option<String> {
    let (first, last) = (periods.first()?, periods.last()?);
    Some(match periods.len() {
        1 => format!("only {first} exists"),
        months => format!("there are {months} months, from {first} to {last}"),
    })
}

fn few(names: &[String]) -> String {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let listed = names.join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
