//! Loading from a bucket: sessions, permissions, regions, and a delivery caught half-way.

use std::{path::Path, time::Duration};

use awscost_sandbox::{
    Sandbox, World,
    bill::{self, Dialect, MemorySink, PartitionCase, Totals, Versioning},
};

use super::{
    ingest_place::{FIRST, Place, Run, legacy_overwrite, same_totals, spec},
    reach::{
        authority::Authority,
        proxy::{Proxy, Speaks},
    },
};

const WORLD: &str = r#"
accounts:
  "999988887777":
    name: Platform
    users:
      - name: operator
        accessKeys: [{id: AKIAOPERATOR00000001, secret: operator-secret}]
        policies:
          assume:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}]
  "123456789012":
    name: Acme
    users:
      - name: analyst
        accessKeys: [{id: AKIAANALYST000000001, secret: analyst-secret}]
        policies: &read
          read:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme-billing"}
              - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-billing/cur/acme/*"}
      - name: stranger
        accessKeys: [{id: AKIASTRANGER00000001, secret: stranger-secret}]
    roles:
      - name: awscost
        trust:
          Version: "2012-10-17"
          Statement:
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::999988887777:user/operator"}, Action: "sts:AssumeRole"}
        policies: *read
buckets:
  acme-billing: {owner: "123456789012", region: eu-west-1}
"#;

const ANALYST: (&str, &str) = ("AKIAANALYST000000001", "analyst-secret");

struct Bucket {
    sandbox: Sandbox,
    place: Place,
}

impl Bucket {
    fn new() -> Self {
        Self { sandbox: Sandbox::start(World::from_yaml(WORLD).expect("a world")), place: Place::new() }
    }

    /// Puts the objects of a delivery for which `takes` says yes.
    fn deliver(&self, version: u32, dialect: &Dialect, at: &str, takes: impl Fn(&str) -> bool) -> Totals {
        let mut spec = spec();
        spec.options.version = version;
        let mut sink = MemorySink::default();
        let totals = bill::write(&spec, dialect, at.parse().expect(at), &mut sink).expect("a bill");
        for key in sink.order.iter().filter(|key| takes(key)) {
            self.sandbox.put_object("acme-billing", key, sink.objects[key].clone());
        }
        totals
    }

    async fn ingest(&self, keys: (&str, &str), options: &[&str]) -> Run {
        let environment =
            [("AWS_ACCESS_KEY_ID", keys.0.to_owned()), ("AWS_SECRET_ACCESS_KEY", keys.1.to_owned())];
        self.run(&environment, options).await
    }

    async fn run(&self, environment: &[(&str, String)], options: &[&str]) -> Run {
        let mut all = options.to_vec();
        for (name, value) in [("--bucket-owner", "123456789012"), ("--region", "eu-west-1")] {
            if !options.contains(&name) {
                all.extend([name, value]);
            }
        }
        let endpoint = ("AWS_ENDPOINT_URL", self.sandbox.endpoint());
        let environment: Vec<_> = environment.iter().cloned().chain([endpoint]).collect();
        self.place.ingest_from("s3://acme-billing/cur", &all, &environment).await
    }

    /// Writes a session of the role into the folder, as the operator's Secret is mounted.
    async fn mount_session(&self, folder: &Path) {
        let keys = aws_sdk_sts::config::Credentials::new(
            "AKIAOPERATOR00000001",
            "operator-secret",
            None,
            None,
            "test",
        );
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new("us-east-1"))
            .credentials_provider(keys)
            .endpoint_url(self.sandbox.endpoint())
            .build();
        let assumed = aws_sdk_sts::Client::from_conf(config)
            .assume_role()
            .role_arn("arn:aws:iam::123456789012:role/awscost")
            .role_session_name("test")
            .send()
            .await
            .expect("a session");
        let keys = assumed.credentials().expect("credentials");
        let expiration = jiff::Timestamp::from_second(keys.expiration().secs()).expect("a time");
        let session = serde_json::json!({
            "accessKeyId": keys.access_key_id(),
            "secretAccessKey": keys.secret_access_key(),
            "sessionToken": keys.session_token(),
            "expiration": expiration,
        });
        std::fs::create_dir_all(folder).expect("a folder");
        // As the kubelet does, replaced at once and never half.
        std::fs::write(folder.join("next"), session.to_string()).expect("written");
        std::fs::rename(folder.join("next"), folder.join("session.json")).expect("renamed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_load_from_a_bucket() {
    let export = Dialect::Cur2Parquet {
        versioning: Versioning::CreateNew,
        partition_case: PartitionCase::Upper,
        execution_id: String::new(),
    };
    for dialect in [legacy_overwrite(), export] {
        let bucket = Bucket::new();
        let totals = bucket.deliver(1, &dialect, FIRST, |_| true);
        let run = bucket.ingest(ANALYST, &[]).await;
        assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{dialect:?}: {run:?}");
        same_totals(run.report(), &totals);
        bucket.place.holds(&totals).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_caught_half_way_is_not_loaded_and_the_whole_one_is() {
    let bucket = Bucket::new();
    let old = bucket.deliver(1, &legacy_overwrite(), FIRST, |_| true);
    assert_eq!(bucket.ingest(ANALYST, &[]).await.ended(), ("Loaded".to_owned(), Some(0)));
    bucket.sandbox.clock().shift(3600);
    let second = "2026-10-21T04:30:10Z";
    bucket.deliver(2, &legacy_overwrite(), second, |key| key.ends_with("00001.csv.gz"));
    let torn = bucket.ingest(ANALYST, &["--connection", "123456789012"]).await;
    assert_eq!(torn.ended(), ("DeliveryInProgress".to_owned(), Some(12)), "{torn:?}");
    bucket.place.holds(&old).await;
    let new = bucket.deliver(2, &legacy_overwrite(), second, |_| true);
    let whole = bucket.ingest(ANALYST, &[]).await;
    assert_eq!(whole.ended(), ("Loaded".to_owned(), Some(0)), "{whole:?}");
    bucket.place.holds(&new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_month_in_folders_of_its_versions_loads_whatever_was_put_first() {
    let export = Dialect::Cur2Parquet {
        versioning: Versioning::CreateNew,
        partition_case: PartitionCase::Upper,
        execution_id: String::new(),
    };
    let legacy = Dialect::LegacyCsvGz { versioning: Versioning::CreateNew, assembly_id: String::new() };
    for dialect in [legacy, export] {
        let bucket = Bucket::new();
        bucket.sandbox.clock().shift(-7200);
        bucket.deliver(1, &dialect, FIRST, |key| key.ends_with("Manifest.json"));
        bucket.sandbox.clock().shift(3600);
        let totals = bucket.deliver(1, &dialect, FIRST, |key| !key.ends_with("Manifest.json"));
        let run = bucket.ingest(ANALYST, &[]).await;
        assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{dialect:?}: {run:?}");
        bucket.place.holds(&totals).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_in_place_that_was_copied_is_told_with_its_way_out() {
    let bucket = Bucket::new();
    let options = ["--connection", "123456789012"];
    bucket.sandbox.clock().shift(-10 * 3600);
    bucket.deliver(1, &legacy_overwrite(), FIRST, |key| key.ends_with("Manifest.json"));
    bucket.sandbox.clock().shift(3600);
    let totals = bucket.deliver(1, &legacy_overwrite(), FIRST, |key| !key.ends_with("Manifest.json"));
    let run = bucket.ingest(ANALYST, &options).await;
    assert_eq!((run.exit, run.report().reason.as_deref()), (Some(10), Some("DeliveryUnfinished")), "{run:?}");
    let said = run.report().message.clone().expect("words");
    let way_out = "write s3://acme-billing/cur/acme/20261001-20261101/acme-Manifest.json once more";
    assert!(said.contains(way_out), "{said}");
    bucket.deliver(1, &legacy_overwrite(), FIRST, |key| key.ends_with("Manifest.json"));
    let run = bucket.ingest(ANALYST, &options).await;
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{run:?}");
    bucket.place.holds(&totals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_time_to_come_is_ordered_by_when_it_was_put() {
    let bucket = Bucket::new();
    let future = Dialect::LegacyCsvGz {
        versioning: Versioning::Overwrite,
        assembly_id: "20991231T000000Z".to_owned(),
    };
    bucket.sandbox.clock().shift(-90 * 24 * 3600);
    bucket.deliver(1, &future, FIRST, |_| true);
    assert_eq!(bucket.ingest(ANALYST, &[]).await.ended(), ("Loaded".to_owned(), Some(0)));
    bucket.sandbox.clock().shift(90 * 24 * 3600);
    let yesterday = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24)).to_string();
    let real = bucket.deliver(2, &legacy_overwrite(), &yesterday, |_| true);
    let run = bucket.ingest(ANALYST, &[]).await;
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{run:?}");
    bucket.place.holds(&real).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_reads_with_its_mounted_session_and_takes_a_renewed_one() {
    let bucket = Bucket::new();
    let folder = bucket.place.bucket().with_extension("session");
    let totals = bucket.deliver(1, &legacy_overwrite(), FIRST, |_| true);
    bucket.mount_session(&folder).await;
    bucket.sandbox.expire_sessions();
    let directory = folder.display().to_string();
    let options = ["--credentials-dir", directory.as_str()];
    // The default chain has keys that may read nothing: a Job that asked it would be refused.
    let stranger = [
        ("AWS_ACCESS_KEY_ID", "AKIASTRANGER00000001".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "stranger-secret".to_owned()),
    ];
    let renewal = async {
        let refused = async {
            let expired = |call: &awscost_sandbox::Call| call.code.as_deref() == Some("ExpiredToken");
            while !bucket.sandbox.calls().all().iter().any(expired) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let refused = tokio::time::timeout(Duration::from_secs(60), refused).await;
        refused.unwrap_or_else(|_| panic!("no call was refused: {:?}", bucket.sandbox.calls().all()));
        bucket.mount_session(&folder).await;
    };
    let (run, ()) = tokio::join!(bucket.run(&stranger, &options), renewal);
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{run:?}");
    same_totals(run.report(), &totals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_behind_a_proxy_loads_the_same() {
    let bucket = Bucket::new();
    let folder = bucket.place.bucket().with_extension("session");
    let totals = bucket.deliver(1, &legacy_overwrite(), FIRST, |_| true);
    bucket.mount_session(&folder).await;
    let directory = folder.display().to_string();
    let authority = Authority::new();
    let proxy = Proxy::start(&authority, bucket.sandbox.address(), Speaks::Http).await;
    let environment = [("HTTPS_PROXY", proxy.url()), ("AWS_CA_BUNDLE", authority.path())];
    let options =
        ["--credentials-dir", &directory, "--bucket-owner", "123456789012", "--region", "eu-west-1"];
    let run = bucket.place.ingest_from("s3://acme-billing/cur", &options, &environment).await;
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{run:?}");
    same_totals(run.report(), &totals);
    assert_eq!(proxy.asked(), ["acme-billing.s3.eu-west-1.amazonaws.com:443"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_s3_refuses_is_said_with_its_cure() {
    let bucket = Bucket::new();
    bucket.deliver(1, &legacy_overwrite(), FIRST, |_| true);
    let period = ["--period", "2026-10"];
    for (keys, options, reason, said) in [
        (("AKIASTRANGER00000001", "stranger-secret"), &[][..], "BucketListDenied", "s3:ListBucket"),
        (ANALYST, &["--bucket-owner", "999988887777"], "BucketListDenied", "999988887777"),
        (ANALYST, &["--region", "us-east-1"], "BucketRegionMismatch", "--region eu-west-1"),
    ] {
        let run = bucket.ingest(keys, &[&period[..], options].concat()).await;
        assert_eq!((run.exit, run.report().reason.as_deref()), (Some(11), Some(reason)), "{run:?}");
        assert!(run.report().message.as_deref().is_some_and(|text| text.contains(said)), "{run:?}");
    }
}
