//! One table a check: what is broken → the reason and the whole message.

use std::fmt::Write;

use super::*;
use crate::{
    aws::{AwsFault, Code, Detail, Operation, traits::Granularity},
    connection::{Enforcement, Fact, ManifestRead, ReportTarget, fake, sample},
    model::{AccountType, Reason},
};

type Broken = (&'static str, fn(&mut Facts, &mut Target));

/// The finding of one condition after each breakage of a connection in order.
fn findings(condition: ConditionType, table: &[Broken]) -> String {
    let mut text = String::new();
    for (name, change) in table {
        let (mut facts, mut target) = (sample::facts(), sample::target());
        change(&mut facts, &mut target);
        let found = run(&facts, &target, sample::now());
        let finding = found.iter().find(|finding| finding.condition == condition).expect(name);
        let Finding { verdict, reason, message, .. } = finding;
        assert!(!message.contains("the-external-id"), "{name} shows the external ID");
        assert!(!message.contains("1763812800"), "{name} shows a session's name, which changes");
        writeln!(text, "{name}\n  {verdict:?} {reason}: {message}").expect("a String takes it");
    }
    text
}

fn fault(operation: Operation, code: Code) -> AwsFault {
    AwsFault::new(operation, code)
}

fn refused<T>(operation: Operation, code: Code) -> Fact<T> {
    Fact::seen(sample::now(), Err(fault(operation, code)))
}

fn detailed<T>(operation: Operation, code: Code, detail: Detail) -> Fact<T> {
    Fact::seen(sample::now(), Err(AwsFault { detail, ..fault(operation, code) }))
}

fn seen<T>(value: T) -> Fact<T> {
    Fact::seen(sample::now(), Ok(value))
}

fn report(target: &mut Target) -> &mut ReportTarget {
    target.report.as_mut().expect("the sample has a report")
}

#[test]
fn a_connection_in_order_passes_every_check() {
    let found = run(&sample::facts(), &sample::target(), sample::now());
    let reasons: Vec<Reason> = found.iter().map(|finding| finding.reason).collect();
    assert_eq!(
        reasons,
        [Reason::RoleAssumed, Reason::Enforced, Reason::Verified, Reason::Readable, Reason::Configured]
    );
    assert!(found.iter().all(|finding| !holds_ready_down(finding, &sample::target())));
}

#[test]
fn role() {
    use Operation::{AssumeRole, GetCallerIdentity};
    let text = findings(
        ConditionType::RoleAssumable,
        &[
            ("no credentials", |facts, _| facts.base = refused(GetCallerIdentity, Code::NoCredentials)),
            ("expired credentials", |facts, _| facts.base = refused(GetCallerIdentity, Code::ExpiredToken)),
            ("unknown key", |facts, _| facts.base = refused(GetCallerIdentity, Code::InvalidClientToken)),
            ("web identity", |facts, _| facts.base = refused(GetCallerIdentity, Code::WebIdentityRejected)),
            ("bad profile", |facts, _| {
                facts.base = refused(GetCallerIdentity, Code::CredentialsMisconfigured)
            }),
            ("other partition", |_, target| {
                target.role = "arn:aws-cn:iam::111122223333:role/awscost".parse().expect("a role");
            }),
            ("denied", |facts, _| facts.role = refused(AssumeRole, Code::AccessDenied)),
            ("denied, caller unknown", |facts, _| {
                facts.base = Fact::default();
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("tagging denied", |facts, _| {
                facts.role = detailed(AssumeRole, Code::AccessDenied, Detail::TagSession);
            }),
            ("region disabled", |facts, target| {
                target.sts_region = "af-south-1".parse().expect("a region");
                facts.role = refused(AssumeRole, Code::RegionDisabled);
            }),
            ("other account", |facts, _| facts.role = seen(sample::operator())),
            ("account id differs", |_, target| target.account = "444455556666".parse().expect("an account")),
            ("throttled", |facts, _| facts.role = refused(AssumeRole, Code::Throttling)),
            ("no connection", |facts, _| facts.role = refused(AssumeRole, Code::ConnectionFailed)),
            ("AWS fails", |facts, _| facts.role = refused(AssumeRole, Code::InternalFailure)),
            ("clock", |facts, _| facts.role = refused(AssumeRole, Code::RequestTimeTooSkewed)),
            ("unknown code", |facts, _| facts.role = refused(AssumeRole, Code::Unexpected)),
            ("parameter refused", |facts, _| facts.role = refused(AssumeRole, Code::ValidationError)),
            ("never looked", |facts, _| *facts = Facts::default()),
            ("identity unreachable", |facts, _| {
                *facts = Facts { base: refused(GetCallerIdentity, Code::TimedOut), ..Facts::default() };
            }),
        ],
    );
    insta::assert_snapshot!(text, @"");
}

#[test]
fn external_id() {
    use Operation::AssumeRole;
    let text = findings(
        ConditionType::ExternalIdEnforced,
        &[
            ("enforced", |_, _| {}),
            ("accepts none", |facts, _| facts.enforcement = seen(Enforcement::AcceptsNone)),
            ("accepts any, warn", |facts, target| {
                target.external_id_policy = ExternalIdPolicy::Warn;
                facts.enforcement = seen(Enforcement::AcceptsAny);
            }),
            ("none declared", |_, target| target.external_id = None),
            ("throttled", |facts, _| facts.enforcement = refused(AssumeRole, Code::Throttling)),
            ("never probed", |facts, _| facts.enforcement = Fact::default()),
            ("role broken", |facts, _| facts.role = refused(AssumeRole, Code::AccessDenied)),
        ],
    );
    insta::assert_snapshot!(text, @"");
}

#[test]
fn account_type() {
    use Operation::DescribeOrganization;

    use crate::aws::traits::Membership;
    let text = findings(
        ConditionType::AccountTypeVerified,
        &[
            ("management", |_, _| {}),
            ("member", |facts, target| {
                target.account_type = AccountType::Member;
                let management = "444455556666".parse().expect("an account");
                facts.membership = seen(Membership::InOrganization { management });
            }),
            ("standalone", |facts, target| {
                target.account_type = AccountType::Standalone;
                facts.membership = seen(Membership::Standalone);
            }),
            ("management in none", |facts, _| facts.membership = seen(Membership::Standalone)),
            ("management is member", |facts, _| {
                let management = "444455556666".parse().expect("an account");
                facts.membership = seen(Membership::InOrganization { management });
            }),
            ("member is management", |_, target| target.account_type = AccountType::Member),
            ("standalone is management", |_, target| target.account_type = AccountType::Standalone),
            ("standalone is member", |facts, target| {
                target.account_type = AccountType::Standalone;
                let management = "444455556666".parse().expect("an account");
                facts.membership = seen(Membership::InOrganization { management });
            }),
            ("denied", |facts, _| facts.membership = refused(DescribeOrganization, Code::AccessDenied)),
            ("throttled", |facts, _| facts.membership = refused(DescribeOrganization, Code::Throttling)),
        ],
    );
    insta::assert_snapshot!(text, @"");
}

#[test]
fn bucket() {
    use Operation::{AssumeRole, GetObject, ListBucket};
    let text = findings(
        ConditionType::BucketReadable,
        &[
            ("readable", |_, _| {}),
            ("nothing delivered", |facts, _| facts.manifest = seen(ManifestRead::NoneYet)),
            ("no bucket", |facts, _| facts.listing = refused(ListBucket, Code::NoSuchBucket)),
            ("other region", |facts, _| {
                let region = Some("us-west-2".parse().expect("a region"));
                let fault = AwsFault { region, ..fault(ListBucket, Code::PermanentRedirect) };
                facts.listing = Fact::seen(sample::now(), Err(fault));
            }),
            ("other region, unnamed", |facts, _| {
                facts.listing = refused(ListBucket, Code::AuthorizationHeaderMalformed);
            }),
            ("other owner", |facts, _| {
                facts.listing = refused(ListBucket, Code::AccessDenied);
                facts.listing_any_owner = seen(());
            }),
            ("list denied", |facts, _| {
                facts.listing = refused(ListBucket, Code::AccessDenied);
                facts.listing_any_owner = refused(ListBucket, Code::AccessDenied);
            }),
            ("get denied", |facts, _| facts.manifest = refused(GetObject, Code::AccessDenied)),
            ("decrypt denied", |facts, _| {
                facts.manifest = detailed(GetObject, Code::AccessDenied, Detail::KmsDecrypt);
            }),
            ("key disabled", |facts, _| facts.manifest = refused(GetObject, Code::KmsDisabled)),
            ("archived", |facts, _| facts.manifest = refused(GetObject, Code::InvalidObjectState)),
            ("customer key", |facts, _| facts.manifest = refused(GetObject, Code::CustomerKeyNeeded)),
            ("policy too long", |_, target| {
                report(target).prefix = "a*".repeat(128).parse().expect("a prefix");
                report(target).name = "*".repeat(256).parse().expect("a name");
            }),
            ("policy packed too large", |facts, _| {
                facts.ingest_session = refused(AssumeRole, Code::PackedPolicyTooLarge);
            }),
            ("narrowed session denied", |facts, _| {
                facts.ingest_session = refused(AssumeRole, Code::AccessDenied);
            }),
            ("slow down", |facts, _| facts.listing = refused(ListBucket, Code::Throttling)),
            ("replaced while read", |facts, _| facts.manifest = refused(GetObject, Code::PreconditionFailed)),
        ],
    );
    insta::assert_snapshot!(text, @"");
}

#[test]
fn report_definition() {
    use Operation::{DescribeReportDefinitions, GetExport, ListExports};
    fn with_export(facts: &mut Facts, change: impl FnOnce(&mut crate::aws::traits::ExportDefinition)) {
        let mut export = sample::export();
        change(&mut export);
        facts.export = seen(Some(export));
    }
    fn only_legacy(facts: &mut Facts, change: impl FnOnce(&mut crate::aws::traits::LegacyDefinition)) {
        let mut legacy = sample::legacy("acme");
        change(&mut legacy);
        facts.legacy = seen(vec![legacy]);
        facts.exports = seen(Vec::new());
        facts.export = seen(None);
    }
    let text = findings(
        ConditionType::ReportConfigured,
        &[
            ("export", |_, _| {}),
            ("legacy", |facts, _| only_legacy(facts, |_| {})),
            ("legacy, exports denied", |facts, _| {
                only_legacy(facts, |_| {});
                facts.exports = refused(ListExports, Code::AccessDenied);
                facts.export = Fact::default();
            }),
            ("none at all", |facts, _| {
                only_legacy(facts, |_| {});
                facts.legacy = seen(Vec::new());
            }),
            ("other names", |facts, target| {
                only_legacy(facts, |legacy| legacy.name = "Acme".to_owned());
                report(target).kind = Some(ReportKind::LegacyCur);
            }),
            ("many names", |facts, _| {
                only_legacy(facts, |_| {});
                facts.legacy = seen((0..9).map(|n| sample::legacy(&format!("r{n}"))).collect());
            }),
            ("both, one elsewhere", |facts, _| {
                let mut legacy = sample::legacy("acme");
                legacy.destination.bucket = "elsewhere".to_owned();
                facts.legacy = seen(vec![legacy]);
            }),
            ("both", |facts, _| facts.legacy = seen(vec![sample::legacy("acme")])),
            ("both, kind declared", |facts, target| {
                facts.legacy = seen(vec![sample::legacy("acme")]);
                report(target).kind = Some(ReportKind::Cur2);
            }),
            ("legacy denied", |facts, target| {
                facts.legacy = refused(DescribeReportDefinitions, Code::AccessDenied);
                report(target).kind = Some(ReportKind::LegacyCur);
            }),
            ("list denied", |facts, _| {
                facts.exports = refused(ListExports, Code::AccessDenied);
                facts.export = Fact::default();
            }),
            ("get denied", |facts, _| facts.export = refused(GetExport, Code::AccessDenied)),
            ("throttled", |facts, _| {
                facts.legacy = refused(DescribeReportDefinitions, Code::Throttling);
                facts.export = seen(None);
            }),
            ("other destination", |facts, _| {
                with_export(facts, |export| {
                    export.destination.prefix = String::new();
                    export.destination.region = "us-east-1".to_owned();
                    export.destination.owner = Some("444455556666".to_owned());
                });
            }),
            ("legacy, wrong all over", |facts, _| {
                only_legacy(facts, |legacy| {
                    legacy.compression = "ZIP".to_owned();
                    legacy.granularity = Granularity::Monthly;
                    legacy.resource_ids = false;
                });
            }),
            ("export, wrong all over", |facts, _| {
                with_export(facts, |export| {
                    export.format = "TEXT_OR_CSV".to_owned();
                    export.compression = "GZIP".to_owned();
                    export.query = sample::COLUMNS
                        .replace("line_item_unblended_cost", "line_item_unblended_cost AS cost");
                    export.query = export.query.replace("bill_payer_account_id, ", "");
                    export.query =
                        format!("SELECT {} FROM COST_AND_USAGE_REPORT WHERE x = 'y' LIMIT 5", export.query);
                    export.properties.clear();
                });
            }),
            ("monthly export", |facts, _| {
                with_export(facts, |export| {
                    let table = export.properties.entry("COST_AND_USAGE_REPORT".to_owned()).or_default();
                    table.insert("TIME_GRANULARITY".to_owned(), "MONTHLY".to_owned());
                });
            }),
            ("another table", |facts, _| {
                with_export(facts, |export| export.query = "SELECT BilledCost FROM FOCUS_1_2_AWS".to_owned());
            }),
            ("unreadable query", |facts, _| {
                with_export(facts, |export| export.query = "SELECT sum(x) FROM T".to_owned());
            }),
            ("GovCloud", |facts, target| {
                target.role = "arn:aws-us-gov:iam::111122223333:role/awscost".parse().expect("a role");
                let mut caller = sample::operator();
                caller.arn = caller.arn.replace("arn:aws:", "arn:aws-us-gov:");
                facts.base = seen(caller);
                report(target).kind = Some(ReportKind::LegacyCur);
            }),
        ],
    );
    insta::assert_snapshot!(text, @"");
}

#[test]
fn behind_a_broken_role_nothing_is_judged_and_no_report_means_no_finding() {
    let mut facts = sample::facts();
    facts.role = refused(Operation::AssumeRole, Code::AccessDenied);
    let found = run(&facts, &sample::target(), sample::now());
    assert!(found[1..].iter().all(|finding| finding.reason == Reason::BlockedByRole), "{found:?}");
    assert_eq!(found.len(), 5);
    let bare = Target { report: None, ..sample::target() };
    assert_eq!(run(&facts, &bare, sample::now()).len(), 3);
}

#[test]
fn what_holds_ready_down() {
    let mut facts = sample::facts();
    facts.enforcement = seen(Enforcement::AcceptsNone);
    facts.membership = refused(Operation::DescribeOrganization, Code::AccessDenied);
    let held = |target: &Target| -> Vec<ConditionType> {
        let found = run(&facts, target, sample::now());
        found.iter().filter(|one| holds_ready_down(one, target)).map(|one| one.condition).collect()
    };
    assert_eq!(held(&sample::target()), [ConditionType::ExternalIdEnforced]);
    let warned = Target { external_id_policy: ExternalIdPolicy::Warn, ..sample::target() };
    assert_eq!(held(&warned), []);
}

#[test]
fn the_kind_is_the_one_found_unless_declared() {
    assert_eq!(report_kind(&sample::facts(), &sample::target()), Some(ReportKind::Cur2));
    let declared = sample::of_kind(ReportKind::LegacyCur);
    assert_eq!(report_kind(&sample::facts(), &declared), Some(ReportKind::LegacyCur));
    assert_eq!(report_kind(&Facts::default(), &sample::target()), None);
    // The script of the fake and the sample facts describe the same connection.
    assert_eq!(sample::script().trust, fake::Trust::Exact);
}
