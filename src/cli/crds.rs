//! `awscost crds`: the CustomResourceDefinitions, printed or written one file each.

use std::{fs, io::Write, path::PathBuf};

use crate::{api::crd, model::ExitCode};

/// Where the definitions go.
#[derive(Debug, clap::Args)]
pub struct CrdsArgs {
    /// Write one file per definition into this folder instead of printing them.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &CrdsArgs) -> ExitCode {
    let files = match crd::crd_files() {
        Ok(files) => files,
        Err(error) => {
            tracing::error!(%error, "the definitions could not be written");
            return ExitCode::Configuration;
        }
    };
    let written = match &args.dir {
        Some(dir) => fs::create_dir_all(dir)
            .and_then(|()| files.iter().try_for_each(|file| fs::write(dir.join(&file.name), &file.yaml))),
        None => {
            let mut out = std::io::stdout().lock();
            files.iter().try_for_each(|file| write!(out, "---\n{}", file.yaml))
        }
    };
    match written {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            tracing::error!(%error, "the definitions could not be written");
            ExitCode::Configuration
        }
    }
}
