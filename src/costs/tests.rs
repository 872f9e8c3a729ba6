//! What is asked, and what comes of it.

use super::*;
use crate::{
    model::Amount,
    warehouse::{
        Reading,
        conformance::{
            rows::{self, Row},
            slot,
        },
    },
};

/// A usage row of one dollar on the first, changed by the given cells.
fn row<'a>(cells: &[(&'a str, &'a str)]) -> Row<'a> {
    let mut row: Row<'a> = [
        ("line_item_currency_code", "USD"),
        ("line_item_line_item_type", "Usage"),
        ("line_item_usage_account_id", "111111111111"),
        ("line_item_product_code", "AmazonEC2"),
        ("line_item_usage_start_date", "2026-10-01T00:00:00Z"),
        ("line_item_unblended_cost", "1"),
    ]
    .into();
    row.extend(cells.iter().copied());
    row
}

fn ask(metric: Metric, group_by: &str, slots: &[(&str, Vec<Row<'_>>)]) -> Answer {
    let mut tally = Tally::new(metric, group_by.parse().expect("a grouping"));
    let columns = tally.columns();
    for (connection, rows) in slots {
        let batch = rows::batch(rows);
        let indices: Vec<_> =
            columns.iter().map(|name| batch.schema().index_of(name).expect("ours")).collect();
        let batch = batch.project(&indices).expect("columns");
        tally.add(&slot(connection, "2026-10"), &batch).expect("rows are taken");
    }
    tally.answer(&Reading { table_version: Some(7), ledger: Vec::new() }).expect("an answer")
}

fn amount(text: &str) -> Amount {
    text.parse().expect("an amount")
}

/// `connection/currency/name=cost` of each group.
fn told(groups: &[Group]) -> Vec<String> {
    let text = |group: &Group| {
        let connection = group.connection.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = group.name.as_deref().unwrap_or("-");
        format!("{connection}/{}/{name}={}", group.currency, group.cost)
    };
    groups.iter().map(text).collect()
}

#[test]
fn groupings_and_their_spellings() {
    let tag = |key: &str| Ok(GroupBy::Tag(key.to_owned()));
    for (text, expected) in [
        ("service", Ok(GroupBy::Service)),
        ("line-item-type", Ok(GroupBy::LineItemType)),
        ("tag:Owner", tag("user_owner")),
        ("tag:user:Owner", tag("user_owner")),
        ("tag:user_owner", tag("user_owner")),
        ("tag:aws:createdBy", tag("aws_created_by")),
        ("tag:cost-center", tag("user_cost_center")),
    ] {
        assert_eq!(text.parse::<GroupBy>(), expected, "{text}");
    }
    for bad in ["", "Service", "tag:", "tag:-", "region"] {
        assert!(bad.parse::<GroupBy>().is_err(), "{bad}");
    }
}

#[test]
fn every_row_counts_and_the_unusual_are_named() {
    let answer = ask(
        Metric::Unblended,
        "service",
        &[(
            "a",
            vec![
                row(&[("line_item_unblended_cost", "10.000000000000000001")]),
                row(&[("line_item_line_item_type", "Credit"), ("line_item_unblended_cost", "-4")]),
                row(&[("line_item_line_item_type", "Tax"), ("line_item_unblended_cost", "2")]),
                row(&[("line_item_unblended_cost", "-0.5"), ("line_item_product_code", "AmazonS3")]),
                row(&[("line_item_line_item_type", "EdpDiscount"), ("line_item_unblended_cost", "-1")]),
            ],
        )],
    );
    assert_eq!(told(&answer.groups), ["/USD/AmazonEC2=7.000000000000000001", "/USD/AmazonS3=-0.5"]);
    assert_eq!(told(&answer.totals), ["/USD/-=6.500000000000000001"]);
    let included: Vec<_> =
        answer.included.iter().map(|of| format!("{}={} ({})", of.line_item_type, of.cost, of.rows)).collect();
    assert_eq!(included, ["Credit=-4 (1)", "EdpDiscount=-1 (1)", "Tax=2 (1)", "Usage=-0.5 (1)"]);
    assert_eq!(answer.table_version, Some(7));
}

#[test]
fn currencies_are_never_added_up() {
    let yuan = row(&[("line_item_currency_code", "CNY"), ("line_item_unblended_cost", "7")]);
    let answer = ask(Metric::Unblended, "service", &[("a", vec![row(&[]), yuan, row(&[])])]);
    assert_eq!(told(&answer.groups), ["/CNY/AmazonEC2=7", "/USD/AmazonEC2=2"]);
    assert_eq!(told(&answer.totals), ["/CNY/-=7", "/USD/-=2"]);
}

#[test]
fn days_are_utc_days_of_the_usage_start_in_order() {
    let at = |time| row(&[("line_item_usage_start_date", time)]);
    let times = [
        "2026-10-02T00:00:00Z",
        "2026-10-01T23:59:59Z",
        "2026-09-30T22:00:00-02:00",
        "2026-10-01T01:00:00+02:00",
    ];
    let answer = ask(Metric::Unblended, "day", &[("a", times.map(at).to_vec())]);
    assert_eq!(told(&answer.groups), ["/USD/2026-09-30=1", "/USD/2026-10-01=2", "/USD/2026-10-02=1"]);
}

#[test]
fn rows_without_the_tag_stand_by_themselves() {
    let tagged = |tags| row(&[("resource_tags", tags)]);
    let rows =
        vec![tagged("user_owner=bob;user_team=x"), tagged("user_team=y"), tagged("user_owner=bob"), row(&[])];
    let answer = ask(Metric::Unblended, "tag:Owner", &[("a", rows)]);
    assert_eq!(told(&answer.groups), ["/USD/-=2", "/USD/bob=2"]);
}

#[test]
fn connections_that_share_no_account_are_added_up() {
    let other = row(&[("line_item_usage_account_id", "222222222222")]);
    let answer = ask(Metric::Unblended, "service", &[("a", vec![row(&[])]), ("b", vec![other])]);
    assert_eq!(told(&answer.groups), ["/USD/AmazonEC2=2"]);
    assert!(answer.overlaps.is_empty());
}

#[test]
fn connections_that_share_an_account_are_kept_apart() {
    let answer = ask(Metric::Unblended, "account", &[("payer", vec![row(&[])]), ("member", vec![row(&[])])]);
    assert_eq!(told(&answer.groups), ["member/USD/111111111111=1", "payer/USD/111111111111=1"]);
    assert_eq!(told(&answer.totals), ["member/USD/-=1", "payer/USD/-=1"]);
    assert_eq!(answer.overlaps.len(), 1);
    assert_eq!(answer.overlaps[0].account, "111111111111");
    assert_eq!(answer.overlaps[0].connections.len(), 2);
}

#[test]
fn each_metric_reads_its_own_columns() {
    let covered = row(&[
        ("line_item_line_item_type", "SavingsPlanCoveredUsage"),
        ("line_item_unblended_cost", "9"),
        ("line_item_net_unblended_cost", "8"),
        ("savings_plan_savings_plan_effective_cost", "5.5"),
    ]);
    let rows = vec![covered, row(&[])];
    for (metric, total, without) in
        [(Metric::Unblended, "10", 0), (Metric::Net, "8", 1), (Metric::Amortized, "6.5", 0)]
    {
        let answer = ask(metric, "service", &[("a", rows.clone())]);
        assert_eq!(answer.totals[0].cost, amount(total), "{metric}");
        assert_eq!(answer.rows_without_cost, without, "{metric}");
    }
}

#[test]
fn a_sum_past_the_last_digit_is_an_error_and_no_number() {
    let most = row(&[("line_item_unblended_cost", "99999999999999999999")]);
    let mut tally = Tally::new(Metric::Unblended, GroupBy::Service);
    let batch = rows::batch(&[most.clone(), most]);
    let fault = tally.add(&slot("a", "2026-10"), &batch).expect_err("too large");
    assert_eq!(fault, CostsFault::TooLarge { currency: "USD".to_owned() });
}

#[test]
fn json_amounts_are_text() {
    let answer = ask(Metric::Unblended, "tag:Owner", &[("a", vec![row(&[])])]);
    let json = serde_json::to_value(&answer).expect("JSON");
    assert_eq!(json["groups"][0]["cost"], "1");
    assert_eq!(json["groups"][0]["name"], serde_json::Value::Null);
    assert_eq!(json["groupBy"], "tag:user_owner");
}
