//! BucketReadable: what a Job will read can be read with exactly the rights a Job will have.

use std::slice;

use jiff::Timestamp;

use super::{
    super::{Elsewhere, Facts, Finding, ManifestRead, Standing, Target},
    clue, policy_elsewhere, report,
};
use crate::{
    aws::{
        AwsFault, Code, FaultClass, IamPermission,
        session_policy::{SessionPolicyTooLong, SessionScope, build},
        traits::ObjectOwnership,
    },
    model::{ConditionType::BucketReadable, Reason, ReportLocation},
};

/// The policy that narrows ingest sessions of a target: the looks' and the Jobs' alike.
///
/// # Errors
/// [`SessionPolicyTooLong`] if prefix and name are too long for one.
pub fn session_policy(target: &Target, report: &ReportLocation) -> Result<String, SessionPolicyTooLong> {
    build(&SessionScope {
        partition: target.partition(),
        bucket: &report.bucket,
        region: &report.region,
        key_roots: slice::from_ref(&report.key_root()),
    })
}

pub(in crate::connection) fn check(
    facts: &Facts,
    target: &Target,
    report: &ReportLocation,
    now: Timestamp,
) -> Finding {
    if let Err(problem) = session_policy(target, report) {
        return fail(Reason::SessionPolicyTooLong, format!("For s3://{}: {problem}.", report.bucket));
    }
    match facts.ingest_session.standing(now) {
        Standing::Known(()) => {}
        Standing::Refused(fault) => return session_refused(fault, target),
        standing => return Finding::inconclusive(BucketReadable, &standing),
    }
    match facts.listing.standing(now) {
        Standing::Known(_) => {}
        Standing::Refused(fault) => return list_refused(fault, facts, target, report, now),
        standing => return Finding::inconclusive(BucketReadable, &standing),
    }
    let root = format!("s3://{}/{}", report.bucket, report.key_root());
    match facts.manifest.standing(now) {
        Standing::Known(ManifestRead::Readable { .. }) => {
            Finding::pass(BucketReadable, Reason::Readable, format!("{root} can be listed and read."))
        }
        Standing::Known(ManifestRead::NoneYet) => misplaced(facts, report, now).unwrap_or_else(|| {
            Finding::pass(
                BucketReadable,
                Reason::ReadNotYetProvable,
                format!("{root} can be listed. There is no manifest yet to prove reading with."),
            )
        }),
        Standing::Refused(fault) => read_refused(fault, facts, target, report, now),
        standing => Finding::inconclusive(BucketReadable, &standing),
    }
}

/// The report lies one level off, or may do so for all that is known, unless AWS's own definition says that it is to be
/// delivered just where declared.
fn misplaced(facts: &Facts, report: &ReportLocation, now: Timestamp) -> Option<Finding> {
    if report::delivers_as_declared(facts, report) {
        return None;
    }
    let elsewhere = match facts.elsewhere.standing(now) {
        Standing::Known(Some(elsewhere)) => elsewhere,
        standing @ (Standing::Doubtful(_) | Standing::Outdated) => {
            return Some(Finding::inconclusive(BucketReadable, &standing));
        }
        Standing::Known(None) | Standing::Refused(_) | Standing::NotLooked => return None,
    };
    let named = |prefix: &str| {
        if prefix.is_empty() { "an empty prefix".to_owned() } else { format!("the prefix {prefix}") }
    };
    let (bucket, declared) = (&report.bucket, report.prefix.as_str());
    Some(match elsewhere {
        Elsewhere::PrefixIncludesName { prefix } => fail(
            Reason::PrefixIncludesReportName,
            format!(
                "spec.report.bucket.prefix {declared} ends in the report's name, which AWS adds by itself: {bucket} has the \
                 report under {}. Set spec.report.bucket.prefix to that.",
                named(prefix)
            ),
        ),
        Elsewhere::OneLevelOff { prefix } => fail(
            Reason::PrefixOneLevelOff,
            format!(
                "There is nothing under s3://{bucket}/{}, but {bucket} has a report {} under {}. Set \
                 spec.report.bucket.prefix to that.",
                report.key_root(),
                report.name,
                named(prefix)
            ),
        ),
    })
}

/// The role can be assumed, but not with the narrowing policy.
fn session_refused(fault: &AwsFault, target: &Target) -> Finding {
    if fault.code == Code::PackedPolicyTooLarge {
        return fail(
            Reason::SessionPolicyTooLong,
            format!(
                "AWS finds the session policy for account {} too large once packed. Shorten the report's prefix or name.",
                target.account
            ),
        );
    }
    Finding::doubtful(BucketReadable, &fault.clone().inconclusive())
}

fn list_refused(
    fault: &AwsFault,
    facts: &Facts,
    target: &Target,
    report: &ReportLocation,
    now: Timestamp,
) -> Finding {
    let (bucket, role) = (&report.bucket, target.actor());
    if let Some(finding) = policy_elsewhere(BucketReadable, fault, target, bucket.as_str()) {
        return finding;
    }
    match (fault.code, fault.class) {
        (Code::AllAccessDisabled | Code::AccountProblem, _) => disabled(report),
        (Code::NoSuchBucket, _) => fail(
            Reason::BucketNotFound,
            format!(
                "There is no bucket {bucket}. Correct spec.report.bucket.name to the bucket the report is delivered to."
            ),
        ),
        (code, _) if code.is_of_another_region() => wrong_region(fault, report),
        (Code::InvalidClientToken, _) => region_not_enabled(target, report),
        (_, FaultClass::Denied) => match facts.listing_any_owner.standing(now) {
            Standing::Known(()) => fail(
                Reason::BucketOwnerMismatch,
                format!(
                    "{bucket} is not owned by account {}. If it is your bucket, set spec.report.bucket.ownerAccountId to \
                     its owner; if not, somebody else holds a bucket of that name: correct spec.report.bucket.name.",
                    report.owner
                ),
            ),
            _ => fail(
                Reason::BucketListDenied,
                format!(
                    "{role} may not list {bucket} under {root}.{clue} Allow it s3:ListBucket on arn:{partition}:s3:::{bucket} \
                     with s3:prefix {root}*, and check the bucket's own policy, that account {owner} owns the bucket, and \
                     organization and VPC endpoint policies.",
                    root = report.key_root(),
                    clue = clue(fault),
                    partition = target.partition().as_str(),
                    owner = report.owner
                ),
            ),
        },
        _ => Finding::doubtful(BucketReadable, &fault.clone().inconclusive()),
    }
}

fn wrong_region(fault: &AwsFault, report: &ReportLocation) -> Finding {
    let bucket = &report.bucket;
    let message = match &fault.region {
        Some(actual) => format!(
            "{bucket} is in {actual}, not in {}. Set spec.report.bucket.region: {actual}.",
            report.region
        ),
        None => format!(
            "{bucket} is not in {}. Set spec.report.bucket.region to the bucket's own region.",
            report.region
        ),
    };
    fail(Reason::BucketRegionMismatch, message)
}

/// S3 alone does not take the session that STS has just given: what a region answers that is not enabled, or one whose S3
/// takes no sessions of STS's global endpoint (docs/aws-facts.md 1.5, 9).
fn region_not_enabled(target: &Target, report: &ReportLocation) -> Finding {
    let region = &report.region;
    fail(
        Reason::BucketRegionNotEnabled,
        format!(
            "S3 in {region} does not take the session that STS has just given. Most often {region} is not enabled for \
             account {}: enable it there (Account, AWS Regions), or have the report delivered to a bucket of another region. If \
             it is enabled, set AWS_ENDPOINT_URL_STS, where it is set, to a region's own endpoint: sessions of the global one \
             are not valid there.",
            target.account
        ),
    )
}

fn disabled(report: &ReportLocation) -> Finding {
    fail(
        Reason::BucketDisabled,
        format!(
            "AWS has disabled access to {}, or the account that owns it ({}). Its owner has to settle that with AWS Support.",
            report.bucket, report.owner
        ),
    )
}

fn read_refused(
    fault: &AwsFault,
    facts: &Facts,
    target: &Target,
    report: &ReportLocation,
    now: Timestamp,
) -> Finding {
    let role = target.actor();
    let objects = format!("{}/{}*", report.bucket_arn(target.partition()), report.key_root());
    if let Some(finding) = policy_elsewhere(BucketReadable, fault, target, report.bucket.as_str()) {
        return finding;
    }
    match (fault.code, fault.class) {
        (Code::AllAccessDisabled | Code::AccountProblem, _) => disabled(report),
        (Code::AccessDenied, _) if fault.lacks == Some(IamPermission::KmsDecrypt) => fail(
            Reason::KmsDecryptDenied,
            format!(
                "{role} may read {objects}, but not decrypt it.{} Allow it kms:Decrypt on the bucket's key, in its own policy \
                 and in the key's policy (through S3 is enough: kms:ViaService).",
                clue(fault)
            ),
        ),
        (Code::KmsDisabled | Code::KmsNotFound | Code::KmsInvalidState, _) => fail(
            Reason::KmsKeyUnusable,
            format!(
                "The key that {objects} is encrypted with is disabled, pending deletion or gone. Enable it again, or have the \
                 report delivered again under another key."
            ),
        ),
        (Code::InvalidObjectState, _) => fail(
            Reason::ObjectArchived,
            format!(
                "The newest manifest under {objects} is archived. Restore it, and exclude the report from the bucket's \
                 lifecycle rules and archive tiers."
            ),
        ),
        (Code::CustomerKeyNeeded, _) => fail(
            Reason::CustomerKeyEncrypted,
            format!(
                "{objects} is encrypted with a key that only its writer has (SSE-C). Have it written with SSE-S3 or SSE-KMS."
            ),
        ),
        (code, _) if code.is_of_another_region() => wrong_region(fault, report),
        (_, FaultClass::Denied) => {
            let refused = object_refused(facts.ownership.standing(now), &role, &objects, report);
            Finding { message: format!("{}{}", refused.message, clue(fault)), ..refused }
        }
        _ => Finding::doubtful(BucketReadable, &fault.clone().inconclusive()),
    }
}

/// A plain refusal to read: an object that another account wrote is not the bucket's to grant.
fn object_refused(
    ownership: Standing<'_, ObjectOwnership>,
    role: &str,
    objects: &str,
    report: &ReportLocation,
) -> Finding {
    match ownership {
        Standing::Known(ObjectOwnership::Writer) => fail(
            Reason::ObjectOwnedByOther,
            format!(
                "{role} may list the report but not read it, and objects in {} belong to whoever writes them. Set the \
                 bucket's object ownership to BucketOwnerEnforced, and see that {role} is allowed s3:GetObject on {objects}.",
                report.bucket
            ),
        ),
        Standing::Known(ObjectOwnership::BucketOwner) => fail(
            Reason::ObjectReadDenied,
            format!(
                "{role} may list the report but not read it. Allow it s3:GetObject on {objects}, in its own policy and, if \
                 another account owns the bucket, in the bucket's."
            ),
        ),
        _ => fail(
            Reason::ObjectReadDenied,
            format!(
                "{role} may list the report but not read it. Allow it s3:GetObject on {objects}; if that is allowed, the \
                 objects may belong to another account: set the bucket's object ownership to BucketOwnerEnforced."
            ),
        ),
    }
}

fn fail(reason: Reason, message: String) -> Finding {
    Finding::fail(BucketReadable, reason, message)
}
