//! What is particular to Delta on a folder: what lies on the disk, and tables that are not ours.

mod careless;
mod damage;
mod races;
mod written;

use std::{
    fs,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use delta_kernel::{
    committer::FileSystemCommitter,
    schema::{DataType, StructField, StructType},
    transaction::{create_table::create_table, data_layout::DataLayout},
};
use futures::StreamExt;
use jiff::SignedDuration;

use super::{commit::DataFile, *};
use crate::{
    schema::COSTS,
    warehouse::{
        Committed, TagKey,
        conformance::{self, Load, seen},
        ledger::Ordering,
        survey::LedgerEntries,
    },
};

/// How long replaced files are kept here.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

fn open(folder: &FilePath) -> DeltaWarehouse {
    let location = folder.to_str().expect("a plain path");
    DeltaWarehouse::open(DeltaOptions::at(location).expect("a location")).expect("it opens")
}

fn files(folder: &FilePath) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn parquet(folder: &FilePath) -> Vec<PathBuf> {
    let mut found = files(folder);
    found.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    found.retain(|path| !path.to_string_lossy().contains("_delta_log"));
    found
}

#[tokio::test]
async fn a_single_threaded_runtime_is_refused() {
    let options = DeltaOptions::at("/nowhere").expect("a location");
    assert!(matches!(DeltaWarehouse::open(options), Err(WarehouseFault::Configuration(_))));
}

async fn foreign_table(warehouse: &DeltaWarehouse, fields: Vec<StructField>, partitions: &'static [&str]) {
    let schema = Arc::new(StructType::try_new(fields).expect("a schema"));
    let url = warehouse.options.location.below("costs").url().clone();
    fs::create_dir_all(warehouse.options.location.folder().expect("a folder").join("costs")).expect("made");
    let create = move |table: &Table| {
        let transaction = create_table(url.as_str(), schema, "someone/1", false)
            .with_table_properties([("delta.feature.domainMetadata", "supported")])
            .with_data_layout(DataLayout::partitioned(partitions))
            .build(table.engine.as_ref(), Box::new(FileSystemCommitter::new()))
            .expect("a foreign table");
        drop(transaction.commit(table.engine.as_ref()).expect("its first commit"));
        Ok(())
    };
    warehouse.costs.blocking(create).await.expect("it is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_schema_is_refused_by_column() {
    let ours = || TableShape::of_rows(&COSTS).fields().cloned().collect::<Vec<_>>();
    let without = |name: &str| {
        let mut fields = ours();
        fields.retain(|field| field.name() != name);
        fields
    };
    let mut retyped = without("line_item_unblended_cost");
    retyped.push(StructField::nullable("line_item_unblended_cost", DataType::DOUBLE));
    let mut demanding = ours();
    demanding.insert(0, StructField::not_null("their_own", DataType::STRING));
    let mut wider = ours();
    wider.insert(0, StructField::nullable("their_own", DataType::STRING));
    let both: &[&str] = &["connection", "billing_period"];
    for (fields, partitions, expected) in [
        (without("resource_tags"), both, Some("resource_tags")),
        (retyped, both, Some("line_item_unblended_cost")),
        (demanding, both, Some("their_own")),
        (ours(), &["connection"][..], Some("partitioned")),
        (wider, both, None),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let warehouse = open(folder.path());
        foreign_table(&warehouse, fields, partitions).await;
        let outcomes = [warehouse.prepare().await, warehouse.probe().await];
        for outcome in outcomes {
            match (outcome, expected) {
                (Ok(()), None) => {}
                (Err(WarehouseFault::SchemaIncompatible { problem, .. }), Some(expected)) => {
                    assert!(problem.contains(expected), "{problem}");
                }
                (outcome, expected) => panic!("{outcome:?} where {expected:?} was expected"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_created_by_many_at_once_are_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let creators: Vec<_> = (0..8)
        .map(|_| {
            let warehouse = open(folder.path());
            tokio::spawn(async move { warehouse.prepare().await })
        })
        .collect();
    for creator in creators {
        creator.await.expect("it ends").expect("the table is there");
    }
    let log = files(&folder.path().join("costs/_delta_log"));
    assert_eq!(log.len(), 1, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_files_stay_for_the_retention_and_abandoned_ones_for_a_load() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let old = Load::of("acme", "v1", &["1", "2"]);
    let new = Load::of("acme", "v2", &["3", "4"]).day(2);
    old.run_on(&warehouse).await;
    new.run_on(&warehouse).await;
    drop(Load::of("acme", "v3", &["5", "6"]).day(3).stage(&warehouse).await);
    let partial = folder.path().join("costs/connection=acme/x.parquet#1");
    fs::write(&partial, b"half").expect("written");
    let costs = folder.path().join("costs");
    assert_eq!(parquet(&costs).len(), 6);

    let at = |hours| Timestamp::now().checked_add(SignedDuration::from_hours(hours)).expect("a time");
    assert_eq!(warehouse.maintain(at(24 * 6), WEEK).await.expect("maintained"), 0);
    assert_eq!(parquet(&costs).len(), 6);
    assert_eq!(warehouse.maintain(at(24 * 8), WEEK).await.expect("maintained"), 5);
    assert!(!partial.exists());
    let names: Vec<_> =
        parquet(&costs).iter().map(|path| path.to_string_lossy().contains("run-v2-")).collect();
    assert_eq!(names, [true, true]);
    seen(&warehouse, "acme").await.is_exactly(&[&new]);

    let stage = Load::of("acme", "v4", &["7"]).day(4).stage(&warehouse).await;
    let hasty = warehouse.maintain(at(1), Duration::ZERO).await;
    assert_eq!(hasty.expect("maintained"), 0, "a load is under way");
    stage.abort().await.expect("aborted");
    assert_eq!(parquet(&costs).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_connection_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    for (version, day) in [("v1", 1), ("v2", 2)] {
        let load = Load::of("acme", version, &["1"]).day(day);
        let stage = load.stage(&warehouse).await;
        let key = TagKey { original: "user:A".into(), folded: "user_a".into(), collisions: 0 };
        stage.tag_keys(&[key]).await.expect("keys");
        let answer = stage.commit(load.row(), Ordering::Enforced).await.expect("a commit");
        assert!(matches!(answer, Committed::Replaced { .. }));
    }
    assert_eq!(parquet(&folder.path().join("tag_keys")).len(), 2);
    let key = "acme".parse().expect("a key");
    assert_eq!(warehouse.purge(&key, &[], None, Timestamp::now()).await.expect("purged"), 1);
    assert!(!folder.path().join("costs/connection=acme").exists());
    assert!(!folder.path().join("tag_keys/connection=acme").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_leaves_an_empty_folder_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).probe().await.expect("it works");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_summed_up_every_tenth_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    for day in 1..=11 {
        Load::of("acme", &format!("v{day}"), &["1"]).day(day).run_on(&warehouse).await;
    }
    let log = folder.path().join("costs/_delta_log");
    assert!(log.join("00000000000000000010.checkpoint.parquet").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_or_refused_load_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let key = [TagKey { original: "user:A".into(), folded: "user_a".into(), collisions: 0 }];
    let loaded = Load::of("acme", "v2", &["1"]).day(2);
    loaded.run_on(&warehouse).await;
    let older = Load::of("acme", "v1", &["1"]);
    let stage = older.stage(&warehouse).await;
    stage.tag_keys(&key).await.expect("keys");
    let answer = stage.commit(older.row(), Ordering::Enforced).await.expect("an answer");
    assert!(matches!(answer, Committed::Refused(_)), "{answer:?}");
    let stage = Load::of("acme", "v3", &["1"]).stage(&warehouse).await;
    stage.tag_keys(&key).await.expect("keys");
    stage.abort().await.expect("aborted");
    let left = parquet(folder.path());
    assert!(left.iter().all(|path| path.to_string_lossy().contains("run-v2-")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_loads_take_back_their_own_tag_keys_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let table = &warehouse.tag_keys;
    let slot = conformance::slot("acme", "2026-10");
    let version = |name: &str| VersionIdentity(name.to_owned());
    let file = |name: &str, run: &str| DataFile {
        path: format!(
            "connection=acme/billing_period={}/{}",
            slot.period,
            keys::file_name(&version(name), run)
        ),
        slot: slot.clone(),
        size: 1,
        rows: 1,
        span: None,
        written_ms: Timestamp::now().as_millisecond(),
    };
    let shown = async || {
        let snapshot = table.snapshot().await.expect("a snapshot").expect("a table");
        let files = table.blocking(move |table| table.files(&snapshot, |_| true)).await.expect("files");
        let mut names: Vec<String> =
            files.iter().filter_map(|file| file.key.filename()).map(str::to_owned).collect();
        names.sort();
        names
    };
    let publish = async |name: &str, run: &str| {
        keys::publish(table, &slot, &version(name), vec![file(name, run)]).await.expect("published");
    };
    publish("v1", "a").await;
    publish("v2", "b").await;
    assert_eq!(shown().await, ["v1-a.parquet", "v2-b.parquet"], "each waits for its own bill's commit");
    keys::withdraw(table, &slot, &version("v1"), "a").await.expect("withdrawn");
    assert_eq!(shown().await, ["v2-b.parquet"], "the refused one takes its own back");
    publish("v2", "c").await;
    assert_eq!(shown().await, ["v2-c.parquet"], "one version's keys never show twice");
    publish("v3", "d").await;
    keys::retire(table, &slot, &version("v2")).await.expect("retired");
    assert_eq!(shown().await, ["v3-d.parquet"], "the winner removes those it replaced");
    let later = Timestamp::now().checked_add(SignedDuration::from_hours(1)).expect("a time");
    keys::prune(table, &LedgerEntries::default(), later).await.expect("pruned");
    assert_eq!(shown().await, Vec::<String>::new(), "what a crash left goes with maintenance");
}
