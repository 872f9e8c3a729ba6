//! The tables that can be exported: their columns, properties and quotas. Column lists lie beside this file, one name a
//! line; a property after a name means that the column exists only when that property is TRUE.

use std::collections::BTreeMap;

/// A table of Data Exports.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// Exports of this table that an account may have.
    pub quota: usize,
    columns: &'static str,
    properties: &'static [&'static str],
}

const TABLES: &[Table] = &[
    Table {
        name: "COST_AND_USAGE_REPORT",
        quota: 5,
        columns: include_str!("cur2.columns"),
        properties: &[
            "TIME_GRANULARITY",
            "INCLUDE_RESOURCES",
            "INCLUDE_SPLIT_COST_ALLOCATION_DATA",
            "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY",
            "INCLUDE_IAM_PRINCIPAL_DATA",
            "BILLING_VIEW_ARN",
        ],
    },
    Table {
        name: "FOCUS_1_2_AWS",
        quota: 2,
        columns: include_str!("focus_1_2.columns"),
        properties: &["TIME_GRANULARITY"],
    },
    Table {
        name: "FOCUS_1_0_AWS",
        quota: 2,
        columns: include_str!("focus_1_0.columns"),
        properties: &["TIME_GRANULARITY"],
    },
];

/// The table of exactly that name.
pub fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// Whether the table has that column when it is configured so.
    pub fn offers(&self, column: &str, properties: Option<&BTreeMap<String, String>>) -> bool {
        self.columns.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(column)
                && words.next().is_none_or(|property| {
                    properties.and_then(|set| set.get(property)).is_some_and(|value| value == "TRUE")
                })
        })
    }

    /// Checks names and values of table properties.
    pub fn check_properties(&self, properties: &BTreeMap<String, String>) -> Result<(), String> {
        for (name, value) in properties {
            if !self.properties.contains(&name.as_str()) {
                return Err(format!("{} has no property {name}.", self.name));
            }
            let fits = match name.as_str() {
                "TIME_GRANULARITY" => matches!(value.as_str(), "HOURLY" | "DAILY" | "MONTHLY"),
                "BILLING_VIEW_ARN" => value.starts_with("arn:"),
                _ => matches!(value.as_str(), "TRUE" | "FALSE"),
            };
            if !fits {
                return Err(format!("{value} is not a value of {name}."));
            }
        }
        Ok(())
    }
}
