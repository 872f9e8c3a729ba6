use super::*;
use crate::iam::{Kind, Policy};

const WORLD: &str = r#"
accounts: {"123456789012": {}, "555566667777": {}}
buckets:
  acme:
    owner: "123456789012"
    region: eu-west-1
    policy: &deliver
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: {Service: [billingreports.amazonaws.com, bcm-data-exports.amazonaws.com]}
          Action: ["s3:PutObject", "s3:GetBucketPolicy"]
          Resource: ["arn:aws:s3:::*"]
          Condition: {StringLike: {"aws:SourceAccount": "123456789012", "aws:SourceArn": "arn:aws:bcm-data-exports:us-east-1:123456789012:export/*"}}
  elsewhere: {owner: "555566667777", region: eu-west-1, policy: *deliver}
  closed: {owner: "123456789012", region: eu-west-1}
"#;

fn state() -> State {
    State { world: World::from_yaml(WORLD).unwrap(), ..State::default() }
}

fn caller() -> Identity {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["bcm-data-exports:*","cur:PutReportDefinition"],"Resource":"*"}]}"#;
    Identity {
        kind: Kind::Session,
        account: "123456789012".to_owned(),
        policies: vec![Policy::parse(policy).unwrap()],
        ..Identity::anonymous()
    }
}

fn export(name: &str, query: &str, destination: Value) -> Value {
    let mut export = json!({
        "Name": name,
        "DataQuery": {"QueryStatement": query},
        "DestinationConfigurations": {"S3Destination": {
            "S3Bucket": "acme", "S3Prefix": "cur", "S3Region": "eu-west-1",
            "S3OutputConfigurations": {"OutputType": "CUSTOM", "Format": "PARQUET", "Compression": "PARQUET", "Overwrite": "CREATE_NEW_REPORT"},
        }},
        "RefreshCadence": {"Frequency": "SYNCHRONOUS"},
    });
    let target = export["DestinationConfigurations"]["S3Destination"].as_object_mut().unwrap();
    target.extend(destination.as_object().unwrap().clone());
    json!({"Export": export})
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00.123456Z".parse().unwrap()
}

fn create(state: &mut State, input: &Value) -> Result<Value, Failure> {
    perform(state, &caller(), "CreateExport", input, now())
}

const QUERY: &str = "SELECT bill_payer_account_id, line_item_unblended_cost FROM COST_AND_USAGE_REPORT";

#[test]
fn an_export_lives() {
    let mut state = state();
    let arn = create(&mut state, &export("acme-cur", QUERY, json!({}))).unwrap()["ExportArn"].clone();
    assert!(
        arn.as_str().unwrap().starts_with("arn:aws:bcm-data-exports:us-east-1:123456789012:export/acme-cur-")
    );
    let by_arn = json!({"ExportArn": arn});
    let got = perform(&mut state, &caller(), "GetExport", &by_arn, now()).unwrap();
    assert_eq!(got["Export"]["ExportArn"], arn);
    assert_eq!(got["ExportStatus"]["StatusCode"], "HEALTHY");
    assert_eq!(got["ExportStatus"]["CreatedAt"], "2026-11-22T12:00:00.123Z");
    assert!(got["ExportStatus"].get("LastRefreshedAt").is_none(), "absent before the first delivery");
    let listed = perform(&mut state, &caller(), "ListExports", &json!({}), now()).unwrap();
    assert_eq!(listed["Exports"][0]["ExportName"], "acme-cur");
    assert!(listed["Exports"][0].get("Export").is_none(), "the list shows no query");
    let runs = perform(&mut state, &caller(), "ListExecutions", &by_arn, now()).unwrap();
    assert_eq!(runs["Executions"], json!([]));
    perform(&mut state, &caller(), "DeleteExport", &by_arn, now()).unwrap();
    let gone = perform(&mut state, &caller(), "GetExport", &by_arn, now()).unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundException");
}

#[test]
fn which_exports_are_taken() {
    for (query, destination, refusal) in [
        (QUERY, json!({}), None),
        (
            "select bill_bill_type as kind, product.region from COST_AND_USAGE_REPORT where x = 1 limit 3",
            json!({}),
            None,
        ),
        ("SELECT BilledCost, x_ServiceCode FROM FOCUS_1_2_AWS", json!({}), None),
        ("SELECT * FROM COST_AND_USAGE_REPORT", json!({}), Some("listed by name")),
        ("SELECT bill_bill_type FROM cost_and_usage_report", json!({}), Some("no table")),
        ("SELECT Bill_bill_type FROM COST_AND_USAGE_REPORT", json!({}), Some("no column Bill_bill_type")),
        ("SELECT billedcost FROM FOCUS_1_2_AWS", json!({}), Some("no column")),
        ("SELECT line_item_resource_id FROM COST_AND_USAGE_REPORT", json!({}), Some("no column")),
        ("SELECT sum(line_item_unblended_cost) FROM COST_AND_USAGE_REPORT", json!({}), Some("plain columns")),
        ("SELECT a FROM b JOIN c", json!({}), Some("SELECT columns FROM table")),
        (QUERY, json!({"S3Region": "us-east-1"}), Some("S3 bucket permission validation failed")),
        (QUERY, json!({"S3Bucket": "closed"}), Some("S3 bucket permission validation failed")),
        (QUERY, json!({"S3Bucket": "missing"}), Some("S3 bucket permission validation failed")),
        (QUERY, json!({"S3Bucket": "elsewhere"}), Some("S3 bucket permission validation failed")),
        (QUERY, json!({"S3Bucket": "elsewhere", "S3BucketOwner": "555566667777"}), None),
    ] {
        let answer = create(&mut state(), &export("e", query, destination.clone()));
        match refusal {
            None => assert!(answer.is_ok(), "{query} {destination}: {answer:?}"),
            Some(text) => {
                let failure = answer.unwrap_err();
                assert_eq!(failure.code, "ValidationException", "{query}");
                assert!(failure.message.contains(text), "{query} {destination}: {}", failure.message);
            }
        }
    }
}

#[test]
fn columns_follow_the_table_s_properties() {
    let mut input = export("e", "SELECT line_item_resource_id FROM COST_AND_USAGE_REPORT", json!({}));
    input["Export"]["DataQuery"]["TableConfigurations"] =
        json!({"COST_AND_USAGE_REPORT": {"INCLUDE_RESOURCES": "TRUE", "TIME_GRANULARITY": "HOURLY"}});
    assert!(create(&mut state(), &input).is_ok());
    input["Export"]["DataQuery"]["TableConfigurations"]["COST_AND_USAGE_REPORT"]["TIME_GRANULARITY"] =
        json!("hourly");
    assert!(create(&mut state(), &input).is_err());
}

#[test]
fn names_are_unique_and_each_table_has_its_quota() {
    let mut state = state();
    for n in 0..5 {
        create(&mut state, &export(&format!("e{n}"), QUERY, json!({}))).unwrap();
    }
    assert_eq!(create(&mut state, &export("e0", QUERY, json!({}))).unwrap_err().code, "ValidationException");
    assert_eq!(
        create(&mut state, &export("e5", QUERY, json!({}))).unwrap_err().code,
        "ServiceQuotaExceededException"
    );
    let focus = "SELECT BilledCost FROM FOCUS_1_2_AWS";
    create(&mut state, &export("f", focus, json!({}))).unwrap();
    let first = perform(&mut state, &caller(), "ListExports", &json!({"MaxResults": 4}), now()).unwrap();
    assert_eq!(first["Exports"].as_array().unwrap().len(), 4);
    let rest =
        perform(&mut state, &caller(), "ListExports", &json!({"NextToken": first["NextToken"]}), now())
            .unwrap();
    assert_eq!(rest["Exports"].as_array().unwrap().len(), 2);
}

#[test]
fn denied_calls_are_named() {
    let nobody = Identity { policies: Vec::new(), ..caller() };
    for (operation, input) in [("ListExports", json!({})), ("GetExport", json!({"ExportArn": "arn:x"}))] {
        let refused = perform(&mut state(), &nobody, operation, &input, now()).unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException");
        assert!(refused.message.contains(&format!("bcm-data-exports:{operation}")));
    }
}
