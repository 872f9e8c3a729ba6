//! Loads at once into a bucket that is no AWS's: one that honours `If-None-Match`, and one that ignores it.

use std::{collections::BTreeMap, path::Path, process::Command};

use awscost::{
    model::{Outcome, PeriodReport},
    warehouse::{Warehouse, conformance::seen},
};
use awscost_sandbox::{
    Call, Sandbox,
    bill::{self, BillSpec, FolderSink},
};

use super::{
    ingest_place::{FIRST, legacy_overwrite, spec},
    warehouse_bucket::{KEYS, open, sandbox},
};

const WRITERS: usize = 5;

/// The store, once it ignores conditions.
fn careless() -> Sandbox {
    let sandbox = sandbox();
    sandbox.world_mut(|world| {
        world.buckets.get_mut("acme-lake").expect("the bucket").ignores_write_conditions = true;
    });
    sandbox
}

/// A process for each connection, all of them at once; how each ended.
async fn loads(sandbox: &Sandbox, folder: &Path) -> Vec<(Option<i32>, PeriodReport)> {
    let keys = folder.join("keys");
    std::fs::create_dir_all(&keys).expect("a folder");
    std::fs::write(keys.join("accessKeyId"), KEYS.0).expect("written");
    std::fs::write(keys.join("secretAccessKey"), KEYS.1).expect("written");
    let running: Vec<_> = (0..WRITERS)
        .map(|number| {
            let source = folder.join(format!("source-{number}"));
            let bill = BillSpec { rows: 40, files: 1, seed: number as u64, ..spec() };
            let mut sink = FolderSink::new(&source);
            bill::write(&bill, &legacy_overwrite(), FIRST.parse().expect(FIRST), &mut sink).expect("a bill");
            let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
            command
                .args(["ingest", "--report", "acme", "--period", "2026-10", "-o", "json"])
                .args(["--connection", &format!("acme-{number}")])
                .args(["--source", &format!("file://{}", source.join("cur").display())])
                .args(["--warehouse", "delta:s3://acme-lake/awscost", "--warehouse-region", "us-east-1"])
                .args(["--warehouse-endpoint", &sandbox.endpoint(), "--warehouse-path-style"])
                .arg("--warehouse-credentials-dir")
                .arg(&keys);
            tokio::task::spawn_blocking(move || command.output().expect("the binary runs"))
        })
        .collect();
    let mut ended = Vec::new();
    for run in running {
        let output = run.await.expect("it ends");
        let report = serde_json::from_slice(&output.stdout);
        assert!(report.is_ok(), "no JSON: {output:?}");
        ended.push((output.status.code(), report.expect("asserted")));
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_conditions_takes_no_load_of_any_writer() {
    let sandbox = careless();
    let folder = tempfile::tempdir().expect("a folder");
    for (exit, report) in loads(&sandbox, folder.path()).await {
        let ended = (exit, report.outcome, report.reason.as_deref());
        assert_eq!(ended, (Some(11), Outcome::Failed, Some("UnsafeStore")), "{report:?}");
        let said = report.message.unwrap_or_default();
        assert!(said.contains("s3://acme-lake/awscost") && said.contains("If-None-Match"), "{said}");
    }
    assert_eq!(sandbox.keys("acme-lake", ""), Vec::<String>::new(), "neither tables nor canaries");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_honours_conditions_keeps_every_load_and_is_asked_four_times() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().expect("a folder");
    let ended = loads(&sandbox, folder.path()).await;
    let of_proof = |call: &Call| {
        // What is deleted stands in the body; a load that ends well deletes nothing else.
        let named = call.parameters.values().any(|value| value.contains("_awscost_probe/"));
        named || call.operation == "DeleteObjects"
    };
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for call in sandbox.calls().all().into_iter().filter(of_proof) {
        *asked.entry(call.operation).or_default() += 1;
    }
    let once = [("DeleteObjects", 1), ("GetObject", 1), ("PutObject", 2)];
    let once_each = once.map(|(operation, times)| (operation.to_owned(), times * WRITERS));
    assert_eq!(asked, once_each.into(), "four requests, once a process");
    let warehouse = open(&sandbox, "awscost");
    for (number, (exit, report)) in ended.iter().enumerate() {
        assert_eq!((*exit, report.outcome), (Some(0), Outcome::Loaded), "{report:?}");
        let seen = seen(&warehouse, &format!("acme-{number}")).await;
        assert_eq!(seen.rows, report.rows, "what was told as loaded is there");
    }
    assert_eq!(warehouse.ledger(None).await.expect("a ledger").len(), WRITERS);
}
