use super::*;

fn point<'a>(operation: &'a str, key: Option<&'a str>) -> Point<'a> {
    Point { service: "s3", operation, account: "123456789012", bucket: Some("b"), key }
}

#[test]
fn a_rule_strikes_so_many_times_and_then_passes() {
    let faults = Faults::default();
    faults.add(Rule::on("s3", "GetObject", Fault::Throttle).times(2));
    for expected in [1, 1, 0, 0] {
        assert_eq!(faults.strike(&point("GetObject", Some("k"))).len(), expected);
    }
    assert!(faults.all().is_empty());
}

#[test]
fn rules_match_by_service_operation_and_key() {
    let faults = Faults::default();
    faults.add(Rule::on("s3", "Get*", Fault::Reset).key("*-Manifest.json"));
    for (operation, key, expected) in [
        ("GetObject", Some("p/r-Manifest.json"), 1),
        ("GetObject", Some("p/r-00001.csv.gz"), 0),
        ("PutObject", Some("p/r-Manifest.json"), 0),
        ("GetBucketLocation", None, 0),
    ] {
        assert_eq!(faults.strike(&point(operation, key)).len(), expected, "{operation} {key:?}");
    }
}

#[test]
fn a_delay_and_an_error_strike_together_but_two_errors_do_not() {
    let faults = Faults::default();
    let error = || Fault::Error { status: 503, code: "SlowDown".to_owned(), message: String::new() };
    faults.replace(vec![
        Rule::on("s3", "*", Fault::Latency { millis: 1 }),
        Rule::on("s3", "*", error()).times(1),
        Rule::on("s3", "*", Fault::Reset).times(1),
    ]);
    assert_eq!(faults.strike(&point("GetObject", None)), [Fault::Latency { millis: 1 }, error()]);
    assert_eq!(faults.strike(&point("GetObject", None)), [Fault::Latency { millis: 1 }, Fault::Reset]);
    assert_eq!(faults.strike(&point("GetObject", None)), [Fault::Latency { millis: 1 }]);
}

#[test]
fn rules_read_as_json() {
    let rule: Rule = serde_json::from_str(
        r#"{"service":"sts","operation":"AssumeRole","fault":{"error":{"status":403,"code":"AccessDenied","message":"no"}},"times":3}"#,
    )
    .unwrap();
    assert_eq!(rule.times, Some(3));
    assert_eq!(serde_json::from_str::<Fault>("\"throttle\"").unwrap(), Fault::Throttle);
    assert_eq!(
        serde_json::from_str::<Fault>(r#"{"cutBody":{"after":10}}"#).unwrap(),
        Fault::CutBody { after: 10 }
    );
}
