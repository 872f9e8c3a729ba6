//! `awscost errors`: one view of everything that is broken, by reason.

pub(super) mod group;
mod text;

use jiff::Timestamp;

use super::cluster::{ClusterFault, ScopeArgs};
use crate::{
    cli::{
        cluster::{fleet::Fleet, selection::labels},
        findings::remedy::remedy,
        terminal::{
            format::{StructuredFormat, structured},
            print::{complain, print},
        },
    },
    model::ExitCode,
};
use group::Overview;

/// What to show.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Only objects with these labels.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = labels)]
    selector: Option<String>,
    /// Sort by what unblocks most, and explain the order.
    #[arg(long)]
    fix_order: bool,
    /// Also list what works but could be better, such as a role with too many permissions.
    #[arg(long)]
    advice: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: StructuredFormat,
}

/// Runs the command.
pub async fn run(args: Args) -> ExitCode {
    match shown(&args, Timestamp::now()).await {
        Ok(text) => {
            print(&text);
            ExitCode::Done
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit()
        }
    }
}

async fn shown(args: &Args, now: Timestamp) -> Result<String, ClusterFault> {
    let scope = args.scope.connect().await?;
    let fleet = Fleet::read(&scope, args.selector.as_deref(), now).await?;
    let overview = Overview::of(&fleet, remedy, args.fix_order);
    Ok(structured(&overview, args.output)
        .unwrap_or_else(|| text::text(&overview, args.advice, scope.namespace.as_deref(), now)))
}
