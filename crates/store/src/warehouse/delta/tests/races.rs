//! Writers at once on stores that keep their word and on stores that don't.

use std::time::Duration;

use object_store::memory::InMemory;
use tokio::sync::Barrier;

use super::{
    careless::{CarelessStore, LostAnswer, Manner},
    *,
};
use crate::model::{ExitCode, Reason};

/// A warehouse on a store of its own, at no address of AWS's.
fn over(store: Arc<dyn ObjectStore>) -> DeltaWarehouse {
    let runtime = Handle::current();
    let executor = Arc::new(TokioMultiThreadExecutor::new(runtime.clone()));
    let engine = DefaultEngineBuilder::new(Arc::clone(&store)).with_task_executor(executor).build();
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let options = DeltaOptions::at("s3://acme-lake/costs").expect("a location");
    let options = DeltaOptions { endpoint: "https://lake.corp.example".parse().ok(), ..options };
    DeltaWarehouse::assemble(options, runtime, &store, &engine).expect("it is set up")
}

async fn keys_in(store: &dyn ObjectStore) -> Vec<String> {
    let listed: Vec<_> = store.list(None).collect().await;
    listed.into_iter().map(|object| object.expect("an object").location.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_takes_both_writers_is_found_before_the_first_load() {
    for manner in [Manner::Careless, Manner::Unknown, Manner::NoLinks] {
        let told = format!("{manner:?}");
        let store = Arc::new(CarelessStore::new(manner));
        let warehouse = over(store.clone());
        for outcome in [warehouse.prepare().await, warehouse.prepare().await, warehouse.probe().await] {
            let fault = outcome.expect_err(&told);
            let verdict = (fault.reason(), fault.exit_code());
            assert_eq!(verdict, (Reason::UnsafeStore, ExitCode::Configuration), "{told}: {fault}");
            assert!(fault.to_string().contains("If-None-Match"), "{fault}");
        }
        assert_eq!(keys_in(&*store).await, Vec::<String>::new(), "{told}: nothing was created");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_an_honest_store_are_proved_without_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let on_disk = open(folder.path());
    on_disk.prove().await.expect("hard links work here");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    over(store.clone()).prove().await.expect("it keeps its word");
    assert_eq!(keys_in(&*store).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_another_overwrote_is_never_told_as_loaded() {
    const WRITERS: usize = 5;
    let together = Manner::Together("costs/_delta_log/00000000000000000001.json", Barrier::new(WRITERS));
    let store: Arc<dyn ObjectStore> = Arc::new(CarelessStore::new(together));
    let creator = over(store.clone());
    for table in creator.tables() {
        table.create().await.expect("tables, without a proof of the store");
    }
    let loads = ["a", "b", "c", "d", "e"].map(|connection| Load::of(connection, "v1", &["1", "2"]));
    let running = loads.clone().map(|load| {
        let warehouse = over(store.clone());
        tokio::spawn(async move { load.try_on(&warehouse, Ordering::Enforced).await })
    });
    let mut loaded = Vec::new();
    for (run, load) in running.into_iter().zip(&loads) {
        let ended = tokio::time::timeout(Duration::from_secs(60), run).await;
        match ended.expect("all writers came").expect("it ends") {
            Ok(Committed::Replaced { .. }) => loaded.push(load.row()),
            Err(WarehouseFault::CommitLost { version: 1, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(loaded.len(), 1, "one entry stands in the end");
    assert_eq!(creator.ledger(None).await.expect("a ledger"), loaded, "and it is the one that was told of");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_keeps_its_files_though_it_was_replaced_meanwhile() {
    let lost = Manner::AnswerLost("costs/_delta_log/00000000000000000001.json", LostAnswer::default());
    let store = Arc::new(CarelessStore::new(lost));
    let honest: Arc<dyn ObjectStore> = store.inner.clone();
    let warehouse = over(store.clone());
    warehouse.prepare().await.expect("prepared");
    let first = Load::of("acme", "v1", &["1", "2"]);
    let running = tokio::spawn(async move { first.run_on(&warehouse).await });
    let Manner::AnswerLost(_, lost) = &store.manner else { panic!("another manner") };
    tokio::time::timeout(Duration::from_secs(60), lost.landed.notified()).await.expect("the first landed");
    let other = over(honest.clone());
    let second = Load::of("acme", "v2", &["3"]).day(2);
    second.run_on(&other).await;
    lost.go_on.notify_one();
    let answer = running.await.expect("it ends");
    assert_eq!(answer, Committed::Replaced { table_version: Some(1) }, "it was in the table");
    seen(&other, "acme").await.is_exactly(&[&second]);
    let kept = keys_in(&*honest).await.into_iter().filter(|key| key.contains("/run-v1-")).count();
    assert_eq!(kept, 2, "readers of version 1 may still be in its files");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_outlasts_maintenances_patience_is_not_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let warehouse = open(folder.path());
    warehouse.prepare().await.expect("prepared");
    let load = Load::of("acme", "v1", &[]);
    let slot = conformance::slot("acme", "2026-10");
    for (hours, commits) in [(24, false), (22, true)] {
        let mut stage = warehouse.stage(&slot, &load.row().version, &load.row().run);
        stage.begun = Timestamp::now() - SignedDuration::from_hours(hours);
        let answer = Box::new(stage).commit(load.row(), Ordering::Enforced).await;
        match answer {
            Ok(Committed::Replaced { .. }) => assert!(commits, "after {hours} hours"),
            Err(fault @ WarehouseFault::TookTooLong { hours: 23 }) => assert!(!commits, "{fault}"),
            other => panic!("{other:?}"),
        }
    }
    seen(&warehouse, "acme").await.is_exactly(&[&load]);
}
