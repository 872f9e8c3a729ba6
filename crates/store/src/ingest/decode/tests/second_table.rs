//! A report of another table: columns, maps, sums and checks follow the table that the job names.

use super::*;
use crate::{
    ingest::{right_bill::ExpectedBill, verify},
    model::{Amount, RowsWithout},
    warehouse::conformance::SECOND_TABLE,
};

const SHEET: &str = "BillingAccountId,SubAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory,BilledCost,EffectiveCost,Region,labels/Owner,NewColumn
111111111111,222222222222,EUR,2026-10-01T00:00:00Z,Usage,1.5,2,eu-west-1,alice,new
111111111111,222222222222,EUR,2026-10-01T00:00:00Z,Usage,0.25,,,,
111111111111,333333333333,EUR,2026-10-01T00:00:00Z,Tax,3,3,,,
";

fn decode_second(text: &str) -> Result<Decoded, DecodeFault> {
    let job = DecodeJob { table: &SECOND_TABLE, ..job(DecodedFormat::CsvGzip) };
    decode(&MemoryFile::new(gzip(text)), &job)
}

#[test]
fn its_columns_and_maps_are_filled_and_what_it_does_not_know_is_kept() {
    let decoded = decode_second(SHEET).expect("a legal sheet");
    let row = &decoded.rows()[0];
    let shown = |name: &str| row.get(name).map(String::as_str);
    assert_eq!(shown("billed_cost"), Some("1.5"));
    assert_eq!(shown("region_id"), Some("eu-west-1"), "by the name that it gave up");
    assert_eq!(shown("labels"), Some("owner=alice"));
    assert_eq!(shown("others"), Some("new_column=new"));
    assert_eq!(shown("manifest_id"), Some("5ca1ab1e"));
    let keys: Vec<String> = decoded.report.tag_keys.list().into_iter().map(|key| key.original).collect();
    assert_eq!(keys, ["Owner"]);
}

#[test]
fn its_totals_are_those_of_its_own_columns() {
    let amount = |text: &str| text.parse::<Amount>().expect("an amount");
    let decoded = decode_second(SHEET).expect("a legal sheet");
    let tally = decoded.tally();
    let totals = tally.currencies["EUR"];
    assert_eq!((totals.rows, totals.unblended), (3, amount("4.75")));
    assert_eq!((totals.net_unblended, totals.amortized), (None, None));
    let without = RowsWithout { unblended: 0, net_unblended: 3, amortized: 1 };
    assert_eq!(totals.rows_without, Some(without), "one row has no effective cost, and no row a net cost");
    assert!(!tally.invoiced(), "nothing in it tells");
    let source = std::slice::from_ref(&decoded.report.source);
    let summed = SECOND_TABLE.bill.summed;
    assert_eq!(verify::compare(summed, &["a"], source, &tally.files), Ok(()), "both decoders agree");
    let period = "2026-10".parse().expect("a period");
    let paid_by = |account: &str| ExpectedBill::PaidBy(account.to_owned()).check(&tally, period);
    assert_eq!(paid_by("111111111111"), Ok(()));
    let other = paid_by("999999999999").expect_err("another account's").to_string();
    assert!(other.starts_with("billing_account_id is 111111111111 on some rows"), "{other}");
}

#[test]
fn a_sheet_without_its_columns_is_refused_by_their_names() {
    let fault = decode_second(&SHEET.replace("BilledCost", "Cost")).expect_err("a column is missing");
    assert!(fault.to_string().contains("billed_cost"), "{fault}");
    let fault = decode_second(&SHEET.replace(",0.25,", ",x,")).expect_err("no number");
    assert!(fault.to_string().contains("BilledCost"), "{fault}");
    let lacking = SHEET.replace("Region,", "Zone,");
    let decoded = decode_second(&lacking).expect("a legal sheet");
    assert_eq!(decoded.report.missing_columns, ["region_id"]);
}
