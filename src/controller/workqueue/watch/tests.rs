//! What the watches tell the queues, and whom a change reaches.

use futures::channel::mpsc::unbounded;
use serde_json::json;

use super::*;
use crate::{
    api::CostWarehouse,
    controller::{
        jobs::{
            concurrency::{SlotRequest, WarehouseWriters},
            manifest::PlannedLoad,
        },
        loads::periods::tests::{at, period, version},
        settings::JobLimits,
    },
    model::ReportKind,
};

fn object(meta: serde_json::Value, status: serde_json::Value) -> CostWarehouse {
    serde_json::from_value(json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": meta,
        "spec": {"delta": {"location": "file:///warehouse"}}, "status": status
    }))
    .expect("a warehouse")
}

#[test]
fn a_status_patch_is_no_change_and_an_annotation_is() {
    let meta = |more: serde_json::Value| {
        let mut meta = json!({"name": "lake", "uid": "u", "generation": 1});
        for (key, value) in more.as_object().expect("an object") {
            meta[key] = value.clone();
        }
        meta
    };
    let mut known = KnownObjects::default();
    let mut new = |more, status| known.is_changed(&object(meta(more), status));
    assert!(new(json!({}), json!({})));
    assert!(!new(json!({"resourceVersion": "2"}), json!({"observedGeneration": 1})));
    assert!(new(json!({"annotations": {"awscost.io/reconcile-at": "1"}}), json!({})));
    assert!(new(json!({"generation": 2}), json!({})));
    assert!(new(json!({"generation": 2, "finalizers": ["x/y"]}), json!({})));
    assert!(new(json!({"generation": 2, "deletionTimestamp": "2026-11-22T12:00:00Z"}), json!({})));
}

fn account(uid: &str, warehouse: Option<&str>) -> GuardedAccount {
    serde_json::from_value(json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
        "metadata": {"name": uid, "namespace": "finops", "uid": uid},
        "spec": {
            "accountType": "Member", "access": {},
            "ingestion": warehouse.map(|name| json!({"warehouseRef": {"name": name}}))
        }
    }))
    .expect("an account")
}

#[test]
fn a_warehouse_is_woken_when_one_more_or_one_less_account_names_it() {
    let mut users = WarehouseUsers::default();
    let mut note = |uid, warehouse| -> Vec<String> {
        users.note(&account(uid, warehouse)).into_iter().map(|warehouse| warehouse.name).collect()
    };
    assert_eq!(note("a", Some("lake")), ["lake"]);
    assert_eq!(note("a", Some("lake")), Vec::<String>::new(), "a status patch changes nothing");
    assert_eq!(note("a", Some("pond")), ["lake", "pond"]);
    assert_eq!(note("a", None), ["pond"]);
    assert_eq!(note("b", Some("lake")), ["lake"]);
    let gone = users.went(&account("b", Some("lake"))).map(|warehouse| warehouse.name);
    assert_eq!(gone.as_deref(), Some("lake"));
}

#[test]
fn the_number_of_its_accounts_wakes_no_account() {
    let mut copied = CopiedConditions::default();
    let mut changed = |status| {
        let object = object(json!({"name": "lake", "uid": "u", "generation": 1}), status);
        copied.is_changed(&serde_json::from_value(json!(object)).expect("a warehouse"))
    };
    assert!(changed(json!({})));
    assert!(!changed(json!({"accounts": 1})));
    let ready = json!({"type": "Ready", "status": "True", "reason": "ProbeSucceeded", "message": "m",
                       "lastTransitionTime": "2026-11-22T12:00:00Z"});
    assert!(changed(json!({"accounts": 1, "conditions": [ready]})));
}

#[test]
fn a_load_that_went_before_anybody_asked_for_another_holds_no_slot() {
    let load = PlannedLoad {
        period: period("2026-11"),
        version: version("v"),
        kind: ReportKind::Cur2,
        attempt: 1,
        inputs: String::new(),
    };
    let one = children::tests::account("finops", "an-account");
    let gone = |owner: &_| -> Job {
        let made = children::tests::made_for(owner, &load.job_name("an-account"));
        serde_json::from_value(made).expect("a Job")
    };
    let slots = JobSlots::new(JobLimits { per_warehouse: 1, ..JobLimits::default() });
    let queued = |account| {
        let owner = children::tests::account("finops", account);
        let loads = vec![load.clone()];
        let wanted =
            SlotRequest { account: &owner, warehouse: "lake", writers: WarehouseWriters::Many, loads };
        slots.take(wanted, &[], at(0)).queued
    };
    assert_eq!(queued("an-account"), 0);
    assert_eq!(queued("another"), 1, "the warehouse takes one at a time");
    let (accounts, warehouses) = (unbounded().0, unbounded().0);
    let queues = RequestQueues { accounts, warehouses };
    for foreign in [("elsewhere", "an-account"), ("finops", "another")] {
        let foreign = children::tests::account(foreign.0, foreign.1);
        wake_owner(&slots, &queues, &Event::Delete(gone(&foreign)));
        assert_eq!(queued("another"), 1, "a Job of that name which somebody else made frees nothing");
    }
    wake_owner(&slots, &queues, &Event::Delete(gone(&one)));
    assert_eq!(queued("another"), 0, "nothing is at work");
}
