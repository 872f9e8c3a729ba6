//! What is seen before anything is decided: the external ID, the account's Jobs, AWS, and deliveries.

mod deliveries;
mod report_store;
pub mod secrets;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{Api, ListParams},
};

use super::{
    context::{Context, Stores},
    error::ReconcileFault,
    job::mark,
    sight::{self, JobState, LoadJob},
};
use crate::{
    aws::{Aws, Session},
    connection::ReportTarget,
    model::{BillingPeriod, ReportKind},
    report::{Anchor, ReportRoot, Wanted, deliveries as list},
};

pub use deliveries::Deliveries;
use report_store::SessionStore;
pub use secrets::{AccessSight, SecretSight};

/// The Jobs that load an account's bill, with their pods where a pod has something new to say.
///
/// `settled` names Jobs whose end is in status already.
///
/// # Errors
/// Faults of the API server that may pass.
pub async fn load_jobs(
    context: &Context,
    stores: &Stores,
    namespace: &str,
    uid: &str,
    settled: &std::collections::HashSet<String>,
) -> Result<Vec<LoadJob>, ReconcileFault> {
    let jobs = stores.jobs_of(mark::ACCOUNT_UID, uid);
    let open: Vec<_> = jobs.iter().filter(|job| !settled.contains(&job.name_any())).collect();
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let pods = pods_by_job(context, namespace, &format!("{}={uid}", mark::ACCOUNT_UID)).await?;
    let none = Vec::new();
    Ok(open
        .into_iter()
        .filter_map(|job| sight::load_job(job, pods.get(&job.name_any()).unwrap_or(&none)))
        .collect())
}

/// Pods under a label selector, by the Job that made them.
///
/// # Errors
/// Faults of the API server that may pass.
pub async fn pods_by_job(
    context: &Context,
    namespace: &str,
    selector: &str,
) -> Result<BTreeMap<String, Vec<Pod>>, ReconcileFault> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), namespace);
    let pods = api
        .list(&ListParams::default().labels(selector))
        .await
        .map_err(ReconcileFault::api("list the Jobs' pods"))?;
    let mut by_job: BTreeMap<String, Vec<Pod>> = BTreeMap::new();
    for pod in pods {
        if let Some(job) = pod.labels().get("batch.kubernetes.io/job-name").cloned() {
            by_job.entry(job).or_default().push(pod);
        }
    }
    Ok(by_job)
}

/// True if any Job is at work.
pub fn any_active(jobs: &[LoadJob]) -> bool {
    jobs.iter().any(|job| matches!(job.state, JobState::Active(_)))
}

/// Which versions are delivered, read in the narrowed session.
pub async fn look_at_deliveries(
    aws: &Aws,
    session: &Session,
    report: &ReportTarget,
    kind: Option<ReportKind>,
    wanted: &[BillingPeriod],
    seen: &mut Deliveries,
    now: Timestamp,
) {
    let store = SessionStore::new(aws, session, report);
    let root = ReportRoot {
        anchor: Anchor::Bucket(report.bucket.clone()),
        prefix: report.prefix.clone(),
        name: report.name.clone(),
        kind: report.kind.or(kind),
    };
    let wanted = Wanted::Only(wanted.iter().copied().collect());
    seen.record(now, list(&store, &root, &wanted).await);
}
