//! What a check finds: a verdict, its reason, and a sentence with the fix in it.

use super::{Snippet, Standing, fault_reasons::of_no_answer};
use crate::{
    aws::{AwsFault, FaultClass},
    model::{
        ConditionStatus, ConditionType, Guide, Reason,
        guide::Outlook,
        layers::{self, Field, Layer},
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
    /// The field of the spec that it points at.
    pub field: Field,
    /// A policy or commands for the fix. A condition has no room for it: it is made again from the spec.
    pub snippet: Option<Snippet>,
}

impl Finding {
    fn new(condition: ConditionType, verdict: Verdict, reason: Reason, message: String) -> Self {
        Self {
            condition,
            verdict,
            reason,
            message,
            field: Guide::to(reason).field_on(condition),
            snippet: None,
        }
    }

    /// It is as it must be.
    pub fn pass(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(condition, Verdict::Pass, reason, message.into())
    }

    /// It is not as it must be.
    pub fn fail(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(condition, Verdict::Fail, reason, message.into())
    }

    /// It could not be told.
    pub fn unknown(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self::new(condition, Verdict::Unknown, reason, message.into())
    }

    /// What was found before and stands in a condition.
    pub fn kept(condition: ConditionType, verdict: Verdict, reason: Reason, message: &str) -> Self {
        Self::new(condition, verdict, reason, message.to_owned())
    }

    /// Has this block beside its message.
    pub fn with(self, snippet: Snippet) -> Self {
        Self { snippet: Some(snippet), ..self }
    }

    /// Points at another field than its reason does most often.
    pub fn at(self, field: Field) -> Self {
        Self { field, ..self }
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
        let message = match fault.class {
            FaultClass::Throttled => format!("AWS throttles {operation}. It is tried again in some minutes."),
            FaultClass::Unreachable => format!(
                "{operation} got no answer. Check that the operator's pod may reach the AWS endpoint: network policy, \
                 proxy, DNS, AWS_ENDPOINT_URL settings."
            ),
            FaultClass::Transient => {
                format!("AWS failed on its side in {operation}. It is tried again in some minutes.")
            }
            FaultClass::ClockSkew => format!(
                "AWS refuses {operation} because the operator's clock differs from AWS's by more than 5 minutes. Set the \
                 node's clock."
            ),
            _ => format!(
                "{operation} returned an error that this version does not recognise ({}). The operator's log at debug level \
                 has AWS's code and request id.",
                fault.code
            ),
        };
        Self::unknown(condition, of_no_answer(fault), message)
    }

    /// True if the finding says only that AWS gave no answer.
    pub fn is_inconclusive(&self) -> bool {
        self.verdict == Verdict::Unknown && Guide::to(self.reason).outlook == Outlook::Inconclusive
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
