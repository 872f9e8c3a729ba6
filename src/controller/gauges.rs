//! What metrics say of an object: taken from the object as the API server has it, so a restart loses nothing.

use jiff::Timestamp;
use kube::{Resource, ResourceExt};

use super::{
    account::finalizer,
    context::{GuardedAccount, GuardedWarehouse},
};
use crate::{
    api::{AwsCostAccountStatus, conditions::Condition},
    model::{ConditionStatus, ConditionType, Reason},
    telemetry::metrics::{AccountGauges, ConditionSeries, Metrics},
};

/// What stands of an object that does not parse, whatever its status says.
const UNPARSABLE: [ConditionSeries; 2] = [
    (ConditionType::Stalled, ConditionStatus::True, Reason::InvalidSpec),
    (ConditionType::Ready, ConditionStatus::False, Reason::InvalidSpec),
];

/// Sets the gauges of an account. One that is deleted keeps them as long as its finalizer holds it, for a purge may fail
/// for ever; but of its conditions only the summaries, for nothing looks at its layers any more.
pub fn set_account_gauges(metrics: &Metrics, object: &GuardedAccount) {
    let uid = object.uid().unwrap_or_default();
    // A finalizer of somebody else's holds it for reasons of its own.
    let ours = finalizer::has_finalizer(object.meta());
    let deleted = object.meta().deletion_timestamp.as_ref();
    let deletion = deleted.filter(|_| ours).map(|deleted| deleted.0.as_second());
    let of = AccountGauges {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        deletion,
        ..AccountGauges::default()
    };
    let mut gauges = match &object.0 {
        Ok(account) => {
            let suspended = account.spec.suspend == Some(true);
            status_gauges(AccountGauges { suspended, ..of }, account.status.as_ref())
        }
        Err(_) => AccountGauges { conditions: UNPARSABLE.to_vec(), ..of },
    };
    // No alert on a layer that nothing looks at any more; that the deletion hangs is an alert of its own.
    if deleted.is_some() {
        gauges.conditions.retain(|(type_, ..)| type_.is_summary());
    }
    metrics.set_account(&uid, gauges);
}

fn status_gauges(of: AccountGauges, status: Option<&AwsCostAccountStatus>) -> AccountGauges {
    let Some(status) = status else { return of };
    let last_success = status.ingestion.as_ref().and_then(|ingestion| ingestion.last_success);
    let delivery = status.report.as_ref().and_then(|report| report.last_delivery);
    AccountGauges {
        conditions: condition_series(&status.conditions),
        last_success: last_success.map(Timestamp::as_second),
        delivery: delivery.map(Timestamp::as_second),
        rows: status.periods.iter().filter_map(|period| period.rows).sum(),
        missing_months: status.history.as_ref().map_or(0, |history| history.missing.len()),
        ..of
    }
}

/// Sets the gauges of a warehouse; one that is being deleted has none.
pub fn set_warehouse_gauges(metrics: &Metrics, object: &GuardedWarehouse) {
    let uid = object.uid().unwrap_or_default();
    if object.meta().deletion_timestamp.is_some() {
        return metrics.forget(&uid);
    }
    let conditions = match &object.0 {
        Ok(warehouse) => {
            warehouse.status.as_ref().map(|status| condition_series(&status.conditions)).unwrap_or_default()
        }
        Err(_) => UNPARSABLE.to_vec(),
    };
    let namespace = object.namespace().unwrap_or_default();
    metrics.set_warehouse(&uid, &namespace, &object.name_any(), conditions);
}

/// Conditions of a version that this one does not know have no series: labels come from closed lists.
fn condition_series(conditions: &[Condition]) -> Vec<ConditionSeries> {
    conditions.iter().filter_map(Condition::parsed).collect()
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use serde_json::{Value, json};

    use super::*;

    fn object(spec: &Value, meta: &Value) -> GuardedAccount {
        let condition = |type_: &str, reason: &str| {
            json!({"type": type_, "status": "False", "reason": reason, "message": "words",
                   "lastTransitionTime": "2026-11-22T12:00:00Z"})
        };
        let mut metadata = json!({"namespace": "finops", "name": "acme", "uid": "u"});
        for (key, value) in meta.as_object().expect("an object") {
            metadata[key] = value.clone();
        }
        let value = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": metadata, "spec": spec,
            "status": {
                "conditions": [
                    condition("Ready", "BucketNotFound"), condition("BucketReadable", "BucketNotFound"),
                    condition("OfALaterVersion", "New")
                ],
                "report": {"lastDelivery": "1970-01-01T00:00:05Z"},
                "history": {"missing": ["2026-01", "2026-02"]}
            }
        });
        serde_json::from_value::<DeserializeGuard<_>>(value).expect("metadata at least")
    }

    fn spec() -> Value {
        json!({
            "accountType": "Standalone",
            "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "id"}
            }
        })
    }

    fn lines(metrics: &Metrics) -> Vec<String> {
        let page = metrics.page().expect("a page");
        page.lines().filter(|line| line.starts_with("awscost_account")).map(str::to_owned).collect()
    }

    #[test]
    fn after_a_restart_gauges_say_what_status_does() {
        let metrics = Metrics::new("1").expect("valid metrics");
        set_account_gauges(&metrics, &object(&spec(), &json!({})));
        insta::assert_snapshot!(lines(&metrics).join("\n"), @r#"
        awscost_account_history_missing_months{name="acme",namespace="finops"} 2
        awscost_account_ingested_rows{name="acme",namespace="finops"} 0
        awscost_account_report_delivery_timestamp_seconds{name="acme",namespace="finops"} 5
        awscost_account_status_condition{condition="BucketReadable",name="acme",namespace="finops",reason="BucketNotFound",status="False"} 1
        awscost_account_status_condition{condition="Ready",name="acme",namespace="finops",reason="BucketNotFound",status="False"} 1
        awscost_account_suspended{name="acme",namespace="finops"} 0
        "#);
    }

    #[test]
    fn an_object_that_does_not_parse_says_so() {
        let metrics = Metrics::new("1").expect("valid metrics");
        set_account_gauges(&metrics, &object(&json!({"accountType": 5}), &json!({})));
        let conditions: Vec<String> =
            lines(&metrics).into_iter().filter(|line| line.contains("reason=\"InvalidSpec\"")).collect();
        assert_eq!(conditions.len(), 2, "{conditions:?}");
    }

    #[test]
    fn an_account_that_is_deleted_says_since_when_until_it_is_gone() {
        let metrics = Metrics::new("1").expect("valid metrics");
        set_account_gauges(&metrics, &object(&spec(), &json!({})));
        set_account_gauges(
            &metrics,
            &object(
                &spec(),
                &json!({"deletionTimestamp": "1970-01-01T00:00:09Z", "finalizers": [finalizer::FINALIZER]}),
            ),
        );
        insta::assert_snapshot!(lines(&metrics).join("\n"), @r#"
        awscost_account_deletion_timestamp_seconds{name="acme",namespace="finops"} 9
        awscost_account_history_missing_months{name="acme",namespace="finops"} 2
        awscost_account_ingested_rows{name="acme",namespace="finops"} 0
        awscost_account_report_delivery_timestamp_seconds{name="acme",namespace="finops"} 5
        awscost_account_status_condition{condition="Ready",name="acme",namespace="finops",reason="BucketNotFound",status="False"} 1
        awscost_account_suspended{name="acme",namespace="finops"} 0
        "#);
        metrics.forget("u");
        assert_eq!(lines(&metrics), Vec::<String>::new());
    }
}
