//! Who the operator is in AWS, told before there is any account: the lease shows it to people.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::connection::principal;

/// How often it is asked for. AWS is asked as seldom as [`Context::own_identity`] says.
const ASKED_EVERY: Duration = Duration::from_secs(60);

/// Tells `known` the operator's principal, and again whenever it is another, until `stop`.
pub(super) async fn tell_identity(
    context: Arc<Context>,
    known: watch::Sender<Option<String>>,
    stop: CancellationToken,
) {
    loop {
        if let Ok(own) = context.own_identity(Timestamp::now()).await {
            let principal = principal(&own);
            if known.borrow().as_ref() != Some(&principal) {
                tracing::info!(principal, "the operator's identity in AWS");
                known.send_replace(Some(principal));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(ASKED_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
