//! A folder that is laid out as a bucket is from the prefix on.
//!
//! A file's ETag is the SHA-256 of its content: copying a folder changes every time stamp, and must not
//! make a new version of a bill. Time stamps serve to notice that a file is replaced while it is read, and to
//! warn of a copy that shows itself torn; they never order versions.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::{self, Read},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    model::Reason,
    report::{
        BillSource, DeliveredFile, ListedObject, ReportStore, SourceFault, SourceFile, StoreFault,
        StoreListing, StoreObject,
    },
};

/// Reads reports from a folder.
#[derive(Debug, Clone)]
pub struct FolderSource {
    root: PathBuf,
    listed: Arc<Mutex<HashMap<String, FileStamp>>>,
}

/// What tells that a file is still the one that was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    size: u64,
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            inode: metadata.ino(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }

    /// The file's time.
    fn time(self) -> Option<Timestamp> {
        Timestamp::new(self.seconds, i32::try_from(self.nanoseconds).ok()?).ok()
    }
}

impl FolderSource {
    /// The folder at this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), listed: Arc::default() }
    }

    fn list_blocking(&self, prefix: &str) -> Result<StoreListing, StoreFault> {
        if !self.root.is_dir() {
            return Err(StoreFault::Refused {
                reason: Reason::BucketNotFound,
                problem: format!("there is no folder {}", self.root.display()),
            });
        }
        let folder = self.root.join(prefix);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(StoreListing::default()),
            Err(error) => return Err(unreadable(&folder, &error)),
        };
        let mut listing = StoreListing::default();
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            // Keys are UTF-8, so no other name can be one.
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let key = format!("{prefix}{name}");
            if path.is_dir() {
                listing.folders.push(format!("{key}/"));
                continue;
            }
            let (stamp, etag) = match digest(&path) {
                Ok(digested) => digested,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            self.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), stamp);
            listing.objects.push(ListedObject {
                key,
                etag,
                size: stamp.size,
                last_modified: None,
                file_time: stamp.time(),
            });
        }
        listing.folders.sort_unstable();
        listing.objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listing)
    }

    fn get_blocking(&self, key: &str, limit: u64) -> Result<Option<StoreObject>, StoreFault> {
        let path = self.root.join(key);
        let read = || {
            let file = File::open(&path)?;
            let stamp = FileStamp::of(&file.metadata()?);
            let mut bytes = Vec::new();
            file.take(limit + 1).read_to_end(&mut bytes)?;
            io::Result::Ok((stamp, stamp.size.max(bytes.len() as u64), bytes))
        };
        match read() {
            Ok((_, size, _)) if size > limit => {
                Err(StoreFault::TooLarge { key: key.to_owned(), size, limit })
            }
            Ok((stamp, _, bytes)) => Ok(Some(StoreObject {
                etag: hex::encode(Sha256::digest(&bytes)),
                bytes: bytes.into(),
                last_modified: None,
                file_time: stamp.time(),
            })),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }
}

/// A file's stamp and the SHA-256 of its content.
fn digest(path: &Path) -> io::Result<(FileStamp, String)> {
    let mut file = File::open(path)?;
    let stamp = FileStamp::of(&file.metadata()?);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((stamp, hex::encode(hash.finalize()))),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

fn unreadable(path: &Path, error: &io::Error) -> StoreFault {
    let problem = format!("{} can't be read: {}", path.display(), error.kind());
    if error.kind() == io::ErrorKind::PermissionDenied {
        StoreFault::Refused { reason: Reason::ObjectReadDenied, problem }
    } else {
        StoreFault::Transient { reason: Reason::EndpointUnreachable, problem }
    }
}

#[async_trait]
impl ReportStore for FolderSource {
    async fn list(&self, prefix: &str) -> Result<StoreListing, StoreFault> {
        let (folder, prefix) = (self.clone(), prefix.to_owned());
        join(tokio::task::spawn_blocking(move || folder.list_blocking(&prefix)).await)
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Option<StoreObject>, StoreFault> {
        let (folder, key) = (self.clone(), key.to_owned());
        join(tokio::task::spawn_blocking(move || folder.get_blocking(&key, limit)).await)
    }
}

fn join<T>(joined: Result<Result<T, StoreFault>, tokio::task::JoinError>) -> Result<T, StoreFault> {
    joined.unwrap_or_else(|_| {
        Err(StoreFault::Transient {
            reason: Reason::InternalError,
            problem: "reading the folder was cut off".to_owned(),
        })
    })
}

impl BillSource for FolderSource {
    fn file(&self, listed: &DeliveredFile) -> Arc<dyn SourceFile> {
        let stamp = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(&listed.key).copied();
        Arc::new(FolderFile {
            key: listed.key.clone(),
            size: listed.size,
            path: self.root.join(&listed.key),
            stamp,
        })
    }
}

/// A file of the folder.
struct FolderFile {
    key: String,
    size: u64,
    path: PathBuf,
    /// As listed by this process; a file it never listed reads as changed.
    stamp: Option<FileStamp>,
}

impl FolderFile {
    fn fault(&self, error: &io::Error) -> SourceFault {
        let (key, problem) = (self.key.clone(), error.kind().to_string());
        match error.kind() {
            io::ErrorKind::PermissionDenied => SourceFault::Denied { key, problem },
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => SourceFault::Changed { key },
            _ => SourceFault::Transient { key, problem },
        }
    }

    /// Opens the file if it is still the one that was listed.
    fn open_listed(&self) -> Result<Pinned, SourceFault> {
        let file = File::open(&self.path).map_err(|error| self.fault(&error))?;
        let pinned = Pinned { file, key: self.key.clone(), stamp: self.stamp };
        pinned.check()?;
        Ok(pinned)
    }
}

impl SourceFile for FolderFile {
    fn key(&self) -> &str {
        &self.key
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, SourceFault> {
        Ok(Box::new(self.open_listed()?))
    }

    fn read_range(&self, range: Range<u64>) -> Result<Bytes, SourceFault> {
        let pinned = self.open_listed()?;
        let length = usize::try_from(range.end - range.start).map_err(|_| SourceFault::Transient {
            key: self.key.clone(),
            problem: "a range is larger than memory".to_owned(),
        })?;
        let mut buffer = vec![0; length];
        pinned.file.read_exact_at(&mut buffer, range.start).map_err(|error| self.fault(&error))?;
        pinned.check()?;
        Ok(buffer.into())
    }
}

/// An open file that must not change until it is read.
struct Pinned {
    file: File,
    key: String,
    stamp: Option<FileStamp>,
}

impl Pinned {
    fn check(&self) -> Result<(), SourceFault> {
        let now = self.file.metadata().ok().map(|metadata| FileStamp::of(&metadata));
        if now.is_some() && now == self.stamp {
            Ok(())
        } else {
            Err(SourceFault::Changed { key: self.key.clone() })
        }
    }
}

impl Read for Pinned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.check()?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("runtime").block_on(future)
    }

    fn folder() -> (tempfile::TempDir, FolderSource) {
        let place = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(place.path().join("r/inner")).expect("a folder");
        fs::write(place.path().join("r/a.csv.gz"), b"abc").expect("a file");
        let source = FolderSource::new(place.path());
        (place, source)
    }

    fn listed(source: &FolderSource) -> DeliveredFile {
        let object = wait(source.list("r/")).expect("lists").objects.remove(0);
        DeliveredFile { key: object.key, etag: object.etag, size: object.size }
    }

    #[test]
    fn lists_one_level_and_reads() {
        let (_place, source) = folder();
        let listing = wait(source.list("r/")).expect("lists");
        assert_eq!(listing.folders, ["r/inner/"]);
        assert_eq!(listing.objects[0].key, "r/a.csv.gz");
        assert_eq!(listing.objects[0].last_modified, None);
        assert_eq!(wait(source.list("nothing/")), Ok(StoreListing::default()));
        assert_eq!(wait(source.get("nothing", 10)), Ok(None));
        let file = source.file(&listed(&source));
        let mut text = String::new();
        file.open().expect("opens").read_to_string(&mut text).expect("reads");
        assert_eq!(text, "abc");
        assert_eq!(file.read_range(1..3).expect("reads"), Bytes::from_static(b"bc"));
    }

    #[test]
    fn the_etag_is_the_contents_alone() {
        let (place, source) = folder();
        let before = listed(&source);
        let path = place.path().join("r/a.csv.gz");
        fs::remove_file(&path).expect("removed");
        fs::write(&path, b"abc").expect("written again");
        assert_eq!(listed(&source), before);
        fs::write(&path, b"abd").expect("written");
        assert_ne!(listed(&source), before);
    }

    #[test]
    fn a_file_replaced_after_listing_is_not_read() {
        let (place, source) = folder();
        let file = source.file(&listed(&source));
        let mut reader = file.open().expect("opens");
        fs::write(place.path().join("r/a.csv.gz"), b"longer than before").expect("written");
        let error = reader.read_to_end(&mut Vec::new()).expect_err("changed");
        assert!(error.to_string().contains("r/a.csv.gz changed"), "{error}");
        assert!(matches!(file.open(), Err(SourceFault::Changed { .. })));
        assert!(matches!(file.read_range(0..1), Err(SourceFault::Changed { .. })));
    }

    #[test]
    fn limits_and_absent_roots_have_their_own_faults() {
        let (place, source) = folder();
        assert!(matches!(wait(source.get("r/a.csv.gz", 2)), Err(StoreFault::TooLarge { size: 3, .. })));
        let nowhere = FolderSource::new(place.path().join("nowhere"));
        assert!(matches!(wait(nowhere.list("r/")), Err(StoreFault::Refused { .. })));
    }
}
