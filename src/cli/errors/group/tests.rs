//! What is broken in a small fleet: its groups, their order, and the view of them.

use super::*;
use crate::{
    cli::{errors::text::render_text, terminal::wrap::fits},
    model::ConditionStatus,
};
use ConditionStatus::{False, Unknown};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + minutes * 60).expect("a time")
}

fn word(type_: ConditionType, status: ConditionStatus, reason: Reason, minutes: i64) -> Word {
    let message = match reason {
        Reason::BucketNotFound => {
            "There is no bucket acme-biling. Correct spec.report.bucket.name.".to_owned()
        }
        Reason::AssumeRoleDenied => format!(
            "AWS refused to let arn:aws:iam::999988887777:user/awscost-operator assume the role. A trust policy that \
             works: {{\"Statement\":[{{\"Action\":[\"sts:AssumeRole\"],\"Effect\":\"Allow\",\"Principal\":\"{}\"}}]}}",
            "x".repeat(60)
        ),
        reason => format!("Words about {reason}."),
    };
    let severity = Severity::of(type_, status, reason, true);
    Word {
        type_: type_.into(),
        status,
        reason: reason.into(),
        severity,
        since: at(minutes),
        message,
        snippet: None,
    }
}

fn account(name: &str, words: Vec<Word>) -> Member {
    let name = Name { kind: Kind::AwsCostAccount, namespace: "finops".to_owned(), name: name.to_owned() };
    Member {
        name,
        uid: None,
        display_name: None,
        suspended: false,
        warehouse: Some("lake".to_owned()),
        words,
    }
}

fn denied(name: &str, minutes: i64) -> Member {
    let blocked = |type_| word(type_, Unknown, Reason::BlockedByRole, minutes);
    account(
        name,
        vec![
            word(ConditionType::RoleAssumable, False, Reason::AssumeRoleDenied, minutes),
            blocked(ConditionType::ExternalIdEnforced),
            blocked(ConditionType::BucketReadable),
        ],
    )
}

fn fleet() -> Fleet {
    let lake = Name { kind: Kind::CostWarehouse, namespace: "finops".to_owned(), name: "lake".to_owned() };
    let mut warehouse_word = word(ConditionType::Ready, False, Reason::WarehouseAuthFailed, 50);
    warehouse_word.severity = Severity::of_warehouse(False, Reason::WarehouseAuthFailed);
    let waits = |name: &str| {
        account(
            name,
            vec![
                word(ConditionType::WarehouseReady, False, Reason::WarehouseAuthFailed, 50),
                word(ConditionType::DataCurrent, Unknown, Reason::BlockedByWarehouse, 50),
                word(ConditionType::TotalsVerified, Unknown, Reason::BlockedByWarehouse, 50),
            ],
        )
    };
    let mut members = vec![
        denied("acme-payer", 10),
        denied("shop", 20),
        account(
            "web",
            vec![
                word(ConditionType::BucketReadable, False, Reason::BucketNotFound, 30),
                word(ConditionType::ReportConfigured, False, Reason::ReportNotFound, 40),
                word(ConditionType::PermissionsMinimal, False, Reason::CanWriteBucket, 40),
            ],
        ),
        Member { suspended: true, ..denied("old", 0) },
        Member {
            name: lake,
            uid: None,
            display_name: None,
            suspended: false,
            warehouse: None,
            words: vec![warehouse_word],
        },
    ];
    members.extend(["a", "b", "c", "d"].map(waits));
    Fleet { members }
}

fn known(group: &FindingGroup) -> Reason {
    group.reason.known_value().expect("a reason of this version")
}

fn remedy(reason: Reason) -> String {
    format!("What the guide says about {reason}.")
}

#[test]
fn every_fault_of_every_account_is_in_its_group() {
    let overview = Overview::of(&fleet(), remedy, false);
    let groups: Vec<(Reason, usize, usize)> =
        overview.errors.iter().map(|group| (known(group), group.count, group.waiting)).collect();
    assert_eq!(
        groups,
        [
            (Reason::AssumeRoleDenied, 2, 4),
            (Reason::BucketNotFound, 1, 0),
            (Reason::ReportNotFound, 1, 0),
            (Reason::WarehouseAuthFailed, 1, 8),
        ]
    );
    assert_eq!((overview.accounts, overview.broken_accounts), (8, 7));
    assert_eq!(overview.errors[0].since, at(10), "what hit the suspended account counts nowhere");
    assert_eq!(overview.suspended.len(), 1);
}

#[test]
fn the_operators_faults_come_first_then_what_blocks_most_checks() {
    let mut fleet = fleet();
    fleet.members.push(account(
        "z",
        vec![word(ConditionType::RoleAssumable, False, Reason::BaseCredentialsExpired, 60)],
    ));
    let reasons: Vec<Reason> = Overview::of(&fleet, remedy, true).errors.iter().map(known).collect();
    assert_eq!(
        reasons,
        [
            Reason::BaseCredentialsExpired,
            Reason::WarehouseAuthFailed,
            Reason::AssumeRoleDenied,
            Reason::ReportNotFound,
            Reason::BucketNotFound,
        ]
    );
}

#[test]
fn an_account_shows_the_warehouses_fault_if_the_warehouse_is_not_selected() {
    let mut fleet = fleet();
    fleet.members.retain(|member| member.name.kind == Kind::AwsCostAccount);
    let overview = Overview::of(&fleet, remedy, false);
    let group = overview.errors.iter().find(|group| group.reason == Reason::WarehouseAuthFailed);
    assert_eq!(group.map(|group| (group.count, group.waiting)), Some((4, 8)), "the accounts of a label, say");
}

#[test]
fn a_reason_names_the_objects_that_bulk_commands_take() {
    let fleet = fleet();
    let hit = |suspended| {
        let members = hit_by(&fleet, Reason::AssumeRoleDenied, suspended);
        members.map(|member| member.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(hit(false), ["finops/acme-payer", "finops/shop"]);
    assert_eq!(hit(true), ["finops/old"], "what resume is about");
}

#[test]
fn what_people_call_an_account_stands_beside_its_name() {
    let display_name = Some("Acme payer\u{1b}[2J".to_owned());
    let members = vec![Member { display_name, ..denied("acme-payer", 0) }];
    let shown = render_text(&Overview::of(&Fleet { members }, remedy, false), false, None, at(0));
    assert!(shown.contains("finops/acme-payer \"Acme payer\u{fffd}[2J\" (RoleAssumable"), "{shown}");
}

#[test]
fn the_view_fits_80_columns() {
    let shown = render_text(&Overview::of(&fleet(), remedy, true), false, None, at(60 * 30));
    assert!(fits(&shown), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_large_group_names_its_objects_and_the_fix_once() {
    let members = (0..50).map(|number| denied(&format!("account-{number:02}"), number)).collect();
    let shown = render_text(&Overview::of(&Fleet { members }, remedy, false), false, None, at(60 * 24 * 3));
    assert!(fits(&shown), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_large_group_shows_what_differs_between_its_objects() {
    let lacking = |number: usize| {
        let mut word = word(ConditionType::RoleAssumable, False, Reason::SecretNotUsable, 0);
        word.message = format!(
            "Secret external-id-{number} is missing in namespace finops, or lacks the label and so on."
        );
        account(&format!("account-{number}"), vec![word])
    };
    let members = (0..5).map(lacking).collect();
    let shown = render_text(&Overview::of(&Fleet { members }, remedy, false), false, None, at(0));
    assert!(fits(&shown), "{shown}");
    assert!(
        shown.contains("  finops/account-4: Secret external-id-4 is missing in namespace finops, or"),
        "{shown}"
    );
}

#[test]
fn a_healthy_fleet_says_so() {
    let members =
        vec![account("acme", vec![word(ConditionType::Ready, ConditionStatus::True, Reason::Succeeded, 0)])];
    let shown = render_text(&Overview::of(&Fleet { members }, remedy, false), false, None, at(0));
    assert_eq!(shown, "None of 1 account is broken, no warehouses.\n");
}

#[test]
fn an_empty_scope_is_named() {
    let nothing = Overview::of(&Fleet::default(), remedy, false);
    assert_eq!(
        render_text(&nothing, false, Some("finops"), at(0)),
        "No accounts, no warehouses in namespace finops: use -n NAMESPACE or -A to look\nelsewhere.\n"
    );
    assert_eq!(render_text(&nothing, false, None, at(0)), "No accounts, no warehouses in any namespace.\n");
}

#[test]
fn a_wrong_report_name_is_fixed_before_the_listing_that_it_breaks() {
    let members = vec![account(
        "acme",
        vec![
            word(ConditionType::BucketReadable, False, Reason::BucketListDenied, 10),
            word(ConditionType::ReportConfigured, False, Reason::ReportNotFound, 10),
            word(ConditionType::ReportDelivered, Unknown, Reason::BlockedByBucket, 10),
        ],
    )];
    let errors = Overview::of(&Fleet { members }, remedy, true).errors;
    let order: Vec<(Option<Reason>, usize)> =
        errors.iter().map(|group| (group.reason.known_value(), group.waiting)).collect();
    assert_eq!(order, [(Some(Reason::ReportNotFound), 1), (Some(Reason::BucketListDenied), 0)]);
}
