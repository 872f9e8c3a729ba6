//! A line on the terminal that says how far a load is.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use crate::{ingest::progress::Progress, model::BillingPeriod};

/// Shows a load's progress on stderr until it is dropped. Shows nothing where stderr is no terminal.
pub(in crate::cli) struct ProgressLine {
    task: Option<tokio::task::JoinHandle<()>>,
}

impl ProgressLine {
    /// Shows the progress of this period from now on.
    pub fn show_period(period: BillingPeriod, progress: Arc<Progress>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { task: None };
        }
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(250));
            loop {
                ticks.tick().await;
                let counts = progress.counts();
                // A terminal that is gone is no reason to stop the load.
                let _ = write!(
                    std::io::stderr(),
                    "\r\x1b[2K{period}: {} of {} files, {} rows",
                    counts.files_done,
                    counts.files,
                    counts.rows
                );
            }
        });
        Self { task: Some(task) }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
