//! Passes over the objects of one kind in one namespace, as its queue asks: none may panic its way out, hang, or crowd out
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
        context::Context,
        error::{AFTER_BUG, PASS_LIMIT, ReconcileFault, SHORTEST_WAIT},
        workqueue::{
            caches_synced::Shown,
            queue::{Queue, Urgency},
        },
    },
    telemetry::metrics::ReconcileResult,
};

/// Several changes of one object within this time are one pass.
pub const DEBOUNCE: Duration = Duration::from_millis(100);

/// What a watch saw that calls for a pass.
#[derive(Debug)]
pub struct Wish<K: Resource<DynamicType = ()>> {
    /// Over which object.
    pub object: ObjectRef<K>,
    /// Whether somebody waits for it.
    pub urgency: Urgency,
}

/// A future of one pass, or of the word about one that panicked.
pub type Promise<T> = BoxFuture<'static, Result<T, ReconcileFault>>;

/// What is done with objects of one kind.
pub struct Reconciler<K> {
    /// `account` or `warehouse`.
    pub controller: &'static str,
    /// One pass; how long until the next.
    pub pass: fn(Arc<K>, Arc<Context>) -> Promise<Duration>,
    /// Says in status that a pass panicked.
    pub bug: fn(Arc<K>, Arc<Context>) -> Promise<()>,
}

impl<K> Clone for Reconciler<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Reconciler<K> {}

/// Runs passes until `stop`, from when the namespace's watches have shown what is there; those under way then end.
pub async fn run<K>(
    context: Arc<Context>,
    store: Store<K>,
    mut wishes: UnboundedReceiver<Wish<K>>,
    mut shown: Shown,
    reconciler: Reconciler<K>,
    stop: CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    ObjectRef<K>: Hash,
{
    let told = tokio::select! {
        told = shown.wait() => told,
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
        let depth = queue.due(Instant::now());
        context.metrics.queued(reconciler.controller, depth, told_depth);
        told_depth = depth;
        if depth > 0 && permit.is_none() {
            permit = Some(context.permits.clone().acquire_owned().boxed());
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(wish) = wishes.next() => queue.wish(wish.object, Instant::now() + DEBOUNCE, wish.urgency),
            Some((object, next)) = running.next() => queue.ended(object, next),
            Some(granted) = OptionFuture::from(permit.as_mut()) => {
                permit = None;
                if let (Ok(granted), Some((object, urgency))) = (granted, queue.take(Instant::now())) {
                    running.push(one(&context, &store, object, urgency, reconciler, granted));
                }
            }
            () = until(queue.next_due()) => {}
        }
    }
    context.metrics.queued(reconciler.controller, 0, told_depth);
    while running.next().await.is_some() {}
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}

/// One pass in a task of its own; the object, and when it wants the next.
async fn one<K>(
    context: &Arc<Context>,
    store: &Store<K>,
    object: ObjectRef<K>,
    urgency: Urgency,
    reconciler: Reconciler<K>,
    permit: OwnedSemaphorePermit,
) -> (ObjectRef<K>, Option<(Instant, Urgency)>)
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    ObjectRef<K>: Hash,
{
    // Read now, not when it was wished for: it may have waited long. One that went needs no pass.
    let Some(seen) = store.get(&object) else { return (object, None) };
    let (store, context) = (store.clone(), context.clone());
    let task = tokio::spawn(async move {
        let wait = guard(seen.clone(), &context, reconciler).await;
        forget_if_gone(seen.as_ref(), &store, &context);
        drop(permit);
        wait
    });
    // What even the guard could not hold.
    let wait = AbortOnDropHandle::new(task).await.unwrap_or(AFTER_BUG);
    // What goes on at once is as urgent as it was.
    let urgency = if wait <= SHORTEST_WAIT { urgency } else { Urgency::Routine };
    (object, Some((Instant::now() + wait, urgency)))
}

/// Forgets an object that went in the middle of its pass: what the watch forgot of it, the pass may have noted again.
fn forget_if_gone<K>(object: &K, store: &Store<K>, context: &Context)
where
    K: Resource<DynamicType = ()> + Clone + 'static,
    ObjectRef<K>: Hash,
{
    let Some(uid) = object.uid() else { return };
    let there = store.get(&ObjectRef::from_obj(object)).and_then(|there| there.uid());
    if there.as_ref() != Some(&uid) {
        context.forget(&uid);
    }
}

/// A pass that can neither panic its way out nor hang; how long until the next.
async fn guard<K>(object: Arc<K>, context: &Arc<Context>, reconciler: Reconciler<K>) -> Duration
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
{
    let controller = reconciler.controller;
    let started = Instant::now();
    let pass = AssertUnwindSafe((reconciler.pass)(object.clone(), context.clone())).catch_unwind();
    let outcome = match tokio::time::timeout(PASS_LIMIT, pass).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(ReconcileFault::Panicked(words(panic.as_ref()))),
        Err(_) => Err(ReconcileFault::TimedOut),
    };
    let result = match &outcome {
        Ok(_) => ReconcileResult::Success,
        Err(ReconcileFault::Stale) => ReconcileResult::Conflict,
        Err(_) => ReconcileResult::Error,
    };
    context.metrics.reconciled(controller, result, started.elapsed());
    let uid = object.uid().unwrap_or_default();
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let fault = match outcome {
        Ok(wait) => {
            context.backoff().reset(&uid);
            return wait;
        }
        Err(fault) => fault,
    };
    match &fault {
        ReconcileFault::Panicked(_) => {
            context.metrics.panicked(controller);
            if let Err(error) = (reconciler.bug)(object, context.clone()).await {
                tracing::warn!(%error, "the status could not say so");
            }
        }
        ReconcileFault::TimedOut => context.metrics.timed_out(controller),
        ReconcileFault::Api { .. } | ReconcileFault::Stale => {}
    }
    if matches!(fault, ReconcileFault::Stale) {
        tracing::debug!(controller, namespace, name, "changed meanwhile");
    } else {
        tracing::error!(controller, namespace, name, kind = fault.kind(), error = %fault, "a pass failed");
    }
    let wait = context.backoff().failed(&uid, Timestamp::now(), rand::random());
    fault.wait(wait)
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned()
}

#[cfg(test)]
pub mod tests;
