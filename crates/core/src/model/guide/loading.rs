//! DataCurrent and TotalsVerified: what is loaded, and that it is right.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::{DataCurrent, TotalsVerified, WarehouseReady},
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Loading: `DataCurrent`",
    intro: "A load that failed with *Transient*, *Conflict* or *Lost* (see `status.periods[].failure.class`) is tried again after 1, 10 and 60 minutes, then every 6 hours; one that failed with *Data* or *Configuration* waits for a new version, spec, Secret, operator version or `reconcile-at`. `Ready` is held down only when the quick attempts are used up, or at once where another object owns the bill (`DuplicateConnection`). A reason of another layer can stand here too, with the month in front of the message.",
    guides: &[
        Guide {
            reason: Reason::Current,
            stands: &[(DataCurrent, True)],
            meaning: "The newest version of every delivered month is loaded. As a failure's reason: the warehouse holds a newer version, and nothing is wrong.",
            recognised: "`status.periods`.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::Queued,
            stands: &[(DataCurrent, False)],
            meaning: "A load waits for its turn, or is about to start.",
            recognised: "The chart's `jobs.limits`; one at a time on a claim that is not ReadWriteMany.",
            remedy: "Wait.",
        },
        Guide {
            reason: Reason::Loading,
            stands: &[(DataCurrent, False)],
            meaning: "A Job is loading. As a failure's reason: the delivery changed while it was read.",
            recognised: "`status.ingestion.activeJobs`.",
            remedy: "Wait.",
        },
        Guide {
            reason: Reason::JobFailed,
            stands: &[(DataCurrent, False), (WarehouseReady, False)],
            meaning: "The Job failed without a better reason, ran into its deadline, lost its pod or did not start within ten minutes; or the API server refused it, its Secret, or what the operator has to read. On `WarehouseReady`: no probe could be started or seen.",
            recognised: "The Job, its pod's exit code and termination message; the API server's 403 or 422.",
            remedy: "Read the message and the Job's log. Where the API server refused, the operator's log has its words.",
        },
        Guide {
            reason: Reason::OutOfMemory,
            stands: &[(DataCurrent, False), (WarehouseReady, False)],
            meaning: "The Job ran out of memory.",
            recognised: "Its container was `OOMKilled`.",
            remedy: "Raise `spec.ingestion.resources.limits.memory` (1Gi by default). A warehouse's probe has the default, which is plenty: look for what limits memory in the namespace.",
        },
        Guide {
            reason: Reason::Unschedulable,
            stands: &[(DataCurrent, False)],
            meaning: "No node takes the Job's pod. After ten minutes the Job is given up, and tried again later.",
            recognised: "The pod's `PodScheduled` is False, `Unschedulable`.",
            remedy: "Check `resources`, `nodeSelector`, `tolerations`, and the claim's volume.",
        },
        Guide {
            reason: Reason::QuotaExceeded,
            stands: &[(DataCurrent, False), (WarehouseReady, False)],
            meaning: "A quota, limit or admission policy refuses the Job, its Secret or its pod. A Job without a pod is given up after ten minutes, and tried again later.",
            recognised: "The API server's 403 with \"exceeded quota\"; or a started Job without a pod.",
            remedy: "`kubectl describe job NAME` says which, `kubectl describe quota` what is used up.",
        },
        Guide {
            reason: Reason::ImagePullFailed,
            stands: &[(DataCurrent, False)],
            meaning: "The Job's image can't be pulled. After ten minutes the Job is given up, and tried again later.",
            recognised: "The container waits with `ErrImagePull`, `ImagePullBackOff`, `InvalidImageName` or `ErrImageNeverPull`.",
            remedy: "Check the chart's `image`, `jobs.imagePullSecrets` and `spec.ingestion.imagePullSecrets`: the Secret lies in the account's namespace.",
        },
        Guide {
            reason: Reason::ParseFailed,
            stands: &[(DataCurrent, False)],
            meaning: "The data is not a bill that can be loaded exactly. Nothing was committed.",
            recognised: "The loader: a number, time, row or file that is not what the format says, or rows of another month.",
            remedy: "The message names file, row and column. Wait for the next delivery, or report it.",
        },
        Guide {
            reason: Reason::PayerInDataDiffers,
            stands: &[(DataCurrent, False)],
            meaning: "Rows are of another payer (Management, Standalone) or another account (Member). Nothing was committed.",
            recognised: "`bill_payer_account_id`, or `line_item_usage_account_id` for a Member, on what was read back.",
            remedy: "Correct `spec.accountType` or the report.",
        },
        Guide {
            reason: Reason::DuplicateConnection,
            stands: &[(DataCurrent, False)],
            meaning: "Another object owns this account's bill in this warehouse.",
            recognised: "The ledger's owner: `CLUSTER/NAMESPACE/NAME`, or `cli`.",
            remedy: "Delete one of the two, the one that loaded it with `deletionPolicy: Purge`, or name another warehouse in `spec.ingestion.warehouseRef`. What was loaded by hand goes with `awscost warehouse purge`: [costs-table.md](costs-table.md).",
        },
        Guide {
            reason: Reason::LedgerUnreadable,
            stands: &[(DataCurrent, False)],
            meaning: "The warehouse's ledger has a row of this account that this release can't read. Loads of others go on.",
            recognised: "The row's own JSON, in the table's log; the message names row and release.",
            remedy: "Use the release that wrote it or a later one; or remove the month with `awscost warehouse purge --connection KEY --period MONTH` and ask for it again with `kubectl awscost reconcile`. See [costs-table.md](costs-table.md#the-ledger).",
        },
    ],
};

pub(super) const TOTALS: Section = Section {
    title: "Totals: `TotalsVerified`",
    intro: "",
    guides: &[
        Guide {
            reason: Reason::TotalsEqual,
            stands: &[(TotalsVerified, True)],
            meaning: "Rows and sums of every loaded month equal those of an independent decoder.",
            recognised: "Before each commit.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::TotalsDiffer,
            stands: &[(TotalsVerified, False)],
            meaning: "They differ. Nothing was committed; what was loaded before stays.",
            recognised: "Rows, or a sum per file, currency and line type.",
            remedy: "Report it with the message: it is a fault of the program or of the store.",
        },
    ],
};
