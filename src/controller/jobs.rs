//! The Jobs that do everything which touches a warehouse: what they look like, how many run at once, what they are given,
//! what is seen of them, and what is cleaned up after them.

pub mod authorities;
pub mod concurrency;
pub mod listing;
pub mod manifest;
pub mod observed;
pub mod session;
pub mod start;
pub mod sweep;
pub mod unstarted;

use std::sync::Arc;

use jiff::SignedDuration;

use super::context::Context;
use crate::network::trust::TrustedAuthorities;
use authorities::Authorities;
use concurrency::JobSlots;
use manifest::{JobEnvironment, JobSettings};
use unstarted::{PATIENCE, PodlessJobs};

/// What everything about Jobs shares.
pub struct Jobs {
    /// Clients, settings and the watched objects.
    pub context: Arc<Context>,
    /// What every Job gets.
    pub settings: JobSettings,
    /// How many are at work.
    pub slots: JobSlots,
    /// What they trust besides the system's authorities.
    pub authorities: Authorities,
    /// Those that were seen without a pod.
    pub podless: PodlessJobs,
}

impl Jobs {
    /// No Job is known. `env` is what each gets of the operator's environment, `trust` the authorities.
    pub fn new(context: Arc<Context>, env: JobEnvironment, trust: TrustedAuthorities) -> Self {
        let settings = &context.settings;
        let patience = settings.testing.patience.and_then(|wait| SignedDuration::try_from(wait).ok());
        Self {
            settings: JobSettings {
                image: settings.image.clone(),
                image_pull_policy: settings.image_pull_policy.clone(),
                pods: settings.job_pods.clone(),
                cluster: settings.cluster.clone(),
                env,
                ca_secret: (!trust.is_empty()).then_some(authorities::NAME),
                deadline: settings.jobs.deadline,
                ttl: settings.jobs.ttl,
            },
            slots: JobSlots::new(settings.jobs),
            authorities: Authorities::new(trust),
            podless: PodlessJobs::new(patience.unwrap_or(PATIENCE)),
            context,
        }
    }
}
