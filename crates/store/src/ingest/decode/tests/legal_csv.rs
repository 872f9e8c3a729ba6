//! csv files that are unusual and right, and what the stable table makes of them.

use proptest::prelude::*;

use super::*;

/// One column of the single row of a sheet.
fn one(cells: &[(&str, &str)], column: &str) -> Option<String> {
    let decoded = decode_csv(sheet(cells)).expect("a legal sheet");
    decoded.rows().remove(0).remove(column)
}

#[test]
fn the_smallest_bill() {
    let decoded = decode_csv(sheet(&[])).expect("a legal sheet");
    let expected = [
        ("bill_billing_period_start_date", "2026-10-01T00:00:00Z"),
        ("bill_payer_account_id", "000000000012"),
        ("line_item_currency_code", "USD"),
        ("line_item_line_item_type", "Usage"),
        ("line_item_product_code", "AmazonEC2"),
        ("line_item_unblended_cost", "1.5"),
        ("line_item_usage_account_id", "210987654321"),
        ("line_item_usage_start_date", "2026-10-24T08:00:00Z"),
        ("loaded_at", "2026-11-22T15:00:00Z"),
        ("manifest_id", "5ca1ab1e"),
        ("provisional", "false"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(column, value)| (column, value.to_owned())).into();
    assert_eq!(decoded.rows(), [expected]);
    assert_eq!(decoded.report.rows, 1);
    assert_eq!(decoded.report.source, decoded.tally().files[0]);
}

#[test]
fn numbers_are_exact() {
    for (text, expected) in [
        ("0.1000000000", Some("0.1")),
        ("1E-10", Some("0.0000000001")),
        ("4.0E-7", Some("0.0000004")),
        ("-0", Some("0")),
        ("+7", Some("7")),
        ("", None),
        ("-12345678901234567890.123456789012345678", Some("-12345678901234567890.123456789012345678")),
        ("0.123456789012345678901234567890", Some("0.123456789012345679")),
    ] {
        assert_eq!(
            one(&[("lineItem/BlendedCost", text)], "line_item_blended_cost").as_deref(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn rounding_is_accounted_for() {
    let decoded = decode_csv(sheet(&[
        ("lineItem/UsageAmount", "0.1234567890123456786"),
        ("discount/EdpDiscount", "1e-19"),
    ]))
    .expect("a legal sheet");
    let ledger = decoded.report.rounded.to_ledger();
    let effects: Vec<_> =
        ledger.iter().map(|(column, rounded)| (column.as_str(), rounded.effect.as_str())).collect();
    assert_eq!(
        effects,
        [("discount", "-0.0000000000000000001"), ("line_item_usage_amount", "0.0000000000000000004")]
    );
    assert_eq!(decoded.report.source, decoded.tally().files[0], "both decoders round alike");
}

#[test]
fn texts_are_byte_exact_and_never_empty() {
    for (text, expected) in [
        ("", None),
        (" padded ", Some(" padded ")),
        ("a,b", Some("a,b")),
        ("a \"b\" c", Some("a \"b\" c")),
        ("\"", Some("\"")),
        ("line\nbreak\r\nand more", Some("line\nbreak\r\nand more")),
        ("Red Hat® 名前 \u{1f600}", Some("Red Hat® 名前 \u{1f600}")),
        ("nul\0inside", Some("nul\0inside")),
        ("NULL", Some("NULL")),
        ("0123456789012", Some("0123456789012")),
    ] {
        let column = "line_item_line_item_description";
        assert_eq!(one(&[("lineItem/LineItemDescription", text)], column).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn headers_find_their_column() {
    for (header, column, expected) in [
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n", "v"),
        ("savingsPlan/SavingsPlanArn", "savings_plan_savings_plan_a_r_n", "v"),
        ("product/instanceType", "product_instance_type", "v"),
        ("product/instanceSKU", "product_instancesku", "v"),
        ("product/region", "product_region_code", "v"),
        ("product/comments", "product_comment", "v"),
        ("product/ProductName", "product", "product_name=v"),
        ("product/servicename", "product", "servicename=v"),
        ("product_servicename", "product", "servicename=v"),
        ("resourceTags/user:Owner", "resource_tags", "user_owner=v"),
        ("resource_tags_user_owner", "resource_tags", "user_owner=v"),
        ("resourceTags/aws:createdBy", "resource_tags", "aws_created_by=v"),
        ("resourceTags/autoscaling:groupName", "resource_tags", "autoscaling_group_name=v"),
        ("resourceTags/user:名前", "resource_tags", "user=v"),
        ("resourceTags/名前", "resource_tags", "名前=v"),
        ("costCategory/Charge type", "cost_category", "charge_type=v"),
        ("cost_category_charge_type", "cost_category", "charge_type=v"),
        ("lineItem/Novelty", "extra", "line_item_novelty=v"),
        ("line_item_novelty", "extra", "line_item_novelty=v"),
        ("manifest_id", "extra", "manifest_id=v"),
        ("product/", "extra", "product=v"),
        ("extra", "extra", "extra=v"),
    ] {
        assert_eq!(one(&[(header, "v")], column).as_deref(), Some(expected), "{header}");
    }
}

#[test]
fn a_column_that_loses_to_another_stands_in_a_map() {
    let decoded = decode_csv(sheet(&[
        ("product/region", "eu-central-1"),
        ("product/regionCode", "eu"),
        ("product/sku", "A"),
        ("product/SKU", "B"),
    ]))
    .expect("a legal sheet");
    let row = &decoded.rows()[0];
    assert_eq!(row["product_region_code"], "eu");
    assert_eq!(row["product_sku"], "A");
    assert_eq!(row["product"], "region=eu-central-1;s_k_u=B");
}

#[test]
fn maps_of_an_export_are_json() {
    for (header, text, expected) in [
        ("resource_tags", "", None),
        ("resource_tags", "{}", None),
        ("resource_tags", r#"{"user_team":"a","aws_created_by":"x"}"#, Some("aws_created_by=x;user_team=a")),
        ("resource_tags", r#"{"user:Owner":"a"}"#, Some("user_owner=a")),
        ("resource_tags", r#"{"user_team":""}"#, None),
        ("resource_tags", r#"{"user_team":null}"#, None),
        ("resource_tags", r#"{"user_team":"b","user_team":"a"}"#, Some("user_team=a;user_team#2=b")),
        ("tags", r#"{"accountTag/Environment":"p"}"#, Some("accountTag/Environment=p")),
        ("product", r#"{"product_name":"EC2"}"#, Some("product_name=EC2")),
        ("discount", r#"{"edp_discount":-1.5E-7}"#, Some("edp_discount=-0.00000015")),
        ("cost_category", r#"{"team":"\u00e9"}"#, Some("team=é")),
    ] {
        assert_eq!(one(&[(header, text)], header).as_deref(), expected, "{header} {text}");
    }
}

#[test]
fn discounts_are_amounts() {
    let decoded = decode_csv(sheet(&[("discount/EdpDiscount", "-0.10"), ("discount/TotalDiscount", "-0.1")]))
        .expect("legal");
    assert_eq!(decoded.rows()[0]["discount"], "edp_discount=-0.1");
    assert_eq!(decoded.rows()[0]["discount_total_discount"], "-0.1");
}

#[test]
fn tag_collisions_are_settled_row_by_row() {
    let tags = |owner: &'static str, other: &'static str| {
        [("resourceTags/user:owner", owner), ("resourceTags/user:Owner", other)]
    };
    let rows = [tags("a", "a"), tags("a", "b"), tags("a", ""), tags("", "b"), tags("", "")];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    let decoded = decode_csv(sheet_of(&rows)).expect("a legal sheet");
    let settled: Vec<_> =
        decoded.rows().iter().map(|row| row.get("resource_tags").cloned().unwrap_or_default()).collect();
    assert_eq!(settled, ["user_owner=a", "user:owner=a;user_owner=b", "user_owner=a", "user_owner=b", ""]);
    assert_eq!(decoded.report.tag_keys.collisions(), 1);
    let keys: Vec<_> = decoded
        .report
        .tag_keys
        .list()
        .into_iter()
        .map(|key| (key.original, key.folded, key.collisions))
        .collect();
    let key = |original: &str| (original.to_owned(), "user_owner".to_owned(), 1);
    assert_eq!(keys, [key("user:Owner"), key("user:owner")]);
}

#[test]
fn shapes_that_csv_allows() {
    let plain = sheet(&[("lineItem/LineItemDescription", "x")]);
    let expected = decode_csv(&plain).expect("legal").rows();
    let all_quoted: String = plain
        .lines()
        .map(|line| line.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    for (name, text) in [
        ("a byte order mark", format!("\u{feff}{plain}")),
        ("a byte order mark before quotes", format!("\u{feff}{all_quoted}")),
        ("lines that end as on Windows", plain.replace('\n', "\r\n")),
        ("no line end at the end", plain.trim_end().to_owned()),
        ("a blank line at the end", format!("{plain}\n")),
        ("blank lines between", plain.replace('\n', "\r\n\r\n")),
        ("quotes around everything", all_quoted.clone()),
        ("quotes and Windows line ends", all_quoted.replace('\n', "\r\n")),
    ] {
        let decoded = decode_csv(&text).expect(name);
        assert_eq!(decoded.rows(), expected, "{name}");
        assert_eq!(decoded.report.source, decoded.tally().files[0], "{name}");
    }
}

#[test]
fn all_members_of_a_gzip_file_are_read() {
    let text = sheet_of(&[&[("lineItem/UnblendedCost", "1")], &[("lineItem/UnblendedCost", "2")]]);
    let (head, tail) = text.split_at(text.len() - 30);
    let file = MemoryFile::new([gzip(head), gzip(""), gzip(tail)].concat());
    let decoded = decode(&file, &job(DecodedFormat::CsvGzip)).expect("legal");
    assert_eq!(decoded.tally().currencies["USD"].unblended, "3".parse().expect("a number"));
}

#[test]
fn zeros_that_pad_a_gzip_file_are_nothing_of_it() {
    let whole = gzip(sheet(&[]));
    let padded = |zeros: usize, then: &[u8]| [whole.as_slice(), &vec![0; zeros], then].concat();
    for zeros in [1, 511, 600_000] {
        let decoded = decode(&MemoryFile::new(padded(zeros, &[])), &job(DecodedFormat::CsvGzip));
        assert_eq!(decoded.expect("padded").report.rows, 1, "{zeros} zeros");
    }
    for (what, bytes) in [("another member", whole.as_slice()), ("a byte", &[7])] {
        let fault = decode(&MemoryFile::new(padded(9, bytes)), &job(DecodedFormat::CsvGzip));
        let said = fault.map(|decoded| decoded.report).expect_err("rows may be lost").to_string();
        assert_eq!(
            said, "cur/part-00001 is damaged: data follows the zero bytes after its last member",
            "{what}"
        );
    }
}

#[test]
fn a_header_alone_is_an_empty_file() {
    let header = sheet(&[]).lines().next().expect("a header").to_owned();
    for text in [header.clone(), format!("{header}\n"), format!("{header}\r\n\r\n")] {
        let decoded = decode_csv(&text).expect("legal");
        assert_eq!((decoded.report.rows, decoded.batches.len()), (0, 0), "{text:?}");
    }
}

#[test]
fn batches_are_full_and_in_order() {
    let header = sheet(&[("identity/LineItemId", "")]).lines().next().expect("a header").to_owned();
    let values: Vec<&str> = REQUIRED.iter().map(|(_, value)| *value).collect();
    // More than two blocks' worth, with records of uneven length.
    let line = |row: usize| format!("{},\"{row}{}\"\n", values.join(","), "é,\n".repeat(row % 97));
    let text: String = std::iter::once(header + "\n").chain((0..9_000).map(line)).collect();
    assert!(text.len() > 2 << 20);
    let decoded = decode_csv(&text).expect("legal");
    let sizes: Vec<_> = decoded.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [1_000; 9]);
    let ids = decoded.batches.iter().flat_map(|batch| {
        let ids = batch.column_by_name("identity_line_item_id").expect("a column").as_string::<i32>();
        ids.iter().map(|id| id.expect("an id").to_owned()).collect::<Vec<_>>()
    });
    for (row, id) in ids.enumerate() {
        assert_eq!(id, format!("{row}{}", "é,\n".repeat(row % 97)));
    }
    assert_eq!(decoded.report.source, decoded.tally().files[0]);
}

/// Texts that csv has to quote, and some it has not.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,9}", "[ab\",\n\r€ ]{0,12}", ".{0,20}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_text_comes_back(rows in proptest::collection::vec((cell(), cell(), cell()), 1..40)) {
        let rows: Vec<[(&str, &str); 3]> = rows
            .iter()
            .map(|(a, b, c)| [("identity/LineItemId", a.as_str()), ("resourceTags/user:b", b.as_str()), ("zebra", c.as_str())])
            .collect();
        let borrowed: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
        let decoded = decode_csv(sheet_of(&borrowed)).expect("legal");
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        for (row, [(_, a), (_, b), (_, c)]) in decoded.rows().into_iter().zip(rows) {
            prop_assert_eq!(row.get("identity_line_item_id").cloned(), text(a));
            prop_assert_eq!(row.get("resource_tags").cloned(), text(b).map(|b| format!("user_b={b}")));
            prop_assert_eq!(row.get("extra").cloned(), text(c).map(|c| format!("zebra={c}")));
        }
        prop_assert_eq!(&decoded.report.source, &decoded.tally().files[0]);
    }

    /// Against a csv reader of another hand: the same cells, or a refusal; never other cells.
    #[test]
    fn no_cell_is_read_otherwise_than_csv_core_reads_it(tail in "[a,\"\n]{0,40}") {
        let header = "identity/LineItemId,zebra,".to_owned() + sheet(&[]).lines().next().unwrap_or_default();
        let rest = REQUIRED.map(|(_, value)| value).join(",");
        let text = format!("{header}\n{tail},x,{rest}\n");
        if let Ok(decoded) = decode_csv(&text) {
            let theirs: Vec<Vec<String>> = csv_core_rows(&text).into_iter().skip(1).collect();
            let ours: Vec<Vec<String>> = decoded
                .rows()
                .iter()
                .map(|row| row.get("identity_line_item_id").cloned().unwrap_or_default())
                .map(|id| vec![id])
                .collect();
            let theirs: Vec<Vec<String>> = theirs.into_iter().map(|row| row.into_iter().take(1).collect()).collect();
            prop_assert_eq!(ours, theirs, "{:?}", text);
        }
    }
}

fn csv_core_rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv_core::Reader::new();
    let (mut input, mut rows, mut row, mut cell) = (text.as_bytes(), Vec::new(), Vec::new(), Vec::new());
    loop {
        let mut out = [0; 64];
        let (result, read, wrote) = reader.read_field(input, &mut out);
        input = &input[read..];
        cell.extend_from_slice(&out[..wrote]);
        match result {
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push(String::from_utf8(std::mem::take(&mut cell)).expect("UTF-8"));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            csv_core::ReadFieldResult::End => return rows,
        }
    }
}
