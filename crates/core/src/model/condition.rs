//! Every condition type and every reason, in one place: the vocabulary of status, events, metric
//! labels and the troubleshooting page.
//!
//! A reason is part of the API: it may be added, never renamed.

/// Declares a closed set of names that stand in the API exactly as written here.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$item_doc])* $item,)* }

        impl $name {
            /// All of them, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];

            /// The name as it stands in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$item => stringify!($item),)* }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|item| item.as_str() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use vocabulary;

vocabulary! {
    /// A condition type: one layer of "does this connection work", or a summary of them.
    ConditionType {
        /// Everything required works: see docs/design/0002-conditions.md. Always present.
        Ready,
        /// A new generation or a retry is being worked on (kstatus). Only present when True.
        Reconciling,
        /// Something is wrong that only a person can fix (kstatus). Only present when True.
        Stalled,
        /// The tenancy rules allow the role, the operator's identity, the Secret and AssumeRole work, and the
        /// role is in the declared account.
        RoleAssumable,
        /// AWS denies AssumeRole without the external ID, and with a random one.
        ExternalIdEnforced,
        /// AWS Organizations confirms `accountType`.
        AccountTypeVerified,
        /// Region, owner, list and (once there is something to read) get and decrypt work.
        BucketReadable,
        /// The report's definition exists and has the required settings.
        ReportConfigured,
        /// There is a complete delivery that is not older than `maxDeliveryAge`.
        ReportDelivered,
        /// No closed month within `history` is missing.
        HistoryComplete,
        /// The last probe wrote, read back and removed a test row.
        WarehouseReady,
        /// The newest version of every period is loaded.
        DataCurrent,
        /// The committed rows and sums equal those that an independent decoder read from the source.
        TotalsVerified,
        /// Advice: the role has no more permissions than it needs.
        PermissionsMinimal,
        /// Advice, only with `spec.metrics`: CloudWatch metrics can be listed.
        MetricsReadable,
        /// Advice: something in the spec works but should be replaced. Only present when True.
        Deprecated,
    }
}

impl ConditionType {
    /// True for `Ready`, `Reconciling` and `Stalled`, which summarise the other conditions.
    pub const fn is_summary(self) -> bool {
        matches!(self, Self::Ready | Self::Reconciling | Self::Stalled)
    }
}

vocabulary! {
    /// Why a condition has the status it has. Events and metrics carry the same names.
    Reason {
        // Summaries.
        /// Everything required works.
        Succeeded,
        /// A new generation is being checked.
        Progressing,
        /// A transient fault is being retried.
        ProgressingWithRetry,
        /// A bug made the operator fail on the object; its log has the details.
        InternalError,
        /// The object does not satisfy its own schema.
        InvalidSpec,
        // Identity and Secrets.
        /// The operator itself has no AWS credentials.
        NoBaseCredentials,
        /// The operator's own AWS credentials are refused.
        BaseCredentialsInvalid,
        /// The operator's own AWS credentials have expired.
        BaseCredentialsExpired,
        /// AWS refuses the web identity token of the operator's service account.
        WebIdentityRejected,
        /// The role lies in another AWS partition than the operator's identity.
        PartitionMismatch,
        /// No tenancy rule of the administrator allows this role in this namespace.
        RoleNotAllowedInNamespace,
        /// Another namespace uses the same external ID.
        ExternalIdReused,
        /// The Secret is missing, unlabelled or forbidden; the messages are equal on purpose.
        SecretNotUsable,
        /// The Secret has no such key.
        SecretKeyMissing,
        /// The external ID in the Secret is invalid.
        ExternalIdInvalid,
        /// The external ID in the Secret is empty.
        ExternalIdEmpty,
        /// The external ID in the Secret has white space at an end, most often a newline.
        ExternalIdWhitespace,
        /// The keys in the Secret are not an access key.
        AccessKeyInvalid,
        // AssumeRole.
        /// AssumeRole works and the caller is the declared account.
        RoleAssumed,
        /// AWS refused AssumeRole: role missing, trust policy or external ID.
        AssumeRoleDenied,
        /// AssumeRole worked before, is refused now, and the external-ID Secret changed in between.
        ExternalIdChanged,
        /// AssumeRole worked before and is refused now, with the same Secret: the role is gone or its trust changed.
        RoleRemovedOrTrustChanged,
        /// The operator's own policies do not let it call AssumeRole on the role.
        CallerMayNotAssume,
        /// A service or resource control policy of an organization refuses.
        OrganizationPolicyDenies,
        /// A VPC endpoint policy between the operator and AWS refuses.
        NetworkPolicyDenied,
        /// STS says that the role ARN is malformed.
        RoleArnRejected,
        /// The trust policy lacks sts:TagSession, which EKS Pod Identity needs.
        TagSessionDenied,
        /// STS is not active in that region for the account.
        StsRegionDisabled,
        /// The session belongs to another account than the declared one.
        WrongAccount,
        /// The role ARN's account and `accountId` differ.
        AccountIdMismatch,
        /// The account's own IAM-user keys work, and belong to the declared account.
        AccessKeyAccepted,
        /// AWS does not accept the account's IAM-user keys.
        AccessKeyRefused,
        /// The IAM user may not call GetFederationToken, so its Jobs can't get narrowed sessions.
        FederationDenied,
        /// The account is connected with the keys of an IAM user instead of a role.
        IamUserKeys,
        // External ID enforcement.
        /// Both probes were refused.
        Enforced,
        /// AssumeRole without any external ID succeeded.
        NotEnforced,
        /// AssumeRole with a random external ID succeeded.
        AnyValueAccepted,
        // Account type.
        /// AWS Organizations confirms the declared account type.
        Verified,
        /// Organizations agrees; the organization has consolidated billing only.
        ConsolidatedBillingOnly,
        /// Declared Management or Member, but the account is in no organization.
        NotInOrganization,
        /// Declared Management, but another account is.
        DeclaredManagementIsMember,
        /// Declared Member, but it is the management account.
        DeclaredMemberIsManagement,
        /// Declared Standalone, but it is in an organization.
        DeclaredStandaloneIsInOrganization,
        /// The role may not ask AWS Organizations, so the type is unverified.
        OrganizationReadDenied,
        // Bucket.
        /// Listing, and reading where there is something to read, work.
        Readable,
        /// Listing works; there is no manifest to read yet.
        ReadNotYetProvable,
        /// The report's bucket does not exist.
        BucketNotFound,
        /// The bucket lies in another region.
        BucketRegionMismatch,
        /// S3 in the bucket's region accepts no session of the account.
        BucketRegionNotEnabled,
        /// The bucket is not owned by the declared account.
        BucketOwnerMismatch,
        /// Listing under the prefix is refused.
        BucketListDenied,
        /// Reading an object is refused.
        ObjectReadDenied,
        /// The object's key may not be used to decrypt.
        KmsDecryptDenied,
        /// The object's key is disabled, pending deletion or gone.
        KmsKeyUnusable,
        /// The object was archived and must be restored first.
        ObjectArchived,
        /// The object is encrypted with a key that only its writer has (SSE-C).
        CustomerKeyEncrypted,
        /// The objects belong to another account than the bucket.
        ObjectOwnedByOther,
        /// The bucket or its account is disabled.
        BucketDisabled,
        /// The prefix repeats the report's name, which AWS adds by itself.
        PrefixIncludesReportName,
        /// The report lies one level above or below the declared prefix.
        PrefixOneLevelOff,
        // Report definition.
        /// The definition exists and has the required settings.
        Configured,
        /// No report definition or data export has this name.
        ReportNotFound,
        /// Legacy definitions may not be listed.
        LegacyApiDenied,
        /// Exports may not be listed.
        ExportListDenied,
        /// The export may not be read.
        ExportGetDenied,
        /// The definition delivers to another bucket, prefix or region.
        DestinationDiffers,
        /// Its format can't be ingested.
        FormatUnsupported,
        /// Its compression can't be ingested.
        CompressionUnsupported,
        /// The export selects from a table that can't be ingested.
        TableUnsupported,
        /// The export's query is not one this version reads.
        QueryUnreadable,
        /// The export's query leaves out columns that are needed.
        ColumnsMissing,
        /// The export's query gives needed columns other names.
        ColumnsRenamed,
        /// The definition is fine, but refunds and credits of closed months are not delivered.
        ClosedPeriodRefreshOff,
        /// The definition is fine, but the role may not list the export's executions.
        ExecutionListDenied,
        /// Monthly granularity: too coarse for daily costs.
        GranularityTooCoarse,
        /// The export's query leaves out rows (WHERE or LIMIT).
        ExportNotComplete,
        /// The definition leaves out resource ids.
        ResourceIdsMissing,
        /// A legacy definition and an export of that name both deliver there.
        ReportAmbiguous,
        /// The partition has no such billing API.
        BillingApiNotInPartition,
        // Delivery.
        /// A complete manifest is there.
        Delivered,
        /// Nothing delivered yet, within the grace time.
        AwaitingFirstDelivery,
        /// Nothing delivered yet, past the grace time.
        FirstDeliveryOverdue,
        /// The newest delivery is older than `maxDeliveryAge`.
        DeliveryStale,
        /// AWS says the export is unhealthy.
        ExportUnhealthy,
        /// AWS may not write the export to the bucket.
        ExportDeliveryDenied,
        /// The account moved to another payer, so the export no longer delivers.
        BillOwnerChanged,
        /// The export's table is no longer offered.
        ExportDeprecated,
        /// The export's newest execution failed.
        LastExecutionFailed,
        /// The bucket that the legacy report is delivered to is gone.
        DestinationBucketGone,
        /// AWS reports a delivery, but there is nothing at the bucket and prefix in the spec.
        DeliveredButNotHere,
        /// AWS says it could not deliver the legacy report.
        LegacyDeliveryFailed,
        /// The manifest is invalid.
        ManifestUnreadable,
        /// The manifest lists files that are not there.
        ManifestPartsMissing,
        /// A month has several manifests, and none is known to be the newest.
        ManifestAmbiguous,
        /// Files of a month were put after its manifest, and no newer manifest came.
        DeliveryUnfinished,
        // History.
        /// Every month within `history` was delivered.
        Complete,
        /// Some months within `history` were never delivered.
        MonthsMissing,
        // Warehouse.
        /// The probe wrote, committed, read and removed a test row.
        ProbeSucceeded,
        /// The namespace has no CostWarehouse with this name.
        WarehouseNotFound,
        /// The first probe has not finished yet.
        Probing,
        /// The probe could not write, read or commit.
        ProbeFailed,
        /// The store of the warehouse does not answer.
        WarehouseUnreachable,
        /// The store does not accept the warehouse's credentials.
        WarehouseAuthFailed,
        /// The warehouse's identity may not list, read, write or delete there.
        WarehouseDenied,
        /// The warehouse's bucket or folder does not exist.
        WarehousePlaceNotFound,
        /// The warehouse's bucket lies in another region than the warehouse names.
        WarehouseRegionMismatch,
        /// The store lets two writers create one key.
        UnsafeStore,
        /// The table exists with another schema.
        SchemaIncompatible,
        /// The named claim does not exist or is not bound.
        ClaimNotUsable,
        // Loading.
        /// The newest version of every period is loaded.
        Current,
        /// A load waits for its turn.
        Queued,
        /// A Job is loading.
        Loading,
        /// The Job failed, and is retried or waits for a change.
        JobFailed,
        /// The Job ran out of memory.
        OutOfMemory,
        /// No node can run the Job's pod.
        Unschedulable,
        /// A quota refuses the Job or its pod.
        QuotaExceeded,
        /// The image could not be pulled.
        ImagePullFailed,
        /// The data is not a bill that can be loaded exactly.
        ParseFailed,
        /// Rows of another payer or account than the declared one.
        PayerInDataDiffers,
        /// Another object owns this bill in this warehouse.
        DuplicateConnection,
        /// This release can't read what the warehouse's ledger says of the bill.
        LedgerUnreadable,
        /// The session policy would be longer than AWS allows.
        SessionPolicyTooLong,
        // Totals.
        /// Rows and sums agree.
        TotalsEqual,
        /// Rows or sums differ; nothing was committed.
        TotalsDiffer,
        // Advisories.
        /// The role has the permissions it needs, and no other important ones.
        Minimal,
        /// The role can write to or delete from the report's bucket.
        CanWriteBucket,
        /// The role can read other buckets.
        CanReadOtherBuckets,
        /// The role can do almost anything.
        AdministratorLike,
        /// The role may not look up its own permissions, so they are not checked.
        AuditDenied,
        /// CloudWatch metrics can be listed.
        MetricsListed,
        /// CloudWatch metrics may not be listed.
        MetricsDenied,
        /// The region of `spec.metrics` is not enabled for the account.
        MetricsRegionDisabled,
        // Shared by all layers, status Unknown.
        /// AWS throttles the call, so there is no verdict.
        Throttled,
        /// AWS can't be reached, or failed on its side.
        EndpointUnreachable,
        /// The clock differs from AWS's.
        ClockSkew,
        /// AWS returned an error that this version does not recognise.
        UnexpectedAnswer,
        /// The last verdict is older than 6 hours and could not be renewed.
        NotCheckedRecently,
        /// The condition was not checked yet.
        NotChecked,
        /// Not checked, because `RoleAssumable` is not True.
        BlockedByRole,
        /// Not checked, because `BucketReadable` is not True.
        BlockedByBucket,
        /// Not checked, because `ReportConfigured` is not True.
        BlockedByReport,
        /// Nothing was delivered, or the deliveries could not be checked.
        BlockedByDelivery,
        /// Nothing is loaded, because `WarehouseReady` is not True.
        BlockedByWarehouse,
        /// No month is loaded yet, so there is nothing to verify.
        BlockedByData,
        // Events that are no condition's reason.
        /// A load succeeded (an event's reason).
        Loaded,
        /// The object was deleted without removing its rows (an event's reason).
        PurgeSkipped,
        /// A purge removed the account's rows (an event's reason).
        Purged,
        /// Data files that a warehouse's table refers to are missing in its store.
        DataFilesGone,
        /// The operator created the Secret with an external ID (an event's reason).
        ExternalIdGenerated,
    }
}

impl Reason {
    /// True if the spec names a report or a place that AWS does not deliver. What a look at that place comes to follows
    /// from it: a role is allowed to list where its report lies, and nowhere else.
    pub const fn misnames_report(self) -> bool {
        matches!(self, Self::ReportNotFound | Self::DestinationDiffers)
    }
}

/// The status of a condition, as Kubernetes spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionStatus {
    /// The condition is fulfilled.
    True,
    /// The condition is certainly not fulfilled.
    False,
    /// It is not known whether the condition is fulfilled.
    Unknown,
}

impl ConditionStatus {
    /// The name as it stands in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::True, Self::False, Self::Unknown].into_iter().find(|status| status.as_str() == name)
    }
}
