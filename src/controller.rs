//! The operator: watches, one reconcile after another, and a clean stop.
//!
//! A reconcile is `observe → validate → admit → probe → check → decide → apply → status → patch`, as `account` lists them. What
//! is marked as pure there is a function of values, with `now` as an argument. The folders are rooms that name only those below:
//! work queue, account and warehouse, status, loads and deliveries, access and Jobs, what all of them read.

mod access;
mod account;
mod context;
mod deliveries;
mod error;
mod events;
mod fingerprint;
mod gauges;
mod jobs;
mod lease;
mod loads;
pub mod preflight;
pub mod settings;
mod status;
mod validate;
mod warehouse;
mod whoami;
mod workqueue;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures::{FutureExt, channel::mpsc::unbounded};
use jiff::Timestamp;
use kube::{
    Api, Client, Resource,
    runtime::events::{Recorder, Reporter},
};
use tokio::{sync::watch as channel, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use access::gate::{KEYS_OF_ACCESS, secret_commands, secret_keys};

use crate::{
    api::{AwsCostAccount, CostWarehouse},
    aws::Aws,
    model::Region,
    network::trust::TrustedAuthorities,
    telemetry::{
        http::{self, HealthState},
        metrics::Metrics,
    },
};
use context::{Context, GuardedAccount, GuardedWarehouse, OwnIdentity, Stores};
use jobs::{Jobs, authorities, sweep};
use lease::{Leadership, LeaseEnd, LeaseSignals};
use settings::{Settings, Watch};
use status::unusable;
use workqueue::{
    SharedState,
    caches_synced::{self, CachesSynced},
    watch::{self, RequestQueues, StoreWriters},
    workers::{self, ObjectFeed, Reconciler},
};

/// The name under which events and metrics speak.
const NAME: &str = "awscost-operator";

/// Who this process is.
#[derive(Debug, Clone)]
pub struct ReplicaIdentity {
    /// The pod's name: the lease's holder.
    pub pod: String,
    /// The namespace of the lease.
    pub namespace: String,
}

/// What the command line puts together for the operator.
pub struct OperatorParts {
    /// The API server. Its client does not retry: a reconcile that failed is tried again as a whole.
    pub client: Client,
    /// The administrator's settings.
    pub settings: Settings,
    /// AWS.
    pub aws: Aws,
    /// What is counted and shown.
    pub metrics: Metrics,
    /// The region of the operator's own AWS configuration.
    pub own_region: Option<Region>,
    /// Environment handed on to Jobs.
    pub job_env: BTreeMap<String, String>,
    /// Authorities that Jobs trust besides the system's.
    pub authorities: TrustedAuthorities,
    /// Who this process is.
    pub identity: ReplicaIdentity,
}

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum OperatorFault {
    /// The address for metrics and health is taken or not ours.
    #[error("failed to listen on {address} (metrics.address): {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Another replica may lead now.
    #[error("failed to renew the lease in time; stopping, because another replica may lead now")]
    LeaseLost,
}

/// Runs the operator until `stop`.
///
/// # Errors
/// [`OperatorFault`] if it can't start, or must stop at once.
pub async fn run_operator(operator: OperatorParts, stop: CancellationToken) -> Result<(), OperatorFault> {
    let metrics = operator.metrics.clone();
    let health = HealthState::default();
    let address = operator.settings.metrics_address;
    let listener =
        http::bind_listener(address).await.map_err(|source| OperatorFault::Listen { address, source })?;
    let served = CancellationToken::new();
    let server = tokio::spawn(http::serve_http(listener, metrics.clone(), health.clone(), served.clone()));
    let outcome = hold_lease(operator, &metrics, &health, &stop).await;
    served.cancel();
    if let Ok(Err(error)) = server.await {
        tracing::error!(%error, "the server for metrics and health failed");
    }
    outcome
}

/// Waits to lead, works while leading, and gives the lease up last.
async fn hold_lease(
    operator: OperatorParts,
    metrics: &Metrics,
    health: &HealthState,
    stop: &CancellationToken,
) -> Result<(), OperatorFault> {
    let election = operator.settings.leader_election.clone();
    let (known, principal) = channel::channel(None);
    if !election.enabled {
        metrics.set_leader(true);
        run_controllers(operator, metrics, health, known, stop.clone()).await;
        return Ok(());
    }
    let (leading, mut led) = channel::channel(Leadership::default());
    let released = CancellationToken::new();
    let ReplicaIdentity { pod, namespace } = operator.identity.clone();
    let record = format!("{namespace}/{}", election.lease_name);
    let leases = Api::namespaced(operator.client.clone(), &namespace);
    let (signals, lease_stop) = (LeaseSignals { leading, principal }, released.clone());
    let mut lease =
        tokio::spawn(async move { lease::hold_lease(leases, pod, &election, signals, lease_stop).await });
    // A standby is ready: it has nothing else to do.
    health.set_ready();
    tokio::select! {
        () = stand_by(&mut led, &record, health) => {}
        _ = &mut lease => return Err(OperatorFault::LeaseLost),
        () = stop.cancelled() => {
            released.cancel();
            let _ = lease.await;
            return Ok(());
        }
    }
    tracing::info!(lease = record, "leading");
    metrics.set_leader(true);
    tokio::select! {
        // Reconciles under way are cut off: another replica may be at work on the same objects.
        end = &mut lease => {
            metrics.set_leader(false);
            health.set_failed();
            match end {
                Ok(LeaseEnd::Stopped) => Ok(()),
                Ok(LeaseEnd::Lost) | Err(_) => Err(OperatorFault::LeaseLost),
            }
        }
        () = run_controllers(operator, metrics, health, known, stop.clone()) => {
            metrics.set_leader(false);
            released.cancel();
            let _ = lease.await;
            Ok(())
        }
    }
}

/// Waits until the lease is ours, and says meanwhile whose it is: in the log and to whoever asks `/readyz`. A release that
/// shares its lease with another by mistake looks well otherwise, and never works.
async fn stand_by(led: &mut channel::Receiver<Leadership>, lease: &str, health: &HealthState) {
    loop {
        let leadership = led.borrow_and_update().clone();
        match leadership {
            Leadership::Ours => return health.stands_by(None),
            Leadership::Of(leader) => {
                tracing::info!(lease, leader, "standing by: another replica holds the lease");
                health.stands_by(Some(format!("{leader} holds the lease {lease}")));
            }
            Leadership::Undecided => {}
        }
        // The lease's own task has ended, which its handle tells.
        if led.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Watches and reconciles until `stop`, then lets running reconciles end. `known` is told who the operator is in AWS.
async fn run_controllers(
    operator: OperatorParts,
    metrics: &Metrics,
    health: &HealthState,
    known: channel::Sender<Option<String>>,
    stop: CancellationToken,
) {
    let namespaces = match &operator.settings.watch {
        Watch::All => vec![None],
        Watch::Namespaces(names) => names.iter().cloned().map(Some).collect(),
    };
    let watches: Vec<_> = namespaces.into_iter().map(watch::empty_stores).collect();
    let state = shared_state(operator, metrics, watches.iter().map(|(stores, _)| stores.clone()).collect());
    let mut tasks = JoinSet::new();
    tasks.spawn(whoami::tell_identity(state.context.clone(), known, stop.clone()));
    let all_synced: Vec<_> =
        watches.into_iter().map(|watch| spawn_watch(&mut tasks, &state, watch, &stop)).collect();
    let mut all_told = true;
    for mut synced in all_synced {
        all_told &= tokio::select! {
            told = synced.wait() => told,
            () = stop.cancelled() => false,
        };
    }
    state.accounts.barrier.all_shown(&state.context.stores);
    health.set_ready();
    tracing::info!("watching");
    // Not before: what no watch has shown yet would look as if nobody owned it.
    if all_told {
        tasks.spawn(sweep::sweep_hourly(state.context.clone(), stop.clone()));
        tasks.spawn(authorities::keep_all_bundles(state.jobs.clone(), stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the operator ended that must not");
            health.set_failed();
        } else if !stop.is_cancelled() {
            tracing::error!("a part of the operator ended by itself");
            health.set_failed();
        }
    }
}

/// What all watches and workers share.
fn shared_state(operator: OperatorParts, metrics: &Metrics, stores: Vec<Stores>) -> Arc<SharedState> {
    let reporter = Reporter { controller: NAME.to_owned(), instance: Some(operator.identity.pod) };
    let context = Context {
        recorder: Recorder::new(operator.client.clone(), reporter),
        client: operator.client,
        settings: operator.settings,
        aws: operator.aws,
        own_region: operator.own_region,
        metrics: metrics.clone(),
        started: Timestamp::now(),
        stores,
        own: OwnIdentity::default(),
        unparsable: Mutex::default(),
    };
    let jobs = Jobs::new(Arc::new(context), operator.job_env.into(), operator.authorities);
    Arc::new(SharedState::new(jobs))
}

/// Watches one namespace, or all, and reconciles what changes there; whether the watches have shown what is there.
fn spawn_watch(
    tasks: &mut JoinSet<()>,
    state: &Arc<SharedState>,
    (stores, writers): (Stores, StoreWriters),
    stop: &CancellationToken,
) -> CachesSynced {
    let (accounts, account_requests) = unbounded();
    let (warehouses, warehouse_requests) = unbounded();
    let (announcement, synced) = caches_synced::sync_channel();
    let feed =
        ObjectFeed { store: stores.accounts.clone(), requests: account_requests, synced: synced.clone() };
    tasks.spawn(workers::run_workers(state.clone(), feed, ACCOUNTS, stop.clone()));
    let feed =
        ObjectFeed { store: stores.warehouses.clone(), requests: warehouse_requests, synced: synced.clone() };
    tasks.spawn(workers::run_workers(state.clone(), feed, WAREHOUSES, stop.clone()));
    let queues = RequestQueues { accounts, warehouses };
    tasks.spawn(watch::run_watches(state.clone(), (stores, writers), queues, announcement, stop.clone()));
    synced
}

const ACCOUNTS: Reconciler<GuardedAccount> = Reconciler {
    controller: "account",
    reconcile: |object, state| {
        async move { account::reconcile_account(&object, &state.accounts).await }.boxed()
    },
    report_bug: |object, state| {
        async move {
            let parsed = object.0.as_ref().ok();
            let status = parsed.and_then(|account| account.status.as_ref());
            let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
            let now = Timestamp::now();
            unusable::report_bug::<AwsCostAccount>(&state.context, object.meta(), conditions, now).await
        }
        .boxed()
    },
};

const WAREHOUSES: Reconciler<GuardedWarehouse> = Reconciler {
    controller: "warehouse",
    reconcile: |object, state| {
        async move { warehouse::reconcile_warehouse(&object, &state.jobs).await }.boxed()
    },
    report_bug: |object, state| {
        async move {
            let parsed = object.0.as_ref().ok();
            let status = parsed.and_then(|warehouse| warehouse.status.as_ref());
            let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
            let now = Timestamp::now();
            unusable::report_bug::<CostWarehouse>(&state.context, object.meta(), conditions, now).await
        }
        .boxed()
    },
};
