//! The status of objects that can't be worked on: a spec that can't be used or read, or a fault of the operator's own.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource,
    api::{Api, ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::json;

use super::{ReadySummary, replace_summary};
use crate::{
    api::{
        AwsCostAccountStatus,
        conditions::{self, Condition, Saying},
    },
    controller::{
        context::{Context, lock},
        error::{ReconcileFault, is_gone},
    },
    model::Reason,
};

/// The status of an object whose spec can't be used.
pub fn invalid_spec(
    old: &AwsCostAccountStatus,
    generation: Option<i64>,
    reconcile_at: Option<&str>,
    problem: &str,
    now: Timestamp,
) -> AwsCostAccountStatus {
    let mut status = old.clone();
    status.observed_generation = generation;
    if let Some(request) = reconcile_at {
        status.last_handled_reconcile_at = Some(request.to_owned());
    }
    status.conditions = conditions::write(&old.conditions, &invalid_summary(problem), generation, now);
    status
}

/// Ready and Stalled of an object whose spec can't be used.
pub fn invalid_summary(problem: &str) -> Vec<Saying> {
    ReadySummary::stalled(
        Reason::InvalidSpec,
        &conditions::bound_message(&format!("The spec can't be used: {problem}.")),
    )
    .sayings()
}

/// Says so in the status of an object of which only the metadata could be read; once for each generation.
///
/// # Errors
/// Faults of the API server.
pub async fn report_unparsable<K>(
    context: &Context,
    metadata: &ObjectMeta,
    problem: &str,
    now: Timestamp,
) -> Result<(), ReconcileFault>
where
    K: Resource<DynamicType = ()>,
{
    let uid = metadata.uid.clone().unwrap_or_default();
    // What stands can't be read: the operator may list and watch objects, not get them, and the watch has only metadata.
    if lock(&context.unparsable).get(&uid) == Some(&metadata.generation) {
        return Ok(());
    }
    write_summary::<K>(context, metadata, &[], &invalid_summary(problem), now).await?;
    lock(&context.unparsable).insert(uid, metadata.generation);
    Ok(())
}

/// Says in an object's status that the operator failed on it in a way it should not.
///
/// # Errors
/// Faults of the API server.
pub async fn report_bug<K>(
    context: &Context,
    metadata: &ObjectMeta,
    conditions: &[Condition],
    now: Timestamp,
) -> Result<(), ReconcileFault>
where
    K: Resource<DynamicType = ()>,
{
    let message = "The operator failed on this object in a way it should not; its log says more. It is tried again every \
                   ten minutes: please report it.";
    let sayings = ReadySummary::stalled(Reason::InternalError, message).sayings();
    write_summary::<K>(context, metadata, conditions, &sayings, now).await
}

/// Writes the summary alone. The typed API could not read its own answer; the dynamic one can.
async fn write_summary<K>(
    context: &Context,
    metadata: &ObjectMeta,
    old: &[Condition],
    sayings: &[Saying],
    now: Timestamp,
) -> Result<(), ReconcileFault>
where
    K: Resource<DynamicType = ()>,
{
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let conditions = replace_summary(old, sayings, metadata.generation, now);
    let patch = json!({
        "metadata": {"resourceVersion": metadata.resource_version},
        "status": {"observedGeneration": metadata.generation, "conditions": conditions}
    });
    let name = metadata.name.clone().unwrap_or_default();
    match api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(ReconcileFault::while_doing("patch the status")(error)),
    }
}
