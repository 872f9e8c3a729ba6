//! Ready, Reconciling and Stalled: reasons that no layer gives.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::{Ready, Reconciling, Stalled, WarehouseReady},
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Summaries: `Ready`, `Reconciling`, `Stalled`",
    intro: "`Ready` False carries the reason of the layer that holds it down; look that up in its layer. These are the summaries' own.",
    guides: &[
        Guide {
            reason: Reason::Succeeded,
            stands: &[(Ready, True)],
            meaning: "Everything that must work does.",
            recognised: "No layer that `Ready` depends on is False or Unknown.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::Progressing,
            stands: &[(Ready, Unknown), (Reconciling, True)],
            meaning: "A new generation is being looked at, or a layer was not looked at yet.",
            recognised: "`observedGeneration` has just changed; or a layer says `NotChecked` or `Probing`.",
            remedy: "Wait some seconds; for the warehouse's probe, some more.",
        },
        Guide {
            reason: Reason::ProgressingWithRetry,
            stands: &[(Ready, Unknown), (Reconciling, True)],
            meaning: "A passing fault, tried again by itself. `Ready` is Unknown where the layer is, False where the layer is.",
            recognised: "A layer is Unknown, or a load or probe failed in a way that may pass.",
            remedy: "The message names the layer; usually wait.",
        },
        Guide {
            reason: Reason::InternalError,
            stands: &[(Ready, False), (Stalled, True), (WarehouseReady, False)],
            meaning: "The operator failed on this object in a way it should not.",
            recognised: "The pass over the object panicked.",
            remedy: "Look at the operator's log, and report it. It is tried again every 10 minutes.",
        },
        Guide {
            reason: Reason::InvalidSpec,
            stands: &[(Ready, False), (Stalled, True), (WarehouseReady, False)],
            meaning: "The spec can't be used.",
            recognised: "The object does not parse, or a field is refused by the operator though the API server let it in, for example before an upgrade of the definitions. From a Job: an option of the load is wrong.",
            remedy: "Correct the field that the message names.",
        },
    ],
};
