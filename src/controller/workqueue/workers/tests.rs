//! When reconciles run, and what is left of an object that goes while one is under way. Without an API server: the reconciles
//! are the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::channel::mpsc::unbounded;
use kube::{
    Client, Config,
    runtime::{
        events::{Recorder, Reporter},
        watcher::Event,
    },
};
use serde_json::json;

use crate::{
    connection::{fake::FakeAws, sample},
    controller::{
        context::{Context, GuardedAccount, OwnIdentity, Stores},
        jobs::Jobs,
        settings::Settings,
        workqueue::{caches_synced, watch, workers::*},
    },
    model::ExternalId,
    telemetry::metrics::Metrics,
};

fn account(name: &str, uid: &str) -> GuardedAccount {
    serde_json::from_value(json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
        "metadata": {"name": name, "namespace": "finops", "uid": uid},
        "spec": {"accountType": "Member", "access": {
            "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "acme-external-id"}
        }}
    }))
    .expect("an account")
}

fn feed(
    stores: &Stores,
    requests: UnboundedReceiver<ReconcileRequest<GuardedAccount>>,
    synced: CachesSynced,
) -> ObjectFeed<GuardedAccount> {
    ObjectFeed { store: stores.accounts.clone(), requests, synced }
}

fn asked() -> ReconcileRequest<GuardedAccount> {
    ReconcileRequest { object: ObjectRef::new("acme").within("finops"), urgency: RequestUrgency::Asked }
}

/// A state whose API server is not there.
fn state(stores: Vec<Stores>) -> Arc<SharedState> {
    let nowhere = Config::new("http://127.0.0.1:1".parse().expect("a URL"));
    state_over(Client::try_from(nowhere).expect("a client"), stores)
}

/// A state over this API server.
pub fn state_over(client: Client, stores: Vec<Stores>) -> Arc<SharedState> {
    let reporter = Reporter { controller: "test".to_owned(), instance: None };
    let context = Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        settings: Settings::parse("image: a\nwatch: {namespaces: [finops]}\n").expect("settings"),
        aws: FakeAws::new(sample::script()).aws(),
        own_region: None,
        metrics: Metrics::new("test").expect("metrics"),
        started: Timestamp::now(),
        stores,
        own: OwnIdentity::default(),
        unparsable: Default::default(),
    };
    let jobs = Jobs::new(Arc::new(context), Default::default(), Default::default());
    Arc::new(SharedState::new(jobs))
}

#[tokio::test]
async fn no_pass_begins_before_every_watch_has_shown_what_is_there() {
    static PASSES: AtomicUsize = AtomicUsize::new(0);
    let (stores, mut writers) = watch::empty_stores(None);
    let state = state(vec![stores.clone()]);
    let (announcement, synced) = caches_synced::sync_channel();
    let (queue, requests) = unbounded();
    let reconciler = Reconciler::<GuardedAccount> {
        controller: "account",
        reconcile: |_, _| {
            PASSES.fetch_add(1, Ordering::SeqCst);
            async { Ok(Duration::from_secs(3600)) }.boxed()
        },
        report_bug: |_, _| async { Ok(()) }.boxed(),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(run_workers(state, feed(&stores, requests, synced), reconciler, stop.clone()));
    writers.accounts(&Event::Apply(account("acme", "u")));
    queue.unbounded_send(asked()).expect("the queue is open");
    let telling = tokio::spawn(async move { announcement.tell(&stores).await });
    for watch in writers.each_alone() {
        // The reconcile's debounce is 100 ms: had it been let in, it would have run by now.
        tokio::time::sleep(3 * DEBOUNCE).await;
        assert_eq!(PASSES.load(Ordering::SeqCst), 0, "a watch has not shown yet what is there");
        watch();
    }
    telling.await.expect("told");
    writers.accounts(&Event::Apply(account("acme", "u")));
    queue.unbounded_send(asked()).expect("the queue is open");
    let ran = async {
        while PASSES.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ran).await.expect("a reconcile runs once they have");
    stop.cancel();
    running.await.expect("reconciles end");
}

#[tokio::test]
async fn a_pass_that_panics_is_told_of_and_keeps_nobody_from_the_next() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let (stores, mut writers) = watch::empty_stores(None);
    for watch in writers.each_alone() {
        watch();
    }
    writers.accounts(&Event::Apply(account("acme", "u")));
    let state = state(vec![stores.clone()]);
    let (announcement, synced) = caches_synced::sync_channel();
    announcement.tell(&stores).await;
    let (queue, requests) = unbounded();
    let reconciler = Reconciler::<GuardedAccount> {
        controller: "account",
        reconcile: |_, _| async { panic!("a reconcile that fails") }.boxed(),
        report_bug: |object, _| {
            TOLD.fetch_add(usize::from(object.name_any() == "acme"), Ordering::SeqCst);
            async { panic!("and so does the word about it") }.boxed()
        },
    };
    let stop = CancellationToken::new();
    let running =
        tokio::spawn(run_workers(state.clone(), feed(&stores, requests, synced), reconciler, stop.clone()));
    for times in 1..=2 {
        queue.unbounded_send(asked()).expect("the queue is open");
        let told = async {
            while TOLD.load(Ordering::SeqCst) < times {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), told).await.expect("each request is answered");
    }
    stop.cancel();
    running.await.expect("reconciles end");
    assert_eq!(state.permits.available_permits(), 10, "every permit came back");
}

#[tokio::test]
async fn an_object_that_goes_in_the_middle_of_its_pass_leaves_no_claim() {
    let (stores, mut writers) = watch::empty_stores(None);
    let state = state(vec![stores.clone()]);
    let id = ExternalId::parse(b"an-external-id").expect("an id");
    let claim = |uid: &str, namespace: &str, second: i64| {
        let created = Timestamp::from_second(second).expect("a time");
        state.accounts.external_ids().note(uid, namespace, created, &[&id]);
    };
    let gone = account("acme", "older");
    writers.accounts(&Event::Apply(gone.clone()));
    claim("older", "finops", 1);
    claim("newer", "elsewhere", 2);
    forget_if_gone(&gone, &stores.accounts, &state);
    assert!(state.accounts.external_ids().is_reused("newer", &id), "the older one is still there");
    // The watch forgets it, and its reconcile, still under way, notes its claim once more.
    writers.accounts(&Event::Delete(gone.clone()));
    state.forget("older");
    claim("older", "finops", 1);
    forget_if_gone(&gone, &stores.accounts, &state);
    assert!(!state.accounts.external_ids().is_reused("newer", &id));
    // One of the same name in its place is another object.
    writers.accounts(&Event::Apply(account("acme", "successor")));
    claim("older", "finops", 1);
    forget_if_gone(&gone, &stores.accounts, &state);
    assert!(!state.accounts.external_ids().is_reused("newer", &id));
}
