//! What is asked, and what comes of it.

mod tags;

use std::sync::Arc;

use arrow::array::{RecordBatch, TimestampMicrosecondArray};

use super::*;
use crate::{
    model::{Amount, ConnectionKey},
    schema::{COSTS, fold},
    warehouse::{
        Reading, Slot, TagKey,
        conformance::{
            Load,
            rows::{self, Row},
            slot,
        },
        ledger::{LedgerRow, Rounded},
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
    let bills: Vec<_> = slots.iter().map(|(connection, rows)| Bill::of(connection, rows.clone())).collect();
    ask_of(metric, group_by, &bills)
}

/// A loaded bill: its rows, its tag keys as the source spelled them, and what the ledger says of it.
struct Bill<'a> {
    slot: Slot,
    rows: Vec<Row<'a>>,
    keys: Vec<TagKey>,
    ledger: Option<LedgerRow>,
}

impl<'a> Bill<'a> {
    fn of(connection: &str, rows: Vec<Row<'a>>) -> Self {
        Self { slot: slot(connection, "2026-10"), rows, keys: Vec::new(), ledger: None }
    }

    fn period(mut self, period: &str) -> Self {
        self.slot.period = period.parse().expect("a period");
        self
    }

    /// With tag keys, each as the source spelled it and with the rows on which it met another of its name.
    fn keys(mut self, keys: &[(&str, u64)]) -> Self {
        let key = |&(original, collisions): &(&str, u64)| TagKey {
            original: original.to_owned(),
            folded: fold(original),
            collisions,
        };
        self.keys = keys.iter().map(key).collect();
        self
    }

    fn ledger(mut self, change: impl FnOnce(&mut LedgerRow)) -> Self {
        let mut row = Load::of(self.slot.connection.as_str(), "v1", &[]).row();
        row.period = self.slot.period;
        change(&mut row);
        self.ledger = Some(row);
        self
    }
}

fn ask_of(metric: Metric, group_by: &str, bills: &[Bill<'_>]) -> Answer {
    let mut tally = CostTally::new(metric, group_by.parse().expect("a grouping"));
    let columns = tally.columns();
    for bill in bills {
        let batch = rows::batch(&COSTS, &bill.rows);
        let indices: Vec<_> =
            columns.iter().map(|name| batch.schema().index_of(name).expect("ours")).collect();
        let batch = batch.project(&indices).expect("columns");
        tally.add(&bill.slot, &batch).expect("rows are taken");
        tally.learn(&bill.slot, bill.keys.clone());
    }
    let ledger = bills.iter().filter_map(|bill| bill.ledger.clone()).collect();
    tally.answer(&Reading { table_version: Some(7), ledger, unreadable: Vec::new() }).expect("an answer")
}

fn amount(text: &str) -> Amount {
    text.parse().expect("an amount")
}

/// `connection/currency/name=cost` of each group.
fn told(groups: &[CostGroup]) -> Vec<String> {
    let text = |group: &CostGroup| {
        let connection = group.connection.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = group.name.as_deref().unwrap_or("-");
        let cost = group.cost.map_or_else(|| "-".to_owned(), |cost| cost.to_string());
        format!("{connection}/{}/{name}={cost}", group.currency)
    };
    groups.iter().map(text).collect()
}

#[test]
fn groupings_and_their_spellings() {
    let tag = |key: &str| Ok(format!("tag:{key}"));
    for (text, expected) in [
        ("service", Ok("service".to_owned())),
        ("line-item-type", Ok("line-item-type".to_owned())),
        ("tag:Owner", tag("user_owner")),
        ("tag:user:Owner", tag("user_owner")),
        ("tag:user_owner", tag("user_owner")),
        ("tag:aws:createdBy", tag("aws_created_by")),
        ("tag:cost-center", tag("user_cost_center")),
    ] {
        assert_eq!(text.parse::<GroupBy>().map(|group_by| group_by.to_string()), expected, "{text}");
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
fn a_time_that_no_calendar_has_is_a_day_of_its_own() {
    let mut tally = CostTally::new(Metric::Unblended, "day".parse().expect("a grouping"));
    let batch = rows::batch(&COSTS, &[row(&[]), row(&[]), row(&[])]);
    let times = TimestampMicrosecondArray::from(vec![1_792_828_800_000_000, i64::MAX, i64::MIN]);
    let mut columns = batch.columns().to_vec();
    columns[batch.schema().index_of("line_item_usage_start_date").expect("ours")] =
        Arc::new(times.with_timezone("UTC"));
    let batch = RecordBatch::try_new(batch.schema(), columns).expect("the same shape");
    tally.add(&slot("a", "2026-10"), &batch).expect("rows are taken");
    let answer = tally
        .answer(&Reading { table_version: Some(7), ledger: Vec::new(), unreadable: Vec::new() })
        .expect("an answer, no panic");
    assert_eq!(told(&answer.groups), ["/USD/2026-10-24=1", "/USD/day -106751992=1", "/USD/day 106751991=1"]);
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
        assert_eq!(answer.totals[0].cost, Some(amount(total)), "{metric}");
        let rows: u64 = answer.rows_without_cost.iter().map(|of| of.rows).sum();
        assert_eq!((rows, answer.totals[0].rows_without_cost), (without, without), "{metric}");
    }
}

#[test]
fn a_sum_past_the_last_digit_is_an_error_and_no_number() {
    let most = row(&[("line_item_unblended_cost", "99999999999999999999")]);
    let mut tally = CostTally::new(Metric::Unblended, GroupBy::Service);
    let batch = rows::batch(&COSTS, &[most.clone(), most]);
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

/// A bill of 110 unblended, 60 of it for a savings plan and 40 for a reservation, without the columns that say so.
fn without_commitments() -> Vec<Row<'static>> {
    let of =
        |line_type, cost| row(&[("line_item_line_item_type", line_type), ("line_item_unblended_cost", cost)]);
    vec![
        of("Usage", "10"),
        of("SavingsPlanCoveredUsage", "100"),
        of("SavingsPlanNegation", "-100"),
        of("SavingsPlanRecurringFee", "60"),
        of("DiscountedUsage", "0"),
        of("RIFee", "40"),
    ]
}

#[test]
fn rows_without_amortized_cost_are_counted_by_load() {
    let with = row(&[
        ("line_item_line_item_type", "SavingsPlanCoveredUsage"),
        ("savings_plan_savings_plan_effective_cost", "5"),
    ]);
    let bills = [Bill::of("a", without_commitments()), Bill::of("a", vec![with]).period("2026-11")];
    let answer = ask_of(Metric::Amortized, "line-item-type", &bills);
    assert_eq!(answer.rows_without_cost.len(), 1, "November has the columns");
    let lacking = &answer.rows_without_cost[0];
    assert_eq!(
        (lacking.connection.to_string(), lacking.period.to_string()),
        ("a".to_owned(), "2026-10".to_owned())
    );
    assert_eq!(lacking.rows, 4);
    assert_eq!(
        lacking.columns,
        [
            "reservation_effective_cost",
            "reservation_unused_amortized_upfront_fee_for_billing_period",
            "reservation_unused_recurring_fee",
            "savings_plan_savings_plan_effective_cost",
            "savings_plan_total_commitment_to_date",
            "savings_plan_used_commitment",
        ]
    );
    assert_eq!(
        told(&answer.groups),
        [
            "/USD/Usage=10",
            "/USD/SavingsPlanCoveredUsage=5",
            "/USD/SavingsPlanNegation=0",
            "/USD/DiscountedUsage=-",
            "/USD/RIFee=-",
            "/USD/SavingsPlanRecurringFee=-",
        ]
    );
    assert_eq!((told(&answer.totals), answer.totals[0].rows_without_cost), (vec!["/USD/-=15".to_owned()], 4));
}

#[test]
fn a_fee_has_an_amortized_cost_only_where_the_bill_says_what_it_is_for() {
    let fee = row(&[("line_item_line_item_type", "Fee"), ("line_item_unblended_cost", "500")]);
    let reserved = |arn| {
        let mut row = row(&[
            ("line_item_line_item_type", "RIFee"),
            ("reservation_unused_amortized_upfront_fee_for_billing_period", "2"),
            ("reservation_unused_recurring_fee", "1"),
        ]);
        if let Some(arn) = arn {
            row.insert("reservation_reservation_a_r_n", arn);
        }
        row
    };
    let lacks = |row: &mut LedgerRow| row.missing_columns = vec!["reservation_reservation_a_r_n".to_owned()];
    for (what, bill, total, without) in [
        ("no reservation at all", Bill::of("a", vec![fee.clone()]), Some("500"), 0),
        ("reservations have names", Bill::of("a", vec![fee.clone(), reserved(Some("arn"))]), Some("503"), 0),
        ("one has none", Bill::of("a", vec![fee.clone(), reserved(None)]), Some("3"), 1),
        ("the report has no such column", Bill::of("a", vec![fee.clone()]).ledger(lacks), None, 1),
    ] {
        let answer = ask_of(Metric::Amortized, "service", &[bill]);
        assert_eq!(answer.totals[0].cost, total.map(amount), "{what}");
        assert_eq!(answer.totals[0].rows_without_cost, without, "{what}");
        let columns = answer.rows_without_cost.iter().flat_map(|of| &of.columns).copied();
        let expected = if without > 0 { vec!["reservation_reservation_a_r_n"] } else { Vec::new() };
        assert_eq!(columns.collect::<Vec<_>>(), expected, "{what}");
    }
    let unblended = ask_of(Metric::Unblended, "service", &[Bill::of("a", vec![fee]).ledger(lacks)]);
    assert_eq!(unblended.totals[0].cost, Some(amount("500")), "an unblended cost takes no reservation");
}

#[test]
fn a_bill_without_net_costs_has_no_net_sum() {
    let answer = ask(Metric::Net, "service", &[("a", vec![row(&[]), row(&[])])]);
    assert_eq!(
        (told(&answer.groups), told(&answer.totals)),
        (vec!["/USD/AmazonEC2=-".to_owned()], vec!["/USD/-=-".to_owned()])
    );
    assert_eq!(answer.rows_without_cost[0].columns, ["line_item_net_unblended_cost"]);
}

#[test]
fn nothing_at_all_is_added_up_across_connections_that_overlap() {
    let bill = || {
        vec![row(&[]), row(&[("line_item_line_item_type", "Credit"), ("line_item_net_unblended_cost", "-4")])]
    };
    let answer = ask(Metric::Net, "service", &[("payer", bill()), ("member", bill())]);
    let included: Vec<_> = answer
        .included
        .iter()
        .map(|of| format!("{:?} {}={} ({})", of.connection, of.line_item_type, of.cost, of.rows))
        .collect();
    let expected = |key: &str| format!("{:?} Credit=-4 (1)", key.parse::<ConnectionKey>().ok());
    assert_eq!(included, [expected("member"), expected("payer")]);
    let without: Vec<_> =
        answer.rows_without_cost.iter().map(|of| (of.connection.to_string(), of.rows)).collect();
    assert_eq!(without, [("member".to_owned(), 1), ("payer".to_owned(), 1)]);
}

#[test]
fn roundings_of_the_summed_columns_are_told_by_load() {
    let rounded = |row: &mut LedgerRow| {
        let of = |values, effect: &str| Rounded { values, effect: effect.to_owned() };
        row.rounded.insert("line_item_unblended_cost".to_owned(), of(3, "-0.0000000000000000012"));
        row.rounded.insert("line_item_usage_amount".to_owned(), of(1, "0"));
        row.rounded.insert("reservation_effective_cost".to_owned(), of(2, "0.0000000000000000001"));
    };
    let bill = || Bill::of("a", vec![row(&[])]).ledger(rounded);
    for (metric, expected) in [
        (Metric::Unblended, &["line_item_unblended_cost 3 -0.0000000000000000012"][..]),
        (Metric::Net, &[]),
        (
            Metric::Amortized,
            &[
                "line_item_unblended_cost 3 -0.0000000000000000012",
                "reservation_effective_cost 2 0.0000000000000000001",
            ],
        ),
    ] {
        let answer = ask_of(metric, "service", &[bill()]);
        let told: Vec<_> =
            answer.rounded.iter().map(|of| format!("{} {} {}", of.column, of.values, of.effect)).collect();
        assert_eq!(told, expected, "{metric}");
    }
}
