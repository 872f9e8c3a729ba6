//! How answers look on the wire: AWS's Query/XML protocol for STS, IAM and CloudFormation, JSON 1.1 for the billing services and
//! Organizations, CBOR for CloudWatch.

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use s3s::Body;
use serde_json::{Map, Value, json};

use crate::auth::Refusal;
use crate::cloudwatch;

/// The services of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Sts,
    S3,
    Cur,
    DataExports,
    Organizations,
    Iam,
    CloudWatch,
    CloudFormation,
}

impl Service {
    /// The service of that signing name.
    pub fn of_scope(name: &str) -> Option<Self> {
        [
            Self::Sts,
            Self::S3,
            Self::Cur,
            Self::DataExports,
            Self::Organizations,
            Self::Iam,
            Self::CloudWatch,
            Self::CloudFormation,
        ]
        .into_iter()
        .find(|s| s.name() == name)
    }

    /// The service that an `X-Amz-Target` belongs to, with the operation.
    pub fn of_target(target: &str) -> Option<(Self, &str)> {
        let (service, operation) = target.split_once('.')?;
        let service = match service {
            "AWSOrigamiServiceGatewayService" => Self::Cur,
            "AWSBillingAndCostManagementDataExports" => Self::DataExports,
            "AWSOrganizationsV20161128" => Self::Organizations,
            _ => return None,
        };
        Some((service, operation))
    }

    /// The name in credential scopes, in fault rules and in the call log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::S3 => "s3",
            Self::Cur => "cur",
            Self::DataExports => "bcm-data-exports",
            Self::Organizations => "organizations",
            Self::Iam => "iam",
            Self::CloudWatch => "monitoring",
            Self::CloudFormation => "cloudformation",
        }
    }

    /// True for the services of the Query protocol: forms in, XML out.
    pub fn speaks_query(self) -> bool {
        matches!(self, Self::Sts | Self::Iam | Self::CloudFormation)
    }

    /// Services that live in one region take no other in the signature.
    pub fn home_region(self) -> Option<&'static str> {
        match self {
            Self::Sts | Self::S3 | Self::CloudWatch | Self::CloudFormation => None,
            Self::Cur | Self::DataExports | Self::Organizations | Self::Iam => Some("us-east-1"),
        }
    }

    /// The service's own throttling error.
    pub fn throttled(self) -> Failure {
        match self {
            Self::Sts | Self::Iam | Self::CloudFormation => Failure::new(400, "Throttling", "Rate exceeded"),
            Self::S3 => Failure::new(503, "SlowDown", "Please reduce your request rate."),
            Self::Cur | Self::DataExports | Self::CloudWatch => {
                Failure::new(400, "ThrottlingException", "Rate exceeded")
            }
            Self::Organizations => Failure::new(
                400,
                "TooManyRequestsException",
                "AWS Organizations can't complete your request because another request is already in progress. Try again later.",
            ),
        }
    }

    /// How the service words a caller that it does not believe.
    pub fn refusal(self, refusal: &Refusal) -> Failure {
        let invalid_token = "The security token included in the request is invalid.";
        let expired_token = "The security token included in the request is expired";
        match (self, refusal) {
            (Self::S3, Refusal::Unsigned) => Failure::new(403, "AccessDenied", "Access Denied"),
            (Self::S3, Refusal::UnknownKey) => Failure::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            (Self::S3, Refusal::WrongToken) => {
                Failure::new(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            (Self::S3, Refusal::Expired) => {
                Failure::new(400, "ExpiredToken", "The provided token has expired.")
            }
            (service, Refusal::BadSignature(why)) if service == Self::S3 || service.speaks_query() => {
                Failure::new(403, "SignatureDoesNotMatch", why)
            }
            (service, Refusal::Unsigned) if service.speaks_query() => {
                Failure::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
            }
            (service, Refusal::UnknownKey | Refusal::WrongToken) if service.speaks_query() => {
                Failure::new(403, "InvalidClientTokenId", invalid_token)
            }
            (service, Refusal::Expired) if service.speaks_query() => {
                Failure::new(403, "ExpiredToken", expired_token)
            }
            (_, Refusal::Unsigned) => {
                Failure::new(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            (_, Refusal::UnknownKey | Refusal::WrongToken) => {
                Failure::new(400, "UnrecognizedClientException", invalid_token)
            }
            (_, Refusal::Expired) => Failure::new(400, "ExpiredTokenException", expired_token),
            (_, Refusal::BadSignature(why)) => Failure::new(400, "InvalidSignatureException", why),
        }
    }
}

/// An error answer, before its protocol's clothes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Members beside the message, in JSON services.
    pub members: Map<String, Value>,
}

impl Failure {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), members: Map::new() }
    }

    /// A `ValidationException` as the billing services give it.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// Adds a modelled member.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The error as XML, wrapped as STS wraps it.
    pub fn into_query_response(self, namespace: &str, request_id: &str) -> Response<Body> {
        let kind = if self.status < 500 { "Sender" } else { "Receiver" };
        let xml = format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            escape(&self.code),
            escape(&self.message),
        );
        response(self.status, "text/xml", "x-amzn-requestid", request_id, xml)
    }

    /// The error as JSON 1.1.
    pub fn into_json_response(self, request_id: &str) -> Response<Body> {
        let mut body = json!({"__type": self.code, "Message": self.message});
        if let Value::Object(object) = &mut body {
            object.extend(self.members);
        }
        let mut response = response(self.status, JSON, "x-amzn-requestid", request_id, body.to_string());
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }

    /// The error as RPC v2 writes it.
    pub fn into_cbor_response(self, request_id: &str) -> Response<Body> {
        let mut body = json!({"__type": self.code, "message": self.message});
        if let Value::Object(object) = &mut body {
            object.extend(self.members);
        }
        cbor(self.status, request_id, &body)
    }

    /// The error as S3 writes it, with further elements such as `<Region>`.
    pub fn into_s3_response(self, request_id: &str, elements: &[(&str, &str)]) -> Response<Body> {
        let more: String =
            elements.iter().map(|(name, text)| format!("<{name}>{}</{name}>", escape(text))).collect();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{more}<RequestId>{request_id}</RequestId></Error>",
            escape(&self.code),
            escape(&self.message),
        );
        response(self.status, "application/xml", "x-amz-request-id", request_id, xml)
    }
}

const JSON: &str = "application/x-amz-json-1.1";

/// A JSON 1.1 answer.
pub fn json_response(request_id: &str, body: &Value) -> Response<Body> {
    response(200, JSON, "x-amzn-requestid", request_id, body.to_string())
}

/// An RPC v2 answer.
pub fn cbor_response(request_id: &str, body: &Value) -> Response<Body> {
    cbor(200, request_id, body)
}

fn cbor(status: u16, request_id: &str, body: &Value) -> Response<Body> {
    let bytes = cloudwatch::encode(body);
    let mut response = response(status, "application/cbor", "x-amzn-requestid", request_id, bytes);
    response.headers_mut().insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    response
}

/// A Query answer: the result's inside, wrapped by operation.
pub fn query_response(namespace: &str, operation: &str, request_id: &str, result: &str) -> Response<Body> {
    let xml = format!(
        "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{result}</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    );
    response(200, "text/xml", "x-amzn-requestid", request_id, xml)
}

fn response(
    status: u16,
    content_type: &'static str,
    id_header: &'static str,
    id: &str,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HeaderName::from_static(id_header), id);
    }
    response
}

/// One XML element with text in it.
pub fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// Text made safe for XML content.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
