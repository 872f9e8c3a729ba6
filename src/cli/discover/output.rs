//! Manifests as files, of which none is lost: one that is there and differs stays unless the person says otherwise.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use super::manifest::AccountManifest;
use crate::cli::terminal::print::complain;

/// A file or its folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{path} could not be written: {problem}")]
pub(super) struct NotWritten {
    path: String,
    problem: String,
}

/// Writes one file a manifest.
///
/// # Errors
/// [`NotWritten`] for the first that can't be written; those before it are.
pub(super) fn write(dir: &Path, manifests: &[AccountManifest], overwrite: bool) -> Result<(), NotWritten> {
    let refuse = |path: &Path, error: &io::Error| NotWritten {
        path: path.display().to_string(),
        problem: error.kind().to_string(),
    };
    fs::create_dir_all(dir).map_err(|error| refuse(dir, &error))?;
    for manifest in manifests {
        let path = dir.join(&manifest.file);
        // New only: a file that appears meanwhile is not lost either.
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = match created {
            Ok(mut file) => file.write_all(manifest.yaml.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                replace_file(&path, &manifest.yaml, overwrite)
            }
            Err(error) => Err(error),
        };
        written.map_err(|error| refuse(&path, &error))?;
    }
    Ok(())
}

fn replace_file(path: &Path, yaml: &str, overwrite: bool) -> io::Result<()> {
    if fs::read(path)? == yaml.as_bytes() {
        return Ok(());
    }
    if overwrite {
        return fs::write(path, yaml);
    }
    complain(&format!("kept {}, which differs; use --overwrite to replace it", path.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_stays_unless_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("accounts");
        let manifest = |yaml: &str| [AccountManifest { file: "a.yaml".to_owned(), yaml: yaml.to_owned() }];
        let held = || fs::read_to_string(dir.join("a.yaml")).expect("written");
        write(&dir, &manifest("one"), false).expect("written");
        write(&dir, &manifest("two"), false).expect("nothing to write");
        assert_eq!(held(), "one");
        write(&dir, &manifest("two"), true).expect("written");
        assert_eq!(held(), "two");
    }
}
