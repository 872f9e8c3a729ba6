//! The key grammar of each delivery service (docs/aws-facts.md 2.4, 3.7): keys are built and parsed here, nowhere else.
//!
//! ```text
//! legacy   <root>/<YYYYMMDD>-<YYYYMMDD>/[<assemblyId>/]<file>
//!          <root>/<name>/year=<Y>/month=<M>/<file>
//! export   <root>/metadata/BILLING_PERIOD=<YYYY-MM>/[<time>-<executionId>/]<file>
//!          <root>/data/BILLING_PERIOD=<YYYY-MM>/[<time>-<executionId>/]<file>
//! ```

use crate::model::{BillingPeriod, BucketName, DeliveryService, KeyPrefix, ReportKind, ReportName};

/// What the keys of a report are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportAnchor {
    /// A bucket: a manifest may name no other.
    Bucket(BucketName),
    /// A folder that is laid out as the bucket is from the prefix on. Its manifests name a bucket and a
    /// prefix that can't be known here.
    Folder,
}

/// Where one report lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRoot {
    /// The bucket or folder that the keys are in.
    pub anchor: ReportAnchor,
    /// Byte for byte as AWS was told it; empty for a folder.
    pub prefix: KeyPrefix,
    /// The report's or export's name.
    pub name: ReportName,
    /// Of which kind it is; `None` to find out.
    pub kind: Option<ReportKind>,
}

/// The part of a report that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyArea {
    /// Legacy: manifests and csv files, in a folder named for a range of dates.
    Range,
    /// Legacy Parquet data files, in folders `year=/month=`.
    Month,
    /// Manifests of a data export, under `metadata/`.
    Metadata,
    /// Data files of a data export, under `data/`.
    Data,
}

impl KeyArea {
    /// Whose reports have it.
    pub fn service(self) -> DeliveryService {
        match self {
            Self::Range | Self::Month => DeliveryService::Legacy,
            Self::Metadata | Self::Data => DeliveryService::DataExports,
        }
    }

    /// True if data files lie in it.
    pub fn holds_data(self) -> bool {
        self != Self::Metadata
    }
}

/// A key of a report, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportKey {
    /// Which part of the report.
    pub area: KeyArea,
    /// The billing period that the folder is for.
    pub period: BillingPeriod,
    /// The period's folder as it is spelled there: its spelling varies (docs/aws-facts.md 2.4, 3.7).
    pub folder: String,
    /// Assembly id, or time and execution id, of a version with a folder of its own.
    pub run: Option<String>,
    /// The file's own name.
    pub file: String,
}

impl ReportRoot {
    /// The key under which everything of this report lies, with the slash at its end.
    pub fn base(&self) -> String {
        format!("{}/", self.prefix.join(self.name.as_str()))
    }

    /// All bases to look at: AWS starts keys with a slash in some reports that have no prefix
    /// (docs/aws-facts.md 2.4).
    pub fn bases(&self) -> Vec<String> {
        let base = self.base();
        if self.prefix.as_str().is_empty() && matches!(self.anchor, ReportAnchor::Bucket(_)) {
            let slashed = format!("/{base}");
            vec![base, slashed]
        } else {
            vec![base]
        }
    }

    /// The file name of the report's manifests.
    pub fn manifest_name(&self) -> String {
        format!("{}-Manifest.json", self.name)
    }

    /// The folder, with its slash, that holds the `year=` folders of a legacy Parquet report.
    pub fn parquet_folder(&self, base: &str) -> String {
        format!("{base}{}/", self.name)
    }

    /// The object in which AWS says whether a legacy Parquet report is being replaced.
    pub fn status_key(&self, base: &str) -> String {
        format!("{base}{}/cost_and_usage_data_status/cost_and_usage_data_status.parquet", self.name)
    }

    /// Takes a key apart; `None` if it is not one of this report's under this base.
    pub fn parse(&self, base: &str, key: &str) -> Option<ReportKey> {
        let rest = key.strip_prefix(base)?;
        let parts: Vec<&str> = rest.split('/').collect();
        // A key may hold any bytes. One that climbs out of the report's folder is not one of its files.
        if parts.iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
            return None;
        }
        let (area, folder, tail) = match parts.as_slice() {
            ["metadata", folder, tail @ ..] => (KeyArea::Metadata, (*folder).to_owned(), tail),
            ["data", folder, tail @ ..] => (KeyArea::Data, (*folder).to_owned(), tail),
            [name, year, month, tail @ ..] if *name == self.name.as_str() => {
                (KeyArea::Month, format!("{year}/{month}"), tail)
            }
            [folder, tail @ ..] => (KeyArea::Range, (*folder).to_owned(), tail),
            [] => return None,
        };
        let period = parse_folder(area, &folder)?;
        let (run, file) = match tail {
            [file] => (None, *file),
            // Legacy Parquet is always replaced in place: it has no folders of versions (docs/aws-facts.md
            // 2.4).
            [run, file] if area != KeyArea::Month => (Some((*run).to_owned()), *file),
            _ => return None,
        };
        Some(ReportKey { area, period, folder, run, file: file.to_owned() })
    }

    /// The key under `base` that a manifest's key stands for; `None` if it lies outside the report.
    ///
    /// In a folder the prefix of the bucket is unknown, so what precedes the report's name is dropped.
    pub fn localize(&self, base: &str, key: &str) -> Option<(String, ReportKey)> {
        match self.anchor {
            ReportAnchor::Bucket(_) => self.parse(base, key).map(|parsed| (key.to_owned(), parsed)),
            ReportAnchor::Folder => std::iter::once(0)
                .chain(key.match_indices('/').map(|(at, _)| at + 1))
                .find_map(|at| self.parse(base, &key[at..]).map(|parsed| (key[at..].to_owned(), parsed))),
        }
    }
}

/// The month that a period's folder is for, in any of the spellings that were seen.
pub fn parse_folder(area: KeyArea, folder: &str) -> Option<BillingPeriod> {
    match area {
        KeyArea::Range => parse_range(folder),
        KeyArea::Month => {
            let (year, month) = folder.split_once('/')?;
            let year = year.strip_prefix("year=").filter(|text| digits(text, 4..=4))?;
            let month = month.strip_prefix("month=").filter(|text| digits(text, 1..=2))?;
            BillingPeriod::new(year.parse().ok()?, month.parse().ok()?)
        }
        KeyArea::Metadata | KeyArea::Data => {
            let (label, period) = folder.split_once('=')?;
            label.eq_ignore_ascii_case("billing_period").then(|| period.parse().ok()).flatten()
        }
    }
}

/// `20261001-20261101`, or with the month's last day as its end, as AWS's guide has it (docs/aws-facts.md 2.4).
fn parse_range(folder: &str) -> Option<BillingPeriod> {
    let (start, end) = folder.split_once('-')?;
    if !digits(start, 8..=8) || !digits(end, 8..=8) || !start.ends_with("01") {
        return None;
    }
    let period = BillingPeriod::new(start[..4].parse().ok()?, start[4..6].parse().ok()?)?;
    let last = period.next().first_day().yesterday().ok()?.strftime("%Y%m%d").to_string();
    (folder == period.date_range() || end == last).then_some(period)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[path = "layout/tests.rs"]
mod tests;
