//! Waiting until the operator has answered a wish for a look: on a watch, without asking again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, ResourceExt,
    api::DynamicObject,
    runtime::{WatchStreamExt, watcher},
};
use serde::Serialize;
use serde_json::Value;

use super::resource;
use crate::{
    api::RECONCILE_AT,
    cli::{
        cluster::{ClusterFault, Scope},
        fleet::{Kind, Name},
    },
    controller::wish,
};

/// What the operator says of an object after its look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    status: String,
    reason: String,
}

impl Verdict {
    /// True if Ready is.
    pub fn is_ready(&self) -> bool {
        self.status == "True"
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ready {} {}", self.status, self.reason)
    }
}

/// Waits until every object's wish `at` is answered in its status; what the operator says then. One that is deleted
/// meanwhile is left out.
///
/// # Errors
/// [`ClusterFault::TimedOut`] with the names that are still waited for.
pub async fn until_looked_at(
    scope: &Scope,
    names: &[Name],
    at: &str,
    limit: Duration,
) -> Result<BTreeMap<Name, Verdict>, ClusterFault> {
    let mut pending: BTreeSet<Name> = names.iter().cloned().collect();
    let mut verdicts = BTreeMap::new();
    let places: BTreeSet<(Kind, &str)> =
        names.iter().map(|name| (name.kind, name.namespace.as_str())).collect();
    let watches = places.into_iter().map(|(kind, namespace)| {
        let api: Api<DynamicObject> = Api::namespaced_with(scope.client.clone(), namespace, &resource(kind));
        // A watch that breaks is begun anew after a while, until the time is over.
        let events = watcher(api, watcher::Config::default()).default_backoff();
        events.map_ok(move |event| (kind, event)).boxed()
    });
    let mut watches = stream::select_all(watches);
    let watching = async {
        while !pending.is_empty()
            && let Some(event) = watches.next().await
        {
            match event {
                Ok((kind, watcher::Event::Apply(object) | watcher::Event::InitApply(object))) => {
                    let name = named(kind, &object);
                    if let Some(verdict) = answered(&object, at)
                        && pending.remove(&name)
                    {
                        verdicts.insert(name, verdict);
                    }
                }
                Ok((kind, watcher::Event::Delete(object))) => drop(pending.remove(&named(kind, &object))),
                Ok((_, watcher::Event::Init | watcher::Event::InitDone)) => {}
                Err(error) => tracing::debug!(%error, "the watch broke and begins anew"),
            }
        }
    };
    if tokio::time::timeout(limit, watching).await.is_ok() {
        return Ok(verdicts);
    }
    let left: Vec<String> = pending.iter().map(ToString::to_string).collect();
    Err(ClusterFault::TimedOut(format!(
        "the operator has not looked at {} within {} s: see that it runs and watches the namespace",
        left.join(", "),
        limit.as_secs()
    )))
}

fn named(kind: Kind, object: &DynamicObject) -> Name {
    Name { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

/// What the operator says, if its status answers the wish `at` (or a later one).
fn answered(object: &DynamicObject, at: &str) -> Option<Verdict> {
    let asked = object.annotations().get(RECONCILE_AT)?;
    if asked.as_str() < at {
        return None;
    }
    let status = &object.data["status"];
    if status["lastHandledReconcileAt"].as_str() != wish(object.annotations()).as_deref() {
        return None;
    }
    let ready = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Ready");
    let text = |value: &Value| value.as_str().unwrap_or("Unknown").to_owned();
    Some(match ready {
        Some(ready) => Verdict { status: text(&ready["status"]), reason: text(&ready["reason"]) },
        None => Verdict { status: "Unknown".to_owned(), reason: "NotChecked".to_owned() },
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
        let ready =
            |object: &DynamicObject| answered(object, "2026-11-25T10:00:00Z").map(|ready| ready.reason);
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
        let flux = json!({"reconcile.fluxcd.io/requestedAt": "x"});
        let joined = object("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z,x", &flux);
        assert!(ready(&joined).is_some(), "where Flux asks as well, both are answered at once");
    }
}
