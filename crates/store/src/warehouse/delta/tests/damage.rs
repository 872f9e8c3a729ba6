//! Files that are gone, ledger rows that can't be read: who is told, who goes on, and what heals it.

use super::*;
use crate::{
    model::{ExitCode, Reason},
    warehouse::survey::LostMonth,
};

fn key() -> TagKey {
    TagKey { original: "user:A".into(), folded: "user_a".into(), collisions: 0 }
}

async fn load_with_keys(warehouse: &DeltaWarehouse, load: &Load, ordering: Ordering) {
    let stage = load.stage(warehouse).await;
    stage.tag_keys(&[key()]).await.expect("keys");
    let answer = stage.commit(load.row(), ordering).await.expect("a commit");
    assert!(matches!(answer, Committed::Replaced { .. }), "{answer:?}");
}

/// What a read of the connection comes to.
async fn read(warehouse: &DeltaWarehouse, connection: &str) -> Result<u64, WarehouseFault> {
    let selection = Selection::of(&connection.parse().expect("a key"));
    let mut rows = 0;
    let mut visit = |_: &Slot, batch: &arrow::array::RecordBatch| {
        rows += batch.num_rows() as u64;
        Ok(())
    };
    warehouse.read(&selection, &["line_item_unblended_cost"], &mut visit).await.map(|_| rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_file_that_is_gone_is_named_and_loading_again_heals_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let load = Load::of("acme", "v1", &["1", "2", "3", "4"]);
    load_with_keys(&warehouse, &load, Ordering::Enforced).await;
    Load::of("other", "v1", &["5"]).run_on(&warehouse).await;
    assert_eq!(warehouse.survey(None).await.expect("a survey").lost, []);
    let gone = [
        &parquet(&folder.path().join("costs/connection=acme"))[0],
        &parquet(&folder.path().join("tag_keys"))[0],
    ];
    for file in gone {
        fs::remove_file(file).expect("removed");
    }
    let fault = read(&warehouse, "acme").await.expect_err("a file is gone");
    assert_eq!((fault.reason(), fault.exit_code()), (Reason::DataFilesGone, ExitCode::Gone), "{fault}");
    let names = [
        "costs/connection=acme/billing_period=2026-10/run-v1-00000-00000.parquet",
        "tag_keys/connection=acme/billing_period=2026-10/v1-run-v1.parquet",
    ];
    let month = LostMonth {
        slot: conformance::slot("acme", "2026-10"),
        files: names.map(str::to_owned).to_vec(),
        row: Some(load.row()),
    };
    assert_eq!(warehouse.survey(None).await.expect("a survey").lost, std::slice::from_ref(&month));
    match fault {
        WarehouseFault::FilesGone { months, .. } => assert_eq!(months, [month]),
        other => panic!("{other}"),
    }
    let keys = warehouse.keys_of(&[load.row()]).await.expect_err("its tag keys are gone too");
    assert_eq!(keys.exit_code(), ExitCode::Gone, "{keys}");
    let other = "other".parse().expect("a key");
    assert_eq!(warehouse.survey(Some(&other)).await.expect("a survey").lost, [], "another's are all there");
    assert_eq!(read(&warehouse, "other").await.expect("it goes on"), 1);

    let again = load.clone().run("again");
    load_with_keys(&warehouse, &again, Ordering::Forced).await;
    seen(&warehouse, "acme").await.is_exactly(&[&again]);
    assert_eq!(warehouse.survey(None).await.expect("a survey").lost, []);
    let keys: Vec<_> = parquet(&folder.path().join("tag_keys"));
    assert!(keys.iter().any(|path| path.ends_with("v1-again.parquet")), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_loaded_again_keeps_its_tag_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let load = Load::of("acme", "v1", &["1"]);
    load_with_keys(&warehouse, &load, Ordering::Enforced).await;
    load_with_keys(&warehouse, &load.clone().run("again"), Ordering::Forced).await;
    let snapshot = warehouse.tag_keys.snapshot().await.expect("a snapshot").expect("a table");
    let files = warehouse.tag_keys.blocking(move |table| table.files(&snapshot, |_| true)).await;
    let names: Vec<_> =
        files.expect("files").iter().filter_map(|file| file.key.filename().map(str::to_owned)).collect();
    assert_eq!(names, ["v1-again.parquet"]);
}

/// Writes a ledger row by hand, as the next version of the table.
fn write_row(folder: &FilePath, name: &str, row: &str) {
    let log = folder.join("costs/_delta_log");
    let next = files(&log).iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")).count();
    let domain = serde_json::json!({
        "domainMetadata": {"domain": format!("awscost.ledger/{name}"), "configuration": row, "removed": false}
    });
    let info = serde_json::json!({"commitInfo": {"timestamp": 1, "operation": "WRITE"}});
    fs::write(log.join(format!("{next:020}.json")), format!("{info}\n{domain}\n")).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_row_that_can_not_be_read_stops_its_own_connection_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let load = Load::of("acme", "v1", &["1"]);
    load.run_on(&warehouse).await;
    let later = Load::of("later", "v1", &["2"]).owner("cluster/finops/later");
    load_with_keys(&warehouse, &later, Ordering::Enforced).await;
    let row = serde_json::to_string(&later.row()).expect("JSON");
    let row = row.replace("\"rank\":0", "\"rank\":\"additional\"").replace("conformance", "awscost 9.0.0");
    write_row(folder.path(), "later/2026-10", &row);

    let [acme, own] = ["acme", "later"].map(|key| key.parse::<ConnectionKey>().expect("a key"));
    seen(&warehouse, "acme").await.is_exactly(&[&load]);
    let next = Load::of("acme", "v2", &["3"]).day(2);
    next.run_on(&warehouse).await;
    assert_eq!(warehouse.ledger(Some(&acme)).await.expect("its ledger"), [next.row()]);

    let fault = warehouse.ledger(Some(&own)).await.expect_err("it can't be read");
    assert_eq!((fault.reason(), fault.exit_code()), (Reason::LedgerUnreadable, ExitCode::Data));
    let said = fault.to_string();
    assert!(said.contains("later/2026-10") && said.contains("awscost 9.0.0"), "{said}");
    let refused = Load::of("later", "v2", &["4"]).day(2).try_on(&warehouse, Ordering::Enforced).await;
    assert!(matches!(refused, Err(WarehouseFault::LedgerUnreadable(_))), "{refused:?}");
    assert!(matches!(read(&warehouse, "later").await, Err(WarehouseFault::LedgerUnreadable(_))));

    // Of all, it is left out and named.
    let mut connections = std::collections::BTreeSet::new();
    let mut visit = |slot: &Slot, _: &arrow::array::RecordBatch| {
        connections.insert(slot.connection.to_string());
        Ok(())
    };
    let reading =
        warehouse.read(&Selection::default(), &["manifest_id"], &mut visit).await.expect("the others");
    assert_eq!((reading.ledger, reading.unreadable.len()), (vec![next.row()], 1));
    assert_eq!(connections.into_iter().collect::<Vec<_>>(), ["acme"]);
    let survey = warehouse.survey(None).await.expect("a survey");
    assert_eq!((survey.rows, survey.unreadable[0].name.as_str()), (vec![next.row()], "later/2026-10"));

    // Maintenance goes on, and leaves its keys alone.
    let in_a_year = Timestamp::now().checked_add(SignedDuration::from_hours(24 * 365)).expect("a time");
    warehouse.maintain(in_a_year, WEEK).await.expect("maintained");
    assert_eq!(parquet(&folder.path().join("tag_keys")).len(), 1);

    // Its month goes where its owner, or nobody, is asked for.
    let month = ["2026-10".parse().expect("a month")];
    let purge =
        async |owner| warehouse.purge(&own, &month, owner, Timestamp::now()).await.expect("an answer");
    assert_eq!(purge(Some("cluster/finops/acme")).await, 0);
    assert_eq!(purge(Some("cluster/finops/later")).await, 1);
    assert_eq!(warehouse.survey(None).await.expect("a survey").unreadable, []);
    let again = Load::of("later", "v3", &["5"]).day(3);
    again.run_on(&warehouse).await;
    seen(&warehouse, "later").await.is_exactly(&[&again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_an_owner_goes_only_where_none_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    write_row(folder.path(), "later/2026-10", "{}");
    let own = "later".parse().expect("a key");
    let refused = warehouse.purge(&own, &[], Some("cluster/finops/later"), Timestamp::now()).await;
    assert!(matches!(refused, Err(WarehouseFault::LedgerUnreadable(_))), "{refused:?}");
    assert_eq!(warehouse.purge(&own, &[], None, Timestamp::now()).await.expect("purged"), 1);
}
