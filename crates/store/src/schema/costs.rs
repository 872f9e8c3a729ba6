//! The table of costs: every row of a legacy report or of a CUR 2.0 export. `columns.tsv` is its contract.

use std::sync::LazyLock;

use super::{
    AmortizedSource, BillColumns, InvoiceColumns, MapColumn, MapHeaders, SpelledColumn, TableContract,
    amortized::OPTIONAL_COLUMNS, parse_columns, table::arrow_schema,
};

/// The table of costs.
pub static COSTS: TableContract = TableContract {
    name: "costs",
    keys_name: "tag_keys",
    columns: LazyLock::new(|| parse_columns(include_str!("columns.tsv"))),
    schema: LazyLock::new(|| arrow_schema(&COSTS.columns)),
    partitions: ["connection", "billing_period"],
    statistics: "line_item_usage_start_date",
    maps: &[
        MapColumn { name: "product", takes: MapHeaders::Leftover, folds: true, lists_keys: false },
        MapColumn { name: "discount", takes: MapHeaders::Leftover, folds: true, lists_keys: false },
        MapColumn { name: "cost_category", takes: MapHeaders::Category, folds: true, lists_keys: false },
        MapColumn { name: "resource_tags", takes: MapHeaders::Category, folds: true, lists_keys: true },
        // Only CUR 2.0 has keys such as `accountTag/Environment`, so there is no other dialect to join.
        MapColumn { name: "tags", takes: MapHeaders::None, folds: false, lists_keys: false },
        MapColumn { name: "extra", takes: MapHeaders::Unknown, folds: true, lists_keys: false },
    ],
    // What AWS renamed, and when: docs/aws-facts.md 3.9.
    aliases: &[("product_region", "product_region_code"), ("product_comments", "product_comment")],
    bill: BillColumns {
        currency: SpelledColumn::new("line_item_currency_code", "lineItem/CurrencyCode"),
        line_type: SpelledColumn::new("line_item_line_item_type", "lineItem/LineItemType"),
        summed: &[
            SpelledColumn::new("line_item_unblended_cost", "lineItem/UnblendedCost"),
            SpelledColumn::new("line_item_net_unblended_cost", "lineItem/NetUnblendedCost"),
            SpelledColumn::new(
                "savings_plan_savings_plan_effective_cost",
                "savingsPlan/SavingsPlanEffectiveCost",
            ),
            SpelledColumn::new("savings_plan_total_commitment_to_date", "savingsPlan/TotalCommitmentToDate"),
            SpelledColumn::new("savings_plan_used_commitment", "savingsPlan/UsedCommitment"),
            SpelledColumn::new("reservation_effective_cost", "reservation/EffectiveCost"),
            SpelledColumn::new(
                "reservation_unused_amortized_upfront_fee_for_billing_period",
                "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
            ),
            SpelledColumn::new("reservation_unused_recurring_fee", "reservation/UnusedRecurringFee"),
            SpelledColumn::new("line_item_usage_amount", "lineItem/UsageAmount"),
        ],
        unblended: "line_item_unblended_cost",
        net_unblended: Some("line_item_net_unblended_cost"),
        amortized: AmortizedSource::ByLineType,
        payer: "bill_payer_account_id",
        usage_account: "line_item_usage_account_id",
        period_start: "bill_billing_period_start_date",
        invoice: Some(InvoiceColumns { bill_type: "bill_bill_type", invoice_id: "bill_invoice_id" }),
        optional: &OPTIONAL_COLUMNS,
    },
};
