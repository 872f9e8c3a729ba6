//! The stable tables that rows are loaded into: their columns, types, and the names they go by in older reports.
//!
//! A [`TableContract`] says all of one table; everything that loads or reads rows is handed one. Unknown source columns
//! go to a map, missing ones are NULL, so a table never changes when a report does.

pub mod amortized;
mod bill;
mod costs;
mod table;

use std::{ops::RangeInclusive, sync::Arc};

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

pub use bill::{AmortizedSource, BillColumns, InvoiceColumns, SpelledColumn};
pub use costs::COSTS;
pub use table::{LOADER_COLUMNS, MapColumn, MapHeaders, TABLES, TableContract, arrow_schema};

/// Precision and scale of every amount.
pub const DECIMAL: DataType = DataType::Decimal128(38, 18);

/// The times that the table takes, in seconds since 1970: the years 1 to 9999. Neither the statistics of a Delta log nor most
/// readers can show others as text, and a single one breaks queries over all rows.
pub const TIMES: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// True if a time is one of [`TIMES`], given in units of which `a_second` make one.
pub fn is_taken(value: i64, a_second: i64) -> bool {
    TIMES.contains(&value.div_euclid(a_second))
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// UTF-8 text; NULL, never empty.
    Text,
    /// decimal(38,18).
    Decimal,
    /// UTC, in microseconds, of [`TIMES`].
    Timestamp,
    /// True or false.
    Boolean,
    /// Text to text; never NULL, values never empty.
    TextMap,
    /// Text to decimal(38,18); never NULL.
    DecimalMap,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name: for costs, CUR 2.0's.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// Its header in a legacy report (`lineItem/UnblendedCost`), where there was one.
    pub legacy: Option<&'static str>,
    /// True if a source without it can't be loaded.
    pub required: bool,
}

/// The columns of a contract file: one a line below the heading.
pub fn parse_columns(contract: &'static str) -> Vec<TableColumn> {
    contract.lines().skip(1).map(parse_line).collect()
}

fn parse_line(line: &'static str) -> TableColumn {
    let mut cells = line.split('\t');
    let mut cell = || cells.next().unwrap_or_default();
    let (name, kind, legacy, required) = (cell(), cell(), cell(), cell());
    let kind = match kind {
        "string" => ColumnType::Text,
        "decimal" => ColumnType::Decimal,
        "timestamp" => ColumnType::Timestamp,
        "boolean" => ColumnType::Boolean,
        "map" => ColumnType::TextMap,
        "decimal_map" => ColumnType::DecimalMap,
        // A unit test reads every line, so this can't reach a release.
        other => unreachable!("the contract's {name} has the unknown type {other:?}"),
    };
    TableColumn {
        name,
        kind,
        legacy: (!legacy.is_empty()).then_some(legacy),
        required: required == "required",
    }
}

/// The Arrow type of a column. Maps use the names that Parquet and Delta readers expect.
pub fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Decimal => DECIMAL,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::TextMap => map_of(DataType::Utf8),
        ColumnType::DecimalMap => map_of(DECIMAL),
    }
}

fn map_of(value: DataType) -> DataType {
    let entry =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
}

/// Folds a column or tag name as AWS does for Athena: an underscore before every capital, lower case, every
/// other character an underscore, none doubled, none at the ends (docs/aws-facts.md 12).
pub fn fold(name: &str) -> String {
    folded(name, |character| character.is_ascii_alphanumeric())
}

/// The same with the letters and digits of every script kept: what tells names apart that [`fold`] makes one.
pub fn fold_keeping_letters(name: &str) -> String {
    folded(name, char::is_alphanumeric)
}

fn folded(name: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut folded = String::with_capacity(name.len() + 8);
    for character in name.chars() {
        let underscore = character.is_uppercase() || !keeps(character);
        if underscore && !folded.is_empty() && !folded.ends_with('_') {
            folded.push('_');
        }
        if keeps(character) {
            folded.extend(character.to_lowercase());
        }
    }
    folded.truncate(folded.trim_end_matches('_').len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_parses_and_has_no_name_twice() {
        let mut names: Vec<_> = COSTS.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), 132);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COSTS.columns.len());
    }

    #[test]
    fn every_column_of_an_export_has_its_place() {
        let columns = awscost_core::onboarding::delivery::selectable_columns();
        let homeless: Vec<&str> =
            columns.map(|(name, _)| name).filter(|name| COSTS.index_of(name).is_none()).collect();
        assert_eq!(homeless, Vec::<&str>::new());
    }

    #[test]
    fn every_legacy_name_folds_to_its_column() {
        for column in COSTS.columns.iter() {
            if let Some(legacy) = column.legacy {
                assert_eq!(fold(legacy), column.name);
            }
        }
    }

    #[test]
    fn folding_follows_the_published_table() {
        for (name, expected) in [
            ("autoscaling:groupName", "autoscaling_group_name"),
            ("CreatedBy", "created_by"),
            ("Environment-type", "environment_type"),
            ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
            ("resourceTags/user:karpenter.sh/nodepool", "resource_tags_user_karpenter_sh_nodepool"),
            ("resourceTags/user:OWNER", "resource_tags_user_o_w_n_e_r"),
            ("costCategory/Charge type", "cost_category_charge_type"),
            ("user:名前", "user"),
            ("user:cost-center", "user_cost_center"),
        ] {
            assert_eq!(fold(name), expected, "{name}");
        }
        for (name, expected) in [
            ("user:名前", "user_名前"),
            ("user:Équipe", "user_équipe"),
            ("user:Größe 2", "user_größe_2"),
            ("user:cost-center", "user_cost_center"),
        ] {
            assert_eq!(fold_keeping_letters(name), expected, "{name}");
        }
    }
}
