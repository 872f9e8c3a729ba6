//! The archive: a new file that only its owner can read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

use super::{BundleFault, contents::Bundle};
use crate::cli::inputs::unreadable::io_problem;

/// For its owner alone, as the files in it.
const MODE: u32 = 0o600;
/// The folder that everything unpacks into.
const FOLDER: &str = "awscost-support";
/// The file that lists the others.
const INDEX: &str = "index.txt";

/// Writes index and files. What could not be written whole is taken away again.
pub(super) fn write(path: &Path, index: &str, bundle: &Bundle, now: Timestamp) -> Result<(), BundleFault> {
    let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path);
    let file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BundleFault::Exists(path.to_owned()),
        _ => unwritable(path, &error),
    })?;
    pack_archive(file, index, bundle, now).map_err(|error| {
        // The first fault is the one to tell.
        fs::remove_file(path).ok();
        unwritable(path, &error)
    })
}

fn unwritable(path: &Path, error: &io::Error) -> BundleFault {
    BundleFault::Unwritable { path: path.to_owned(), problem: io_problem(error) }
}

fn pack_archive(file: fs::File, index: &str, bundle: &Bundle, now: Timestamp) -> io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    let mut add = |name: &str, text: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len()).map_err(io::Error::other)?);
        header.set_mode(MODE);
        header.set_mtime(u64::try_from(now.as_second()).map_err(io::Error::other)?);
        archive.append_data(&mut header, format!("{FOLDER}/{name}"), text.as_bytes())
    };
    add(INDEX, index)?;
    for file in &bundle.files {
        add(&file.name, &file.content.index_text())?;
    }
    let mut file = archive.into_inner()?.finish()?;
    file.flush()?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;
    use crate::cli::support_bundle::contents::Content;

    fn bundle() -> Bundle {
        let mut bundle = Bundle::default();
        bundle.add("accounts.json", "accounts", Ok(Content::Json(json!([{"name": "acme"}]))));
        bundle
    }

    #[test]
    fn it_holds_the_index_and_the_files_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bundle.tar.gz");
        write(&path, "the index\n", &bundle(), Timestamp::UNIX_EPOCH).expect("written");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        let file = fs::File::open(&path).expect("it is there");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let entries = archive.entries().expect("entries").map(|entry| {
            let mut entry = entry.expect("an entry");
            let text = io::read_to_string(&mut entry).expect("text");
            (
                entry.path().expect("a path").display().to_string(),
                entry.header().mode().expect("a mode"),
                text,
            )
        });
        let entries: Vec<_> = entries.collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0], ("awscost-support/index.txt".to_owned(), 0o600, "the index\n".to_owned()));
        assert_eq!(entries[1].0, "awscost-support/accounts.json");
        assert!(entries[1].2.contains("acme"));
    }

    #[test]
    fn a_file_that_is_there_stays_as_it_is() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "mine").expect("written");
        let refused = write(file.path(), "", &bundle(), Timestamp::UNIX_EPOCH);
        assert!(matches!(refused, Err(BundleFault::Exists(_))), "{refused:?}");
        assert_eq!(fs::read_to_string(file.path()).expect("it is there"), "mine");
    }
}
