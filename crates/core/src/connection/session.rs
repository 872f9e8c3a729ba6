//! Sessions in the account, however it is reached: over its role, or with the keys of its IAM user.

use jiff::SignedDuration;

use super::{ExternalIdInUse, NextExternalId, RoleAccess, Target, TargetAccess};
use crate::{
    aws::{
        Aws, AwsFault, FaultClass, Session,
        traits::{AssumeRole, FederateUser},
    },
    model::policy::{Policy, Statement},
};

/// AWS's cap on sessions of chained roles, and so the longest that works everywhere (docs/aws-facts.md 1.3).
const LENGTH: SignedDuration = SignedDuration::from_hours(1);

/// What a session of an IAM user gets for the checks: AWS gives a federated session only what both the user and such a
/// policy allow, and nothing without one (docs/aws-facts.md 1.8).
fn checks_policy() -> String {
    let calls = vec![
        "organizations:DescribeOrganization",
        "cur:DescribeReportDefinitions",
        "bcm-data-exports:ListExports",
        "bcm-data-exports:GetExport",
        "bcm-data-exports:ListExecutions",
        "s3:ListBucket",
        "s3:GetBucketOwnershipControls",
        "cloudwatch:ListMetrics",
    ];
    Policy::of(vec![Statement::allow_unnamed(calls, vec!["*".into()])]).to_json()
}

/// What a session is for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// The session's name, which the account's owner sees in CloudTrail.
    pub name: &'static str,
    /// The policy that narrows it.
    pub policy: Option<&'a str>,
}

/// A session, and which external ID opened it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// Which external ID; `None` for keys and for a role without one.
    pub in_use: Option<ExternalIdInUse>,
}

/// Opens a session. During a rotation the next external ID is tried first, and the current one as long as it is needed.
///
/// # Errors
/// The fault of the last attempt.
pub async fn open(aws: &Aws, target: &Target, purpose: Purpose<'_>) -> Result<Opened, AwsFault> {
    match &target.access {
        TargetAccess::Role(access) => assume(aws, target, access, purpose).await,
        TargetAccess::Keys(keys) => {
            let checks = checks_policy();
            let request = FederateUser {
                keys,
                name: purpose.name,
                duration: LENGTH,
                policy: purpose.policy.unwrap_or(&checks),
                region: &target.sts_region,
            };
            let session = aws.identity.federate(request).await?;
            Ok(Opened { session, in_use: None })
        }
    }
}

async fn assume(
    aws: &Aws,
    target: &Target,
    access: &RoleAccess,
    purpose: Purpose<'_>,
) -> Result<Opened, AwsFault> {
    let with = |external_id| AssumeRole {
        role: &access.role,
        external_id: Some(external_id),
        session_name: purpose.name,
        duration: LENGTH,
        policy: purpose.policy,
        region: &target.sts_region,
    };
    if let NextExternalId::Usable(next) = &access.next_external_id {
        match aws.identity.assume_role(with(next)).await {
            Ok(session) => return Ok(Opened { session, in_use: Some(ExternalIdInUse::Next) }),
            Err(fault) if fault.class == FaultClass::Denied => {}
            Err(fault) => return Err(fault),
        }
    }
    let session = aws.identity.assume_role(with(&access.external_id)).await?;
    Ok(Opened { session, in_use: Some(ExternalIdInUse::Current) })
}
