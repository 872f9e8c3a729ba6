//! When reconciles may begin: once every watch of their namespace has shown what is there. Before that, a Secret or a Job
//! that no watch has shown yet would be taken for one that is not there.
//!
//! kube's stores keep one waker each: of several that wait for a store, only the last wakes. So one waits for all the
//! stores of a namespace, and tells the others.

use futures::future;
use tokio::sync::watch;

use crate::controller::context::Stores;

/// Tells that the watches of one namespace have shown what is there.
#[derive(Debug)]
pub struct SyncAnnouncement(watch::Sender<bool>);

/// Waits for an [`SyncAnnouncement`]; any number may.
#[derive(Debug, Clone)]
pub struct CachesSynced(watch::Receiver<bool>);

/// The two ends, before anything is shown.
pub fn sync_channel() -> (SyncAnnouncement, CachesSynced) {
    let (sender, receiver) = watch::channel(false);
    (SyncAnnouncement(sender), CachesSynced(receiver))
}

impl SyncAnnouncement {
    /// The one waiter on the stores: tells all others. A store whose writer is gone is never ready, and then nothing is
    /// told: the process is stopping.
    pub async fn tell(self, stores: &Stores) {
        let all = future::try_join4(
            stores.accounts.wait_until_ready(),
            stores.warehouses.wait_until_ready(),
            stores.jobs.wait_until_ready(),
            stores.sessions.wait_until_ready(),
        );
        // Jobs and Secrets too: an account that is reconciled before its Jobs are shown would start them a second time.
        if all.await.is_ok() {
            self.0.send_replace(true);
        }
    }
}

impl CachesSynced {
    /// Waits; false if it will never be told.
    pub async fn wait(&mut self) -> bool {
        self.0.wait_for(|shown| *shown).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;
    use tokio::task::JoinSet;

    use super::*;
    use crate::controller::workqueue::watch::empty_stores;

    #[tokio::test]
    async fn every_waiter_wakes_when_the_last_watch_has_shown_what_is_there() {
        let (stores, mut writers) = empty_stores(None);
        let (announcement, shown) = sync_channel();
        let mut waiters = JoinSet::new();
        for _ in 0..50 {
            let mut shown = shown.clone();
            waiters.spawn(async move { shown.wait().await });
        }
        let mut early = shown.clone();
        let mut telling = std::pin::pin!(announcement.tell(&stores));
        for watch in writers.each_alone() {
            assert!(poll!(telling.as_mut()).is_pending() && poll!(std::pin::pin!(early.wait())).is_pending());
            watch();
        }
        telling.await;
        assert!(waiters.join_all().await.into_iter().all(|told| told), "all fifty were told");
        assert!(shown.clone().wait().await, "and so is whoever comes later, with the teller gone");
    }

    #[tokio::test]
    async fn nothing_is_told_of_watches_that_ended() {
        let (stores, writers) = empty_stores(None);
        let (announcement, mut shown) = sync_channel();
        drop(writers);
        announcement.tell(&stores).await;
        assert!(!shown.wait().await);
    }
}
