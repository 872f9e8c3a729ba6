//! docs/awscostaccount.md is held to what the checks give.

use std::collections::BTreeSet;

use super::*;

/// Conditions by name, in the order of the text.
fn named(text: &str) -> BTreeSet<ConditionType> {
    ConditionType::ALL.iter().copied().filter(|type_| text.contains(&format!("`{type_}`"))).collect()
}

fn of_checks(target: &Target) -> BTreeSet<ConditionType> {
    run(&sample::facts(), target, sample::now()).iter().map(|finding| finding.condition).collect()
}

#[test]
fn the_page_on_accounts_says_which_conditions_an_account_has() {
    let page = include_str!("../../../../../../docs/awscostaccount.md");
    let part = page.split("| An account with | has these conditions |").nth(1).expect("the table");
    let rows: Vec<(&str, &str)> = part
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches(['|', ' ']).split_once(" | ").expect("two cells"))
        .collect();
    let member = |target| Target { report: None, account_type: AccountType::Member, ..target };
    let metrics = Target { metrics: Some("us-east-1".parse().expect("a region")), ..sample::with_keys() };
    let accounts = [
        ("a role and a report", sample::target()),
        ("a role and no report (a Member)", member(sample::target())),
        ("keys of an IAM user and a report", sample::with_keys()),
        ("keys of an IAM user and no report (a Member)", member(sample::with_keys())),
    ];
    assert_eq!(
        rows.iter().map(|(account, _)| *account).collect::<Vec<_>>(),
        accounts.each_ref().map(|(account, _)| *account),
        "the table's rows"
    );
    let checked: BTreeSet<ConditionType> =
        accounts.iter().flat_map(|(_, target)| of_checks(target)).chain(of_checks(&metrics)).collect();
    for ((account, cell), (_, target)) in rows.iter().zip(&accounts) {
        let all_but = cell.strip_prefix("all below except ");
        let said: BTreeSet<ConditionType> = match all_but {
            Some(others) => ConditionType::ALL
                .iter()
                .copied()
                .collect::<BTreeSet<_>>()
                .difference(&named(others))
                .copied()
                .collect(),
            None => named(cell),
        };
        let said: BTreeSet<ConditionType> =
            said.into_iter().filter(|type_| *type_ != ConditionType::MetricsReadable).collect();
        let found = of_checks(target);
        assert_eq!(said.intersection(&checked).copied().collect::<BTreeSet<_>>(), found, "{account}");
        if target.report.is_none() {
            let others: Vec<_> = said.difference(&checked).copied().collect();
            assert_eq!(others, [ConditionType::Ready], "{account}: what is no check's");
        }
    }
    assert!(of_checks(&metrics).contains(&ConditionType::MetricsReadable), "with metrics only");
}
