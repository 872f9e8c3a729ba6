//! Waiting until the operator has answered a wish for a look: on a watch, without asking again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::DynamicObject,
    runtime::{WatchStreamExt, watcher},
};
use serde::Serialize;
use serde_json::Value;

use super::api_resource;
use crate::{
    api::{RECONCILE_AT, reconcile_request},
    cli::cluster::{
        ClusterScope,
        fleet::{Kind, Name},
    },
    model::ExitCode,
};

/// What the operator says of an object after its look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitVerdict {
    status: String,
    reason: String,
}

impl WaitVerdict {
    /// True if Ready is.
    pub fn is_ready(&self) -> bool {
        self.status == "True"
    }
}

impl fmt::Display for WaitVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ready {} {}", self.status, self.reason)
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// The operator did not look in time.
    #[error("the operator did not handle the request within {} s: check that it runs and watches the namespace", .0.as_secs())]
    TooLong(Duration),
    /// The API server does not let it be seen.
    #[error("can't wait for the result: {0}. --wait needs the verbs list and watch")]
    NotAllowed(String),
}

impl Silence {
    /// How the process ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::TooLong(_) => ExitCode::Transient,
            Self::NotAllowed(_) => ExitCode::Configuration,
        }
    }
}

/// What was answered, and what was not.
#[derive(Debug, Default)]
pub struct Answers {
    /// What the operator says.
    pub verdicts: BTreeMap<Name, WaitVerdict>,
    /// Why it says nothing.
    pub silent: BTreeMap<Name, Silence>,
}

/// Waits until every object's wish `at` is answered in its status; what the operator says then. One that is deleted
/// meanwhile is left out.
pub async fn until_looked_at(
    scope: &ClusterScope,
    names: &[Name],
    at: Timestamp,
    limit: Duration,
) -> Answers {
    let mut pending: BTreeSet<Name> = names.iter().cloned().collect();
    let mut answers = Answers::default();
    let places: BTreeSet<(Kind, &str)> =
        names.iter().map(|name| (name.kind, name.namespace.as_str())).collect();
    let watches = places.into_iter().map(|(kind, namespace)| {
        let api: Api<DynamicObject> =
            Api::namespaced_with(scope.client.clone(), namespace, &api_resource(kind));
        // A watch that breaks is started again after a while, until the time is over.
        let events = watcher(api, watcher::Config::default()).default_backoff();
        events.map(move |event| ((kind, namespace), event)).boxed()
    });
    let mut watches = stream::select_all(watches);
    let watching = async {
        while !pending.is_empty()
            && let Some(((kind, namespace), event)) = watches.next().await
        {
            match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                    let name = name_of(kind, &object);
                    if let Some(verdict) = answered_verdict(&object, at)
                        && pending.remove(&name)
                    {
                        answers.verdicts.insert(name, verdict);
                    }
                }
                Ok(watcher::Event::Delete(object)) => drop(pending.remove(&name_of(kind, &object))),
                Ok(watcher::Event::Init | watcher::Event::InitDone) => {}
                Err(error) => match not_allowed(&error) {
                    Some(silence) => {
                        let hidden = |name: &Name| name.kind == kind && name.namespace == namespace;
                        let (gone, left): (BTreeSet<Name>, _) =
                            std::mem::take(&mut pending).into_iter().partition(hidden);
                        pending = left;
                        answers.silent.extend(gone.into_iter().map(|name| (name, silence.clone())));
                    }
                    None => tracing::debug!(%error, "the watch broke and starts again"),
                },
            }
        }
    };
    // What was answered in time counts, whatever was not.
    drop(tokio::time::timeout(limit, watching).await);
    answers.silent.extend(pending.into_iter().map(|name| (name, Silence::TooLong(limit))));
    answers
}

/// A refusal, which no patience changes.
fn not_allowed(error: &watcher::Error) -> Option<Silence> {
    let status = match error {
        watcher::Error::WatchError(status)
        | watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => status,
        _ => return None,
    };
    [401, 403].contains(&status.code).then(|| Silence::NotAllowed(status.message.clone()))
}

fn name_of(kind: Kind, object: &DynamicObject) -> Name {
    Name { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

/// What the operator says, if its status answers the wish `at` (or a later one).
fn answered_verdict(object: &DynamicObject, at: Timestamp) -> Option<WaitVerdict> {
    let asked: Timestamp = object.annotations().get(RECONCILE_AT)?.parse().ok()?;
    if asked < at {
        return None;
    }
    let status = &object.data["status"];
    if status["lastHandledReconcileAt"].as_str() != reconcile_request(object.annotations()).as_deref() {
        return None;
    }
    let ready = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Ready");
    let text = |value: &Value| value.as_str().unwrap_or("Unknown").to_owned();
    Some(match ready {
        Some(ready) => WaitVerdict { status: text(&ready["status"]), reason: text(&ready["reason"]) },
        None => WaitVerdict { status: "Unknown".to_owned(), reason: "NotChecked".to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(wished: &str, handled: &str, more: &Value) -> DynamicObject {
        let mut annotations = json!({RECONCILE_AT: wished});
        for (key, value) in more.as_object().into_iter().flatten() {
            annotations[key] = value.clone();
        }
        serde_json::from_value(json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": "acme", "namespace": "finops", "annotations": annotations},
            "status": {
                "lastHandledReconcileAt": handled,
                "conditions": [{"type": "Ready", "status": "False", "reason": "BucketNotFound"}]
            }
        }))
        .expect("an object")
    }

    #[test]
    fn only_an_answered_wish_is_a_verdict() {
        let none = json!({});
        let at = "2026-11-25T10:00:00Z".parse().expect("a time");
        let ready = |object: &DynamicObject| answered_verdict(object, at).map(|ready| ready.reason);
        assert_eq!(ready(&object("2026-11-25T10:00:00Z", "2026-11-25T09:00:00Z", &none)), None);
        assert_eq!(
            ready(&object("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z", &none)).as_deref(),
            Some("BucketNotFound")
        );
        assert_eq!(
            ready(&object("2026-11-25T09:00:00Z", "2026-11-25T09:00:00Z", &none)),
            None,
            "an older wish"
        );
        let later = "2026-11-25T10:00:00.5Z";
        assert!(
            ready(&object(later, later, &none)).is_some(),
            "another person's later wish, to the half second"
        );
        let flux = json!({"reconcile.fluxcd.io/requestedAt": "x"});
        let joined = object("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z,x", &flux);
        assert!(ready(&joined).is_some(), "where Flux asks as well, both are answered at once");
    }

    #[test]
    fn only_a_refusal_ends_a_watch() {
        let error = |code: u16| {
            let status = json!({"status": "Failure", "message": "no", "reason": "R", "code": code});
            let status: kube::core::Status = serde_json::from_value(status).expect("a status");
            watcher::Error::WatchStartFailed(kube::Error::Api(Box::new(status)))
        };
        for (code, refused) in [(401, true), (403, true), (410, false), (500, false)] {
            assert_eq!(not_allowed(&error(code)).is_some(), refused, "{code}");
        }
    }
}
