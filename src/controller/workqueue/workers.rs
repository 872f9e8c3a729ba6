//! Reconciles of the objects of one kind in one namespace, as its queue asks: none may panic its way out, hang, or crowd out
//! others.

use std::{fmt::Debug, future, hash::Hash, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{
    FutureExt, StreamExt,
    channel::mpsc::UnboundedReceiver,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use jiff::Timestamp;
use kube::{
    Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    controller::{
        error::{AFTER_BUG, RECONCILE_LIMIT, ReconcileFault, SHORTEST_WAIT},
        workqueue::{
            SharedState,
            caches_synced::CachesSynced,
            queue::{Queue, RequestUrgency},
        },
    },
    telemetry::metrics::ReconcileResult,
};

/// Several changes of one object within this time are one reconcile.
pub const DEBOUNCE: Duration = Duration::from_millis(100);

/// What a watch saw that calls for a reconcile.
#[derive(Debug)]
pub struct ReconcileRequest<K: Resource<DynamicType = ()>> {
    /// The object that is to be reconciled.
    pub object: ObjectRef<K>,
    /// Whether somebody waits for it.
    pub urgency: RequestUrgency,
}

/// A future of one reconcile, or of the word about one that panicked.
pub type ReconcileFuture<T> = BoxFuture<'static, Result<T, ReconcileFault>>;

/// What is done with objects of one kind.
pub struct Reconciler<K> {
    /// The name in logs and metrics: `account` or `warehouse`.
    pub controller: &'static str,
    /// One reconcile; how long until the next.
    pub reconcile: fn(Arc<K>, Arc<SharedState>) -> ReconcileFuture<Duration>,
    /// Says in status that a reconcile panicked.
    pub report_bug: fn(Arc<K>, Arc<SharedState>) -> ReconcileFuture<()>,
}

impl<K> Clone for Reconciler<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Reconciler<K> {}

/// Where the objects of one kind in one watch come from.
pub struct ObjectFeed<K: Resource<DynamicType = ()> + 'static>
where
    ObjectRef<K>: Hash + Eq,
{
    /// The objects, as the watch shows them.
    pub store: Store<K>,
    /// Those that are to be reconciled.
    pub requests: UnboundedReceiver<ReconcileRequest<K>>,
    /// Whether the watches have shown what is there.
    pub synced: CachesSynced,
}

/// Reconciles until `stop`, from when the namespace's watches have shown what is there; reconciles under way then end.
pub async fn run_workers<K>(
    state: Arc<SharedState>,
    feed: ObjectFeed<K>,
    reconciler: Reconciler<K>,
    stop: CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    ObjectRef<K>: Hash,
{
    let ObjectFeed { store, mut requests, mut synced } = feed;
    let told = tokio::select! {
        told = synced.wait() => told,
        () = stop.cancelled() => false,
    };
    if !told {
        return;
    }
    let mut queue = Queue::default();
    let mut running = FuturesUnordered::new();
    // Kept over rounds of the loop: permits go to who asked first, and all kinds and namespaces ask.
    let mut permit = None;
    let mut told_depth = 0;
    loop {
        // Asked for only while something is due: a permit that is held idle keeps another namespace's reconcile waiting.
        let depth = queue.due(Instant::now());
        state.context.metrics.queued(reconciler.controller, depth, told_depth);
        told_depth = depth;
        if depth > 0 && permit.is_none() {
            permit = Some(state.permits.clone().acquire_owned().boxed());
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(request) = requests.next() => {
                queue.request(request.object, Instant::now() + DEBOUNCE, request.urgency);
            },
            Some((object, next)) = running.next() => queue.ended(object, next),
            Some(granted) = OptionFuture::from(permit.as_mut()) => {
                permit = None;
                if let (Ok(granted), Some((object, urgency))) = (granted, queue.take(Instant::now())) {
                    running.push(reconcile_one(&state, &store, (object, urgency), reconciler, granted));
                }
            }
            () = wait_until(queue.next_due()) => {}
        }
    }
    // Reconciles under way are let end: cut off between Secret and Job, they would leave the next leader more to find.
    state.context.metrics.queued(reconciler.controller, 0, told_depth);
    while running.next().await.is_some() {}
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}

/// One reconcile in a task of its own; the object, and when it wants the next.
async fn reconcile_one<K>(
    state: &Arc<SharedState>,
    store: &Store<K>,
    (object, urgency): (ObjectRef<K>, RequestUrgency),
    reconciler: Reconciler<K>,
    permit: OwnedSemaphorePermit,
) -> (ObjectRef<K>, Option<(Instant, RequestUrgency)>)
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    ObjectRef<K>: Hash,
{
    // Read now, not when it was asked for: it may have waited long. One that went needs no reconcile.
    let Some(seen) = store.get(&object) else { return (object, None) };
    let (store, state) = (store.clone(), state.clone());
    let task = tokio::spawn(async move {
        // In a task of its own, so that ten reconciles share all threads and not the one of this loop.
        let wait = guard_reconcile(seen.clone(), &state, reconciler).await;
        forget_if_gone(seen.as_ref(), &store, &state);
        drop(permit);
        wait
    });
    // What even the guard could not hold.
    let wait = AbortOnDropHandle::new(task).await.unwrap_or(AFTER_BUG);
    // What goes on at once is as urgent as it was.
    let urgency = if wait <= SHORTEST_WAIT { urgency } else { RequestUrgency::Routine };
    (object, Some((Instant::now() + wait, urgency)))
}

/// Forgets an object that went in the middle of its reconcile, which may have noted again what the watch forgot.
fn forget_if_gone<K>(object: &K, store: &Store<K>, state: &SharedState)
where
    K: Resource<DynamicType = ()> + Clone + 'static,
    ObjectRef<K>: Hash,
{
    let Some(uid) = object.uid() else { return };
    let there = store.get(&ObjectRef::from_obj(object)).and_then(|there| there.uid());
    if there.as_ref() != Some(&uid) {
        state.forget(&uid);
    }
}

/// A reconcile that can neither panic its way out nor hang; how long until the next.
async fn guard_reconcile<K>(object: Arc<K>, state: &Arc<SharedState>, reconciler: Reconciler<K>) -> Duration
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
{
    let controller = reconciler.controller;
    let started = Instant::now();
    let pass = AssertUnwindSafe((reconciler.reconcile)(object.clone(), state.clone())).catch_unwind();
    let outcome = match tokio::time::timeout(RECONCILE_LIMIT, pass).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(ReconcileFault::Panicked(panic_words(panic.as_ref()))),
        Err(_) => Err(ReconcileFault::TimedOut),
    };
    let result = match &outcome {
        Ok(_) => ReconcileResult::Success,
        Err(ReconcileFault::Stale) => ReconcileResult::Conflict,
        Err(_) => ReconcileResult::Error,
    };
    state.context.metrics.count_reconcile(controller, result, started.elapsed());
    let uid = object.uid().unwrap_or_default();
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let fault = match outcome {
        Ok(wait) => {
            state.backoff().reset(&uid);
            return wait;
        }
        Err(fault) => fault,
    };
    match &fault {
        ReconcileFault::Panicked(_) => {
            state.context.metrics.count_panic(controller);
            // The panic may lie in what builds the status, so the word about it is built from nothing but metadata.
            if let Err(error) = (reconciler.report_bug)(object, state.clone()).await {
                tracing::warn!(%error, "the status could not say so");
            }
        }
        ReconcileFault::TimedOut => state.context.metrics.timed_out(controller),
        ReconcileFault::Api { .. } | ReconcileFault::Stale => {}
    }
    // Somebody wrote the object meanwhile, most often a person: nothing is wrong, so it is no error in the log.
    if matches!(fault, ReconcileFault::Stale) {
        tracing::debug!(controller, namespace, name, "changed meanwhile");
    } else {
        tracing::error!(controller, namespace, name, kind = fault.kind(), error = %fault, "a reconcile failed");
    }
    let wait = state.backoff().failed(&uid, Timestamp::now(), rand::random());
    fault.wait(wait)
}

/// What a panic said.
fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned()
}

#[cfg(test)]
pub mod tests;
