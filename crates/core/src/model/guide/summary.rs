//! Ready, Reconciling and Stalled: reasons that no layer gives.

use super::{FaultOwner, GOOD, Guide, Outlook, ReasonSource, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::{Ready, Reconciling, Stalled, WarehouseReady},
    Reason, Severity,
};

/// Something is wrong here.
const FAULT: Guide =
    Guide { stands: &[(Ready, Unknown), (Reconciling, True)], source: ReasonSource::Cluster, ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Summaries: `Ready`, `Reconciling`, `Stalled`",
    intro: "When `Ready` is False, its reason is usually that of the condition that failed; look it up there. The following reasons belong to the summaries themselves.",
    guides: &[
        Guide {
            reason: Reason::Succeeded,
            stands: &[(Ready, True)],
            meaning: "Everything required works.",
            recognised: "No condition that `Ready` depends on is False or Unknown.",
            source: ReasonSource::Cluster,
            ..GOOD
        },
        Guide {
            reason: Reason::Progressing,
            short: "Wait: it is being checked",
            meaning: "A new generation is being checked, or a condition was not checked yet.",
            recognised: "`observedGeneration` has just changed, or a condition says `NotChecked` or `Probing`.",
            remedy: "Wait a few seconds, or a little longer for a warehouse's probe.",
            severity: Severity::Waiting,
            outlook: Outlook::Passing,
            ..FAULT
        },
        Guide {
            reason: Reason::ProgressingWithRetry,
            short: "Wait: it is being retried",
            meaning: "A transient fault is being retried automatically. `Ready` is Unknown or False, like the condition that has the fault.",
            recognised: "A condition is Unknown, or a load or probe failed with a fault that may go away.",
            remedy: "Usually wait. The message names the condition.",
            severity: Severity::Waiting,
            outlook: Outlook::Passing,
            ..FAULT
        },
        Guide {
            reason: Reason::InternalError,
            stands: &[(Ready, False), (Stalled, True), (WarehouseReady, False)],
            short: "Report it with the operator's log",
            meaning: "A bug made the operator fail on this object.",
            recognised: "The object's reconcile panicked.",
            remedy: "Please report it with the operator's log. The operator retries every 10 minutes.",
            owner: FaultOwner::Operator,
            ..FAULT
        },
        Guide {
            reason: Reason::InvalidSpec,
            stands: &[(Ready, False), (Stalled, True), (WarehouseReady, False)],
            short: "Correct the field that Stalled names",
            meaning: "The spec can't be used.",
            recognised: "The object does not parse, or the operator refuses a field that the API server accepted, for example before an upgrade of the definitions. From a Job: an option of the load is wrong.",
            remedy: "Correct the field that the message names.",
            ..FAULT
        },
    ],
};
