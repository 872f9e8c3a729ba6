//! ReportDelivered and HistoryComplete: what AWS has delivered.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::{HistoryComplete, ReportDelivered},
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Delivery: `ReportDelivered`",
    intro: "What lies under the prefix, beside what AWS says of its own deliveries. `Ready` is not held down by any of these: what was loaded stays right, it only grows old.",
    guides: &[
        Guide {
            reason: Reason::Delivered,
            stands: &[(ReportDelivered, True)],
            meaning: "A complete manifest is there, and it is fresh.",
            recognised: "`s3:ListBucket`, `s3:GetObject`.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::AwaitingFirstDelivery,
            stands: &[(ReportDelivered, Unknown)],
            meaning: "Nothing is delivered yet, or the first delivery is not complete.",
            recognised: "No manifest, within `spec.freshness.firstDeliveryGrace`.",
            remedy: "Wait: AWS takes up to 24 hours.",
        },
        Guide {
            reason: Reason::FirstDeliveryOverdue,
            stands: &[(ReportDelivered, False)],
            meaning: "Nothing is delivered, and the grace time is over.",
            recognised: "No manifest after `spec.freshness.firstDeliveryGrace` (48h).",
            remedy: "Compare name, bucket and prefix with the definition; check that the bucket's policy lets AWS deliver.",
        },
        Guide {
            reason: Reason::DeliveryStale,
            stands: &[(ReportDelivered, False)],
            meaning: "The newest delivery is older than `spec.freshness.maxDeliveryAge` (36h). AWS delivers at least once a day.",
            recognised: "The newest manifest's Last-Modified, else the version's own time.",
            remedy: "Look at the report in the Billing console: it may be paused, or its bucket's policy may keep AWS out.",
        },
        Guide {
            reason: Reason::ExportUnhealthy,
            stands: &[(ReportDelivered, False)],
            meaning: "AWS says that the data export is unhealthy, for a cause on its side or one this version does not know.",
            recognised: "`bcm-data-exports:GetExport`: the export's status is `UNHEALTHY`, with `INTERNAL_FAILURE` or another reason.",
            remedy: "Look at the export in the Billing console; if it lasts more than a day, ask AWS Support.",
        },
        Guide {
            reason: Reason::ExportDeliveryDenied,
            stands: &[(ReportDelivered, False)],
            meaning: "AWS may not write the data export to the bucket.",
            recognised: "`bcm-data-exports:GetExport`: `UNHEALTHY` with `INSUFFICIENT_PERMISSION`.",
            remedy: "Restore the bucket policy that Data Exports asks for, or the bucket; the next refresh heals it.",
        },
        Guide {
            reason: Reason::BillOwnerChanged,
            stands: &[(ReportDelivered, False)],
            meaning: "The account moved to another payer, so the data export delivers no more.",
            recognised: "`bcm-data-exports:GetExport`: `UNHEALTHY` with `BILL_OWNER_CHANGED`.",
            remedy: "Create the export anew. Its history starts then: months from before stay as they are loaded.",
        },
        Guide {
            reason: Reason::ExportDeprecated,
            stands: &[(ReportDelivered, False)],
            meaning: "AWS no longer offers the data export's table.",
            recognised: "`bcm-data-exports:GetExport`: `UNHEALTHY` with `DEPRECATED`.",
            remedy: "Create a CUR 2.0 export, and connect it with an AwsCostAccount of its own.",
        },
        Guide {
            reason: Reason::LastExecutionFailed,
            stands: &[(ReportDelivered, False)],
            meaning: "The data export's newest refresh failed, though AWS does not call the export unhealthy.",
            recognised: "`bcm-data-exports:ListExecutions`: the newest that ended is `QUERY_FAILURE` or `DELIVERY_FAILURE`.",
            remedy: "One failure heals with the next refresh, within a day. If it lasts: for a failed delivery the bucket's policy, for a failed query AWS Support.",
        },
        Guide {
            reason: Reason::DestinationBucketGone,
            stands: &[(ReportDelivered, False)],
            meaning: "The bucket that the legacy report is delivered to is gone.",
            recognised: "`cur:DescribeReportDefinitions`: last status `ERROR_NO_BUCKET`.",
            remedy: "Create the bucket again with its policy, or have the report delivered to another.",
        },
        Guide {
            reason: Reason::LegacyDeliveryFailed,
            stands: &[(ReportDelivered, False)],
            meaning: "AWS says that it could not deliver the legacy report.",
            recognised: "`cur:DescribeReportDefinitions`: last status `ERROR_PERMISSIONS`.",
            remedy: "Restore the bucket policy that Cost and Usage Reports ask for.",
        },
        Guide {
            reason: Reason::DeliveredButNotHere,
            stands: &[(ReportDelivered, False)],
            meaning: "AWS says that it delivered, or months were loaded, and nothing is where the spec says.",
            recognised: "A last delivery in the definition or the export's status, or a loaded month in `status.periods`, and `s3:ListBucket` finds no manifest.",
            remedy: "What is loaded stays. Somebody moves or deletes the files, or the bucket is the copy of another and behind it: name the bucket and prefix that AWS delivers to.",
        },
        Guide {
            reason: Reason::ManifestUnreadable,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            meaning: "A month's manifest is not one of this report, empty, or too large. On `HistoryComplete`: that of an older month.",
            recognised: "Local, on what `s3:GetObject` gave.",
            remedy: "The message names the key and the problem. Wait for the next delivery; remove what is not AWS's from the prefix.",
        },
        Guide {
            reason: Reason::ManifestPartsMissing,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            meaning: "The manifest lists files that are not there. On `HistoryComplete`: that of an older month.",
            recognised: "`s3:ListBucket` against the manifest.",
            remedy: "Check lifecycle rules and who deletes there; the next delivery brings them again.",
        },
        Guide {
            reason: Reason::ManifestAmbiguous,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            meaning: "A month has several manifests, as a report leaves them behind that was switched to another format or layout, and they have the same time or none. On `HistoryComplete`: an older month.",
            recognised: "`s3:GetObject` of each manifest: the time in the assembly id or run folder, else Last-Modified.",
            remedy: "Move away those that the message names and that are no longer delivered. What is loaded stays until then.",
        },
        Guide {
            reason: Reason::DeliveryUnfinished,
            stands: &[(ReportDelivered, False), (HistoryComplete, False)],
            meaning: "Files of a month that are replaced in place were put after its manifest, or its status says UPDATING, and nothing has come for eight hours: AWS stopped half-way, or the month was copied or re-encrypted, which puts files in any order. On `HistoryComplete`: an older month.",
            recognised: "`s3:ListBucket`: Last-Modified of the files against that of the manifest.",
            remedy: "The next delivery repairs a month that AWS still delivers. If all files are of one delivery, put its manifest once more: `aws s3 cp s3://BUCKET/KEY s3://BUCKET/KEY --metadata-directive REPLACE`.",
        },
    ],
};

pub(super) const HISTORY: Section = Section {
    title: "History: `HistoryComplete`",
    intro: "Months before the current one, as many as `spec.history.months` asks for. `Ready` is not held down.",
    guides: &[
        Guide {
            reason: Reason::Complete,
            stands: &[(HistoryComplete, True)],
            meaning: "Every wanted month is delivered. The current month is never counted.",
            recognised: "The listing.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::MonthsMissing,
            stands: &[(HistoryComplete, False)],
            meaning: "Some wanted months were never delivered: `status.history.missing`. A new report delivers from its first month on.",
            recognised: "The listing.",
            remedy: "Ask AWS Support for a backfill of the report, or lower `spec.history.months`.",
        },
    ],
};
