//! The Jobs of an owner as they are now, with their pods.

use std::collections::HashSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{Api, ListParams},
};

use crate::controller::{
    context::{Context, Stores, children},
    error::refusal::{self, Trouble},
    jobs::{
        apply::Refused,
        manifest::{Owner, mark},
        observed::{self, JobState, LoadJob},
        unstarted,
    },
};

/// The Jobs that load an account's bill, with their pods where a pod has something new to say; what keeps those from being
/// seen is noted. `settled` names Jobs whose end is in status already.
pub async fn load_jobs(
    context: &Context,
    stores: &Stores,
    owner: &Owner,
    settled: &HashSet<String>,
    now: Timestamp,
    trouble: &mut Trouble,
) -> Vec<LoadJob> {
    let jobs = stores.jobs.of(owner);
    let open: Vec<_> = jobs.iter().filter(|job| !settled.contains(&job.name_any())).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let pods = trouble.take(pods(context, owner, None).await);
    let loads = open.into_iter().filter_map(|job| match &pods {
        None => observed::unread(job),
        Some(pods) => {
            let pods = children::pods_of(job, pods);
            let mut load = observed::load_job(job, &pods)?;
            (load.state, load.given_up) = unstarted::give_up(job, &pods, load.state, &context.podless, now);
            Some(load)
        }
    });
    loads.collect()
}

/// The pods of an owner's Jobs; `component` is what the Jobs do, where not all are meant.
///
/// # Errors
/// [`Refused`] where they can't be listed.
pub async fn pods(context: &Context, owner: &Owner, component: Option<&str>) -> Result<Vec<Pod>, Refused> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &owner.namespace);
    let mut selector = format!("{}={}", owner.label(), owner.uid);
    if let Some(component) = component {
        selector = format!("{selector},{}={component}", mark::COMPONENT);
    }
    let refused =
        |error| refusal::read("list pods", "how its Jobs end can't be told", &owner.namespace, error);
    Ok(api.list(&ListParams::default().labels(&selector)).await.map_err(refused)?.items)
}

/// True if any Job is at work.
pub fn any_active(jobs: &[LoadJob]) -> bool {
    jobs.iter().any(|job| matches!(job.state, JobState::Active(_)))
}
