//! The one place every call to AWS passes: it times the call, turns the SDK's error into a fault, and tells an observer.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{AwsFault, Code, Operation, sdk_fault::from_sdk};

/// A call to AWS that has ended.
///
/// The SDK's own retries belong to it; STS is tried again by us, and each try is a call. A body that is streamed does not
/// belong to it: the call ends when the body begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedCall {
    /// The AWS call whose fault, latency and retries this describes.
    pub operation: Operation,
    /// How it failed; `None` if it went well.
    pub failure: Option<Code>,
    /// From sending it to its end. A wait for its turn under the rate limit is not counted.
    pub took: Duration,
}

impl EndedCall {
    /// How it ended, as one word for a metric's label: `ok`, or the code's name.
    pub fn outcome(&self) -> &'static str {
        self.failure.map_or("ok", Code::as_str)
    }
}

/// Hears of every call that ends. It is told on the caller's task, so it must not block.
pub trait CallObserver: Send + Sync {
    /// A call has ended. A call that is given up before it ends is never told.
    fn note_call(&self, call: EndedCall);
}

/// Makes calls, for whoever may be listening.
#[derive(Clone, Default)]
pub(super) struct Calls(Option<Arc<dyn CallObserver>>);

impl Calls {
    pub(super) fn heard_by(observer: Arc<dyn CallObserver>) -> Self {
        Self(Some(observer))
    }

    /// Waits for a call's answer.
    pub(super) async fn make<T, E>(
        &self,
        operation: Operation,
        sending: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> Result<T, AwsFault>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let began = Instant::now();
        let outcome = sending.await.map_err(|error| from_sdk(operation, &error));
        if let Some(observer) = &self.0 {
            let failure = outcome.as_ref().err().map(|fault| fault.code);
            observer.note_call(EndedCall { operation, failure, took: began.elapsed() });
        }
        outcome
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Calls(observed)" } else { "Calls" })
    }
}
