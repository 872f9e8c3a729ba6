//! `awscost check`: the operator's verdict on manifests, without an operator and without a cluster.

mod caller;
mod inquiry;
mod json;
mod junit;
mod place;
mod report;
mod sarif;
mod secrets;
mod text;

use std::path::PathBuf;

use clap::ValueEnum;

use super::cluster::{ClusterArgs, ClusterFault};
use crate::{
    cli::terminal::print::{complain, print_out},
    controller::settings::InvalidSettings,
    network::trust::InvalidBundle,
};
use report::{CheckReport, CheckVerdict, NOTHING};
use secrets::{SecretFault, SecretFile, SecretVariable, secret_file, secret_variable};

/// What to check, and with what.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Files, folders (every .yaml, .yml and .json below them), or - for standard input.
    #[arg(short, long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// The namespace for documents without one.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// A Secret from a folder with one file per key, or from a manifest; or one key from a file with
    /// NAMESPACE/NAME/KEY=FILE. Can be repeated.
    #[arg(long = "secret", value_name = "NAMESPACE/NAME=PATH", value_parser = secret_file)]
    secrets: Vec<SecretFile>,
    /// One key of a Secret from an environment variable. Can be repeated.
    #[arg(long = "secret-env", value_name = "NAMESPACE/NAME/KEY=VARIABLE", value_parser = secret_variable)]
    secret_variables: Vec<SecretVariable>,
    /// Read missing Secrets (only labelled ones) and CostWarehouses from the cluster.
    #[arg(long)]
    from_cluster: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Don't call AWS: check only the schema, its rules, and whether the documents fit together.
    #[arg(long)]
    skip_aws: bool,
    /// The operator's settings file, for its tenancy rules. Without it, any namespace may name any role
    /// outside your own account.
    #[arg(long, value_name = "FILE")]
    operator_config: Option<PathBuf>,
    /// Treat warnings as findings.
    #[arg(long)]
    strict: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: CheckFormat,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// For people, in 80 columns.
    Text,
    /// One JSON object.
    Json,
    /// JUnit XML: a suite an object, a test case a condition.
    Junit,
    /// SARIF 2.1.0, with file and line.
    Sarif,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum CheckFault {
    #[error("failed to read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error(transparent)]
    Secret(#[from] SecretFault),
    #[error(transparent)]
    Cluster(#[from] ClusterFault),
    #[error(transparent)]
    Trust(#[from] InvalidBundle),
}

/// Runs the command: 0 good, 1 findings, 2 could not check.
pub async fn run(args: CheckArgs) -> u8 {
    match inquiry::inquire_all(&args).await {
        Ok(report) => {
            print_out(&render_report(&report, &args));
            if report.is_empty() {
                complain(NOTHING);
            }
            report.verdict(args.strict) as u8
        }
        Err(fault) => {
            complain(&fault.to_string());
            CheckVerdict::Unchecked as u8
        }
    }
}

fn render_report(report: &CheckReport, args: &CheckArgs) -> String {
    match args.output {
        CheckFormat::Text => text::render_text(report, args.strict),
        CheckFormat::Json => json::render_json(report, args.strict),
        CheckFormat::Junit => junit::render_junit(report, args.strict),
        CheckFormat::Sarif => sarif::render_sarif(report),
    }
}

#[cfg(test)]
mod tests;
