//! One port, all services: tells a request's service apart, finds out who asks, passes the fault hook, lets the service
//! answer and logs the call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::request::Parts;
use http::{Response, StatusCode};
use jiff::Timestamp;
use s3s::Body;
use serde_json::Value;

use crate::auth::{self, Refusal, Scope};
use crate::calls::Call;
use crate::fault::{Fault, Point};
use crate::form::Form;
use crate::iam::Identity;
use crate::s3::S3Door;
use crate::state::Shared;
use crate::wire::{Failure, Service, cbor_response, json_response, query_response};
use crate::{admin, cloudformation, cloudwatch, cur, exports, organizations, partition, simulator, sts};

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection reset by a fault rule")]
pub struct Reset;

/// What the fault hook lets through.
pub enum Passage {
    /// Go on; the answer may have to break off after so many bytes.
    Open { cut_after: Option<usize> },
    /// Answer with this error.
    Failed(Failure),
    /// Don't answer.
    Reset,
}

/// Passes the fault hook: waits out delays, and says what else is to happen.
pub async fn pass_hook(shared: &Shared, service: Service, point: &Point<'_>) -> Passage {
    let mut cut_after = None;
    for fault in shared.faults.strike(point) {
        match fault {
            Fault::Latency { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
            Fault::CutBody { after } => cut_after = Some(after),
            Fault::Throttle => return Passage::Failed(service.throttled()),
            Fault::Error { status, code, message } => {
                return Passage::Failed(Failure::new(status, &code, message));
            }
            Fault::Reset => return Passage::Reset,
        }
    }
    Passage::Open { cut_after }
}

/// Answers one request.
///
/// # Errors
/// [`Reset`] when a fault rule wants the connection closed.
pub async fn answer(
    shared: &Arc<Shared>,
    s3: &S3Door,
    parts: Parts,
    body: Bytes,
) -> Result<Response<Body>, Reset> {
    if parts.uri.path().starts_with(admin::ROOT) {
        // Making a bill takes a while; other connections are answered meanwhile.
        let shared = shared.clone();
        let answered = tokio::task::spawn_blocking(move || admin::answer(&shared, &parts, &body)).await;
        return Ok(answered.unwrap_or_else(|e| {
            Failure::new(500, "InternalFailure", e.to_string()).into_json_response("-")
        }));
    }
    let scope = Scope::of(&parts.headers, parts.uri.query().unwrap_or_default());
    let target = parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok()).and_then(Service::of_target);
    let played = shared.lock().world.partition.clone();
    let understood = played.as_ref().map_or_else(|| body.clone(), |played| partition::inward(played, &body));
    let form = Form::of(&parts, &understood);
    let service = match (&scope, target, &form) {
        (Some(scope), ..) => Service::of_scope(&scope.service),
        (None, Some((service, _)), _) => Some(service),
        (None, None, Some(_)) => Some(Service::Sts),
        (None, None, None) => Some(Service::S3),
    };
    let Some(service) = service else {
        let name = scope.map(|scope| scope.service).unwrap_or_default();
        return Ok(Failure::new(
            404,
            "UnknownOperationException",
            format!("the sandbox has no service {name}"),
        )
        .into_json_response("-"));
    };
    if service == Service::S3 {
        return s3.answer(parts, body, scope).await;
    }
    let operation = match service {
        service if service.speaks_query() => form.as_ref().map_or("", Form::action).to_owned(),
        Service::CloudWatch => cloudwatch::operation(parts.uri.path()).unwrap_or_default().to_owned(),
        _ => target.map_or("", |(_, operation)| operation).to_owned(),
    };
    let input = match service {
        Service::CloudWatch => cloudwatch::decode(&understood),
        _ => serde_json::from_slice(&understood).ok(),
    };
    let input = input.unwrap_or(Value::Null);
    let rpc = Rpc { service, operation, form: form.unwrap_or_default(), input };
    let answer = rpc.answer(shared, &parts, &body, scope.as_ref()).await?;
    Ok(match played {
        Some(played) => partition::outward(&played, answer).await,
        None => answer,
    })
}

/// A call to a service that has one path and names its operation.
struct Rpc {
    service: Service,
    operation: String,
    /// The parameters of a Query call.
    form: Form,
    /// The input of a JSON or CBOR call.
    input: Value,
}

/// What an operation answers, in its protocol.
enum Answered {
    Xml(String),
    Json(Value),
    Cbor(Value),
}

impl Rpc {
    async fn answer(
        self,
        shared: &Arc<Shared>,
        parts: &Parts,
        body: &[u8],
        scope: Option<&Scope>,
    ) -> Result<Response<Body>, Reset> {
        let now = shared.clock.now();
        let request_id = uuid::Uuid::new_v4().to_string();
        let region = scope.map(|scope| scope.region.clone()).unwrap_or_default();
        let mut call = Call {
            time: now,
            service: self.service.name().to_owned(),
            operation: self.operation.clone(),
            principal: String::new(),
            account: String::new(),
            region,
            parameters: self.parameters(),
            status: 200,
            code: None,
        };
        let mut cut_after = None;
        let answered = match self.believe(shared, parts, body, scope, now) {
            Err(failure) => Err(failure),
            Ok(identity) => {
                call.principal.clone_from(&identity.arn);
                call.account.clone_from(&identity.account);
                let point = Point {
                    service: self.service.name(),
                    operation: &self.operation,
                    account: &identity.account,
                    ..Point::default()
                };
                match pass_hook(shared, self.service, &point).await {
                    Passage::Reset => {
                        call.code = Some("ConnectionReset".to_owned());
                        call.status = 0;
                        shared.calls.record(call);
                        return Err(Reset);
                    }
                    Passage::Failed(failure) => Err(failure),
                    Passage::Open { cut_after: cut } => {
                        cut_after = cut;
                        self.perform(shared, &identity, &call.region, now)
                    }
                }
            }
        };
        let response = match answered {
            Ok(Answered::Xml(result)) => {
                query_response(self.namespace(), &self.operation, &request_id, &result)
            }
            Ok(Answered::Json(value)) => json_response(&request_id, &value),
            Ok(Answered::Cbor(value)) => cbor_response(&request_id, &value),
            Err(failure) => {
                call.status = failure.status;
                call.code = Some(failure.code.clone());
                match self.service {
                    service if service.speaks_query() => {
                        failure.into_query_response(self.namespace(), &request_id)
                    }
                    Service::CloudWatch => failure.into_cbor_response(&request_id),
                    _ => failure.into_json_response(&request_id),
                }
            }
        };
        shared.calls.record(call);
        Ok(match cut_after {
            Some(after) => cut(response, after).await,
            None => response,
        })
    }

    /// Who asks, after key, token, signature and region.
    fn believe(
        &self,
        shared: &Shared,
        parts: &Parts,
        body: &[u8],
        scope: Option<&Scope>,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        let refused = |refusal: Refusal| self.service.refusal(&refusal);
        if scope.is_none() && self.service == Service::Sts && self.operation == sts::UNSIGNED {
            return Ok(Identity::anonymous());
        }
        let scope = scope.ok_or_else(|| refused(Refusal::Unsigned))?;
        let credentials =
            auth::look_up(&shared.lock(), &scope.key_id, scope.token.as_deref(), now).map_err(refused)?;
        auth::verify(parts, body, scope, &credentials.secret, Timestamp::now()).map_err(refused)?;
        let state = shared.lock();
        let own = state.world.accounts.get(&credentials.identity.account);
        if own.is_some_and(|own| own.is_closed_in(&scope.region)) {
            // A region that was not opted in to knows nobody of the account.
            return Err(refused(Refusal::UnknownKey));
        }
        let elsewhere = self.service.home_region().is_some_and(|home| home != scope.region);
        if elsewhere && state.world.partition.is_none() {
            return Err(refused(Refusal::BadSignature(
                "Credential should be scoped to a valid region. ".to_owned(),
            )));
        }
        Ok(credentials.identity)
    }

    fn perform(
        &self,
        shared: &Shared,
        identity: &Identity,
        region: &str,
        now: Timestamp,
    ) -> Result<Answered, Failure> {
        let state = &mut *shared.lock();
        let operation = self.operation.as_str();
        match self.service {
            Service::Sts => sts::perform(state, identity, &self.form, region, now).map(Answered::Xml),
            Service::Cur => cur::perform(state, identity, operation, &self.input, now).map(Answered::Json),
            Service::DataExports => {
                exports::perform(state, identity, operation, &self.input, now).map(Answered::Json)
            }
            Service::Organizations => {
                organizations::perform(state, identity, operation, &self.input).map(Answered::Json)
            }
            Service::Iam => simulator::perform(state, identity, &self.form).map(Answered::Xml),
            Service::CloudWatch => {
                cloudwatch::perform(state, identity, operation, &self.input, region).map(Answered::Cbor)
            }
            Service::CloudFormation => {
                cloudformation::perform(state, identity, &self.form, region, now).map(Answered::Xml)
            }
            Service::S3 => Err(Failure::new(500, "InternalFailure", "S3 has a door of its own")),
        }
    }

    /// The XML namespace of a Query service.
    fn namespace(&self) -> &'static str {
        match self.service {
            Service::Iam => simulator::NAMESPACE,
            Service::CloudFormation => cloudformation::NAMESPACE,
            _ => sts::NAMESPACE,
        }
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        if self.service.speaks_query() {
            return self.form.logged();
        }
        let names = ["ReportName", "ExportArn", "ExecutionId", "NextToken", "MaxResults", "Namespace"];
        let nested = [("/ReportDefinition/ReportName", "ReportName"), ("/Export/Name", "ExportName")];
        names
            .iter()
            .map(|name| (self.input.get(name), *name))
            .chain(nested.iter().map(|(pointer, name)| (self.input.pointer(pointer), *name)))
            .filter_map(|(value, name)| {
                let text = match value? {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some((name.to_owned(), text))
            })
            .collect()
    }
}

/// The response with its body broken off after so many bytes, though the headers promise all of it.
pub async fn cut(response: Response<Body>, after: usize) -> Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    let whole = body.store_all_limited(usize::MAX).await.unwrap_or_default();
    if parts.status == StatusCode::NO_CONTENT || whole.len() <= after {
        return Response::from_parts(parts, Body::from(whole));
    }
    parts.headers.insert(http::header::CONTENT_LENGTH, whole.len().into());
    let begun = futures::stream::iter([Ok(whole.slice(..after))]);
    let broken = begun.chain(futures::stream::once(async {
        // Lets what is written so far reach the client before the connection breaks.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut by a fault rule"))
    }));
    Response::from_parts(parts, Body::from(s3s::dto::StreamingBlob::wrap(broken)))
}

#[cfg(test)]
mod tests;
