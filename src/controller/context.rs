//! What every pass shares: clients, settings, the watched objects, and what is remembered of each object.

pub mod children;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{batch::v1::Job, core::v1::Secret};
use kube::{
    Client, ResourceExt,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        events::Recorder,
        reflector::{ObjectRef, Store},
    },
};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::{
    access::{secrets::AccessSight, startup_barrier::Settling},
    deliveries::Deliveries,
    jobs::{
        authorities::{self, Authorities},
        concurrency::Slots,
        manifest::{ACCOUNT, JobSettings, Owner},
        unstarted::{PATIENCE, Podless},
    },
    settings::{Settings, tenancy::ExternalIds},
    workqueue::backoff::Backoff,
};
use crate::{
    api::{AwsCostAccount, AwsCostAccountStatus, CostWarehouse},
    aws::{Aws, AwsFault, traits::Caller},
    connection::{Ages, Facts, Sessions},
    model::Region,
    network::trust::TrustedAuthorities,
    telemetry::metrics::Metrics,
};
use children::Children;

/// How long the operator's own identity is taken for granted: the age of an identity fact.
const OWN_IDENTITY_AGE: SignedDuration = SignedDuration::from_hours(1);
/// First looks after a start are spread over this time, so that many accounts do not ask AWS at once.
const FIRST_LOOK_SPREAD: Duration = Duration::from_secs(60);

/// An account as it is watched: one that does not parse is seen as such instead of breaking the watch.
pub type GuardedAccount = DeserializeGuard<AwsCostAccount>;
/// A warehouse as it is watched.
pub type GuardedWarehouse = DeserializeGuard<CostWarehouse>;

/// What is shared.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The administrator's settings.
    pub settings: Settings,
    /// What every Job gets.
    pub jobs: JobSettings,
    /// AWS.
    pub aws: Aws,
    /// The region of the operator's own AWS configuration.
    pub own_region: Option<Region>,
    /// Metrics.
    pub metrics: Metrics,
    /// Writes events.
    pub recorder: Recorder,
    /// How many Jobs are at work.
    pub slots: Slots,
    /// At most ten passes at once, over all namespaces.
    pub permits: Arc<Semaphore>,
    /// Whether first looks may begin.
    pub settling: Settling,
    /// What Jobs trust besides the system's authorities.
    pub authorities: Authorities,
    /// Jobs that were seen without a pod.
    pub podless: Podless,
    /// When this process began.
    pub started: Timestamp,
    stores: Vec<Stores>,
    own: tokio::sync::Mutex<Option<(Timestamp, Result<Caller, AwsFault>)>>,
    backoff: Mutex<Backoff>,
    external_ids: Mutex<ExternalIds>,
    memories: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Memory>>>>,
}

/// The watched objects of one namespace, or of all.
#[derive(Clone)]
pub struct Stores {
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// Accounts.
    pub accounts: Store<GuardedAccount>,
    /// Warehouses.
    pub warehouses: Store<GuardedWarehouse>,
    /// Our Jobs.
    pub jobs: Children<Job>,
    /// Metadata of our Secrets.
    pub sessions: Children<PartialObjectMeta<Secret>>,
    /// Metadata of all Secrets that carry our label, people's own among them.
    labelled: Store<PartialObjectMeta<Secret>>,
}

/// What is remembered of one account between passes. Lost with the process: status has what must not be.
#[derive(Debug)]
pub struct Memory {
    /// Who the operator is, as last known.
    pub operator: Option<Caller>,
    /// What was observed.
    pub facts: Facts,
    /// Sessions of the last looks.
    pub sessions: Sessions,
    /// What is delivered.
    pub deliveries: Deliveries,
    /// What the account's Secrets hold, and the versions it came from.
    pub access: Option<(String, AccessSight)>,
    /// True if deliveries are to be listed at the next pass, whatever their age.
    pub relist: bool,
    /// What the last look answered.
    pub answered: Option<Answered>,
    /// Jobs whose end is in status.
    pub settled: HashSet<String>,
    /// The status this process wrote last, on top of which resource version, and the version after.
    pub written: Option<Written>,
    /// Before this time no routine first look is made.
    pub first_look_at: Timestamp,
}

/// What asks for a new look when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The spec's generation.
    pub generation: Option<i64>,
    /// The external-ID Secret's version.
    pub secret: Option<String>,
    /// The annotation.
    pub wish: Option<String>,
}

/// A status this process wrote: the watch may still show the one before.
#[derive(Debug, Clone)]
pub struct Written {
    /// The resource versions it has taken the place of.
    pub before: Vec<String>,
    /// The resource version after.
    pub after: String,
    /// The status.
    pub status: AwsCostAccountStatus,
}

impl Stores {
    /// Over the watches' stores.
    pub fn new(
        namespace: Option<String>,
        accounts: Store<GuardedAccount>,
        warehouses: Store<GuardedWarehouse>,
        jobs: Store<Job>,
        secrets: Store<PartialObjectMeta<Secret>>,
    ) -> Self {
        let (jobs, sessions) = (Children::new(jobs), Children::new(secrets.clone()));
        Self { namespace, accounts, warehouses, jobs, sessions, labelled: secrets }
    }

    /// The metadata of a labelled Secret.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<Arc<PartialObjectMeta<Secret>>> {
        self.labelled.get(&ObjectRef::new(name).within(namespace))
    }

    /// A warehouse.
    pub fn warehouse(&self, namespace: &str, name: &str) -> Option<Arc<GuardedWarehouse>> {
        self.warehouses.get(&ObjectRef::new(name).within(namespace))
    }

    /// The Jobs of every account that is there, each with its account.
    pub fn jobs_of_accounts(&self) -> Vec<(Owner, Arc<Job>)> {
        self.jobs.of_all(|namespace, controller| {
            let account = self.accounts.get(&ObjectRef::new(&controller.name).within(namespace))?;
            Some(Owner {
                kind: ACCOUNT,
                namespace: namespace.to_owned(),
                name: controller.name.clone(),
                uid: account.uid()?,
            })
        })
    }
}

/// What [`Context::new`] is made from.
pub struct Parts {
    /// The API server.
    pub client: Client,
    /// The administrator's settings.
    pub settings: Settings,
    /// AWS.
    pub aws: Aws,
    /// The region of the operator's own AWS configuration.
    pub own_region: Option<Region>,
    /// Environment handed on to Jobs.
    pub job_env: BTreeMap<String, String>,
    /// Authorities that Jobs trust besides the system's.
    pub authorities: TrustedAuthorities,
    /// Metrics.
    pub metrics: Metrics,
    /// Writes events.
    pub recorder: Recorder,
    /// The watched objects.
    pub stores: Vec<Stores>,
}

/// Passes at once: what the best-tested operators use, and far below any API limit.
const CONCURRENCY: usize = 10;

impl Context {
    /// Puts the parts together.
    pub fn new(parts: Parts, now: Timestamp) -> Self {
        let settings = parts.settings;
        let patience = settings.testing.patience.and_then(|wait| SignedDuration::try_from(wait).ok());
        let jobs = JobSettings {
            image: settings.image.clone(),
            image_pull_policy: settings.image_pull_policy.clone(),
            pods: settings.job_pods.clone(),
            cluster: settings.cluster.clone(),
            env: parts.job_env.into(),
            ca_secret: (!parts.authorities.is_empty()).then_some(authorities::NAME),
            deadline: settings.jobs.deadline,
            ttl: settings.jobs.ttl,
        };
        Self {
            client: parts.client,
            jobs,
            aws: parts.aws,
            own_region: parts.own_region,
            metrics: parts.metrics,
            recorder: parts.recorder,
            slots: Slots::new(settings.jobs),
            permits: Arc::new(Semaphore::new(CONCURRENCY)),
            settling: Settling::new(now),
            authorities: Authorities::new(parts.authorities),
            podless: Podless::new(patience.unwrap_or(PATIENCE)),
            started: now,
            stores: parts.stores,
            own: tokio::sync::Mutex::default(),
            backoff: Mutex::default(),
            external_ids: Mutex::default(),
            memories: Mutex::default(),
            settings,
        }
    }

    /// All stores.
    pub fn all_stores(&self) -> &[Stores] {
        &self.stores
    }

    /// The stores that hold a namespace's objects; `None` for one that is not watched.
    pub fn stores(&self, namespace: &str) -> Option<&Stores> {
        self.stores
            .iter()
            .find(|stores| stores.namespace.as_deref().is_none_or(|watched| watched == namespace))
    }

    /// The ages of facts for an account.
    pub fn ages(&self, interval: SignedDuration) -> Ages {
        match self.settings.testing.fact_age.and_then(|age| SignedDuration::try_from(age).ok()) {
            Some(age) => Ages {
                identity: age,
                organization: age,
                definitions: age,
                external_id: age,
                permissions: age,
                metrics: age,
                listing: age,
                failed: age,
            },
            None => Ages::with_interval(interval),
        }
    }

    /// The operator's own identity, asked of AWS at most once an hour (after a fault: every minute).
    pub async fn own_identity(&self, now: Timestamp) -> Result<Caller, AwsFault> {
        let mut own = self.own.lock().await;
        if let Some((at, answer)) = own.as_ref() {
            let age = if answer.is_ok() { OWN_IDENTITY_AGE } else { SignedDuration::from_mins(1) };
            if now.duration_since(*at) < age {
                return answer.clone();
            }
        }
        let answer = self.aws.identity.base_caller().await;
        *own = Some((now, answer.clone()));
        answer
    }

    /// What is remembered of an object.
    pub fn memory(&self, uid: &str, now: Timestamp) -> Arc<tokio::sync::Mutex<Memory>> {
        let spread = self.settings.testing.first_look_spread.unwrap_or(FIRST_LOOK_SPREAD);
        let fresh = || Memory {
            operator: None,
            facts: Facts::default(),
            sessions: Sessions::default(),
            deliveries: Deliveries::default(),
            access: None,
            relist: false,
            answered: None,
            settled: HashSet::new(),
            written: None,
            first_look_at: now + spread_out(uid, spread),
        };
        lock(&self.memories)
            .entry(uid.to_owned())
            .or_insert_with(|| Arc::new(tokio::sync::Mutex::new(fresh())))
            .clone()
    }

    /// Notes that an object's external ID was looked at.
    pub fn visit(&self, uid: &str) {
        self.settling.visit(uid, &self.stores);
    }

    /// The external IDs in use.
    pub fn external_ids(&self) -> MutexGuard<'_, ExternalIds> {
        lock(&self.external_ids)
    }

    /// Failures of every object.
    pub fn backoff(&self) -> MutexGuard<'_, Backoff> {
        lock(&self.backoff)
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, uid: &str) {
        lock(&self.memories).remove(uid);
        self.settling.forget(uid, &self.stores);
        self.external_ids().forget(uid);
        self.backoff().reset(uid);
        self.metrics.forget(uid);
    }
}

/// A share of `spread` that is the same for an object at all times.
fn spread_out(uid: &str, spread: Duration) -> SignedDuration {
    let digest = Sha256::digest(uid);
    let share = f64::from(u16::from_be_bytes([digest[0], digest[1]])) / f64::from(u16::MAX);
    SignedDuration::try_from(spread.mul_f64(share)).unwrap_or(SignedDuration::ZERO)
}

/// What a lock guards here is whole between any two statements, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
