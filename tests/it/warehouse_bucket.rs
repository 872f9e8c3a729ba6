//! The Delta backend in a bucket: every rule again, answers that get lost, and permissions that lack.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use awscost::model::{ExitCode, Reason, VersionIdentity};
use awscost::schema::COSTS;
use awscost::warehouse::{
    Committed, Warehouse,
    conformance::{self, Load, seen},
    delta::{Addressing, DeltaOptions, DeltaWarehouse, WarehouseIdentity},
};
use awscost_sandbox::{Fault, Rule, Sandbox, World};
use rand::{RngExt, SeedableRng};

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
              - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme-lake"}
              - Effect: Allow
                Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
                Resource: "arn:aws:s3:::acme-lake/*"
      - name: lake-reader
        accessKeys: [{id: AKIAACMELAKEREADER01, secret: reader-secret}]
        policies:
          read-the-lake:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme-lake"}
              - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-lake/*"}
      - name: lake-nolist
        accessKeys: [{id: AKIAACMELAKENOLIST01, secret: nolist-secret}]
        policies:
          use-objects:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
                Resource: "arn:aws:s3:::acme-lake/*"
      - name: lake-keeper
        accessKeys: [{id: AKIAACMELAKEKEEPER01, secret: keeper-secret}]
        policies:
          never-delete:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme-lake"}
              - {Effect: Allow, Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::acme-lake/*"}
buckets:
  acme-lake: {owner: "123456789012", region: us-east-1}
"#;

/// Who writes: an access key and its secret.
pub const KEYS: (&str, &str) = ("AKIAACMELAKEWRITER01", "lake-secret");

/// AWS with the bucket.
pub fn sandbox() -> Sandbox {
    Sandbox::start(World::from_yaml(WORLD).expect("a world"))
}

fn open_as(sandbox: &Sandbox, prefix: &str, key_id: &str, secret: &str) -> DeltaWarehouse {
    open_at(&sandbox.endpoint(), &format!("s3://acme-lake/{prefix}"), (key_id, secret))
}

fn open_at(endpoint: &str, location: &str, (key_id, secret): (&str, &str)) -> DeltaWarehouse {
    let options = DeltaOptions::at(location).expect("a location");
    DeltaWarehouse::open(DeltaOptions {
        region: "us-east-1".parse().ok(),
        endpoint: endpoint.parse().ok(),
        addressing: Addressing::Path,
        identity: Some(WarehouseIdentity::Keys {
            access_key_id: key_id.to_owned(),
            secret_access_key: secret.into(),
            session_token: None,
        }),
        ..options
    })
    .expect("it opens")
}

/// The warehouse under a prefix of the bucket.
pub fn open(sandbox: &Sandbox, prefix: &str) -> DeltaWarehouse {
    open_as(sandbox, prefix, KEYS.0, KEYS.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_in_a_bucket_keeps_every_rule() {
    let sandbox = sandbox();
    for (name, case) in conformance::CASES {
        println!("{name}");
        let warehouse: Arc<dyn Warehouse> = Arc::new(open(&sandbox, name));
        case(warehouse).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_recognised() {
    let sandbox = sandbox();
    let warehouse = open(&sandbox, "lake");
    warehouse.prepare().await.expect("prepared");
    let load = Load::of("acme", "v1", &["1", "2"]);
    let stage = load.stage(&warehouse).await;
    // The log entry is written, and the client does not hear of it: its own retry finds the version taken.
    sandbox.faults().add(Rule {
        service: Some("s3".to_owned()),
        operation: Some("PutObject".to_owned()),
        account: None,
        bucket: Some("acme-lake".to_owned()),
        key: Some("lake/costs/_delta_log/*1.json".to_owned()),
        fault: Fault::CutBody { after: 0 },
        times: Some(1),
    });
    let ordering = awscost::warehouse::ledger::Ordering::Enforced;
    let answer = stage.commit(load.row(), ordering).await.expect("a commit");
    assert!(matches!(answer, Committed::Replaced { .. }), "{answer:?}");
    seen(&warehouse, "acme").await.is_exactly(&[&load]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_for_a_while_costs_no_load() {
    let sandbox = sandbox();
    let warehouse = open(&sandbox, "lake");
    warehouse.prepare().await.expect("prepared");
    sandbox.faults().add(Rule {
        service: Some("s3".to_owned()),
        operation: None,
        account: None,
        bucket: Some("acme-lake".to_owned()),
        key: None,
        fault: Fault::Error {
            status: 503,
            code: "SlowDown".to_owned(),
            message: "Reduce your rate".to_owned(),
        },
        times: Some(3),
    });
    let load = Load::of("acme", "v1", &["1"]);
    load.run_on(&warehouse).await;
    seen(&warehouse, "acme").await.is_exactly(&[&load]);
}

/// A batch whose text no writer makes small.
fn random_batch(number: usize) -> RecordBatch {
    let rows: Vec<conformance::rows::Row<'_>> = vec![[("manifest_id", "v1")].into(); 1024];
    let plain = conformance::rows::batch(&COSTS, &rows);
    let column = COSTS.index_of("line_item_resource_id").expect("a column");
    let mut random = rand::rngs::StdRng::seed_from_u64(number as u64);
    let texts: StringArray = (0..1024).map(|_| Some(hex::encode(random.random::<[u8; 64]>()))).collect();
    let mut columns = plain.columns().to_vec();
    columns[column] = Arc::new(texts);
    RecordBatch::try_new(plain.schema(), columns).expect("the stable schema")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_given_up_leaves_no_part_of_an_upload() {
    let sandbox = sandbox();
    let warehouse = open(&sandbox, "lake");
    warehouse.prepare().await.expect("prepared");
    let slot = conformance::slot("acme", "2026-10");
    let stage = warehouse.begin(&slot, &VersionIdentity("v1".to_owned()), "run-v1").await.expect("a stage");
    let mut part = stage.part(0).expect("a part");
    let part = tokio::task::spawn_blocking(move || {
        // A row group is full, and its bytes are on their way.
        for number in 0..165 {
            part.write(&random_batch(number)).expect("rows are taken");
        }
        part
    });
    let part = part.await.expect("the writer lives");
    assert_eq!(sandbox.uploads().len(), 1, "an upload is under way");
    drop(part);
    stage.abort().await.expect("aborted");
    assert_eq!(sandbox.uploads(), Vec::<String>::new(), "and is withdrawn before the process may end");
}

/// What a probe as this user ends with, the same twice.
async fn refused(warehouse: &DeltaWarehouse) -> (Reason, ExitCode) {
    let fault = warehouse.probe().await.expect_err("it can't work");
    let again = warehouse.probe().await.expect_err("it can't work now either");
    assert_eq!(fault.to_string(), again.to_string(), "the same fault reads the same");
    assert!(!fault.to_string().contains("AKIA"), "{fault}");
    (fault.reason(), fault.exit_code())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_a_bucket_refuses_has_its_reason() {
    let sandbox = sandbox();
    let denied = (Reason::WarehouseDenied, ExitCode::Configuration);
    let strangers = (Reason::WarehouseAuthFailed, ExitCode::Configuration);
    for (user, secret, end) in [
        ("AKIAACMELAKEREADER01", "reader-secret", denied),
        ("AKIAACMELAKENOLIST01", "nolist-secret", denied),
        ("AKIAACMELAKEKEEPER01", "keeper-secret", denied),
        ("AKIAACMELAKEWRITER01", "another-secret", strangers),
        ("AKIANOBODYKNOWSTHIS1", "secret", strangers),
    ] {
        assert_eq!(refused(&open_as(&sandbox, "lake", user, secret)).await, end, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_has_its_own_reason() {
    let sandbox = sandbox();
    let missing = open_at(&sandbox.endpoint(), "s3://acme-laek/lake", KEYS);
    assert_eq!(refused(&missing).await, (Reason::WarehousePlaceNotFound, ExitCode::Configuration));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_is_unreachable() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let endpoint = format!("http://{}", port.expect("an address"));
    let silent = open_at(&endpoint, "s3://acme-lake/lake", KEYS);
    assert_eq!(refused(&silent).await, (Reason::WarehouseUnreachable, ExitCode::Transient));
}
