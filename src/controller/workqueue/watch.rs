//! The watches of one namespace, or of all: what changed becomes a wish for a pass over an object.
//!
//! kube's own predicates would hide annotations and finalizers, and its controller re-raises panics; so the streams are
//! put together here, and `passes` runs what they ask for.

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

use crate::{
    api::{AwsCostAccount, USE_LABEL, aws_cost_account::Access},
    controller::{
        context::{Context, GuardedAccount, GuardedWarehouse, Stores, children},
        gauges,
        jobs::{
            authorities,
            concurrency::Slots,
            manifest::{self, mark},
            session,
        },
        workqueue::{caches_synced::Announcement, queue::Urgency, workers::Wish},
    },
};

/// How long a watch may be quiet before it is set up anew: a dead connection is noticed this soon.
const WATCH_TIMEOUT_SECONDS: u32 = 120;

/// Where wishes for a pass go.
#[derive(Clone)]
pub struct Queues {
    /// Over accounts.
    pub accounts: UnboundedSender<Wish<GuardedAccount>>,
    /// Over warehouses.
    pub warehouses: UnboundedSender<Wish<GuardedWarehouse>>,
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
    (Stores::new(namespace, accounts, warehouses, jobs, secrets), writers)
}

/// Runs the four watches until `stop`, and tells once they have shown what is there. Accounts whose first look waited for
/// the others' external IDs are woken when those are known.
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
    let watches = futures::future::join4(
        accounts(&context, api(client, namespace), writers.accounts, &stores, &queues),
        warehouses(&context, api(client, namespace), writers.warehouses, &stores, &queues),
        jobs(&context, api(client, namespace), writers.jobs, &queues),
        secrets(&context, api(client, namespace), writers.secrets, &stores, &queues),
    );
    let settled = async {
        context.settling.over().await;
        wake_accounts(&stores, Urgency::Routine, &queues, |_| true);
    };
    tokio::select! {
        _ = futures::future::join3(watches, announcement.tell(&stores), settled) => {}
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
    let (mut known, mut users) = (Known::default(), Users::default());
    drive(watcher(api, config()), writer, "AwsCostAccount", |event| match event {
        Event::Apply(object) | Event::InitApply(object) => {
            gauges::account(&context.metrics, object);
            if known.is_changed(object) {
                context.authorities.wake();
                send(&queues.accounts, ObjectRef::from_obj(object), urgency(event));
            }
            wake_warehouses(users.note(object), queues);
        }
        Event::Delete(object) => {
            known.went(context, object);
            wake_warehouses(users.went(object), queues);
        }
        Event::InitDone => {
            known.compare(context, &stores.accounts);
            wake_warehouses(users.compare(&stores.accounts), queues);
        }
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
    let (mut known, mut copied) = (Known::default(), Copied::default());
    drive(watcher(api, config()), writer, "CostWarehouse", |event| match event {
        Event::Apply(object) | Event::InitApply(object) => {
            gauges::warehouse(&context.metrics, object);
            if known.is_changed(object) {
                context.authorities.wake();
                send(&queues.warehouses, ObjectRef::from_obj(object), urgency(event));
            }
            if copied.is_changed(object) {
                accounts_of(stores, object, urgency(event), queues);
            }
        }
        Event::Delete(object) => {
            known.went(context, object);
            copied.0.remove(&object.uid().unwrap_or_default());
            accounts_of(stores, object, urgency(event), queues);
        }
        Event::InitDone => known.compare(context, &stores.warehouses),
        Event::Init => {}
    })
    .await;
}

/// What a first list shows is routine: after a restart that is everything there is. What changes, somebody waits for.
fn urgency<K>(event: &Event<K>) -> Urgency {
    match event {
        Event::Apply(_) | Event::Delete(_) => Urgency::Asked,
        Event::Init | Event::InitApply(_) | Event::InitDone => Urgency::Routine,
    }
}

/// Accounts copy their warehouse's Ready.
fn accounts_of(stores: &Stores, warehouse: &GuardedWarehouse, urgency: Urgency, queues: &Queues) {
    let (namespace, name) = (warehouse.namespace(), warehouse.name_any());
    wake_accounts(stores, urgency, queues, |account| {
        let ingestion = account.spec.ingestion.as_ref();
        account.namespace() == namespace
            && ingestion.is_some_and(|ingestion| ingestion.warehouse_ref.name == name)
    });
}

/// A warehouse says how many accounts name it.
fn wake_warehouses(warehouses: impl IntoIterator<Item = ObjectRef<GuardedWarehouse>>, queues: &Queues) {
    for warehouse in warehouses {
        send(&queues.warehouses, warehouse, Urgency::Routine);
    }
}

fn wake_accounts(
    stores: &Stores,
    urgency: Urgency,
    queues: &Queues,
    concerned: impl Fn(&AwsCostAccount) -> bool,
) {
    for object in stores.accounts.state() {
        if object.0.as_ref().is_ok_and(&concerned) {
            send(&queues.accounts, ObjectRef::from_obj(object.as_ref()), urgency);
        }
    }
}

async fn jobs(context: &Context, api: Api<Job>, writer: Writer<Job>, queues: &Queues) {
    let config = config().labels(&format!("{}={}", mark::MANAGED_BY.0, mark::MANAGED_BY.1));
    drive(watcher(api, config), writer, "Job", |event| {
        if let Event::Delete(job) = event {
            context.podless.forget(job);
        }
        job(&context.slots, queues, event);
    })
    .await;
}

fn job(slots: &Slots, queues: &Queues, event: &Event<Job>) {
    let (Event::Apply(job) | Event::InitApply(job) | Event::Delete(job)) = event else { return };
    if matches!(event, Event::Delete(_)) {
        // It may have come and gone with its account while nobody asked for a slot.
        slots.went(job);
    }
    let (namespace, urgency) = (job.namespace().unwrap_or_default(), urgency(event));
    let Some(owner) = children::controller(job) else { return };
    match owner.kind.as_str() {
        manifest::ACCOUNT => send(&queues.accounts, ObjectRef::new(&owner.name).within(&namespace), urgency),
        manifest::WAREHOUSE => {
            send(&queues.warehouses, ObjectRef::new(&owner.name).within(&namespace), urgency)
        }
        _ => {}
    }
}

async fn secrets(
    context: &Context,
    api: Api<PartialObjectMeta<Secret>>,
    writer: Writer<PartialObjectMeta<Secret>>,
    stores: &Stores,
    queues: &Queues,
) {
    let stream = watcher(api, config().labels(USE_LABEL));
    // A first list is looked through once, not once for each of its Secrets: there may be thousands of both.
    let mut listed = Names::default();
    drive(stream, writer, "Secret", |event| match event {
        Event::Apply(secret) | Event::Delete(secret) => {
            if secret.name_any() == authorities::NAME {
                context.authorities.wake();
            }
            let mut changed = Names::default();
            changed.note(secret);
            changed.wake(stores, urgency(event), queues);
        }
        Event::Init => listed = Names::default(),
        Event::InitApply(secret) => listed.note(secret),
        Event::InitDone => std::mem::take(&mut listed).wake(stores, urgency(event), queues),
    })
    .await;
}

/// Namespaces and names of Secrets.
#[derive(Debug, Default)]
struct Names(HashSet<(Option<String>, String)>);

impl Names {
    /// Sessions change nothing for anybody.
    fn note(&mut self, secret: &PartialObjectMeta<Secret>) {
        if !session::is_session(secret) {
            self.0.insert((secret.namespace(), secret.name_any()));
        }
    }

    fn wake(self, stores: &Stores, urgency: Urgency, queues: &Queues) {
        if self.0.is_empty() {
            return;
        }
        let there = |namespace: Option<String>, name: &str| self.0.contains(&(namespace, name.to_owned()));
        wake_accounts(stores, urgency, queues, |account| {
            secrets_of(&account.spec.access).any(|name| there(account.namespace(), name))
        });
        for object in stores.warehouses.state() {
            let named = object.0.as_ref().is_ok_and(|warehouse| {
                let secret = warehouse.spec.delta.credentials_secret_ref.as_ref();
                secret.is_some_and(|secret| there(warehouse.namespace(), &secret.name))
            });
            if named {
                send(&queues.warehouses, ObjectRef::from_obj(object.as_ref()), urgency);
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
fn send<K: Resource<DynamicType = ()> + 'static>(
    queue: &UnboundedSender<Wish<K>>,
    object: ObjectRef<K>,
    urgency: Urgency,
) {
    let _ = queue.unbounded_send(Wish { object, urgency });
}

/// The objects of one kind that were seen, each with what of it matters to a pass: what is remembered of one goes when it
/// goes.
#[derive(Debug, Default)]
struct Known {
    seen: HashMap<String, u64>,
}

impl Known {
    /// True unless all that is new of an object is its status: generation, annotations, finalizers and the beginning of
    /// its deletion are what passes act on.
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

    fn went<K: Resource>(&mut self, context: &Context, object: &K) {
        if let Some(uid) = object.uid() {
            self.seen.remove(&uid);
            context.forget(&uid);
        }
    }

    /// What went while the watch was away was never told.
    fn compare<K>(&mut self, context: &Context, store: &Store<K>)
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        let there: HashSet<String> = store.state().iter().filter_map(|object| object.uid()).collect();
        for (uid, _) in self.seen.extract_if(|uid, _| !there.contains(uid)) {
            context.forget(&uid);
        }
    }
}

/// Which warehouse each account names.
#[derive(Debug, Default)]
struct Users(HashMap<String, ObjectRef<GuardedWarehouse>>);

impl Users {
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
struct Copied(HashMap<String, u64>);

impl Copied {
    fn is_changed(&mut self, object: &GuardedWarehouse) -> bool {
        let status = object.0.as_ref().ok().and_then(|warehouse| warehouse.status.as_ref());
        let mut hasher = DefaultHasher::new();
        object.meta().generation.hash(&mut hasher);
        object.meta().deletion_timestamp.is_some().hash(&mut hasher);
        format!("{:?}", status.map(|status| (&status.observed_generation, &status.conditions)))
            .hash(&mut hasher);
        let hash = hasher.finish();
        self.0.insert(object.uid().unwrap_or_default(), hash) != Some(hash)
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc::unbounded;
    use serde_json::json;

    use super::*;
    use crate::{
        api::CostWarehouse,
        controller::{
            jobs::manifest::Load,
            loads::{
                decide::Writers,
                periods::tests::{at, period, version},
            },
            settings::JobLimits,
        },
        model::ReportKind,
    };

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
        let mut known = Known::default();
        let mut new = |more, status| known.is_changed(&object(meta(more), status));
        assert!(new(json!({}), json!({})));
        assert!(!new(json!({"resourceVersion": "2"}), json!({"observedGeneration": 1})));
        assert!(new(json!({"annotations": {"awscost.io/reconcile-at": "1"}}), json!({})));
        assert!(new(json!({"generation": 2}), json!({})));
        assert!(new(json!({"generation": 2, "finalizers": ["x/y"]}), json!({})));
        assert!(new(json!({"generation": 2, "deletionTimestamp": "2026-11-22T12:00:00Z"}), json!({})));
    }

    fn account(uid: &str, warehouse: Option<&str>) -> GuardedAccount {
        serde_json::from_value(json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": uid, "namespace": "finops", "uid": uid},
            "spec": {
                "accountType": "Member", "access": {},
                "ingestion": warehouse.map(|name| json!({"warehouseRef": {"name": name}}))
            }
        }))
        .expect("an account")
    }

    #[test]
    fn a_warehouse_is_woken_when_one_more_or_one_less_account_names_it() {
        let mut users = Users::default();
        let mut note = |uid, warehouse| -> Vec<String> {
            users.note(&account(uid, warehouse)).into_iter().map(|warehouse| warehouse.name).collect()
        };
        assert_eq!(note("a", Some("lake")), ["lake"]);
        assert_eq!(note("a", Some("lake")), Vec::<String>::new(), "a status patch changes nothing");
        assert_eq!(note("a", Some("pond")), ["lake", "pond"]);
        assert_eq!(note("a", None), ["pond"]);
        assert_eq!(note("b", Some("lake")), ["lake"]);
        let gone = users.went(&account("b", Some("lake"))).map(|warehouse| warehouse.name);
        assert_eq!(gone.as_deref(), Some("lake"));
    }

    #[test]
    fn the_number_of_its_accounts_wakes_no_account() {
        let mut copied = Copied::default();
        let mut changed = |status| {
            let object = object(json!({"name": "lake", "uid": "u", "generation": 1}), status);
            copied.is_changed(&serde_json::from_value(json!(object)).expect("a warehouse"))
        };
        assert!(changed(json!({})));
        assert!(!changed(json!({"accounts": 1})));
        let ready = json!({"type": "Ready", "status": "True", "reason": "ProbeSucceeded", "message": "m",
                           "lastTransitionTime": "2026-11-22T12:00:00Z"});
        assert!(changed(json!({"accounts": 1, "conditions": [ready]})));
    }

    #[test]
    fn a_load_that_went_before_anybody_asked_for_another_holds_no_slot() {
        let load = Load {
            period: period("2026-11"),
            version: version("v"),
            kind: ReportKind::Cur2,
            attempt: 1,
            inputs: String::new(),
        };
        let one = children::tests::account("finops", "an-account");
        let gone = |owner: &_| -> Job {
            let made = children::tests::made_for(owner, &load.job_name("an-account"));
            serde_json::from_value(made).expect("a Job")
        };
        let slots = Slots::new(JobLimits { per_warehouse: 1, ..JobLimits::default() });
        let queued = |account| {
            let owner = children::tests::account("finops", account);
            slots.take(&owner, ("lake", Writers::Many), vec![load.clone()], &[], at(0)).queued
        };
        assert_eq!(queued("an-account"), 0);
        assert_eq!(queued("another"), 1, "the warehouse takes one at a time");
        let (accounts, warehouses) = (unbounded().0, unbounded().0);
        let queues = Queues { accounts, warehouses };
        for foreign in [("elsewhere", "an-account"), ("finops", "another")] {
            let foreign = children::tests::account(foreign.0, foreign.1);
            job(&slots, &queues, &Event::Delete(gone(&foreign)));
            assert_eq!(queued("another"), 1, "a Job of that name which somebody else made frees nothing");
        }
        job(&slots, &queues, &Event::Delete(gone(&one)));
        assert_eq!(queued("another"), 0, "nothing is at work");
    }
}
