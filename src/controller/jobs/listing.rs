//! The Jobs of an owner as they are now, with their pods.

use std::collections::HashSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{Api, ListParams},
};

use super::{
    Jobs,
    observed::{self, JobState, LoadJob},
    unstarted,
};
use crate::controller::{
    context::{Context, ObjectOwner, children, mark},
    error::{ReconcileTrouble, Refused, refusal},
};

/// The Jobs that load an account's bill, with their pods where a pod has something new to say; what keeps those from being
/// seen is noted. `settled` names Jobs whose end is in status already.
pub async fn load_jobs(
    jobs: &Jobs,
    owner: &ObjectOwner,
    settled: &HashSet<String>,
    now: Timestamp,
    trouble: &mut ReconcileTrouble,
) -> Vec<LoadJob> {
    let Some(stores) = jobs.context.stores(&owner.namespace) else { return Vec::new() };
    let shown = stores.jobs.of(owner);
    // What is settled needs no request: in a quiet namespace a reconcile lists no pods at all.
    let open: Vec<_> = shown.iter().filter(|job| !settled.contains(&job.name_any())).collect();
    if open.is_empty() {
        return Vec::new();
    }
    // Pods are listed and not watched: a watch of all pods of a cluster would cost more than everything else here.
    let pods = trouble.take(list_pods(&jobs.context, owner, None).await);
    let loads = open.into_iter().filter_map(|job| match &pods {
        None => observed::unread_load(job),
        Some(pods) => {
            let pods = children::pods_of(job, pods);
            let mut load = observed::load_job(job, &pods)?;
            (load.state, load.given_up) = unstarted::give_up(job, &pods, load.state, &jobs.podless, now);
            Some(load)
        }
    });
    loads.collect()
}

/// The pods of an owner's Jobs; `component` is what the Jobs do, where not all are meant.
///
/// # Errors
/// [`Refused`] where they can't be listed.
pub async fn list_pods(
    context: &Context,
    owner: &ObjectOwner,
    component: Option<&str>,
) -> Result<Vec<Pod>, Refused> {
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
