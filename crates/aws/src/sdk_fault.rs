//! SDK errors → [`AwsFault`]. The only place that sees AWS's text and request ids, and the only one that logs them.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{AwsFault, Code, Detail, IamPermission, Operation};
use crate::model::Region;

/// The fault behind an SDK error.
pub(crate) fn from_sdk<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> AwsFault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let fault = classify_error(operation, error);
    log_fault(&fault, error);
    fault
}

/// The fault of an answer that lacks what it must have, or that this version can't read.
pub(crate) fn malformed_answer(operation: Operation, what: &'static str) -> AwsFault {
    tracing::debug!(%operation, what, "a required field is missing in AWS's answer");
    AwsFault::new(operation, Code::Unexpected)
}

/// The fault of a body that broke off while it was read.
pub(crate) fn not_readable(operation: Operation, error: &dyn Error) -> AwsFault {
    tracing::debug!(%operation, error = %chain_text(error), "a response body broke off");
    AwsFault::new(operation, Code::ConnectionFailed)
}

fn classify_error<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> AwsFault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => AwsFault::new(operation, Code::TimedOut),
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => not_sent(operation, error),
        SdkError::ResponseError(context) => AwsFault::new(operation, by_status(context.raw())),
        SdkError::ServiceError(context) => answered_fault(operation, context.err(), context.raw()),
        _ => AwsFault::new(operation, Code::Unexpected),
    }
}

/// Nothing of AWS's answered: no credentials to sign with, or no connection.
fn not_sent<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> AwsFault
where
    E: Error + 'static,
{
    if let Some(problem) = find_source::<CredentialsError>(error) {
        return AwsFault::new(operation, credentials_code(problem));
    }
    let code = match error {
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Code::TimedOut,
        SdkError::DispatchFailure(_) => Code::ConnectionFailed,
        _ => Code::Unexpected,
    };
    AwsFault::new(operation, code)
}

/// Why the credential chain gave nothing.
fn credentials_code(problem: &CredentialsError) -> Code {
    type WebIdentity = SdkError<AssumeRoleWithWebIdentityError, HttpResponse>;
    match problem {
        // No provider of the chain had any: nothing is configured, which differs from something that fails.
        CredentialsError::CredentialsNotLoaded(_) => Code::NoCredentials,
        CredentialsError::ProviderTimedOut(_) => Code::TimedOut,
        CredentialsError::InvalidConfiguration(_) => Code::CredentialsMisconfigured,
        _ => match find_source::<WebIdentity>(problem) {
            Some(SdkError::ServiceError(context)) => match context.err().code().and_then(Code::from_wire) {
                // The trust policy of the operator's own role refuses its token.
                Some(Code::AccessDenied | Code::WebIdentityRejected) => Code::WebIdentityRejected,
                Some(code) => code,
                None => by_status(context.raw()),
            },
            Some(SdkError::TimeoutError(_)) => Code::TimedOut,
            Some(SdkError::DispatchFailure(_)) => Code::ConnectionFailed,
            _ => Code::CredentialsMisconfigured,
        },
    }
}

/// AWS answered with an error.
fn answered_fault<E: ProvideErrorMetadata>(operation: Operation, error: &E, raw: &HttpResponse) -> AwsFault {
    let code = match error.code() {
        // S3's word for an object that needs its writer's own key (docs/aws-facts.md 9). Elsewhere it may mean
        // anything.
        Some("InvalidRequest") if operation == Operation::GetObject => Code::CustomerKeyNeeded,
        known => known.and_then(Code::from_wire).unwrap_or_else(|| by_status(raw)),
    };
    let message = error.message().unwrap_or_default();
    // Texts are read only to tell denials apart: their wording changes, so nothing else depends on it
    // (docs/aws-facts.md 1.4).
    let (detail, lacks) = match code {
        Code::AccessDenied => (fault_detail(message), lacking_permission(operation, message)),
        _ => (Detail::None, None),
    };
    let s3 = matches!(
        operation,
        Operation::ListBucket | Operation::GetObject | Operation::GetBucketOwnershipControls
    );
    let region = if s3 { bucket_region(raw) } else { None };
    AwsFault { detail, lacks, region, ..AwsFault::new(operation, code) }
}

/// Which policy refused, where AWS's text says so, whatever permission it was. Its wording varies, so only the kind's name
/// is looked for.
fn fault_detail(message: &str) -> Detail {
    let kinds = [
        ("service control policy", Detail::OrganizationPolicy),
        ("resource control policy", Detail::OrganizationPolicy),
        ("VPC endpoint policy", Detail::EndpointPolicy),
        ("permissions boundary", Detail::PermissionsBoundary),
        ("session policy", Detail::SessionPolicy),
        ("identity-based policy", Detail::IdentityPolicy),
    ];
    kinds.into_iter().find(|(name, _)| message.contains(name)).map_or(Detail::None, |(_, detail)| detail)
}

/// The permission that AWS's text speaks of, if it is another than the call's own.
fn lacking_permission(operation: Operation, message: &str) -> Option<IamPermission> {
    let other = match operation {
        Operation::AssumeRole => IamPermission::TagSession,
        Operation::GetObject => IamPermission::KmsDecrypt,
        _ => return None,
    };
    message.contains(other.as_str()).then_some(other)
}

/// A code from the HTTP status alone, for answers without a body we know.
fn by_status(raw: &HttpResponse) -> Code {
    match raw.status().as_u16() {
        301 | 307 => Code::PermanentRedirect,
        // A proxy or VPC endpoint may refuse with a page of its own, which has no AWS code.
        401 | 403 => Code::AccessDenied,
        408 => Code::TimedOut,
        412 => Code::PreconditionFailed,
        416 => Code::InvalidRange,
        429 => Code::Throttling,
        503 => Code::ServiceUnavailable,
        500..=599 => Code::InternalFailure,
        _ => Code::Unexpected,
    }
}

/// Where S3 says the bucket is: its header, else the `<Region>` of the error body (docs/aws-facts.md 9).
fn bucket_region(raw: &HttpResponse) -> Option<Region> {
    if let Some(region) = raw.headers().get("x-amz-bucket-region") {
        return region.parse().ok();
    }
    let body = std::str::from_utf8(raw.body().bytes()?).ok()?;
    let (_, rest) = body.split_once("<Region>")?;
    rest.split_once("</Region>")?.0.parse().ok()
}

fn log_fault<E>(fault: &AwsFault, error: &SdkError<E, HttpResponse>)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let header = |name| error.raw_response().and_then(|raw| raw.headers().get(name));
    let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).unwrap_or_default();
    let service = error.as_service_error();
    let wire_code = service.and_then(ProvideErrorMetadata::code).unwrap_or_default();
    // STS repeats refused parameters in its messages ("Value '…' at 'externalId' …"), so its text is never kept.
    let text = match (fault.operation, service) {
        (Operation::AssumeRole | Operation::GetCallerIdentity | Operation::GetFederationToken, _) => {
            String::new()
        }
        (_, Some(service)) => service.message().unwrap_or_default().to_owned(),
        (_, None) => chain_text(error),
    };
    tracing::debug!(operation = %fault.operation, code = %fault.code, wire_code, request_id, text, "a call to AWS failed");
}

/// The first error of type `T` in the chain of causes, the error itself included.
fn find_source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        next = current.source();
    }
    None
}

fn chain_text(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_its_policy_and_permission_if_aws_does() {
        use IamPermission::{KmsDecrypt, TagSession};
        use Operation::{AssumeRole, GetObject, ListBucket};
        let head = "User: arn:aws:sts::1:assumed-role/op/s is not authorized to perform:";
        let own = "because no identity-based policy allows the";
        let boundary = "because no permissions boundary allows the";
        for (operation, action, tail, expected, beside) in [
            (AssumeRole, "sts:AssumeRole", "", Detail::None, None),
            (AssumeRole, "sts:TagSession", "", Detail::None, Some(TagSession)),
            (AssumeRole, "sts:AssumeRole", own, Detail::IdentityPolicy, None),
            (AssumeRole, "sts:TagSession", own, Detail::IdentityPolicy, Some(TagSession)),
            (AssumeRole, "sts:AssumeRole", boundary, Detail::PermissionsBoundary, None),
            (AssumeRole, "sts:TagSession", boundary, Detail::PermissionsBoundary, Some(TagSession)),
            (
                AssumeRole,
                "sts:TagSession",
                "because no session policy allows the",
                Detail::SessionPolicy,
                Some(TagSession),
            ),
            (
                AssumeRole,
                "sts:AssumeRole",
                "with an explicit deny in a service control policy",
                Detail::OrganizationPolicy,
                None,
            ),
            (
                AssumeRole,
                "sts:TagSession",
                "with an explicit deny in a service control policy",
                Detail::OrganizationPolicy,
                Some(TagSession),
            ),
            (
                AssumeRole,
                "sts:AssumeRole",
                "with an explicit deny in a resource control policy",
                Detail::OrganizationPolicy,
                None,
            ),
            (
                AssumeRole,
                "sts:TagSession",
                "because no VPC endpoint policy allows the",
                Detail::EndpointPolicy,
                Some(TagSession),
            ),
            (
                ListBucket,
                "s3:ListBucket",
                "because no VPC endpoint policy allows the",
                Detail::EndpointPolicy,
                None,
            ),
            (GetObject, "kms:Decrypt", own, Detail::IdentityPolicy, Some(KmsDecrypt)),
            (
                GetObject,
                "kms:Decrypt",
                "with an explicit deny in a service control policy",
                Detail::OrganizationPolicy,
                Some(KmsDecrypt),
            ),
            (ListBucket, "s3:ListBucket", "", Detail::None, None),
        ] {
            let message =
                format!("{head} {action} on resource: arn:aws:iam::2:role/r {tail} {action} action");
            assert_eq!(
                (fault_detail(&message), lacking_permission(operation, &message)),
                (expected, beside),
                "{message}"
            );
        }
    }
}
