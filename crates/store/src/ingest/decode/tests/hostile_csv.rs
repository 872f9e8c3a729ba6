//! csv files that are broken or meant to do harm: each gives its own error, with the file, and the row where there is one.

use super::*;

const KEY: &str = "cur/part-00001";

/// The message for a file of these bytes.
fn refusal(file: &MemoryFile, limits: Limits) -> String {
    let job = DecodeJob { limits, ..job(DecodedFormat::CsvGzip) };
    decode(file, &job).map(|decoded| decoded.report).expect_err("a refusal").to_string()
}

#[test]
fn broken_packing() {
    let good = gzip(sheet(&[("lineItem/LineItemDescription", &"lorem ipsum ".repeat(100))]));
    let cut = |bytes: &[u8], less: usize| bytes[..bytes.len() - less].to_vec();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let checksum = good.len() - 6;
    for (name, bytes, expected) in [
        ("cut in the middle", cut(&good, good.len() / 2), "is damaged: it is cut short"),
        ("cut before the checksum", cut(&good, 8), "is damaged: it is cut short"),
        ("cut in the checksum", cut(&good, 3), "is damaged: it is cut short"),
        ("a wrong checksum", flipped(checksum), "is damaged: corrupt gzip stream"),
        ("garbage behind it", [good.clone(), b"garbage".to_vec()].concat(), "is damaged: "),
        ("a second member cut short", [good.clone(), cut(&good, 20)].concat(), "is damaged: it is cut short"),
        ("an empty object", vec![], "is empty: zero bytes"),
        ("nothing inside", gzip(""), "has no header line"),
        ("a blank line inside", gzip("\n"), "has no header line"),
        ("a zip archive", b"PK\x03\x04 and more".to_vec(), "is a zip archive, not gzip-compressed csv"),
        ("plain csv", sheet(&[]).into_bytes(), "is plain text, not gzip-compressed csv"),
        ("Parquet", b"PAR1....PAR1".to_vec(), "is Parquet, not gzip-compressed csv"),
        ("something else", vec![0xff, 0xd8, 0xff], "is of an unknown format"),
        ("gzip of gzip", gzip(&good), "cur/part-00001"),
    ] {
        let message = refusal(&MemoryFile::new(bytes), Limits::default());
        assert!(message.starts_with(KEY) && message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn a_source_that_fails() {
    let bytes = gzip(sheet(&[]));
    let size = bytes.len() as u64;
    let listed = |listed| MemoryFile { listed: Some(listed), ..MemoryFile::new(bytes.clone()) };
    let replaced = MemoryFile { replaced_after: Some(20), ..MemoryFile::new(bytes.clone()) };
    for (name, file, expected) in [
        ("less than listed", listed(size + 1), "failed to read cur/part-00001: "),
        ("more than listed", listed(size - 1), "failed to read cur/part-00001: "),
        ("replaced while read", replaced, "cur/part-00001 changed while it was read"),
    ] {
        let fault = decode(&file, &job(DecodedFormat::CsvGzip)).expect_err("a refusal");
        assert!(matches!(fault, DecodeFault::Source(_)), "{name}: {fault}");
        assert!(fault.to_string().starts_with(expected), "{name}: {fault}");
    }
}

#[test]
fn bombs_and_giants() {
    let limits = Limits::default();
    let repeated = sheet(&[("lineItem/LineItemDescription", &"a".repeat(900_000))]);
    let (header, line) = repeated.split_once('\n').expect("a header and a line");
    let bomb = gzip(format!("{header}\n{}", line.repeat(20)));
    let wide: Vec<String> = (0..2_100).map(|number| format!("c{number}")).collect();
    let long = |length: usize| sheet(&[("lineItem/LineItemDescription", &"ab".repeat(length / 2))]);
    let unclosed = format!("{}\"{}", sheet(&[]), "x,\n".repeat(1_000_000));
    let map = |keys: usize| {
        let entries: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":\"v\"")).collect();
        sheet(&[("resource_tags", &format!("{{{}}}", entries.join(",")))])
    };
    for (name, bytes, limits, expected) in [
        ("a bomb by ratio", bomb.clone(), limits.clone(), "more than 200 to 1"),
        (
            "a bomb by size",
            bomb,
            Limits { inflated: 1_000_000, ..limits.clone() },
            "more than 1000000 bytes after",
        ),
        ("a record too long", gzip(long(1 << 20)), limits.clone(), "row 2 is longer than 1048576 bytes"),
        (
            "a record far too long",
            gzip(long(9 << 20)),
            Limits { ratio: 10_000, ..limits.clone() },
            "row 2 is longer",
        ),
        ("a header too long", gzip("x".repeat(1 << 21)), limits.clone(), "row 1 is longer"),
        ("a header without end", gzip("x".repeat(1 << 22)), limits.clone(), "row 1 is longer"),
        ("too many columns", gzip(wide.join(",") + "\n"), limits.clone(), "2100 columns, more than 2000"),
        (
            "a quote that swallows the rest",
            gzip(unclosed),
            limits.clone(),
            "row 3 is longer than 1048576 bytes; is a quote",
        ),
        (
            "too many keys",
            gzip(map(50)),
            Limits { map_keys: 40, ..limits },
            "more than 40 keys in a map column",
        ),
    ] {
        let message = refusal(&MemoryFile::new(bytes), limits);
        assert!(message.starts_with("cur/part-00001 passes a limit: "), "{name}: {message}");
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn broken_records() {
    let good = sheet(&[]);
    let line = good.lines().nth(1).expect("a line").to_owned();
    let with = |cell: &str| {
        let text = sheet_of(&[
            &[("lineItem/LineItemDescription", "x")],
            &[("lineItem/LineItemDescription", "CELL")],
        ]);
        text.replace("CELL", cell)
    };
    let place = "row 3, column lineItem/LineItemDescription";
    for (name, text, expected) in [
        ("too few cells", format!("{good}{}\n", &line[21..]), "row 3: 7 cells where the header has 8"),
        ("too many cells", format!("{good}{line},\n"), "row 3: 9 cells where the header has 8"),
        ("one cell", format!("{good}x\n"), "row 3: 1 cells where the header has 8"),
        ("a last line cut short", format!("{good}{}", &line[..30]), "row 3: 2 cells where the header has 8"),
        ("a quote not closed", with("\"x"), "a quote in row 3 is not closed at the end of the file"),
        ("a quote within text", with("5\"\" disk"), place),
        ("text behind a quote", with("\"x\"y"), place),
        ("a lone quote in quotes", with("\"a\"b\"\""), place),
    ] {
        let message = refusal(&MemoryFile::new(gzip(text)), Limits::default());
        assert!(message.starts_with(KEY) && message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn broken_headers() {
    let without = |name: &str| {
        let columns = REQUIRED.iter().filter(|(column, _)| *column != name);
        let (names, cells): (Vec<&str>, Vec<&str>) = columns.copied().unzip();
        format!("{}\n{}\n", names.join(","), cells.join(","))
    };
    for (name, text, expected) in [
        (
            "no cost",
            without("lineItem/UnblendedCost"),
            "lacks the columns line_item_unblended_cost: add them",
        ),
        ("no currency", without("lineItem/CurrencyCode"), "lacks the columns line_item_currency_code"),
        (
            "another file",
            "a,b\n1,2\n".to_owned(),
            "lacks the columns bill_billing_period_start_date, bill_payer",
        ),
        ("a column twice", sheet(&[("a", ""), ("a", "")]), "has the column a twice"),
        (
            "a cost twice",
            sheet(&[("line_item_unblended_cost", "9")]),
            "has the column line_item_unblended_cost twice",
        ),
        ("a time twice", sheet(&[("lineItem/UsageEndDate", ""), ("lineitem/UsageEnd-Date", "")]), "twice"),
        ("a stray quote", sheet(&[]).replacen("bill/", "b\"ill/", 1), "row 1"),
    ] {
        let message = refusal(&MemoryFile::new(gzip(text)), Limits::default());
        assert!(message.starts_with(KEY) && message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn cells_that_are_not_what_their_column_takes() {
    let cost = "lineItem/UnblendedCost";
    let start = "lineItem/UsageStartDate";
    for (header, cell, expected) in [
        (cost, "NaN", "\"NaN\" is refused: not a decimal number"),
        (cost, "Infinity", "\"Infinity\" is refused: not a decimal number"),
        (cost, "1,000.00", "\"1,000.00\" is refused"),
        (cost, "0x1F", "is refused"),
        (cost, " 1", "is refused"),
        (cost, "1.2.3", "is refused"),
        (cost, "1e99999", "is refused"),
        (cost, "100000000000000000000", "is refused: more than 20 integer digits"),
        (cost, "1e30", "is refused: more than 20 integer digits"),
        (start, "2026-10-24", "is not a time"),
        (start, "yesterday", "is not a time"),
        (start, "2026-06-30T23:59:60Z", "is not a time"),
        (start, "0000-10-24T08:00:00Z", "is outside the years 1 to 9999"),
        (start, "9999-12-31T23:30:00-01:00", "is outside the years 1 to 9999"),
        ("resource_tags", "[]", "is not a map: it does not start with {"),
        ("resource_tags", "{\"a\":{\"b\":\"c\"}}", "is not a map"),
        ("discount", "{\"a\":\"lots\"}", "is refused: not a decimal number"),
        ("discount/EdpDiscount", "lots", "is refused: not a decimal number"),
    ] {
        let message = refusal(&MemoryFile::new(gzip(sheet(&[(header, cell)]))), Limits::default());
        let place = format!("cur/part-00001, row 2, column {header}: ");
        assert!(message.starts_with(&place) && message.contains(expected), "{header} {cell}: {message}");
    }
}

#[test]
fn a_value_is_shown_short() {
    let long = "9".repeat(5_000);
    let message =
        refusal(&MemoryFile::new(gzip(sheet(&[("lineItem/UnblendedCost", &long)]))), Limits::default());
    assert!(message.len() < 250 && message.contains("999…"), "{message}");
}

#[test]
fn bytes_that_are_no_text() {
    let text =
        sheet_of(&[&[("lineItem/LineItemDescription", "x")], &[("lineItem/LineItemDescription", "good§")]]);
    let broken: Vec<u8> = text.bytes().filter(|byte| *byte != 0xa7).collect();
    let message = refusal(&MemoryFile::new(gzip(broken)), Limits::default());
    assert_eq!(
        message,
        "cur/part-00001, row 3, column lineItem/LineItemDescription: \"good\u{fffd}\" is not UTF-8"
    );
    let header: Vec<u8> = sheet(&[("gr§n", "")]).bytes().filter(|byte| *byte != 0xa7).collect();
    let message = refusal(&MemoryFile::new(gzip(header)), Limits::default());
    assert!(message.starts_with("cur/part-00001, row 1, "), "{message}");
}

#[test]
fn sums_that_pass_38_digits_are_refused_not_wrapped() {
    let row: &[(&str, &str)] = &[("lineItem/UnblendedCost", "99999999999999999999")];
    let message = refusal(&MemoryFile::new(gzip(sheet_of(&[row, row]))), Limits::default());
    assert!(
        message.contains("the sum of line_item_unblended_cost has more than 20 integer digits"),
        "{message}"
    );
}

#[test]
fn a_sink_that_refuses_ends_the_decoding() {
    let file = MemoryFile::new(gzip(sheet(&[])));
    let stopped =
        decode_file(&file, &job(DecodedFormat::CsvGzip), &mut |_| Err("full")).map(|report| report.rows);
    assert!(matches!(stopped, Err(Stopped::Sink("full"))), "{stopped:?}");
}
