use super::*;
use crate::auth::{self, Refusal};
use crate::world::World;

const ROLE: &str = "arn:aws:iam::123456789012:role/finops/awscost";

const WORLD: &str = r#"
accounts:
  "999988887777":
    users:
      - name: operator
        accessKeys: [{id: AKIAOPERATOR, secret: s}]
        policies:
          assume: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}
  "123456789012":
    stsDisabledRegions: [me-south-1]
    roles:
      - name: awscost
        path: /finops/
        maxSessionDuration: 7200
        trust:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {AWS: ["arn:aws:iam::999988887777:user/operator", "arn:aws:iam::123456789012:role/finops/awscost"]}
              Action: "sts:AssumeRole"
              Condition: {StringEquals: {"sts:ExternalId": the-right-one}}
        policies:
          self: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}
"#;

fn state() -> State {
    State { world: World::from_yaml(WORLD).unwrap(), ..State::default() }
}

fn operator(state: &State) -> Identity {
    auth::look_up(state, "AKIAOPERATOR", None, now()).unwrap().identity
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn form(changes: &[(&str, Option<&str>)]) -> Form {
    let mut fields = std::collections::BTreeMap::from([
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "look"),
        ("ExternalId", "the-right-one"),
    ]);
    for (name, value) in changes {
        match value {
            Some(value) => fields.insert(name, value),
            None => fields.remove(name),
        };
    }
    let text: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Form::parse(text.as_bytes())
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    xml.split_once(&format!("<{name}>")).unwrap().1.split_once(&format!("</{name}>")).unwrap().0
}

#[test]
fn the_right_caller_gets_a_session() {
    let mut state = state();
    let caller = operator(&state);
    let xml = perform(&mut state, &caller, &form(&[]), "us-east-1", now()).unwrap();
    assert_eq!(element(&xml, "Arn"), "arn:aws:sts::123456789012:assumed-role/awscost/look");
    assert_eq!(element(&xml, "Expiration"), "2026-11-22T13:00:00Z");
    assert!(!xml.contains("the-right-one"), "an external ID is never given back");

    let (key, token) = (element(&xml, "AccessKeyId"), element(&xml, "SessionToken"));
    assert!(key.starts_with("ASIA"));
    let later = now() + jiff::SignedDuration::from_secs(3600);
    for (token, at, expected) in [
        (Some(token), now(), None),
        (None, now(), Some(Refusal::WrongToken)),
        (Some("another"), now(), Some(Refusal::WrongToken)),
        (Some(token), later, Some(Refusal::Expired)),
    ] {
        assert_eq!(auth::look_up(&state, key, token, at).err(), expected);
    }
    state.world.accounts.get_mut("123456789012").unwrap().roles.clear();
    assert_eq!(
        auth::look_up(&state, key, Some(token), now()).err(),
        Some(Refusal::UnknownKey),
        "its role is gone"
    );
}

#[test]
fn refusals() {
    let long = "x".repeat(2100);
    let long_policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"*","Resource":"{long}"}}]}}"#
    );
    for (what, changes, region, code, message) in [
        (
            "no external ID",
            &[("ExternalId", None)][..],
            "us-east-1",
            "AccessDenied",
            "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/finops/awscost",
        ),
        (
            "another external ID",
            &[("ExternalId", Some("guess"))],
            "us-east-1",
            "AccessDenied",
            "arn:aws:iam::999988887777:user/operator",
        ),
        (
            "no such role",
            &[("RoleArn", Some("arn:aws:iam::123456789012:role/other"))],
            "us-east-1",
            "AccessDenied",
            "role/other",
        ),
        (
            "tags the role does not allow",
            &[("Tags.member.1.Key", Some("a"))],
            "us-east-1",
            "AccessDenied",
            "sts:TagSession",
        ),
        (
            "too short",
            &[("DurationSeconds", Some("899"))],
            "us-east-1",
            "ValidationError",
            "greater than or equal to 900",
        ),
        (
            "too long for anyone",
            &[("DurationSeconds", Some("43201"))],
            "us-east-1",
            "ValidationError",
            "less than or equal to 43200",
        ),
        (
            "too long for the role",
            &[("DurationSeconds", Some("7201"))],
            "us-east-1",
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
        (
            "no session name",
            &[("RoleSessionName", None)],
            "us-east-1",
            "ValidationError",
            "'roleSessionName' failed to satisfy constraint: Member must not be null",
        ),
        (
            "a non-ASCII external ID",
            &[("ExternalId", Some("é"))],
            "us-east-1",
            "ValidationError",
            "2 validation errors detected",
        ),
        ("a broken policy", &[("Policy", Some("{}"))], "us-east-1", "MalformedPolicyDocument", ""),
        ("a large policy", &[("Policy", Some(&long_policy))], "us-east-1", "PackedPolicyTooLarge", "%"),
        ("a region not activated", &[], "me-south-1", "RegionDisabledException", "account:123456789012"),
        (
            "an unknown operation",
            &[("Action", Some("GetSomething"))],
            "us-east-1",
            "InvalidAction",
            "GetSomething",
        ),
    ] {
        let mut state = state();
        let caller = operator(&state);
        let failure = perform(&mut state, &caller, &form(changes), region, now()).unwrap_err();
        assert_eq!(failure.code, code, "{what}");
        assert!(failure.message.contains(message), "{what}: {}", failure.message);
    }
}

#[test]
fn chaining_is_capped_at_an_hour() {
    let mut state = state();
    let caller = operator(&state);
    let xml = perform(&mut state, &caller, &form(&[("DurationSeconds", Some("7200"))]), "us-east-1", now())
        .unwrap();
    let session =
        auth::look_up(&state, element(&xml, "AccessKeyId"), Some(element(&xml, "SessionToken")), now())
            .unwrap();
    let at = |seconds| form(&[("DurationSeconds", Some(seconds))]);
    assert!(perform(&mut state, &session.identity, &at("3600"), "us-east-1", now()).is_ok());
    let failure = perform(&mut state, &session.identity, &at("3601"), "us-east-1", now()).unwrap_err();
    assert_eq!(
        failure.message,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    );
}

#[test]
fn the_log_never_shows_an_external_id() {
    let logged = form(&[]).logged();
    assert_eq!(logged["ExternalId"], "given");
    assert_eq!(logged["RoleArn"], ROLE);
}
