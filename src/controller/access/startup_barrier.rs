//! When first probes may begin: once every account that was there at the start has shown its external ID. Before, nobody can
//! tell which of two objects with one external ID is the older.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use tokio_util::sync::CancellationToken;

use crate::controller::context::{Stores, lock};

/// How long first probes wait at most: an account whose Secret can't be read must not hold up the others.
const LIMIT: SignedDuration = SignedDuration::from_mins(2);

/// Who has shown an external ID since the start. Once all have, it is over for good: what comes later is younger.
#[derive(Debug)]
pub struct StartupBarrier {
    started: Timestamp,
    over: CancellationToken,
    progress: Mutex<BarrierProgress>,
}

#[derive(Debug, Default)]
struct BarrierProgress {
    /// True once every watch has shown what is there.
    shown: bool,
    visited: HashSet<String>,
}

impl StartupBarrier {
    /// Nobody has shown anything.
    pub fn new(started: Timestamp) -> Self {
        Self { started, over: CancellationToken::new(), progress: Mutex::default() }
    }

    /// How long a first look has to wait at most; `None` if it may begin. [`StartupBarrier::over`] tells of an earlier end.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let left = LIMIT - now.duration_since(self.started);
        Duration::try_from(left).ok().filter(|left| !self.over.is_cancelled() && !left.is_zero())
    }

    /// Returns once all have shown their external ID.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Every watch has shown what is there: nothing older is to come.
    pub fn all_shown(&self, stores: &[Stores]) {
        self.note(stores, |progress| progress.shown = true);
    }

    /// An account's external ID is known, or that it has none.
    pub fn visit(&self, uid: &str, stores: &[Stores]) {
        self.note(stores, |progress| {
            progress.visited.insert(uid.to_owned());
        });
    }

    /// An account is gone.
    pub fn forget(&self, uid: &str, stores: &[Stores]) {
        self.note(stores, |progress| {
            progress.visited.remove(uid);
        });
    }

    fn note(&self, stores: &[Stores], change: impl FnOnce(&mut BarrierProgress)) {
        if self.over.is_cancelled() {
            return;
        }
        // The lock is held over the count: two last visitors at once must not both find one missing.
        let mut progress = lock(&self.progress);
        change(&mut progress);
        if progress.is_complete(stores) {
            *progress = BarrierProgress::default();
            self.over.cancel();
        }
    }
}

impl BarrierProgress {
    fn is_complete(&self, stores: &[Stores]) -> bool {
        // Counted first: this is asked once for every account, and there may be thousands.
        let there: usize = stores.iter().map(|stores| stores.accounts.len()).sum();
        let accounts = || stores.iter().flat_map(|stores| stores.accounts.state());
        self.shown
            && self.visited.len() >= there
            && accounts().filter_map(|account| account.uid()).all(|uid| self.visited.contains(&uid))
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::controller::{context::GuardedAccount, loads::periods::tests::at, workqueue::watch};

    fn account(uid: &str) -> GuardedAccount {
        serde_json::from_value(json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": uid, "namespace": "finops", "uid": uid}, "spec": {}
        }))
        .expect("an account, even if its spec can't be read")
    }

    #[test]
    fn first_looks_wait_for_every_account_of_every_watch() {
        let (first, mut in_first) = watch::empty_stores(Some("first".to_owned()));
        let (second, mut in_second) = watch::empty_stores(Some("second".to_owned()));
        let stores = [first, second];
        let barrier = StartupBarrier::new(at(0));
        in_first.accounts(&Event::Apply(account("a")));
        barrier.visit("a", &stores);
        assert!(barrier.wait(at(0)).is_some(), "the second watch has shown nothing yet");
        in_second.accounts(&Event::Apply(account("b")));
        barrier.all_shown(&stores);
        assert_eq!(barrier.wait(at(1)), Some(Duration::from_secs(60)), "b has not been visited");
        barrier.visit("b", &stores);
        assert_eq!(barrier.wait(at(1)), None);
        in_first.accounts(&Event::Apply(account("c")));
        assert_eq!(barrier.wait(at(1)), None, "what comes later is younger");
    }

    #[test]
    fn nobody_waits_for_what_is_gone_or_for_ever() {
        let (stores, mut writers) = watch::empty_stores(None);
        let stores = [stores];
        for uid in ["a", "b"] {
            writers.accounts(&Event::Apply(account(uid)));
        }
        let barrier = StartupBarrier::new(at(0));
        barrier.all_shown(&stores);
        barrier.visit("a", &stores);
        assert_eq!(barrier.wait(at(2)), None, "two minutes are enough");
        assert!(barrier.wait(at(1)).is_some());
        writers.accounts(&Event::Delete(account("b")));
        barrier.forget("b", &stores);
        assert_eq!(barrier.wait(at(1)), None);
    }
}
