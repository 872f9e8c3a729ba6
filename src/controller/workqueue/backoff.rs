//! How long to wait after a failed reconcile, for each object on its own: kube's controller has no such memory.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// The first wait, as in client-go's workqueue but long enough for a person to follow.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const CAP: Duration = Duration::from_secs(600);

/// Failures in a row of every object that has any.
#[derive(Debug, Default)]
pub struct Backoff {
    objects: HashMap<String, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    retry_at: Timestamp,
}

impl Backoff {
    /// Notes a failure and says how long to wait. `chance` in `[0, 1)` is the jitter.
    ///
    /// A failure before the wait was over (a watch event came in between) is not counted again: it would
    /// lengthen the wait for a fault that had no time to pass.
    pub fn failed(&mut self, uid: &str, now: Timestamp, chance: f64) -> Duration {
        let count = match self.objects.get(uid) {
            Some(failures) if now < failures.retry_at => failures.count,
            Some(failures) => failures.count.saturating_add(1),
            None => 1,
        };
        let full = CAP.min(FIRST * 2u32.saturating_pow((count - 1).min(16)));
        // Half fixed, half chance: no wait is zero, and no two objects march in step.
        let wait = full.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        let until = SignedDuration::try_from(wait).expect("a wait of ten minutes at most");
        self.objects.insert(uid.to_owned(), Failures { count, retry_at: now + until });
        wait
    }

    /// Forgets an object's failures: it succeeded, changed or went.
    pub fn reset(&mut self, uid: &str) {
        self.objects.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn waits_double_up_to_ten_minutes() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> =
            (0..12).map(|turn| backoff.failed("a", at(turn * 10_000), 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    }

    #[test]
    fn jitter_takes_at_most_half() {
        assert_eq!(Backoff::default().failed("a", at(0), 0.0), Duration::from_millis(500));
    }

    #[test]
    fn an_early_failure_does_not_count() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..4).map(|_| backoff.failed("a", at(0), 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 1, 1, 1]);
    }

    #[test]
    fn success_resets_and_objects_do_not_share() {
        let mut backoff = Backoff::default();
        backoff.failed("a", at(0), 1.0);
        backoff.failed("a", at(100), 1.0);
        assert_eq!(backoff.failed("b", at(100), 1.0), Duration::from_secs(1));
        backoff.reset("a");
        assert_eq!(backoff.failed("a", at(200), 1.0), Duration::from_secs(1));
    }
}
