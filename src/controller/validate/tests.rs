//! One table a kind: a mutation of a good object, and the field that is named.

use serde_json::{Value, json};

use crate::{
    api::CostWarehouseSpec,
    controller::validate::*,
    model::{AccessKeys, WarehouseAccess},
};

fn good_account() -> Value {
    json!({
        "accountId": "123456789012", "accountType": "Management",
        "access": {
            "roleArn": "arn:aws:iam::123456789012:role/awscost",
            "externalIdSecretRef": {"name": "acme-external-id"}
        },
        "report": {"name": "acme-cur", "bucket": {"name": "acme-billing", "region": "eu-west-1", "prefix": "cur"}},
        "ingestion": {"warehouseRef": {"name": "lake"}}
    })
}

fn account_of(mutate: impl FnOnce(&mut Value)) -> Result<ValidAccount, InvalidField> {
    let mut spec = good_account();
    mutate(&mut spec);
    parse_account(&serde_json::from_value(spec).expect("a spec"))
}

#[test]
fn defaults_live_here() {
    let valid = account_of(|_| {}).expect("valid");
    let bill = valid.bill.as_ref().expect("a bill");
    assert_eq!(valid.role().expect("a role").secret.key, "externalId");
    assert_eq!((bill.months, bill.interval), (13, SignedDuration::from_hours(1)));
    assert_eq!(bill.report.owner, valid.account);
    assert_eq!(bill.report.kind, None);
    let keys = AccessKeys::parse(b"AKIAEXAMPLEEXAMPLE01", b"secret").expect("keys");
    assert_eq!(valid.target(TargetAccess::Keys(keys), None).sts_region.as_str(), "us-east-1");
}

#[test]
fn each_wrong_field_is_named() {
    type Mutation = fn(&mut Value);
    let table: [(&str, Mutation); 9] = [
        ("spec.access.roleArn", |spec| spec["access"]["roleArn"] = json!("awscost")),
        ("spec.accountId", |spec| spec["accountId"] = json!("12")),
        ("spec.access.stsRegion", |spec| spec["access"]["stsRegion"] = json!("moon")),
        ("spec.report", |spec| spec["report"] = Value::Null),
        ("spec.ingestion", |spec| spec["ingestion"] = Value::Null),
        ("spec.report.bucket.name", |spec| spec["report"]["bucket"]["name"] = json!("A")),
        ("spec.report.bucket.prefix", |spec| spec["report"]["bucket"]["prefix"] = json!("a/../b")),
        ("spec.ingestion.interval", |spec| spec["ingestion"]["interval"] = json!("often")),
        ("spec.freshness.maxDeliveryAge", |spec| spec["freshness"] = json!({"maxDeliveryAge": "a day"})),
    ];
    for (field, mutate) in table {
        assert_eq!(account_of(mutate).map(|_| ()).expect_err(field).field, field);
    }
}

#[test]
fn the_account_is_known_by_its_id_or_by_its_role_whatever_else_is_wrong() {
    let named = |spec: Value| {
        let spec =
            json!({"accountType": "Management", "access": spec["access"], "accountId": spec["accountId"]});
        named_account(&serde_json::from_value(spec).expect("a spec")).map(|account| account.to_string())
    };
    let role = json!({"roleArn": "arn:aws:iam::210987654321:role/awscost"});
    for (spec, account) in [
        (json!({"accountId": "123456789012", "access": {}}), Some("123456789012")),
        (json!({"access": role}), Some("210987654321")),
        (json!({"accountId": "12", "access": role}), Some("210987654321")),
        (json!({"access": {"roleArn": "awscost"}}), None),
    ] {
        assert_eq!(named(spec.clone()).as_deref(), account, "{spec}");
    }
}

#[test]
fn a_member_may_have_no_report() {
    let member = account_of(|spec| {
        spec["accountType"] = json!("Member");
        spec["report"] = Value::Null;
        spec["ingestion"] = Value::Null;
    });
    assert!(member.expect("valid").bill.is_none());
}

#[test]
fn warehouses() {
    let of = |delta: Value| {
        let spec: CostWarehouseSpec = serde_json::from_value(json!({"delta": delta})).expect("a spec");
        spec.parse().map(|valid| (valid.access, valid.address.options())).map_err(|error| error.field)
    };
    assert_eq!(
        of(json!({"location": "file:///warehouse/x", "persistentVolumeClaim": "lake"})),
        Ok((
            WarehouseAccess::Claim("lake".to_owned()),
            vec![("--warehouse", Some("delta:file:///warehouse/x".to_owned()))]
        ))
    );
    assert_eq!(
        of(json!({"location": "s3://acme-lake/p", "region": "eu-west-1", "serviceAccountName": "lake"})),
        Ok((
            WarehouseAccess::ServiceAccount("lake".to_owned()),
            vec![
                ("--warehouse", Some("delta:s3://acme-lake/p".to_owned())),
                ("--warehouse-region", Some("eu-west-1".to_owned()))
            ]
        ))
    );
    assert_eq!(of(json!({"location": "file:///warehouse"})), Err("spec.delta.persistentVolumeClaim"));
    assert_eq!(
        of(json!({"location": "s3://acme-lake/p", "serviceAccountName": "x"})),
        Err("spec.delta.region")
    );
    assert_eq!(of(json!({"location": "s3://acme-lake/p", "region": "eu-west-1"})), Err("spec.delta"));
    for wrong in
        ["gs://acme-lake/p", "s3://b/p", "s3://acme-lake/team(a)", "file:///warehouses", "file:///data"]
    {
        let claimed = of(json!({"location": wrong, "persistentVolumeClaim": "lake"}));
        assert_eq!(claimed, Err("spec.delta.location"), "{wrong}");
    }
    let behind = |endpoint: &str| {
        of(json!({
            "location": "s3://acme-lake/p", "region": "eu-west-1", "serviceAccountName": "lake", "endpoint": endpoint
        }))
    };
    assert!(behind("https://store.example").is_ok());
    assert_eq!(behind("https://store.example/s3"), Err("spec.delta.endpoint"));
    assert_eq!(behind("http://10.0.0.1:9000"), Err("spec.delta.endpoint"), "it needs pathStyle");
}

#[test]
fn an_account_is_reached_over_a_role_or_with_keys() {
    let of = |access: Value| {
        account_of(|spec| spec["access"] = access).map(|valid| valid.access).map_err(|error| error.field)
    };
    let keys = json!({"accessKeySecretRef": {"name": "acme-keys"}});
    assert!(matches!(of(keys.clone()), Ok(ValidAccess::Keys { secret }) if secret == "acme-keys"));
    let role = json!({"roleArn": "arn:aws:iam::123456789012:role/awscost"});
    assert_eq!(of(role.clone()).err(), Some("spec.access.externalIdSecretRef"));
    assert_eq!(of(json!({})).err(), Some("spec.access.roleArn"));
    let mut both = role;
    both["accessKeySecretRef"] = json!({"name": "acme-keys"});
    both["externalIdSecretRef"] = json!({"name": "acme-id"});
    assert_eq!(of(both).err(), Some("spec.access"));
    let nobodys = account_of(|spec| {
        spec["access"] = keys;
        spec["accountId"] = Value::Null;
    });
    assert_eq!(nobodys.err().map(|error| error.field), Some("spec.accountId"));
}
