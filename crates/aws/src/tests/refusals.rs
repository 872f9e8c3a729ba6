//! Which policy refuses, as the sandbox's policies do: federation, the permission audit, CloudWatch, organizations' policies
//! and what keeps a bucket's objects away, each over the real clients.

use awscost_sandbox::{Policy, Sandbox, World};
use jiff::SignedDuration;

use super::sandbox::{operator, sdk};
use crate::{
    Aws, AwsFault, Code, Detail, IamPermission, Session,
    model::{AccessKeys, AccountId, BucketName, ExternalId, Partition, Region, RoleArn},
    session_policy,
    traits::{
        AssumeRole, BucketOwner, Delimiter, FederateUser, ListObjects, ObjectOwnership,
        OrganizationAccountState, PermissionQuestion, ReadObject,
    },
};

const ROLE: &str = "arn:aws:iam::123456789012:role/awscost";

/// The operator, its organization, and a member of the customer's with a role, a user and a bucket.
const WORLD: &str = r#"
accounts:
  "999988887777":
    users:
      - name: awscost-operator
        accessKeys: [{id: AKIAAWSCOSTOPERATOR1, secret: operator-secret-of-the-sandbox}]
        policies:
          assume: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "sts:AssumeRole", Resource: "*"}}
  "123456789012":
    users:
      - name: billing
        accessKeys: [{id: AKIABILLINGBILLING01, secret: billing-secret}]
        policies:
          read: {Version: "2012-10-17", Statement: {Effect: Allow, Action: ["s3:*", "sts:GetFederationToken"], Resource: "*"}}
    roles:
      - name: awscost
        trust:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {AWS: "arn:aws:iam::999988887777:user/awscost-operator"}
              Action: "sts:AssumeRole"
              Condition: {StringEquals: {"sts:ExternalId": an-external-id}}
        policies:
          read:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: ["s3:ListBucket", "s3:GetBucketOwnershipControls"], Resource: "arn:aws:s3:::acme-billing"}
              - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::acme-billing/*"}
              - {Effect: Allow, Action: "iam:SimulatePrincipalPolicy", Resource: "arn:aws:iam::123456789012:role/awscost"}
              - {Effect: Allow, Action: ["cloudwatch:ListMetrics", "organizations:ListAccounts"], Resource: "*"}
organizations:
  - {id: o-operator0001, management: "111122223333", members: [{id: "999988887777", name: Platform}]}
  - id: o-customer0001
    management: "444455556666"
    delegatedAdministrators: ["123456789012"]
    pageSize: 2
    emptyPageFirst: true
    members:
      - {id: "123456789012", name: Acme}
      - {id: "222233334444", name: Left, state: SUSPENDED}
      - {id: "333344445555", name: Young, state: PENDING_ACTIVATION}
buckets:
  acme-billing: {owner: "123456789012", region: us-east-1}
"#;

fn sandbox() -> Sandbox {
    let empty = "  \"111122223333\": {}\n  \"444455556666\": {name: Payer}\n";
    let world = WORLD.replacen("accounts:\n", &format!("accounts:\n{empty}"), 1);
    Sandbox::start(World::from_yaml(&world).expect("a world"))
}

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).expect("a policy")
}

/// Everything but one action.
fn all_but(action: &str) -> Policy {
    policy(&format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}},{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"*"}}"#
    ))
}

fn region() -> Region {
    "us-east-1".parse().expect("a region")
}

fn owner() -> AccountId {
    "123456789012".parse().expect("an account")
}

fn bucket() -> BucketName {
    "acme-billing".parse().expect("a bucket")
}

async fn assume(aws: &Aws) -> Result<Session, AwsFault> {
    let role: RoleArn = ROLE.parse().expect("a role");
    let id = ExternalId::parse(b"an-external-id").expect("an external ID");
    let request = AssumeRole {
        role: &role,
        external_id: Some(&id),
        session_name: "awscost-check",
        duration: SignedDuration::from_hours(1),
        policy: None,
        region: &region(),
    };
    aws.identity.assume_role(request).await
}

async fn list(aws: &Aws, session: &Session, prefix: &str) -> Result<(), AwsFault> {
    let (bucket, owner, region) = (bucket(), owner(), region());
    let request = ListObjects {
        bucket: &bucket,
        region: &region,
        owner: BucketOwner::Expected(&owner),
        prefix,
        delimiter: Delimiter::None,
        limit: 5,
    };
    aws.buckets.list(session, request).await.map(drop)
}

async fn read(aws: &Aws, session: &Session, key: &str) -> Result<(), AwsFault> {
    let (bucket, owner, region) = (bucket(), owner(), region());
    let request = ReadObject { bucket: &bucket, region: &region, owner: &owner, key, range: None };
    aws.buckets.read(session, request).await.map(drop)
}

fn told(fault: Result<impl Sized, AwsFault>) -> Option<(Code, Detail)> {
    fault.err().map(|fault| (fault.code, fault.detail))
}

#[tokio::test]
async fn assuming_a_role_is_refused_in_the_policys_own_name() {
    type Change = fn(&mut World);
    let changes: [(&str, Change, Option<Detail>); 7] = [
        ("nothing", |_| {}, None),
        ("the role is gone", |world| role_owner(world).roles.clear(), Some(Detail::None)),
        ("the operator may not", |world| operators(world).policies.clear(), Some(Detail::IdentityPolicy)),
        (
            "the operator's organization forbids",
            |world| drop(world.organizations[0].scps.insert("no".to_owned(), all_but("sts:AssumeRole"))),
            Some(Detail::OrganizationPolicy),
        ),
        (
            "the operator's account is forbidden",
            |world| {
                let own = world.accounts.get_mut("999988887777").expect("the operator's");
                own.scps.insert("no".to_owned(), all_but("sts:AssumeRole"));
            },
            Some(Detail::OrganizationPolicy),
        ),
        (
            "the customer's organization forbids",
            |world| drop(world.organizations[1].rcps.insert("no".to_owned(), all_but("sts:AssumeRole"))),
            Some(Detail::OrganizationPolicy),
        ),
        (
            "the way there forbids",
            |world| drop(world.vpc_endpoints.insert("sts".to_owned(), all_but("sts:AssumeRole"))),
            Some(Detail::EndpointPolicy),
        ),
    ];
    for (what, change, detail) in changes {
        let sandbox = sandbox();
        sandbox.world_mut(change);
        let expected = detail.map(|detail| (Code::AccessDenied, detail));
        assert_eq!(told(assume(&operator(&sandbox)).await), expected, "{what}");
    }
}

fn role_owner(world: &mut World) -> &mut awscost_sandbox::world::Account {
    world.accounts.get_mut("123456789012").expect("the customer's")
}

fn operators(world: &mut World) -> &mut awscost_sandbox::world::User {
    world.accounts.get_mut("999988887777").expect("the operator's").users.first_mut().expect("its user")
}

/// A trust policy that lets the operator do this with this external ID.
fn trusting(actions: &str, external_id: &str) -> Policy {
    policy(&format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::999988887777:user/awscost-operator"}},
            "Action":{actions},"Condition":{{"StringEquals":{{"sts:ExternalId":"{external_id}"}}}}}}"#
    ))
}

/// Which policy refuses an operator with session tags, and what: the clue in AWS's text, and where there is none, none.
#[tokio::test]
async fn tagging_is_refused_in_the_policys_own_name() {
    type Change = fn(&mut World);
    let changes: [(&str, Change, Option<Detail>); 6] = [
        ("nothing", |_| {}, None),
        (
            "the role does not trust tags",
            |world| role_owner(world).roles[0].trust = trusting(r#""sts:AssumeRole""#, "an-external-id"),
            Some(Detail::None),
        ),
        (
            "the external ID is another",
            |world| role_owner(world).roles[0].trust = trusting(r#""sts:*""#, "another"),
            Some(Detail::None),
        ),
        (
            "the operator may only assume",
            |world| {
                let only = policy(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#);
                operators(world).policies = [("assume".to_owned(), only)].into();
            },
            Some(Detail::IdentityPolicy),
        ),
        (
            "the operator's boundary leaves it out",
            |world| {
                let only = policy(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#);
                operators(world).permissions_boundary = Some(only);
            },
            Some(Detail::PermissionsBoundary),
        ),
        (
            "the operator's organization forbids",
            |world| drop(world.organizations[0].scps.insert("no".to_owned(), all_but("sts:TagSession"))),
            Some(Detail::OrganizationPolicy),
        ),
    ];
    for (what, change, detail) in changes {
        let sandbox = sandbox();
        sandbox.world_mut(|world| {
            operators(world).carries_session_tags = true;
            let all = policy(r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#);
            operators(world).policies.insert("tag".to_owned(), all);
            let both = r#"["sts:AssumeRole", "sts:TagSession"]"#;
            role_owner(world).roles[0].trust = trusting(both, "an-external-id");
        });
        sandbox.world_mut(change);
        let told = assume(&operator(&sandbox)).await.err().map(|fault| (fault.detail, fault.lacks));
        let expected = detail.map(|detail| (detail, Some(IamPermission::TagSession)));
        assert_eq!(told, expected, "{what}");
    }
}

#[tokio::test]
async fn a_bucket_in_a_region_that_is_not_enabled_takes_no_session() {
    let sandbox = sandbox();
    let aws = operator(&sandbox);
    let session = assume(&aws).await.expect("the trust policy allows it");
    sandbox.world_mut(|world| role_owner(world).disabled_regions.push("us-east-1".to_owned()));
    assert_eq!(told(list(&aws, &session, "cur/").await), Some((Code::InvalidClientToken, Detail::None)));
}

#[tokio::test]
async fn a_bucket_is_refused_in_the_policys_own_name() {
    type Change = fn(&mut World);
    let changes: [(&str, Change, Option<Detail>); 4] = [
        ("nothing", |_| {}, None),
        (
            "the role may not",
            |world| {
                role_owner(world).roles[0].policies.clear();
            },
            Some(Detail::IdentityPolicy),
        ),
        (
            "the organization forbids",
            |world| drop(world.organizations[1].scps.insert("no".to_owned(), all_but("s3:*"))),
            Some(Detail::OrganizationPolicy),
        ),
        (
            "the way there forbids",
            |world| drop(world.vpc_endpoints.insert("s3".to_owned(), all_but("s3:*"))),
            Some(Detail::EndpointPolicy),
        ),
    ];
    for (what, change, detail) in changes {
        let sandbox = sandbox();
        sandbox.put_object("acme-billing", "cur/manifest", "{}");
        let aws = operator(&sandbox);
        let session = assume(&aws).await.expect("the trust policy allows it");
        sandbox.world_mut(change);
        let expected = detail.map(|detail| (Code::AccessDenied, detail));
        assert_eq!(told(list(&aws, &session, "cur/").await), expected, "{what}");
        assert_eq!(told(read(&aws, &session, "cur/manifest").await), expected, "{what}");
    }
}

#[tokio::test]
async fn objects_that_can_t_be_had() {
    type Change = fn(&mut awscost_sandbox::Object);
    let changes: [(&str, Change, Code); 3] = [
        ("archived", |object| object.storage_class = "GLACIER".to_owned(), Code::InvalidObjectState),
        ("its writer's own key", |object| object.customer_key = true, Code::CustomerKeyNeeded),
        ("another account's", |object| object.owner = "999988887777".to_owned(), Code::AccessDenied),
    ];
    for (what, change, code) in changes {
        let sandbox = sandbox();
        let ownership = awscost_sandbox::world::ObjectOwnership::ObjectWriter;
        sandbox.world_mut(|world| {
            world.buckets.get_mut("acme-billing").expect("the bucket").object_ownership = ownership;
        });
        sandbox.put_object("acme-billing", "cur/manifest", "{}");
        assert!(sandbox.change_object("acme-billing", "cur/manifest", change));
        let aws = operator(&sandbox);
        let session = assume(&aws).await.expect("the trust policy allows it");
        assert_eq!(
            read(&aws, &session, "cur/manifest").await.err().map(|fault| fault.code),
            Some(code),
            "{what}"
        );
    }
}

#[tokio::test]
async fn who_owns_what_others_write() {
    use awscost_sandbox::world::ObjectOwnership as Setting;
    for (setting, expected) in [
        (Setting::BucketOwnerEnforced, ObjectOwnership::BucketOwner),
        (Setting::BucketOwnerPreferred, ObjectOwnership::Writer),
        (Setting::ObjectWriter, ObjectOwnership::Writer),
        (Setting::Unset, ObjectOwnership::Writer),
    ] {
        let sandbox = sandbox();
        sandbox.world_mut(|world| {
            world.buckets.get_mut("acme-billing").expect("the bucket").object_ownership = setting;
        });
        let aws = operator(&sandbox);
        let session = assume(&aws).await.expect("the trust policy allows it");
        assert_eq!(
            aws.buckets.ownership(&session, &bucket(), &region(), &owner()).await,
            Ok(expected),
            "{setting:?}"
        );
    }
}

#[tokio::test]
async fn what_a_role_may_do_beyond_its_task() {
    let sandbox = sandbox();
    let aws = operator(&sandbox);
    let session = assume(&aws).await.expect("the trust policy allows it");
    let role: RoleArn = ROLE.parse().expect("a role");
    let ask = |action, resource: &str| PermissionQuestion { action, resource: resource.to_owned() };
    let questions = [
        ask("s3:GetObject", "arn:aws:s3:::acme-billing/cur/a"),
        ask("s3:GetObject", "arn:aws:s3:::another/a"),
        ask("s3:PutObject", "arn:aws:s3:::acme-billing/cur/a"),
        ask("cloudwatch:ListMetrics", "*"),
    ];
    let answers = aws.audit.simulate(&session, &role, &questions).await;
    assert_eq!(answers, Ok(vec![true, false, false, true]));

    sandbox.world_mut(|world| {
        let all = policy(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
        role_owner(world).roles[0].policies.insert("all".to_owned(), all);
    });
    let answers = aws.audit.simulate(&session, &role, &questions).await;
    assert_eq!(answers, Ok(vec![true; 4]));

    sandbox.world_mut(|world| role_owner(world).roles[0].policies.clear());
    let refused = aws.audit.simulate(&session, &role, &questions).await;
    assert_eq!(told(refused), Some((Code::AccessDenied, Detail::IdentityPolicy)));
}

#[tokio::test]
async fn metrics_speak_cbor_both_ways() {
    let sandbox = sandbox();
    let aws = operator(&sandbox);
    let session = assume(&aws).await.expect("the trust policy allows it");
    assert_eq!(aws.metrics.can_list(&session, &region()).await, Ok(()), "no metrics is an answer too");
    let asked = sandbox.calls().of("monitoring", "ListMetrics");
    assert!(asked.iter().all(|call| call.parameters.contains_key("Namespace")), "{asked:?}");

    sandbox.world_mut(|world| role_owner(world).roles[0].policies.clear());
    let refused = aws.metrics.can_list(&session, &region()).await;
    assert_eq!(told(refused), Some((Code::AccessDenied, Detail::IdentityPolicy)));
    sandbox.world_mut(|world| role_owner(world).disabled_regions.push("us-east-1".to_owned()));
    let unknown = aws.metrics.can_list(&session, &region()).await;
    assert_eq!(told(unknown), Some((Code::InvalidClientToken, Detail::None)));
}

#[tokio::test]
async fn a_users_keys_and_the_sessions_made_with_them() {
    let sandbox = sandbox();
    sandbox.put_object("acme-billing", "cur/acme/manifest", "{}");
    sandbox.put_object("acme-billing", "cur/other/manifest", "{}");
    let aws = operator(&sandbox);
    let keys = AccessKeys::parse(b"AKIABILLINGBILLING01", b"billing-secret").expect("keys");
    let caller = aws.identity.keys_caller(&keys, &region()).await.expect("the keys are known");
    assert_eq!((caller.account, caller.arn.as_str()), (owner(), "arn:aws:iam::123456789012:user/billing"));

    let policy = session_policy::build(&session_policy::SessionScope {
        partition: Partition::Aws,
        bucket: &bucket(),
        region: &region(),
        key_roots: &["cur/acme/".to_owned()],
    })
    .expect("short enough");
    let here = region();
    let federate = || {
        aws.identity.federate(FederateUser {
            keys: &keys,
            name: "awscost-ingest",
            duration: SignedDuration::from_hours(1),
            policy: &policy,
            region: &here,
        })
    };
    let session = federate().await.expect("the user may");
    assert_eq!(read(&aws, &session, "cur/acme/manifest").await, Ok(()));
    assert_eq!(
        told(read(&aws, &session, "cur/other/manifest").await).map(|(code, _)| code),
        Some(Code::AccessDenied)
    );

    sandbox.world_mut(|world| {
        let user = role_owner(world).users.first_mut().expect("its user");
        user.policies.clear();
    });
    assert_eq!(told(federate().await), Some((Code::AccessDenied, Detail::IdentityPolicy)));
    let unknown = AccessKeys::parse(b"AKIANOBODYNOBODYNO01", b"billing-secret").expect("keys");
    assert_eq!(
        told(aws.identity.keys_caller(&unknown, &region()).await).map(|(code, _)| code),
        Some(Code::InvalidClientToken)
    );
}

#[tokio::test]
async fn all_accounts_of_an_organization_past_an_empty_page() {
    let sandbox = sandbox();
    let aws = sdk(&sandbox).aws();
    let session = assume(&aws).await.expect("the trust policy allows it");
    let accounts =
        aws.organizations.accounts(&session, Partition::Aws).await.expect("a delegated administrator may");
    let found: Vec<(&str, &str, OrganizationAccountState)> =
        accounts.iter().map(|account| (account.id.as_str(), account.name.as_str(), account.state)).collect();
    assert_eq!(
        found,
        [
            ("444455556666", "Payer", OrganizationAccountState::Active),
            ("123456789012", "Acme", OrganizationAccountState::Active),
            ("222233334444", "Left", OrganizationAccountState::Ending),
            ("333344445555", "Young", OrganizationAccountState::Other),
        ]
    );
    assert_eq!(sandbox.calls().of("organizations", "ListAccounts").len(), 3, "one of them empty");
}
