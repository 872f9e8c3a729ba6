//! The watches of one namespace, or of all: what changed becomes a wish for a pass over an object.
//!
//! kube's own predicates would hide annotations and finalizers, and its controller re-raises panics; so the streams are
//! put together here, and `applier` runs the passes.

use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use futures::{StreamExt, channel::mpsc::UnboundedSender};
use k8s_openapi::api::{batch::v1::Job, core::v1::Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{
    context::{Context, GuardedAccount, GuardedWarehouse, Stores},
    gauges,
    job::mark,
    shown::Announcement,
};
use crate::api::{USE_LABEL, aws_cost_account::Access};

/// How long a watch may be quiet before it is set up anew: a dead connection is noticed this soon.
const WATCH_TIMEOUT_SECONDS: u32 = 120;

/// Where wishes for a pass go.
#[derive(Clone)]
pub struct Queues {
    /// Over accounts.
    pub accounts: UnboundedSender<ObjectRef<GuardedAccount>>,
    /// Over warehouses.
    pub warehouses: UnboundedSender<ObjectRef<GuardedWarehouse>>,
}

/// The writing ends of [`Stores`].
pub struct Writers {
    accounts: Writer<GuardedAccount>,
    warehouses: Writer<GuardedWarehouse>,
    jobs: Writer<Job>,
    secrets: Writer<PartialObjectMeta<Secret>>,
}

#[cfg(test)]
impl Writers {
    /// Shows a change of accounts.
    pub fn accounts(&mut self, event: &Event<GuardedAccount>) {
        self.accounts.apply_watcher_event(event);
    }

    /// For each watch, what a first list of nothing does to its store.
    pub fn each_alone(&mut self) -> [Box<dyn FnOnce() + '_>; 4] {
        fn list<K>(writer: &mut Writer<K>) -> Box<dyn FnOnce() + '_>
        where
            K: Resource<DynamicType = ()> + Clone + Debug + 'static,
        {
            Box::new(|| {
                writer.apply_watcher_event(&Event::Init);
                writer.apply_watcher_event(&Event::InitDone);
            })
        }
        [list(&mut self.accounts), list(&mut self.warehouses), list(&mut self.jobs), list(&mut self.secrets)]
    }
}

/// Empty stores, and what fills them.
pub fn stores(namespace: Option<String>) -> (Stores, Writers) {
    let (accounts, accounts_writer) = reflector::store();
    let (warehouses, warehouses_writer) = reflector::store();
    let (jobs, jobs_writer) = reflector::store();
    let (secrets, secrets_writer) = reflector::store();
    let writers = Writers {
        accounts: accounts_writer,
        warehouses: warehouses_writer,
        jobs: jobs_writer,
        secrets: secrets_writer,
    };
    (Stores { namespace, accounts, warehouses, jobs, secrets }, writers)
}

/// Runs the four watches until `stop`, and tells once they have shown what is there.
pub async fn run(
    context: Arc<Context>,
    stores: Stores,
    writers: Writers,
    queues: Queues,
    announcement: Announcement,
    stop: CancellationToken,
) {
    let client = &context.client;
    let namespace = stores.namespace.as_deref();
    let all = futures::future::join5(
        accounts(&context, api(client, namespace), writers.accounts, &stores, &queues),
        warehouses(&context, api(client, namespace), writers.warehouses, &stores, &queues),
        jobs(api(client, namespace), writers.jobs, &queues),
        secrets(api(client, namespace), writers.secrets, &stores, &queues),
        announcement.tell(&stores),
    );
    tokio::select! {
        _ = all => {}
        () = stop.cancelled() => {}
    }
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Lists are MostRecent (the default): an older list could bring back what is gone.
fn config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_TIMEOUT_SECONDS)
}

/// Drives one watch, writing its store first; errors are retried with kube's backoff.
async fn drive<K>(
    stream: impl futures::Stream<Item = watcher::Result<Event<K>>>,
    mut writer: Writer<K>,
    kind: &'static str,
    mut visit: impl FnMut(&Event<K>),
) where
    K: Resource<DynamicType = ()> + Clone + Debug + 'static,
{
    let mut stream = std::pin::pin!(stream.default_backoff());
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => {
                writer.apply_watcher_event(&event);
                visit(&event);
            }
            Err(error) => tracing::warn!(kind, %error, "a watch broke; it is set up anew"),
        }
    }
}

async fn accounts(
    context: &Context,
    api: Api<GuardedAccount>,
    writer: Writer<GuardedAccount>,
    stores: &Stores,
    queues: &Queues,
) {
    let mut changes = Changes::default();
    let mut known = Known::default();
    drive(watcher(api, config()), writer, "AwsCostAccount", |event| match event {
        Event::Apply(object) | Event::InitApply(object) => {
            known.note(object);
            gauges::account(&context.metrics, object);
            if changes.is_new(object) {
                send(&queues.accounts, ObjectRef::from_obj(object));
            }
        }
        Event::Delete(object) => known.went(context, object),
        Event::InitDone => known.compare(context, &stores.accounts),
        Event::Init => {}
    })
    .await;
}

async fn warehouses(
    context: &Context,
    api: Api<GuardedWarehouse>,
    writer: Writer<GuardedWarehouse>,
    stores: &Stores,
    queues: &Queues,
) {
    let mut changes = Changes::default();
    let mut known = Known::default();
    drive(watcher(api, config()), writer, "CostWarehouse", |event| match event {
        Event::Apply(object) | Event::InitApply(object) => {
            known.note(object);
            gauges::warehouse(&context.metrics, object);
            if changes.is_new(object) {
                send(&queues.warehouses, ObjectRef::from_obj(object));
            }
            accounts_of(stores, object, queues);
        }
        Event::Delete(object) => {
            known.went(context, object);
            accounts_of(stores, object, queues);
        }
        Event::InitDone => known.compare(context, &stores.warehouses),
        Event::Init => {}
    })
    .await;
}

/// Accounts copy their warehouse's Ready.
fn accounts_of(stores: &Stores, warehouse: &GuardedWarehouse, queues: &Queues) {
    wake_accounts(stores, warehouse.namespace().as_deref(), queues, |account| {
        let ingestion = account.spec.ingestion.as_ref();
        ingestion.is_some_and(|ingestion| ingestion.warehouse_ref.name == warehouse.name_any())
    });
}

fn wake_accounts(
    stores: &Stores,
    namespace: Option<&str>,
    queues: &Queues,
    concerned: impl Fn(&crate::api::AwsCostAccount) -> bool,
) {
    for object in stores.accounts.state() {
        if object.namespace().as_deref() == namespace && object.0.as_ref().is_ok_and(&concerned) {
            send(&queues.accounts, ObjectRef::from_obj(object.as_ref()));
        }
    }
}

async fn jobs(api: Api<Job>, writer: Writer<Job>, queues: &Queues) {
    let config = config().labels(&format!("{}={}", mark::MANAGED_BY.0, mark::MANAGED_BY.1));
    drive(watcher(api, config), writer, "Job", |event| {
        let (Event::Apply(job) | Event::InitApply(job) | Event::Delete(job)) = event else { return };
        let namespace = job.namespace().unwrap_or_default();
        for owner in job.owner_references() {
            match owner.kind.as_str() {
                "AwsCostAccount" => send(&queues.accounts, ObjectRef::new(&owner.name).within(&namespace)),
                "CostWarehouse" => send(&queues.warehouses, ObjectRef::new(&owner.name).within(&namespace)),
                _ => {}
            }
        }
    })
    .await;
}

async fn secrets(
    api: Api<PartialObjectMeta<Secret>>,
    writer: Writer<PartialObjectMeta<Secret>>,
    stores: &Stores,
    queues: &Queues,
) {
    let stream = watcher(api, config().labels(USE_LABEL));
    drive(stream, writer, "Secret", |event| {
        let (Event::Apply(secret) | Event::InitApply(secret) | Event::Delete(secret)) = event else { return };
        // Our own session Secrets change nothing for anybody.
        if secret.labels().contains_key(mark::ACCOUNT_UID) {
            return;
        }
        let (namespace, name) = (secret.namespace(), secret.name_any());
        wake_accounts(stores, namespace.as_deref(), queues, |account| {
            names_secret(&account.spec.access, &name)
        });
        for object in stores.warehouses.state() {
            let named = object.0.as_ref().is_ok_and(|warehouse| {
                let secret = warehouse.spec.delta.credentials_secret_ref.as_ref();
                secret.is_some_and(|secret| secret.name == name)
            });
            if named && object.namespace() == namespace {
                send(&queues.warehouses, ObjectRef::from_obj(object.as_ref()));
            }
        }
    })
    .await;
}

/// Whether an account is reached by what a Secret of this name holds.
fn names_secret(access: &Access, name: &str) -> bool {
    let ids = [&access.external_id_secret_ref, &access.next_external_id_secret_ref];
    ids.into_iter().flatten().any(|secret| secret.name == name)
        || access.access_key_secret_ref.as_ref().is_some_and(|secret| secret.name == name)
}

/// The receiver ends only when the process does.
fn send<K: Resource<DynamicType = ()> + 'static>(
    queue: &UnboundedSender<ObjectRef<K>>,
    object: ObjectRef<K>,
) {
    let _ = queue.unbounded_send(object);
}

/// The objects of one kind that were seen: what is remembered of one goes when it goes.
#[derive(Debug, Default)]
struct Known {
    uids: HashSet<String>,
}

impl Known {
    fn note<K: Resource>(&mut self, object: &K) {
        self.uids.extend(object.uid());
    }

    fn went<K: Resource>(&mut self, context: &Context, object: &K) {
        if let Some(uid) = object.uid() {
            self.uids.remove(&uid);
            context.forget(&uid);
        }
    }

    /// What went while the watch was away was never told.
    fn compare<K>(&mut self, context: &Context, store: &Store<K>)
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        let there: HashSet<String> = store.state().iter().filter_map(|object| object.uid()).collect();
        for uid in self.uids.difference(&there) {
            context.forget(uid);
        }
        self.uids = there;
    }
}

/// Tells changes that matter from those of status: generation, annotations, finalizers, and that deletion began.
#[derive(Debug, Default)]
struct Changes {
    seen: HashMap<String, u64>,
}

impl Changes {
    fn is_new<K: Resource + DeserializeOwned>(&mut self, object: &K) -> bool {
        let meta = object.meta();
        let mut hasher = DefaultHasher::new();
        meta.generation.hash(&mut hasher);
        meta.annotations.hash(&mut hasher);
        meta.finalizers.hash(&mut hasher);
        meta.deletion_timestamp.is_some().hash(&mut hasher);
        let hash = hasher.finish();
        let key = format!("{}/{}", object.name_any(), meta.uid.as_deref().unwrap_or_default());
        self.seen.insert(key, hash) != Some(hash)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::CostWarehouse;

    fn object(meta: serde_json::Value, status: serde_json::Value) -> CostWarehouse {
        serde_json::from_value(json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": meta,
            "spec": {"delta": {"location": "file:///warehouse"}}, "status": status
        }))
        .expect("a warehouse")
    }

    #[test]
    fn a_status_patch_is_no_change_and_an_annotation_is() {
        let meta = |more: serde_json::Value| {
            let mut meta = json!({"name": "lake", "uid": "u", "generation": 1});
            for (key, value) in more.as_object().expect("an object") {
                meta[key] = value.clone();
            }
            meta
        };
        let mut changes = Changes::default();
        let mut new = |more, status| changes.is_new(&object(meta(more), status));
        assert!(new(json!({}), json!({})));
        assert!(!new(json!({"resourceVersion": "2"}), json!({"observedGeneration": 1})));
        assert!(new(json!({"annotations": {"awscost.io/reconcile-at": "1"}}), json!({})));
        assert!(new(json!({"generation": 2}), json!({})));
        assert!(new(json!({"generation": 2, "finalizers": ["x/y"]}), json!({})));
        assert!(new(json!({"generation": 2, "deletionTimestamp": "2026-11-22T12:00:00Z"}), json!({})));
    }
}
