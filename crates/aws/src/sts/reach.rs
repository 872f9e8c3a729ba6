//! Whether STS is reached at all, as whom, and what time it is there.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sts::error::BoxError;
use aws_smithy_runtime_api::client::{
    interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{SignedDuration, Timestamp};

use super::{parse_caller, with_path, without_retries};
use crate::{AwsFault, Operation, Sdk, model::clock::ahead, traits::Caller};

/// What one call to STS tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsReach {
    /// The identity that STS returned, or why it returned none.
    pub caller: Result<Caller, AwsFault>,
    /// How far the clock of STS is before this machine's; absent where there was no answer.
    pub clock: Option<SignedDuration>,
}

impl Sdk {
    /// Calls STS once with the process's own identity (`sts:GetCallerIdentity`), through whatever proxy is configured.
    pub async fn reach_sts(&self) -> StsReach {
        let clock = ServersClock::default();
        let request =
            without_retries(&self.base).get_caller_identity().customize().interceptor(clock.clone());
        let answer = self.calls.make(Operation::GetCallerIdentity, request.send()).await;
        let caller = answer
            .and_then(|output| parse_caller(output.account(), output.arn()))
            .map(|caller| with_path(caller, self.own_role.as_ref()));
        StsReach { caller, clock: clock.read() }
    }
}

/// Reads the time in an answer, be it a refusal.
#[derive(Debug, Clone, Default)]
struct ServersClock(Arc<Mutex<Option<SignedDuration>>>);

impl ServersClock {
    fn read(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ServersClock {
    fn name(&self) -> &'static str {
        "ServersClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Read before the answer is parsed: a refusal because of the clock carries the time, too.
        let date = context.response().headers().get("date");
        let read = date.and_then(|date| ahead(date, Timestamp::now()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }
}
