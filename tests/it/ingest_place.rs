//! A folder of generated bills, a Delta folder, and the binary between them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::SystemTime,
};

use awscost::{
    model::{Amount, PeriodReport},
    warehouse::{
        Selection, Warehouse,
        delta::{DeltaOptions, DeltaWarehouse},
        ledger::LedgerRow,
    },
};
use awscost_sandbox::bill::{self, BillOptions, BillSpec, Dialect, FolderSink, Totals, Versioning};

/// The payer of every generated bill.
pub const PAYER: &str = "123456789012";
/// The month of every generated bill.
pub const PERIOD: &str = "2026-10";
/// The day of the first delivery; later ones name their own.
pub const FIRST: &str = "2026-10-20T04:30:10Z";
/// The day after, of a restatement.
pub const SECOND: &str = "2026-10-21T04:30:10Z";

/// One test's folders.
pub struct Place {
    root: tempfile::TempDir,
}

/// How one run of the binary ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` for a signal.
    pub exit: Option<i32>,
    /// What it printed, one report a period.
    pub reports: Vec<PeriodReport>,
    /// Its log.
    pub stderr: String,
}

impl Run {
    /// The only report of a run.
    pub fn report(&self) -> &PeriodReport {
        assert_eq!(self.reports.len(), 1, "{self:?}");
        &self.reports[0]
    }

    /// Outcome and exit code, for one-line comparisons.
    pub fn ended(&self) -> (String, Option<i32>) {
        (format!("{:?}", self.report().outcome), self.exit)
    }
}

/// The bill that tests change to their liking.
pub fn spec() -> BillSpec {
    BillSpec {
        seed: 7,
        payer: PAYER.to_owned(),
        payer_name: "Acme".to_owned(),
        linked_accounts: vec!["000000000011".to_owned(), "222222222222".to_owned()],
        period: PERIOD.to_owned(),
        rows: 3_000,
        files: 3,
        currencies: vec!["USD".to_owned(), "EUR".to_owned()],
        report_name: "acme".to_owned(),
        prefix: "cur".to_owned(),
        bucket: "acme-billing".to_owned(),
        options: BillOptions::default(),
    }
}

/// Its restatement.
pub fn restated() -> BillSpec {
    let mut spec = spec();
    spec.options.version = 2;
    spec
}

/// The dialect whose versions carry their time and whose files are replaced in place.
pub fn legacy_overwrite() -> Dialect {
    Dialect::LegacyCsvGz { versioning: Versioning::Overwrite, assembly_id: String::new() }
}

impl Place {
    /// Empty folders.
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a folder") }
    }

    /// The folder that stands for the bucket.
    pub fn bucket(&self) -> PathBuf {
        self.root.path().join("bucket")
    }

    /// The warehouse's folder.
    pub fn lake(&self) -> PathBuf {
        self.root.path().join("lake")
    }

    /// Delivers a bill at a time.
    pub fn deliver(&self, spec: &BillSpec, dialect: &Dialect, at: &str) -> Totals {
        let mut sink = FolderSink::new(self.bucket());
        bill::write(spec, dialect, at.parse().expect(at), &mut sink).expect("a bill")
    }

    /// Runs `awscost ingest` on the delivered report.
    pub fn ingest(&self, options: &[&str]) -> Run {
        self.ingest_with(options, &[])
    }

    /// As [`Place::ingest`], but told to people: the exit code and everything that was said.
    pub fn ingest_for_people(&self, options: &[&str]) -> (Option<i32>, String) {
        let source = format!("file://{}", self.bucket().join("cur").display());
        let mut command = self.command(&source, "text", options, &[]);
        let output = command.output().expect("the binary starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// As [`Place::ingest`], with variables in its environment.
    pub fn ingest_with(&self, options: &[&str], environment: &[(&str, &str)]) -> Run {
        let source = format!("file://{}", self.bucket().join("cur").display());
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        read_run(&self.command(&source, "json", options, &environment).output().expect("the binary starts"))
    }

    /// As [`Place::ingest`], from another source, with no AWS configuration but the given variables.
    ///
    /// Leaves its thread to others while the binary runs, since they may serve it.
    pub async fn ingest_from(&self, source: &str, options: &[&str], environment: &[(&str, String)]) -> Run {
        let mut command = self.command(source, "json", options, environment);
        let run =
            tokio::task::spawn_blocking(move || read_run(&command.output().expect("the binary starts")));
        run.await.expect("the binary runs")
    }

    fn command(
        &self,
        source: &str,
        output: &str,
        options: &[&str],
        environment: &[(&str, String)],
    ) -> Command {
        let warehouse = format!("delta:{}", self.lake().display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
        command
            .args(["ingest", "--source", source, "--report", "acme", "--warehouse", &warehouse, "-o", output])
            .args(options)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// The ledger and the sums of all rows that a reader sees, by currency: rows and unblended cost.
    pub async fn contents(&self) -> (Vec<LedgerRow>, Vec<(String, u64, Amount)>) {
        use arrow::array::AsArray;
        use arrow::datatypes::Decimal128Type;

        let options = DeltaOptions::at(&format!("file://{}", self.lake().display())).expect("a location");
        let warehouse = DeltaWarehouse::open(options).expect("it opens");
        let mut sums = std::collections::BTreeMap::<String, (u64, Amount)>::new();
        let columns = ["line_item_currency_code", "line_item_unblended_cost"];
        let reading = warehouse
            .read(&Selection::default(), &columns, &mut |_, batch| {
                let currencies = batch.column_by_name(columns[0]).expect("a column").as_string::<i32>();
                let costs = batch.column_by_name(columns[1]).expect("a column");
                let costs = costs.as_primitive::<Decimal128Type>();
                for (currency, cost) in currencies.iter().zip(costs.iter()) {
                    let sum = sums.entry(currency.unwrap_or_default().to_owned()).or_default();
                    sum.0 += 1;
                    sum.1 += Amount::from_units(cost.unwrap_or_default());
                }
                Ok(())
            })
            .await
            .expect("it reads");
        let sums = sums.into_iter().map(|(currency, (rows, cost))| (currency, rows, cost)).collect();
        (reading.ledger, sums)
    }

    /// Asserts that a reader sees exactly this bill, once, with one ledger row.
    pub async fn holds(&self, totals: &Totals) {
        let (ledger, sums) = self.contents().await;
        assert_eq!(ledger.len(), 1, "one ledger row");
        assert_eq!(ledger[0].rows, totals.rows);
        let expected: Vec<_> = totals
            .per_currency
            .iter()
            .map(|(currency, totals)| {
                (currency.clone(), totals.rows, totals.unblended.parse().expect("an amount"))
            })
            .collect();
        assert_eq!(sums, expected);
    }

    /// The period's folder of a legacy report.
    pub fn range_folder(&self) -> PathBuf {
        self.bucket().join("cur/acme/20261001-20261101")
    }

    /// Sets when a file of that folder was written.
    pub fn stamp(&self, file: &str, at: SystemTime) {
        let file = std::fs::File::options().write(true).open(self.range_folder().join(file));
        file.expect("a file").set_modified(at).expect("stamped");
    }
}

fn read_run(output: &Output) -> Run {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let reports = stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Run { exit: output.status.code(), reports, stderr }
}

/// Asserts that a report's totals are the generator's to the last digit.
pub fn same_totals(report: &PeriodReport, totals: &Totals) {
    let amount = |text: &str| text.parse::<Amount>().expect("an amount");
    assert_eq!(report.rows, totals.rows);
    let currencies: Vec<&String> = report.totals.keys().collect();
    assert_eq!(currencies, totals.per_currency.keys().collect::<Vec<_>>());
    for (currency, expected) in &totals.per_currency {
        let found = &report.totals[currency];
        assert_eq!(found.rows, expected.rows, "{currency}");
        assert_eq!(found.unblended, amount(&expected.unblended), "{currency}");
        assert_eq!(found.net_unblended, Some(amount(&expected.net_unblended)), "{currency}");
        assert_eq!(found.amortized, Some(amount(&expected.amortized)), "{currency}");
    }
}

/// The names of all files below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
