use super::*;
use crate::auth;

const ROLE: &str = "arn:aws:iam::123456789012:role/finops/awscost";

const WORLD: &str = r#"
accounts:
  "999988887777": {}
  "123456789012":
    users:
      - name: auditor
        accessKeys: [{id: AKIAAUDITOR, secret: s}]
        policies:
          audit: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "iam:SimulatePrincipalPolicy", Resource: "*"}}
      - name: nobody
        accessKeys: [{id: AKIANOBODY, secret: s}]
    roles:
      - name: awscost
        path: /finops/
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {AWS: "999988887777"}, Action: "sts:AssumeRole"}}
        policies:
          read:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:Get*", Resource: "arn:aws:s3:::acme/*"}
              - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme", Condition: {StringLike: {"s3:prefix": "cur/*"}}}
          forbid: {Version: "2012-10-17", Statement: {Effect: Deny, Action: "s3:*", Resource: "arn:aws:s3:::acme/secret/*"}}
"#;

const MEMBERSHIP: &str = r#"
organizations:
  - id: o-abcdefghij
    management: "999988887777"
    members: [{id: "123456789012", name: Acme}]
    scps: {no-reads: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "s3:GetObject", Resource: "*"}]}}
"#;

fn asked(world: &str, key: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
    let mut state = State { world: World::from_yaml(world).unwrap(), ..State::default() };
    let caller = auth::look_up(&state, key, None, jiff::Timestamp::now()).unwrap().identity;
    let mut fields = vec![("Action", "SimulatePrincipalPolicy"), ("PolicySourceArn", ROLE)];
    fields.extend(parameters);
    let text: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    perform(&mut state, &caller, &Form::parse(text.as_bytes()))
}

/// The texts of all elements of a name.
fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once(close.as_str()).map(|(text, _)| text))
        .collect()
}

#[test]
fn every_action_is_judged_for_every_resource() {
    let xml = asked(
        WORLD,
        "AKIAAUDITOR",
        &[
            ("ActionNames.member.1", "s3:GetObject"),
            ("ActionNames.member.2", "s3:PutObject"),
            ("ResourceArns.member.1", "arn:aws:s3:::acme/cur/a"),
            ("ResourceArns.member.2", "arn:aws:s3:::acme/secret/a"),
        ],
    )
    .unwrap();
    assert_eq!(elements(&xml, "EvalDecision"), ["allowed", "explicitDeny", "implicitDeny", "explicitDeny"]);
    assert_eq!(
        elements(&xml, "EvalActionName"),
        ["s3:GetObject", "s3:GetObject", "s3:PutObject", "s3:PutObject"]
    );
    assert_eq!(elements(&xml, "SourcePolicyId"), ["read", "forbid", "read", "forbid"]);
    assert_eq!(elements(&xml, "IsTruncated"), ["false"]);
    assert_eq!(elements(&xml, "AllowedByOrganizations"), [""; 0]);
}

#[test]
fn a_condition_holds_for_what_is_given_and_names_what_is_missing() {
    let list = [("ActionNames.member.1", "s3:ListBucket"), ("ResourceArns.member.1", "arn:aws:s3:::acme")];
    let prefix = [
        ("ContextEntries.member.1.ContextKeyName", "s3:prefix"),
        ("ContextEntries.member.1.ContextKeyType", "string"),
        ("ContextEntries.member.1.ContextKeyValues.member.1", "cur/a"),
    ];
    let without = asked(WORLD, "AKIAAUDITOR", &list).unwrap();
    assert_eq!(elements(&without, "EvalDecision"), ["implicitDeny"]);
    assert_eq!(elements(&without, "MissingContextValues"), ["<member>s3:prefix</member>"]);
    let with = asked(WORLD, "AKIAAUDITOR", &[&list[..], &prefix[..]].concat()).unwrap();
    assert_eq!(elements(&with, "EvalDecision"), ["allowed"]);
    assert_eq!(elements(&with, "MissingContextValues"), [""]);
}

#[test]
fn the_organization_has_a_say() {
    let get =
        [("ActionNames.member.1", "s3:GetObject"), ("ResourceArns.member.1", "arn:aws:s3:::acme/cur/a")];
    let xml = asked(&format!("{WORLD}{MEMBERSHIP}"), "AKIAAUDITOR", &get).unwrap();
    assert_eq!(elements(&xml, "EvalDecision"), ["explicitDeny"]);
    assert_eq!(elements(&xml, "AllowedByOrganizations"), ["false"]);
}

#[test]
fn results_come_in_pages() {
    let actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    let names: Vec<String> = (1..=3).map(|n| format!("ActionNames.member.{n}")).collect();
    let asking: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(actions).collect();
    let first = asked(WORLD, "AKIAAUDITOR", &[&asking[..], &[("MaxItems", "2")]].concat()).unwrap();
    assert_eq!(elements(&first, "EvalActionName"), actions[..2]);
    assert_eq!(elements(&first, "IsTruncated"), ["true"]);
    let marker = elements(&first, "Marker")[0];
    let second =
        asked(WORLD, "AKIAAUDITOR", &[&asking[..], &[("MaxItems", "2"), ("Marker", marker)]].concat())
            .unwrap();
    assert_eq!(elements(&second, "EvalActionName"), actions[2..]);
    assert_eq!(elements(&second, "IsTruncated"), ["false"]);
}

#[test]
fn refusals() {
    let one = ("ActionNames.member.1", "s3:GetObject");
    for (what, key, parameters, code) in [
        ("no permission", "AKIANOBODY", vec![one], "AccessDenied"),
        ("no action", "AKIAAUDITOR", vec![], "InvalidInput"),
        ("a wildcard", "AKIAAUDITOR", vec![("ActionNames.member.1", "s3:*")], "InvalidInput"),
        (
            "a name without a service",
            "AKIAAUDITOR",
            vec![("ActionNames.member.1", "GetObject")],
            "InvalidInput",
        ),
        ("a resource policy", "AKIAAUDITOR", vec![one, ("ResourcePolicy", "{}")], "InvalidInput"),
        ("too many items", "AKIAAUDITOR", vec![one, ("MaxItems", "1001")], "InvalidInput"),
    ] {
        assert_eq!(asked(WORLD, key, &parameters).unwrap_err().code, code, "{what}");
    }
    let gone = WORLD.replace("name: awscost", "name: other");
    assert_eq!(asked(&gone, "AKIAAUDITOR", &[one]).unwrap_err().code, "NoSuchEntity");
}
