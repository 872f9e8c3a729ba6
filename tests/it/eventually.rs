//! Waiting for what a cluster does by itself.

use std::time::Duration;

/// Controllers of Kubernetes included, every step takes seconds at most.
const PATIENCE: Duration = Duration::from_secs(90);

/// The answer; a test fails where it does not come.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(look).await.expect(what)
}

/// The answer, or `None` if it does not come.
pub async fn in_time<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let wait = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.ok()
}
