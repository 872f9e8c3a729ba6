//! What is printed, held against the checks on the sandbox: it is enough, and nothing of it is too much.

use awscost_sandbox::{Policy as SandboxPolicy, Sandbox, World, world::User};
use jiff::Timestamp;

use super::*;
use crate::{
    aws::Sdk,
    connection::{
        Asker, ExternalIdPolicy, Facts, Look, NextExternalId, ProbeRun, RoleAccess, Sessions, Target,
        TargetAccess, Verdict, checks, gather,
    },
    model::{AccessKeys, AccountType, ConditionType, ExternalId, ReportKind, ReportLocation},
};

const OPERATOR: &str = "arn:aws:iam::999988887777:user/awscost-operator";
const EXTERNAL_ID: &str = "sandbox-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";

const KEY_ID: &str = "AKIAIOSFODNN7ONBOARD";
const KEY_SECRET: &str = "the-secret-of-a-user-that-only-this-test-knows";

/// An account of the demo's world, and what its manifest asks for.
struct Variant {
    name: &'static str,
    account_type: AccountType,
    wanted: WantedAccount,
    /// A key of the report's first manifest.
    manifest: &'static str,
}

fn payer(name: &'static str, kind: Option<ReportKind>, kms_key: Option<&str>) -> Variant {
    let report = ReportLocation {
        name: "acme-cur".parse().expect("a name"),
        kind,
        bucket: "acme-billing".parse().expect("a bucket"),
        prefix: "cur".parse().expect("a prefix"),
        region: "us-east-1".parse().expect("a region"),
        owner: "123456789012".parse().expect("an account"),
    };
    let wanted = WantedAccount {
        reader: BillReader::Role("arn:aws:iam::123456789012:role/awscost".parse().expect("a role")),
        report: Some(report),
        kms_key: kms_key.map(|key| key.parse().expect("a key")),
        rotating: false,
        metrics: false,
        audit: false,
    };
    let manifest = "cur/acme-cur/metadata/BILLING_PERIOD=2026-11/acme-cur-Manifest.json";
    Variant { name, account_type: AccountType::Management, wanted, manifest }
}

fn shop(name: &'static str, kind: Option<ReportKind>) -> Variant {
    let report = ReportLocation {
        name: "shop-cur".parse().expect("a name"),
        kind,
        bucket: "shop-billing".parse().expect("a bucket"),
        prefix: "reports".parse().expect("a prefix"),
        region: "eu-west-1".parse().expect("a region"),
        owner: "210987654321".parse().expect("an account"),
    };
    let wanted = WantedAccount {
        reader: BillReader::Role("arn:aws:iam::210987654321:role/finops/awscost".parse().expect("a role")),
        report: Some(report),
        kms_key: None,
        rotating: false,
        metrics: false,
        audit: false,
    };
    let manifest = "reports/shop-cur/20261101-20261201/shop-cur-Manifest.json";
    Variant { name, account_type: AccountType::Standalone, wanted, manifest }
}

/// The demo's payer as if it were a member that has no report.
fn member() -> Variant {
    let payer = payer("a member without a report", None, None);
    Variant {
        account_type: AccountType::Management,
        wanted: WantedAccount { report: None, ..payer.wanted },
        ..payer
    }
}

/// All that can be asked for.
fn audited(name: &'static str) -> Variant {
    let payer = payer(name, Some(ReportKind::Cur2), None);
    Variant { wanted: WantedAccount { metrics: true, audit: true, ..payer.wanted }, ..payer }
}

/// The same, read with the keys of an IAM user.
fn user(name: &'static str) -> Variant {
    let variant = audited(name);
    let reader =
        BillReader::User { account: variant.wanted.account().clone(), partition: variant.wanted.partition() };
    Variant { wanted: WantedAccount { reader, ..variant.wanted }, ..variant }
}

fn variants() -> Vec<Variant> {
    vec![
        payer("a CUR 2.0 export", Some(ReportKind::Cur2), None),
        payer("an encrypted CUR 2.0 export", Some(ReportKind::Cur2), Some(KEY)),
        payer("an export of either kind", None, None),
        shop("a legacy report", Some(ReportKind::LegacyCur)),
        shop("a report of either kind", None),
        member(),
        audited("an export, audited, with metrics"),
        user("an export read with keys, audited, with metrics"),
    ]
}

impl Variant {
    /// The printed statements.
    fn statements(&self) -> Vec<serde_json::Value> {
        let policy = permissions::policy(&self.wanted, &plain_text(self.wanted.account().as_str()));
        let policy = serde_json::to_value(policy).expect("JSON");
        policy["Statement"].as_array().expect("statements").clone()
    }

    /// The demo, in which the role has the printed trust policy, and the role or user these statements and nothing else.
    fn world(&self, statements: &[serde_json::Value]) -> Sandbox {
        let sandbox = Sandbox::start(World::demo());
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": statements});
        let policy: SandboxPolicy = serde_json::from_value(document).expect("a policy");
        let trust = trust::policy(plain_text(OPERATOR), vec![plain_text(EXTERNAL_ID)], BaseIdentity::Plain);
        let trust = serde_json::from_value(serde_json::to_value(trust).expect("JSON")).expect("a policy");
        sandbox.world_mut(|world| {
            let account = world.accounts.get_mut(self.wanted.account().as_str()).expect("the account");
            let policies = [("awscost".to_owned(), policy)].into();
            if let BillReader::Role(_) = self.wanted.reader {
                let role = account.roles.iter_mut().find(|role| role.name == "awscost").expect("the role");
                role.policies = policies;
                role.trust = trust;
            } else {
                let user = serde_json::json!({"name": "awscost", "accessKeys": [{"id": KEY_ID, "secret": KEY_SECRET}]});
                let user: User = serde_json::from_value(user).expect("a user");
                account.users.push(User { policies, ..user });
            }
            if let (Some(key), Some(report)) = (&self.wanted.kms_key, &self.wanted.report) {
                let bucket = world.buckets.get_mut(report.bucket.as_str()).expect("the bucket");
                let key = serde_json::from_value(serde_json::json!({"arn": key.as_str()})).expect("a key");
                bucket.kms_key = Some(key);
            }
        });
        if let Some(report) = &self.wanted.report {
            sandbox.put_object(report.bucket.as_str(), self.manifest, "{}");
        }
        sandbox
    }

    fn target(&self) -> Target {
        let report = self.wanted.report.clone();
        let access = match &self.wanted.reader {
            BillReader::Role(role) => TargetAccess::Role(RoleAccess {
                role: role.clone(),
                external_id: ExternalId::parse(EXTERNAL_ID.as_bytes()).expect("an external ID"),
                external_id_place: "Secret acme-external-id".to_owned(),
                next_external_id: NextExternalId::None,
                secret_version: None,
                policy: ExternalIdPolicy::Enforce,
            }),
            BillReader::User { .. } => {
                TargetAccess::Keys(AccessKeys::parse(KEY_ID.as_bytes(), KEY_SECRET.as_bytes()).expect("keys"))
            }
        };
        Target {
            access,
            account: self.wanted.account().clone(),
            account_type: self.account_type,
            sts_region: "us-east-1".parse().expect("a region"),
            report,
            metrics: self.wanted.metrics.then(|| "us-east-1".parse().expect("a region")),
            asker: Asker::Operator,
        }
    }

    /// The checks that do not pass, with their reasons, if the role has these statements.
    async fn complaints(&self, statements: &[serde_json::Value]) -> Vec<String> {
        let (sandbox, target, now) = (self.world(statements), self.target(), Timestamp::now());
        let (mut facts, mut sessions) = (Facts::default(), Sessions::default());
        gather(
            ProbeRun { aws: &Sdk::of_demo(&sandbox.endpoint()).aws(), target: &target, now },
            Look::ALL,
            &mut facts,
            &mut sessions,
        )
        .await;
        checks::run(&facts, &target, now)
            .into_iter()
            .filter(|finding| finding.verdict != Verdict::Pass)
            // Whether a role may do too much is looked at only if that was wanted.
            .filter(|finding| self.wanted.audit || finding.condition != ConditionType::PermissionsMinimal)
            .map(|finding| format!("{:?}: {:?}", finding.condition, finding.reason))
            .collect()
    }
}

#[tokio::test]
async fn the_printed_policy_is_enough_for_every_check() {
    for variant in variants() {
        let complaints = variant.complaints(&variant.statements()).await;
        assert_eq!(complaints, Vec::<String>::new(), "{}", variant.name);
    }
}

#[tokio::test]
async fn no_statement_is_there_for_nothing() {
    let mut idle = Vec::new();
    for variant in variants() {
        let statements = variant.statements();
        for without in 0..statements.len() {
            let mut fewer = statements.clone();
            let removed = fewer.remove(without);
            if variant.complaints(&fewer).await.is_empty() {
                idle.push(format!("{}: {}", variant.name, removed["Sid"]));
            }
        }
    }
    // Of a report of either kind one API is enough once it is found, but which one nobody knows before; and whose the
    // objects are is asked only when reading one is refused.
    let expected = [
        r#"an export of either kind: "FindLegacyReport""#,
        r#"a report of either kind: "FindExport""#,
        r#"a report of either kind: "ReadExport""#,
        r#"an export, audited, with metrics: "SeeBucketOwnership""#,
        r#"an export read with keys, audited, with metrics: "SeeBucketOwnership""#,
    ];
    assert_eq!(idle, expected);
}
