//! What S3's faults mean to a load, as our own sentences with the cure in them.

use super::{
    super::{AwsFault, Code, Detail, FaultClass, Operation},
    BucketAccess,
};
use crate::{
    model::Reason,
    report::{SourceFault, StoreFault},
};

/// The fault of a listing or of reading a manifest.
pub(super) fn store_fault(key: &str, fault: &AwsFault, access: &BucketAccess) -> StoreFault {
    let (reason, problem) = explain_fault(key, fault, access);
    if may_pass(fault) {
        StoreFault::Transient { reason, problem }
    } else {
        StoreFault::Refused { reason, problem }
    }
}

/// The fault of reading a data file.
pub(super) fn source_fault(key: &str, fault: &AwsFault, access: &BucketAccess) -> SourceFault {
    let key = key.to_owned();
    match fault.code {
        Code::PreconditionFailed | Code::InvalidRange | Code::NoSuchKey => SourceFault::Changed { key },
        _ => {
            let (_, problem) = explain_fault(&key, fault, access);
            if may_pass(fault) {
                SourceFault::Transient { key, problem }
            } else {
                SourceFault::Denied { key, problem }
            }
        }
    }
}

/// True if trying again may help. A session that was waited for in vain may yet be renewed.
fn may_pass(fault: &AwsFault) -> bool {
    !fault.class.is_conclusive() || fault.code == Code::ExpiredToken
}

fn explain_fault(key: &str, fault: &AwsFault, access: &BucketAccess) -> (Reason, String) {
    let bucket = &access.bucket;
    match (fault.code, fault.class) {
        (Code::NoSuchBucket, _) => (Reason::BucketNotFound, format!("there is no bucket {bucket}")),
        (code, _) if code.is_of_another_region() => {
            let there = fault.region.as_ref().map_or_else(
                || "another region: give its own with --region".to_owned(),
                |region| format!("{region}: give --region {region}"),
            );
            (Reason::BucketRegionMismatch, format!("bucket {bucket} is in {there}"))
        }
        (Code::KmsNotFound | Code::KmsDisabled | Code::KmsInvalidState, _) => {
            (Reason::KmsKeyUnusable, format!("the KMS key of {key} is disabled, pending deletion or gone"))
        }
        (Code::InvalidObjectState, _) => (
            Reason::ObjectArchived,
            format!("{key} is archived: restore it, and keep reports out of archive tiers"),
        ),
        (Code::AllAccessDisabled | Code::AccountProblem, _) => {
            (Reason::BucketDisabled, format!("AWS has disabled bucket {bucket} or an account it deals with"))
        }
        (Code::CustomerKeyNeeded, _) => (
            Reason::CustomerKeyEncrypted,
            format!("{key} is encrypted with a key that only its writer has: deliver reports without SSE-C"),
        ),
        (_, FaultClass::Denied) => explain_denial(key, fault, access),
        (Code::NoCredentials, _) => {
            (Reason::NoBaseCredentials, "there are no AWS credentials to read the bucket with".to_owned())
        }
        (Code::ExpiredToken, _) => {
            (Reason::BaseCredentialsExpired, "the session expired and was not renewed in time".to_owned())
        }
        (Code::InvalidClientToken, _) => not_taken(access),
        (_, FaultClass::Credentials) => {
            (Reason::BaseCredentialsInvalid, "AWS refuses the credentials themselves".to_owned())
        }
        (_, FaultClass::Throttled) => (Reason::Throttled, format!("S3 asks to read {bucket} more slowly")),
        (_, FaultClass::ClockSkew) => {
            (Reason::ClockSkew, "this machine's clock differs from AWS's".to_owned())
        }
        (code, _) => (Reason::EndpointUnreachable, format!("S3 could not serve bucket {bucket} ({code})")),
    }
}

/// S3 rejects the key or its token. A Job's session comes from STS, so only the region can be wrong; with a person's own
/// credentials it may be either.
fn not_taken(access: &BucketAccess) -> (Reason, String) {
    let region = access.region.as_ref().map_or_else(|| "the bucket's region".to_owned(), ToString::to_string);
    match access.session {
        Some(_) => (
            Reason::BucketRegionNotEnabled,
            format!(
                "S3 in {region} does not take the session of this load: most often that region is not enabled for the \
                 account that reads; if it is, the session is of an STS endpoint whose sessions are not valid there"
            ),
        ),
        None => (
            Reason::BaseCredentialsInvalid,
            format!(
                "S3 does not take the credentials: they are unknown, inactive or without their session token, or {region} \
                 is not enabled for their account"
            ),
        ),
    }
}

fn explain_denial(key: &str, fault: &AwsFault, access: &BucketAccess) -> (Reason, String) {
    let bucket = &access.bucket;
    let or_owner = access
        .owner
        .as_ref()
        .map(|owner| format!(", unless the bucket is not account {owner}'s"))
        .unwrap_or_default();
    let permission = fault.permission();
    match (fault.operation, fault.detail, fault.lacks) {
        (_, Detail::OrganizationPolicy, _) => (
            Reason::OrganizationPolicyDenies,
            format!(
                "a control policy of the organization refuses {permission} in bucket {bucket}: its administrators can allow it"
            ),
        ),
        (_, Detail::EndpointPolicy, _) => (
            Reason::NetworkPolicyDenied,
            format!(
                "the VPC endpoint on the way to S3 refuses {permission} in bucket {bucket}: allow it in the endpoint's policy"
            ),
        ),
        (_, _, Some(_)) => (
            Reason::KmsDecryptDenied,
            format!(
                "{key} may not be decrypted: allow {permission} on the bucket's key, in its key policy too"
            ),
        ),
        (Operation::ListBucket, ..) => (
            Reason::BucketListDenied,
            format!("listing {key} is refused: allow s3:ListBucket on arn:aws:s3:::{bucket}{or_owner}"),
        ),
        _ => (
            Reason::ObjectReadDenied,
            format!("reading {key} is refused: allow s3:GetObject on arn:aws:s3:::{bucket}/*{or_owner}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> BucketAccess {
        BucketAccess {
            bucket: "acme-billing".parse().expect("a bucket"),
            region: None,
            owner: "111111111111".parse().ok(),
            session: None,
        }
    }

    #[test]
    fn the_region_is_named_where_s3_says_it() {
        let mut fault = AwsFault::new(Operation::ListBucket, Code::PermanentRedirect);
        fault.region = "eu-west-1".parse().ok();
        let StoreFault::Refused { reason, problem } = store_fault("cur/", &fault, &access()) else {
            panic!("a wrong region is no passing fault");
        };
        assert_eq!(reason, Reason::BucketRegionMismatch);
        assert!(problem.contains("--region eu-west-1"), "{problem}");
    }

    #[test]
    fn a_refusal_from_above_sends_nobody_to_the_roles_policy() {
        for (detail, expected, place) in [
            (Detail::OrganizationPolicy, Reason::OrganizationPolicyDenies, "organization"),
            (Detail::EndpointPolicy, Reason::NetworkPolicyDenied, "VPC endpoint"),
        ] {
            for operation in [Operation::ListBucket, Operation::GetObject] {
                let fault = AwsFault { detail, ..AwsFault::new(operation, Code::AccessDenied) };
                let StoreFault::Refused { reason, problem } = store_fault("cur/", &fault, &access()) else {
                    panic!("a refusal is no passing fault");
                };
                assert_eq!(reason, expected, "{operation}");
                assert!(problem.contains(place) && problem.contains(operation.as_str()), "{problem}");
            }
        }
    }

    #[test]
    fn a_session_that_s3_alone_does_not_take_speaks_of_the_region() {
        let fault = AwsFault::new(Operation::ListBucket, Code::InvalidClientToken);
        let in_a_job = BucketAccess {
            region: "ca-west-1".parse().ok(),
            session: Some(crate::SessionDirectory::new("/nowhere")),
            ..access()
        };
        for (access, expected) in
            [(in_a_job, Reason::BucketRegionNotEnabled), (access(), Reason::BaseCredentialsInvalid)]
        {
            let StoreFault::Refused { reason, problem } = store_fault("cur/", &fault, &access) else {
                panic!("neither passes by itself");
            };
            assert_eq!(reason, expected);
            assert!(problem.contains("is not enabled for"), "{problem}");
        }
    }

    #[test]
    fn what_changed_what_is_refused_and_what_passes() {
        let of = |code| source_fault("k", &AwsFault::new(Operation::GetObject, code), &access());
        for code in [Code::PreconditionFailed, Code::InvalidRange, Code::NoSuchKey] {
            assert!(matches!(of(code), SourceFault::Changed { .. }), "{code}");
        }
        for code in [Code::AccessDenied, Code::KmsDisabled, Code::InvalidObjectState, Code::NoCredentials] {
            assert!(matches!(of(code), SourceFault::Denied { .. }), "{code}");
        }
        for code in [Code::Throttling, Code::ConnectionFailed, Code::InternalFailure, Code::ExpiredToken] {
            assert!(matches!(of(code), SourceFault::Transient { .. }), "{code}");
        }
    }
}
