//! `awscost errors`: one view of everything that is broken, by reason.

pub(super) mod group;
mod text;

use jiff::Timestamp;

use super::cluster::{ClusterFault, ScopeArgs};
use crate::{
    cli::{
        cluster::{fleet::Fleet, selection::parse_labels},
        findings::remedy::remedy_text,
        terminal::{
            format::{StructuredFormat, structured},
            print::{complain, print_out},
        },
    },
    model::ExitCode,
};
use group::Overview;

/// What to show.
#[derive(Debug, clap::Args)]
pub struct ErrorsArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Only objects with these labels.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = parse_labels)]
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
pub async fn run(args: ErrorsArgs) -> ExitCode {
    match render_errors(&args, Timestamp::now()).await {
        Ok(text) => {
            print_out(&text);
            ExitCode::Done
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit_code()
        }
    }
}

async fn render_errors(args: &ErrorsArgs, now: Timestamp) -> Result<String, ClusterFault> {
    let scope = args.scope.connect().await?;
    let fleet = Fleet::read(&scope, args.selector.as_deref(), now).await?;
    let overview = Overview::of(&fleet, remedy_text, args.fix_order);
    Ok(structured(&overview, args.output)
        .unwrap_or_else(|| text::render_text(&overview, args.advice, scope.namespace.as_deref(), now)))
}
