//! A table that no report fills yet: what holds costs must hold another table as well, of other columns.

use std::sync::LazyLock;

use crate::schema::{
    AmortizedSource, BillColumns, MapColumn, MapHeaders, SpelledColumn, TableContract, arrow_schema,
    parse_columns,
};

/// Column, type, legacy header, and whether a source must have it. Costs are not in the places they have in `costs`, there is
/// no net cost, and the amortized one is a column.
const COLUMNS: &str = "name\ttype\tlegacy\trequired
billed_cost\tdecimal\tbill/BilledCost\trequired
billing_account_id\tstring\t\trequired
billing_currency\tstring\t\trequired
billing_period_start\ttimestamp\t\trequired
charge_category\tstring\t\trequired
charge_period_start\ttimestamp\t\t
effective_cost\tdecimal\t\trequired
loaded_at\ttimestamp\t\trequired
manifest_id\tstring\t\trequired
provisional\tboolean\t\trequired
region_id\tstring\t\t
sub_account_id\tstring\t\t
labels\tmap\t\t
others\tmap\t\t";

/// The table.
pub static SECOND_TABLE: TableContract = TableContract {
    name: "second",
    keys_name: "second_keys",
    columns: LazyLock::new(|| parse_columns(COLUMNS)),
    schema: LazyLock::new(|| arrow_schema(&SECOND_TABLE.columns)),
    partitions: ["account", "month"],
    statistics: "charge_period_start",
    maps: &[
        MapColumn { name: "labels", takes: MapHeaders::Category, folds: true, lists_keys: true },
        MapColumn { name: "others", takes: MapHeaders::Unknown, folds: true, lists_keys: false },
    ],
    aliases: &[("region", "region_id")],
    bill: BillColumns {
        currency: SpelledColumn::new("billing_currency", "BillingCurrency"),
        line_type: SpelledColumn::new("charge_category", "ChargeCategory"),
        summed: &[
            SpelledColumn::new("effective_cost", "EffectiveCost"),
            SpelledColumn::new("billed_cost", "BilledCost"),
        ],
        unblended: "billed_cost",
        net_unblended: None,
        amortized: AmortizedSource::Column("effective_cost"),
        payer: "billing_account_id",
        usage_account: "sub_account_id",
        period_start: "billing_period_start",
        invoice: None,
        optional: &["region_id"],
    },
};
