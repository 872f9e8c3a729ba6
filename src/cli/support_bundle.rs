//! `awscost support-bundle`: an archive for whoever helps, made of lists of what may be in it.
//!
//! Whatever is on no list stays out: a field that is added to an object later is not in a bundle before somebody has thought
//! about it. No Secret is read, and none of the calls asks for one.

mod allowed;
mod archive;
mod contents;
mod gather;
mod logs;
mod mask;

use std::path::PathBuf;

use jiff::Timestamp;

use super::cluster::{ClusterFault, ScopeArgs};
use crate::{
    cli::terminal::print::{complain, print_out},
    model::ExitCode,
};
use contents::Bundle;
use mask::Masker;

/// What a person types, and what comes of it.
pub const EXAMPLES: &str = "\
Examples:
  awscost support-bundle -n finops
  awscost support-bundle -A --mask -o bundle.tar.gz

It reads no Secret, and holds only fields that are on its lists; docs/day-2.md
has them and the rights it takes. Look through it before you hand it on: names
of objects and namespaces are in it, and without --mask account ids, ARNs and
bucket names.";

/// What to collect.
#[derive(Debug, clap::Args)]
pub struct SupportBundleArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// The operator's namespace; by default that of its Deployment.
    #[arg(long, value_name = "NAME")]
    operator_namespace: Option<String>,
    /// Replace account ids, ARNs and bucket names, always with the same placeholder for the same value.
    #[arg(long)]
    mask: bool,
    /// How many of the newest log lines to take from each operator pod.
    #[arg(long, value_name = "LINES", default_value_t = 2000)]
    tail: u32,
    /// The archive, which must not exist yet. By default awscost-support-TIME.tar.gz in the current folder.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
enum BundleFault {
    #[error(transparent)]
    Cluster(#[from] ClusterFault),
    #[error("{0} exists already: choose another file with --output")]
    Exists(PathBuf),
    #[error("failed to write {path}: {problem}")]
    Unwritable { path: PathBuf, problem: String },
}

impl BundleFault {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Cluster(fault) => fault.exit_code(),
            Self::Exists(_) | Self::Unwritable { .. } => ExitCode::Configuration,
        }
    }
}

/// Runs the command.
pub async fn run(args: SupportBundleArgs) -> ExitCode {
    match write_bundle(&args, Timestamp::now()).await {
        Ok(told) => {
            print_out(&told);
            ExitCode::Done
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit_code()
        }
    }
}

async fn write_bundle(args: &SupportBundleArgs, now: Timestamp) -> Result<String, BundleFault> {
    let name = format!("awscost-support-{}.tar.gz", now.strftime("%Y%m%dT%H%M%SZ"));
    let path = args.output.clone().unwrap_or_else(|| name.into());
    // Before anything is asked: a long wait must not end with this.
    if path.exists() {
        return Err(BundleFault::Exists(path));
    }
    let scope = args.scope.connect().await?;
    let wanted =
        gather::BundleRequest { operator_namespace: args.operator_namespace.as_deref(), tail: args.tail };
    let mut bundle = gather::gather_bundle(&scope, wanted, now).await?;
    if args.mask {
        Masker::default().mask_bundle(&mut bundle);
    }
    let index = index(&bundle, scope.namespace.as_deref(), args.mask, now);
    archive::write(&path, &index, &bundle, now)?;
    Ok(format!("Wrote {}, which only you can read.\n\n{index}", path.display()))
}

/// What is in it and what is not, for the archive and for the terminal.
fn index(bundle: &Bundle, namespace: Option<&str>, masked: bool, now: Timestamp) -> String {
    let of = namespace.map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name}"));
    let names = if masked { "replaced by stand-ins" } else { "as they are" };
    let mut text = format!(
        "Support bundle of awscost {}, {of}, {now:.0}.\n\
         No Secret was read. Account ids, ARNs and bucket names are {names}.\n\n",
        env!("CARGO_PKG_VERSION")
    );
    let width = bundle.files.iter().map(|file| file.name.len()).max().unwrap_or(0);
    for file in &bundle.files {
        text.push_str(&format!("{:width$}  {}\n", file.name, file.what));
    }
    if !bundle.missing.is_empty() {
        text.push_str("\nNot in it:\n");
        bundle.missing.iter().for_each(|missing| text.push_str(&format!("  {missing}\n")));
    }
    text
}
