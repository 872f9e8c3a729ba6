//! A table that we write, read by engines that nobody here wrote: DuckDB and delta-rs.
//!
//! The Python that has them is named by `AWSCOST_PYTHON`; `make unit` sets it, `tests/environment/python` prints it.

use std::{path::Path, process::Command};

use awscost::{
    schema::PARTITION_COLUMNS,
    warehouse::{
        Warehouse,
        conformance::{Load, seen},
        delta::{DeltaOptions, DeltaWarehouse},
    },
};
use jiff::Timestamp;

/// What `tests/engines/read.py` prints of the table.
fn read_by(engine: &str, table: &Path) -> serde_json::Value {
    let python = std::env::var("AWSCOST_PYTHON")
        .expect("AWSCOST_PYTHON names the interpreter that tests/environment/python prints");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/read.py");
    let output = Command::new(python).arg(script).arg(engine).arg(table).output().expect("the engine runs");
    assert!(output.status.success(), "{engine}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_and_delta_rs_read_what_we_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = DeltaOptions::at(folder.path().to_str().expect("a plain path")).expect("a location");
    let warehouse = DeltaWarehouse::open(options).expect("it opens");
    warehouse.prepare().await.expect("prepared");
    let costs = ["12345678901234567890.123456789012345678", "-0.000000000000000001", "0.1", "12.5"];
    // Twelve versions of one month, so that a checkpoint stands between, and two months that stay.
    for day in 1..=12 {
        Load::of("123456789012", &format!("v{day}"), &costs[1..]).day(day).run_on(&warehouse).await;
    }
    Load::of("123456789012", "w1", &costs).period("2026-09").run_on(&warehouse).await;
    Load::of("other.key-1", "x1", &costs[..1]).owner("cli").run_on(&warehouse).await;
    Load::of("purged", "y1", &["1"]).owner("cli").run_on(&warehouse).await;
    warehouse.purge(&"purged".parse().expect("a key"), None, Timestamp::now()).await.expect("purged");

    let mut expected = Vec::new();
    for connection in ["123456789012", "other.key-1"] {
        for row in seen(&warehouse, connection).await.ledger {
            expected.push(serde_json::json!({
                PARTITION_COLUMNS[0]: connection,
                "period": row.period,
                "currency": "USD",
                "rows": row.rows,
                "unblended": row.totals["USD"].unblended,
                "tags": 2 * row.rows,
                "firstStart": "2026-10-05",
            }));
        }
    }
    for engine in ["duckdb", "deltalake"] {
        let found = read_by(engine, &folder.path().join("costs"));
        assert_eq!(found, serde_json::Value::Array(expected.clone()), "{engine}");
    }
}
