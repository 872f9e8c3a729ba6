//! The command line: one file a command.

pub mod costs;
pub mod crds;
pub mod discover;
pub mod ingest;
mod logging;
pub mod manifests;
pub mod onboard;
pub mod operator;
mod progress;
pub mod reasons;
mod table;
pub mod warehouse;
pub mod warehouse_location;

use clap::{Parser, Subcommand};

use crate::model::ExitCode;

/// Connects AWS accounts for cost analysis and loads their bills, exact to the last decimal.
#[derive(Debug, Parser)]
#[command(name = "awscost", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load billing periods from a bucket or a folder into a warehouse.
    Ingest(Box<ingest::Args>),
    /// Prove, read, tidy or empty a warehouse.
    #[command(subcommand)]
    Warehouse(warehouse::Task),
    /// Print what is in a warehouse: by service, account, day, tag or line type.
    Costs(costs::Args),
    /// Print what an account's owner creates in AWS: policies, templates, a link.
    #[command(subcommand)]
    Onboard(Box<onboard::Document>),
    /// List an organization's accounts and write a manifest for each.
    Discover(Box<discover::Args>),
    /// Watch AwsCostAccounts and CostWarehouses, and load what is delivered.
    Operator(operator::Args),
    /// Print the CustomResourceDefinitions.
    Crds(crds::Args),
    /// Print what a condition's reason means and what to do about it.
    Reasons(reasons::Args),
}

/// Parses the command line and runs the command; what `main` returns.
pub fn run() -> std::process::ExitCode {
    let cli = Cli::parse();
    logging::start();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime could not start");
            return std::process::ExitCode::from(ExitCode::Transient as u8);
        }
    };
    let exit = runtime.block_on(async {
        match cli.command {
            Command::Ingest(args) => ingest::run(*args).await,
            Command::Warehouse(task) => warehouse::run(task).await,
            Command::Costs(args) => costs::run(args).await,
            Command::Onboard(document) => onboard::run(&document),
            Command::Discover(args) => discover::run(*args).await,
            Command::Operator(args) => operator::run(args).await,
            Command::Crds(args) => crds::run(&args),
            Command::Reasons(args) => reasons::run(&args),
        }
    });
    // Blocking reads of a stopped load may still wait for the network: nobody waits for them.
    runtime.shutdown_background();
    std::process::ExitCode::from(exit as u8)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_of_every_command_fit_together() {
        Cli::command().debug_assert();
    }
}
