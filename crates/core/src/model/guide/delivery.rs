//! ReportDelivered and HistoryComplete: what AWS has delivered.

use super::{GOOD, Guide, Outlook, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::{HistoryComplete, ReportDelivered},
    Reason,
    layers::{Field, Severity},
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(ReportDelivered, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Delivery: `ReportDelivered`",
    intro: "The operator compares what is under the prefix with what AWS says about its deliveries. None of these affects `Ready`: loaded data stays correct, it only becomes outdated.",
    guides: &[
        Guide {
            reason: Reason::Delivered,
            stands: &[(ReportDelivered, True)],
            meaning: "There is a complete and recent delivery.",
            recognised: "`s3:ListBucket` and `s3:GetObject` of the manifest.",
            ..GOOD
        },
        Guide {
            reason: Reason::AwaitingFirstDelivery,
            stands: &[(ReportDelivered, Unknown)],
            short: "Wait: up to 24 hours",
            meaning: "Nothing was delivered yet, or the first delivery is incomplete.",
            recognised: "No manifest, within `spec.freshness.firstDeliveryGrace`.",
            remedy: "Wait: AWS takes up to 24 hours.",
            severity: Severity::Waiting,
            outlook: Outlook::Passing,
            ..FAULT
        },
        Guide {
            reason: Reason::FirstDeliveryOverdue,
            short: "Check the bucket's policy",
            meaning: "Nothing was delivered, and the grace period is over.",
            recognised: "No manifest after `spec.freshness.firstDeliveryGrace` (48h).",
            remedy: "Compare name, bucket and prefix with the definition; check that the bucket's policy lets AWS deliver.",
            ..FAULT
        },
        Guide {
            reason: Reason::DeliveryStale,
            short: "Look at the report in the Billing console",
            meaning: "The newest delivery is older than `spec.freshness.maxDeliveryAge` (36h). AWS delivers at least once a day.",
            recognised: "The newest manifest's Last-Modified, or the version's own time.",
            remedy: "Look at the report in the Billing console. It may be paused, or the bucket's policy may stop AWS from writing.",
            ..FAULT
        },
        Guide {
            reason: Reason::ExportUnhealthy,
            short: "Look at the export in Billing",
            meaning: "AWS reports that the data export is unhealthy. The cause is on AWS's side, or unknown to this version.",
            recognised: "`bcm-data-exports:GetExport`: the export's status is `UNHEALTHY`, with `INTERNAL_FAILURE` or another reason.",
            remedy: "Look at the export in the Billing console; if it lasts more than a day, ask AWS Support.",
            ..FAULT
        },
        Guide {
            reason: Reason::ExportDeliveryDenied,
            short: "Restore the bucket's policy",
            meaning: "AWS may not write the data export to the bucket.",
            recognised: "`bcm-data-exports:GetExport`: `UNHEALTHY` with `INSUFFICIENT_PERMISSION`.",
            remedy: "Restore the bucket, or the bucket policy that Data Exports needs. The next refresh then works.",
            ..FAULT
        },
        Guide {
            reason: Reason::BillOwnerChanged,
            short: "Create a new export",
            meaning: "The account moved to another payer, so the data export no longer delivers.",
            recognised: "`bcm-data-exports:GetExport`: `UNHEALTHY` with `BILL_OWNER_CHANGED`.",
            remedy: "Create a new export. Its history starts now; earlier months stay as they are loaded.",
            ..FAULT
        },
        Guide {
            reason: Reason::ExportDeprecated,
            short: "Create a CUR 2.0 export",
            meaning: "AWS no longer offers the data export's table.",
            recognised: "`bcm-data-exports:GetExport`: `UNHEALTHY` with `DEPRECATED`.",
            remedy: "Create a CUR 2.0 export, and connect it with another AwsCostAccount.",
            ..FAULT
        },
        Guide {
            reason: Reason::LastExecutionFailed,
            short: "Wait a day for the next one",
            meaning: "The data export's newest refresh failed, but AWS does not report the export as unhealthy.",
            recognised: "`bcm-data-exports:ListExecutions`: the newest finished execution is `QUERY_FAILURE` or `DELIVERY_FAILURE`.",
            remedy: "The next refresh, within a day, usually works. If not, check the bucket's policy after a failed delivery, or ask AWS Support after a failed query.",
            ..FAULT
        },
        Guide {
            reason: Reason::DestinationBucketGone,
            short: "Create the bucket again",
            meaning: "The bucket that the legacy report is delivered to no longer exists.",
            recognised: "`cur:DescribeReportDefinitions`: last status `ERROR_NO_BUCKET`.",
            remedy: "Create the bucket again with its policy, or deliver the report to another bucket.",
            ..FAULT
        },
        Guide {
            reason: Reason::LegacyDeliveryFailed,
            short: "Restore the bucket's policy",
            meaning: "AWS reports that it could not deliver the legacy report.",
            recognised: "`cur:DescribeReportDefinitions`: last status `ERROR_PERMISSIONS`.",
            remedy: "Restore the bucket policy that Cost and Usage Reports needs.",
            ..FAULT
        },
        Guide {
            reason: Reason::DeliveredButNotHere,
            short: "Correct bucket and prefix",
            meaning: "AWS reports a delivery, or months were loaded before, but there is nothing at the bucket and prefix in the spec.",
            recognised: "The definition or the export's status has a last delivery, or `status.periods` has a loaded month, but `s3:ListBucket` finds no manifest.",
            remedy: "Find out who moves or deletes the files. If the bucket is a copy that lags behind, set the bucket and prefix that AWS delivers to. Loaded data stays.",
            ..FAULT
        },
        Guide {
            reason: Reason::ManifestUnreadable,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            short: "Wait for the next delivery",
            meaning: "A month's manifest belongs to another report, is empty, or is too large. On `HistoryComplete` it is an older month.",
            recognised: "Local: the content from `s3:GetObject` is checked.",
            remedy: "The message names the key and the problem. Remove files that AWS did not write from the prefix, and wait for the next delivery.",
            ..FAULT
        },
        Guide {
            reason: Reason::ManifestPartsMissing,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            short: "Check lifecycle rules there",
            meaning: "The manifest lists files that do not exist. On `HistoryComplete` it is an older month.",
            recognised: "`s3:ListBucket` does not list all files of the manifest.",
            remedy: "Check lifecycle rules, and who deletes files there. The next delivery writes them again.",
            ..FAULT
        },
        Guide {
            reason: Reason::ManifestAmbiguous,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            short: "Move the old manifest away",
            meaning: "A month has several manifests with equal or no times, so the newest is unknown. This happens when a report is switched to another format or layout. On `HistoryComplete` it is an older month.",
            recognised: "`s3:GetObject` of each manifest: the time in the assembly id or run folder, otherwise Last-Modified.",
            remedy: "The message names the manifests. Move those away that AWS no longer delivers. Until then, loaded data stays.",
            ..FAULT
        },
        Guide {
            reason: Reason::DeliveryUnfinished,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            short: "Write the manifest again, last",
            meaning: "A month whose files are replaced in place has files newer than its manifest, or its status says UPDATING, and nothing new came for eight hours. Either AWS stopped half-way, or somebody copied or re-encrypted the month, which writes files in any order. On `HistoryComplete` it is an older month.",
            recognised: "`s3:ListBucket`: Last-Modified of the files is later than that of the manifest.",
            remedy: "If AWS still delivers the month, the next delivery repairs it. If all files belong to one delivery, write its manifest once more: `aws s3 cp s3://BUCKET/KEY s3://BUCKET/KEY --metadata-directive REPLACE`.",
            ..FAULT
        },
    ],
};

pub(super) const HISTORY: Section = Section {
    title: "History: `HistoryComplete`",
    intro: "These reasons are about the months before the current one, as many as `spec.history.months` asks for. They do not affect `Ready`.",
    guides: &[
        Guide {
            reason: Reason::Complete,
            stands: &[(HistoryComplete, True)],
            meaning: "Every month within `spec.history.months` was delivered. The current month does not count.",
            recognised: "`s3:ListBucket` finds a manifest for each.",
            ..GOOD
        },
        Guide {
            reason: Reason::MonthsMissing,
            stands: &[(HistoryComplete, False)],
            short: "Ask AWS Support for a backfill",
            meaning: "Some months within `spec.history.months` were never delivered; `status.history.missing` lists them. A new report only delivers months from its creation on.",
            recognised: "`s3:ListBucket` finds no manifest for them.",
            remedy: "Ask AWS Support to backfill the report, or lower `spec.history.months`.",
            field: Field::At("spec.history.months"),
            ..FAULT
        },
    ],
};
