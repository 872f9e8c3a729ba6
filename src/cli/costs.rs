//! `awscost costs`: a first look at what is in a warehouse.

mod output;
#[cfg(test)]
mod tests;

use clap::{Args as ClapArgs, ValueEnum};

use super::warehouse::lost::complain_with_cure;
use crate::{
    cli::{
        inputs::warehouse_location::{ReachedWarehouse, WarehouseChoice},
        terminal::print::{complain, print_out},
    },
    costs::{Answer, AskedTag, CostTally, CostsFault, GroupBy, Metric, TagAnswer},
    model::{BillingPeriod, ConnectionKey, ExitCode, WarehouseAddress},
    schema::COSTS,
    warehouse::{Selection, Slot, Warehouse, WarehouseFault, survey::UnreadableRow},
};

/// What to sum.
#[derive(Debug, ClapArgs)]
pub struct CostsArgs {
    #[command(flatten)]
    warehouse: WarehouseChoice,
    /// A billing period such as 2026-10; can be repeated. By default all that are loaded.
    #[arg(long = "period", value_name = "YYYY-MM")]
    periods: Vec<BillingPeriod>,
    /// Only this connection. Required for a total if several connections have the same account's months.
    #[arg(long, value_name = "KEY")]
    connection: Option<ConnectionKey>,
    /// What to group by: service, account, day (UTC), line-item-type or tag:KEY. If no bill has the key, the
    /// command suggests the nearest keys and ends with exit code 11.
    #[arg(long, value_name = "WHAT", default_value = "service")]
    group_by: GroupBy,
    /// Which cost: unblended as on the invoice, net of discounts, or amortized over the covered usage.
    #[arg(long, value_enum, default_value = "unblended")]
    metric: MetricChoice,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "table")]
    output: CostsFormat,
}

/// [`Metric`] as an option's value.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum MetricChoice {
    Unblended,
    Net,
    Amortized,
}

impl From<MetricChoice> for Metric {
    fn from(choice: MetricChoice) -> Self {
        match choice {
            MetricChoice::Unblended => Self::Unblended,
            MetricChoice::Net => Self::Net,
            MetricChoice::Amortized => Self::Amortized,
        }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CostsFormat {
    /// For people, in 80 columns.
    Table,
    /// One JSON object; amounts are text, so that no reader makes floats of them.
    Json,
    /// The groups as comma-separated values; what else there is to say goes to stderr.
    Csv,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum CostsFailure {
    #[error(transparent)]
    Warehouse(#[from] WarehouseFault),
    #[error(transparent)]
    Costs(#[from] CostsFault),
    /// A misspelt place must not read as a bill of nothing.
    #[error(
        "there is no table at {0}: set --warehouse to spec.delta.location of the CostWarehouse, or load a bill first"
    )]
    NoTable(WarehouseAddress),
    /// A misspelt connection or a missing month must not pass for a bill of nothing either.
    #[error(
        "none of the requested bills is loaded in {0}: correct --connection or --period (awscost warehouse ledger lists what is loaded)"
    )]
    NotLoaded(WarehouseAddress),
    /// A misspelt tag must not pass for money that nobody tagged.
    #[error("none of these rows has the tag {asked:?}: {}", what_instead(nearest))]
    UnknownTag { asked: String, nearest: Vec<String> },
}

fn what_instead(nearest: &[String]) -> String {
    match nearest {
        [] => "these bills have no tags; activate the tag as a cost allocation tag in AWS".to_owned(),
        [first, ..] => {
            format!(
                "the nearest are {}. Use one of them, for example --group-by tag:{first}",
                nearest.join(", ")
            )
        }
    }
}

/// Runs the command.
pub async fn run(args: CostsArgs) -> ExitCode {
    let reached = match args.warehouse.reach().await {
        Ok(reached) => reached,
        Err(fault) => {
            complain(&fault.to_string());
            return fault.exit_code();
        }
    };
    match answer_question(&args, &reached).await {
        Ok((answer, unreadable)) => {
            match args.output {
                CostsFormat::Json => print_out(&output::render_json(&answer)),
                CostsFormat::Csv => {
                    print_out(&output::render_csv(&answer));
                    complain_each(&output::list_warnings(&answer));
                }
                CostsFormat::Table if answer.loads.is_empty() && !unreadable.is_empty() => {}
                CostsFormat::Table if answer.loads.is_empty() => {
                    complain(&format!("nothing is loaded in {}", reached.address));
                }
                CostsFormat::Table => print_out(&output::render_table(&answer)),
            }
            left_out(unreadable)
        }
        Err(CostsFailure::Warehouse(fault)) => {
            complain_with_cure(Some(&reached.address), &fault);
            fault.exit_code()
        }
        Err(fault @ CostsFailure::Costs(_)) => {
            complain(&fault.to_string());
            ExitCode::Data
        }
        Err(
            fault @ (CostsFailure::NoTable(_) | CostsFailure::NotLoaded(_) | CostsFailure::UnknownTag { .. }),
        ) => {
            complain(&fault.to_string());
            ExitCode::Configuration
        }
    }
}

/// Names the connections that are not in the answer; how a process ends that left some out.
fn left_out(unreadable: Vec<UnreadableRow>) -> ExitCode {
    let mut exit = ExitCode::Done;
    for row in unreadable {
        complain(&format!("connection {} is left out: {row}", row.connection()));
        exit = WarehouseFault::LedgerUnreadable(Box::new(row)).exit_code();
    }
    exit
}

/// The answer, and the ledger rows that can't be read, whose connections are not in it.
async fn answer_question(
    args: &CostsArgs,
    reached: &ReachedWarehouse,
) -> Result<(Answer, Vec<UnreadableRow>), CostsFailure> {
    let warehouse = reached.open(&COSTS)?;
    let mut tally = CostTally::new(args.metric.into(), args.group_by.clone());
    let columns = tally.columns();
    let selection = Selection { connection: args.connection.clone(), periods: args.periods.clone() };
    let mut failed = None;
    let mut visit = |slot: &Slot, batch: &_| {
        // The first failure ends the read; the warehouse can only be told of one of its own.
        tally.add(slot, batch).map_err(|fault| {
            let told = WarehouseFault::Corrupt(fault.to_string());
            failed = Some(fault);
            told
        })
    };
    let read = warehouse.read(&selection, &columns, &mut visit).await;
    if let Some(fault) = failed {
        return Err(fault.into());
    }
    let reading = read?;
    if reading.table_version.is_none() {
        return Err(CostsFailure::NoTable(reached.address.clone()));
    }
    let asks_for_some = args.connection.is_some() || !args.periods.is_empty();
    if asks_for_some && reading.ledger.is_empty() && reading.unreadable.is_empty() {
        return Err(CostsFailure::NotLoaded(reached.address.clone()));
    }
    if matches!(args.group_by, GroupBy::Tag(_)) {
        for (slot, keys) in warehouse.keys_of(&reading.ledger).await? {
            tally.learn(&slot, keys);
        }
    }
    let mut answer = tally.answer(&reading)?;
    let is_loaded = |period: &BillingPeriod| reading.ledger.iter().any(|row| row.period == *period);
    answer.not_loaded = args.periods.iter().filter(|period| !is_loaded(period)).copied().collect();
    if !answer.loads.is_empty()
        && let (GroupBy::Tag(asked), Some(tag)) = (&answer.group_by, answer.tag.as_mut())
        && !tag.found
    {
        look_elsewhere(warehouse.as_ref(), asked, tag).await?;
    }
    Ok((answer, reading.unreadable))
}

/// Looks for a tag that no row has in what was not read: a month in which nothing carries it is one thing, a misspelt
/// key another.
async fn look_elsewhere(
    warehouse: &dyn Warehouse,
    asked: &AskedTag,
    tag: &mut TagAnswer,
) -> Result<(), CostsFailure> {
    let everywhere = warehouse.keys_of(&warehouse.entries(&Selection::default()).await?.rows).await?;
    let having = everywhere.iter().filter(|(_, keys)| asked.is_among(keys));
    tag.elsewhere = having.map(|(slot, _)| slot.clone()).collect();
    if !tag.elsewhere.is_empty() {
        return Ok(());
    }
    let keys = everywhere.iter().flat_map(|(_, keys)| keys).map(|key| key.original.as_str());
    let nearest = asked.nearest(keys.chain(tag.nearest.iter().map(String::as_str)));
    Err(CostsFailure::UnknownTag { asked: asked.text().to_owned(), nearest })
}

fn complain_each(lines: &[String]) {
    lines.iter().for_each(|line| complain(line));
}
