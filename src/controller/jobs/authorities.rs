//! The authorities that Jobs trust besides the system's: the operator's CA bundle, in a Secret in every namespace that has
//! an account or a warehouse. A pod mounts nothing of another namespace, so each gets its own copy, kept equal.
//!
//! Whoever writes Secrets in a namespace can change the copy, as they can replace any credential there: a namespace is one
//! trust domain. The operator puts its own back at once and says so; a Secret that is not its own it never touches.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use k8s_openapi::{
    ByteString,
    api::core::v1::{ObjectReference, Secret},
};
use kube::{
    ResourceExt,
    api::{Api, Patch, PatchParams, PostParams},
    core::PartialObjectMeta,
};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{USE_CA, USE_LABEL},
    controller::{
        context::{Context, lock, mark, own_secret},
        error::{Blockage, ReconcileFault, Refused, is_taken, is_terminating, refusal},
        events::{self, Notice, NoticeKind},
        jobs::Jobs,
    },
    model::Reason,
    network::trust::TrustedAuthorities,
};

/// The Secret's name in every namespace.
pub const NAME: &str = "awscost-ca";
/// Its one key.
pub const KEY: &str = "ca.crt";
/// How long a lost watch event may leave a namespace without it.
const EVERY: Duration = Duration::from_secs(10 * 60);

/// What is trusted, and which versions of the Secrets are known to say so.
#[derive(Debug)]
pub struct Authorities {
    trust: TrustedAuthorities,
    /// By namespace: the resource version this process wrote.
    written: Mutex<HashMap<String, String>>,
    changed: Notify,
}

impl Authorities {
    /// Nothing is written yet.
    pub fn new(trust: TrustedAuthorities) -> Self {
        Self { trust, written: Mutex::default(), changed: Notify::new() }
    }

    /// The authorities.
    pub fn trust(&self) -> &TrustedAuthorities {
        &self.trust
    }

    /// Something was seen that may call for a Secret.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    fn written(&self, namespace: &str) -> Option<String> {
        lock(&self.written).get(namespace).cloned()
    }

    fn note(&self, namespace: &str, secret: &Secret) {
        let version = secret.resource_version().unwrap_or_default();
        lock(&self.written).insert(namespace.to_owned(), version);
    }
}

/// Keeps the Secrets equal to the bundle until `stop`. To be run once every watch has shown what is there.
pub async fn keep_all_bundles(jobs: Arc<Jobs>, stop: CancellationToken) {
    if jobs.authorities.trust.is_empty() {
        return stop.cancelled().await;
    }
    loop {
        for namespace in used_namespaces(&jobs.context) {
            match keep_bundle(&jobs, &namespace).await {
                Ok(()) | Err(Refused::Fault(ReconcileFault::Stale)) => {}
                Err(Refused::Blocked(blockage)) => tracing::warn!(namespace, "{}", blockage.message),
                Err(Refused::Fault(error)) => {
                    tracing::warn!(namespace, %error, "the CA bundle could not be written");
                }
            }
        }
        tokio::select! {
            // One wake-up for any number of events: a notice that comes while the loop is at work is kept.
            () = jobs.authorities.changed.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Those that have an account or a warehouse.
fn used_namespaces(context: &Context) -> BTreeSet<String> {
    let stores = context.stores.iter();
    stores
        .flat_map(|stores| {
            let accounts = stores.accounts.state().into_iter().filter_map(|object| object.namespace());
            let warehouses = stores.warehouses.state().into_iter().filter_map(|object| object.namespace());
            accounts.chain(warehouses).collect::<Vec<_>>()
        })
        .collect()
}

/// What of it the watch shows.
#[derive(Debug, PartialEq, Eq)]
enum BundleView {
    /// None with our labels.
    None,
    /// Ours, as we wrote it.
    Equal,
    /// Ours, of this version, which we did not write.
    Changed(String),
    /// It carries the use label and is not ours.
    Foreign,
}

fn see_bundle(shown: Option<&PartialObjectMeta<Secret>>, written: Option<&str>) -> BundleView {
    let Some(secret) = shown else { return BundleView::None };
    let labelled = |(key, value): (&str, &str)| secret.labels().get(key).map(String::as_str) == Some(value);
    if !labelled(mark::MANAGED_BY) || !labelled((USE_LABEL, USE_CA)) {
        return BundleView::Foreign;
    }
    let version = secret.resource_version().unwrap_or_default();
    if written == Some(&version) { BundleView::Equal } else { BundleView::Changed(version) }
}

/// Sees that the Secret is there and says what the operator trusts, if it trusts more than the system does.
///
/// # Errors
/// [`Refused`] where somebody else's Secret stands in the way, or the API server does not take ours.
pub async fn keep_bundle(jobs: &Jobs, namespace: &str) -> Result<(), Refused> {
    let (context, authorities) = (&jobs.context, &jobs.authorities);
    if authorities.trust.is_empty() {
        return Ok(());
    }
    let shown = context.stores(namespace).and_then(|stores| stores.secret(namespace, NAME));
    let written = authorities.written(namespace);
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let refused = |error| refusal::write("the Secret with the CA bundle", namespace, error);
    let made = match see_bundle(shown.as_deref(), written.as_deref()) {
        BundleView::Equal => return Ok(()),
        BundleView::Foreign => return Err(foreign_secret(namespace)),
        BundleView::None => {
            api.create(&PostParams::default(), &bundle_secret(namespace, &authorities.trust)).await
        }
        BundleView::Changed(version) => {
            // Before this process wrote any, a changed one is that of an earlier version or bundle, and nobody's doing.
            if written.is_some() {
                tell_of_change(context, namespace).await;
            }
            let wanted = bundle_secret(namespace, &authorities.trust);
            let patch = json!({
                "metadata": {"resourceVersion": version, "labels": wanted.metadata.labels},
                "data": wanted.data,
            });
            api.patch(NAME, &PatchParams::default(), &Patch::Merge(&patch)).await
        }
    };
    match made {
        Ok(secret) => {
            authorities.note(namespace, &secret);
            Ok(())
        }
        Err(error) if is_taken(&error) => {
            // The watch has not shown it yet, or never will: it shows no Secret without our label.
            let there = api.get_metadata(NAME).await.map_err(refused)?;
            match see_bundle(Some(&there), written.as_deref()) {
                BundleView::Equal => Ok(()),
                BundleView::None | BundleView::Changed(_) => Err(ReconcileFault::Stale.into()),
                BundleView::Foreign => Err(foreign_secret(namespace)),
            }
        }
        // It goes, and its Jobs with it.
        Err(error) if is_terminating(&error) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

fn foreign_secret(namespace: &str) -> Refused {
    Refused::Blocked(Blockage {
        reason: Reason::JobFailed,
        message: format!(
            "The Secret {NAME} in namespace {namespace} is not the operator's, so no Job gets the platform's certificate \
             authorities: give that Secret another name."
        ),
    })
}

fn bundle_secret(namespace: &str, trust: &TrustedAuthorities) -> Secret {
    let bundle = ByteString(trust.pem().as_bytes().to_vec());
    own_secret(namespace, NAME, ("ca", USE_CA), BTreeMap::from([(KEY.to_owned(), bundle)]))
}

/// Says that somebody changed the copy.
async fn tell_of_change(context: &Context, namespace: &str) {
    tracing::warn!(namespace, "somebody changed the Secret {NAME}; the operator's CA bundle is put back");
    let object = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        name: Some(NAME.to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ObjectReference::default()
    };
    let notice = Notice {
        kind: NoticeKind::Warning,
        reason: "CaBundleRestored".to_owned(),
        action: "RestoreCaBundle".to_owned(),
        note: format!("Somebody changed Secret {NAME}; the operator put its own CA bundle back."),
    };
    events::publish_notices(&context.recorder, &object, &[notice]).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(labels: &[(&str, &str)], version: &str) -> PartialObjectMeta<Secret> {
        let labels: BTreeMap<_, _> = labels.iter().copied().collect();
        let meta = json!({"metadata": {"name": NAME, "resourceVersion": version, "labels": labels}});
        serde_json::from_value(meta).expect("metadata")
    }

    #[test]
    fn only_what_this_process_wrote_is_taken_for_equal() {
        let ours = [mark::MANAGED_BY, (USE_LABEL, USE_CA)];
        let changed = BundleView::Changed("7".to_owned());
        for (labels, written, expected) in [
            (ours.as_slice(), Some("7"), BundleView::Equal),
            (&ours, Some("6"), changed),
            (&ours, None, BundleView::Changed("7".to_owned())),
            (&ours[1..], Some("7"), BundleView::Foreign),
            (&[(USE_LABEL, "warehouse"), mark::MANAGED_BY], Some("7"), BundleView::Foreign),
        ] {
            assert_eq!(see_bundle(Some(&shown(labels, "7")), written), expected, "{labels:?} {written:?}");
        }
        assert_eq!(see_bundle(None, Some("7")), BundleView::None, "one that is deleted is made again");
    }
}
