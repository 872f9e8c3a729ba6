//! `awscost-sandbox generate`: a bill into a folder laid out as a bucket.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{
    BillFailure, BillOptions, BillSpec, Dialect, FolderSink, Granularity, ManifestFolder, PartitionCase,
    Totals, Versioning, write,
};

/// What to generate: a specification file, or flags that stand for one.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// YAML file with a bill specification; its fields give way to flags that are set
    #[arg(long)]
    pub spec: Option<PathBuf>,
    /// Folder to write to, laid out as the bucket; totals.json is put beside the report
    #[arg(long)]
    pub out: PathBuf,
    /// Form of the delivery
    #[arg(long, value_enum, default_value = "legacy-csv")]
    pub dialect: DialectName,
    /// A folder for each delivery, or files replaced in place
    #[arg(long, value_enum, default_value = "overwrite")]
    pub versioning: Versioning,
    /// Spelling of a Data Export's partition folder
    #[arg(long, value_enum, default_value = "upper")]
    pub partition_case: PartitionCase,
    /// Data rows [default: 10000]
    #[arg(long)]
    pub rows: Option<u64>,
    /// Billing month, YYYY-MM [default: 2026-10]
    #[arg(long)]
    pub period: Option<String>,
    /// Where chance comes from [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// 12-digit account that pays [default: 123456789012]
    #[arg(long)]
    pub payer: Option<String>,
    /// How many linked accounts the usage is spread over
    #[arg(long)]
    pub accounts: Option<u32>,
    /// Name of the report or export [default: costs]
    #[arg(long)]
    pub report: Option<String>,
    /// Key prefix [default: cur]
    #[arg(long)]
    pub prefix: Option<String>,
    /// Bucket that the manifest names [default: awscost-bills]
    #[arg(long)]
    pub bucket: Option<String>,
    /// Data files [default: 3]
    #[arg(long)]
    pub files: Option<u32>,
    /// Currency codes, separated by commas [default: USD]
    #[arg(long, value_delimiter = ',')]
    pub currencies: Option<Vec<String>>,
    /// Version of the bill: 2 and more restate it
    #[arg(long)]
    pub bill_version: Option<u32>,
    /// Length of a usage row
    #[arg(long, value_enum)]
    pub granularity: Option<Granularity>,
    /// Adds tag keys that fold to the same name
    #[arg(long)]
    pub colliding_tags: bool,
    /// Fills the invoice ids, as on a closed month
    #[arg(long = "final")]
    pub final_bill: bool,
    /// Assembly or execution id of the delivery; made from the time if absent
    #[arg(long, default_value = "")]
    pub delivery_id: String,
    /// Time of the delivery; now if absent
    #[arg(long)]
    pub at: Option<Timestamp>,
}

/// The dialects by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DialectName {
    /// Cost and Usage Report, csv.gz
    LegacyCsv,
    /// Cost and Usage Report, Parquet
    LegacyParquet,
    /// CUR 2.0, csv.gz
    Cur2Csv,
    /// CUR 2.0, Parquet
    Cur2Parquet,
}

/// Why `generate` failed.
#[derive(Debug, thiserror::Error)]
pub enum GenerateFailure {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The specification file is not one.
    #[error("{path} is not a bill specification: {problem}")]
    Spec {
        /// The file.
        path: PathBuf,
        /// Line and reason.
        problem: String,
    },
    /// The bill could not be written.
    #[error(transparent)]
    Bill(#[from] BillFailure),
}

/// Writes the bill below `--out` and its totals to `totals.json` there; `now` is the delivery's time
/// unless `--at` gives one.
pub fn run(args: &GenerateArgs, now: Timestamp) -> Result<Totals, GenerateFailure> {
    let spec = spec(args)?;
    let mut sink = FolderSink::new(&args.out);
    let totals = write(&spec, &dialect(args), args.at.unwrap_or(now), &mut sink)?;
    let path = args.out.join("totals.json");
    let mut text = serde_json::to_vec_pretty(&totals).expect("totals have string keys");
    text.push(b'\n');
    match fs::write(&path, text) {
        Ok(()) => Ok(totals),
        Err(source) => Err(GenerateFailure::File { path, source }),
    }
}

fn dialect(args: &GenerateArgs) -> Dialect {
    let (versioning, id, partition_case) = (args.versioning, args.delivery_id.clone(), args.partition_case);
    match args.dialect {
        DialectName::LegacyCsv => Dialect::LegacyCsvGz { versioning, assembly_id: id },
        DialectName::LegacyParquet => {
            Dialect::LegacyParquet { assembly_id: id, manifest_folder: ManifestFolder::DateRange }
        }
        DialectName::Cur2Csv => Dialect::Cur2CsvGz { versioning, execution_id: id, partition_case },
        DialectName::Cur2Parquet => Dialect::Cur2Parquet { versioning, execution_id: id, partition_case },
    }
}

fn spec(args: &GenerateArgs) -> Result<BillSpec, GenerateFailure> {
    let mut spec = match &args.spec {
        Some(path) => read(path)?,
        None => flagless(),
    };
    set(&mut spec.rows, args.rows.as_ref());
    set(&mut spec.period, args.period.as_ref());
    set(&mut spec.seed, args.seed.as_ref());
    set(&mut spec.payer, args.payer.as_ref());
    set(&mut spec.report_name, args.report.as_ref());
    set(&mut spec.prefix, args.prefix.as_ref());
    set(&mut spec.bucket, args.bucket.as_ref());
    set(&mut spec.files, args.files.as_ref());
    set(&mut spec.currencies, args.currencies.as_ref());
    set(&mut spec.options.version, args.bill_version.as_ref());
    set(&mut spec.options.granularity, args.granularity.as_ref());
    spec.options.colliding_tags |= args.colliding_tags;
    spec.options.final_bill |= args.final_bill;
    if let Some(accounts) = args.accounts {
        spec.linked_accounts =
            (1..=accounts).map(|number| format!("{:012}", 4_000_000 + u64::from(number) * 7_919)).collect();
    }
    Ok(spec)
}

fn set<T: Clone>(field: &mut T, flag: Option<&T>) {
    if let Some(value) = flag {
        field.clone_from(value);
    }
}

fn read(path: &PathBuf) -> Result<BillSpec, GenerateFailure> {
    let text =
        fs::read_to_string(path).map_err(|source| GenerateFailure::File { path: path.clone(), source })?;
    serde_saphyr::from_str(&text)
        .map_err(|problem| GenerateFailure::Spec { path: path.clone(), problem: problem.to_string() })
}

fn flagless() -> BillSpec {
    BillSpec {
        seed: 0,
        payer: "123456789012".to_owned(),
        payer_name: "Example payer".to_owned(),
        linked_accounts: Vec::new(),
        period: "2026-10".to_owned(),
        rows: 10_000,
        files: 3,
        currencies: vec!["USD".to_owned()],
        report_name: "costs".to_owned(),
        prefix: "cur".to_owned(),
        bucket: "awscost-bills".to_owned(),
        options: BillOptions::default(),
    }
}
