//! The gate before every S3 operation: fault hook, bucket, region, expected owner, permission; in that order.

use std::collections::BTreeMap;
use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::visit::Visit;
use crate::dispatch::{Passage, pass_hook};
use crate::fault::Point;
use crate::iam::{Ask, Context, Identity, allowed};
use crate::state::Shared;
use crate::wire::{Failure, Service};
use crate::world::{Bucket, World};

/// Lets requests in.
pub struct Gate(pub Arc<Shared>);

/// What the gate reads of a request.
struct Approach {
    operation: String,
    bucket: Option<String>,
    key: Option<String>,
    query: BTreeMap<String, String>,
    expected_owner: Option<String>,
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let approach = Approach::of(cx);
        let visit = visit_of(cx.extensions_mut())?;
        visit.name(&approach.operation, approach.logged());
        let point = Point {
            service: Service::S3.name(),
            operation: &approach.operation,
            account: &visit.identity.account,
            bucket: approach.bucket.as_deref(),
            key: approach.key.as_deref(),
        };
        match pass_hook(&self.0, Service::S3, &point).await {
            Passage::Open { cut_after } => visit.set_end(|end| end.cut_after = cut_after),
            Passage::Failed(failure) => return Err(error(&failure)),
            Passage::Reset => {
                visit.set_end(|end| end.reset = true);
                return Err(s3_error!(ServiceUnavailable));
            }
        }
        let state = self.0.lock();
        approach.enter(&state.world, &visit)
    }
}

/// The visit that the door has put among a request's extensions.
pub fn visit_of(extensions: &http::Extensions) -> S3Result<Arc<Visit>> {
    extensions
        .get::<Arc<Visit>>()
        .cloned()
        .ok_or_else(|| s3_error!(InternalError, "the request came past the door"))
}

/// A failure in `s3s`'s form.
pub fn error(failure: &Failure) -> S3Error {
    let code = S3ErrorCode::from_bytes(failure.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut error = S3Error::with_message(code, failure.message.clone());
    if let Ok(status) = http::StatusCode::from_u16(failure.status) {
        error.set_status_code(status);
    }
    error
}

impl Approach {
    fn of(cx: &S3AccessContext<'_>) -> Self {
        let (bucket, key) = match cx.s3_path() {
            S3Path::Root => (None, None),
            S3Path::Bucket { bucket } => (Some(bucket.to_string()), None),
            S3Path::Object { bucket, key } => (Some(bucket.to_string()), Some(key.to_string())),
        };
        let query = url::form_urlencoded::parse(cx.uri().query().unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let expected_owner = cx.headers().get("x-amz-expected-bucket-owner").and_then(|v| v.to_str().ok());
        Self {
            operation: cx.s3_op().name().to_owned(),
            bucket,
            key,
            query,
            expected_owner: expected_owner.map(str::to_owned),
        }
    }

    fn logged(&self) -> BTreeMap<String, String> {
        let query = |name: &str| self.query.get(name).cloned();
        [
            ("Bucket", self.bucket.clone()),
            ("Key", self.key.clone()),
            ("Prefix", query("prefix")),
            ("Delimiter", query("delimiter")),
            ("ExpectedBucketOwner", self.expected_owner.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    fn enter(&self, world: &World, visit: &Visit) -> S3Result<()> {
        let Some(name) = &self.bucket else {
            return permit(&visit.identity, "s3:ListAllMyBuckets", "*", None, &Context::default());
        };
        if self.operation == "CreateBucket" {
            let arn = format!("arn:aws:s3:::{name}");
            return permit(&visit.identity, "s3:CreateBucket", &arn, None, &Context::default());
        }
        let bucket = world
            .buckets
            .get(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))?;
        if self.operation == "HeadBucket" {
            visit.set_end(|end| end.bucket_region = Some(bucket.region.clone()));
        }
        self.check_region(name, bucket, visit)?;
        check_enabled(world, bucket, visit)?;
        if self.expected_owner.as_ref().is_some_and(|owner| *owner != bucket.owner) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let bucket_arn = format!("arn:aws:s3:::{name}");
        let object_arn = |key: &str| format!("{bucket_arn}/{key}");
        let resource = self.key.as_deref().map_or_else(|| bucket_arn.clone(), object_arn);
        let context = Context::default()
            .with_opt("s3:prefix", self.query.get("prefix"))
            .with_opt("s3:delimiter", self.query.get("delimiter"))
            .with_opt("s3:max-keys", self.query.get("max-keys"));
        let action = match self.operation.as_str() {
            "ListObjects" | "ListObjectsV2" | "HeadBucket" => "s3:ListBucket",
            "GetObject" | "HeadObject" => "s3:GetObject",
            "GetBucketLocation" => "s3:GetBucketLocation",
            "GetBucketPolicy" => "s3:GetBucketPolicy",
            "GetBucketOwnershipControls" => "s3:GetBucketOwnershipControls",
            "PutObject"
            | "CopyObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "CompleteMultipartUpload" => "s3:PutObject",
            "AbortMultipartUpload" => "s3:AbortMultipartUpload",
            "DeleteObject" => "s3:DeleteObject",
            // Each of its keys is checked by the operation.
            "DeleteObjects" => return Ok(()),
            other => return Err(s3_error!(NotImplemented, "the sandbox has no {}", other.to_owned())),
        };
        // Existence of keys is told only to those who may list the bucket without naming a prefix.
        let may_list =
            permit(&visit.identity, "s3:ListBucket", &bucket_arn, Some(bucket), &Context::default());
        visit.set_may_list(may_list.is_ok());
        permit(&visit.identity, action, &resource, Some(bucket), &context)
    }

    /// A bucket is answered for only in its own region.
    fn check_region(&self, name: &str, bucket: &Bucket, visit: &Visit) -> S3Result<()> {
        let anywhere = self.operation == "GetBucketLocation" && visit.region == "us-east-1";
        if visit.region.is_empty() || visit.region == bucket.region || anywhere {
            return Ok(());
        }
        let endpoint = format!("{name}.s3.{}.amazonaws.com", bucket.region);
        let (failure, elements) = match bucket.wrong_region {
            crate::world::WrongRegion::PermanentRedirect => (
                Failure::new(
                    301,
                    "PermanentRedirect",
                    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
                ),
                vec![("Endpoint", endpoint.as_str()), ("Bucket", name)],
            ),
            crate::world::WrongRegion::AuthorizationHeaderMalformed => (
                Failure::new(
                    400,
                    "AuthorizationHeaderMalformed",
                    format!(
                        "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                        visit.region, bucket.region
                    ),
                ),
                vec![("Region", bucket.region.as_str())],
            ),
            crate::world::WrongRegion::IllegalLocationConstraint => (
                Failure::new(
                    400,
                    "IllegalLocationConstraintException",
                    format!(
                        "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
                        bucket.region
                    ),
                ),
                Vec::new(),
            ),
        };
        let refusal = error(&failure);
        visit.set_end(|end| {
            end.bucket_region = Some(bucket.region.clone());
            end.replacement = Some(failure.into_s3_response("-", &elements));
        });
        Err(refusal)
    }
}

/// Neither a disabled bucket nor a disabled account is served.
fn check_enabled(world: &World, bucket: &Bucket, visit: &Visit) -> S3Result<()> {
    let account = |id: &str| world.accounts.get(id).is_some_and(|account| account.disabled);
    if account(&bucket.owner) || account(&visit.identity.account) {
        let message = "There is a problem with your AWS account that prevents the operation from completing successfully.";
        return Err(error(&Failure::new(403, "AccountProblem", message)));
    }
    if bucket.disabled {
        let message = "All access to this Amazon S3 resource has been disabled.";
        return Err(error(&Failure::new(403, "AllAccessDisabled", message)));
    }
    Ok(())
}

/// Whether the caller may do that, as S3 says it: with the reason only within one account.
pub fn permit(
    identity: &Identity,
    action: &str,
    resource: &str,
    bucket: Option<&Bucket>,
    context: &Context,
) -> S3Result<()> {
    let owner = bucket.map_or(identity.account.as_str(), |bucket| &bucket.owner);
    let ask =
        Ask { action, resource, owner, resource_policy: bucket.and_then(|b| b.policy.as_ref()), context };
    allowed(identity, &ask).map_err(|denial| {
        if identity.account != owner {
            return s3_error!(AccessDenied, "Access Denied");
        }
        let because = denial.because(action);
        s3_error!(
            AccessDenied,
            "User: {} is not authorized to perform: {action} on resource: \"{resource}\" {because}",
            identity.arn
        )
    })
}
