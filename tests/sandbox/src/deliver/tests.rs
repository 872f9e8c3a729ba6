use super::*;
use crate::bill::BillOptions;
use crate::world::World;

const SHOP: &str = "210987654321";
const ACME: &str = "123456789012";

fn shared() -> std::sync::Arc<Shared> {
    Shared::new(World::demo())
}

fn delivery(account: &str, of: Definition, version: u32, extent: Extent) -> Delivery {
    let bill = BillSpec {
        seed: 7,
        payer: account.to_owned(),
        payer_name: "Payer".to_owned(),
        linked_accounts: Vec::new(),
        period: "2026-10".to_owned(),
        rows: 40,
        files: 2,
        currencies: vec!["USD".to_owned()],
        report_name: String::new(),
        prefix: String::new(),
        bucket: String::new(),
        options: BillOptions { version, ..BillOptions::default() },
    };
    Delivery { extent, ..Delivery::new(account, of, bill) }
}

fn bucket(shared: &Shared, name: &str) -> Vec<(String, String)> {
    shared
        .lock()
        .objects
        .with_prefix(name, "")
        .map(|(key, object)| (key.clone(), object.etag.clone()))
        .collect()
}

#[test]
fn only_what_was_created_within_a_day_and_has_nothing_gets_a_first_delivery() {
    let shared = shared();
    let now = shared.clock.now();
    let due = |shared: &Shared| {
        Delivery::first_ones(&shared.lock(), now).into_iter().map(|delivery| delivery.of).collect::<Vec<_>>()
    };
    assert_eq!(due(&shared), [], "the demo's export is old");
    let set = |at| {
        let mut state = shared.lock();
        let account = state.world.accounts.get_mut(ACME).unwrap();
        account.exports[0].export_status.created_at = Some(at);
    };
    set(now - SignedDuration::from_mins(1));
    assert_eq!(due(&shared), [Definition::Export("acme-cur".to_owned())]);
    let first = Delivery::first_ones(&shared.lock(), now).remove(0);
    first.make(&shared).unwrap();
    assert_eq!(due(&shared), [], "it has one now");
}

#[test]
fn a_report_is_delivered_in_place_and_its_status_says_when() {
    let shared = shared();
    let totals =
        delivery(SHOP, Definition::Report("shop-cur".to_owned()), 1, Extent::Whole).make(&shared).unwrap();
    assert_eq!(totals.rows, 40);
    let keys: Vec<String> = bucket(&shared, "shop-billing").into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "reports/shop-cur/20261001-20261101/shop-cur-00001.csv.gz",
            "reports/shop-cur/20261001-20261101/shop-cur-00002.csv.gz",
            "reports/shop-cur/20261001-20261101/shop-cur-Manifest.json",
        ]
    );
    let state = shared.lock();
    let status = state.world.accounts[SHOP].reports[0].report_status.clone().unwrap();
    assert_eq!(status.last_status.as_deref(), Some("SUCCESS"));
}

#[test]
fn a_delivery_caught_half_way_leaves_old_files_and_the_old_manifest() {
    let shared = shared();
    let of = || Definition::Report("shop-cur".to_owned());
    delivery(SHOP, of(), 1, Extent::Whole).make(&shared).unwrap();
    let before = bucket(&shared, "shop-billing");
    delivery(SHOP, of(), 2, Extent::StopAfterFiles(1)).make(&shared).unwrap();
    let after = bucket(&shared, "shop-billing");
    let changed: Vec<bool> = before.iter().zip(&after).map(|(old, new)| old != new).collect();
    assert_eq!(changed, [true, false, false]);
}

#[test]
fn an_export_is_delivered_beside_older_ones_with_an_execution() {
    let shared = shared();
    let of = || Definition::Export("acme-cur".to_owned());
    delivery(ACME, of(), 1, Extent::Whole).make(&shared).unwrap();
    delivery(ACME, of(), 2, Extent::StopAfterFiles(1)).make(&shared).unwrap();
    let keys: Vec<String> = bucket(&shared, "acme-billing").into_iter().map(|(key, _)| key).collect();
    let pointer = "cur/acme-cur/metadata/BILLING_PERIOD=2026-10/acme-cur-Manifest.json".to_owned();
    assert!(keys.contains(&pointer), "{keys:?}");
    assert_eq!(keys.iter().filter(|key| key.ends_with(".snappy.parquet")).count(), 3);
    let state = shared.lock();
    let record = &state.world.accounts[ACME].exports[0];
    let codes: Vec<&str> =
        record.executions.iter().map(|run| run.execution_status.status_code.as_str()).collect();
    assert_eq!(codes, ["DELIVERY_SUCCESS", "DELIVERY_IN_PROCESS"]);
    assert!(record.export_status.last_refreshed_at.is_some());
}

#[test]
fn a_bucket_that_refuses_shows_in_the_status() {
    let shared = shared();
    for bucket in shared.lock().world.buckets.values_mut() {
        bucket.policy = None;
    }
    delivery(SHOP, Definition::Report("shop-cur".to_owned()), 1, Extent::Whole).make(&shared).unwrap_err();
    delivery(ACME, Definition::Export("acme-cur".to_owned()), 1, Extent::Whole).make(&shared).unwrap_err();
    let state = shared.lock();
    let status = state.world.accounts[SHOP].reports[0].report_status.clone().unwrap();
    assert_eq!(status.last_status.as_deref(), Some("ERROR_PERMISSIONS"));
    let status = &state.world.accounts[ACME].exports[0].export_status;
    assert_eq!(status.status_reason.as_deref(), Some("INSUFFICIENT_PERMISSION"));
    let run = &state.world.accounts[ACME].exports[0].executions[0].execution_status;
    assert_eq!(run.status_code, "DELIVERY_FAILURE");
    assert_eq!(run.status_reason.as_deref(), Some("INSUFFICIENT_PERMISSION"));
}
