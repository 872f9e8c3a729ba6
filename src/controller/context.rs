//! What every reconcile reads: clients, settings, and the watched objects. It names nothing of what works with it.

pub mod children;
mod owner;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

use super::settings::Settings;
use crate::{
    api::{AwsCostAccount, CostWarehouse},
    aws::{Aws, AwsFault, traits::Caller},
    connection::Ages,
    model::Region,
    telemetry::metrics::Metrics,
};
use children::Children;

pub use owner::{ACCOUNT, ObjectOwner, WAREHOUSE, mark, own_secret, owner_reference};

/// How long the operator's own identity is taken for granted: the age of an identity fact.
const OWN_IDENTITY_AGE: SignedDuration = SignedDuration::from_hours(1);
/// How long it is not asked for again after a fault.
const OWN_IDENTITY_RETRY: SignedDuration = SignedDuration::from_mins(1);

/// An account as it is watched: one that does not parse is seen as such instead of breaking the watch.
pub type GuardedAccount = DeserializeGuard<AwsCostAccount>;
/// A warehouse as it is watched.
pub type GuardedWarehouse = DeserializeGuard<CostWarehouse>;

/// What every reconcile reads.
pub struct Context {
    /// The API server. Its client does not retry: a reconcile that failed is tried again as a whole.
    pub client: Client,
    /// What the administrator decided, read once at the start.
    pub settings: Settings,
    /// AWS, behind its narrow traits.
    pub aws: Aws,
    /// The region of the operator's own AWS configuration.
    pub own_region: Option<Region>,
    /// What is counted and shown.
    pub metrics: Metrics,
    /// Writes events under the operator's name.
    pub recorder: Recorder,
    /// When this process began.
    pub started: Timestamp,
    /// The watched objects, by namespace that is watched.
    pub stores: Vec<Stores>,
    /// Who the operator is in AWS, as last asked.
    pub own: OwnIdentity,
    /// By UID, objects that do not parse, each with the generation of which its status says so.
    pub unparsable: Mutex<HashMap<String, Option<i64>>>,
}

/// Who the operator is in AWS, as last asked, and when that was.
#[derive(Debug, Default)]
pub struct OwnIdentity(tokio::sync::Mutex<Option<(Timestamp, Result<Caller, AwsFault>)>>);

/// The watched objects of one namespace, or of all.
#[derive(Clone)]
pub struct Stores {
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// Every AwsCostAccount there.
    pub accounts: Store<GuardedAccount>,
    /// Every CostWarehouse there.
    pub warehouses: Store<GuardedWarehouse>,
    /// Our Jobs, of any kind.
    pub jobs: Children<Job>,
    /// Metadata of our Secrets.
    pub sessions: Children<PartialObjectMeta<Secret>>,
    /// Metadata of all Secrets that carry our label, people's own among them.
    labelled: Store<PartialObjectMeta<Secret>>,
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

    /// The warehouse of this name.
    pub fn warehouse(&self, namespace: &str, name: &str) -> Option<Arc<GuardedWarehouse>> {
        self.warehouses.get(&ObjectRef::new(name).within(namespace))
    }

    /// The Jobs of every account that is there, each with its account.
    pub fn jobs_of_accounts(&self) -> Vec<(ObjectOwner, Arc<Job>)> {
        self.jobs.of_all(|namespace, controller| {
            let account = self.accounts.get(&ObjectRef::new(&controller.name).within(namespace))?;
            Some(ObjectOwner {
                kind: ACCOUNT,
                namespace: namespace.to_owned(),
                name: controller.name.clone(),
                uid: account.uid()?,
            })
        })
    }
}

impl Context {
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

    /// The operator's own identity, asked of AWS at most once an hour (after a fault: every minute). Whoever comes meanwhile
    /// waits for the one answer: all accounts ask at once after a start.
    pub async fn own_identity(&self, now: Timestamp) -> Result<Caller, AwsFault> {
        let mut own = self.own.0.lock().await;
        // The lock is held over the request: after a start all accounts ask at once, and one answer serves them.
        if let Some((at, answer)) = own.as_ref() {
            let age = if answer.is_ok() { OWN_IDENTITY_AGE } else { OWN_IDENTITY_RETRY };
            if now.duration_since(*at) < age {
                return answer.clone();
            }
        }
        let answer = self.aws.identity.base_caller().await;
        *own = Some((now, answer.clone()));
        answer
    }
}

/// What a lock guards here is whole between any two statements, so a panic elsewhere does not spoil it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
