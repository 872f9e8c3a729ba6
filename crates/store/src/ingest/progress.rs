//! How far a load is: counters that workers raise and that whoever watches reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of the load that is running.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    files_done: AtomicU64,
    rows: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Files of the version.
    pub files: u64,
    /// Files read to their end.
    pub files_done: u64,
    /// Rows written so far.
    pub rows: u64,
}

impl Progress {
    /// A version of so many files begins.
    pub fn begin(&self, files: u64) {
        self.files.store(files, Relaxed);
        self.files_done.store(0, Relaxed);
        self.rows.store(0, Relaxed);
    }

    /// Rows were written.
    pub fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Relaxed);
    }

    /// A file was read to its end.
    pub fn file_done(&self) {
        self.files_done.fetch_add(1, Relaxed);
    }

    /// The counters now.
    pub fn counts(&self) -> Counts {
        Counts {
            files: self.files.load(Relaxed),
            files_done: self.files_done.load(Relaxed),
            rows: self.rows.load(Relaxed),
        }
    }
}
