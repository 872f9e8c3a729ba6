//! The sandbox's clock: the machine's, plus a shift that tests and the demo set. Sessions expire and objects are dated by
//! it; request signatures are checked against the machine's own time, because clients sign with theirs.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A clock that can be moved.
#[derive(Debug, Default)]
pub struct Clock {
    shift_seconds: AtomicI64,
}

impl Clock {
    /// The sandbox's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.shift_seconds.load(Ordering::SeqCst))
    }

    /// Moves the clock by so many seconds more; negative moves it back.
    pub fn shift(&self, seconds: i64) {
        self.shift_seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// How far it is from the machine's time, in seconds.
    #[must_use]
    pub fn shifted(&self) -> i64 {
        self.shift_seconds.load(Ordering::SeqCst)
    }
}
