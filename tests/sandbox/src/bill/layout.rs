//! The keys of a delivery in its bucket.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::spec::{BillSpec, Dialect, ManifestFolder, Month, PartitionCase, Versioning};

/// Keys of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Assembly or execution id, given or made.
    pub(super) delivery: String,
    data: String,
    extension: &'static str,
    name: String,
    /// In the order of writing: the immutable one first where there are two.
    pub(super) manifests: Vec<String>,
    /// The READY/UPDATING file of a report for Athena.
    pub(super) status: Option<String>,
}

impl Layout {
    pub(super) fn new(spec: &BillSpec, dialect: &Dialect, month: Month, now: Timestamp) -> Self {
        match dialect {
            Dialect::LegacyCsvGz { versioning, assembly_id } => {
                legacy_csv(spec, *versioning, assembly_id, month, now)
            }
            Dialect::LegacyParquet { assembly_id, manifest_folder } => {
                legacy_parquet(spec, assembly_id, *manifest_folder, month, now)
            }
            Dialect::Cur2CsvGz { versioning, execution_id, partition_case } => {
                data_export(spec, "csv.gz", *versioning, execution_id, *partition_case, now)
            }
            Dialect::Cur2Parquet { versioning, execution_id, partition_case } => {
                data_export(spec, "snappy.parquet", *versioning, execution_id, *partition_case, now)
            }
        }
    }

    /// The key of a data file; files count from 1.
    pub(super) fn data_file(&self, number: u32) -> String {
        format!("{}/{}-{number:05}.{}", self.data, self.name, self.extension)
    }
}

/// `20261001-20261101`: the end is the first day of the next month.
fn range(month: Month) -> String {
    format!("{}-{}", month.first.strftime("%Y%m%d"), month.next.strftime("%Y%m%d"))
}

fn assembly(given: &str, now: Timestamp) -> String {
    if given.is_empty() { now.strftime("%Y%m%dT%H%M%SZ").to_string() } else { given.to_owned() }
}

fn legacy_csv(
    spec: &BillSpec,
    versioning: Versioning,
    assembly_id: &str,
    month: Month,
    now: Timestamp,
) -> Layout {
    let (prefix, name) = (&spec.prefix, &spec.report_name);
    let delivery = assembly(assembly_id, now);
    // An empty prefix gives a key with a leading slash, as AWS's legacy reports have it.
    let folder = format!("{prefix}/{name}/{}", range(month));
    let pointer = format!("{folder}/{name}-Manifest.json");
    let (data, manifests) = match versioning {
        Versioning::Overwrite => (folder, vec![pointer]),
        Versioning::CreateNew => {
            let own = format!("{folder}/{delivery}");
            let immutable = format!("{own}/{name}-Manifest.json");
            (own, vec![immutable, pointer])
        }
    };
    Layout { delivery, data, extension: "csv.gz", name: name.clone(), manifests, status: None }
}

fn legacy_parquet(
    spec: &BillSpec,
    assembly_id: &str,
    manifest: ManifestFolder,
    month: Month,
    now: Timestamp,
) -> Layout {
    let (prefix, name) = (&spec.prefix, &spec.report_name);
    let table = format!("{prefix}/{name}/{name}");
    let data = format!("{table}/year={}/month={}", month.first.year(), month.first.month());
    let manifest = match manifest {
        ManifestFolder::DateRange => format!("{prefix}/{name}/{}/{name}-Manifest.json", range(month)),
        ManifestFolder::Month => format!("{data}/{name}-Manifest.json"),
    };
    Layout {
        delivery: assembly(assembly_id, now),
        data,
        extension: "snappy.parquet",
        name: name.clone(),
        manifests: vec![manifest],
        status: Some(format!("{table}/cost_and_usage_data_status/cost_and_usage_data_status.parquet")),
    }
}

fn data_export(
    spec: &BillSpec,
    extension: &'static str,
    versioning: Versioning,
    execution_id: &str,
    case: PartitionCase,
    now: Timestamp,
) -> Layout {
    let name = &spec.report_name;
    let delivery = if execution_id.is_empty() {
        uuid_of(&format!("{} {} {now}", spec.seed, spec.options.version))
    } else {
        execution_id.to_owned()
    };
    let partition = match case {
        PartitionCase::Upper => "BILLING_PERIOD",
        PartitionCase::Lower => "billing_period",
    };
    let slash = if spec.prefix.is_empty() { "" } else { "/" };
    let root = format!("{}{slash}{name}", spec.prefix);
    let data = format!("{root}/data/{partition}={}", spec.period);
    let metadata = format!("{root}/metadata/{partition}={}", spec.period);
    let pointer = format!("{metadata}/{name}-Manifest.json");
    let (data, manifests) = match versioning {
        Versioning::Overwrite => (data, vec![pointer]),
        Versioning::CreateNew => {
            let own = format!("{}-{delivery}", now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"));
            (format!("{data}/{own}"), vec![format!("{metadata}/{own}/{name}-Manifest.json"), pointer])
        }
    };
    Layout { delivery, data, extension, name: name.clone(), manifests, status: None }
}

/// A UUID in form, made from a text.
pub(super) fn uuid_of(text: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(text)[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests;
