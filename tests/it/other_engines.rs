//! A table that we write, read by engines that nobody here wrote, on a folder and in a bucket.
//!
//! The Python that has them is named by `AWSCOST_PYTHON`; `make unit` sets it, `tests/environment/python` prints it.
//! Spark fetches its jars from Maven, so it is run end to end only (`tests/e2e/scenarios.py`).

use std::{fs, path::Path, process::Command};

use awscost::{
    schema::COSTS,
    warehouse::{
        Warehouse,
        conformance::{Load, seen},
        delta::{Addressing, DeltaOptions, DeltaWarehouse, WarehouseIdentity},
    },
};
use awscost_sandbox::{Sandbox, World};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What is run here, by the name that `tests/engines/read.py` knows.
const ENGINES: [&str; 4] = ["duckdb", "delta-rs", "polars", "clickhouse"];

const KEY: (&str, &str) = ("AKIAACMELAKEWRITER01", "lake-secret");

const WORLD: &str = r#"
accounts:
  "123456789012":
    name: Acme
    users:
      - name: lake-writer
        accessKeys: [{id: AKIAACMELAKEWRITER01, secret: lake-secret}]
        policies:
          write-the-lake:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:*", Resource: ["arn:aws:s3:::acme-lake", "arn:aws:s3:::acme-lake/*"]}
buckets:
  acme-lake: {owner: "123456789012", region: us-east-1}
"#;

/// What `tests/engines/read.py` prints of the table: all of it, or the answer to the documented question.
fn read_by(engine: &str, table: &str, question: &[&str], endpoint: Option<&str>) -> Value {
    let python = std::env::var("AWSCOST_PYTHON")
        .expect("AWSCOST_PYTHON names the interpreter that tests/environment/python prints");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/read.py");
    let mut command = Command::new(python);
    command.arg(script).args([engine, table]).args(question);
    if let Some(endpoint) = endpoint {
        command
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", KEY.0)
            .env("AWS_SECRET_ACCESS_KEY", KEY.1);
    }
    let output = command.output().expect("the engine runs");
    assert!(output.status.success(), "{engine}, {table}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Twelve versions of one month, so that a checkpoint stands between, a month that stays, another connection, and one
/// that was purged.
async fn fill(warehouse: &DeltaWarehouse) {
    warehouse.prepare().await.expect("prepared");
    let costs = ["12345678901234567890.123456789012345678", "-0.000000000000000001", "0.1", "12.5"];
    for day in 1..=12 {
        Load::of("123456789012", &format!("v{day}"), &costs[1..]).day(day).run_on(warehouse).await;
    }
    Load::of("123456789012", "w1", &costs).period("2026-09").run_on(warehouse).await;
    Load::of("other.key-1", "x1", &costs[..1]).owner("cli").run_on(warehouse).await;
    Load::of("purged", "y1", &["1"]).owner("cli").run_on(warehouse).await;
    warehouse.purge(&"purged".parse().expect("a key"), &[], None, Timestamp::now()).await.expect("purged");
}

/// What every engine must find: our own ledger.
async fn expected(warehouse: &DeltaWarehouse) -> Value {
    let mut rows = Vec::new();
    for connection in ["123456789012", "other.key-1"] {
        for row in seen(warehouse, connection).await.ledger {
            rows.push(json!({
                COSTS.partitions[0]: connection,
                "period": row.period,
                "currency": "USD",
                "rows": row.rows,
                "unblended": row.totals["USD"].unblended,
                "tags": 2 * row.rows,
                "firstStart": "2026-10-05",
            }));
        }
    }
    Value::Array(rows)
}

/// The documented question is what the owners of one account cost in one month; all rows are Alice's.
fn of_alice(all: &Value) -> Value {
    let of = |row: &&Value| row["connection"] == "123456789012" && row["period"] == "2026-10";
    let row = all.as_array().and_then(|rows| rows.iter().find(of)).expect("the month");
    json!([["alice", "USD", row["unblended"]]])
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_folder_they_read_what_we_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = DeltaOptions::at(folder.path().to_str().expect("a plain path")).expect("a location");
    let warehouse = DeltaWarehouse::open(options).expect("it opens");
    fill(&warehouse).await;
    let expected = expected(&warehouse).await;
    let table = format!("{}/costs", folder.path().display());
    for engine in ENGINES {
        assert_eq!(read_by(engine, &table, &[], None), expected, "{engine}");
        assert_eq!(
            read_by(engine, &table, &["documented"], None),
            of_alice(&expected),
            "{engine}, as documented"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_bucket_they_read_what_we_read() {
    let sandbox = Sandbox::start(World::from_yaml(WORLD).expect("a world"));
    let endpoint = sandbox.endpoint();
    let options = DeltaOptions::at("s3://acme-lake/awscost").expect("a location");
    let warehouse = DeltaWarehouse::open(DeltaOptions {
        region: "us-east-1".parse().ok(),
        endpoint: endpoint.parse().ok(),
        addressing: Addressing::Path,
        identity: Some(WarehouseIdentity::Keys {
            access_key_id: KEY.0.to_owned(),
            secret_access_key: KEY.1.into(),
            session_token: None,
        }),
        ..options
    })
    .expect("it opens");
    fill(&warehouse).await;
    let expected = expected(&warehouse).await;
    let table = "s3://acme-lake/awscost/costs";
    for engine in ENGINES {
        assert_eq!(read_by(engine, table, &[], Some(&endpoint)), expected, "{engine}");
        let documented = read_by(engine, table, &["documented"], Some(&endpoint));
        assert_eq!(documented, of_alice(&expected), "{engine}, as documented");
    }
}

/// The table on the page, a row an engine: name, version, and whether a folder and a bucket were run.
fn on_the_page() -> Vec<[String; 4]> {
    let page = text("docs/costs-table.md");
    let part = page.split("| Engine | Version |").nth(1).expect("the table of engines");
    let rows = part.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<String> = row.split('|').skip(1).take(4).map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().expect("four cells")
    })
    .collect()
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The engines that a Python list of names in the end-to-end test has.
fn end_to_end() -> Vec<String> {
    let scenarios = text("tests/e2e/scenarios.py");
    let list = scenarios.split("for engine in (").nth(1).and_then(|rest| rest.split(')').next());
    list.expect("the engines of the end-to-end test")
        .split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn the_page_names_the_engines_and_versions_that_are_run_and_no_others() {
    let packages = text("tests/environment/python-packages.txt");
    let version = |package: &str| {
        let pinned = packages.lines().find_map(|line| line.strip_prefix(&format!("{package}==")));
        pinned.expect("a pinned version").to_owned()
    };
    let end_to_end = end_to_end();
    // What the page calls it, what read.py calls it, and the package that it is.
    let known = [
        ("DuckDB", "duckdb", "duckdb"),
        ("delta-rs (Python's `deltalake`)", "delta-rs", "deltalake"),
        ("Polars", "polars", "polars"),
        ("ClickHouse (as the library chdb)", "clickhouse", "chdb-core"),
        ("Spark, with delta-spark 4.0.0", "spark", "pyspark"),
    ];
    let run = |there: bool| if there { "tested" } else { "not tested" }.to_owned();
    let expected: Vec<[String; 4]> = known
        .iter()
        .map(|(title, name, package)| {
            let on_a_folder = ENGINES.contains(name) || end_to_end.iter().any(|engine| engine == name);
            let in_a_bucket = ENGINES.contains(name);
            [(*title).to_owned(), version(package), run(on_a_folder), run(in_a_bucket)]
        })
        .collect();
    assert_eq!(on_the_page(), expected, "docs/costs-table.md, and what the tests run");
    for engine in ENGINES.iter().copied().chain(end_to_end.iter().map(String::as_str)) {
        assert!(known.iter().any(|(_, name, _)| *name == engine), "the page says nothing of {engine}");
    }
}

/// Engines of the field. One that no test runs may be named only where the text says so.
const FIELD: [(&str, bool); 15] = [
    ("DuckDB", true),
    ("delta-rs", true),
    ("Polars", true),
    ("ClickHouse", true),
    ("Spark", true),
    ("Trino", false),
    ("Presto", false),
    ("Athena", false),
    ("Databricks", false),
    ("Snowflake", false),
    ("BigQuery", false),
    ("Redshift", false),
    ("Synapse", false),
    ("Fabric", false),
    ("DataFusion", false),
];

#[test]
fn an_engine_is_named_as_a_reader_only_where_it_was_run() {
    let table: String = on_the_page().iter().map(|row| row[0].clone()).collect();
    let mut wrong = Vec::new();
    for page in ["README.md", "docs/costs-table.md", "docs/costwarehouse.md", "src/api/cost_warehouse.rs"] {
        for paragraph in text(page).split("\n\n") {
            for (engine, run) in FIELD {
                let named = paragraph.contains(engine);
                if named && run && !table.contains(engine) {
                    wrong.push(format!("{page}: {engine} is not in the table of docs/costs-table.md"));
                }
                if named && !run && !paragraph.contains("not tested") {
                    wrong.push(format!("{page}: {engine} is named, and no test runs it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a reader must know of Delta is on the page, and in the table's own first commit.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_which_readers_the_table_asks_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = DeltaOptions::at(folder.path().to_str().expect("a plain path")).expect("a location");
    DeltaWarehouse::open(options).expect("it opens").prepare().await.expect("prepared");
    let first = folder.path().join("costs/_delta_log/00000000000000000000.json");
    let log = fs::read_to_string(first).expect("the first commit");
    let actions = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("an action"));
    let protocol =
        actions.into_iter().find_map(|action| action.get("protocol").cloned()).expect("a protocol");
    let (reader, features) = (&protocol["minReaderVersion"], &protocol["readerFeatures"]);
    let said = "it needs Delta reader version 3, and no reader feature";
    let page = text("docs/costs-table.md").replace('\n', " ");
    assert!(page.contains(said), "docs/costs-table.md must say: {said}");
    assert_eq!((reader, features), (&json!(3), &json!([])), "the page says: {said}");
}
