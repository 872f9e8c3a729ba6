//! The watches of one namespace, or of all: what changed becomes a request to reconcile an object.
//!
//! kube's own predicates would hide annotations and finalizers, and its controller re-raises panics; so the streams are
//! put together here, and `workers` runs what they ask for.

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
use tokio_util::sync::CancellationToken;

use super::{SharedState, caches_synced::SyncAnnouncement, queue::RequestUrgency, workers::ReconcileRequest};
use crate::{
    api::{AwsCostAccount, USE_LABEL, aws_cost_account::Access},
    controller::{
        context::{ACCOUNT, GuardedAccount, GuardedWarehouse, Stores, WAREHOUSE, children, mark},
        gauges,
        jobs::{authorities, concurrency::JobSlots, session},
    },
};

/// How long a watch may be quiet before it is set up again: a dead connection is noticed this soon.
const WATCH_TIMEOUT_SECONDS: u32 = 120;

/// Where reconcile requests go.
#[derive(Clone)]
pub struct RequestQueues {
    /// Requests to reconcile an account.
    pub accounts: UnboundedSender<ReconcileRequest<GuardedAccount>>,
    /// Requests to reconcile a warehouse.
    pub warehouses: UnboundedSender<ReconcileRequest<GuardedWarehouse>>,
}

/// The writing ends of [`Stores`].
pub struct StoreWriters {
    accounts: Writer<GuardedAccount>,
    warehouses: Writer<GuardedWarehouse>,
    jobs: Writer<Job>,
    secrets: Writer<PartialObjectMeta<Secret>>,
}

#[cfg(test)]
impl StoreWriters {
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
pub fn empty_stores(namespace: Option<String>) -> (Stores, StoreWriters) {
    let (accounts, accounts_writer) = reflector::store();
    let (warehouses, warehouses_writer) = reflector::store();
    let (jobs, jobs_writer) = reflector::store();
    let (secrets, secrets_writer) = reflector::store();
    let writers = StoreWriters {
        accounts: accounts_writer,
        warehouses: warehouses_writer,
        jobs: jobs_writer,
        secrets: secrets_writer,
    };
    (Stores::new(namespace, accounts, warehouses, jobs, secrets), writers)
}

/// Runs the four watches until `stop`, and tells once they have shown what is there. Accounts whose first look waited for
/// the others' external IDs are woken when those are known.
pub async fn run_watches(
    state: Arc<SharedState>,
    (stores, writers): (Stores, StoreWriters),
    queues: RequestQueues,
    announcement: SyncAnnouncement,
    stop: CancellationToken,
) {
    let client = &state.context.client;
    let namespace = stores.namespace.as_deref();
    let watches = futures::future::join4(
        watch_accounts(&state, api_in(client, namespace), writers.accounts, &stores, &queues),
        watch_warehouses(&state, api_in(client, namespace), writers.warehouses, &stores, &queues),
        watch_jobs(&state, api_in(client, namespace), writers.jobs, &queues),
        watch_secrets(&state, api_in(client, namespace), writers.secrets, &stores, &queues),
    );
    // Once for all accounts: each was told how long to wait at most, and not when the others are done.
    let settled = async {
        state.accounts.barrier.over().await;
        wake_accounts(&stores, RequestUrgency::Routine, &queues, |_| true);
    };
    tokio::select! {
        _ = futures::future::join3(watches, announcement.tell(&stores), settled) => {}
        () = stop.cancelled() => {}
    }
}

fn api_in<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Lists are MostRecent (the default): an older list could bring back what is gone.
fn watch_config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_TIMEOUT_SECONDS)
}

/// Drives one watch, writing its store first; errors are retried with kube's backoff.
async fn drive_watch<K>(
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
            // The store first: a worker that takes the request at once must find in it what the request is about.
            Ok(event) => {
                writer.apply_watcher_event(&event);
                visit(&event);
            }
            Err(error) => tracing::warn!(kind, %error, "a watch broke; it is set up again"),
        }
    }
}

async fn watch_accounts(
    state: &SharedState,
    api: Api<GuardedAccount>,
    writer: Writer<GuardedAccount>,
    stores: &Stores,
    queues: &RequestQueues,
) {
    let (mut known, mut users) = (KnownObjects::default(), WarehouseUsers::default());
    drive_watch(watcher(api, watch_config()), writer, "AwsCostAccount", |event| match event {
        Event::Apply(object) | Event::InitApply(object) => {
            gauges::set_account_gauges(&state.context.metrics, object);
            // Our own status patches come back as events: without this each reconcile would call for the next.
            if known.is_changed(object) {
                state.jobs.authorities.wake();
                send_request(&queues.accounts, ObjectRef::from_obj(object), urgency_of(event));
            }
            wake_warehouses(users.note(object), queues);
        }
        Event::Delete(object) => {
            known.went(state, object);
            wake_warehouses(users.went(object), queues);
        }
        Event::InitDone => {
            known.compare(state, &stores.accounts);
            wake_warehouses(users.compare(&stores.accounts), queues);
        }
        Event::Init => {}
    })
    .await;
}

async fn watch_warehouses(
    state: &SharedState,
    api: Api<GuardedWarehouse>,
    writer: Writer<GuardedWarehouse>,
    stores: &Stores,
    queues: &RequestQueues,
) {
    let (mut known, mut copied) = (KnownObjects::default(), CopiedConditions::default());
    drive_watch(watcher(api, watch_config()), writer, "CostWarehouse", |event| match event {
        Event::Apply(object) | Event::InitApply(object) => {
            gauges::set_warehouse_gauges(&state.context.metrics, object);
            if known.is_changed(object) {
                state.jobs.authorities.wake();
                send_request(&queues.warehouses, ObjectRef::from_obj(object), urgency_of(event));
            }
            if copied.is_changed(object) {
                accounts_of(stores, object, urgency_of(event), queues);
            }
        }
        Event::Delete(object) => {
            known.went(state, object);
            // Its accounts say that it is gone, and load nothing into one of the same name without a probe of that.
            copied.0.remove(&object.uid().unwrap_or_default());
            accounts_of(stores, object, urgency_of(event), queues);
        }
        Event::InitDone => known.compare(state, &stores.warehouses),
        Event::Init => {}
    })
    .await;
}

/// What a first list shows is routine: after a restart that is everything there is. What changes, somebody waits for.
fn urgency_of<K>(event: &Event<K>) -> RequestUrgency {
    match event {
        Event::Apply(_) | Event::Delete(_) => RequestUrgency::Asked,
        Event::Init | Event::InitApply(_) | Event::InitDone => RequestUrgency::Routine,
    }
}

/// Accounts copy their warehouse's Ready.
fn accounts_of(
    stores: &Stores,
    warehouse: &GuardedWarehouse,
    urgency: RequestUrgency,
    queues: &RequestQueues,
) {
    let (namespace, name) = (warehouse.namespace(), warehouse.name_any());
    wake_accounts(stores, urgency, queues, |account| {
        let ingestion = account.spec.ingestion.as_ref();
        account.namespace() == namespace
            && ingestion.is_some_and(|ingestion| ingestion.warehouse_ref.name == name)
    });
}

/// A warehouse says how many accounts name it.
fn wake_warehouses(
    warehouses: impl IntoIterator<Item = ObjectRef<GuardedWarehouse>>,
    queues: &RequestQueues,
) {
    for warehouse in warehouses {
        send_request(&queues.warehouses, warehouse, RequestUrgency::Routine);
    }
}

fn wake_accounts(
    stores: &Stores,
    urgency: RequestUrgency,
    queues: &RequestQueues,
    concerned: impl Fn(&AwsCostAccount) -> bool,
) {
    for object in stores.accounts.state() {
        if object.0.as_ref().is_ok_and(&concerned) {
            send_request(&queues.accounts, ObjectRef::from_obj(object.as_ref()), urgency);
        }
    }
}

async fn watch_jobs(state: &SharedState, api: Api<Job>, writer: Writer<Job>, queues: &RequestQueues) {
    let config = watch_config().labels(&format!("{}={}", mark::MANAGED_BY.0, mark::MANAGED_BY.1));
    drive_watch(watcher(api, config), writer, "Job", |event| {
        if let Event::Delete(job) = event {
            state.jobs.podless.forget(job);
        }
        wake_owner(&state.jobs.slots, queues, event);
    })
    .await;
}

fn wake_owner(slots: &JobSlots, queues: &RequestQueues, event: &Event<Job>) {
    let (Event::Apply(job) | Event::InitApply(job) | Event::Delete(job)) = event else { return };
    if matches!(event, Event::Delete(_)) {
        // It may have come and gone with its account while nobody asked for a slot.
        slots.went(job);
    }
    let (namespace, urgency) = (job.namespace().unwrap_or_default(), urgency_of(event));
    let Some(owner) = children::controller_of(job) else { return };
    // By name, for the queue; whose the Job is decides the reconcile, by UID and label as well.
    match owner.kind.as_str() {
        ACCOUNT => send_request(&queues.accounts, ObjectRef::new(&owner.name).within(&namespace), urgency),
        WAREHOUSE => {
            send_request(&queues.warehouses, ObjectRef::new(&owner.name).within(&namespace), urgency);
        }
        _ => {}
    }
}

async fn watch_secrets(
    state: &SharedState,
    api: Api<PartialObjectMeta<Secret>>,
    writer: Writer<PartialObjectMeta<Secret>>,
    stores: &Stores,
    queues: &RequestQueues,
) {
    let stream = watcher(api, watch_config().labels(USE_LABEL));
    // A first list is looked through once, not once for each of its Secrets: there may be thousands of both.
    let mut listed = SecretNames::default();
    drive_watch(stream, writer, "Secret", |event| match event {
        Event::Apply(secret) | Event::Delete(secret) => {
            if secret.name_any() == authorities::NAME {
                state.jobs.authorities.wake();
            }
            let mut changed = SecretNames::default();
            changed.note(secret);
            changed.wake(stores, urgency_of(event), queues);
        }
        Event::Init => listed = SecretNames::default(),
        Event::InitApply(secret) => listed.note(secret),
        Event::InitDone => std::mem::take(&mut listed).wake(stores, urgency_of(event), queues),
    })
    .await;
}

/// Namespaces and names of Secrets.
#[derive(Debug, Default)]
struct SecretNames(HashSet<(Option<String>, String)>);

impl SecretNames {
    /// Sessions change nothing for anybody.
    fn note(&mut self, secret: &PartialObjectMeta<Secret>) {
        if !session::is_session(secret) {
            self.0.insert((secret.namespace(), secret.name_any()));
        }
    }

    fn wake(self, stores: &Stores, urgency: RequestUrgency, queues: &RequestQueues) {
        if self.0.is_empty() {
            return;
        }
        let there = |namespace: Option<String>, name: &str| self.0.contains(&(namespace, name.to_owned()));
        wake_accounts(stores, urgency, queues, |account| {
            secrets_of(&account.spec.access).any(|name| there(account.namespace(), name))
        });
        for object in stores.warehouses.state() {
            let named = object.0.as_ref().is_ok_and(|warehouse| {
                warehouse.spec.secret().is_some_and(|secret| there(warehouse.namespace(), secret))
            });
            if named {
                send_request(&queues.warehouses, ObjectRef::from_obj(object.as_ref()), urgency);
            }
        }
    }
}

/// Names of the Secrets that an account is reached by.
fn secrets_of(access: &Access) -> impl Iterator<Item = &str> {
    let ids = [&access.external_id_secret_ref, &access.next_external_id_secret_ref];
    let ids = ids.into_iter().flatten().map(|secret| secret.name.as_str());
    ids.chain(access.access_key_secret_ref.as_ref().map(|secret| secret.name.as_str()))
}

/// The receiver ends only when the process does.
fn send_request<K: Resource<DynamicType = ()> + 'static>(
    queue: &UnboundedSender<ReconcileRequest<K>>,
    object: ObjectRef<K>,
    urgency: RequestUrgency,
) {
    let _ = queue.unbounded_send(ReconcileRequest { object, urgency });
}

/// The objects of one kind that were seen, each with what of it matters to a reconcile. What is remembered of one goes with
/// it.
#[derive(Debug, Default)]
struct KnownObjects {
    seen: HashMap<String, u64>,
}

impl KnownObjects {
    /// True unless all that is new of an object is its status: generation, annotations, finalizers and the beginning of
    /// its deletion are what reconciles act on.
    fn is_changed<K: Resource>(&mut self, object: &K) -> bool {
        let meta = object.meta();
        let mut hasher = DefaultHasher::new();
        meta.generation.hash(&mut hasher);
        meta.annotations.hash(&mut hasher);
        meta.finalizers.hash(&mut hasher);
        meta.deletion_timestamp.is_some().hash(&mut hasher);
        let hash = hasher.finish();
        self.seen.insert(object.uid().unwrap_or_default(), hash) != Some(hash)
    }

    fn went<K: Resource>(&mut self, state: &SharedState, object: &K) {
        if let Some(uid) = object.uid() {
            self.seen.remove(&uid);
            state.forget(&uid);
        }
    }

    /// What went while the watch was away was never told.
    fn compare<K>(&mut self, state: &SharedState, store: &Store<K>)
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        let there: HashSet<String> = store.state().iter().filter_map(|object| object.uid()).collect();
        for (uid, _) in self.seen.extract_if(|uid, _| !there.contains(uid)) {
            state.forget(&uid);
        }
    }
}

/// Which warehouse each account names.
#[derive(Debug, Default)]
struct WarehouseUsers(HashMap<String, ObjectRef<GuardedWarehouse>>);

impl WarehouseUsers {
    /// Takes an account in; the warehouses that have one more or one less since.
    fn note(&mut self, object: &GuardedAccount) -> Vec<ObjectRef<GuardedWarehouse>> {
        let uid = object.uid().unwrap_or_default();
        let ingestion = object.0.as_ref().ok().and_then(|account| account.spec.ingestion.as_ref());
        let names = ingestion.map(|ingestion| {
            ObjectRef::new(&ingestion.warehouse_ref.name).within(&object.namespace().unwrap_or_default())
        });
        let before = match &names {
            Some(names) => self.0.insert(uid, names.clone()),
            None => self.0.remove(&uid),
        };
        if before == names { Vec::new() } else { before.into_iter().chain(names).collect() }
    }

    fn went(&mut self, object: &GuardedAccount) -> Option<ObjectRef<GuardedWarehouse>> {
        self.0.remove(&object.uid().unwrap_or_default())
    }

    /// The warehouses of accounts that went while the watch was away.
    fn compare(&mut self, store: &Store<GuardedAccount>) -> Vec<ObjectRef<GuardedWarehouse>> {
        let there: HashSet<String> = store.state().iter().filter_map(|object| object.uid()).collect();
        self.0.extract_if(|uid, _| !there.contains(uid)).map(|(_, names)| names).collect()
    }
}

/// What accounts take from each warehouse: its conditions and the generation they speak of. The number of its accounts is
/// nothing to them: each new one would wake all.
#[derive(Debug, Default)]
struct CopiedConditions(HashMap<String, u64>);

impl CopiedConditions {
    fn is_changed(&mut self, object: &GuardedWarehouse) -> bool {
        let status = object.0.as_ref().ok().and_then(|warehouse| warehouse.status.as_ref());
        let mut hasher = DefaultHasher::new();
        object.meta().generation.hash(&mut hasher);
        object.meta().deletion_timestamp.is_some().hash(&mut hasher);
        status.map(|status| (&status.observed_generation, &status.conditions)).hash(&mut hasher);
        let hash = hasher.finish();
        self.0.insert(object.uid().unwrap_or_default(), hash) != Some(hash)
    }
}

#[cfg(test)]
mod tests;
