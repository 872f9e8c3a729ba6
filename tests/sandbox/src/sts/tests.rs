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

/// What AWS speaks of where an operator carries session tags.
#[test]
fn who_carries_tags_is_refused_in_their_name_whatever_the_cause() {
    let both = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"}}"#;
    let one = both.replace(r#","sts:TagSession""#, "");
    let [both, one] = [both, one.as_str()].map(|text| crate::iam::Policy::parse(text).unwrap());
    let trusts = |state: &mut State| {
        let text = serde_json::json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:user/operator"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {"StringEquals": {"sts:ExternalId": "the-right-one"}}
        }});
        let role = &mut state.world.accounts.get_mut("123456789012").unwrap().roles[0];
        role.trust = crate::iam::Policy::parse(&text.to_string()).unwrap();
    };
    let wrong = [("ExternalId", Some("guess"))];
    for (what, own, boundary, trusted, changes, tail) in [
        ("all is well", &both, None, true, &[][..], None),
        ("the trust policy lacks it", &both, None, false, &[], Some("role/finops/awscost")),
        ("the external ID differs", &both, None, true, &wrong, Some("role/finops/awscost")),
        (
            "the own policy lacks it",
            &one,
            None,
            true,
            &[],
            Some("because no identity-based policy allows the sts:TagSession action"),
        ),
        (
            "the boundary lacks it",
            &both,
            Some(&one),
            true,
            &[],
            Some("because no permissions boundary allows the sts:TagSession action"),
        ),
    ] {
        let mut state = state();
        if trusted {
            trusts(&mut state);
        }
        let caller = Identity {
            carries_session_tags: true,
            policies: vec![own.clone()],
            permissions_boundary: boundary.cloned(),
            ..operator(&state)
        };
        let answer = perform(&mut state, &caller, &form(changes), "us-east-1", now());
        let refused = answer.err().map(|failure| failure.message);
        match (refused, tail) {
            (None, None) => {}
            (Some(message), Some(tail)) => {
                assert!(message.contains("not authorized to perform: sts:TagSession"), "{what}: {message}");
                assert!(message.ends_with(tail), "{what}: {message}");
            }
            (refused, _) => panic!("{what}: {refused:?}"),
        }
    }
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

/// A refusal names the policy that refuses on the caller's side and above it, and nothing of the role's.
#[test]
fn a_refusal_tells_what_the_caller_s_side_may_know() {
    let organization = |scps: &str| {
        format!(
            "organizations: [{{id: o-abcdefghij, management: \"123456789012\", members: [{{id: \"999988887777\", name: Platform}}], {scps}}}]\n"
        )
    };
    let deny = r#"{no: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "sts:*", Resource: "*"}]}}"#;
    let endpoint = r#"vpcEndpoints: {sts: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: "*", Action: "sts:GetCallerIdentity", Resource: "*"}}}"#;
    let without_permission =
        WORLD.replacen("Action: \"sts:AssumeRole\", Resource", "Action: \"sts:Get*\", Resource", 1);
    let other_role = [("RoleArn", Some("arn:aws:iam::123456789012:role/other"))];
    for (what, world, changes, ending) in [
        (
            "another external ID",
            WORLD.to_owned(),
            &[("ExternalId", Some("guess"))][..],
            "role/finops/awscost",
        ),
        ("no such role", WORLD.to_owned(), &other_role, "role/other"),
        (
            "the caller's own policies",
            without_permission.clone(),
            &[],
            "because no identity-based policy allows the sts:AssumeRole action",
        ),
        (
            "the caller's own policies, whether or not the role exists",
            without_permission,
            &other_role,
            "because no identity-based policy allows the sts:AssumeRole action",
        ),
        (
            "the caller's organization",
            format!("{WORLD}{}", organization(&format!("scps: {deny}"))),
            &[],
            "with an explicit deny in a service control policy",
        ),
        (
            "the endpoint",
            format!("{WORLD}{endpoint}"),
            &[],
            "because no VPC endpoint policy allows the sts:AssumeRole action",
        ),
    ] {
        let mut state = State { world: World::from_yaml(&world).unwrap(), ..State::default() };
        let caller = operator(&state);
        let failure = perform(&mut state, &caller, &form(changes), "us-east-1", now()).unwrap_err();
        assert_eq!(failure.code, "AccessDenied", "{what}");
        assert!(failure.message.ends_with(ending), "{what}: {}", failure.message);
    }
}

const USERS: &str = r#"
accounts:
  "123456789012":
    stsDisabledRegions: [me-south-1]
    users:
      - name: reader
        accessKeys: [{id: AKIAREADER, secret: s}]
        policies:
          read: {Version: "2012-10-17", Statement: {Effect: Allow, Action: ["s3:*", "sts:GetFederationToken"], Resource: "*"}}
      - name: closed
        accessKeys: [{id: AKIACLOSED, secret: s}]
        policies:
          read: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}
"#;

const ONE_BUCKET: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject","kms:Decrypt"],"Resource":"arn:aws:s3:::acme/*"}}"#;

fn federate(state: &mut State, key: &str, more: &[(&str, &str)], region: &str) -> Result<String, Failure> {
    let caller = auth::look_up(state, key, None, now()).unwrap().identity;
    let mut fields = vec![("Action", "GetFederationToken"), ("Name", "awscost-ingest")];
    fields.extend(more);
    let text: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    perform(state, &caller, &Form::parse(text.as_bytes()), region, now())
}

#[test]
fn a_federated_user_may_do_what_user_and_policy_both_allow() {
    let mut state = State { world: World::from_yaml(USERS).unwrap(), ..State::default() };
    for (policy, action, expected) in [
        (Some(ONE_BUCKET), "s3:GetObject", true),
        (Some(ONE_BUCKET), "s3:PutObject", false),
        (Some(ONE_BUCKET), "kms:Decrypt", false),
        (None, "s3:GetObject", false),
    ] {
        let policy: Vec<_> = policy.map(|json| ("Policy", json)).into_iter().collect();
        let xml = federate(&mut state, "AKIAREADER", &policy, "us-east-1").unwrap();
        assert_eq!(element(&xml, "Arn"), "arn:aws:sts::123456789012:federated-user/awscost-ingest");
        assert_eq!(element(&xml, "FederatedUserId"), "123456789012:awscost-ingest");
        assert_eq!(
            element(&xml, "Expiration"),
            "2026-11-23T00:00:00Z",
            "twelve hours unless asked otherwise"
        );
        let (key, token) = (element(&xml, "AccessKeyId"), element(&xml, "SessionToken"));
        let session = auth::look_up(&state, key, Some(token), now()).unwrap().identity;
        let context = crate::iam::Context::default();
        let ask = crate::iam::Ask {
            action,
            resource: "arn:aws:s3:::acme/a",
            owner: "123456789012",
            resource_policy: None,
            context: &context,
        };
        assert_eq!(crate::iam::allowed(&session, &ask).is_ok(), expected, "{action} with {policy:?}");

        let again = Form::parse(b"Action=GetFederationToken&Name=again");
        let failure = perform(&mut state, &session, &again, "us-east-1", now()).unwrap_err();
        assert_eq!(failure.code, "AccessDenied", "a federated user asks STS only who it is");
    }
}

#[test]
fn federation_is_refused() {
    for (what, key, more, region, code) in [
        ("no permission", "AKIACLOSED", &[][..], "us-east-1", "AccessDenied"),
        ("too long", "AKIAREADER", &[("DurationSeconds", "129601")], "us-east-1", "ValidationError"),
        ("thirty-six hours", "AKIAREADER", &[("DurationSeconds", "129600")], "us-east-1", ""),
        ("too short", "AKIAREADER", &[("DurationSeconds", "899")], "us-east-1", "ValidationError"),
        ("a broken policy", "AKIAREADER", &[("Policy", "{}")], "us-east-1", "MalformedPolicyDocument"),
        ("a region not activated", "AKIAREADER", &[], "me-south-1", "RegionDisabledException"),
    ] {
        let mut state = State { world: World::from_yaml(USERS).unwrap(), ..State::default() };
        let outcome = federate(&mut state, key, more, region);
        let found = outcome.err().map(|failure| failure.code).unwrap_or_default();
        assert_eq!(found, code, "{what}");
    }
}
