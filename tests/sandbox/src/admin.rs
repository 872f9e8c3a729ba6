//! The sandbox's own interface under `/_sandbox`, for tests and demos that meet it only over the network: health, call
//! log, faults, clock, world, objects, sessions and deliveries.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use s3s::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deliver::{Delivery, DeliveryFailure};
use crate::fault::Rule;
use crate::s3::Object;
use crate::state::Shared;
use crate::world::{World, WorldFailure};

/// Where the interface begins.
pub const ROOT: &str = "/_sandbox";

/// Why a request to the interface was not carried out.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no {method} {path}")]
    NoSuchDoor { method: Method, path: String },
    #[error("the body: {0}")]
    Body(String),
    #[error("bucket {0} does not exist")]
    NoBucket(String),
    #[error("object {0} does not exist")]
    NoObject(String),
    #[error(transparent)]
    World(#[from] WorldFailure),
    #[error(transparent)]
    Delivery(#[from] DeliveryFailure),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchDoor { .. } | Self::NoBucket(_) | Self::NoObject(_) => StatusCode::NOT_FOUND,
            Self::Body(_) | Self::World(_) => StatusCode::BAD_REQUEST,
            Self::Delivery(_) => StatusCode::CONFLICT,
        }
    }
}

/// The shift a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shift {
    shift_seconds: i64,
}

/// What a caller changes about an object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    storage_class: Option<String>,
    archive_tier: Option<String>,
    owner: Option<String>,
    customer_key: Option<bool>,
}

impl Change {
    fn make(self, object: &mut Object) {
        if let Some(class) = self.storage_class {
            object.storage_class = class;
        }
        if let Some(owner) = self.owner {
            object.owner = owner;
        }
        object.archive_tier = self.archive_tier.or_else(|| object.archive_tier.take());
        object.customer_key = self.customer_key.unwrap_or(object.customer_key);
    }
}

/// Answers one request below [`ROOT`].
pub fn answer(shared: &Arc<Shared>, parts: &Parts, body: &Bytes) -> Response<Body> {
    match perform(shared, parts, body) {
        Ok(Answer::Json(value)) => respond(StatusCode::OK, "application/json", value.to_string().into()),
        Ok(Answer::Bytes(bytes)) => respond(StatusCode::OK, "application/octet-stream", bytes),
        Err(refusal) => {
            let text = json!({"error": refusal.to_string()}).to_string();
            respond(refusal.status(), "application/json", text.into())
        }
    }
}

enum Answer {
    Json(Value),
    Bytes(Bytes),
}

fn respond(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn perform(shared: &Arc<Shared>, parts: &Parts, body: &Bytes) -> Result<Answer, Refusal> {
    let path = parts.uri.path().strip_prefix(ROOT).unwrap_or_default().trim_start_matches('/');
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let (door, rest) = path.split_once('/').unwrap_or((path, ""));
    let value = match (door, &parts.method) {
        ("healthz", &Method::GET) => json!({"status": "ok"}),
        ("calls", &Method::GET) => {
            let wanted = |name: &str, given: &str| query.get(name).is_none_or(|wanted| wanted == given);
            let calls = shared.calls.all().into_iter();
            let calls =
                calls.filter(|call| wanted("service", &call.service) && wanted("operation", &call.operation));
            json!(calls.collect::<Vec<_>>())
        }
        ("calls", &Method::DELETE) => {
            shared.calls.clear();
            json!({})
        }
        ("faults", &Method::GET) => json!(shared.faults.all()),
        ("faults", &Method::PUT) => {
            shared.faults.replace(read::<Vec<Rule>>(body)?);
            json!(shared.faults.all())
        }
        ("faults", &Method::POST) => {
            shared.faults.add(read(body)?);
            json!(shared.faults.all())
        }
        ("faults", &Method::DELETE) => {
            shared.faults.clear();
            json!([])
        }
        ("clock", &Method::GET) => clock(shared),
        ("clock", &Method::POST) => {
            shared.clock.shift(read::<Shift>(body)?.shift_seconds);
            clock(shared)
        }
        ("world", &Method::POST) => {
            let fragment: World = read(body)?;
            shared.lock().world.merge(fragment)?;
            json!({})
        }
        ("sessions", &Method::DELETE) => {
            let now = shared.clock.now();
            let mut state = shared.lock();
            state.sessions.values_mut().for_each(|session| session.expires = session.expires.min(now));
            json!({"expired": state.sessions.len()})
        }
        ("deliver", &Method::POST) => {
            let delivery = complete_delivery(shared, read(body)?)?;
            json!({"totals": delivery.make(shared)?})
        }
        ("objects", _) => return objects(shared, &parts.method, rest, query.get("prefix"), body),
        _ => return Err(no_such_door(parts)),
    };
    Ok(Answer::Json(value))
}

fn no_such_door(parts: &Parts) -> Refusal {
    Refusal::NoSuchDoor { method: parts.method.clone(), path: parts.uri.path().to_owned() }
}

/// Reads a body as YAML, of which JSON is a part.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(body).map_err(|e| Refusal::Body(e.to_string()))?;
    serde_saphyr::from_str(text).map_err(|e| Refusal::Body(e.to_string()))
}

fn clock(shared: &Shared) -> Value {
    json!({"now": shared.clock.now(), "shiftedSeconds": shared.clock.shifted()})
}

/// Fills in what the definition already says about the bill, so that a person need not repeat it.
fn complete_delivery(shared: &Shared, mut request: Value) -> Result<Delivery, Refusal> {
    let account = request["account"].as_str().unwrap_or_default().to_owned();
    let payer_name =
        shared.lock().world.accounts.get(&account).map(|known| known.name.clone()).unwrap_or_default();
    let name = ["report", "export"]
        .iter()
        .find_map(|kind| request["of"][kind].as_str())
        .unwrap_or_default()
        .to_owned();
    if let Some(bill) = request["bill"].as_object_mut() {
        for (field, value) in [("payer", account), ("payerName", payer_name), ("reportName", name)] {
            bill.entry(field).or_insert_with(|| value.into());
        }
        bill.entry("bucket").or_insert_with(|| "".into());
    }
    serde_json::from_value(request).map_err(|e| Refusal::Body(e.to_string()))
}

fn objects(
    shared: &Shared,
    method: &Method,
    place: &str,
    prefix: Option<&String>,
    body: &Bytes,
) -> Result<Answer, Refusal> {
    let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
    // A key stands in a path percent-encoded.
    let query = format!("k={}", key.replace('+', "%2B"));
    let key = url::form_urlencoded::parse(query.as_bytes())
        .next()
        .map(|(_, key)| key.into_owned())
        .unwrap_or_default();
    let now = shared.clock.now();
    let mut state = shared.lock();
    let owner =
        state.world.buckets.get(bucket).ok_or_else(|| Refusal::NoBucket(bucket.to_owned()))?.owner.clone();
    match (method, key.is_empty()) {
        (&Method::GET, true) => {
            let prefix = prefix.map(String::as_str).unwrap_or_default();
            let listed: Vec<Value> = state
                .objects
                .with_prefix(bucket, prefix)
                .map(|(key, object)| {
                    json!({"key": key, "size": object.size(), "etag": object.etag, "lastModified": object.last_modified})
                })
                .collect();
            Ok(Answer::Json(json!(listed)))
        }
        (&Method::GET, false) => {
            let object = state.objects.get(bucket, &key).ok_or(Refusal::NoObject(key))?;
            Ok(Answer::Bytes(object.body.clone()))
        }
        (&Method::PUT, false) => {
            state.objects.put(bucket, &key, Object::new(body.clone(), &owner, now));
            Ok(Answer::Json(json!({})))
        }
        (&Method::PATCH, false) => {
            let change: Change = read(body)?;
            let mut object =
                state.objects.get(bucket, &key).cloned().ok_or(Refusal::NoObject(key.clone()))?;
            change.make(&mut object);
            state.objects.put(bucket, &key, object);
            Ok(Answer::Json(json!({})))
        }
        (&Method::DELETE, false) => {
            state.objects.delete(bucket, &key).ok_or(Refusal::NoObject(key))?;
            Ok(Answer::Json(json!({})))
        }
        _ => Err(Refusal::NoSuchDoor { method: method.clone(), path: format!("{ROOT}/objects/{place}") }),
    }
}
