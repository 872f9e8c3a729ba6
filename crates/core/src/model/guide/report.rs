//! ReportConfigured: the definition of the report is there and suits.

use super::{GOOD, Guide, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::ReportConfigured,
    Reason,
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(ReportConfigured, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Report definition: `ReportConfigured`",
    intro: "The definition comes from `cur:DescribeReportDefinitions` for legacy reports, and from `bcm-data-exports:ListExports` and `GetExport` for data exports. One message lists all problems; the reason is that of the first.",
    guides: &[
        Guide {
            reason: Reason::Configured,
            stands: &[(ReportConfigured, True)],
            meaning: "The definition exists and has the required settings.",
            recognised: "AWS lists the definition.",
            ..GOOD
        },
        Guide {
            reason: Reason::ClosedPeriodRefreshOff,
            stands: &[(ReportConfigured, True)],
            short: "Turn on automatic refresh",
            meaning: "The definition has the required settings, but AWS does not deliver a month again after it has closed. Later refunds, credits and support fees will be missing.",
            recognised: "The legacy definition: `RefreshClosedReports` is false.",
            remedy: "Turn on automatic refresh of the report in the Billing console.",
            ..GOOD
        },
        Guide {
            reason: Reason::ExecutionListDenied,
            stands: &[(ReportConfigured, True)],
            short: "Let the role list its executions",
            meaning: "The export has the required settings, but the role may not list its executions. So a failed refresh is noticed only when the delivery is overdue.",
            recognised: "`bcm-data-exports:ListExecutions` is denied.",
            remedy: "Allow the call for the export in the role's policy: `awscost onboard policy` prints such a policy.",
            ..GOOD
        },
        Guide {
            reason: Reason::ReportNotFound,
            short: "Correct report.name or report.kind",
            meaning: "No report definition or data export has this name.",
            recognised: "The name is not in the lists that AWS returned; the message has the names that exist. On `ReportDelivered`: the prefix has both a legacy report and an export.",
            remedy: "Correct `spec.report.name` or `spec.report.kind`. Names are case-sensitive.",
            ..FAULT
        },
        Guide {
            reason: Reason::LegacyApiDenied,
            short: "Let the role list cur reports",
            meaning: "The role may not list legacy report definitions.",
            recognised: "`cur:DescribeReportDefinitions`: `AccessDeniedException`, or another code that means the call is denied.",
            remedy: "Allow the call in the role's policy. If it is allowed, activate IAM access to billing information in the account.",
            ..FAULT
        },
        Guide {
            reason: Reason::ExportListDenied,
            short: "Let the role list data exports",
            meaning: "The role may not list data exports.",
            recognised: "`bcm-data-exports:ListExports` is denied.",
            remedy: "Allow the call in the role's policy. If it is allowed, activate IAM access to billing information in the account.",
            ..FAULT
        },
        Guide {
            reason: Reason::ExportGetDenied,
            short: "Let the role read the data export",
            meaning: "The role may list the data export, but not read its definition.",
            recognised: "`bcm-data-exports:GetExport` is denied.",
            remedy: "Allow the call in the role's policy, on `arn:aws:bcm-data-exports:us-east-1:ACCOUNT:export/*`.",
            ..FAULT
        },
        Guide {
            reason: Reason::DestinationDiffers,
            short: "Correct report.bucket, or the report",
            meaning: "The definition delivers to another bucket, prefix, region or bucket owner.",
            recognised: "Local: the values are compared exactly; the message names each difference.",
            remedy: "Correct `spec.report.bucket`, or the report.",
            ..FAULT
        },
        Guide {
            reason: Reason::FormatUnsupported,
            short: "Deliver Parquet, or CSV with GZIP",
            meaning: "The report's file format can't be loaded.",
            recognised: "The definition's format is not `textORcsv` or `Parquet` (legacy report), or not `PARQUET` or `TEXT_OR_CSV` (export). From a Job: the files have another format, such as `.csv.zip`.",
            remedy: "Set the report's format to Parquet, or to CSV with GZIP.",
            ..FAULT
        },
        Guide {
            reason: Reason::CompressionUnsupported,
            short: "Set GZIP, or Parquet",
            meaning: "The report's format can be loaded, but its compression can't.",
            recognised: "The definition has CSV with a compression other than `GZIP`.",
            remedy: "Set the report's compression to GZIP, or its format to Parquet.",
            ..FAULT
        },
        Guide {
            reason: Reason::TableUnsupported,
            short: "Create a CUR 2.0 export instead",
            meaning: "The data export selects from a table that is not a loadable bill.",
            recognised: "The query of `GetExport`: another table than `COST_AND_USAGE_REPORT`.",
            remedy: "Create a CUR 2.0 export, and use its name.",
            ..FAULT
        },
        Guide {
            reason: Reason::QueryUnreadable,
            short: "Select the columns by name only",
            meaning: "This version can't read the data export's query, so it can't tell what the query leaves out.",
            recognised: "The query of `GetExport` is not a plain list of columns from one table.",
            remedy: "Select the columns by name, without functions, joins or conditions.",
            ..FAULT
        },
        Guide {
            reason: Reason::ColumnsMissing,
            short: "Select all columns in the export",
            meaning: "The data export's query leaves out required columns.",
            recognised: "The query of `GetExport`; the message names them.",
            remedy: "Edit the export and select all columns.",
            ..FAULT
        },
        Guide {
            reason: Reason::ColumnsRenamed,
            short: "Select columns under their own names",
            meaning: "The data export's query renames required columns.",
            recognised: "The query of `GetExport` has `AS` on a required column.",
            remedy: "Select the columns under their own names.",
            ..FAULT
        },
        Guide {
            reason: Reason::ExportNotComplete,
            short: "Remove WHERE and LIMIT from the query",
            meaning: "The data export leaves out rows, so sums would be too small.",
            recognised: "The query of `GetExport` has a `WHERE` or a `LIMIT`. From a Job: a file lacks required columns.",
            remedy: "Remove `WHERE` and `LIMIT` from the export's query.",
            ..FAULT
        },
        Guide {
            reason: Reason::GranularityTooCoarse,
            short: "Set HOURLY or DAILY",
            meaning: "The report has one row per month, which is too coarse for daily costs.",
            recognised: "The time unit or `TIME_GRANULARITY` is `MONTHLY`.",
            remedy: "Set the report's granularity to `HOURLY` or `DAILY`.",
            ..FAULT
        },
        Guide {
            reason: Reason::ResourceIdsMissing,
            short: "Include resource IDs",
            meaning: "The report has no resource IDs, so costs can't be split by resource.",
            recognised: "Legacy report: `RESOURCES` is not among the schema elements. Export: `INCLUDE_RESOURCES` is not `TRUE`, or `line_item_resource_id` is not selected.",
            remedy: "Turn on resource IDs in the report.",
            ..FAULT
        },
        Guide {
            reason: Reason::ReportAmbiguous,
            short: "Set report.kind",
            meaning: "A legacy report and a data export have this name, and their destinations don't show which one is meant.",
            recognised: "The name is in both lists.",
            remedy: "Set `spec.report.kind`.",
            ..FAULT
        },
        Guide {
            reason: Reason::BillingApiNotInPartition,
            short: "Connect the linked account",
            meaning: "The role's AWS partition does not have this billing API.",
            recognised: "Local: the role ARN's partition.",
            remedy: "Usage in GovCloud is billed through the linked commercial account: connect that account.",
            ..FAULT
        },
    ],
};
