use super::*;
use crate::iam::{Kind, Policy};
use crate::world::World;

fn state(metrics: usize) -> State {
    let listed: String = (0..metrics)
        .map(|n| format!("      - {{region: eu-west-1, namespace: AWS/EC2, name: CPUUtilization, dimensions: {{InstanceId: i-{n}}}}}\n"))
        .collect();
    let world = format!(
        "accounts:\n  \"123456789012\":\n    metrics:\n      - {{region: eu-west-1, namespace: AWS/Usage, name: CallCount}}\n{listed}"
    );
    State { world: World::from_yaml(&world).unwrap(), ..State::default() }
}

fn caller(policies: &[&str]) -> Identity {
    Identity {
        kind: Kind::Session,
        account: "123456789012".to_owned(),
        policies: policies.iter().map(|json| Policy::parse(json).unwrap()).collect(),
        ..Identity::anonymous()
    }
}

const MAY_LIST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudwatch:ListMetrics","Resource":"*"}}"#;

fn listed(state: &State, region: &str, input: &Value) -> Value {
    perform(state, &caller(&[MAY_LIST]), "ListMetrics", input, region).unwrap()
}

#[test]
fn metrics_are_filtered_and_belong_to_a_region() {
    let state = state(3);
    let count = |region, input| listed(&state, region, &input)["Metrics"].as_array().unwrap().len();
    assert_eq!(count("eu-west-1", json!({})), 4);
    assert_eq!(count("eu-west-1", json!({"Namespace": "AWS/Usage"})), 1);
    assert_eq!(count("eu-west-1", json!({"Dimensions": [{"Name": "InstanceId", "Value": "i-2"}]})), 1);
    assert_eq!(count("eu-west-1", json!({"Dimensions": [{"Name": "InstanceId"}]})), 3);
    assert_eq!(count("us-east-1", json!({})), 0, "no metrics is an answer too");
}

#[test]
fn metrics_come_in_pages_of_five_hundred() {
    let state = state(520);
    let first = listed(&state, "eu-west-1", &json!({}));
    assert_eq!(first["Metrics"].as_array().unwrap().len(), 500);
    let rest = listed(&state, "eu-west-1", &json!({"NextToken": first["NextToken"]}));
    assert_eq!(rest["Metrics"].as_array().unwrap().len(), 21);
    assert!(rest.get("NextToken").is_none());
}

#[test]
fn refusals() {
    let state = state(0);
    for (what, policies, operation, input, status, code) in [
        ("no permission", &[][..], "ListMetrics", json!({}), 403, "AccessDenied"),
        ("another operation", &[MAY_LIST], "PutMetricData", json!({}), 404, "UnknownOperationException"),
        (
            "another time",
            &[MAY_LIST],
            "ListMetrics",
            json!({"RecentlyActive": "PT1H"}),
            400,
            "InvalidParameterValue",
        ),
        (
            "a made-up token",
            &[MAY_LIST],
            "ListMetrics",
            json!({"NextToken": "x"}),
            400,
            "InvalidParameterValue",
        ),
    ] {
        let failure = perform(&state, &caller(policies), operation, &input, "eu-west-1").unwrap_err();
        assert_eq!((failure.status, failure.code.as_str()), (status, code), "{what}");
    }
}
