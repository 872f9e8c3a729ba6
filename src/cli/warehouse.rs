//! `awscost warehouse`: everything but loading and reading costs that touches a warehouse.

pub(super) mod lost;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::{
    api::duration,
    cli::{
        inputs::warehouse_location::{ReachedWarehouse, WarehouseChoice, WarehouseLocation},
        terminal::{
            age::to_minute,
            format::TextOrJson,
            print::{complain, print_out},
            table::{self, Align},
        },
    },
    model::{BillingPeriod, ConnectionKey, ExitCode, Reason, TaskOutcome, TaskReport, WarehouseAddress},
    schema::COSTS,
    warehouse::{
        Selection, WarehouseFault,
        ledger::LedgerRow,
        survey::{LedgerEntries, Survey},
    },
};
use lost::complain_with_cure;

/// What to do with the warehouse.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Test that loads will work: write, commit, read and remove a test row beside the tables.
    #[command(
        after_help = "Example:\n  awscost warehouse probe --warehouse delta:s3://acme-lake/awscost \\\n    --warehouse-region eu-west-1 --warehouse-credentials-dir ./keys"
    )]
    Probe(ProbeArgs),
    /// Print what is loaded, by whom, from which version.
    #[command(after_help = "Example:\n  awscost warehouse ledger --warehouse delta:./lake")]
    Ledger(LedgerArgs),
    /// Remove files that no reader needs any more.
    #[command(after_help = "Example:\n  awscost warehouse maintain --warehouse delta:./lake --retention 7d")]
    Maintain(MaintainArgs),
    /// Permanently remove all rows of a connection, or those of some months.
    #[command(
        after_help = "Example:\n  awscost warehouse purge --warehouse delta:./lake --connection 123456789012 \\\n    --period 2026-10 --dry-run"
    )]
    Purge(PurgeArgs),
}

/// Options of the tasks that end with a report.
#[derive(Debug, Args)]
pub struct ReportingArgs {
    /// Also write the result to this file, at most 4 KiB of JSON.
    #[arg(long, value_name = "PATH")]
    termination_log: Option<PathBuf>,
    /// Output format of the result.
    #[arg(short, long, value_enum, default_value = "text")]
    output: TextOrJson,
}

/// Options of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    #[command(flatten)]
    warehouse: WarehouseLocation,
    #[command(flatten)]
    reporting: ReportingArgs,
}

/// Options of `maintain`.
#[derive(Debug, Args)]
pub struct MaintainArgs {
    #[command(flatten)]
    warehouse: WarehouseChoice,
    #[command(flatten)]
    reporting: ReportingArgs,
    /// How long replaced files are kept for readers of older versions, such as 7d, 36h or 1d12h.
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = duration::parse)]
    retention: Duration,
}

/// Options of `purge`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    #[command(flatten)]
    warehouse: WarehouseLocation,
    #[command(flatten)]
    reporting: ReportingArgs,
    /// The connection whose rows are removed.
    #[arg(long, value_name = "KEY")]
    connection: ConnectionKey,
    /// Only this billing period, such as 2026-10; can be repeated. By default all.
    #[arg(long = "period", value_name = "YYYY-MM")]
    periods: Vec<BillingPeriod>,
    /// Only rows that belong to this owner according to the ledger: CLUSTER/NAMESPACE/NAME, or cli.
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Only print what would be removed.
    #[arg(long)]
    dry_run: bool,
}

/// Options of `ledger`.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    #[command(flatten)]
    warehouse: WarehouseChoice,
    /// Only this connection.
    #[arg(long, value_name = "KEY")]
    connection: Option<ConnectionKey>,
    /// Output format: a table, or one JSON object per line.
    #[arg(short, long, value_enum, default_value = "text")]
    output: TextOrJson,
}

/// Runs the task.
pub async fn run(task: Task) -> ExitCode {
    match task {
        Task::Probe(args) => {
            let outcome = async {
                let reached = args.warehouse.reach().await?;
                reached.open(&COSTS)?.probe().await?;
                let message = "a test row was written, committed, read and removed".to_owned();
                Ok(Told { at: reached.address, reason: Reason::ProbeSucceeded, message })
            };
            args.reporting.end(outcome.await, None)
        }
        Task::Maintain(args) => match args.warehouse.reach().await {
            Ok(reached) => {
                args.reporting.end(maintain_tables(&reached, args.retention).await, Some(&reached.address))
            }
            Err(fault) => args.reporting.end(Err(fault), None),
        },
        Task::Purge(args) => args.reporting.end(purge_rows(&args).await, None),
        Task::Ledger(args) => print_ledger(&args).await,
    }
}

async fn maintain_tables(reached: &ReachedWarehouse, retention: Duration) -> Result<Told, WarehouseFault> {
    let at = reached.address.clone();
    let (mut removed, mut months) = (0, Vec::new());
    for warehouse in reached.open_all()? {
        removed += warehouse.maintain(Timestamp::now(), retention).await?;
        months.extend(warehouse.survey(None).await?.lost);
    }
    if !months.is_empty() {
        return Err(WarehouseFault::FilesGone { location: at.to_string(), months });
    }
    Ok(Told { at, reason: Reason::Succeeded, message: format!("{removed} old files were removed") })
}

async fn purge_rows(args: &PurgeArgs) -> Result<Told, WarehouseFault> {
    let reached = args.warehouse.reach().await?;
    let (tables, at) = (reached.open_all()?, reached.address);
    if args.dry_run {
        let wanted = Selection { connection: Some(args.connection.clone()), periods: args.periods.clone() };
        let mut entries = LedgerEntries::default();
        for table in &tables {
            entries.absorb(table.entries(&wanted).await?);
        }
        let message = would_go(args, &entries)?;
        return Ok(Told { at, reason: Reason::Succeeded, message });
    }
    let owner = args.owner.as_deref();
    let mut periods = 0;
    for table in &tables {
        periods += table.purge(&args.connection, &args.periods, owner, Timestamp::now()).await?;
    }
    let message = format!("{periods} billing periods of {} were removed", args.connection);
    Ok(Told { at, reason: Reason::Purged, message })
}

/// What a purge would remove.
fn would_go(args: &PurgeArgs, entries: &LedgerEntries) -> Result<String, WarehouseFault> {
    if let Some(owner) = entries.another_owner(args.owner.as_deref())? {
        return Ok(format!("nothing would be removed: {} belongs to {owner}", args.connection));
    }
    let readable = entries.rows.iter().map(|row| format!("{} ({} rows)", row.period, row.rows));
    let unreadable = entries.unreadable.iter().map(|row| {
        let period = row.name.split_once('/').map_or(row.name.as_str(), |(_, period)| period);
        format!("{period} (a row that can't be read)")
    });
    let months: Vec<String> = readable.chain(unreadable).collect();
    Ok(match months.as_slice() {
        [] => format!("none of the requested months of {} is loaded", args.connection),
        months => format!(
            "{} billing periods of {} would be removed: {}",
            months.len(),
            args.connection,
            months.join(", ")
        ),
    })
}

/// How a task ended well, and where.
struct Told {
    at: WarehouseAddress,
    reason: Reason,
    message: String,
}

impl ReportingArgs {
    /// Prints how the task ended, and writes it where a Job's owner looks. `address` is the warehouse's, for a fault that
    /// commands heal.
    fn end(&self, outcome: Result<Told, WarehouseFault>, address: Option<&WarehouseAddress>) -> ExitCode {
        let report = match &outcome {
            Ok(told) => TaskReport::new(TaskOutcome::Succeeded, told.reason, &told.message),
            Err(fault) => TaskReport::new(TaskOutcome::Failed, fault.reason(), &fault.to_string()),
        };
        let json = serde_json::to_string(&report).expect("a report of texts");
        if let Some(path) = &self.termination_log
            && let Err(error) = std::fs::write(path, &json)
        {
            tracing::warn!(path = %path.display(), error = %error.kind(), "the termination log could not be written");
        }
        match (self.output, &outcome) {
            (TextOrJson::Json, _) => print_out(&format!("{json}\n")),
            (TextOrJson::Text, Ok(told)) => print_out(&format!("{}: {}\n", told.at, report.message)),
            (TextOrJson::Text, Err(fault)) => complain_with_cure(address, fault),
        }
        outcome.map_or_else(|fault| fault.exit_code(), |_| ExitCode::Done)
    }
}

async fn print_ledger(args: &LedgerArgs) -> ExitCode {
    let looked = async {
        let reached = args.warehouse.reach().await?;
        let mut survey = Survey::default();
        for table in reached.open_all()? {
            survey.absorb(table.survey(args.connection.as_ref()).await?);
        }
        Ok::<_, WarehouseFault>((reached.address, survey))
    };
    let (address, Survey { rows, unreadable, lost }) = match looked.await {
        Ok(looked) => looked,
        Err(fault) => {
            complain(&fault.to_string());
            return fault.exit_code();
        }
    };
    match args.output {
        TextOrJson::Json => {
            for row in &rows {
                print_out(&format!(
                    "{}\n",
                    serde_json::to_string(row).expect("a ledger row of text and numbers")
                ));
            }
        }
        TextOrJson::Text if rows.is_empty() && unreadable.is_empty() => complain("nothing is loaded"),
        TextOrJson::Text if rows.is_empty() => {}
        TextOrJson::Text => print_out(&ledger_table(&rows)),
    }
    let location = address.to_string();
    let gone = (!lost.is_empty()).then_some(WarehouseFault::FilesGone { location, months: lost });
    let faults =
        unreadable.into_iter().map(|row| WarehouseFault::LedgerUnreadable(Box::new(row))).chain(gone);
    let mut exit = ExitCode::Done;
    for fault in faults {
        complain_with_cure(Some(&address), &fault);
        // The first fault decides: an unreadable row outranks files that can be loaded again.
        exit = if exit == ExitCode::Done { fault.exit_code() } else { exit };
    }
    exit
}

fn ledger_table(rows: &[LedgerRow]) -> String {
    let mut lines = Vec::new();
    for row in rows {
        for (currency, totals) in &row.totals {
            lines.push(vec![
                row.connection.to_string(),
                row.period.to_string(),
                row.version.short().to_owned(),
                totals.rows.to_string(),
                currency.clone(),
                totals.unblended.to_string(),
                to_minute(row.loaded_at),
            ]);
        }
        if row.totals.is_empty() {
            let [rows, none] = ["0", "-"].map(str::to_owned);
            let (connection, period) = (row.connection.to_string(), row.period.to_string());
            let version = row.version.short().to_owned();
            lines.push(vec![connection, period, version, rows, none.clone(), none, to_minute(row.loaded_at)]);
        }
    }
    let columns = [
        ("CONNECTION", Align::Left),
        ("PERIOD", Align::Left),
        ("VERSION", Align::Left),
        ("ROWS", Align::Right),
        ("", Align::Left),
        ("UNBLENDED", Align::Right),
        ("LOADED (UTC)", Align::Left),
    ];
    table::render_table(&columns, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::conformance::Load;

    #[test]
    fn ages() {
        assert_eq!(duration::parse("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration::parse("1d12h"), Ok(Duration::from_secs(36 * 3600)));
        for bad in ["", "7", "-1d", "1mo", "soon"] {
            assert!(duration::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_ledger_fits_a_terminal() {
        let rows = [Load::of("123456789012", "0123456789abcdef", &["1234567.0123456789", "-1"]).row()];
        let text = ledger_table(&rows);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("1234566.0123456789") && text.contains("0123456789ab "), "{text}");
    }

    #[test]
    fn a_report_fits_a_termination_message() {
        let report = TaskReport::new(TaskOutcome::Failed, Reason::ProbeFailed, &"\u{1}".repeat(100_000));
        assert!(serde_json::to_string(&report).expect("JSON").len() <= 4096);
    }
}
