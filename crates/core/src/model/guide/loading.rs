//! DataCurrent and TotalsVerified: what is loaded, and that it is right.

use super::{GOOD, Guide, Outlook, ReasonSource, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::{DataCurrent, TotalsVerified, WarehouseReady},
    Reason, Severity,
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(DataCurrent, False)], source: ReasonSource::Job, ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Loading: `DataCurrent`",
    intro: "A load that failed with *Transient*, *Conflict* or *Lost* (see `status.periods[].failure.class`) is retried after 1, 10 and 60 minutes, then every 6 hours. A load that failed with *Data* or *Configuration* waits for a new version, spec, Secret, operator version or `reconcile-at`. `Ready` turns False only when the quick retries are used up, or at once if another object owns the bill (`DuplicateConnection`). Reasons of other conditions can appear here, too; the message then begins with the month.",
    guides: &[
        Guide {
            reason: Reason::Current,
            stands: &[(DataCurrent, True)],
            meaning: "The newest version of every delivered month is loaded. As the reason of a failed load: the warehouse already has a newer version, and nothing is wrong.",
            recognised: "`status.periods` of every delivered month.",
            source: ReasonSource::Cluster,
            ..GOOD
        },
        Guide {
            reason: Reason::Queued,
            short: "Wait for a free slot",
            meaning: "A load waits for other loads to end, or is about to start.",
            recognised: "The chart's `jobs.limits` are reached. On a claim that is not ReadWriteMany, one load runs at a time.",
            remedy: "Wait.",
            severity: Severity::Waiting,
            outlook: Outlook::Passing,
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::Loading,
            short: "Wait for the Job",
            meaning: "A Job is loading. As the reason of a failed load: the delivery changed while it was read.",
            recognised: "`status.ingestion.activeJobs` lists the Job.",
            remedy: "Wait.",
            severity: Severity::Waiting,
            outlook: Outlook::Passing,
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::JobFailed,
            stands: &[(DataCurrent, False), (WarehouseReady, False)],
            short: "Read the whole message and the Job's log",
            meaning: "The Job failed without a more specific reason, reached its deadline, lost its pod or did not start within ten minutes. Or the API server refused the Job, its Secret, or a read that the operator needs. On `WarehouseReady`: no probe could be started or observed.",
            recognised: "The Job, its pod's exit code and termination message, or the API server's 403 or 422.",
            remedy: "Read the message and the Job's log. If the API server refused, the operator's log has its error.",
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::OutOfMemory,
            stands: &[(DataCurrent, False), (WarehouseReady, False)],
            short: "Raise ingestion.resources.limits.memory",
            meaning: "The Job ran out of memory.",
            recognised: "Its container was `OOMKilled`.",
            remedy: "Raise `spec.ingestion.resources.limits.memory` (1Gi by default). For a warehouse's probe the default is plenty: check what limits memory in the namespace.",
            ..FAULT
        },
        Guide {
            reason: Reason::Unschedulable,
            short: "Check resources, nodes and the volume",
            meaning: "No node can run the Job's pod. After ten minutes the operator gives the Job up and retries later.",
            recognised: "The pod's `PodScheduled` is False, `Unschedulable`.",
            remedy: "Check `resources`, `nodeSelector`, `tolerations` and the claim's volume.",
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::QuotaExceeded,
            stands: &[(DataCurrent, False), (WarehouseReady, False)],
            short: "See kubectl describe job",
            meaning: "A quota, limit or admission policy refuses the Job, its Secret or its pod. After ten minutes without a pod the operator gives the Job up and retries later.",
            recognised: "The API server's 403 with \"exceeded quota\"; or a started Job without a pod.",
            remedy: "`kubectl describe job NAME` says which one refuses, and `kubectl describe quota` shows what is used up.",
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::ImagePullFailed,
            short: "Check the image and its pull secrets",
            meaning: "The Job's image can't be pulled. After ten minutes the operator gives the Job up and retries later.",
            recognised: "The container waits with `ErrImagePull`, `ImagePullBackOff`, `InvalidImageName` or `ErrImageNeverPull`.",
            remedy: "Check the chart's `image`, `jobs.imagePullSecrets` and `spec.ingestion.imagePullSecrets`. The Secret must be in the account's namespace.",
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::ParseFailed,
            short: "Wait for the next delivery, or report it",
            meaning: "The data is not a bill that can be loaded exactly. Nothing was committed.",
            recognised: "The loader finds a number, time, row or file that does not fit the format, or rows of another month.",
            remedy: "The message names file, row and column. Wait for the next delivery, or report it.",
            ..FAULT
        },
        Guide {
            reason: Reason::PayerInDataDiffers,
            short: "Correct accountType or the report",
            meaning: "The rows belong to another payer (for Management and Standalone) or another account (for Member). Nothing was committed.",
            recognised: "`bill_payer_account_id` of the written rows, or `line_item_usage_account_id` for a Member.",
            remedy: "Correct `spec.accountType` or the report.",
            ..FAULT
        },
        Guide {
            reason: Reason::DuplicateConnection,
            short: "Delete one of the two accounts",
            meaning: "Another object owns this account's bill in this warehouse.",
            recognised: "The ledger's owner: `CLUSTER/NAMESPACE/NAME`, or `cli`.",
            remedy: "Delete one of the two objects (if it is the one that loaded the bill, with `deletionPolicy: Purge`), or name another warehouse in `spec.ingestion.warehouseRef`. To remove rows that were loaded by hand, use `awscost warehouse purge`: [costs-table.md](costs-table.md).",
            ..FAULT
        },
        Guide {
            reason: Reason::LedgerUnreadable,
            short: "Use the release that wrote it",
            meaning: "The warehouse's ledger has a row of this account that this release can't read. Loads of other accounts continue.",
            recognised: "The row's JSON in the table's log; the message names the row and the release that wrote it.",
            remedy: "Use the release that wrote it, or a later one. Or remove the month with `awscost warehouse purge --connection KEY --period MONTH`, and load it again with `kubectl awscost reconcile`. See [costs-table.md](costs-table.md#the-ledger).",
            ..FAULT
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
            recognised: "Every load compares them before its commit.",
            source: ReasonSource::Job,
            ..GOOD
        },
        Guide {
            reason: Reason::TotalsDiffer,
            stands: &[(TotalsVerified, False)],
            short: "Report it: nothing was committed",
            meaning: "The independent decoder read other rows or sums than the load. Nothing was committed; the previous version stays.",
            recognised: "The number of rows, or a sum per file, currency and line type, differs.",
            remedy: "Report it with the message. The fault is in the program or the store.",
            ..FAULT
        },
    ],
};
