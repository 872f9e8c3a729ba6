//! The whole way, from keys to findings, through the SDK to the sandbox.

use awscost_sandbox::Sandbox;
use jiff::Timestamp;

use crate::{
    model::{AccountType, ExternalId, Reason, ReportLocation},
    tests::sandbox::{demo, operator},
};
use awscost_core::connection::{
    Asker, ExternalIdPolicy, Facts, Look, NextExternalId, ProbeRun, RoleAccess, Sessions, Target,
    TargetAccess, checks, gather, sample,
};

fn over(role: &str, external_id: &str) -> TargetAccess {
    TargetAccess::Role(RoleAccess {
        role: role.parse().expect("a role"),
        external_id: ExternalId::parse(external_id.as_bytes()).expect("an external ID"),
        external_id_place: "Secret acme-external-id".to_owned(),
        next_external_id: NextExternalId::None,
        secret_version: None,
        policy: ExternalIdPolicy::Enforce,
    })
}

fn payer() -> Target {
    Target {
        access: over("arn:aws:iam::123456789012:role/awscost", "acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10"),
        account: "123456789012".parse().expect("an account"),
        account_type: AccountType::Management,
        metrics: None,
        asker: Asker::Operator,
        sts_region: "us-east-1".parse().expect("a region"),
        report: Some(ReportLocation {
            name: "acme-cur".parse().expect("a name"),
            kind: None,
            bucket: "acme-billing".parse().expect("a bucket"),
            prefix: "cur".parse().expect("a prefix"),
            region: "us-east-1".parse().expect("a region"),
            owner: "123456789012".parse().expect("an account"),
        }),
    }
}

fn shop() -> Target {
    Target {
        access: over(
            "arn:aws:iam::210987654321:role/finops/awscost",
            "shop-7a1de5f4-9a1c-4f0b-8a3e-6f2c1b7d3e42",
        ),
        account: "210987654321".parse().expect("an account"),
        account_type: AccountType::Standalone,
        report: Some(ReportLocation {
            name: "shop-cur".parse().expect("a name"),
            kind: None,
            bucket: "shop-billing".parse().expect("a bucket"),
            prefix: "reports".parse().expect("a prefix"),
            region: "eu-west-1".parse().expect("a region"),
            owner: "210987654321".parse().expect("an account"),
        }),
        ..payer()
    }
}

async fn reasons(sandbox: &Sandbox, target: &Target) -> Vec<Reason> {
    let now = Timestamp::now();
    let (mut facts, mut sessions) = (Facts::default(), Sessions::default());
    gather(ProbeRun { aws: &operator(sandbox), target, now }, Look::ALL, &mut facts, &mut sessions).await;
    checks::run(&facts, target, now).into_iter().map(|finding| finding.reason).collect()
}

#[tokio::test]
async fn the_demos_accounts_pass_every_check() {
    let sandbox = demo();
    let before = [
        Reason::RoleAssumed,
        Reason::Enforced,
        Reason::Verified,
        Reason::ReadNotYetProvable,
        Reason::Configured,
    ];
    assert_eq!(reasons(&sandbox, &payer()).await[..5], before);
    assert_eq!(reasons(&sandbox, &shop()).await[..5], before);
    let manifest = "cur/acme-cur/metadata/BILLING_PERIOD=2026-11/acme-cur-Manifest.json";
    sandbox.put_object("acme-billing", manifest, "{}");
    let manifest = "reports/shop-cur/20261101-20261201/shop-cur-Manifest.json";
    sandbox.put_object("shop-billing", manifest, "{}");
    for target in [payer(), shop()] {
        assert_eq!(reasons(&sandbox, &target).await[3], Reason::Readable);
    }
}

#[tokio::test]
async fn a_region_that_is_not_enabled_differs_from_an_expired_session() {
    let sandbox = demo();
    let (target, now) = (shop(), Timestamp::now());
    let aws = operator(&sandbox);
    let (mut facts, mut sessions) = (Facts::default(), Sessions::default());
    gather(ProbeRun { aws: &aws, target: &target, now }, Look::ALL, &mut facts, &mut sessions).await;
    assert_eq!(checks::run(&facts, &target, now)[3].reason, Reason::ReadNotYetProvable);
    // A session that was kept and has ended since says nothing of the region: a new one is asked for at once.
    sandbox.expire_sessions();
    gather(ProbeRun { aws: &aws, target: &target, now }, Look::ALL, &mut facts, &mut sessions).await;
    assert_eq!(checks::run(&facts, &target, now)[3].reason, Reason::ReadNotYetProvable);
    sandbox.world_mut(|world| {
        let account = world.accounts.get_mut("210987654321").expect("the shop");
        account.disabled_regions.push("eu-west-1".to_owned());
    });
    gather(ProbeRun { aws: &aws, target: &target, now }, Look::ALL, &mut facts, &mut sessions).await;
    let found = checks::run(&facts, &target, now);
    assert_eq!(found[3].reason, Reason::BucketRegionNotEnabled, "{}", found[3].message);
    assert!(
        found[3].message.contains("eu-west-1 is not enabled for account 210987654321"),
        "{}",
        found[3].message
    );
}

#[tokio::test]
async fn each_fault_of_the_customers_side_shows_by_name() {
    type Change = fn(&mut Target);
    let table: [(usize, Reason, Change); 7] = [
        (0, Reason::AssumeRoleDenied, |target| {
            sample::role(target).external_id =
                ExternalId::parse(b"not-the-external-id").expect("an external ID");
        }),
        (2, Reason::DeclaredManagementIsMember, |_| {}),
        (3, Reason::BucketNotFound, |target| {
            if let Some(report) = &mut target.report {
                report.bucket = "acme-biling".parse().expect("a bucket");
            }
        }),
        (3, Reason::BucketRegionMismatch, |target| {
            if let Some(report) = &mut target.report {
                report.region = "eu-central-1".parse().expect("a region");
            }
        }),
        (3, Reason::BucketOwnerMismatch, |target| {
            if let Some(report) = &mut target.report {
                report.owner = "210987654321".parse().expect("an account");
            }
        }),
        (3, Reason::BucketListDenied, |target| {
            if let Some(report) = &mut target.report {
                report.prefix = "elsewhere".parse().expect("a prefix");
            }
        }),
        (4, Reason::ReportNotFound, |target| {
            if let Some(report) = &mut target.report {
                report.name = "Acme-cur".parse().expect("a name");
            }
        }),
    ];
    for (at, expected, change) in table {
        let sandbox = demo();
        if expected == Reason::DeclaredManagementIsMember {
            sandbox.world_mut(|world| {
                let organization = world.organizations.first_mut().expect("the demo has one");
                let member = organization.members.first().expect("it has members").id.clone();
                let payer = std::mem::replace(&mut organization.management, member);
                organization.members[0].id = payer;
            });
        }
        let mut target = payer();
        change(&mut target);
        assert_eq!(reasons(&sandbox, &target).await[at], expected);
    }
}
