//! What is seen before anything is decided: the external ID, the account's Jobs, AWS, and deliveries.

mod deliveries;
mod report_store;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    ResourceExt,
    api::{Api, ListParams},
};

use super::{
    context::{Context, Stores},
    error::{ReconcileFault, is_gone},
    job::mark,
    sight::{self, JobState, LoadJob},
    validate::SecretKey,
};
use crate::{
    api::{USE_EXTERNAL_ID, USE_LABEL},
    aws::{Aws, Session},
    connection::ReportTarget,
    model::{BillingPeriod, ExternalId, InvalidExternalId, ReportKind},
    report::{Anchor, ReportRoot, Wanted, deliveries as list},
};

pub use deliveries::Deliveries;
use report_store::SessionStore;

/// What is seen of an external-ID Secret. Absent, unlabelled and forbidden read the same on purpose: a resource must
/// not be a way to ask about other Secrets.
#[derive(Debug, Clone)]
pub enum SecretSight {
    /// An external ID.
    Usable(ExternalId),
    /// Absent, unlabelled or forbidden.
    NotUsable,
    /// It has no such key.
    KeyMissing,
    /// What the key holds is no external ID.
    Invalid(InvalidExternalId),
}

/// The resource version of a Secret in the labelled watch; `None` if it is not in it.
pub fn secret_version(stores: &Stores, namespace: &str, name: &str) -> Option<String> {
    stores.secret(namespace, name)?.metadata.resource_version.clone()
}

/// Reads the external ID. The watch has only labels; this is the one place that reads a Secret's content.
///
/// # Errors
/// Faults of the API server that may pass.
pub async fn external_id(
    context: &Context,
    namespace: &str,
    secret: &SecretKey,
) -> Result<SecretSight, ReconcileFault> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let found = match api.get(&secret.name).await {
        Ok(found) => found,
        Err(error) if is_gone(&error) => return Ok(SecretSight::NotUsable),
        Err(kube::Error::Api(status)) if status.code == 403 => return Ok(SecretSight::NotUsable),
        Err(error) => return Err(ReconcileFault::api("read the external-ID Secret")(error)),
    };
    // The watch may be behind: the label counts as it is now.
    Ok(external_id_of(&found, &secret.key))
}

/// The external ID under a key of a Secret.
pub fn external_id_of(secret: &Secret, key: &str) -> SecretSight {
    if secret.labels().get(USE_LABEL).map(String::as_str) != Some(USE_EXTERNAL_ID) {
        return SecretSight::NotUsable;
    }
    let Some(value) = secret.data.as_ref().and_then(|data| data.get(key)) else {
        return SecretSight::KeyMissing;
    };
    match ExternalId::parse(&value.0) {
        Ok(id) => SecretSight::Usable(id),
        Err(problem) => SecretSight::Invalid(problem),
    }
}

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
