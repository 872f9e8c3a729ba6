//! SDK errors → [`AwsFault`]. The only place that sees AWS's text and request ids, and the only one that logs them.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{AwsFault, Code, Detail, Operation};
use crate::model::Region;

/// The fault behind an SDK error.
pub(in crate::aws) fn from_sdk<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> AwsFault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let fault = classify(operation, error);
    log(&fault, error);
    fault
}

/// The fault of an answer that lacks what it must have, or that this version can't read.
pub(in crate::aws) fn malformed(operation: Operation, what: &'static str) -> AwsFault {
    tracing::debug!(%operation, what, "AWS answered without what its answer must have");
    AwsFault::new(operation, Code::Unexpected)
}

/// The fault of a body that broke off while it was read.
pub(in crate::aws) fn not_readable(operation: Operation, error: &dyn Error) -> AwsFault {
    tracing::debug!(%operation, error = %chain(error), "a response body broke off");
    AwsFault::new(operation, Code::ConnectionFailed)
}

fn classify<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> AwsFault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => AwsFault::new(operation, Code::TimedOut),
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => not_sent(operation, error),
        SdkError::ResponseError(context) => AwsFault::new(operation, by_status(context.raw())),
        SdkError::ServiceError(context) => answered(operation, context.err(), context.raw()),
        _ => AwsFault::new(operation, Code::Unexpected),
    }
}

/// Nothing of AWS's answered: no credentials to sign with, or no connection.
fn not_sent<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> AwsFault
where
    E: Error + 'static,
{
    if let Some(problem) = find::<CredentialsError>(error) {
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
        CredentialsError::CredentialsNotLoaded(_) => Code::NoCredentials,
        CredentialsError::ProviderTimedOut(_) => Code::TimedOut,
        CredentialsError::InvalidConfiguration(_) => Code::CredentialsMisconfigured,
        _ => match find::<WebIdentity>(problem) {
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
fn answered<E: ProvideErrorMetadata>(operation: Operation, error: &E, raw: &HttpResponse) -> AwsFault {
    let code = match error.code() {
        // S3's word for an object that needs its writer's own key (docs/aws-facts.md 9). Elsewhere it may mean
        // anything.
        Some("InvalidRequest") if operation == Operation::GetObject => Code::CustomerKeyNeeded,
        known => known.and_then(Code::from_wire).unwrap_or_else(|| by_status(raw)),
    };
    let detail = match code {
        Code::AccessDenied => detail(operation, error.message().unwrap_or_default()),
        _ => Detail::None,
    };
    let s3 = matches!(
        operation,
        Operation::ListBucket | Operation::GetObject | Operation::GetBucketOwnershipControls
    );
    let region = if s3 { bucket_region(raw) } else { None };
    AwsFault { detail, region, ..AwsFault::new(operation, code) }
}

/// Which policy refused, where AWS's text says so. Its wording varies, so only the kind's name is looked for.
fn detail(operation: Operation, message: &str) -> Detail {
    let says = |text: &str| message.contains(text);
    if operation == Operation::AssumeRole && says("sts:TagSession") {
        Detail::TagSession
    } else if says("service control policy") || says("resource control policy") {
        Detail::OrganizationPolicy
    } else if says("VPC endpoint policy") {
        Detail::EndpointPolicy
    } else if operation == Operation::GetObject && says("kms:Decrypt") {
        Detail::KmsDecrypt
    } else if says("identity-based policy") || says("permissions boundary") || says("session policy") {
        Detail::IdentityPolicy
    } else {
        Detail::None
    }
}

/// A code from the HTTP status alone, for answers without a body we know.
fn by_status(raw: &HttpResponse) -> Code {
    match raw.status().as_u16() {
        301 | 307 => Code::PermanentRedirect,
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

fn log<E>(fault: &AwsFault, error: &SdkError<E, HttpResponse>)
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
        (_, None) => chain(error),
    };
    tracing::debug!(operation = %fault.operation, code = %fault.code, wire_code, request_id, text, "a call to AWS failed");
}

/// The first error of type `T` in the chain of causes, the error itself included.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        next = current.source();
    }
    None
}

fn chain(error: &dyn Error) -> String {
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
    fn a_refusal_tells_which_policy_refused_where_it_says_so() {
        let head = "User: arn:aws:sts::1:assumed-role/op/s is not authorized to perform:";
        for (operation, tail, expected) in [
            (Operation::AssumeRole, "sts:AssumeRole on resource: arn:aws:iam::2:role/r", Detail::None),
            (Operation::AssumeRole, "sts:TagSession on resource: arn:aws:iam::2:role/r", Detail::TagSession),
            (
                Operation::AssumeRole,
                "sts:AssumeRole on resource: r because no identity-based policy allows the sts:AssumeRole action",
                Detail::IdentityPolicy,
            ),
            (
                Operation::AssumeRole,
                "sts:AssumeRole on resource: r with an explicit deny in a service control policy",
                Detail::OrganizationPolicy,
            ),
            (
                Operation::AssumeRole,
                "sts:AssumeRole on resource: r with an explicit deny in a resource control policy",
                Detail::OrganizationPolicy,
            ),
            (
                Operation::ListBucket,
                "s3:ListBucket on resource: b because no VPC endpoint policy allows the s3:ListBucket action",
                Detail::EndpointPolicy,
            ),
            (
                Operation::GetObject,
                "kms:Decrypt on resource: k because no identity-based policy allows the kms:Decrypt action",
                Detail::KmsDecrypt,
            ),
            (Operation::ListBucket, "s3:ListBucket on resource: b", Detail::None),
        ] {
            assert_eq!(detail(operation, &format!("{head} {tail}")), expected, "{tail}");
        }
    }
}
