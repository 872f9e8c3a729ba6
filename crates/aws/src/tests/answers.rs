//! What AWS puts on the wire → which fault. The bodies are spelled as each service's protocol spells them.

use std::{collections::HashMap, time::Duration};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use axum::{Router, http::StatusCode, response::IntoResponse};
use jiff::SignedDuration;
use tokio::net::TcpListener;

use super::{some_keys, some_session};
use crate::{
    Aws, AwsFault, Code, Detail, FaultClass, IamPermission, Operation, Sdk,
    model::{AccessKeys, AccountId, BucketName, Partition, Region, RoleArn},
    traits::{AssumeRole, BucketOwner, Delimiter, FederateUser, ListObjects, PermissionQuestion, ReadObject},
};

/// An answer of AWS's.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: String,
}

/// Serves one answer to everything, on a free port, until the runtime ends.
pub(super) async fn serve(answer: Answer) -> String {
    let respond = move || {
        let answer = answer.clone();
        async move {
            let status = StatusCode::from_u16(answer.status).expect("a status");
            let headers: HashMap<String, String> = answer
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let headers = axum::http::HeaderMap::try_from(&headers).expect("headers");
            (status, headers, answer.body).into_response()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(respond)).await });
    url
}

fn role() -> RoleArn {
    "arn:aws:iam::111122223333:role/awscost".parse().expect("a role")
}

/// Makes one call of each kind and gives the fault it ends in.
pub(super) async fn call(aws: &Aws, operation: Operation) -> Result<(), AwsFault> {
    let session = some_session();
    let region: Region = "eu-west-1".parse().expect("a region");
    let bucket: BucketName = "acme-billing".parse().expect("a bucket");
    let owner: AccountId = "111122223333".parse().expect("an account");
    match operation {
        Operation::GetCallerIdentity => aws.identity.base_caller().await.map(drop),
        Operation::AssumeRole => {
            let request = AssumeRole {
                role: &role(),
                external_id: None,
                session_name: "awscost-check",
                duration: SignedDuration::from_hours(1),
                policy: None,
                region: &region,
            };
            aws.identity.assume_role(request).await.map(drop)
        }
        Operation::DescribeOrganization => {
            aws.organizations.membership(&session, Partition::Aws).await.map(drop)
        }
        Operation::DescribeReportDefinitions => {
            aws.catalog.legacy_definitions(&session, Partition::Aws).await.map(drop)
        }
        Operation::ListExports => aws.catalog.exports(&session, Partition::Aws).await.map(drop),
        Operation::GetExport => {
            let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/acme-1";
            aws.catalog.export(&session, Partition::Aws, arn).await.map(drop)
        }
        Operation::ListBucket => {
            let request = ListObjects {
                bucket: &bucket,
                region: &region,
                owner: BucketOwner::Expected(&owner),
                prefix: "cur/acme/",
                delimiter: Delimiter::Slash,
                limit: 10,
            };
            aws.buckets.list(&session, request).await.map(drop)
        }
        Operation::GetObject => {
            let request =
                ReadObject { bucket: &bucket, region: &region, owner: &owner, key: "k", range: Some(0..1) };
            aws.buckets.read(&session, request).await.map(drop)
        }
        Operation::GetBucketOwnershipControls => {
            aws.buckets.ownership(&session, &bucket, &region, &owner).await.map(drop)
        }
        Operation::GetFederationToken => {
            let keys = AccessKeys::parse(b"AKIAEXAMPLEEXAMPLE01", b"secret").expect("keys");
            let request = FederateUser {
                keys: &keys,
                name: "awscost-ingest",
                duration: SignedDuration::from_hours(1),
                policy: "{}",
                region: &region,
            };
            aws.identity.federate(request).await.map(drop)
        }
        Operation::ListAccounts => aws.organizations.accounts(&session, Partition::Aws).await.map(drop),
        Operation::ListExecutions => {
            let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/acme-1";
            aws.catalog.last_execution(&session, Partition::Aws, arn).await.map(drop)
        }
        Operation::SimulatePrincipalPolicy => {
            let question =
                PermissionQuestion { action: "s3:PutObject", resource: "arn:aws:s3:::b/*".to_owned() };
            aws.audit.simulate(&session, &role(), &[question]).await.map(drop)
        }
        Operation::ListMetrics => aws.metrics.can_list(&session, &region).await,
    }
}

async fn fault(operation: Operation, answer: Answer) -> AwsFault {
    let url = serve(answer).await;
    let aws = Sdk::for_endpoint(&url, some_keys()).aws();
    call(&aws, operation).await.expect_err("an error answer")
}

fn sts(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    );
    Answer { status, headers: &[("content-type", "text/xml")], body }
}

fn json(status: u16, code: &str) -> Answer {
    let body = format!("{{\"__type\":\"{code}\",\"Message\":\"no\"}}");
    Answer { status, headers: &[("content-type", "application/x-amz-json-1.1")], body }
}

fn s3(status: u16, code: &str, rest: &str) -> Answer {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code>{rest}<RequestId>r</RequestId></Error>");
    Answer { status, headers: &[("content-type", "application/xml")], body }
}

#[tokio::test]
async fn sts_errors() {
    for (status, code, message, expected, class, detail) in [
        (
            403,
            "AccessDenied",
            "not authorized to perform: sts:AssumeRole",
            Code::AccessDenied,
            FaultClass::Denied,
            Detail::None,
        ),
        (
            403,
            "AccessDenied",
            "not authorized to perform: sts:TagSession",
            Code::AccessDenied,
            FaultClass::Denied,
            Detail::None,
        ),
        (
            403,
            "AccessDenied",
            "not authorized to perform: sts:TagSession because no permissions boundary allows the sts:TagSession action",
            Code::AccessDenied,
            FaultClass::Denied,
            Detail::PermissionsBoundary,
        ),
        (400, "ValidationError", "", Code::ValidationError, FaultClass::Invalid, Detail::None),
        (
            400,
            "MalformedPolicyDocument",
            "",
            Code::MalformedPolicyDocument,
            FaultClass::Invalid,
            Detail::None,
        ),
        (400, "PackedPolicyTooLarge", "", Code::PackedPolicyTooLarge, FaultClass::Invalid, Detail::None),
        (403, "RegionDisabledException", "", Code::RegionDisabled, FaultClass::Denied, Detail::None),
        (403, "ExpiredToken", "", Code::ExpiredToken, FaultClass::Credentials, Detail::None),
        (403, "InvalidClientTokenId", "", Code::InvalidClientToken, FaultClass::Credentials, Detail::None),
        (
            403,
            "SignatureDoesNotMatch",
            "",
            Code::SignatureDoesNotMatch,
            FaultClass::Credentials,
            Detail::None,
        ),
        (400, "Throttling", "", Code::Throttling, FaultClass::Throttled, Detail::None),
        (400, "RequestLimitExceeded", "", Code::Throttling, FaultClass::Throttled, Detail::None),
        (403, "OptInRequired", "", Code::OptInRequired, FaultClass::Denied, Detail::None),
        (503, "ServiceUnavailable", "", Code::ServiceUnavailable, FaultClass::Transient, Detail::None),
        (500, "InternalFailure", "", Code::InternalFailure, FaultClass::Transient, Detail::None),
        (418, "Teapot", "", Code::Unexpected, FaultClass::Unexpected, Detail::None),
        (403, "SomethingNew", "", Code::AccessDenied, FaultClass::Denied, Detail::None),
    ] {
        let fault = fault(Operation::AssumeRole, sts(status, code, message)).await;
        assert_eq!((fault.code, fault.class, fault.detail), (expected, class, detail), "{code} {message}");
        assert_eq!(fault.operation, Operation::AssumeRole);
        let tagging = message.contains("sts:TagSession").then_some(IamPermission::TagSession);
        assert_eq!(fault.lacks, tagging, "{message}");
    }
}

#[tokio::test]
async fn json_errors() {
    use Operation::{DescribeOrganization, DescribeReportDefinitions, GetExport, ListExports};
    for (operation, status, code, expected, class) in [
        (DescribeOrganization, 400, "AccessDeniedException", Code::AccessDenied, FaultClass::Denied),
        (DescribeOrganization, 400, "TooManyRequestsException", Code::Throttling, FaultClass::Throttled),
        (DescribeOrganization, 500, "ServiceException", Code::InternalFailure, FaultClass::Transient),
        (DescribeReportDefinitions, 400, "AccessDeniedException", Code::AccessDenied, FaultClass::Denied),
        (
            DescribeReportDefinitions,
            500,
            "InternalErrorException",
            Code::InternalFailure,
            FaultClass::Transient,
        ),
        (ListExports, 400, "AccessDeniedException", Code::AccessDenied, FaultClass::Denied),
        (ListExports, 400, "ThrottlingException", Code::Throttling, FaultClass::Throttled),
        (ListExports, 400, "ValidationException", Code::ValidationError, FaultClass::Invalid),
        (GetExport, 400, "ResourceNotFoundException", Code::ResourceNotFound, FaultClass::NotFound),
        (GetExport, 400, "UnrecognizedClientException", Code::InvalidClientToken, FaultClass::Credentials),
        (GetExport, 400, "ExpiredTokenException", Code::ExpiredToken, FaultClass::Credentials),
    ] {
        let fault = fault(operation, json(status, code)).await;
        assert_eq!((fault.code, fault.class), (expected, class), "{operation} {code}");
    }
}

#[tokio::test]
async fn an_account_in_no_organization_is_an_answer() {
    let url = serve(json(400, "AWSOrganizationsNotInUseException")).await;
    let aws = Sdk::for_endpoint(&url, some_keys()).aws();
    assert_eq!(call(&aws, Operation::DescribeOrganization).await, Ok(()));
}

#[tokio::test]
async fn s3_errors() {
    use Operation::{GetObject, ListBucket};
    let kms = "<Message>User is not authorized to perform: kms:Decrypt on resource: arn</Message>";
    let kms_scp = "<Message>User is not authorized to perform: kms:Decrypt on resource: arn with an explicit deny in a service control policy</Message>";
    let token =
        "<Message>The provided token is malformed or otherwise invalid.</Message><Token-0>canary</Token-0>";
    for (operation, status, code, rest, expected, class, detail) in [
        (ListBucket, 404, "NoSuchBucket", "", Code::NoSuchBucket, FaultClass::NotFound, Detail::None),
        (ListBucket, 403, "AccessDenied", "", Code::AccessDenied, FaultClass::Denied, Detail::None),
        (ListBucket, 403, "AllAccessDisabled", "", Code::AllAccessDisabled, FaultClass::Denied, Detail::None),
        (ListBucket, 503, "SlowDown", "", Code::Throttling, FaultClass::Throttled, Detail::None),
        (ListBucket, 500, "InternalError", "", Code::InternalFailure, FaultClass::Transient, Detail::None),
        (
            ListBucket,
            403,
            "RequestTimeTooSkewed",
            "",
            Code::RequestTimeTooSkewed,
            FaultClass::ClockSkew,
            Detail::None,
        ),
        (ListBucket, 400, "ExpiredToken", "", Code::ExpiredToken, FaultClass::Credentials, Detail::None),
        (GetObject, 404, "NoSuchKey", "", Code::NoSuchKey, FaultClass::NotFound, Detail::None),
        (GetObject, 403, "AccessDenied", kms, Code::AccessDenied, FaultClass::Denied, Detail::None),
        (
            GetObject,
            403,
            "AccessDenied",
            kms_scp,
            Code::AccessDenied,
            FaultClass::Denied,
            Detail::OrganizationPolicy,
        ),
        (
            ListBucket,
            400,
            "InvalidToken",
            token,
            Code::InvalidClientToken,
            FaultClass::Credentials,
            Detail::None,
        ),
        (GetObject, 400, "KMS.DisabledException", "", Code::KmsDisabled, FaultClass::Invalid, Detail::None),
        (GetObject, 400, "KMS.NotFoundException", "", Code::KmsNotFound, FaultClass::Invalid, Detail::None),
        (
            GetObject,
            400,
            "KMS.KMSInvalidStateException",
            "",
            Code::KmsInvalidState,
            FaultClass::Invalid,
            Detail::None,
        ),
        (
            GetObject,
            403,
            "InvalidObjectState",
            "",
            Code::InvalidObjectState,
            FaultClass::Invalid,
            Detail::None,
        ),
        (
            GetObject,
            412,
            "PreconditionFailed",
            "",
            Code::PreconditionFailed,
            FaultClass::Transient,
            Detail::None,
        ),
        (GetObject, 416, "InvalidRange", "", Code::InvalidRange, FaultClass::Transient, Detail::None),
        (GetObject, 400, "InvalidRequest", "", Code::CustomerKeyNeeded, FaultClass::Invalid, Detail::None),
        (ListBucket, 400, "InvalidRequest", "", Code::Unexpected, FaultClass::Unexpected, Detail::None),
    ] {
        let fault = fault(operation, s3(status, code, rest)).await;
        assert_eq!((fault.code, fault.class, fault.detail), (expected, class, detail), "{operation} {code}");
        assert_eq!(fault.region, None);
        assert_eq!(fault.lacks, rest.contains("kms:Decrypt").then_some(IamPermission::KmsDecrypt), "{rest}");
    }
}

#[tokio::test]
async fn a_wrong_region_says_the_right_one() {
    let header = Answer {
        headers: &[("x-amz-bucket-region", "us-west-2")],
        ..s3(301, "PermanentRedirect", "<Bucket>acme-billing</Bucket>")
    };
    let body = s3(400, "AuthorizationHeaderMalformed", "<Region>us-west-2</Region>");
    for (answer, expected) in [(header, Code::PermanentRedirect), (body, Code::AuthorizationHeaderMalformed)]
    {
        let fault = fault(Operation::ListBucket, answer).await;
        assert_eq!((fault.code, fault.class), (expected, FaultClass::Invalid));
        assert_eq!(fault.region, "us-west-2".parse().ok());
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_unexpected_and_no_panic() {
    for (status, body) in [(200, "not XML"), (200, ""), (403, ""), (500, "<html>proxy</html>")] {
        let answer = Answer { status, headers: &[], body: body.to_owned() };
        for operation in
            [Operation::AssumeRole, Operation::GetCallerIdentity, Operation::DescribeOrganization]
        {
            let fault = fault(operation, answer.clone()).await;
            let expected = match status {
                403 => FaultClass::Denied,
                500 => FaultClass::Transient,
                _ => FaultClass::Unexpected,
            };
            assert_eq!(fault.class, expected, "{operation} {status} {body:?}");
        }
    }
}

#[tokio::test]
async fn what_never_reaches_aws() {
    // Bound and dropped: nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let aws = Sdk::for_endpoint(&url, some_keys()).aws();
    for operation in [Operation::AssumeRole, Operation::ListBucket, Operation::DescribeReportDefinitions] {
        let fault = call(&aws, operation).await.expect_err("nobody answers");
        assert_eq!((fault.code, fault.class), (Code::ConnectionFailed, FaultClass::Unreachable));
    }

    // Accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}", silent.local_addr().expect("it is bound"));
    let aws = Sdk::for_endpoint(&url, some_keys()).aws();
    let started = std::time::Instant::now();
    let fault = call(&aws, Operation::GetCallerIdentity).await.expect_err("nobody answers");
    assert_eq!((fault.code, fault.class), (Code::TimedOut, FaultClass::Unreachable));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// A credential chain that ends in an error.
#[derive(Debug)]
struct NoKeys(fn() -> CredentialsError);

impl ProvideCredentials for NoKeys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err::<Credentials, _>((self.0)()))
    }
}

#[tokio::test]
async fn credentials_that_can_not_be_had() {
    let table: [(fn() -> CredentialsError, Code); 4] = [
        (|| CredentialsError::not_loaded("none"), Code::NoCredentials),
        (|| CredentialsError::invalid_configuration("loop"), Code::CredentialsMisconfigured),
        (|| CredentialsError::provider_error("no such file"), Code::CredentialsMisconfigured),
        (|| CredentialsError::provider_timed_out(Duration::from_secs(5)), Code::TimedOut),
    ];
    let url = serve(sts(200, "unused", "")).await;
    for (error, expected) in table {
        let aws = Sdk::for_endpoint(&url, NoKeys(error)).aws();
        let fault = call(&aws, Operation::GetCallerIdentity).await.expect_err("no credentials");
        assert_eq!(fault.code, expected);
    }
}

#[tokio::test]
async fn a_session_client_has_no_credentials_of_its_own_to_fall_back_on() {
    let url = serve(sts(403, "AccessDenied", "")).await;
    let sdk = Sdk::for_endpoint(&url, some_keys());
    assert!(sdk.base.credentials_provider().is_some());
    assert!(sdk.without_credentials.credentials_provider().is_none());
}

#[test]
fn a_fault_says_what_failed_and_nothing_of_awss() {
    let fault = AwsFault {
        lacks: Some(IamPermission::KmsDecrypt),
        region: "us-west-2".parse().ok(),
        ..AwsFault::new(Operation::GetObject, Code::AccessDenied)
    };
    let shown = "s3:GetObject failed: AccessDenied (kms:Decrypt) (the bucket is in us-west-2)";
    assert_eq!(fault.to_string(), shown);
}

#[test]
fn no_spelling_stands_for_two_codes() {
    for code in Code::ALL {
        assert!(
            code.as_str().chars().all(|character| character.is_ascii_alphanumeric()),
            "{code}: a metric label"
        );
    }
}
