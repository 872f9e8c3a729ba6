//! S3. Parsing, signatures and XML are `s3s`'s; buckets, regions, owners, permissions, conditions and objects are here.

mod access;
mod listing;
mod operations;
mod rules;
mod store;
mod upload;
mod visit;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use s3s::auth::{S3Auth, SecretKey};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Result, s3_error};

pub use store::{Object, ObjectStore};

use crate::auth::{self, Refusal, Scope};
use crate::dispatch::{Reset, cut};
use crate::iam::Identity;
use crate::state::Shared;
use crate::wire::{Failure, Service};
use visit::Visit;

/// The door S3 requests come through.
#[derive(Clone)]
pub struct S3Door {
    shared: Arc<Shared>,
    service: S3Service,
}

impl S3Door {
    pub fn new(shared: Arc<Shared>) -> Self {
        let mut builder = S3ServiceBuilder::new(operations::Operations(shared.clone()));
        builder.set_auth(Secrets(shared.clone()));
        builder.set_access(access::Gate(shared.clone()));
        builder.set_host(AwsHosts);
        Self { service: builder.build(), shared }
    }

    /// Who asks, after key, token and region. S3 in a region that the caller's account has not opted in to knows none of its
    /// sessions, and none of its users.
    fn believe(&self, scope: &Scope, now: jiff::Timestamp) -> Result<Identity, Refusal> {
        let state = self.shared.lock();
        let identity = auth::look_up(&state, &scope.key_id, scope.token.as_deref(), now)?.identity;
        let own = state.world.accounts.get(&identity.account);
        match own.is_some_and(|own| own.is_closed_in(&scope.region)) {
            true if scope.token.is_some() => Err(Refusal::WrongToken),
            true => Err(Refusal::UnknownKey),
            false => Ok(identity),
        }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Reset`] when a fault rule wants the connection closed.
    pub async fn answer(
        &self,
        parts: Parts,
        body: Bytes,
        scope: Option<Scope>,
    ) -> Result<Response<Body>, Reset> {
        let now = self.shared.clock.now();
        let request_id = uuid::Uuid::new_v4().simple().to_string()[..16].to_ascii_uppercase();
        let identity = match &scope {
            None => Ok(Identity::anonymous()),
            Some(scope) => self.believe(scope, now),
        };
        let token = scope.as_ref().and_then(|scope| scope.token.clone());
        let region = scope.map(|scope| scope.region).unwrap_or_default();
        let known =
            identity.clone().unwrap_or_else(|_| Identity { arn: String::new(), ..Identity::anonymous() });
        let visit = Arc::new(Visit::new(known, region, &parts, now));
        let mut response = match identity {
            Err(refusal) => refused(&refusal, token.as_deref(), &request_id),
            Ok(_) => {
                let mut request = Request::from_parts(parts, Body::from(body));
                request.extensions_mut().insert(visit.clone());
                match self.service.call(request).await {
                    Ok(response) => response,
                    Err(_) => Failure::new(
                        500,
                        "InternalError",
                        "We encountered an internal error. Please try again.",
                    )
                    .into_s3_response(&request_id, &[]),
                }
            }
        };
        let end = visit.end();
        if end.reset {
            self.shared.calls.record(visit.logged(0, Some("ConnectionReset".to_owned())));
            return Err(Reset);
        }
        if let Some(replacement) = end.replacement {
            response = replacement;
        } else if error_code(&response).as_deref() == Some("SignatureDoesNotMatch") {
            // `s3s` leaves the message out.
            response = refused(&Refusal::BadSignature(auth::MISMATCH.to_owned()), None, &request_id);
        }
        if let Ok(id) = request_id.parse() {
            response.headers_mut().entry("x-amz-request-id").or_insert(id);
        }
        if let Some(region) = end.bucket_region.and_then(|region| region.parse().ok()) {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        self.shared.calls.record(visit.logged(response.status().as_u16(), error_code(&response)));
        Ok(match end.cut_after {
            Some(after) => cut(response, after).await,
            None => response,
        })
    }
}

/// S3 repeats a token that it does not take.
fn refused(refusal: &Refusal, token: Option<&str>, request_id: &str) -> Response<Body> {
    let repeated = token.filter(|_| *refusal == Refusal::WrongToken);
    let elements: Vec<_> = repeated.map(|token| ("Token-0", token)).into_iter().collect();
    Service::S3.refusal(refusal).into_s3_response(request_id, &elements)
}

/// The code in an error's XML.
fn error_code(response: &Response<Body>) -> Option<String> {
    if response.status().as_u16() < 300 {
        return None;
    }
    let body = response.body().bytes().unwrap_or_default();
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    Some(code.map_or_else(|| response.status().as_u16().to_string(), |(code, _)| code.to_owned()))
}

/// Buckets in host names, as AWS's own endpoints have them: `BUCKET.s3.REGION.…`, `BUCKET.s3-fips.REGION.…`. Any other host
/// has the bucket in the path.
struct AwsHosts;

impl S3Host for AwsHosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let before = [".s3.", ".s3-fips."].into_iter().find_map(|service| host.find(service));
        Ok(match before {
            Some(end) => VirtualHost::new(&host[end + 1..]).with_bucket(&host[..end]),
            None => VirtualHost::new(host),
        })
    }
}

/// Hands `s3s` the secrets it checks signatures with. That key and token are good was seen before.
struct Secrets(Arc<Shared>);

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let state = self.0.lock();
        let user = state.world.user_of_key(access_key).map(|(_, _, key)| key.secret.expose());
        let session = || state.sessions.get(access_key).map(|session| session.secret.expose());
        user.or_else(session).map(SecretKey::from).ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}
