//! `awscost preflight`: whether the installation around the operator is whole, seen by the operator itself or from outside.

mod definition;
mod facts;
mod gather;
mod judge;
mod output;
mod rights;

use std::path::PathBuf;

use super::cluster::{ClusterArgs, ClusterFault};
use crate::{
    cli::{
        inputs::unreadable::io_problem,
        terminal::{
            format::TextOrJson,
            print::{complain, print_out},
        },
    },
    controller::settings::InvalidSettings,
};
use judge::{Check, PreflightReport};

/// What a person types, and what comes of it.
pub const EXAMPLES: &str = "\
Examples:
  awscost preflight
  awscost preflight -n awscost-system -o json
  helm test awscost -n awscost-system

With --config, in a pod of the operator's ServiceAccount, it judges what only
the operator can see: its rights, its AWS identity, its way out and its clock.
`helm test` runs it so. From anywhere else these are left to it.";

/// Where to look.
#[derive(Debug, clap::Args)]
pub struct PreflightArgs {
    /// The operator's settings file, for a pod that runs as the operator. Elsewhere the settings are read
    /// from the cluster.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The operator's namespace; by default that of its Deployment, and in a pod the pod's own.
    #[arg(short, long, env = "POD_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Skip a check. Can be repeated.
    #[arg(long, value_enum, value_name = "CHECK")]
    skip: Vec<Check>,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: TextOrJson,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(super) enum PreflightFault {
    #[error("failed to read {path}: {problem}")]
    Unreadable { path: PathBuf, problem: String },
    #[error(transparent)]
    Cluster(#[from] ClusterFault),
}

/// Runs the command: 0 all passed, 1 one failed, 2 not everything could be judged.
pub async fn run(args: PreflightArgs) -> u8 {
    match make_report(&args).await {
        Ok(report) => {
            print_out(&output::render_report(&report, args.output));
            report.verdict().exit()
        }
        Err(fault) => {
            complain(&fault.to_string());
            judge::CheckResult::Unknown.exit()
        }
    }
}

async fn make_report(args: &PreflightArgs) -> Result<PreflightReport, PreflightFault> {
    let settings = args.config.as_ref().map(|path| {
        let unreadable = |error: std::io::Error| PreflightFault::Unreadable {
            path: path.clone(),
            problem: io_problem(&error),
        };
        std::fs::read_to_string(path).map_err(unreadable)
    });
    let (client, default) = args.cluster.connect_with_namespace().await?;
    let sought =
        gather::Sought { namespace: args.namespace.clone(), default, settings: settings.transpose()? };
    let facts = gather::gather_facts(&client, sought).await?;
    Ok(PreflightReport::of(&facts, &args.skip))
}

/// The report as an administrator's support bundle has it.
pub(super) async fn from_outside(
    client: &kube::Client,
    namespace: &str,
) -> Result<serde_json::Value, PreflightFault> {
    let sought =
        gather::Sought { namespace: Some(namespace.to_owned()), default: String::new(), settings: None };
    let mut facts = gather::gather_facts(client, sought).await?;
    // The parser may quote the file, of which a bundle has only what is on its list.
    if let Ok(Err(shape @ InvalidSettings::Shape(_))) = &mut facts.settings {
        *shape = InvalidSettings::Shape("it is not of the expected form".to_owned());
    }
    Ok(output::to_json(&PreflightReport::of(&facts, &[])))
}
