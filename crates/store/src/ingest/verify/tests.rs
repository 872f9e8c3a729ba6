//! What `verify` must do, case by case.

use super::*;
use crate::{
    ingest::{
        decode::tests::{decode_csv, sheet_of},
        tally::LineSum,
    },
    model::Amount,
    schema::COSTS,
};

fn tally_of(text: &str, pieces: usize) -> Result<FileTally, VerifyFault> {
    let mut tally = CsvTally::new(&COSTS.bill);
    for piece in text.as_bytes().chunks(pieces) {
        tally.push(piece)?;
    }
    tally.finish()
}

#[test]
fn bytes_may_be_cut_anywhere() {
    let row: &[(&str, &str)] =
        &[("lineItem/LineItemDescription", "a \"quoted\", and\nbroken €"), ("lineItem/UsageAmount", "1e-7")];
    let text = sheet_of(&[row, row]);
    let whole = tally_of(&text, text.len()).expect("a legal sheet");
    assert_eq!(whole.rows(), 2);
    for pieces in 1..20 {
        assert_eq!(tally_of(&text, pieces), Ok(whole.clone()), "{pieces}");
    }
    assert_eq!(decode_csv(&text).expect("a legal sheet").tally().files[0], whole);
}

#[test]
fn what_it_cannot_follow_is_a_fault() {
    let good = sheet_of(&[&[]]);
    for (text, expected) in [
        (good.replace("1.5", "one"), "row 2: \"one\" in line_item_unblended_cost is not a number"),
        (format!("{good}x\n"), "row 3 has 1 cells, the header 8"),
        (format!("{good}\"x"), "row 3 ends inside quotes"),
    ] {
        let message = tally_of(&text, 7).expect_err("a fault").to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_single_changed_row_is_found() {
    let key = |line_type: &str| LineKey { currency: "USD".to_owned(), line_type: line_type.to_owned() };
    let line = |rows: u64, units: i128| {
        let mut line = LineSums { rows, ..LineSums::new(COSTS.bill.summed.len()) };
        line.sums[0] = LineSum { values: rows, total: Amount::from_units(units) };
        line
    };
    let file = |lines: &[(&str, LineSums)]| FileTally {
        lines: lines.iter().map(|(line_type, line)| (key(line_type), line.clone())).collect(),
    };
    let source = [file(&[("Tax", line(1, 5)), ("Usage", line(2, 10))]), file(&[])];
    let check = |read_back: &[FileTally]| {
        compare(COSTS.bill.summed, &["a.csv.gz", "b.csv.gz"], &source, read_back)
            .map_err(|differ| differ.to_string())
    };
    assert_eq!(check(&source), Ok(()));
    for (read_back, expected) in [
        (
            file(&[("Tax", line(1, 5)), ("Usage", line(1, 10))]),
            "a.csv.gz: the number of Usage rows in USD differ: 2 in the source, 1 read back",
        ),
        (
            file(&[("Tax", line(1, 5)), ("Usage", line(2, 11))]),
            "a.csv.gz: the sums of line_item_unblended_cost of Usage rows in USD differ: 0.00000000000000001 in the source, 0.000000000000000011 read back",
        ),
        (
            file(&[("Usage", line(2, 10))]),
            "a.csv.gz: the number of Tax rows in USD differ: 1 in the source, 0 read back",
        ),
        (
            file(&[("Tax", line(1, 5)), ("Usage", line(2, 10)), ("", line(1, 0))]),
            "a.csv.gz: the number of (none) rows in USD differ: 0 in the source, 1 read back",
        ),
    ] {
        assert_eq!(check(&[read_back, file(&[])]), Err(expected.to_owned()));
    }
    let moved = [file(&[("Tax", line(1, 5))]), file(&[("Usage", line(2, 10))])];
    assert!(check(&moved).is_err(), "rows must come back under their own file");
}

#[test]
fn its_names_are_the_contracts() {
    for SpelledColumn { name, legacy } in COSTS.bill.spelled() {
        let column = COSTS.columns.iter().find(|column| column.name == name);
        assert_eq!(column.and_then(|column| column.legacy), Some(legacy), "{name}");
    }
}
