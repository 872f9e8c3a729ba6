//! `awscost ingest`: billing periods from a bucket or a folder into a warehouse.

mod output;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use clap::ValueEnum;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    api::aws_cost_account::ReportKindChoice,
    aws::{AwsSettings, BucketAccess, S3Source, Sdk, SessionDirectory},
    cli::{
        inputs::warehouse_location::WarehouseLocation,
        terminal::{format::TextOrJson, progress::ProgressLine},
    },
    ingest::{
        crash_point,
        fault::LoadFault,
        outcome::{EndedPeriod, exit_code},
        plan::{Step, Terms, plan, table_for},
        progress::Progress,
        right_bill::ExpectedBill,
        run::{Loader, find_payer},
        source::{FolderSource, SourceLocation},
    },
    model::{
        AccountId, AccountType, BillingPeriod, ConnectionKey, ExitCode, Region, ReportName, VersionIdentity,
    },
    network::trust::TrustedAuthorities,
    report::{BillSource, FoundPeriod, ReportRoot, WantedPeriods, beside, deliveries},
    warehouse::ledger::{Ordering, VersionSource},
};
use output::Output;

/// What to load, from where to where.
#[derive(Debug, clap::Args)]
pub struct IngestArgs {
    /// Where the reports are: s3://BUCKET/PREFIX, or file:///DIR laid out as the bucket is from the prefix on.
    #[arg(long, value_name = "LOCATION")]
    source: SourceLocation,
    /// The report's or data export's name.
    #[arg(long, value_name = "NAME")]
    report: ReportName,
    /// Which family the report belongs to.
    #[arg(long, value_enum, default_value = "Auto")]
    kind: ReportKindChoice,
    /// A billing period such as 2026-10; can be repeated. By default all that were delivered.
    #[arg(long = "period", value_name = "YYYY-MM")]
    periods: Vec<BillingPeriod>,
    #[command(flatten)]
    warehouse: WarehouseLocation,
    /// The key under which the rows are stored. By default the account, or the payer in the data.
    #[arg(long, value_name = "KEY")]
    connection: Option<ConnectionKey>,
    /// The account that the bill must belong to.
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Whether the account pays for every row (Management, Standalone) or uses every row (Member).
    #[arg(long, value_enum, default_value = "Management", requires = "account")]
    account_type: AccountTypeChoice,
    /// The account that must own the source bucket.
    #[arg(long, value_name = "ID")]
    bucket_owner: Option<AccountId>,
    /// The source bucket's region, if it differs from the AWS configuration.
    #[arg(long = "region", value_name = "REGION")]
    source_region: Option<Region>,
    /// The connection's owner in the ledger. A connection of another owner is refused.
    #[arg(long, value_name = "TEXT", default_value = "cli")]
    owner: String,
    /// Replace the loaded version even if it is newer or the same one, to restore files that are missing in
    /// the warehouse or to read a month with a newer release.
    #[arg(long)]
    force: bool,
    /// The time of the delivery, for folders without a time in their names: 2026-10-21T04:30:00Z.
    #[arg(long, value_name = "TIMESTAMP", value_parser = parse_as_of)]
    as_of: Option<Timestamp>,
    /// Load only this version.
    #[arg(long, value_name = "ID", value_parser = parse_version)]
    expect_version: Option<VersionIdentity>,
    /// Read the source only with the session in this directory (session.json).
    #[arg(long = "credentials-dir", value_name = "DIR")]
    source_credentials_dir: Option<PathBuf>,
    /// Also write the period's result to this file, at most 4 KiB.
    #[arg(long, value_name = "PATH")]
    termination_log: Option<PathBuf>,
    /// Output format: a table, or one JSON object per period.
    #[arg(short, long, value_enum, default_value = "text")]
    output: TextOrJson,
}

/// [`AccountType`] as an option's value.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum AccountTypeChoice {
    Management,
    Member,
    Standalone,
}

impl From<AccountTypeChoice> for AccountType {
    fn from(choice: AccountTypeChoice) -> Self {
        match choice {
            AccountTypeChoice::Management => Self::Management,
            AccountTypeChoice::Member => Self::Member,
            AccountTypeChoice::Standalone => Self::Standalone,
        }
    }
}

fn parse_version(text: &str) -> Result<VersionIdentity, &'static str> {
    if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(VersionIdentity(text.to_owned()))
    } else {
        Err("a version is 64 hexadecimal digits, as ingest -o json prints them")
    }
}

/// A time that is yet to come would keep out every version that is delivered until then.
fn parse_as_of(text: &str) -> Result<Timestamp, String> {
    let time: Timestamp = text.parse().map_err(|_| "a time looks like 2026-10-21T04:30:00Z".to_owned())?;
    if time > Timestamp::now() { Err("a delivery can't be in the future".to_owned()) } else { Ok(time) }
}

/// Runs the command; every period is told of on stdout.
pub async fn run(args: IngestArgs) -> ExitCode {
    let mut output = Output::new(args.output, args.termination_log.clone());
    let stop = CancellationToken::new();
    let watch = tokio::spawn(stop_on_signal(stop.clone()));
    let ended = match ingest_periods(&args, &stop, &mut output).await {
        Ok(ended) => ended,
        Err(fault) => {
            // Nothing was begun: every period that was asked for ends with the one fault.
            let connection = args.connection.as_ref();
            let ended: Vec<EndedPeriod> = args
                .periods
                .iter()
                .map(|period| EndedPeriod::fault(*period, connection, None, &fault))
                .inspect(|ended| output.report_period(ended))
                .collect();
            if ended.is_empty() {
                output.without_period(&fault);
                watch.abort();
                return fault.verdict().exit;
            }
            ended
        }
    };
    watch.abort();
    output.write_summary(&ended);
    exit_code(&ended)
}

/// Asks the load to end when the process is asked to.
async fn stop_on_signal(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::warn!("signals can't be handled: a stop will kill the process, which a load survives");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to stop");
    stop.cancel();
}

async fn ingest_periods(
    args: &IngestArgs,
    stop: &CancellationToken,
    output: &mut Output,
) -> Result<Vec<EndedPeriod>, LoadFault> {
    let source = open_source(args).await?;
    let root = report_root(args);
    let wanted = if args.periods.is_empty() {
        WantedPeriods::All
    } else {
        WantedPeriods::Only(args.periods.iter().copied().collect::<BTreeSet<_>>())
    };
    let reached = args.warehouse.reach().await?;
    let looked = async {
        let found = match deliveries(source.as_ref(), &root, &wanted, Timestamp::now()).await {
            Ok(found) => found,
            Err(fault) => return Err(beside(source.as_ref(), &root, fault).await.into()),
        };
        crash_point::reach("manifest-read");
        let identity = identify_connection(args, source.as_ref(), &found).await;
        Ok((found, identity))
    };
    let (found, identity) = stop.run_until_cancelled(looked).await.unwrap_or(Err(LoadFault::Stopped))?;
    let (connection, expected) = match identity {
        Ok(identity) => identity,
        Err(silent) => return Ok(without_payer(found, silent, output)),
    };
    let terms = load_terms(args, connection);
    let warehouse = reached.open(table_for(&found))?;
    let rows = warehouse.ledger(Some(&terms.connection)).await?;
    crash_point::reach("ledger-read");
    let planned = plan(found, &rows, &terms);
    if planned.iter().any(|planned| matches!(planned.step, Step::Load { .. })) {
        warehouse.prepare().await?;
    }
    let loader = Loader {
        source: source.as_ref(),
        root: &root,
        warehouse: warehouse.as_ref(),
        terms: &terms,
        expected,
        workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        stop: stop.clone(),
        progress: Arc::new(Progress::default()),
    };
    let mut all = Vec::with_capacity(planned.len());
    for planned in planned {
        let line = ProgressLine::show_period(planned.period, loader.progress.clone());
        let ended = loader.carry_out(planned, &rows).await;
        drop(line);
        output.report_period(&ended);
        all.push(ended);
    }
    Ok(all)
}

/// What was asked for, of one connection.
fn load_terms(args: &IngestArgs, connection: ConnectionKey) -> Terms {
    Terms {
        connection,
        owner: args.owner.clone(),
        source: VersionSource { location: args.source.to_string(), report: args.report.to_string(), rank: 0 },
        ordering: if args.force { Ordering::Forced } else { Ordering::Enforced },
        as_of: args.as_of,
        expect: args.expect_version.clone(),
    }
}

/// Where the report lies.
fn report_root(args: &IngestArgs) -> ReportRoot {
    ReportRoot {
        anchor: args.source.anchor(),
        prefix: args.source.prefix(),
        name: args.report.clone(),
        kind: args.kind.kind(),
    }
}

async fn open_source(args: &IngestArgs) -> Result<Box<dyn BillSource>, LoadFault> {
    Ok(match &args.source {
        SourceLocation::Folder(path) => Box::new(FolderSource::new(path)),
        SourceLocation::S3 { bucket, .. } => {
            let trust = TrustedAuthorities::of_environment()?;
            let sdk = Sdk::load(AwsSettings { trust, ..AwsSettings::default() }).await;
            let access = BucketAccess {
                bucket: bucket.clone(),
                region: args.source_region.clone(),
                owner: args.bucket_owner.clone(),
                session: args.source_credentials_dir.as_ref().map(SessionDirectory::new),
            };
            Box::new(S3Source::new(&sdk, access))
        }
    })
}

/// The key to load under, and whose bill it must be.
///
/// # Errors
/// By month, why it doesn't tell the payer: no option named one, so only the rows could.
async fn identify_connection(
    args: &IngestArgs,
    source: &dyn BillSource,
    found: &[FoundPeriod],
) -> Result<(ConnectionKey, ExpectedBill), BTreeMap<BillingPeriod, LoadFault>> {
    let expected = args.account.as_ref().map(|account| ExpectedBill::of(account, args.account_type.into()));
    if let Some(connection) = &args.connection {
        return Ok((connection.clone(), expected.unwrap_or(ExpectedBill::Anyone)));
    }
    if let (Some(account), Some(expected)) = (&args.account, expected) {
        return Ok((ConnectionKey::from(account), expected));
    }
    let payer = find_payer(source, found).await?;
    Ok((payer.connection, ExpectedBill::PaidBy(payer.named)))
}

/// The ends of all months where none tells whose they are: each with its own fault, the newest first.
fn without_payer(
    found: Vec<FoundPeriod>,
    mut silent: BTreeMap<BillingPeriod, LoadFault>,
    output: &mut Output,
) -> Vec<EndedPeriod> {
    let ends = found.into_iter().rev().map(|found| {
        let (delivery, fault) = match found.delivery {
            Ok(delivery) => (Some(delivery), silent.remove(&found.period).unwrap_or(LoadFault::PayerUnknown)),
            Err(fault) => (None, fault.into()),
        };
        EndedPeriod::fault(found.period, None, delivery.as_ref(), &fault)
    });
    ends.inspect(|ended| output.report_period(ended)).collect()
}
