use super::*;
use crate::iam::{Kind, Policy};
use crate::world::World;

const WORLD: &str = r#"
accounts: {"123456789012": {}}
buckets:
  acme:
    owner: "123456789012"
    region: us-east-1
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: {Service: billingreports.amazonaws.com}
          Action: ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutObject"]
          Resource: ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]
          Condition: {StringEquals: {"aws:SourceAccount": "123456789012"}}
  closed: {owner: "123456789012", region: us-east-1}
"#;

fn state() -> State {
    State { world: World::from_yaml(WORLD).unwrap(), ..State::default() }
}

fn caller() -> Identity {
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cur:*","Resource":"*"}]}"#;
    Identity {
        kind: Kind::Session,
        account: "123456789012".to_owned(),
        policies: vec![Policy::parse(policy).unwrap()],
        ..Identity::anonymous()
    }
}

fn put(state: &mut State, name: &str, changes: Value) -> Result<Value, Failure> {
    let mut definition = json!({
        "ReportName": name, "TimeUnit": "HOURLY", "Format": "textORcsv", "Compression": "GZIP",
        "AdditionalSchemaElements": ["RESOURCES"], "S3Bucket": "acme", "S3Prefix": "cur", "S3Region": "us-east-1",
        "ReportVersioning": "CREATE_NEW_REPORT",
    });
    definition.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    perform(
        state,
        &caller(),
        "PutReportDefinition",
        &json!({"ReportDefinition": definition}),
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn definitions_come_five_a_page() {
    let mut state = state();
    for n in 0..7 {
        put(&mut state, &format!("r{n}"), json!({})).unwrap();
    }
    let first =
        perform(&mut state, &caller(), "DescribeReportDefinitions", &json!({}), Timestamp::UNIX_EPOCH)
            .unwrap();
    assert_eq!(first["ReportDefinitions"].as_array().unwrap().len(), 5);
    assert!(first["ReportDefinitions"][0].get("ReportStatus").is_none(), "absent before the first delivery");
    let rest = json!({"NextToken": first["NextToken"], "MaxResults": 5});
    let second =
        perform(&mut state, &caller(), "DescribeReportDefinitions", &rest, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(second["ReportDefinitions"].as_array().unwrap().len(), 2);
    assert!(second.get("NextToken").is_none());
    let refused = perform(
        &mut state,
        &caller(),
        "DescribeReportDefinitions",
        &json!({"MaxResults": 10}),
        Timestamp::UNIX_EPOCH,
    );
    assert_eq!(refused.unwrap_err().code, "ValidationException");
}

#[test]
fn which_definitions_are_taken() {
    let athena = json!({"AdditionalArtifacts": ["ATHENA"], "Format": "Parquet", "Compression": "Parquet", "ReportVersioning": "OVERWRITE_REPORT"});
    let mut athena_without_prefix = athena.clone();
    athena_without_prefix["S3Prefix"] = json!("");
    for (changes, taken) in [
        (json!({}), true),
        (json!({"S3Prefix": ""}), true),
        (athena, true),
        (athena_without_prefix, false),
        (json!({"Format": "Parquet", "Compression": "Parquet"}), true),
        (json!({"Format": "Parquet"}), false),
        (json!({"Compression": "Parquet"}), false),
        (json!({"AdditionalArtifacts": ["ATHENA"]}), false),
        (json!({"AdditionalArtifacts": ["REDSHIFT"]}), true),
        (json!({"AdditionalArtifacts": ["REDSHIFT"], "Format": "Parquet", "Compression": "Parquet"}), false),
        (json!({"TimeUnit": "hourly"}), false),
        (json!({"S3Region": "il-central-1"}), false),
        (json!({"S3Region": "eu-west-1"}), false),
        (json!({"S3Bucket": "closed"}), false),
        (json!({"S3Bucket": "missing"}), false),
    ] {
        let answer = put(&mut state(), "r", changes.clone());
        assert_eq!(answer.is_ok(), taken, "{changes}: {answer:?}");
    }
    assert!(put(&mut state(), "a b", json!({})).is_err(), "no spaces in names");
}

#[test]
fn names_are_unique_and_few() {
    let mut state = state();
    for n in 0..10 {
        put(&mut state, &format!("r{n}"), json!({})).unwrap();
    }
    assert_eq!(put(&mut state, "r3", json!({})).unwrap_err().code, "DuplicateReportNameException");
    assert_eq!(put(&mut state, "r10", json!({})).unwrap_err().code, "ReportLimitReachedException");
    perform(
        &mut state,
        &caller(),
        "DeleteReportDefinition",
        &json!({"ReportName": "r3"}),
        Timestamp::UNIX_EPOCH,
    )
    .unwrap();
    put(&mut state, "r3", json!({})).unwrap();
}

#[test]
fn a_caller_without_the_right_is_denied() {
    let nobody = Identity { policies: Vec::new(), ..caller() };
    let refused =
        perform(&mut state(), &nobody, "DescribeReportDefinitions", &json!({}), Timestamp::UNIX_EPOCH)
            .unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (400, "AccessDeniedException"));
    assert!(refused.message.contains("cur:DescribeReportDefinitions"));
}
