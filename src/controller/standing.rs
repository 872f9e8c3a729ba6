//! What stands without a look at AWS: the warehouse's word, verdicts from before a restart, and objects whose spec
//! can't be used.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource, ResourceExt,
    api::{Api, ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    access::gate,
    context::{Answered, Context, Stores},
    error::{LONGEST_WAIT, ReconcileFault, is_gone},
    status::{Summary, replace_summary},
    validate::{self, ValidWarehouse},
};
use crate::{
    api::{
        AwsCostAccountStatus, CostWarehouse, USE_LABEL, USE_WAREHOUSE,
        conditions::{self, Condition, Saying},
    },
    connection::{Finding, STALE_AFTER, Verdict},
    model::{ConditionStatus, ConditionType, Reason, layers::blocked_reason},
};

/// What is seen of the warehouse an account names.
#[derive(Debug, Clone)]
pub struct WarehouseSight {
    /// WarehouseReady.
    pub saying: Saying,
    /// True if what keeps it from being ready is tried again by itself.
    pub retries: bool,
    /// True if there is one of that name, whatever its spec.
    pub exists: bool,
    /// The warehouse, if it is there and its spec can be used.
    pub found: Option<FoundWarehouse>,
}

/// A warehouse that is there.
#[derive(Debug, Clone)]
pub struct FoundWarehouse {
    /// Its UID.
    pub uid: String,
    /// What it is.
    pub valid: ValidWarehouse,
    /// Changes whenever it or its Secret does.
    pub fingerprint: String,
}

/// The warehouse of a name in a namespace, in the account's words.
pub fn warehouse(stores: &Stores, namespace: &str, name: &str) -> WarehouseSight {
    let found = stores.warehouse(namespace, name);
    let parsed = found.as_ref().and_then(|found| found.0.as_ref().ok());
    let Some(warehouse) = parsed else {
        let exists = found.is_some();
        let saying = if exists { unreadable_warehouse(name) } else { no_warehouse(name) };
        return WarehouseSight { saying, retries: false, exists, found: None };
    };
    let valid = validate::warehouse(&warehouse.spec).ok();
    let secret = valid.as_ref().and_then(ValidWarehouse::secret);
    let secret_version = secret.and_then(|name| usable_secret(stores, namespace, name));
    let status = warehouse.status.as_ref();
    let stalled =
        status.is_some_and(|status| conditions::find(&status.conditions, ConditionType::Stalled).is_some());
    WarehouseSight {
        saying: warehouse_says(warehouse),
        retries: !stalled,
        exists: true,
        found: valid.map(|valid| FoundWarehouse {
            uid: warehouse.uid().unwrap_or_default(),
            fingerprint: fingerprint(warehouse, secret_version.as_deref()),
            valid,
        }),
    }
}

/// The version of a Secret that carries the label for warehouses.
pub fn usable_secret(stores: &Stores, namespace: &str, name: &str) -> Option<String> {
    let secret = stores.secret(namespace, name)?;
    let labelled = secret.labels().get(USE_LABEL).map(String::as_str) == Some(USE_WAREHOUSE);
    labelled.then(|| secret.metadata.resource_version.clone()).flatten()
}

/// Changes whenever a warehouse's spec or its Secret does.
pub fn fingerprint(warehouse: &CostWarehouse, secret_version: Option<&str>) -> String {
    let text =
        format!("{:?}\n{:?}\n{secret_version:?}", warehouse.metadata.uid, warehouse.metadata.generation);
    hex::encode(&Sha256::digest(text)[..8])
}

/// WarehouseReady of an account that names a warehouse which is not there.
pub fn no_warehouse(name: &str) -> Saying {
    let message = format!(
        "There is no CostWarehouse {name} in this namespace: create it, or correct spec.ingestion.warehouseRef."
    );
    say(ConditionStatus::False, Reason::WarehouseNotFound, message)
}

fn unreadable_warehouse(name: &str) -> Saying {
    let message =
        format!("The spec of CostWarehouse {name} can't be read: its own Ready says why. Correct it.");
    say(ConditionStatus::False, Reason::WarehouseNotFound, message)
}

/// The warehouse's Ready as the account's WarehouseReady.
pub fn warehouse_says(warehouse: &CostWarehouse) -> Saying {
    let status = warehouse.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, ConditionType::Ready);
    match ready.filter(|_| status.observed_generation == warehouse.metadata.generation) {
        Some(ready) => {
            let reason = match Reason::from_name(&ready.reason) {
                Some(Reason::Progressing) | None => Reason::Probing,
                Some(reason) => reason,
            };
            let message = conditions::whole_message(&status.conditions).unwrap_or(&ready.message);
            say(status_of(ready), reason, message.to_owned())
        }
        None => {
            say(ConditionStatus::Unknown, Reason::Probing, "The CostWarehouse is not probed yet.".to_owned())
        }
    }
}

fn say(status: ConditionStatus, reason: Reason, message: String) -> Saying {
    Saying::new(ConditionType::WarehouseReady, status, reason, message)
}

fn status_of(condition: &Condition) -> ConditionStatus {
    match condition.status.as_str() {
        "True" => ConditionStatus::True,
        "False" => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    }
}

/// True if status has AWS's verdict on this generation's access, so that there is time for the next look. That it says the
/// generation was seen is not enough: that is written before the first look.
pub fn stood(status: &AwsCostAccountStatus, generation: Option<i64>) -> bool {
    let access = conditions::find(&status.conditions, ConditionType::RoleAssumable);
    access.is_some_and(|access| {
        access.observed_generation == generation && status_of(access) != ConditionStatus::Unknown
    }) && !ended_at_gate(status)
}

/// True if the last pass ended at the gate: AWS was not asked, and status says nothing of what it would say.
fn ended_at_gate(status: &AwsCostAccountStatus) -> bool {
    let role = conditions::find(&status.conditions, ConditionType::RoleAssumable);
    let reason = role.and_then(|condition| Reason::from_name(&condition.reason));
    reason.is_some_and(|reason| gate::REASONS.contains(&reason))
}

/// After a restart the facts behind the last verdicts are gone, but the verdicts are in status: they stand until a look
/// gives an answer, or until looks gave none for six hours.
pub fn keep_over_restart(
    findings: &mut [Finding],
    status: &AwsCostAccountStatus,
    generation: Option<i64>,
    started: Timestamp,
    now: Timestamp,
) {
    if now.duration_since(started) >= STALE_AFTER || ended_at_gate(status) {
        return;
    }
    let before = |condition: ConditionType| {
        let old = conditions::find(&status.conditions, condition)?;
        let verdict = match status_of(old) {
            ConditionStatus::True => Verdict::Pass,
            ConditionStatus::False => Verdict::Fail,
            ConditionStatus::Unknown => return None,
        };
        (old.observed_generation == generation).then_some(())?;
        let reason = Reason::from_name(&old.reason)?;
        Some(Finding { condition, verdict, reason, message: old.message.clone() })
    };
    // A layer that is only blocked by a verdict that is kept is kept as well.
    let mut kept_role = false;
    for finding in findings {
        let only_blocked = kept_role && finding.reason == blocked_reason(ConditionType::RoleAssumable);
        if !(finding.is_inconclusive() || only_blocked) {
            continue;
        }
        if let Some(old) = before(finding.condition) {
            kept_role |= old.condition == ConditionType::RoleAssumable && old.verdict == Verdict::Pass;
            *finding = old;
        }
    }
}

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
    if let Some(wish) = reconcile_at {
        status.last_handled_reconcile_at = Some(wish.to_owned());
    }
    status.conditions = conditions::write(&old.conditions, &invalid(problem), generation, now);
    status
}

/// Ready and Stalled of an object whose spec can't be used.
pub fn invalid(problem: &str) -> Vec<Saying> {
    Summary::stalled(
        Reason::InvalidSpec,
        &conditions::bounded(&format!("The spec can't be used: {problem}.")),
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
) -> Result<Duration, ReconcileFault>
where
    K: Resource<DynamicType = ()>,
{
    let uid = metadata.uid.clone().unwrap_or_default();
    context.visit(&uid);
    let memory = context.memory(&uid, now);
    let mut memory = memory.lock().await;
    let said = Answered { generation: metadata.generation, secret: None, wish: None };
    if memory.answered.as_ref() != Some(&said) {
        write_summary::<K>(context, metadata, &[], &invalid(problem), now).await?;
        memory.answered = Some(said);
    }
    Ok(LONGEST_WAIT)
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
    let sayings = Summary::stalled(Reason::InternalError, message).sayings();
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
        Err(error) => Err(ReconcileFault::api("patch the status")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::loads::periods::tests::at;

    fn status() -> AwsCostAccountStatus {
        status_with(ConditionStatus::True, Reason::RoleAssumed)
    }

    fn status_with(role: ConditionStatus, reason: Reason) -> AwsCostAccountStatus {
        let sayings = [
            Saying::new(ConditionType::RoleAssumable, role, reason, "words"),
            Saying::new(
                ConditionType::BucketReadable,
                ConditionStatus::False,
                Reason::BucketListDenied,
                "words",
            ),
        ];
        AwsCostAccountStatus {
            conditions: conditions::write(&[], &sayings, Some(1), at(0)),
            ..AwsCostAccountStatus::default()
        }
    }

    #[test]
    fn only_a_verdict_on_the_same_generation_lets_a_look_wait() {
        assert!(stood(&status(), Some(1)));
        assert!(!stood(&status(), Some(2)), "the spec has changed since");
        let seen = AwsCostAccountStatus { observed_generation: Some(1), ..AwsCostAccountStatus::default() };
        assert!(!stood(&seen, Some(1)), "the generation was seen, and nothing looked at");
    }

    fn kept(role: Finding, generation: i64, minutes: i64) -> Vec<Reason> {
        let bucket = if role.verdict == Verdict::Pass {
            Finding::unknown(ConditionType::BucketReadable, Reason::NotChecked, "words")
        } else {
            Finding::blocked(ConditionType::BucketReadable, ConditionType::RoleAssumable)
        };
        let mut findings = [role, bucket];
        keep_over_restart(&mut findings, &status(), Some(generation), at(0), at(minutes));
        findings.iter().map(|finding| finding.reason).collect()
    }

    #[test]
    fn what_the_gate_said_does_not_outlive_it() {
        for reason in gate::REASONS {
            let shut = status_with(ConditionStatus::False, reason);
            assert!(ended_at_gate(&shut), "{reason}");
            let not_looked = Finding::unknown(ConditionType::RoleAssumable, Reason::NotChecked, "words");
            let mut findings = [not_looked.clone()];
            keep_over_restart(&mut findings, &shut, Some(1), at(0), at(1));
            assert_eq!(findings, [not_looked], "{reason}");
        }
        assert!(!ended_at_gate(&status()));
    }

    #[test]
    fn verdicts_outlive_a_restart_until_a_look_answers() {
        let role = |verdict: Verdict, reason| Finding {
            condition: ConditionType::RoleAssumable,
            verdict,
            reason,
            message: "new".to_owned(),
        };
        let silent = || role(Verdict::Unknown, Reason::Throttled);
        assert_eq!(kept(silent(), 1, 5), [Reason::RoleAssumed, Reason::BucketListDenied]);
        assert_eq!(kept(silent(), 2, 5), [Reason::Throttled, Reason::BlockedByRole], "of another generation");
        assert_eq!(kept(silent(), 1, 360), [Reason::Throttled, Reason::BlockedByRole], "for six hours only");
        let denied = role(Verdict::Fail, Reason::AssumeRoleDenied);
        assert_eq!(kept(denied, 1, 5), [Reason::AssumeRoleDenied, Reason::BlockedByRole]);
    }
}
