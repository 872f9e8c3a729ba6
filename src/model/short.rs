//! What to do about a reason, in a few words: for rows of a list, where the whole message has no room.

use super::Reason;

impl Reason {
    /// The fix in short. Together with the reason's name it leaves a row of `kubectl get -o wide` shorter than 200 characters.
    pub const fn in_short(self) -> &'static str {
        match self {
            Self::RoleAssumed
            | Self::AccessKeyAccepted
            | Self::Enforced
            | Self::Verified
            | Self::ConsolidatedBillingOnly
            | Self::Readable
            | Self::Configured
            | Self::Delivered
            | Self::Complete
            | Self::ProbeSucceeded
            | Self::Current
            | Self::TotalsEqual
            | Self::Minimal
            | Self::MetricsListed
            | Self::Succeeded
            | Self::Loaded
            | Self::Purged => "Nothing to do",
            Self::ReadNotYetProvable => "Wait for the first delivery",
            Self::AssumeRoleDenied => "Role refuses: check its trust policy",
            Self::ExternalIdChanged => "Put the new ID into the trust policy",
            Self::RoleRemovedOrTrustChanged => "Restore the role or its trust",
            Self::CallerMayNotAssume => "Let the operator assume this role",
            Self::OrganizationPolicyDenies => "Have the SCP or RCP allow it",
            Self::NetworkPolicyDenied => "Allow it in the VPC endpoint's policy",
            Self::RoleArnRejected => "Copy the ARN from the role's page in IAM",
            Self::TagSessionDenied => "Allow sts:TagSession in the trust policy",
            Self::StsRegionDisabled => "Set stsRegion or activate STS there",
            Self::WrongAccount => "Credentials lead to another account",
            Self::AccountIdMismatch => "Correct accountId or roleArn",
            Self::AccessKeyRefused => "Write a working key into the Secret",
            Self::FederationDenied => "Allow the user sts:GetFederationToken",
            Self::IamUserKeys => "Move to a role",
            Self::SecretNotUsable => "Create or label the Secret",
            Self::SecretKeyMissing => "Name the key that the Secret has",
            Self::ExternalIdEmpty => "Put the external ID into the Secret",
            Self::ExternalIdWhitespace => "Take the white space off the Secret",
            Self::ExternalIdInvalid => "Put a valid external ID into the Secret",
            Self::ExternalIdReused => "Use an external ID of its own",
            Self::AccessKeyInvalid => "Write the access key into the Secret",
            Self::NotEnforced => "Require sts:ExternalId in the trust policy",
            Self::AnyValueAccepted => "Require one value of sts:ExternalId",
            Self::NotInOrganization => "Set accountType to Standalone",
            Self::DeclaredManagementIsMember => "Set accountType to Member",
            Self::DeclaredMemberIsManagement => "Set accountType to Management",
            Self::DeclaredStandaloneIsInOrganization => "Correct accountType",
            Self::OrganizationReadDenied => "Allow DescribeOrganization",
            Self::BucketNotFound => "Correct report.bucket.name",
            Self::BucketRegionMismatch => "Correct report.bucket.region",
            Self::BucketOwnerMismatch => "Set report.bucket.ownerAccountId",
            Self::BucketListDenied => "Allow s3:ListBucket on the prefix",
            Self::BucketDisabled => "The bucket's owner asks AWS Support",
            Self::ObjectReadDenied => "Allow s3:GetObject on the report",
            Self::ObjectOwnedByOther => "Set BucketOwnerEnforced",
            Self::KmsDecryptDenied => "Allow kms:Decrypt on the bucket's key",
            Self::KmsKeyUnusable => "Enable the bucket's KMS key",
            Self::ObjectArchived => "Restore the manifest from its archive",
            Self::CustomerKeyEncrypted => "Have it written without SSE-C",
            Self::PrefixIncludesReportName => "Take the name off the prefix",
            Self::PrefixOneLevelOff => "Correct report.bucket.prefix",
            Self::SessionPolicyTooLong => "Shorten the prefix or name",
            Self::ReportNotFound => "Correct report.name or report.kind",
            Self::LegacyApiDenied => "Let the role list cur reports",
            Self::ExportListDenied => "Let the role list data exports",
            Self::ExportGetDenied => "Let the role read the data export",
            Self::ExecutionListDenied => "Let the role list its executions",
            Self::DestinationDiffers => "Correct report.bucket, or the report",
            Self::FormatUnsupported => "Deliver Parquet, or CSV with GZIP",
            Self::CompressionUnsupported => "Set GZIP, or Parquet",
            Self::TableUnsupported => "Create a CUR 2.0 export instead",
            Self::QueryUnreadable => "Select the columns by name only",
            Self::ColumnsMissing => "Select all columns in the export",
            Self::ColumnsRenamed => "Select columns under their own names",
            Self::ExportNotComplete => "Take WHERE and LIMIT off the query",
            Self::GranularityTooCoarse => "Set HOURLY or DAILY",
            Self::ResourceIdsMissing => "Include resource IDs",
            Self::ClosedPeriodRefreshOff => "Turn on automatic refresh",
            Self::ReportAmbiguous => "Set report.kind",
            Self::BillingApiNotInPartition => "Connect the linked account",
            Self::AwaitingFirstDelivery => "Wait: up to 24 hours",
            Self::FirstDeliveryOverdue => "Check the bucket's policy",
            Self::DeliveryStale => "Look at the report in the Billing console",
            Self::ExportUnhealthy => "Look at the export in Billing",
            Self::ExportDeliveryDenied | Self::LegacyDeliveryFailed => "Restore the bucket's policy",
            Self::BillOwnerChanged => "Create the export anew",
            Self::ExportDeprecated => "Create a CUR 2.0 export",
            Self::LastExecutionFailed => "Wait a day for the next one",
            Self::DestinationBucketGone => "Create the bucket again",
            Self::DeliveredButNotHere => "Correct bucket and prefix",
            Self::ManifestUnreadable => "Wait for the next delivery",
            Self::ManifestPartsMissing => "Check lifecycle rules there",
            Self::MonthsMissing => "Ask AWS Support for a backfill",
            Self::WarehouseNotFound => "Create it, or correct warehouseRef",
            Self::Probing => "Wait for the warehouse's probe",
            Self::WarehouseUnreachable => "Check endpoint and network",
            Self::WarehouseAuthFailed => "Renew the warehouse's keys",
            Self::WarehouseDenied => "Grant list, read, write and delete",
            Self::WarehousePlaceNotFound => "Create the bucket or folder",
            Self::WarehouseRegionMismatch => "Correct spec.delta.region",
            Self::UnsafeStore => "Use a store that honours If-None-Match",
            Self::SchemaIncompatible => "Name an empty location",
            Self::ClaimNotUsable => "Create the claim in this namespace",
            Self::ProbeFailed => "Read the whole message and the log",
            Self::Queued => "Wait for a free slot",
            Self::Loading => "Wait for the Job",
            Self::JobFailed => "Read the whole message and the Job's log",
            Self::OutOfMemory => "Raise ingestion.resources.limits.memory",
            Self::Unschedulable => "Check resources, nodes and the volume",
            Self::QuotaExceeded => "kubectl describe the Job says which",
            Self::ImagePullFailed => "Check the image and its pull secrets",
            Self::ParseFailed => "Wait for the next delivery, or report it",
            Self::PayerInDataDiffers => "Correct accountType or the report",
            Self::DuplicateConnection => "Delete one of the two accounts",
            Self::TotalsDiffer => "Report it: nothing was committed",
            Self::CanWriteBucket | Self::CanReadOtherBuckets | Self::AdministratorLike => {
                "Narrow the role's policy"
            }
            Self::AuditDenied => "Allow iam:SimulatePrincipalPolicy",
            Self::MetricsDenied => "Allow cloudwatch:ListMetrics",
            Self::MetricsRegionDisabled => "Correct spec.metrics.region",
            Self::NoBaseCredentials => "Give the operator an AWS identity",
            Self::BaseCredentialsInvalid => "Replace the operator's keys",
            Self::BaseCredentialsExpired => "Renew the operator's keys",
            Self::WebIdentityRejected => "Check the operator's IRSA role",
            Self::PartitionMismatch => "Run an operator in that partition",
            Self::RoleNotAllowedInNamespace => "Add a tenancy rule",
            Self::Throttled => "AWS throttles: wait",
            Self::EndpointUnreachable => "Check the operator's network",
            Self::ClockSkew => "Set the node's clock",
            Self::UnexpectedAnswer => "Read the operator's debug log",
            Self::NotCheckedRecently => "Read the operator's log",
            Self::NotChecked => "Wait for the first check",
            Self::BlockedByRole => "Fix RoleAssumable first",
            Self::BlockedByBucket => "Fix BucketReadable first",
            Self::BlockedByReport => "Fix ReportConfigured first",
            Self::BlockedByDelivery => "Wait for a delivery",
            Self::BlockedByWarehouse => "Fix the CostWarehouse first",
            Self::BlockedByData => "Wait for the first load",
            Self::Progressing => "Wait: it is being checked",
            Self::ProgressingWithRetry => "Wait: it is tried again",
            Self::InternalError => "Report it with the operator's log",
            Self::InvalidSpec => "Correct the field that Stalled names",
            Self::PurgeSkipped => "Purge the rows by hand",
            Self::ExternalIdGenerated => "Put it into the trust policy",
        }
    }
}
