//! Manifests: the lists of files that make a version. Read leniently, believed only after checking.

mod export;
mod legacy;

use std::collections::HashSet;

use crate::model::{BillingPeriod, DeliveryService, ReportKind};

use super::{
    dialect::Dialect,
    layout::{ReportAnchor, ReportRoot},
};

/// The largest manifest that is read. Real ones have some kilobytes, with 10,000 files some megabytes.
pub const MANIFEST_LIMIT: u64 = 16 * 1024 * 1024;

/// How data files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Comma-separated, gzip (of one or more members).
    CsvGz,
    /// Comma-separated, one entry of a ZIP archive.
    CsvZip,
    /// Parquet files; each has its own compression.
    Parquet,
}

/// A manifest that was checked against the report it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Of which kind the report is.
    pub kind: ReportKind,
    /// The billing period that the manifest is for.
    pub period: BillingPeriod,
    /// Legacy: the assembly id; export: the execution id. For display, and where it is a time, for order.
    pub assembly: Option<String>,
    /// The run folders of the listed files, where they have one; they may carry a time too.
    pub runs: Vec<String>,
    /// Keys of the data files, in the manifest's order.
    pub files: Vec<String>,
    /// How the files are written.
    pub format: FileFormat,
    /// Names of the columns, legacy ones as `category/Name`. A hint: every file has its own header.
    pub columns: Vec<String>,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// Nothing is in it.
    #[error("it is empty: zero bytes. The upload or copy was cut off; upload it again")]
    Empty,
    /// Not JSON of the right shape.
    #[error("it is not a manifest: {0}")]
    Shape(String),
    /// It lists no files. An empty month has one file with a header only.
    #[error("it lists no files")]
    NoFiles,
    /// It lists a file of another bucket.
    #[error("it lists {0:?}, which is in another bucket")]
    ForeignBucket(String),
    /// It lists a file outside the report's own folders.
    #[error("it lists {0:?}, which is not a data file of this report")]
    ForeignKey(String),
    /// It lists a file of another month.
    #[error("it lists {key:?}, which belongs to {found}")]
    OtherPeriod {
        /// The key of the file in question.
        key: String,
        /// The month in the file's key.
        found: BillingPeriod,
    },
    /// It is for another month than its folder.
    #[error("its month {0:?} differs from its folder's")]
    PeriodDiffers(String),
    /// It lists a file twice.
    #[error("it lists {0:?} twice")]
    Duplicate(String),
    /// A file's name tells no known format, or the files have several.
    #[error("it lists {0:?}: files must all be .csv.gz, all .csv.zip or all .parquet")]
    Format(String),
}

/// What both kinds of manifest boil down to before the checks.
struct ManifestDraft {
    assembly: Option<String>,
    bucket: Option<String>,
    keys: Vec<String>,
    columns: Vec<String>,
    /// The month it says it is for, as `YYYYMM`.
    says: Option<String>,
}

impl Manifest {
    /// Parses the manifest found in a period's folder, and checks every file it lists.
    ///
    /// # Errors
    /// [`InvalidManifest`] with the first entry that is wrong.
    pub fn parse(
        bytes: &[u8],
        root: &ReportRoot,
        base: &str,
        service: DeliveryService,
        period: BillingPeriod,
    ) -> Result<Self, InvalidManifest> {
        if bytes.is_empty() {
            return Err(InvalidManifest::Empty);
        }
        let draft = match service {
            DeliveryService::Legacy => legacy::parse(bytes)?,
            DeliveryService::DataExports => export::parse(bytes)?,
        };
        if let Some(says) = draft.says
            && says != format!("{:04}{:02}", period.year(), period.month())
        {
            return Err(InvalidManifest::PeriodDiffers(says));
        }
        // A replicated copy names the original bucket (docs/aws-facts.md 2.5): it is refused by name, not
        // read from a bucket that was not asked for.
        if let (Some(named), ReportAnchor::Bucket(bucket)) = (&draft.bucket, &root.anchor)
            && named != bucket.as_str()
        {
            return Err(InvalidManifest::ForeignBucket(named.clone()));
        }
        let mut manifest = Self {
            kind: Dialect::of_manifest(service, root.kind, &draft.columns).kind,
            period,
            assembly: draft.assembly,
            runs: Vec::new(),
            files: Vec::with_capacity(draft.keys.len()),
            format: FileFormat::CsvGz,
            columns: draft.columns,
        };
        manifest.take_files(&draft.keys, root, base, service)?;
        if manifest.files.is_empty() { Err(InvalidManifest::NoFiles) } else { Ok(manifest) }
    }

    /// Takes in the listed data files: each of this period, of one format, and once.
    fn take_files(
        &mut self,
        keys: &[String],
        root: &ReportRoot,
        base: &str,
        service: DeliveryService,
    ) -> Result<(), InvalidManifest> {
        let mut seen = HashSet::new();
        for listed in keys {
            let key = within_bucket(listed, root)?;
            let foreign = || InvalidManifest::ForeignKey(listed.clone());
            let (local, parsed) = root.localize(base, key).ok_or_else(foreign)?;
            if parsed.area.service() != service || !parsed.area.holds_data() {
                return Err(foreign());
            }
            if parsed.period != self.period {
                return Err(InvalidManifest::OtherPeriod { key: listed.clone(), found: parsed.period });
            }
            let format = format_of(&parsed.file).ok_or_else(|| InvalidManifest::Format(listed.clone()))?;
            if self.files.is_empty() {
                self.format = format;
            } else if self.format != format {
                return Err(InvalidManifest::Format(listed.clone()));
            }
            if let Some(run) = parsed.run
                && !self.runs.contains(&run)
            {
                self.runs.push(run);
            }
            // A file that is listed twice would be loaded twice, and both decoders would agree on it.
            if !seen.insert(local.clone()) {
                return Err(InvalidManifest::Duplicate(listed.clone()));
            }
            self.files.push(local);
        }
        Ok(())
    }
}

/// The key of an entry: a bare key, or `s3://BUCKET/KEY` (docs/aws-facts.md 3.8).
fn within_bucket<'a>(listed: &'a str, root: &ReportRoot) -> Result<&'a str, InvalidManifest> {
    let Some(address) = listed.strip_prefix("s3://") else { return Ok(listed) };
    let foreign = || InvalidManifest::ForeignBucket(listed.to_owned());
    let (bucket, key) = address.split_once('/').ok_or_else(foreign)?;
    match &root.anchor {
        ReportAnchor::Bucket(own) if own.as_str() != bucket => Err(foreign()),
        ReportAnchor::Bucket(_) | ReportAnchor::Folder => Ok(key),
    }
}

fn format_of(file: &str) -> Option<FileFormat> {
    let file = file.to_ascii_lowercase();
    if file.ends_with(".csv.gz") {
        Some(FileFormat::CsvGz)
    } else if file.ends_with(".csv.zip") || file.ends_with(".zip") {
        Some(FileFormat::CsvZip)
    } else if file.ends_with(".parquet") {
        Some(FileFormat::Parquet)
    } else {
        None
    }
}

fn shape(error: &serde_json::Error) -> InvalidManifest {
    // serde's own text quotes the input, which is hostile until proven otherwise.
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field has the wrong type",
        _ => "not well-formed JSON",
    };
    InvalidManifest::Shape(format!("{what} (line {}, column {})", error.line(), error.column()))
}

#[cfg(test)]
#[path = "manifest/tests.rs"]
mod tests;
