//! A token bucket for the calls of the whole operator to STS, which AWS limits by the caller's account.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Calls to STS a second, unless set otherwise: far below what AWS grants an account, so that others have room.
pub const STS_CALLS_PER_SECOND: u32 = 10;

/// Lets so many calls a second through, and as many at once after a pause.
#[derive(Debug)]
pub struct RateLimit {
    per_second: u32,
    bucket: Mutex<TokenBucket>,
}

#[derive(Debug)]
struct TokenBucket {
    /// Calls that may go now. Negative: calls that were promised a later time.
    tokens: f64,
    filled_at: Instant,
}

impl RateLimit {
    /// A full bucket. `per_second` is at least 1.
    pub fn per_second(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        Self {
            per_second,
            bucket: Mutex::new(TokenBucket { tokens: f64::from(per_second), filled_at: Instant::now() }),
        }
    }

    /// Waits for this call's turn; turns are given in the order of asking.
    pub async fn wait_turn(&self) {
        let wait = self
            .bucket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(f64::from(self.per_second), Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

impl TokenBucket {
    /// Takes one token at `now` and says how long to wait before using it.
    fn take(&mut self, per_second: f64, now: Instant) -> Duration {
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        // Below zero, each caller takes a later slot at once: turns stay in the order of asking without a
        // queue.
        self.tokens = (self.tokens + elapsed * per_second).min(per_second) - 1.0;
        self.filled_at = now.max(self.filled_at);
        if self.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-self.tokens / per_second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_in_turn() {
        let start = Instant::now();
        let mut bucket = TokenBucket { tokens: 10.0, filled_at: start };
        let mut waits = (0..30).map(|_| bucket.take(10.0, start).as_millis());
        assert!(waits.by_ref().take(10).all(|wait| wait == 0));
        assert_eq!(waits.collect::<Vec<_>>(), (1..=20).map(|turn| turn * 100).collect::<Vec<_>>());
    }

    #[test]
    fn a_pause_fills_the_bucket_and_no_more() {
        let start = Instant::now();
        let mut bucket = TokenBucket { tokens: 0.0, filled_at: start };
        let later = start + Duration::from_secs(3600);
        let free = (0..20).filter(|_| bucket.take(10.0, later).is_zero()).count();
        assert_eq!(free, 10);
    }
}
