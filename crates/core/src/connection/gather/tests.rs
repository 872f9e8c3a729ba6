//! What a look asks of AWS, and what it leaves alone.

use super::*;
use crate::{
    aws::{
        Operation,
        traits::{ExecutionEnd, ExportExecution, ObjectOwnership},
    },
    connection::{
        Elsewhere, ExternalIdInUse, ManifestRead, NextExternalId,
        fake::{FakeAws, Script, Trust},
        sample,
    },
    model::{ConditionType, Reason},
};

async fn look(fake: &std::sync::Arc<FakeAws>, target: &Target, look: Look) -> (Facts, Sessions) {
    let (mut facts, mut sessions) = (Facts::default(), Sessions::default());
    gather(ProbeRun { aws: &fake.aws(), target, now: sample::now() }, look, &mut facts, &mut sessions).await;
    (facts, sessions)
}

async fn facts_of(change: impl FnOnce(&mut Script)) -> Facts {
    let mut script = sample::script();
    change(&mut script);
    look(&FakeAws::new(script), &sample::target(), Look::ALL).await.0
}

fn reason(facts: &Facts, condition: ConditionType) -> Reason {
    let found = checks::run(facts, &sample::target(), sample::now());
    found.iter().find(|finding| finding.condition == condition).expect("it applies").reason
}

fn fault(operation: Operation, code: Code) -> AwsFault {
    AwsFault::new(operation, code)
}

#[tokio::test]
async fn a_full_look_fills_every_fact() {
    let fake = FakeAws::new(sample::script());
    let (facts, sessions) = look(&fake, &sample::target(), Look::ALL).await;
    assert_eq!(facts, sample::facts());
    assert!(sessions.ingest(sample::now()).is_some());
    assert_eq!(
        fake.calls(),
        [
            "awscost-check",
            "awscost-externalid-probe",
            "awscost-externalid-probe",
            "awscost-ingest",
            "base_caller",
            "export",
            "exports",
            "last_execution",
            "legacy_definitions",
            "list",
            "list",
            "membership",
            "read",
            "session_caller",
            "simulate",
        ]
    );
}

#[tokio::test]
async fn a_routine_look_at_the_listing_costs_no_call_to_sts() {
    let fake = FakeAws::new(sample::script());
    let (mut facts, mut sessions) = look(&fake, &sample::target(), Look::ALL).await;
    fake.calls();
    let listing = Look { listing: true, ..Look::NONE };
    gather(
        ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
        listing,
        &mut facts,
        &mut sessions,
    )
    .await;
    assert_eq!(fake.calls(), ["list", "list", "read"]);
    gather(
        ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
        Look::NONE,
        &mut facts,
        &mut sessions,
    )
    .await;
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn a_refused_role_stops_the_look_and_drops_the_sessions() {
    let fake = FakeAws::new(sample::script());
    let (mut facts, mut sessions) = look(&fake, &sample::target(), Look::ALL).await;
    fake.calls();
    fake.change(|script| script.assume = Some(fault(Operation::AssumeRole, Code::AccessDenied)));
    gather(
        ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
        Look::ALL,
        &mut facts,
        &mut sessions,
    )
    .await;
    assert_eq!(fake.calls(), ["awscost-check", "base_caller"]);
    assert!(sessions.ingest(sample::now()).is_none());
    assert_eq!(reason(&facts, ConditionType::RoleAssumable), Reason::RoleRemovedOrTrustChanged);
    assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::BlockedByRole);
}

#[tokio::test]
async fn no_role_is_assumed_without_an_identity_or_across_partitions() {
    let fake = FakeAws::new(sample::script());
    fake.change(|script| script.base = Err(fault(Operation::GetCallerIdentity, Code::NoCredentials)));
    look(&fake, &sample::target(), Look::ALL).await;
    assert_eq!(fake.calls(), ["base_caller"]);

    fake.change(|script| script.base = Ok(sample::operator()));
    let mut china = sample::target();
    sample::role(&mut china).role = "arn:aws-cn:iam::111122223333:role/awscost".parse().expect("a role");
    look(&fake, &china, Look::ALL).await;
    assert_eq!(fake.calls(), ["base_caller"]);
}

#[tokio::test]
async fn only_a_refusal_counts_as_enforced() {
    for (trust, expected) in [
        (Trust::Exact, Enforcement::Enforced),
        (Trust::IfExists, Enforcement::AcceptsNone),
        (Trust::AnyValue, Enforcement::AcceptsAny),
    ] {
        let facts = facts_of(|script| script.trust = trust).await;
        assert_eq!(facts.enforcement.known(), Some(&expected), "{trust:?}");
    }
}

#[tokio::test]
async fn a_role_that_lets_a_prober_in_is_asked_once_more() {
    let mut script = sample::script();
    script.trust = Trust::IfExists;
    let fake = FakeAws::new(script);
    look(&fake, &sample::target(), Look { identity: true, external_id: true, ..Look::NONE }).await;
    let probes = fake.calls().into_iter().filter(|call| call.contains("probe")).count();
    assert_eq!(probes, 3, "twice without an external ID, once with a random one");
}

#[tokio::test]
async fn a_wrong_owner_is_told_from_a_missing_permission() {
    let denied = || fault(Operation::ListBucket, Code::AccessDenied);
    let facts = facts_of(|script| script.list = Err(denied())).await;
    assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::BucketOwnerMismatch);
    let facts = facts_of(|script| {
        script.list = Err(denied());
        script.list_any_owner = Err(denied());
    })
    .await;
    assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::BucketListDenied);
}

#[tokio::test]
async fn an_expired_session_is_dropped_and_proves_nothing() {
    let fake = FakeAws::new(sample::script());
    let (mut facts, mut sessions) = look(&fake, &sample::target(), Look::ALL).await;
    fake.change(|script| script.list = Err(fault(Operation::ListBucket, Code::ExpiredToken)));
    let listing = Look { listing: true, ..Look::NONE };
    gather(
        ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
        listing,
        &mut facts,
        &mut sessions,
    )
    .await;
    assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::Readable, "the last verdict stands");
    assert!(sessions.ingest(sample::now()).is_none());
}

#[tokio::test]
async fn before_the_first_delivery_reading_is_not_provable() {
    let facts = facts_of(|script| script.list = Ok(Vec::new())).await;
    assert_eq!(facts.manifest.known(), Some(&ManifestRead::NoneYet));
    let facts = facts_of(|script| script.read = Err(fault(Operation::GetObject, Code::NoSuchKey))).await;
    assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::ReadNotYetProvable);
}

#[tokio::test]
async fn a_legacy_manifest_is_found_in_its_newest_folder() {
    let root = ["cur/acme/20261001-20261101/", "cur/acme/20261101-20261201/", "cur/acme/acme/"];
    let facts =
        facts_of(|script| script.list = Ok(vec![("cur/acme/".to_owned(), sample::folders(&root))])).await;
    let key = "cur/acme/20261101-20261201/acme-Manifest.json".to_owned();
    assert_eq!(facts.manifest.known(), Some(&ManifestRead::Readable { key }));
}

#[tokio::test]
async fn a_legacy_parquet_manifest_is_found_in_its_newest_month() {
    let base = "cur/acme/acme/";
    let [y25, y26] = [2025, 2026].map(|year| format!("{base}year={year}/"));
    let months = [2, 11, 9].map(|month| format!("{y26}month={month}/"));
    let list = vec![
        ("cur/acme/".to_owned(), sample::folders(&[base])),
        (base.to_owned(), sample::folders(&[&y25, &y26])),
        (y26.clone(), sample::folders(&months.each_ref().map(String::as_str))),
    ];
    let facts = facts_of(|script| script.list = Ok(list)).await;
    let key = "cur/acme/acme/year=2026/month=11/acme-Manifest.json".to_owned();
    assert_eq!(facts.manifest.known(), Some(&ManifestRead::Readable { key }));
}

#[tokio::test]
async fn an_api_that_is_not_wanted_is_not_asked() {
    let fake = FakeAws::new(sample::script());
    let definitions = Look { identity: true, definitions: true, ..Look::NONE };
    look(&fake, &sample::of_kind(crate::model::ReportKind::LegacyCur), definitions).await;
    assert_eq!(fake.calls(), ["awscost-check", "base_caller", "legacy_definitions", "session_caller"]);
}

#[tokio::test]
async fn an_account_without_a_report_has_no_bucket_to_look_at() {
    let fake = FakeAws::new(sample::script());
    look(&fake, &Target { report: None, ..sample::target() }, Look::ALL).await;
    assert!(!fake.calls().iter().any(|call| call.starts_with("list") || call.starts_with("export")));
}

#[tokio::test]
async fn during_a_rotation_the_next_external_id_is_tried_first_and_the_current_one_as_long_as_needed() {
    let id = |text: &str| ExternalId::parse(text.as_bytes()).expect("an external ID");
    let mut rotating = sample::target();
    sample::role(&mut rotating).next_external_id = NextExternalId::Usable(id("the-next-one"));
    let identity = Look { identity: true, ..Look::NONE };
    let fake = FakeAws::new(sample::script());
    let (facts, _) = look(&fake, &rotating, identity).await;
    assert_eq!(facts.in_use, Some(ExternalIdInUse::Current), "the role takes the old one only");
    assert_eq!(fake.calls(), ["awscost-check", "awscost-check", "base_caller", "session_caller"]);

    sample::role(&mut rotating).external_id = id("the-old-one");
    sample::role(&mut rotating).next_external_id = NextExternalId::Usable(id("the-external-id"));
    let (facts, _) = look(&fake, &rotating, identity).await;
    assert_eq!(facts.in_use, Some(ExternalIdInUse::Next));
}

#[tokio::test]
async fn a_hole_counts_as_closed_after_three_refusals_in_a_row() {
    let mut script = sample::script();
    script.trust = Trust::IfExists;
    let fake = FakeAws::new(script);
    let probe = Look { identity: true, external_id: true, ..Look::NONE };
    let (mut facts, mut sessions) = look(&fake, &sample::target(), probe).await;
    fake.calls();
    fake.change(|script| script.trust = Trust::Exact);
    gather(
        ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
        probe,
        &mut facts,
        &mut sessions,
    )
    .await;
    assert_eq!(facts.enforcement.known(), Some(&Enforcement::Enforced));
    let probes = fake.calls().into_iter().filter(|call| call.contains("probe")).count();
    assert_eq!(probes, 6, "three of either kind");
}

#[tokio::test]
async fn keys_of_an_iam_user_need_no_identity_of_the_operators() {
    let fake = FakeAws::new(sample::script());
    let target = sample::with_keys();
    let (facts, sessions) = look(&fake, &target, Look::ALL).await;
    assert!(sessions.ingest(sample::now()).is_some());
    let calls = fake.calls();
    assert!(!calls.contains(&"base_caller") && !calls.contains(&"awscost-externalid-probe"), "{calls:?}");
    let found = checks::run(&facts, &target, sample::now());
    assert_eq!(found[0].reason, Reason::AccessKeyAccepted);
}

#[tokio::test]
async fn a_report_one_level_off_is_found_where_the_definition_does_not_say_otherwise() {
    for (declared, there, expected) in [
        ("cur/acme", "cur/acme/", Some(Elsewhere::PrefixIncludesName { prefix: "cur".to_owned() })),
        ("cur/extra", "cur/acme/", Some(Elsewhere::OneLevelOff { prefix: "cur".to_owned() })),
        ("", "cur/acme/", Some(Elsewhere::OneLevelOff { prefix: "cur".to_owned() })),
        ("cur", "elsewhere/acme/", None),
    ] {
        let mut target = sample::target();
        target.report.as_mut().expect("a report").prefix = declared.parse().expect("a prefix");
        let mut script = sample::script();
        script.list = Ok(vec![
            (there.to_owned(), sample::folders(&[&format!("{there}metadata/")])),
            (String::new(), sample::folders(&["cur/"])),
        ]);
        let (facts, _) = look(&FakeAws::new(script), &target, Look::ALL).await;
        assert_eq!(facts.elsewhere.known(), Some(&expected), "{declared}");
        let found = checks::run(&facts, &target, sample::now());
        let reason =
            found.iter().find(|one| one.condition == ConditionType::BucketReadable).map(|one| one.reason);
        let reason_expected = match expected {
            Some(Elsewhere::PrefixIncludesName { .. }) => Reason::PrefixIncludesReportName,
            Some(Elsewhere::OneLevelOff { .. }) => Reason::PrefixOneLevelOff,
            None => Reason::ReadNotYetProvable,
        };
        assert_eq!(reason, Some(reason_expected), "{declared}");
    }
}

#[tokio::test]
async fn a_refused_read_asks_whose_the_objects_are() {
    for (ownership, expected) in [
        (ObjectOwnership::Writer, Reason::ObjectOwnedByOther),
        (ObjectOwnership::BucketOwner, Reason::ObjectReadDenied),
    ] {
        let facts = facts_of(|script| {
            script.read = Err(fault(Operation::GetObject, Code::AccessDenied));
            script.ownership = Ok(ownership);
        })
        .await;
        assert_eq!(reason(&facts, ConditionType::BucketReadable), expected);
    }
}

#[tokio::test]
async fn a_look_without_an_answer_leaves_a_fault_of_the_bucket_as_it_stood() {
    type Change = fn(&mut Script);
    let throttled = |operation| fault(operation, Code::Throttling);
    let broken: [(&str, Reason, Change); 3] = [
        ("a level off", Reason::PrefixOneLevelOff, |script| {
            let found = ("acme/".to_owned(), sample::folders(&["acme/metadata/"]));
            script.list = Ok(vec![found]);
        }),
        ("another's bucket", Reason::BucketOwnerMismatch, |script| {
            script.list = Err(fault(Operation::ListBucket, Code::AccessDenied));
        }),
        ("another's objects", Reason::ObjectOwnedByOther, |script| {
            script.read = Err(fault(Operation::GetObject, Code::AccessDenied));
            script.ownership = Ok(ObjectOwnership::Writer);
        }),
    ];
    for (name, expected, break_it) in broken {
        let mut script = sample::script();
        (script.legacy, script.exports) = (Ok(Vec::new()), Ok(Vec::new()));
        break_it(&mut script);
        let fake = FakeAws::new(script);
        let (mut facts, mut sessions) = look(&fake, &sample::target(), Look::ALL).await;
        assert_eq!(reason(&facts, ConditionType::BucketReadable), expected, "{name}");
        let listing = Look { listing: true, ..Look::NONE };
        // First what is asked beside the listing and the read, then these as well.
        fake.change(|script| {
            script.list_around = Some(throttled(Operation::ListBucket));
            script.list_any_owner = Err(throttled(Operation::ListBucket));
            script.ownership = Err(throttled(Operation::GetBucketOwnershipControls));
        });
        gather(
            ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
            listing,
            &mut facts,
            &mut sessions,
        )
        .await;
        assert_eq!(reason(&facts, ConditionType::BucketReadable), expected, "{name}, asked beside");
        fake.change(|script| script.list = Err(throttled(Operation::ListBucket)));
        gather(
            ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
            listing,
            &mut facts,
            &mut sessions,
        )
        .await;
        assert_eq!(reason(&facts, ConditionType::BucketReadable), expected, "{name}, nothing answers");
    }
}

#[tokio::test]
async fn a_missing_report_is_not_blamed_while_its_location_is_unknown() {
    let facts = facts_of(|script| {
        (script.list, script.exports) = (Ok(Vec::new()), Ok(Vec::new()));
        script.list_around = Some(fault(Operation::ListBucket, Code::Throttling));
    })
    .await;
    assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::Throttled);
}

#[tokio::test]
async fn only_a_list_that_answers_makes_an_execution_forgotten() {
    let execution = ExportExecution { end: ExecutionEnd::DeliveryFailed, illness: None };
    let mut script = sample::script();
    script.execution = Ok(Some(execution));
    let fake = FakeAws::new(script);
    let (mut facts, mut sessions) = look(&fake, &sample::target(), Look::ALL).await;
    let definitions = Look { definitions: true, ..Look::NONE };
    for (exports, expected) in [
        (Err(fault(Operation::ListExports, Code::Throttling)), Some(Some(execution))),
        (Ok(Vec::new()), Some(None)),
        (Err(fault(Operation::ListExports, Code::AccessDenied)), None),
    ] {
        fake.change(|script| script.exports = exports.clone());
        gather(
            ProbeRun { aws: &fake.aws(), target: &sample::target(), now: sample::now() },
            definitions,
            &mut facts,
            &mut sessions,
        )
        .await;
        assert_eq!(facts.execution.known(), expected.as_ref(), "{exports:?}");
    }
}

#[tokio::test]
async fn a_newest_month_without_a_manifest_yet_hides_no_fault_of_the_month_before() {
    let base = "cur/acme/acme/";
    let [y25, y26] = [2025, 2026].map(|year| format!("{base}year={year}/"));
    let [december, january] = [format!("{y25}month=12/"), format!("{y26}month=1/")];
    let parquet = vec![
        ("cur/acme/".to_owned(), sample::folders(&[base])),
        (base.to_owned(), sample::folders(&[&y25, &y26])),
        (y26.clone(), sample::folders(&[&january])),
        (y25.clone(), sample::folders(&[&format!("{y25}month=9/"), &december])),
    ];
    let legacy = ["cur/acme/20261101-20261201/", "cur/acme/20261201-20270101/"];
    for (list, empty) in [
        (None, "cur/acme/metadata/BILLING_PERIOD=2026-11/acme-Manifest.json"),
        (
            Some(vec![("cur/acme/".to_owned(), sample::folders(&legacy))]),
            "cur/acme/20261201-20270101/acme-Manifest.json",
        ),
        (Some(parquet), "cur/acme/acme/year=2026/month=1/acme-Manifest.json"),
    ] {
        let facts = facts_of(|script| {
            script.list = list.map_or_else(|| script.list.clone(), Ok);
            script.no_such_keys = vec![empty];
            script.read = Err(fault(Operation::GetObject, Code::KmsDisabled));
        })
        .await;
        assert_eq!(reason(&facts, ConditionType::BucketReadable), Reason::KmsKeyUnusable, "{empty}");
    }
}
