//! What this program asks of AWS: narrow traits, no SDK type in a signature.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{AwsFault, Session};
use crate::model::{AccessKeys, AccountId, BucketName, ExternalId, Partition, Region, RoleArn};

/// The traits as one value to hand around.
#[derive(Clone)]
pub struct Aws {
    /// STS: sessions, and whose they are.
    pub identity: Arc<dyn StsApi>,
    /// AWS Organizations: membership and lists of accounts.
    pub organizations: Arc<dyn OrganizationsApi>,
    /// The two billing report APIs.
    pub catalog: Arc<dyn ReportCatalog>,
    /// S3, for checks: listings and small reads.
    pub buckets: Arc<dyn BucketProbe>,
    /// IAM, asked about the session's own role.
    pub audit: Arc<dyn PermissionAudit>,
    /// CloudWatch: whether metrics can be listed.
    pub metrics: Arc<dyn MetricsApi>,
}

/// Who calls, and becoming someone else.
#[async_trait]
pub trait StsApi: Send + Sync {
    /// The operator's own identity (`sts:GetCallerIdentity`), asked of its own region's STS.
    async fn base_caller(&self) -> Result<Caller, AwsFault>;

    /// Assumes a role with the operator's own identity (`sts:AssumeRole`).
    async fn assume_role(&self, request: AssumeRole<'_>) -> Result<Session, AwsFault>;

    /// The identity of a session (`sts:GetCallerIdentity`); needs no permission.
    async fn session_caller(&self, session: &Session, region: &Region) -> Result<Caller, AwsFault>;

    /// Whose the keys of an IAM user are (`sts:GetCallerIdentity`).
    async fn keys_caller(&self, keys: &AccessKeys, region: &Region) -> Result<Caller, AwsFault>;

    /// A session with what the keys' user and the policy both allow (`sts:GetFederationToken`).
    async fn federate(&self, request: FederateUser<'_>) -> Result<Session, AwsFault>;
}

/// Whether the session's account is in an organization.
#[async_trait]
pub trait OrganizationsApi: Send + Sync {
    /// `organizations:DescribeOrganization`, which any member account may call.
    async fn membership(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<OrganizationMembership, AwsFault>;

    /// `organizations:ListAccounts`, which only the management account and delegated administrators may call.
    async fn accounts(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<OrganizationAccount>, AwsFault>;
}

/// Report definitions of the session's account, in both of AWS's APIs for them.
#[async_trait]
pub trait ReportCatalog: Send + Sync {
    /// All legacy definitions (`cur:DescribeReportDefinitions`, pages followed).
    async fn legacy_definitions(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<LegacyDefinition>, AwsFault>;

    /// All data exports by name (`bcm-data-exports:ListExports`, pages followed).
    async fn exports(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<ExportReference>, AwsFault>;

    /// One data export whole (`bcm-data-exports:GetExport`).
    async fn export(
        &self,
        session: &Session,
        partition: Partition,
        arn: &str,
    ) -> Result<ExportDefinition, AwsFault>;

    /// The newest execution of a data export that has ended (`bcm-data-exports:ListExecutions`); `None` before the first.
    async fn last_execution(
        &self,
        session: &Session,
        partition: Partition,
        arn: &str,
    ) -> Result<Option<ExportExecution>, AwsFault>;
}

/// Bounded looks into a bucket. GET and LIST only: HEAD has no error body to tell causes apart by.
#[async_trait]
pub trait BucketProbe: Send + Sync {
    /// At most `limit` entries under a prefix (`s3:ListBucket`).
    async fn list(&self, session: &Session, request: ListObjects<'_>) -> Result<Listing, AwsFault>;

    /// One range of an object (`s3:GetObject`), or the whole of it; refused past [`MAX_READ`] bytes.
    /// A missing key is `NoSuchKey`, even if S3 says AccessDenied because the session may not list all keys.
    async fn read(&self, session: &Session, request: ReadObject<'_>) -> Result<ObjectRead, AwsFault>;

    /// Who owns what others write to a bucket (`s3:GetBucketOwnershipControls`).
    async fn ownership(
        &self,
        session: &Session,
        bucket: &BucketName,
        region: &Region,
        owner: &AccountId,
    ) -> Result<ObjectOwnership, AwsFault>;
}

/// What the session's own role may do, asked without doing it.
#[async_trait]
pub trait PermissionAudit: Send + Sync {
    /// For each question, whether the role's policies allow it (`iam:SimulatePrincipalPolicy` of the role on itself).
    async fn simulate(
        &self,
        session: &Session,
        role: &RoleArn,
        questions: &[PermissionQuestion],
    ) -> Result<Vec<bool>, AwsFault>;
}

/// CloudWatch of the session's account.
#[async_trait]
pub trait MetricsApi: Send + Sync {
    /// Whether metrics can be listed in a region (`cloudwatch:ListMetrics`); that there are none is fine.
    async fn can_list(&self, session: &Session, region: &Region) -> Result<(), AwsFault>;
}

/// The most bytes a [`BucketProbe::read`] returns: manifests are far smaller.
pub const MAX_READ: u64 = 16 * 1024 * 1024;

/// What STS says of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account that the caller belongs to.
    pub account: AccountId,
    /// The caller's ARN: a session's, unless the environment names the operator's own role.
    pub arn: String,
}

impl Caller {
    /// The role's name, if the ARN is a session's, which lacks the role's path (docs/aws-facts.md 1.2).
    pub fn assumed_role(&self) -> Option<&str> {
        let (_, resource) = self.arn.rsplit_once(':')?;
        resource.strip_prefix("assumed-role/")?.split('/').next()
    }
}

/// The input of [`StsApi::assume_role`].
#[derive(Debug, Clone)]
pub struct AssumeRole<'a> {
    /// The role to assume.
    pub role: &'a RoleArn,
    /// The external ID to send, or none at all.
    pub external_id: Option<&'a ExternalId>,
    /// The session's name, which the account's owner sees in CloudTrail.
    pub session_name: &'static str,
    /// The session's length; at most an hour, the cap on role chaining.
    pub duration: SignedDuration,
    /// A policy that narrows the session (JSON).
    pub policy: Option<&'a str>,
    /// The region whose STS is asked.
    pub region: &'a Region,
}

/// The input of [`StsApi::federate`].
#[derive(Debug, Clone)]
pub struct FederateUser<'a> {
    /// The IAM user's keys.
    pub keys: &'a AccessKeys,
    /// The federated user's name, which the account's owner sees in CloudTrail.
    pub name: &'static str,
    /// How long the session is valid.
    pub duration: SignedDuration,
    /// The policy of the session (JSON): without one it could do nothing.
    pub policy: &'a str,
    /// The region whose STS is asked.
    pub region: &'a Region,
}

/// Whether an account is in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationMembership {
    /// In none: its own payer.
    Standalone,
    /// In the organization of this management account, which may be itself.
    InOrganization {
        /// The organization's management account, which pays for all members.
        management: AccountId,
        /// What the organization is for.
        features: OrganizationFeatures,
    },
}

/// What an organization is for (`FeatureSet`, docs/aws-facts.md 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationFeatures {
    /// Policies and consolidated billing, or a value AWS added later.
    All,
    /// Only consolidated billing, without policies.
    ConsolidatedBilling,
}

/// An account of an organization. Its name is personal data: never logged, and `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// The account's 12-digit id.
    pub id: AccountId,
    /// Its name, empty where there is none.
    pub name: String,
    /// Whether the account is in use.
    pub state: OrganizationAccountState,
}

impl fmt::Debug for OrganizationAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrganizationAccount({}, {:?})", self.id, self.state)
    }
}

/// How an account of an organization stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrganizationAccountState {
    /// The account is in use.
    Active,
    /// Suspended, closed or about to be.
    Ending,
    /// Not yet in use, or a value AWS added later.
    Other,
}

/// How fine a report's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportGranularity {
    /// One row an hour.
    Hourly,
    /// One row a day.
    Daily,
    /// One row a month.
    Monthly,
    /// A value AWS added later.
    Other,
}

impl ReportGranularity {
    /// From AWS's word in either API.
    pub fn from_name(name: &str) -> Self {
        match name {
            "HOURLY" => Self::Hourly,
            "DAILY" => Self::Daily,
            "MONTHLY" => Self::Monthly,
            _ => Self::Other,
        }
    }
}

/// Where AWS delivers a report, exactly as AWS says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportDestination {
    /// The bucket's name, unchecked.
    pub bucket: String,
    /// The prefix, empty for none.
    pub prefix: String,
    /// The bucket's region, unchecked.
    pub region: String,
    /// The bucket's owner, where it was named.
    pub owner: Option<String>,
}

/// A definition of the legacy Cost and Usage Report API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyDefinition {
    /// Its name, unique in the account.
    pub name: String,
    /// How fine its rows are.
    pub granularity: ReportGranularity,
    /// `textORcsv` or `Parquet`, as AWS spells it.
    pub format: String,
    /// `GZIP`, `ZIP` or `Parquet`, as AWS spells it.
    pub compression: String,
    /// True if rows carry resource ids.
    pub resource_ids: bool,
    /// True if refunds and credits of closed months are delivered too; absent where the definition does not say.
    pub refreshes_closed: Option<bool>,
    /// Where it is delivered.
    pub destination: ReportDestination,
    /// What AWS says of its last delivery; absent before the first.
    pub delivery: Option<LegacyDelivery>,
}

/// AWS's word on the last delivery of a legacy report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyDelivery {
    /// The last delivery's result, as AWS reports it.
    pub status: LegacyDeliveryStatus,
}

/// How the last delivery of a legacy report went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyDeliveryStatus {
    /// The last delivery succeeded.
    Success,
    /// The bucket's policy keeps AWS out.
    PermissionsError,
    /// The bucket is gone.
    NoBucket,
    /// A value AWS added later, or none.
    Other,
}

/// A data export as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportReference {
    /// The ARN, with which the definition is read.
    pub arn: String,
    /// Its name, unique in the account.
    pub name: String,
}

/// A data export whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportDefinition {
    /// The export's ARN.
    pub arn: String,
    /// The export's name, unique in the account.
    pub name: String,
    /// The query: one SELECT.
    pub query: String,
    /// Properties by table, as strings (`TIME_GRANULARITY` → `HOURLY`).
    pub properties: BTreeMap<String, BTreeMap<String, String>>,
    /// `TEXT_OR_CSV` or `PARQUET`, as AWS spells it.
    pub format: String,
    /// `GZIP`, `ZIP` or `PARQUET`, as AWS spells it.
    pub compression: String,
    /// Where it is delivered.
    pub destination: ReportDestination,
    /// AWS's word on it.
    pub health: ExportHealth,
    /// When it was last generated; absent before the first delivery.
    pub refreshed_at: Option<Timestamp>,
}

/// AWS's word on a data export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportHealth {
    /// AWS reports no problem.
    Healthy,
    /// It can't be delivered.
    Unhealthy(ExportIllness),
    /// A value AWS added later, or none.
    Other,
}

/// Why an export is unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportIllness {
    /// The bucket's policy keeps AWS out, or the bucket is gone.
    InsufficientPermission,
    /// The account moved to another payer: the export must be created again.
    BillOwnerChanged,
    /// A failure on AWS's side.
    InternalFailure,
    /// Its table is no longer offered.
    Deprecated,
    /// A value AWS added later, or none.
    Other,
}

/// One execution of a data export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportExecution {
    /// How the execution ended.
    pub end: ExecutionEnd,
    /// Why it failed, where AWS says so.
    pub illness: Option<ExportIllness>,
}

/// How an execution of a data export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionEnd {
    /// The files were delivered to the bucket.
    Delivered,
    /// The export's query failed, so there are no files.
    QueryFailed,
    /// It could not be written to the bucket.
    DeliveryFailed,
}

/// Who owns what others write to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectOwnership {
    /// The bucket's owner, always.
    BucketOwner,
    /// Whoever writes it may be its owner.
    Writer,
}

/// Whether a role may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionQuestion {
    /// The action, such as `s3:PutObject`.
    pub action: &'static str,
    /// The ARN it would be done to.
    pub resource: String,
}

/// Which owner a bucket must have for a call to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketOwner<'a> {
    /// This one; AWS refuses the call otherwise.
    Expected(&'a AccountId),
    /// Any: only for telling a wrong owner from a missing permission. What it returns must not be used.
    Any,
}

/// The input of [`BucketProbe::list`].
#[derive(Debug, Clone, Copy)]
pub struct ListObjects<'a> {
    /// The bucket to list.
    pub bucket: &'a BucketName,
    /// The region it should be in.
    pub region: &'a Region,
    /// The owner it should have.
    pub owner: BucketOwner<'a>,
    /// The prefix; session policies allow listing only under the report's own.
    pub prefix: &'a str,
    /// Folds what lies below the next `/` into [`Listing::folders`].
    pub delimiter: Delimiter,
    /// The most entries wanted; pages are followed up to it.
    pub limit: usize,
}

/// Whether a listing goes into folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// One level, by `/`.
    Slash,
    /// All levels below the prefix.
    None,
}

/// The output of [`BucketProbe::list`]: one level or all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Objects directly under the prefix (all levels without a delimiter).
    pub objects: Vec<ObjectSummary>,
    /// Common prefixes, each with its trailing `/`.
    pub folders: Vec<String>,
    /// True if there was more than the limit.
    pub truncated: bool,
}

/// One object of a listing, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSummary {
    /// The object's key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag as S3 gives it, quotes and all: opaque.
    pub etag: String,
    /// When it was last written.
    pub last_modified: Timestamp,
}

/// The input of [`BucketProbe::read`].
#[derive(Debug, Clone)]
pub struct ReadObject<'a> {
    /// The bucket to read from.
    pub bucket: &'a BucketName,
    /// The region it should be in.
    pub region: &'a Region,
    /// The owner it must have.
    pub owner: &'a AccountId,
    /// The key of the object to read.
    pub key: &'a str,
    /// The range wanted, or all of it.
    pub range: Option<Range<u64>>,
}

/// The output of [`BucketProbe::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRead {
    /// The bytes of the requested range.
    pub bytes: Bytes,
    /// The object's ETag as S3 gives it.
    pub etag: String,
    /// When it was last written.
    pub last_modified: Timestamp,
}
