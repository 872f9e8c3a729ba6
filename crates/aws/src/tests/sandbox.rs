//! Every operation against the sandbox, which checks signatures, trust policies and session policies as AWS does.

use aws_credential_types::Credentials;
use awscost_sandbox::{Fault, Rule, Sandbox, World};
use jiff::SignedDuration;

use crate::{
    Aws, AwsFault, Code, Detail, FaultClass, IamPermission, Operation, Sdk, Session,
    model::{AccountId, BucketName, ExternalId, Partition, Region, RoleArn, policy::Policy},
    session_policy,
    traits::{
        AssumeRole, BucketOwner, Delimiter, ExportHealth, ListObjects, OrganizationFeatures,
        OrganizationMembership, ReadObject, ReportGranularity,
    },
};

const PAYER: &str = "arn:aws:iam::123456789012:role/awscost";
const PAYER_ID: &str = "acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";
const SHOP: &str = "arn:aws:iam::210987654321:role/finops/awscost";
const SHOP_ID: &str = "shop-7a1de5f4-9a1c-4f0b-8a3e-6f2c1b7d3e42";

pub(super) fn demo() -> Sandbox {
    Sandbox::start(World::demo())
}

pub(super) fn operator(sandbox: &Sandbox) -> Aws {
    sdk(sandbox).aws()
}

pub(super) fn sdk(sandbox: &Sandbox) -> Sdk {
    Sdk::of_demo(&sandbox.endpoint())
}

/// The payer's session as an ingest Job gets it.
pub(super) async fn narrowed(aws: &Aws) -> Session {
    let bucket: BucketName = "acme-billing".parse().expect("a bucket");
    let policy = session_policy::build(&session_policy::SessionScope {
        partition: Partition::Aws,
        bucket: &bucket,
        region: &region("us-east-1"),
        key_roots: &["cur/acme-cur/".to_owned()],
    })
    .expect("short enough");
    assume(aws, PAYER, Some(PAYER_ID), Some(&policy)).await.expect("a session")
}

fn region(name: &str) -> Region {
    name.parse().expect(name)
}

async fn assume(aws: &Aws, role: &str, id: Option<&str>, policy: Option<&str>) -> Result<Session, AwsFault> {
    let role: RoleArn = role.parse().expect("a role");
    let id = id.map(|id| ExternalId::parse(id.as_bytes()).expect("an external ID"));
    let request = AssumeRole {
        role: &role,
        external_id: id.as_ref(),
        session_name: "awscost-check",
        duration: SignedDuration::from_hours(1),
        policy,
        region: &region("us-east-1"),
    };
    aws.identity.assume_role(request).await
}

async fn session(aws: &Aws, role: &str, id: &str) -> Session {
    assume(aws, role, Some(id), None).await.expect("the trust policy allows it")
}

/// The payer's bucket, listed at one prefix.
async fn list(
    aws: &Aws,
    session: &Session,
    in_region: &str,
    owner: BucketOwner<'_>,
    prefix: &str,
) -> Result<usize, AwsFault> {
    let bucket: BucketName = "acme-billing".parse().expect("a bucket");
    let request = ListObjects {
        bucket: &bucket,
        region: &region(in_region),
        owner,
        prefix,
        delimiter: Delimiter::None,
        limit: 5,
    };
    aws.buckets.list(session, request).await.map(|listing| listing.objects.len())
}

async fn read(aws: &Aws, session: &Session, key: &str) -> Result<Vec<u8>, AwsFault> {
    let bucket: BucketName = "acme-billing".parse().expect("a bucket");
    let owner: AccountId = "123456789012".parse().expect("an account");
    let request =
        ReadObject { bucket: &bucket, region: &region("us-east-1"), owner: &owner, key, range: Some(0..4) };
    aws.buckets.read(session, request).await.map(|read| read.bytes.to_vec())
}

#[tokio::test]
async fn who_calls_and_whom_a_role_makes() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    let base = aws.identity.base_caller().await.expect("the keys are known");
    assert_eq!(base.arn, "arn:aws:iam::999988887777:user/awscost-operator");
    let session = session(&aws, SHOP, SHOP_ID).await;
    let caller =
        aws.identity.session_caller(&session, &region("eu-west-1")).await.expect("a session may ask");
    assert_eq!(caller.account.as_str(), "210987654321");
    assert_eq!(caller.arn, "arn:aws:sts::210987654321:assumed-role/awscost/awscost-check");
    assert!(sandbox.calls().of("sts", "GetCallerIdentity").iter().any(|call| call.region == "eu-west-1"));
}

#[tokio::test]
async fn a_role_is_refused_without_its_external_id_with_another_and_if_it_does_not_exist() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    for (role, id) in [
        (PAYER, None),
        (PAYER, Some(SHOP_ID)),
        ("arn:aws:iam::123456789012:role/nobody", Some(PAYER_ID)),
        ("arn:aws:iam::210987654321:role/awscost", Some(SHOP_ID)),
    ] {
        let fault = assume(&aws, role, id, None).await.expect_err("refused");
        assert_eq!((fault.code, fault.class), (Code::AccessDenied, FaultClass::Denied), "{role} {id:?}");
    }
    let nobody = Credentials::new("AKIANOBODYNOBODYNO01", "x", None, None, "test");
    let aws = Sdk::for_endpoint(&sandbox.endpoint(), nobody).aws();
    let fault = aws.identity.base_caller().await.expect_err("nobody knows that key");
    assert_eq!((fault.code, fault.class), (Code::InvalidClientToken, FaultClass::Credentials));
}

#[tokio::test]
async fn organizations() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    let payer = session(&aws, PAYER, PAYER_ID).await;
    let shop = session(&aws, SHOP, SHOP_ID).await;
    let management = "123456789012".parse().expect("an account");
    assert_eq!(
        aws.organizations.membership(&payer, Partition::Aws).await,
        Ok(OrganizationMembership::InOrganization { management, features: OrganizationFeatures::All })
    );
    assert_eq!(
        aws.organizations.membership(&shop, Partition::Aws).await,
        Ok(OrganizationMembership::Standalone)
    );
    let denied =
        assume(&aws, PAYER, Some(PAYER_ID), Some(&Policy::deny_all().to_json())).await.expect("a session");
    let fault = aws.organizations.membership(&denied, Partition::Aws).await.expect_err("it may do nothing");
    let refused = AwsFault::new(Operation::DescribeOrganization, Code::AccessDenied);
    assert_eq!(fault, AwsFault { detail: Detail::SessionPolicy, ..refused });
}

#[tokio::test]
async fn legacy_definitions_of_many_pages() {
    let sandbox = demo();
    sandbox.world_mut(|world| {
        let reports = &mut world.accounts.get_mut("210987654321").expect("the shop").reports;
        let first = reports.first().expect("its report").clone();
        reports.extend((0..12).map(|n| {
            let mut another = first.clone();
            another.report_name = format!("another-{n:02}");
            another
        }));
    });
    let aws = operator(&sandbox);
    let shop = session(&aws, SHOP, SHOP_ID).await;
    let found = aws.catalog.legacy_definitions(&shop, Partition::Aws).await.expect("it may list them");
    assert_eq!(found.len(), 13);
    let calls = sandbox.calls().of("cur", "DescribeReportDefinitions");
    assert_eq!(calls.len(), 3, "pages of five");
    assert!(calls.iter().all(|call| call.region == "us-east-1"), "the API's only region");
    let own = found.iter().find(|definition| definition.name == "shop-cur").expect("the shop's report");
    assert_eq!((own.granularity, own.resource_ids), (ReportGranularity::Hourly, true));
    assert_eq!((own.format.as_str(), own.compression.as_str()), ("textORcsv", "GZIP"));
    assert_eq!(own.destination.region, "eu-west-1");
    assert_eq!(own.delivery, None);

    let payer = session(&aws, PAYER, PAYER_ID).await;
    assert_eq!(aws.catalog.legacy_definitions(&payer, Partition::Aws).await, Ok(Vec::new()));
}

#[tokio::test]
async fn exports_and_one_of_them() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    let payer = session(&aws, PAYER, PAYER_ID).await;
    let found = aws.catalog.exports(&payer, Partition::Aws).await.expect("it may list them");
    let names: Vec<&str> = found.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(names, ["acme-cur"]);
    let export = aws.catalog.export(&payer, Partition::Aws, &found[0].arn).await.expect("it may get it");
    assert_eq!((export.format.as_str(), export.compression.as_str()), ("PARQUET", "PARQUET"));
    assert_eq!(export.health, ExportHealth::Healthy);
    assert_eq!(export.refreshed_at, None);
    assert_eq!(export.properties["COST_AND_USAGE_REPORT"]["TIME_GRANULARITY"], "HOURLY");
    assert_eq!(export.destination.prefix, "cur");

    let gone = format!("{}x", found[0].arn);
    let fault = aws.catalog.export(&payer, Partition::Aws, &gone).await.expect_err("no such export");
    assert_eq!(fault.code, Code::ResourceNotFound);
}

#[tokio::test]
async fn a_bucket_under_the_ingest_sessions_own_policy() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    for n in 0..7 {
        sandbox.put_object("acme-billing", &format!("cur/acme-cur/data/{n}"), "0123456789");
    }
    sandbox.put_object("acme-billing", "cur/another/secret", "no");
    let narrowed = narrowed(&aws).await;
    let owner: AccountId = "123456789012".parse().expect("an account");
    let expected = BucketOwner::Expected(&owner);

    assert_eq!(
        list(&aws, &narrowed, "us-east-1", expected, "cur/acme-cur/").await,
        Ok(5),
        "no more than asked for"
    );
    assert_eq!(read(&aws, &narrowed, "cur/acme-cur/data/3").await, Ok(b"0123".to_vec()));
    for outcome in [
        list(&aws, &narrowed, "us-east-1", expected, "cur/").await.map(drop),
        read(&aws, &narrowed, "cur/another/secret").await.map(drop),
    ] {
        assert_eq!(outcome.expect_err("outside the policy").code, Code::AccessDenied);
    }
    let missing = read(&aws, &narrowed, "cur/acme-cur/data/none").await.expect_err("no such key");
    assert_eq!(missing.code, Code::NoSuchKey);
    assert!(
        aws.organizations.membership(&narrowed, Partition::Aws).await.is_err(),
        "the report and nothing else"
    );

    let elsewhere =
        list(&aws, &narrowed, "us-west-2", expected, "cur/acme-cur/").await.expect_err("not there");
    assert_eq!((elsewhere.code, elsewhere.region), (Code::PermanentRedirect, "us-east-1".parse().ok()));
    let somebody: AccountId = "210987654321".parse().expect("an account");
    let stranger =
        list(&aws, &narrowed, "us-east-1", BucketOwner::Expected(&somebody), "cur/acme-cur/").await;
    assert_eq!(stranger.expect_err("another owner").code, Code::AccessDenied);
    assert_eq!(list(&aws, &narrowed, "us-east-1", BucketOwner::Any, "cur/acme-cur/").await, Ok(5));

    sandbox.expire_sessions();
    let expired = list(&aws, &narrowed, "us-east-1", expected, "cur/acme-cur/").await.expect_err("expired");
    assert_eq!((expired.code, expired.class), (Code::ExpiredToken, FaultClass::Credentials));
}

#[tokio::test]
async fn listings_follow_pages_and_stop_at_the_limit() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    for n in 0..1203 {
        sandbox.put_object("acme-billing", &format!("cur/acme-cur/{n:04}/x"), "x");
    }
    let payer = session(&aws, PAYER, PAYER_ID).await;
    let (bucket, owner): (BucketName, AccountId) =
        ("acme-billing".parse().expect("a bucket"), "123456789012".parse().expect("an account"));
    for (limit, found, truncated) in [(5000, 1203, false), (1203, 1203, false), (1100, 1100, true)] {
        let request = ListObjects {
            bucket: &bucket,
            region: &region("us-east-1"),
            owner: BucketOwner::Expected(&owner),
            prefix: "cur/acme-cur/",
            delimiter: Delimiter::Slash,
            limit,
        };
        let listing = aws.buckets.list(&payer, request).await.expect("it may list");
        assert_eq!((listing.folders.len(), listing.truncated), (found, truncated), "limit {limit}");
        assert!(listing.objects.is_empty());
    }
}

#[tokio::test]
async fn faults_on_demand() {
    let sandbox = demo();
    let aws = operator(&sandbox);
    let payer = session(&aws, PAYER, PAYER_ID).await;
    sandbox.put_object("acme-billing", "cur/acme-cur/m", "manifest");
    let kms = Fault::Error {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: "User is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k".to_owned(),
    };
    sandbox.faults().add(Rule::on("s3", "GetObject", kms).times(1));
    let fault = read(&aws, &payer, "cur/acme-cur/m").await.expect_err("the key refuses");
    assert_eq!((fault.code, fault.lacks), (Code::AccessDenied, Some(IamPermission::KmsDecrypt)));

    sandbox.faults().add(Rule::on("sts", "GetCallerIdentity", Fault::Throttle).times(1));
    let fault = aws.identity.base_caller().await.expect_err("throttled");
    assert_eq!((fault.code, fault.class), (Code::Throttling, FaultClass::Throttled));

    sandbox.faults().add(Rule::on("s3", "GetObject", Fault::CutBody { after: 1 }).times(1));
    let fault = read(&aws, &payer, "cur/acme-cur/m").await.expect_err("the body breaks off");
    assert_eq!(fault.class, FaultClass::Unreachable);

    sandbox.faults().add(Rule::on("sts", "AssumeRole", Fault::Reset).times(1));
    let fault = assume(&aws, PAYER, Some(PAYER_ID), None).await.expect_err("no answer");
    assert_eq!(fault.class, FaultClass::Unreachable);
}

#[tokio::test]
async fn sts_tells_who_calls_and_what_time_it_is() {
    let sandbox = demo();
    let reach = sdk(&sandbox).reach_sts().await;
    assert_eq!(reach.caller.expect("it answers").account.to_string(), "999988887777");
    let clock = reach.clock.expect("an answer has a date");
    assert!(clock.abs() < SignedDuration::from_secs(5), "{clock}");
}

#[tokio::test]
async fn a_refusal_of_sts_tells_its_time_too_and_silence_does_not() {
    let sandbox = demo();
    let unknown = Credentials::new("AKIANOBODY0000000000", "nobody", None, None, "test");
    let refused = Sdk::for_endpoint(&sandbox.endpoint(), unknown.clone()).reach_sts().await;
    assert_eq!(refused.caller.expect_err("nobody's keys").class, FaultClass::Credentials);
    assert!(refused.clock.is_some());
    let silent = Sdk::for_endpoint("http://127.0.0.1:1", unknown).reach_sts().await;
    assert_eq!(silent.caller.expect_err("nobody listens").class, FaultClass::Unreachable);
    assert_eq!(silent.clock, None);
}
