//! What a check finds: a verdict, its reason, and a sentence with the fix in it.

use super::Standing;
use crate::{
    aws::{AwsFault, FaultClass},
    model::{
        ConditionStatus, ConditionType, Reason,
        layers::{self, Layer},
    },
};

/// How a check ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// As it must be.
    Pass,
    /// Not as it must be.
    Fail,
    /// It could not be told.
    Unknown,
}

impl From<Verdict> for ConditionStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::True,
            Verdict::Fail => Self::False,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

/// What a check found, ready to be a condition.
///
/// The message is our own sentence: it names what is wrong and the fix with the user's own ARNs, and stays the same as long as
/// the cause does. It holds no text of AWS's, no request id, no time and no external ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which condition.
    pub condition: ConditionType,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// One or a few sentences for people.
    pub message: String,
}

impl Finding {
    /// It is as it must be.
    pub fn pass(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { condition, verdict: Verdict::Pass, reason, message: message.into() }
    }

    /// It is not as it must be.
    pub fn fail(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { condition, verdict: Verdict::Fail, reason, message: message.into() }
    }

    /// It could not be told.
    pub fn unknown(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { condition, verdict: Verdict::Unknown, reason, message: message.into() }
    }

    /// A layer below is broken.
    pub fn blocked(condition: ConditionType, by: ConditionType) -> Self {
        Self::unknown(condition, layers::blocked_reason(by), layers::blocked_message(by))
    }

    /// Unknown, if a layer below is not there that the condition needs.
    pub fn blocked_by_any(condition: ConditionType, below: &[Self]) -> Option<Self> {
        let found = |needed| below.iter().find(|finding| finding.condition == needed);
        let by = Layer::of(condition)?.blocked_by(|needed| Some(found(needed)?.verdict.into()))?;
        Some(Self::blocked(condition, by))
    }

    /// Nothing was concluded: the finding for a fact whose look gave no answer.
    pub(super) fn inconclusive<T>(condition: ConditionType, standing: &Standing<'_, T>) -> Self {
        match standing {
            Standing::Doubtful(fault) => Self::doubtful(condition, fault),
            Standing::Outdated => Self::unknown(
                condition,
                Reason::NotCheckedRecently,
                "The last verdict is older than 6 hours, and AWS has given no answer since. It is looked at again \
                 every few minutes.",
            ),
            Standing::Known(_) | Standing::Refused(_) | Standing::NotLooked => {
                Self::unknown(condition, Reason::NotChecked, "Not looked at yet.")
            }
        }
    }

    /// The finding for a fault that answers nothing.
    pub fn doubtful(condition: ConditionType, fault: &AwsFault) -> Self {
        let operation = fault.operation;
        let (reason, message) = match fault.class {
            FaultClass::Throttled => {
                (Reason::Throttled, format!("AWS throttles {operation}. It is tried again in some minutes."))
            }
            FaultClass::Unreachable => (
                Reason::EndpointUnreachable,
                format!(
                    "{operation} got no answer. Check that the operator's pod may reach the AWS endpoint: network \
                     policy, proxy, DNS, AWS_ENDPOINT_URL settings."
                ),
            ),
            FaultClass::Transient => (
                Reason::EndpointUnreachable,
                format!("AWS failed on its side in {operation}. It is tried again in some minutes."),
            ),
            FaultClass::ClockSkew => (
                Reason::ClockSkew,
                format!(
                    "AWS refuses {operation} because the operator's clock differs from AWS's by more than 5 \
                     minutes. Set the node's clock."
                ),
            ),
            _ => (
                Reason::UnexpectedAnswer,
                format!(
                    "{operation} ended in a way this version does not know ({}). The operator's log at debug level \
                     has AWS's code and request id.",
                    fault.code
                ),
            ),
        };
        Self::unknown(condition, reason, message)
    }

    /// True if the finding says only that AWS gave no answer.
    pub fn is_inconclusive(&self) -> bool {
        self.verdict == Verdict::Unknown
            && matches!(
                self.reason,
                Reason::Throttled
                    | Reason::EndpointUnreachable
                    | Reason::ClockSkew
                    | Reason::UnexpectedAnswer
                    | Reason::NotChecked
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Code, Operation};

    const TYPE: ConditionType = ConditionType::BucketReadable;

    #[test]
    fn only_looks_without_an_answer_are_inconclusive() {
        for code in Code::ALL {
            let fault = AwsFault::new(Operation::ListBucket, *code).inconclusive();
            assert!(Finding::doubtful(TYPE, &fault).is_inconclusive(), "{code}");
        }
        assert!(!Finding::fail(TYPE, Reason::BucketNotFound, "").is_inconclusive());
        assert!(
            !Finding::unknown(TYPE, Reason::OrganizationReadDenied, "").is_inconclusive(),
            "an answer, of a kind"
        );
    }

    #[test]
    fn a_layer_below_gives_its_own_reason() {
        for (by, reason) in [
            (ConditionType::RoleAssumable, Reason::BlockedByRole),
            (ConditionType::BucketReadable, Reason::BlockedByBucket),
            (ConditionType::ReportConfigured, Reason::BlockedByReport),
            (ConditionType::ReportDelivered, Reason::BlockedByDelivery),
            (ConditionType::WarehouseReady, Reason::BlockedByWarehouse),
            (ConditionType::DataCurrent, Reason::BlockedByData),
        ] {
            let finding = Finding::blocked(ConditionType::TotalsVerified, by);
            assert_eq!((finding.verdict, finding.reason), (Verdict::Unknown, reason));
            assert!(!finding.is_inconclusive(), "a blocked condition changes with the layer that blocks it");
        }
    }
}
