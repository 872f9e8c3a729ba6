use serde_json::{Value, json};

use super::*;
use crate::auth;
use crate::world::World;

const WORLD: &str = r#"
accounts:
  "123456789012":
    users:
      - name: administrator
        accessKeys: [{id: AKIAADMIN, secret: s}]
        policies: {all: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
      - name: reader
        accessKeys: [{id: AKIAREADER, secret: s}]
        policies: {read: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "iam:Get*", Resource: "arn:aws:iam::123456789012:role/finops/*"}}}
    roles:
      - name: awscost
        path: /finops/
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {AWS: "999988887777"}, Action: "sts:AssumeRole"}}
        policies:
          read: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "s3:GetObject", Resource: "*"}}
"#;

struct Account(State);

impl Account {
    fn new() -> Self {
        Self(State { world: World::from_yaml(WORLD).unwrap(), ..State::default() })
    }

    fn call(&mut self, key: &str, action: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        let caller = auth::look_up(&self.0, key, None, Timestamp::UNIX_EPOCH).unwrap().identity;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("RoleName", "awscost")
            .extend_pairs(parameters)
            .finish();
        perform(&mut self.0, &caller, &Form::parse(form.as_bytes()))
    }

    fn administrator(&mut self, action: &str, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        self.call("AKIAADMIN", action, parameters)
    }
}

/// The document in an answer, as a client reads it.
fn document(xml: &str, element: &str) -> Value {
    let (_, rest) = xml.split_once(&format!("<{element}>")).unwrap();
    let (text, _) = rest.split_once('<').unwrap();
    let pair = format!("d={text}");
    let (_, decoded) = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap();
    serde_json::from_str(&decoded).unwrap()
}

#[test]
fn a_trust_policy_is_changed_and_read_back() {
    let mut account = Account::new();
    let trust = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "a+b c/d"}}}}"#;
    account.administrator("UpdateAssumeRolePolicy", &[("PolicyDocument", trust)]).unwrap();
    let shown = account.administrator("GetRole", &[]).unwrap();
    assert!(shown.contains("<Arn>arn:aws:iam::123456789012:role/finops/awscost</Arn>"), "{shown}");
    let held = &document(&shown, "AssumeRolePolicyDocument")["Statement"][0];
    assert_eq!(held["Condition"]["StringEquals"]["sts:ExternalId"], json!(["a+b c/d"]));
}

#[test]
fn a_permission_is_found_and_changed() {
    let mut account = Account::new();
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}]}"#;
    account.administrator("PutRolePolicy", &[("PolicyName", "list"), ("PolicyDocument", policy)]).unwrap();
    let names = account.administrator("ListRolePolicies", &[]).unwrap();
    assert!(names.contains("<member>list</member><member>read</member>"), "{names}");
    let held = account.administrator("GetRolePolicy", &[("PolicyName", "list")]).unwrap();
    assert_eq!(document(&held, "PolicyDocument")["Statement"][0]["Action"], json!(["s3:ListBucket"]));
}

#[test]
fn refusals() {
    let mut account = Account::new();
    let mut refused =
        |key, action, parameters: &[(&str, &str)]| account.call(key, action, parameters).unwrap_err().code;
    assert_eq!(refused("AKIAREADER", "UpdateAssumeRolePolicy", &[("PolicyDocument", "{}")]), "AccessDenied");
    assert_eq!(
        refused("AKIAADMIN", "UpdateAssumeRolePolicy", &[("PolicyDocument", "{}")]),
        "MalformedPolicyDocument"
    );
    assert_eq!(refused("AKIAADMIN", "GetRolePolicy", &[("PolicyName", "none")]), "NoSuchEntity");
    assert_eq!(refused("AKIAADMIN", "CreateRole", &[]), "InvalidAction");
    account.0.world.accounts.get_mut("123456789012").unwrap().roles.clear();
    assert_eq!(account.administrator("GetRole", &[]).unwrap_err().code, "NoSuchEntity");
}
