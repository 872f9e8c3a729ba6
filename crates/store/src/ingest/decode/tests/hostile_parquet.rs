//! Parquet files of every make, and those that are broken or meant to do harm.

use std::sync::Arc;

use ::parquet::{
    arrow::ArrowWriter,
    basic::Compression as Codec,
    data_type::{ByteArray, ByteArrayType, DoubleType, Int96, Int96Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::parser::parse_message_type,
};
use arrow::{
    array::{
        BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Float32Array,
        Float64Array, Int64Array, LargeStringArray, ListArray, MapArray, MapBuilder, StringArray,
        StringBuilder, StringViewArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
        TimestampNanosecondArray, UInt32Array, UInt64Array,
    },
    buffer::OffsetBuffer,
    datatypes::{DataType, Field, Int32Type, Schema},
};
use proptest::prelude::*;

use super::*;

/// A Parquet file of one row group a batch: the required columns and those given, which may replace them.
fn parquet_of(columns: Vec<(&str, ArrayRef)>, rows: usize) -> Vec<u8> {
    let required = REQUIRED.iter().map(|(legacy, value)| (crate::schema::fold(legacy), *value));
    let mut all: Vec<(String, ArrayRef)> = required
        .filter(|(name, _)| !columns.iter().any(|(given, _)| given == name))
        .map(|(name, value)| {
            let column: ArrayRef = match value.parse::<f64>() {
                Ok(cost) if name.ends_with("cost") => Arc::new(Float64Array::from(vec![cost; rows])),
                _ => Arc::new(StringArray::from(vec![value; rows])),
            };
            (name, column)
        })
        .collect();
    all.extend(columns.into_iter().map(|(name, column)| (name.to_owned(), column)));
    let fields: Vec<Field> =
        all.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), all.into_iter().map(|(_, column)| column).collect())
        .expect("columns fit");
    let properties = WriterProperties::builder().set_compression(Codec::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).expect("a schema");
    for _ in 0..2 {
        writer.write(&batch).expect("memory takes all");
        writer.flush().expect("memory takes all");
    }
    writer.into_inner().expect("memory takes all")
}

fn one(name: &str, column: ArrayRef, stable: &str) -> Option<String> {
    let decoded = decode(&MemoryFile::new(parquet_of(vec![(name, column)], 1)), &job(DecodedFormat::Parquet));
    let decoded = decoded.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    assert_eq!(decoded.report.rows, 2, "both row groups");
    assert_eq!(decoded.report.source, decoded.tally().files[0]);
    decoded.rows().remove(1).remove(stable)
}

#[test]
fn amounts_of_any_type_are_their_shortest_decimal() {
    let decimal = |units, precision, scale| -> ArrayRef {
        Arc::new(
            Decimal128Array::from(vec![units]).with_precision_and_scale(precision, scale).expect("it fits"),
        )
    };
    let double = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
    let half = |value: f32| -> ArrayRef {
        arrow::compute::cast(&Float32Array::from(vec![value]), &DataType::Float16).expect("a number")
    };
    for (name, column, expected) in [
        ("0.1 and its noise", double(0.1), "0.1"),
        ("a sum with noise", double(0.1 + 0.2), "0.30000000000000004"),
        ("a small double", double(4e-7), "0.0000004"),
        ("below 18 digits", double(5e-19), "0"),
        ("negative zero", double(-0.0), "0"),
        ("a large double", double(-12_345_678.9), "-12345678.9"),
        ("a float", Arc::new(Float32Array::from(vec![0.1])), "0.1"),
        ("text", Arc::new(StringArray::from(vec!["1E-10"])), "0.0000000001"),
        ("an integer", Arc::new(Int64Array::from(vec![-42])), "-42"),
        ("an integer without a sign", Arc::new(UInt32Array::from(vec![u32::MAX])), "4294967295"),
        ("a longer one", Arc::new(UInt64Array::from(vec![1 << 63])), "9223372036854775808"),
        ("half precision", half(0.1), "0.099975586"),
        ("half precision, large", half(-2_048.0), "-2048"),
        ("half precision, small", half(3.0e-7), "0.00000029802322"),
        ("a small decimal", decimal(12_345, 9, 2), "123.45"),
        ("a middle decimal", decimal(-12_345, 18, 10), "-0.0000012345"),
        ("our own decimal", decimal(1_234_567_890_123_456_789, 38, 18), "1.234567890123456789"),
    ] {
        assert_eq!(
            one("line_item_usage_amount", column, "line_item_usage_amount").as_deref(),
            Some(expected),
            "{name}"
        );
    }
}

#[test]
fn times_of_any_type() {
    let seconds = 1_792_828_800;
    for (name, column) in [
        ("milliseconds", Arc::new(TimestampMillisecondArray::from(vec![seconds * 1_000])) as ArrayRef),
        ("microseconds", Arc::new(TimestampMicrosecondArray::from(vec![seconds * 1_000_000]))),
        ("in UTC", Arc::new(TimestampMicrosecondArray::from(vec![seconds * 1_000_000]).with_timezone("UTC"))),
        ("nanoseconds", Arc::new(TimestampNanosecondArray::from(vec![seconds * 1_000_000_000 + 999]))),
        ("text", Arc::new(StringArray::from(vec!["2026-10-24 08:00:00.000"]))),
    ] {
        let stable = "line_item_usage_end_date";
        assert_eq!(one(stable, column, stable).as_deref(), Some("2026-10-24T08:00:00Z"), "{name}");
    }
}

#[test]
fn times_that_no_reader_shows_are_refused_from_any_type() {
    let late = "\"253402300800000";
    let beyond = 253_402_300_800_000;
    let text: ArrayRef = Arc::new(StringArray::from(vec!["9999-12-31T23:30:00-01:00"]));
    let milli = || -> ArrayRef { Arc::new(TimestampMillisecondArray::from(vec![beyond])) };
    let entries = |value: ArrayRef| -> ArrayRef {
        let entry = StructArray::from(vec![
            (
                Arc::new(Field::new("key", DataType::Utf8, false)),
                Arc::new(StringArray::from(vec!["a"])) as ArrayRef,
            ),
            (Arc::new(Field::new("value", value.data_type().clone(), true)), value),
        ]);
        let field = Arc::new(Field::new("entries", entry.data_type().clone(), false));
        Arc::new(MapArray::new(field, OffsetBuffer::from_lengths([1]), entry, None, false))
    };
    let far = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX]));
    let item = Arc::new(Field::new("item", far.data_type().clone(), true));
    let list = ListArray::new(item, OffsetBuffer::from_lengths([1]), far.clone(), None);
    for (what, name, column, value) in [
        ("milliseconds", "line_item_usage_start_date", milli(), late),
        (
            "microseconds",
            "line_item_usage_start_date",
            far.clone() as ArrayRef,
            "\"9223372036854775807 micro",
        ),
        (
            "before the year 1",
            "line_item_usage_end_date",
            Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN])),
            "\"-922",
        ),
        ("text", "line_item_usage_start_date", text, "\"9999-12-31T23:30:00-01:00\""),
        ("a time where text stands", "reservation_end_time", milli(), late),
        (
            "a day where text stands",
            "reservation_end_time",
            Arc::new(Date32Array::from(vec![i32::MAX])),
            "\"2147483647 days",
        ),
        ("in a column of nobody's", "novelty", milli(), late),
        ("in a map", "resource_tags", entries(milli()), late),
        ("in a list", "novelty", Arc::new(list), "\"a List"),
    ] {
        let message = refusal(parquet_of(vec![(name, column)], 1), Limits::default());
        let place = format!("cur/part-00001, row 1, column {name}: {value}");
        assert!(message.starts_with(&place), "{what}: {message}");
        assert!(
            message.ends_with("is outside the years 1 to 9999, which readers of the table can't show"),
            "{what}: {message}"
        );
    }
}

#[test]
fn a_fault_in_a_map_names_the_row_and_not_the_entry() {
    let mut map = MapBuilder::new(None, StringBuilder::new(), arrow::array::BinaryBuilder::new());
    for (key, value) in [("a", &b"1"[..]), ("b", b"2")] {
        map.keys().append_value(key);
        map.values().append_value(value);
    }
    map.append(true).expect("as many keys as values");
    map.append(true).expect("an empty one");
    map.keys().append_value("c");
    map.values().append_value(b"\xc2");
    map.append(true).expect("as many keys as values");
    let message = refusal(parquet_of(vec![("resource_tags", Arc::new(map.finish()))], 3), Limits::default());
    assert!(
        message.contains("row 3, column resource_tags: ") && message.contains("is not UTF-8"),
        "{message}"
    );
}

#[test]
fn texts_of_any_type() {
    let dictionary: DictionaryArray<Int32Type> = ["v"].into_iter().collect();
    let fixed = |bytes: &[u8]| -> ArrayRef {
        Arc::new(FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).expect("one length"))
    };
    let currency = "line_item_currency_code";
    assert_eq!(one(currency, fixed(b"EUR"), currency).as_deref(), Some("EUR"), "both decoders read it");
    for (name, column, expected) in [
        ("plain", Arc::new(StringArray::from(vec!["v"])) as ArrayRef, Some("v")),
        ("empty", Arc::new(StringArray::from(vec![""])), None),
        ("NULL", Arc::new(StringArray::from(vec![None::<&str>])), None),
        ("large", Arc::new(LargeStringArray::from(vec!["v"])), Some("v")),
        ("a view", Arc::new(StringViewArray::from(vec!["v"])), Some("v")),
        ("a dictionary", Arc::new(dictionary), Some("v")),
        ("of a fixed length", fixed(b"v1"), Some("v1")),
        ("bytes of a fixed length that are no text", fixed(b"\xc2\xff"), Some("c2ff")),
        ("a rate as a double", Arc::new(Float64Array::from(vec![0.0416])), Some("0.0416")),
        ("a time", Arc::new(TimestampMillisecondArray::from(vec![0])), Some("1970-01-01T00:00:00Z")),
    ] {
        let stable = "line_item_unblended_rate";
        assert_eq!(one(stable, column, stable).as_deref(), expected, "{name}");
    }
}

#[test]
fn unknown_columns_of_any_type_are_text() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), Some(2)])]);
    for (name, column, expected) in [
        ("a flag", Arc::new(BooleanArray::from(vec![true])) as ArrayRef, "novelty=true"),
        ("a double", Arc::new(Float64Array::from(vec![1e-7])), "novelty=0.0000001"),
        ("a list", Arc::new(list), "novelty=[1, 2]"),
        ("a map", text_map(&[("a", Some("b"))]), "novelty={a: b}"),
    ] {
        assert_eq!(one("novelty", column, "extra").as_deref(), Some(expected), "{name}");
    }
}

fn text_map(entries: &[(&str, Option<&str>)]) -> ArrayRef {
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for (key, value) in entries {
        map.keys().append_value(key);
        map.values().append_option(*value);
    }
    map.append(true).expect("as many keys as values");
    Arc::new(map.finish())
}

#[test]
fn maps_are_folded_sorted_and_without_empty_values() {
    let tags = text_map(&[
        ("user_team", Some("a")),
        ("aws_created_by", Some("x")),
        ("user_empty", Some("")),
        ("user_null", None),
        ("user:Owner", Some("o")),
    ]);
    assert_eq!(
        one("resource_tags", tags, "resource_tags").as_deref(),
        Some("aws_created_by=x;user_owner=o;user_team=a")
    );
    let json: ArrayRef = Arc::new(StringArray::from(vec![r#"{"user_team":"a"}"#]));
    assert_eq!(one("resource_tags", json, "resource_tags").as_deref(), Some("user_team=a"));
    let mut discounts = MapBuilder::new(None, StringBuilder::new(), arrow::array::Float64Builder::new());
    discounts.keys().append_value("edp_discount");
    discounts.values().append_value(-1.5e-7);
    discounts.append(true).expect("as many keys as values");
    assert_eq!(
        one("discount", Arc::new(discounts.finish()), "discount").as_deref(),
        Some("edp_discount=-0.00000015")
    );
}

#[test]
fn flat_columns_of_legacy_parquet() {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    for (name, stable, expected) in [
        ("resource_tags_user_owner", "resource_tags", "user_owner=v"),
        ("cost_category_team", "cost_category", "team=v"),
        ("product_product_name", "product", "product_name=v"),
        ("product_instance_type", "product_instance_type", "v"),
        ("line_item_novelty", "extra", "line_item_novelty=v"),
    ] {
        assert_eq!(one(name, text("v"), stable).as_deref(), Some(expected), "{name}");
    }
}

/// A file as older engines write it: INT96 times, bytes that don't say they are text, required columns.
fn old_engine(start: Int96) -> Vec<u8> {
    let names = REQUIRED.map(|(legacy, _)| crate::schema::fold(legacy));
    let kind = |name: &str| match name {
        "line_item_unblended_cost" => "REQUIRED DOUBLE",
        "line_item_usage_start_date" => "OPTIONAL INT96",
        _ => "REQUIRED BYTE_ARRAY",
    };
    let fields: String = names.iter().map(|name| format!("{} {name};", kind(name))).collect();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {fields} }}")).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a schema");
    let mut group = writer.next_row_group().expect("a group");
    for (_, value) in REQUIRED {
        let mut column: SerializedColumnWriter<'_> =
            group.next_column().expect("no fault").expect("a column");
        match value {
            "1.5" => column.typed::<DoubleType>().write_batch(&[1.5], None, None),
            "2026-10-24T08:00:00Z" => column.typed::<Int96Type>().write_batch(&[start], Some(&[1]), None),
            text => column.typed::<ByteArrayType>().write_batch(&[ByteArray::from(text)], None, None),
        }
        .expect("memory takes all");
        column.close().expect("memory takes all");
    }
    group.close().expect("memory takes all");
    writer.into_inner().expect("memory takes all")
}

#[test]
fn old_engines_times_and_texts() {
    let day_and_nanos = |day: u32, nanos: u64| {
        let mut time = Int96::new();
        time.set_data(nanos as u32, (nanos >> 32) as u32, day);
        time
    };
    // Julian days: 2461338 is 2026-10-24; 5373484 is 9999-12-31, which no nanoseconds in 64 bits reach.
    for (day, hour, expected) in
        [(2_461_338, 8, "2026-10-24T08:00:00Z"), (5_373_484, 0, "9999-12-31T00:00:00Z")]
    {
        let file = MemoryFile::new(old_engine(day_and_nanos(day, hour * 3_600_000_000_000)));
        let decoded = decode(&file, &job(DecodedFormat::Parquet)).expect("a legal file");
        assert_eq!(decoded.rows()[0]["line_item_usage_start_date"], expected);
        assert_eq!(decoded.rows()[0]["line_item_currency_code"], "USD");
        assert_eq!(decoded.report.source, decoded.tally().files[0]);
    }
}

#[test]
fn old_engines_times_that_would_wrap_are_refused() {
    // Days that microseconds in 64 bits bring back to our days, and the first one past the year 9999.
    for (day, nanos, expected) in [
        (5_373_485, 0, "\"Julian day 5373485 and 0 nanoseconds\" is outside the years 1 to 9999"),
        (1_721_425, 0, "\"Julian day 1721425 and 0 nanoseconds\" is outside the years 1 to 9999"),
        (u32::MAX, 7, "\"Julian day 4294967295 and 7 nanoseconds\" is outside the years 1 to 9999"),
        (2_461_338, u64::MAX, "\"Julian day 2461338 and 18446744073709551615 nanoseconds\" is not a time"),
    ] {
        let mut time = Int96::new();
        time.set_data(nanos as u32, (nanos >> 32) as u32, day);
        let message = refusal(old_engine(time), Limits::default());
        let place = format!("cur/part-00001, row 1, column line_item_usage_start_date: {expected}");
        assert!(message.starts_with(&place), "{message}");
    }
}

fn refusal(bytes: Vec<u8>, limits: Limits) -> String {
    let job = DecodeJob { limits, ..job(DecodedFormat::Parquet) };
    let result = decode(&MemoryFile::new(bytes), &job);
    result.map(|decoded| decoded.report).expect_err("a refusal").to_string()
}

#[test]
fn broken_files() {
    let good = parquet_of(vec![], 100);
    let size = good.len();
    let with_length = |length: u32| {
        let mut bytes = good.clone();
        bytes[size - 8..size - 4].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let limits = Limits::default();
    let invalid = Arc::new(arrow::array::BinaryArray::from(vec![&b"good\xc2"[..]]));
    for (name, bytes, limits, expected) in [
        ("cut in the middle", good[..size / 2].to_vec(), limits.clone(), "it is truncated"),
        ("cut in the footer's length", good[..size - 5].to_vec(), limits.clone(), "it is truncated"),
        ("too short for anything", good[..10].to_vec(), limits.clone(), "it has only 10 bytes"),
        ("empty", vec![], limits.clone(), "is empty: zero bytes"),
        ("gzip", gzip(sheet(&[])), limits.clone(), "is compressed with gzip, not Parquet"),
        (
            "a zip archive",
            b"PK\x03\x04 with something".to_vec(),
            limits.clone(),
            "is a zip archive, not Parquet",
        ),
        ("text", b"a,b,c\n1,2,3\nand more".to_vec(), limits.clone(), "is of an unknown format, not Parquet"),
        (
            "a footer longer than the file",
            with_length(20 << 20),
            limits.clone(),
            "its footer is longer than the file",
        ),
        ("a footer that starts elsewhere", with_length(77), limits.clone(), "is damaged: "),
        (
            "an enormous footer",
            with_length(u32::MAX),
            limits.clone(),
            "passes a limit: a footer of 4294967295 bytes",
        ),
        (
            "a large row group",
            good.clone(),
            Limits { row_group: 100, ..limits.clone() },
            "passes a limit: a row group of ",
        ),
        (
            "a row group that swells",
            good.clone(),
            Limits { row_group_inflated: 100, ..limits.clone() },
            "once decompressed",
        ),
        (
            "too large in all",
            good.clone(),
            Limits { inflated: 100, ..limits.clone() },
            "more than 100 bytes after",
        ),
        ("too many columns", good.clone(), Limits { columns: 3, ..limits.clone() }, "8 columns, more than 6"),
        ("not a bill", other_table(), limits.clone(), "lacks the columns bill_billing_period_start_date"),
        (
            "NaN",
            parquet_of(
                vec![("line_item_usage_amount", Arc::new(Float64Array::from(vec![1.0, f64::NAN])))],
                2,
            ),
            limits.clone(),
            "row 2, column line_item_usage_amount: \"NaN\" is refused",
        ),
        (
            "infinity",
            parquet_of(
                vec![("line_item_usage_amount", Arc::new(Float64Array::from(vec![f64::INFINITY])))],
                1,
            ),
            limits.clone(),
            "row 1, column line_item_usage_amount: \"inf\" is refused",
        ),
        (
            "a double too large",
            parquet_of(vec![("line_item_usage_amount", Arc::new(Float64Array::from(vec![1e25])))], 1),
            limits.clone(),
            "is refused: more than 20 integer digits",
        ),
        (
            "bytes that are no text",
            parquet_of(vec![("line_item_operation", invalid)], 1),
            limits.clone(),
            "row 1, column line_item_operation: \"good\u{fffd}\" is not UTF-8",
        ),
        (
            "a number where a map stands",
            parquet_of(vec![("product", Arc::new(Int64Array::from(vec![7])))], 1),
            limits,
            "row 1, column product: \"7\" is not a map",
        ),
    ] {
        let message = refusal(bytes, limits);
        assert!(message.starts_with("cur/part-00001") && message.contains(expected), "{name}: {message}");
    }
}

fn other_table() -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("a schema");
    writer.into_inner().expect("memory takes all")
}

#[test]
fn one_long_text_on_many_rows_makes_batches_short() {
    let long = "x".repeat(512 << 10);
    let column: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 200]));
    let file = MemoryFile::new(parquet_of(vec![("line_item_line_item_description", column)], 200));
    assert!(file.bytes.len() < 1 << 20, "stored once and compressed");
    let decoded = decode(&file, &job(DecodedFormat::Parquet)).expect("a legal file");
    assert_eq!(decoded.report.rows, 400);
    assert!(decoded.batches.iter().all(|batch| batch.num_rows() <= 128));
}

#[test]
fn a_replaced_file_is_the_sources_fault() {
    let file = MemoryFile { replaced_after: Some(100), ..MemoryFile::new(parquet_of(vec![], 5)) };
    let fault = decode(&file, &job(DecodedFormat::Parquet)).expect_err("a refusal");
    assert!(matches!(fault, DecodeFault::Source(SourceFault::Changed { .. })), "{fault}");
}

#[test]
fn nothing_is_fetched_twice() {
    let long: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..40_000).map(|row| format!("resource {}", row * 7_919 % 99_991)),
    ));
    let file = MemoryFile::new(parquet_of(vec![("line_item_resource_id", long)], 40_000));
    decode(&file, &job(DecodedFormat::Parquet)).expect("a legal file");
    let size = file.bytes.len() as u64;
    assert!(size > 300 << 10, "{size}");
    // The end of a file is read once for its footer, and may hold some columns.
    assert!(file.fetched.load(Ordering::Relaxed) <= size + (64 << 10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_bytes_never_crash_it(flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = parquet_of(vec![("resource_tags", text_map(&[("a", Some("b"))]))], 1);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        // Parquet has no checksum of its own: a flipped byte may be another value, but not a crash.
        drop(decode(&MemoryFile::new(bytes), &job(DecodedFormat::Parquet)));
    }
}
