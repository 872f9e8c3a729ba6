//! What `tally` must do, case by case.

use super::*;
use crate::{
    ingest::decode::tests::{decode_csv, sheet_of},
    model::RowsWithout,
    schema::COSTS,
};

fn tally(rows: &[&[(&str, &str)]]) -> Tally {
    decode_csv(sheet_of(rows)).expect("a legal sheet").tally()
}

fn amount(text: &str) -> Amount {
    text.parse().expect("a number")
}

#[test]
fn amortised_cost_by_line_type() {
    for (line_type, arn, expected) in [
        ("Usage", "", "1"),
        ("Tax", "", "1"),
        ("SomethingNew", "", "1"),
        ("Fee", "", "1"),
        ("Fee", "arn:aws:ec2:eu-central-1:123456789012:reserved-instances/x", "0"),
        ("SavingsPlanCoveredUsage", "", "2"),
        ("SavingsPlanRecurringFee", "", "20"),
        ("SavingsPlanNegation", "", "0"),
        ("SavingsPlanUpfrontFee", "", "0"),
        ("DiscountedUsage", "arn", "64"),
        ("RIFee", "arn", "384"),
    ] {
        let tally = tally(&[&[
            ("lineItem/LineItemType", line_type),
            ("lineItem/UnblendedCost", "1"),
            ("savingsPlan/SavingsPlanEffectiveCost", "2"),
            ("savingsPlan/TotalCommitmentToDate", "24"),
            ("savingsPlan/UsedCommitment", "4"),
            ("reservation/EffectiveCost", "64"),
            ("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod", "128"),
            ("reservation/UnusedRecurringFee", "256"),
            ("reservation/ReservationARN", arn),
        ]]);
        assert_eq!(tally.currencies["USD"].amortized, Some(amount(expected)), "{line_type} {arn}");
        assert_eq!(tally.currencies["USD"].unblended, amount("1"), "{line_type} {arn}");
    }
}

/// A bill of 110 unblended, 60 of it for a savings plan and 40 for a reservation, without the columns that say so.
const WITHOUT_COMMITMENTS: [(&str, &str); 6] = [
    ("Usage", "10"),
    ("SavingsPlanCoveredUsage", "100"),
    ("SavingsPlanNegation", "-100"),
    ("SavingsPlanRecurringFee", "60"),
    ("DiscountedUsage", "0"),
    ("RIFee", "40"),
];

#[test]
fn a_bill_without_the_columns_of_commitments_has_no_amortized_sum() {
    let cells = WITHOUT_COMMITMENTS
        .map(|(line_type, cost)| [("lineItem/LineItemType", line_type), ("lineItem/UnblendedCost", cost)]);
    let rows: Vec<&[(&str, &str)]> = cells.iter().map(|row| &row[..]).collect();
    let decoded = decode_csv(sheet_of(&rows)).expect("a legal sheet");
    assert_eq!(decoded.report.missing_columns, crate::schema::amortized::OPTIONAL_COLUMNS);
    let totals = decoded.tally().currencies["USD"];
    assert_eq!((totals.rows, totals.unblended), (6, amount("110")));
    assert_eq!((totals.amortized, totals.net_unblended), (None, None));
    let without = RowsWithout { unblended: 0, net_unblended: 6, amortized: 4 };
    assert_eq!(totals.rows_without, Some(without), "all but Usage and SavingsPlanNegation");
}

#[test]
fn one_row_that_lacks_a_part_is_enough_and_other_currencies_keep_their_sum() {
    let row = |currency: &'static str, upfront: &'static str| {
        [
            ("lineItem/CurrencyCode", currency),
            ("lineItem/LineItemType", "RIFee"),
            ("lineItem/UnblendedCost", "9"),
            ("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod", upfront),
            ("reservation/UnusedRecurringFee", "1"),
        ]
    };
    let rows = [row("USD", "2"), row("USD", ""), row("USD", "4"), row("EUR", "0")];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    let tally = tally(&rows);
    assert_eq!(tally.currencies["USD"].amortized, None);
    assert_eq!(tally.currencies["USD"].rows_without.map(|of| of.amortized), Some(1));
    assert_eq!(tally.currencies["EUR"].amortized, Some(amount("1")));
}

#[test]
fn a_fee_of_a_report_that_names_no_reservation_has_no_amortized_cost() {
    let fee = [("lineItem/LineItemType", "Fee"), ("lineItem/UnblendedCost", "500")];
    let batch = decode_csv(sheet_of(&[&fee])).expect("a legal sheet").batches.remove(0);
    for (unnamed, expected, without) in [(false, Some(amount("500")), 0), (true, None, 1)] {
        let mut tally = Tally::new(&COSTS, 1);
        if unnamed {
            tally.names_no_reservation(0);
        }
        tally.add(0, &batch).expect("batches have all columns");
        let totals = tally.currencies["USD"];
        let found = totals.rows_without.map(|of| of.amortized);
        assert_eq!((totals.amortized, found), (expected, Some(without)));
    }
}

#[test]
fn an_empty_cost_is_counted_beside_the_sum() {
    let row = |unblended: &'static str, net: &'static str| {
        [("lineItem/UnblendedCost", unblended), ("lineItem/NetUnblendedCost", net)]
    };
    let rows = [row("3", "2"), row("", "1"), row("4", "")];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    let totals = tally(&rows).currencies["USD"];
    assert_eq!(
        (totals.unblended, totals.net_unblended, totals.amortized),
        (amount("7"), Some(amount("3")), None)
    );
    assert_eq!(totals.rows_without, Some(RowsWithout { unblended: 1, net_unblended: 1, amortized: 1 }));
}

#[test]
fn currencies_and_line_types_stay_apart() {
    let row = |currency: &'static str, line_type: &'static str, cost: &'static str| {
        [
            ("lineItem/CurrencyCode", currency),
            ("lineItem/LineItemType", line_type),
            ("lineItem/UnblendedCost", cost),
        ]
    };
    let rows = [
        row("USD", "Usage", "1"),
        row("EUR", "Usage", "10"),
        row("USD", "Credit", "-0.5"),
        row("USD", "Usage", "2"),
        row("", "", "7"),
    ];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    let tally = tally(&rows);
    let lines: Vec<_> = tally.files[0]
        .lines
        .iter()
        .map(|(key, line)| {
            (key.currency.as_str(), key.line_type.as_str(), line.rows, line.sums[0].total.to_string())
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("", "", 1, "7".to_owned()),
            ("EUR", "Usage", 1, "10".to_owned()),
            ("USD", "Credit", 1, "-0.5".to_owned()),
            ("USD", "Usage", 2, "3".to_owned()),
        ]
    );
    assert_eq!(tally.currencies["USD"].unblended, amount("2.5"));
    assert_eq!(tally.currencies["USD"].net_unblended, None);
    assert_eq!((tally.rows(), tally.files[0].rows()), (5, 5));
}

#[test]
fn who_and_when() {
    let row = |payer: &'static str, usage: &'static str, start: &'static str| {
        [
            ("bill/PayerAccountId", payer),
            ("lineItem/UsageAccountId", usage),
            ("bill/BillingPeriodStartDate", start),
        ]
    };
    let rows =
        [row("1", "3", "2026-10-01T00:00:00Z"), row("2", "", "2026-11-01T00:00:00Z"), row("1", "4", "")];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    let tally = tally(&rows);
    assert_eq!(tally.payers.values.iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(tally.usage_accounts.values.iter().collect::<Vec<_>>(), ["", "3", "4"]);
    assert_eq!(tally.period_starts.len(), 3);
    assert!(tally.period_starts.contains(&None) && !tally.payers.more);
}

#[test]
fn invoiced_means_every_anniversary_row() {
    let row = |bill_type: &'static str, invoice: &'static str| {
        [("bill/BillType", bill_type), ("bill/InvoiceId", invoice)]
    };
    for (rows, expected) in [
        (&[row("Anniversary", "7"), row("Purchase", "")][..], true),
        (&[row("Anniversary", "7"), row("Anniversary", "")], false),
        (&[row("Purchase", "7")], false),
    ] {
        let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
        assert_eq!(tally(&rows).invoiced(), expected, "{rows:?}");
    }
}

#[test]
fn a_batch_without_the_columns_is_refused() {
    let batch = decode_csv(sheet_of(&[&[]])).expect("a legal sheet").batches.remove(0);
    let without = batch.project(&[0, 1, 2]).expect("three columns");
    assert_eq!(Tally::new(&COSTS, 1).add(0, &without), Err(TallyFault::Column("line_item_currency_code")));
    let columns: Vec<usize> = COSTS
        .bill
        .tallied()
        .into_iter()
        .map(|name| batch.schema().index_of(name).expect("a column"))
        .collect();
    assert_eq!(Tally::new(&COSTS, 1).add(0, &batch.project(&columns).expect("these columns")), Ok(()));
}
