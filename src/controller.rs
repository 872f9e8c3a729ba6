//! The operator: watches, one pass after another, and a clean stop.
//!
//! A pass is `observe → validate → check → decide → apply → status → patch`; folders here are named for what they are for.
//! Between observe and apply everything is a pure function of values, with `now` as an argument.

mod access;
mod account;
mod context;
mod deliveries;
mod error;
mod events;
mod gauges;
mod jobs;
mod lease;
mod loads;
pub mod preflight;
pub mod settings;
mod standing;
mod status;
mod validate;
mod warehouse;
mod whoami;
mod workqueue;

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, channel::mpsc::unbounded};
use jiff::Timestamp;
use kube::{
    Client, Resource,
    runtime::events::{Recorder, Reporter},
};
use tokio::{sync::watch as channel, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use account::wish;

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
use context::{Context, GuardedAccount, GuardedWarehouse, Parts};
use jobs::{authorities, sweep};
use lease::{Leadership, LeaseEnd, Signals};
use settings::{Settings, Watch};
use workqueue::{
    caches_synced,
    watch::{self, Queues},
    workers::{self, Reconciler},
};

/// The name under which events and metrics speak.
const NAME: &str = "awscost-operator";

/// Who this process is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The pod's name: the lease's holder.
    pub pod: String,
    /// The namespace of the lease.
    pub namespace: String,
}

/// What the command line puts together for the operator.
pub struct Operator {
    /// The API server. Its client does not retry: a pass that failed is tried again as a whole.
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
    pub identity: Identity,
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
pub async fn run(operator: Operator, stop: CancellationToken) -> Result<(), OperatorFault> {
    let metrics = operator.metrics.clone();
    let health = HealthState::default();
    let address = operator.settings.metrics_address;
    let listener = http::bind(address).await.map_err(|source| OperatorFault::Listen { address, source })?;
    let served = CancellationToken::new();
    let server = tokio::spawn(http::serve(listener, metrics.clone(), health.clone(), served.clone()));
    let outcome = lead(operator, &metrics, &health, &stop).await;
    served.cancel();
    if let Ok(Err(error)) = server.await {
        tracing::error!(%error, "the server for metrics and health failed");
    }
    outcome
}

/// Waits to lead, works while leading, and gives the lease up last.
async fn lead(
    operator: Operator,
    metrics: &Metrics,
    health: &HealthState,
    stop: &CancellationToken,
) -> Result<(), OperatorFault> {
    let election = operator.settings.leader_election.clone();
    let (known, principal) = channel::channel(None);
    if !election.enabled {
        metrics.leads(true);
        work(operator, metrics, health, known, stop.clone()).await;
        return Ok(());
    }
    let (leading, mut led) = channel::channel(Leadership::default());
    let released = CancellationToken::new();
    let client = operator.client.clone();
    let Identity { pod, namespace } = operator.identity.clone();
    let record = format!("{namespace}/{}", election.lease_name);
    let (signals, lease_stop) = (Signals { leading, principal }, released.clone());
    let mut lease =
        tokio::spawn(
            async move { lease::hold(client, &namespace, pod, &election, signals, lease_stop).await },
        );
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
    metrics.leads(true);
    tokio::select! {
        // Passes under way are cut off: another replica may be at work on the same objects.
        end = &mut lease => {
            metrics.leads(false);
            health.set_failed();
            match end {
                Ok(LeaseEnd::Stopped) => Ok(()),
                Ok(LeaseEnd::Lost) | Err(_) => Err(OperatorFault::LeaseLost),
            }
        }
        () = work(operator, metrics, health, known, stop.clone()) => {
            metrics.leads(false);
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

/// Watches and reconciles until `stop`, then lets running passes end. `known` is told who the operator is in AWS.
async fn work(
    operator: Operator,
    metrics: &Metrics,
    health: &HealthState,
    known: channel::Sender<Option<String>>,
    stop: CancellationToken,
) {
    let namespaces = match &operator.settings.watch {
        Watch::All => vec![None],
        Watch::Namespaces(names) => names.iter().cloned().map(Some).collect(),
    };
    let (stores, writers): (Vec<_>, Vec<_>) = namespaces.into_iter().map(watch::stores).unzip();
    let reporter = Reporter { controller: NAME.to_owned(), instance: Some(operator.identity.pod.clone()) };
    let parts = Parts {
        recorder: Recorder::new(operator.client.clone(), reporter),
        client: operator.client,
        settings: operator.settings,
        aws: operator.aws,
        own_region: operator.own_region,
        job_env: operator.job_env,
        authorities: operator.authorities,
        metrics: metrics.clone(),
        stores: stores.clone(),
    };
    let context = Arc::new(Context::new(parts, Timestamp::now()));
    let mut tasks = JoinSet::new();
    tasks.spawn(whoami::run(context.clone(), known, stop.clone()));
    let mut all_shown = Vec::new();
    for (stores, writers) in stores.iter().cloned().zip(writers) {
        let (accounts, account_wishes) = unbounded();
        let (warehouses, warehouse_wishes) = unbounded();
        let queues = Queues { accounts, warehouses };
        let (announcement, shown) = caches_synced::announcement();
        tasks.spawn(workers::run(
            context.clone(),
            stores.accounts.clone(),
            account_wishes,
            shown.clone(),
            ACCOUNTS,
            stop.clone(),
        ));
        tasks.spawn(workers::run(
            context.clone(),
            stores.warehouses.clone(),
            warehouse_wishes,
            shown.clone(),
            WAREHOUSES,
            stop.clone(),
        ));
        tasks.spawn(watch::run(context.clone(), stores, writers, queues, announcement, stop.clone()));
        all_shown.push(shown);
    }
    let mut all_told = true;
    for mut shown in all_shown {
        all_told &= tokio::select! {
            told = shown.wait() => told,
            () = stop.cancelled() => false,
        };
    }
    context.settling.all_shown(context.all_stores());
    health.set_ready();
    tracing::info!("watching");
    if all_told {
        tasks.spawn(sweep::run(context.clone(), stop.clone()));
        tasks.spawn(authorities::run(context.clone(), stop.clone()));
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

const ACCOUNTS: Reconciler<GuardedAccount> = Reconciler {
    controller: "account",
    pass: |object, context| async move { account::reconcile(&object, &context).await }.boxed(),
    bug: |object, context| {
        async move {
            let parsed = object.0.as_ref().ok();
            let status = parsed.and_then(|account| account.status.as_ref());
            let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
            standing::report_bug::<AwsCostAccount>(&context, object.meta(), conditions, Timestamp::now())
                .await
        }
        .boxed()
    },
};

const WAREHOUSES: Reconciler<GuardedWarehouse> = Reconciler {
    controller: "warehouse",
    pass: |object, context| async move { warehouse::reconcile(&object, &context).await }.boxed(),
    bug: |object, context| {
        async move {
            let parsed = object.0.as_ref().ok();
            let status = parsed.and_then(|warehouse| warehouse.status.as_ref());
            let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
            standing::report_bug::<CostWarehouse>(&context, object.meta(), conditions, Timestamp::now()).await
        }
        .boxed()
    },
};
