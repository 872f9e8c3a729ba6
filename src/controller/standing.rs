//! What stands without a look at AWS: the warehouse's word, verdicts from before a restart, and objects whose spec
//! can't be used.

use std::time::Duration;

use jiff::Timestamp;
use kube::{Resource, ResourceExt, api::Api};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    context::{Context, GuardedAccount, Stores},
    error::{LONGEST_WAIT, ReconcileFault},
    status::Summary,
    validate::{self, ValidWarehouse},
};
use crate::{
    api::{
        AwsCostAccount, AwsCostAccountStatus, CostWarehouse, USE_LABEL, USE_WAREHOUSE,
        conditions::{self, Condition, Saying},
    },
    connection::{Finding, STALE_AFTER, Verdict},
    model::{ConditionStatus, ConditionType, Reason},
};

/// What is seen of the warehouse an account names.
#[derive(Debug, Clone)]
pub struct WarehouseSight {
    /// WarehouseReady.
    pub saying: Saying,
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
        let message = format!(
            "There is no CostWarehouse {name} in this namespace: create it, or correct spec.ingestion.warehouseRef."
        );
        return WarehouseSight { saying: say(ConditionStatus::False, Reason::WarehouseNotFound, message), found: None };
    };
    let valid = validate::warehouse(&warehouse.spec).ok();
    let secret = valid.as_ref().and_then(ValidWarehouse::secret);
    let secret_version = secret.and_then(|name| usable_secret(stores, namespace, name));
    WarehouseSight {
        saying: copied(warehouse),
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

/// The warehouse's Ready as the account's WarehouseReady.
fn copied(warehouse: &CostWarehouse) -> Saying {
    let status = warehouse.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, ConditionType::Ready);
    match ready.filter(|_| status.observed_generation == warehouse.metadata.generation) {
        Some(ready) => {
            let reason = match Reason::from_name(&ready.reason) {
                Some(Reason::Progressing) | None => Reason::Probing,
                Some(reason) => reason,
            };
            say(status_of(ready), reason, ready.message.clone())
        }
        None => say(ConditionStatus::Unknown, Reason::Probing, "The CostWarehouse is not probed yet.".to_owned()),
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

/// After a restart the facts behind the last verdicts are gone, but the verdicts are in status: they stand until a look
/// gives an answer, or until looks gave none for six hours.
pub fn keep_over_restart(
    findings: &mut [Finding],
    status: &AwsCostAccountStatus,
    generation: Option<i64>,
    started: Timestamp,
    now: Timestamp,
) {
    if now.duration_since(started) >= STALE_AFTER {
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
        let only_blocked = kept_role && finding.reason == Reason::BlockedByRole;
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
    problem: &str,
    now: Timestamp,
) -> AwsCostAccountStatus {
    let mut status = old.clone();
    status.observed_generation = generation;
    status.conditions = conditions::write(&old.conditions, &invalid(problem), generation, now);
    status
}

/// Ready and Stalled of an object whose spec can't be used.
pub fn invalid(problem: &str) -> Vec<Saying> {
    Summary::stalled(Reason::InvalidSpec, &conditions::bounded(&format!("The spec can't be used: {problem}."))).sayings()
}

/// Says so in the status of an object of which only the metadata could be read.
///
/// # Errors
/// Faults of the API server.
pub async fn report_unparsable(
    context: &Context,
    object: &GuardedAccount,
    problem: &str,
    now: Timestamp,
) -> Result<Duration, ReconcileFault> {
    use kube::api::{Patch, PatchParams};
    let metadata = object.meta();
    context.visit(&object.uid().unwrap_or_default());
    let conditions = conditions::write(&[], &invalid(problem), metadata.generation, now);
    let namespace = object.namespace().unwrap_or_default();
    // The typed API could not read its own answer; the dynamic one can.
    let resource = kube::api::ApiResource::erase::<AwsCostAccount>(&());
    let api: Api<kube::api::DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &resource);
    let known = api
        .get(&object.name_any())
        .await
        .map_err(ReconcileFault::api("read the object"))?
        .data["status"]["observedGeneration"]
        .as_i64();
    if known == metadata.generation {
        return Ok(LONGEST_WAIT);
    }
    let patch = json!({
        "metadata": {"resourceVersion": metadata.resource_version},
        "status": {"observedGeneration": metadata.generation, "conditions": conditions}
    });
    api.patch_status(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(ReconcileFault::api("patch the status"))?;
    Ok(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::periods::tests::at;

    fn status() -> AwsCostAccountStatus {
        let sayings = [
            Saying::new(ConditionType::RoleAssumable, ConditionStatus::True, Reason::RoleAssumed, "words"),
            Saying::new(ConditionType::BucketReadable, ConditionStatus::False, Reason::BucketListDenied, "words"),
        ];
        AwsCostAccountStatus {
            conditions: conditions::write(&[], &sayings, Some(1), at(0)),
            ..AwsCostAccountStatus::default()
        }
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
