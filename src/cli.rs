//! The command line: one file a command, and folders with what several of them use.

// Commands.
pub mod bulk;
pub mod check;
pub mod completion;
pub mod costs;
pub mod crds;
pub mod discover;
pub mod errors;
pub mod identity;
pub mod ingest;
pub mod onboard;
pub mod operator;
pub mod preflight;
pub mod reasons;
pub mod status;
pub mod support_bundle;
pub mod warehouse;

// What they share.
mod cluster;
mod findings;
mod inputs;
mod logging;
mod manual;
mod terminal;

use std::{os::unix::process::CommandExt, path::Path, process::Command as Process};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{model::ExitCode, network::proxy};
use manual::{help, page};
use terminal::print::print_out;

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
    #[command(
        after_help = "Example:\n  awscost ingest --source s3://acme-billing/cur --report acme-cur \\\n    --warehouse delta:./lake"
    )]
    Ingest(Box<ingest::IngestArgs>),
    /// Probe, inspect, clean up or purge a warehouse.
    #[command(subcommand)]
    Warehouse(warehouse::Task),
    /// Print what is in a warehouse: by service, account, day, tag or line type.
    #[command(
        after_help = "Example:\n  awscost costs --warehouse delta:./lake --period 2026-10 --group-by tag:team"
    )]
    Costs(costs::CostsArgs),
    /// Print what to create in AWS for an account, for the operator, or for a warehouse.
    #[command(subcommand)]
    Onboard(Box<onboard::OnboardDocument>),
    /// List an organization's accounts and write a manifest for each.
    #[command(
        after_help = "Example:\n  awscost discover --namespace finops --report-name acme-cur \\\n    --bucket acme-billing --bucket-region us-east-1 --dir accounts"
    )]
    Discover(Box<discover::DiscoverArgs>),
    /// Check manifests as the operator would, without a cluster.
    #[command(
        after_help = "Example:\n  awscost check -f account.yaml \\\n    --secret finops/acme-external-id/externalId=./external-id"
    )]
    Check(Box<check::CheckArgs>),
    /// List every broken account and warehouse, by reason.
    #[command(after_help = "Example:\n  kubectl awscost errors -A --fix-order")]
    Errors(errors::ErrorsArgs),
    /// Show one account or warehouse on one screen.
    #[command(after_help = "Example:\n  kubectl awscost status acme-payer -n finops")]
    Status(status::StatusArgs),
    /// Print the operator's AWS identity as OPERATOR=ARN: the ARN that trust policies have to name.
    #[command(after_help = "Example:\n  kubectl awscost identity -n awscost-system")]
    Identity(identity::IdentityArgs),
    /// Pause the checks and loads of accounts.
    #[command(after_help = "Example:\n  kubectl awscost suspend -n finops -l team=data")]
    Suspend(bulk::BulkArgs),
    /// Resume the checks and loads of accounts.
    #[command(after_help = "Example:\n  kubectl awscost resume acme-payer -n finops")]
    Resume(bulk::BulkArgs),
    /// Let the operator check accounts or warehouses now.
    #[command(after_help = "Example:\n  kubectl awscost reconcile -A --reason AssumeRoleDenied --wait")]
    Reconcile(bulk::ReconcileArgs),
    /// Delete accounts. This changes nothing in AWS.
    #[command(after_help = "Example:\n  kubectl awscost delete acme-payer -n finops")]
    Delete(bulk::DeleteArgs),
    /// Check the installation around the operator.
    #[command(after_help = preflight::EXAMPLES)]
    Preflight(Box<preflight::PreflightArgs>),
    /// Write an archive for support: settings, status, events and logs, but no Secret.
    #[command(after_help = support_bundle::EXAMPLES)]
    SupportBundle(Box<support_bundle::SupportBundleArgs>),
    /// Run the operator: watch AwsCostAccounts and CostWarehouses, and load delivered bills.
    #[command(
        after_help = "Example:\n  awscost operator --config settings.yaml --pod-name laptop \\\n    --pod-namespace awscost-system"
    )]
    Operator(operator::OperatorArgs),
    /// Print the CustomResourceDefinitions.
    #[command(after_help = "Example:\n  awscost crds | kubectl apply --server-side -f -")]
    Crds(crds::CrdsArgs),
    /// Explain what a condition's reason means and what to do about it.
    #[command(after_help = "Example:\n  awscost reasons AssumeRoleDenied")]
    Reasons(reasons::ReasonsArgs),
    /// Print the completion script for a shell or for kubectl.
    #[command(after_help = completion::EXAMPLES)]
    Completion(completion::CompletionArgs),
    /// Write man pages.
    #[command(after_help = completion::MAN_EXAMPLES)]
    Man(completion::ManArgs),
    /// Print docs/cli.md.
    #[command(hide = true)]
    Page,
}

/// The name under which kubectl finds the binary as its plugin: `kubectl awscost …`.
const PLUGIN: &str = "kubectl-awscost";

/// True if the binary was called by the plugin's name.
fn is_plugin() -> bool {
    let called = std::env::args_os().next().unwrap_or_default();
    Path::new(&called).file_stem().is_some_and(|name| name == PLUGIN)
}

/// The command line. Every command is there under both names; only its help says it as it was called.
fn parsed() -> Cli {
    let mut command = help::with_help(Cli::command());
    if is_plugin() {
        command = command.bin_name("kubectl awscost");
    }
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// Sees that NO_PROXY is complete before any client reads it. Nothing can safely change a process's environment, so it
/// starts again with the right one; once it is right, nothing happens.
fn complete_no_proxy() {
    let Some(complete) = proxy::complete_no_proxy(|name| std::env::var(name).ok()) else { return };
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let started = std::env::current_exe().map(|program| {
        let both = ["NO_PROXY", "no_proxy"].map(|name| (name, complete.as_str()));
        Process::new(program).arg0(called).args(arguments).envs(both).exec()
    });
    let error = started.unwrap_or_else(|error| error);
    tracing::warn!(%error, "NO_PROXY could not be completed: give it {complete}");
}

/// Parses the command line and runs the command; what `main` returns.
pub fn run() -> std::process::ExitCode {
    let cli = parsed();
    logging::start_logging();
    complete_no_proxy();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the runtime could not start");
            return std::process::ExitCode::from(ExitCode::Transient as u8);
        }
    };
    let exit = runtime.block_on(async {
        match cli.command {
            Command::Ingest(args) => ingest::run(*args).await as u8,
            Command::Warehouse(task) => warehouse::run(task).await as u8,
            Command::Costs(args) => costs::run(args).await as u8,
            Command::Onboard(document) => onboard::run(&document) as u8,
            Command::Discover(args) => discover::run(*args).await as u8,
            Command::Check(args) => check::run(*args).await,
            Command::Errors(args) => errors::run(args).await as u8,
            Command::Status(args) => status::run(args).await as u8,
            Command::Identity(args) => identity::run(args).await as u8,
            Command::Suspend(args) => bulk::suspend(args).await,
            Command::Resume(args) => bulk::resume(args).await,
            Command::Reconcile(args) => bulk::reconcile(args).await,
            Command::Delete(args) => bulk::delete(args).await,
            Command::Operator(args) => operator::run(args).await as u8,
            Command::Crds(args) => crds::run(&args) as u8,
            Command::Reasons(args) => reasons::run(&args) as u8,
            Command::Preflight(args) => preflight::run(*args).await,
            Command::SupportBundle(args) => support_bundle::run(*args).await as u8,
            Command::Completion(args) => completion::run(&args, &Cli::command(), is_plugin()) as u8,
            Command::Man(args) => completion::write_pages(&args, &help::with_help(Cli::command())) as u8,
            Command::Page => {
                print_out(&page::render_markdown(&Cli::command()));
                ExitCode::Done as u8
            }
        }
    });
    // Blocking reads of a stopped load may still wait for the network: nobody waits for them.
    runtime.shutdown_background();
    std::process::ExitCode::from(exit)
}

/// What the command line makes of arguments: each option's value as it is taken, or why they are refused.
#[cfg(test)]
pub(crate) fn options(arguments: &[String]) -> Result<std::collections::BTreeMap<String, String>, String> {
    let words = std::iter::once("awscost").chain(arguments.iter().map(String::as_str));
    let mut whole = Cli::command();
    let matches = whole.try_get_matches_from_mut(words).map_err(|error| error.to_string())?;
    // The types behind the options have rules of their own.
    Cli::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    let (mut command, mut given) = (&whole, &matches);
    while let Some((name, below)) = given.subcommand() {
        command = command.find_subcommand(name).ok_or("a command that is none")?;
        given = below;
    }
    let told = command.get_arguments().filter_map(|option| {
        let id = option.get_id().as_str();
        let source = given.value_source(id)?;
        let raw = given.try_get_raw(id).ok().flatten()?;
        let value = raw.map(std::ffi::OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
        (source == clap::parser::ValueSource::CommandLine)
            .then(|| Some((option.get_long()?.to_owned(), value)))?
    });
    Ok(told.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_and_option() {
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).expect("a page");
        assert!(page == page::render_markdown(&Cli::command()), "docs/cli.md has drifted: make generate");
    }

    #[test]
    fn the_options_of_every_command_fit_together() {
        Cli::command().debug_assert();
    }
}
