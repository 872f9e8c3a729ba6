//! Rows of a table for tests, named by what matters: everything else is NULL.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Decimal128Builder, MapBuilder, MapFieldNames, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray,
};

use crate::{
    model::Amount,
    schema::{ColumnType, DECIMAL, TableContract},
};

/// One row, as text by column name. Amounts as numbers, times as `2026-10-01T00:00:00Z`, maps as
/// `key=value` with `;` between the entries.
pub type Row<'a> = BTreeMap<&'a str, &'a str>;

/// A batch of the table with these rows.
pub fn batch(table: &TableContract, rows: &[Row<'_>]) -> RecordBatch {
    let columns = table.columns.iter().zip(table.schema.fields()).map(|(column, field)| {
        let texts = || rows.iter().map(|row| row.get(column.name).copied());
        let amount = |text: &str| text.parse::<Amount>().expect("an amount").units();
        let array: ArrayRef = match column.kind {
            ColumnType::Text => Arc::new(texts().collect::<StringArray>()),
            ColumnType::Decimal => Arc::new(
                texts().map(|text| text.map(amount)).collect::<Decimal128Array>().with_data_type(DECIMAL),
            ),
            ColumnType::Timestamp => {
                let time = |text: &str| text.parse::<jiff::Timestamp>().expect("a time").as_microsecond();
                let times: TimestampMicrosecondArray = texts().map(|text| text.map(time)).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            ColumnType::Boolean => {
                Arc::new(texts().map(|text| text.map(|text| text == "true")).collect::<BooleanArray>())
            }
            ColumnType::TextMap => {
                let mut maps = MapBuilder::new(Some(names()), StringBuilder::new(), StringBuilder::new());
                for text in texts() {
                    for (key, value) in entries(text) {
                        maps.keys().append_value(key);
                        maps.values().append_value(value);
                    }
                    maps.append(true).expect("as many keys as values");
                }
                Arc::new(maps.finish())
            }
            ColumnType::DecimalMap => {
                let values = Decimal128Builder::new().with_data_type(DECIMAL);
                let mut maps = MapBuilder::new(Some(names()), StringBuilder::new(), values);
                for text in texts() {
                    for (key, value) in entries(text) {
                        maps.keys().append_value(key);
                        maps.values().append_value(amount(value));
                    }
                    maps.append(true).expect("as many keys as values");
                }
                Arc::new(maps.finish())
            }
        };
        arrow::compute::cast(&array, field.data_type()).expect("only nullability differs")
    });
    RecordBatch::try_new(table.schema.clone(), columns.collect()).expect("the table's schema")
}

fn names() -> MapFieldNames {
    MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() }
}

fn entries(text: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.unwrap_or_default().split(';').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').expect("key=value"))
}
