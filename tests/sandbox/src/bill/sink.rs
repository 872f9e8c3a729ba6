//! Where the objects of a delivery go.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;

use bytes::Bytes;

/// Takes the objects of one delivery, in the order in which AWS puts them: data files first, manifests last.
pub trait ObjectSink {
    /// Stores one object under its key, replacing what was there.
    fn put(&mut self, key: &str, body: Bytes) -> Result<()>;
}

/// Writes each object to `<root>/<key>`: a folder laid out as the bucket is.
///
/// A file system knows no empty path parts, so the keys `a//b` and `/a/b` become the files `a/b`.
#[derive(Debug, Clone)]
pub struct FolderSink {
    root: PathBuf,
}

impl FolderSink {
    /// A sink below `root`; the folder is made when the first object arrives.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl ObjectSink for FolderSink {
    fn put(&mut self, key: &str, body: Bytes) -> Result<()> {
        let mut path = self.root.clone();
        for part in key.split('/').filter(|part| !part.is_empty()) {
            if part == "." || part == ".." {
                let problem = format!("key {key:?} would leave the folder; use a prefix without . and ..");
                return Err(Error::new(ErrorKind::InvalidInput, problem));
            }
            path.push(part);
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, body)
    }
}

/// Keeps the objects in memory, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemorySink {
    /// The objects put so far.
    pub objects: BTreeMap<String, Bytes>,
    /// Their keys in the order of arrival.
    pub order: Vec<String>,
}

impl ObjectSink for MemorySink {
    fn put(&mut self, key: &str, body: Bytes) -> Result<()> {
        self.order.push(key.to_owned());
        self.objects.insert(key.to_owned(), body);
        Ok(())
    }
}
