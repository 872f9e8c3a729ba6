//! The flow of `aws cloudformation deploy`: a change set, its execution, and the stack that is there then.

use serde_json::json;

use super::*;
use crate::iam::{Kind, Policy};
use crate::world::World;

const ACCOUNT: &str = "123456789012";
const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  ExternalId: {Type: String, NoEcho: true, MinLength: 2}
  Principal: {Type: String, Default: "arn:aws:iam::999988887777:role/operator"}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: awscost
      Path: /finops/
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: {Ref: Principal}}
            Action: sts:AssumeRole
            Condition: {StringEquals: {"sts:ExternalId": {Ref: ExternalId}}}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: s3:GetObject, Resource: {"Fn::Sub": "arn:aws:s3:::${Bucket}/a${!*}b/${AWS::AccountId}/*"}}
  Policy:
    Type: AWS::S3::BucketPolicy
    DeletionPolicy: Retain
    Properties:
      Bucket: {Ref: Bucket}
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {AWS: {"Fn::GetAtt": [Role, Arn]}}, Action: "s3:GetObject", Resource: "arn:aws:s3:::acme/*"}]
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties: {BucketName: acme}
Outputs:
  RoleArn: {Value: {"Fn::GetAtt": [Role, Arn]}}
"#;

/// A caller's account and its stacks.
struct Account {
    state: State,
    identity: Identity,
}

impl Account {
    fn allowed(actions: &str) -> Self {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        let world = World::from_yaml(&format!("accounts: {{\"{ACCOUNT}\": {{}}}}")).unwrap();
        Self {
            state: State { world, ..State::default() },
            identity: Identity {
                kind: Kind::Session,
                account: ACCOUNT.to_owned(),
                policies: vec![Policy::parse(&policy.to_string()).unwrap()],
                ..Identity::anonymous()
            },
        }
    }

    fn call(&mut self, parameters: &[(&str, &str)]) -> Result<String, Failure> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let form = Form::parse(form.as_bytes());
        perform(&mut self.state, &self.identity, &form, "us-east-1", Timestamp::UNIX_EPOCH)
    }

    fn change_set(&mut self, kind: &str, template: &str, capability: &str) -> Result<String, Failure> {
        self.call(&[
            ("Action", "CreateChangeSet"),
            ("StackName", "awscost"),
            ("ChangeSetName", "one"),
            ("ChangeSetType", kind),
            ("TemplateBody", template),
            ("Capabilities.member.1", capability),
            ("Parameters.member.1.ParameterKey", "ExternalId"),
            ("Parameters.member.1.ParameterValue", "the-secret-id"),
        ])
    }

    /// What `aws cloudformation deploy` does.
    fn deploy(&mut self, kind: &str, template: &str) -> String {
        self.change_set(kind, template, "CAPABILITY_NAMED_IAM").unwrap();
        self.named("ExecuteChangeSet").unwrap();
        self.named("DescribeStacks").unwrap()
    }

    fn named(&mut self, action: &str) -> Result<String, Failure> {
        self.call(&[("Action", action), ("StackName", "awscost"), ("ChangeSetName", "one")])
    }

    fn own(&self) -> &crate::world::Account {
        &self.state.world.accounts[ACCOUNT]
    }
}

#[test]
fn a_stack_is_made_of_its_template() {
    let mut account = Account::allowed("*");
    assert!(account.named("DescribeStacks").unwrap_err().message.contains("does not exist"));
    account.change_set("CREATE", TEMPLATE, "CAPABILITY_NAMED_IAM").unwrap();
    assert!(
        account.named("DescribeChangeSet").unwrap().contains("<ExecutionStatus>AVAILABLE</ExecutionStatus>")
    );
    assert!(account.own().roles.is_empty(), "a change set changes nothing");
    account.named("ExecuteChangeSet").unwrap();
    let shown = account.named("DescribeStacks").unwrap();
    assert!(shown.contains("<StackStatus>CREATE_COMPLETE</StackStatus>"), "{shown}");
    assert!(shown.contains("arn:aws:iam::123456789012:role/finops/awscost"), "{shown}");
    assert!(!shown.contains("the-secret-id"), "a NoEcho parameter is shown: {shown}");
    let role = serde_json::to_value(&account.own().roles[0].policies["read"]).unwrap();
    assert_eq!(role["Statement"][0]["Resource"], json!(["arn:aws:s3:::acme/a${*}b/123456789012/*"]));
    let trust = serde_json::to_value(&account.own().roles[0].trust).unwrap();
    assert_eq!(
        trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"],
        json!(["the-secret-id"])
    );
    assert!(account.state.world.buckets["acme"].policy.is_some());
}

#[test]
fn a_named_role_takes_the_capability() {
    let mut account = Account::allowed("*");
    let refused = account.change_set("CREATE", TEMPLATE, "CAPABILITY_IAM").unwrap_err();
    assert_eq!(refused.code, "InsufficientCapabilitiesException");
}

#[test]
fn parameters_without_a_default_are_asked_for() {
    let mut account = Account::allowed("*");
    let template =
        TEMPLATE.replace("Principal: {Type: String, Default:", "Principal: {Type: String, Description:");
    let refused = account.change_set("CREATE", &template, "CAPABILITY_NAMED_IAM").unwrap_err();
    assert_eq!(refused.message, "Parameters: [Principal] must have values");
}

#[test]
fn what_can_t_be_made_whole_is_not_made() {
    let mut account = Account::allowed("*");
    account.deploy("CREATE", TEMPLATE);
    let mut other = Account::allowed("*");
    other.state.world.buckets = account.state.world.buckets.clone();
    let shown = other.deploy("CREATE", TEMPLATE);
    assert!(shown.contains("ROLLBACK_COMPLETE") && shown.contains("Bucket acme already exists"), "{shown}");
    assert!(other.own().roles.is_empty());
    let again = other.change_set("UPDATE", TEMPLATE, "CAPABILITY_NAMED_IAM").unwrap_err();
    assert!(again.message.contains("ROLLBACK_COMPLETE state and can not be updated"), "{}", again.message);
    other.named("DeleteStack").unwrap();
    assert!(other.named("DescribeStacks").is_err());
}

#[test]
fn resources_are_made_in_the_callers_name() {
    let mut account = Account::allowed("cloudformation:*");
    let shown = account.deploy("CREATE", TEMPLATE);
    assert!(shown.contains("is not authorized to perform: s3:CreateBucket"), "{shown}");
    let events = account.named("DescribeStackEvents").unwrap();
    assert!(events.contains("<ResourceStatus>CREATE_FAILED</ResourceStatus>"), "{events}");
}

#[test]
fn an_update_changes_what_is_there_and_nothing_is_no_update() {
    let mut account = Account::allowed("*");
    account.deploy("CREATE", TEMPLATE);
    account.change_set("UPDATE", TEMPLATE, "CAPABILITY_NAMED_IAM").unwrap();
    assert!(account.named("DescribeChangeSet").unwrap().contains("didn't contain changes"));
    let shown = account.deploy("UPDATE", &TEMPLATE.replace("PolicyName: read", "PolicyName: look"));
    assert!(shown.contains("UPDATE_COMPLETE"), "{shown}");
    assert_eq!(account.own().roles[0].policies.keys().collect::<Vec<_>>(), ["look"]);
}

/// `aws cloudformation deploy` asks which parameters the stack has before it changes it.
#[test]
fn a_stack_says_which_parameters_it_has() {
    let mut account = Account::allowed("*");
    assert!(account.named("GetTemplateSummary").unwrap_err().message.contains("does not exist"));
    account.deploy("CREATE", TEMPLATE);
    let summary = account.named("GetTemplateSummary").unwrap();
    assert!(summary.contains("<ParameterKey>ExternalId</ParameterKey><ParameterType>String</ParameterType><NoEcho>true</NoEcho>"), "{summary}");
    assert!(
        summary.contains("<DefaultValue>arn:aws:iam::999988887777:role/operator</DefaultValue>"),
        "{summary}"
    );
    assert!(
        summary.contains("<Capabilities><member>CAPABILITY_NAMED_IAM</member></Capabilities>"),
        "{summary}"
    );
    assert!(!summary.contains("the-secret-id"), "a summary is of the template: {summary}");
}

#[test]
fn what_is_retained_outlives_its_stack() {
    let mut account = Account::allowed("*");
    account.deploy("CREATE", TEMPLATE);
    account.named("DeleteStack").unwrap();
    assert!(account.own().roles.is_empty());
    assert!(account.state.world.buckets["acme"].policy.is_some());
}
