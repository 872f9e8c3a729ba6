//! Reads all files of a version into a stage: one thread a file at a time, as many as there are cores.
//!
//! Memory is bounded by threads, not by files or rows: each holds what its decoder and its part writer hold.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio_util::sync::CancellationToken;

use super::super::{
    crash_point,
    decode::{DecodeJob, FileReport, Stopped, decode_file},
    fault::LoadFault,
    normalize::Roundings,
    progress::Progress,
    tags::TagKeys,
    tally::FileTally,
};
use crate::{report::SourceFile, warehouse::Stage};

/// What all files held.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Rows and sums as the independent decoder saw them, by file.
    pub tallies: Vec<FileTally>,
    /// The tag keys of all files.
    pub tag_keys: TagKeys,
    /// What rounding did in all files.
    pub rounded: Roundings,
    /// Columns of net and amortized costs that each file lacks.
    pub missing_columns: Vec<Vec<&'static str>>,
}

/// How the files of one load are read: by how many threads, until when, and where they tell how far they are.
pub(super) struct CrewTerms {
    pub workers: usize,
    pub stop: CancellationToken,
    pub progress: Arc<Progress>,
}

/// Reads every file into the stage, which is given back whatever happened. The first fault ends all threads.
pub(super) async fn read_all(
    stage: Box<dyn Stage>,
    files: Vec<Arc<dyn SourceFile>>,
    job: DecodeJob,
    CrewTerms { workers, stop, progress }: CrewTerms,
) -> (Box<dyn Stage>, Result<Read, LoadFault>) {
    let work = move || {
        // A child, so that one worker's fault ends the others without ending the process's other work.
        let crew = Crew {
            stage: stage.as_ref(),
            files: &files,
            job: &job,
            next: AtomicUsize::new(0),
            reports: Mutex::new(files.iter().map(|_| None).collect()),
            fault: Mutex::new(None),
            halt: stop.child_token(),
            progress: &progress,
        };
        std::thread::scope(|scope| {
            for _ in 0..workers.clamp(1, files.len().max(1)) {
                scope.spawn(|| crew.work());
            }
        });
        let read = crew.finish(&stop);
        (stage, read)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // Blocking work is never cancelled once it runs, so this is a panic of a worker: let it go on.
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// What the threads of one load share.
struct Crew<'a> {
    stage: &'a dyn Stage,
    files: &'a [Arc<dyn SourceFile>],
    job: &'a DecodeJob,
    next: AtomicUsize,
    reports: Mutex<Vec<Option<FileReport>>>,
    fault: Mutex<Option<LoadFault>>,
    halt: CancellationToken,
    progress: &'a Progress,
}

impl Crew<'_> {
    fn work(&self) {
        while !self.halt.is_cancelled() {
            let index = self.next.fetch_add(1, Relaxed);
            let Some(file) = self.files.get(index) else { return };
            match self.read(index, file.as_ref()) {
                Ok(report) => {
                    self.reports.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(report);
                    self.progress.file_done();
                }
                Err(fault) => {
                    // The first fault is the cause; the others are its echo.
                    self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
                    self.halt.cancel();
                }
            }
        }
    }

    fn read(&self, index: usize, file: &dyn SourceFile) -> Result<FileReport, LoadFault> {
        let mut part = self.stage.part(index)?;
        let report = decode_file(file, self.job, &mut |batch| {
            if self.halt.is_cancelled() {
                return Err(LoadFault::Stopped);
            }
            part.write(&batch)?;
            self.progress.rows(batch.num_rows() as u64);
            crash_point::reach("batch-written");
            Ok(())
        });
        let report = report.map_err(|stopped| match stopped {
            Stopped::Decode(fault) => LoadFault::Decode(fault),
            Stopped::Sink(fault) => fault,
        })?;
        part.finish()?;
        crash_point::reach("part-finished");
        Ok(report)
    }

    fn finish(self, stop: &CancellationToken) -> Result<Read, LoadFault> {
        if let Some(fault) = self.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(fault);
        }
        let mut read = Read::default();
        for report in self.reports.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // A file without a report was never begun, because the process was asked to stop.
            let Some(report) = report else { return Err(LoadFault::Stopped) };
            read.tag_keys.absorb(&report.tag_keys);
            read.rounded.absorb(&report.rounded);
            read.missing_columns.push(report.missing_columns);
            read.tallies.push(report.source);
        }
        if stop.is_cancelled() { Err(LoadFault::Stopped) } else { Ok(read) }
    }
}
