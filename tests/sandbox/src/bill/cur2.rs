//! The columns of a CUR 2.0 export, and where each finds its value in the legacy catalogue.

use super::amount::Amount;
use super::columns::{Catalogue, Field, Source};
use super::fold::fold;
use super::names::Measure;
use super::rows::Row;
use super::spec::BillOptions;
use super::stream::Stream;

/// The 115 columns of an export without split cost allocation and IAM principals.
#[rustfmt::skip]
pub(super) const FIXED: [&str; 115] = [
    "bill_bill_type", "bill_billing_entity", "bill_billing_period_end_date", "bill_billing_period_start_date",
    "bill_invoice_id", "bill_invoicing_entity", "bill_payer_account_id", "bill_payer_account_name", "cost_category",
    "discount", "discount_bundled_discount", "discount_total_discount", "identity_line_item_id", "identity_time_interval",
    "line_item_availability_zone", "line_item_blended_cost", "line_item_blended_rate", "line_item_currency_code",
    "line_item_legal_entity", "line_item_line_item_description", "line_item_line_item_type", "line_item_net_unblended_cost",
    "line_item_net_unblended_rate", "line_item_normalization_factor", "line_item_normalized_usage_amount",
    "line_item_operation", "line_item_product_code", "line_item_resource_id", "line_item_tax_type",
    "line_item_unblended_cost", "line_item_unblended_rate", "line_item_usage_account_id", "line_item_usage_account_name",
    "line_item_usage_amount", "line_item_usage_end_date", "line_item_usage_start_date", "line_item_usage_type",
    "pricing_currency", "pricing_lease_contract_length", "pricing_offering_class", "pricing_public_on_demand_cost",
    "pricing_public_on_demand_rate", "pricing_purchase_option", "pricing_rate_code", "pricing_rate_id", "pricing_term",
    "pricing_unit", "product", "product_comment", "product_fee_code", "product_fee_description", "product_from_location",
    "product_from_location_type", "product_from_region_code", "product_instance_family", "product_instance_type",
    "product_instancesku", "product_location", "product_location_type", "product_operation", "product_pricing_unit",
    "product_product_family", "product_region_code", "product_servicecode", "product_sku", "product_to_location",
    "product_to_location_type", "product_to_region_code", "product_usagetype",
    "reservation_amortized_upfront_cost_for_usage", "reservation_amortized_upfront_fee_for_billing_period",
    "reservation_availability_zone", "reservation_effective_cost", "reservation_end_time",
    "reservation_modification_status", "reservation_net_amortized_upfront_cost_for_usage",
    "reservation_net_amortized_upfront_fee_for_billing_period", "reservation_net_effective_cost",
    "reservation_net_recurring_fee_for_usage", "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee", "reservation_net_upfront_value",
    "reservation_normalized_units_per_reservation", "reservation_number_of_reservations",
    "reservation_recurring_fee_for_usage", "reservation_reservation_a_r_n", "reservation_start_time",
    "reservation_subscription_id", "reservation_total_reserved_normalized_units", "reservation_total_reserved_units",
    "reservation_units_per_reservation", "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_normalized_unit_quantity", "reservation_unused_quantity", "reservation_unused_recurring_fee",
    "reservation_upfront_value", "resource_tags", "savings_plan_amortized_upfront_commitment_for_billing_period",
    "savings_plan_end_time", "savings_plan_instance_type_family",
    "savings_plan_net_amortized_upfront_commitment_for_billing_period",
    "savings_plan_net_recurring_commitment_for_billing_period", "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_offering_type", "savings_plan_payment_option", "savings_plan_purchase_term",
    "savings_plan_recurring_commitment_for_billing_period", "savings_plan_region", "savings_plan_savings_plan_a_r_n",
    "savings_plan_savings_plan_effective_cost", "savings_plan_savings_plan_rate", "savings_plan_start_time",
    "savings_plan_total_commitment_to_date", "savings_plan_used_commitment", "tags",
];

/// CUR 2.0's spelling of a folded legacy name, where the two differ.
pub(super) fn respelt(folded: &str) -> &str {
    match folded {
        "product_comments" => "product_comment",
        same => same,
    }
}

/// What a CUR 2.0 column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Source(Source),
    PayerName,
    AccountName,
    /// A map of texts.
    Map(MapName),
    /// The map of discounts, whose values are amounts.
    Discount,
}

/// The maps whose values are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapName {
    Product,
    ResourceTags,
    CostCategory,
    Tags,
}

/// A map key and the text columns that may fill it, those of smaller raw names first. There is
/// more than one where raw names fold to the same key: AWS has merged them.
#[derive(Clone, Debug)]
struct MapKey {
    key: String,
    fields: Vec<Field>,
}

/// The columns of an export, in order, and the keys of its maps.
#[derive(Clone, Debug)]
pub(super) struct Cur2Columns {
    pub(super) columns: Vec<(String, Cell)>,
    discounts: Vec<(String, Measure)>,
    product: Vec<MapKey>,
    resource_tags: Vec<MapKey>,
    cost_category: Vec<MapKey>,
}

impl Cur2Columns {
    /// Derives the export's columns from the legacy ones.
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut derived = Self {
            columns: Vec::with_capacity(FIXED.len()),
            discounts: Vec::new(),
            product: Vec::new(),
            resource_tags: Vec::new(),
            cost_category: Vec::new(),
        };
        for name in FIXED.into_iter().filter(|name| !catalogue.drops(name)) {
            let source = catalogue.columns.iter().find(|column| respelt(&column.folded) == name);
            let cell = match (name, source) {
                (_, Some(column)) => Cell::Source(column.source),
                ("bill_payer_account_name", _) => Cell::PayerName,
                ("line_item_usage_account_name", _) => Cell::AccountName,
                ("product", _) => Cell::Map(MapName::Product),
                ("resource_tags", _) => Cell::Map(MapName::ResourceTags),
                ("cost_category", _) => Cell::Map(MapName::CostCategory),
                ("tags", _) => Cell::Map(MapName::Tags),
                ("discount", _) => Cell::Discount,
                _ => continue,
            };
            derived.columns.push((name.to_owned(), cell));
        }
        let mut by_name: Vec<_> = catalogue.columns.iter().collect();
        by_name.sort_by(|one, other| one.name.cmp(&other.name));
        for column in by_name {
            if FIXED.contains(&respelt(&column.folded)) {
                continue;
            }
            let rest = column.name.split_once('/').map_or("", |(_, rest)| rest);
            match (column.category(), column.source) {
                ("product", Source::Text(field)) => add_key(&mut derived.product, fold(rest), field),
                ("resourceTags", Source::Text(field)) => {
                    add_key(&mut derived.resource_tags, fold(rest), field);
                }
                ("costCategory", Source::Text(field)) => {
                    add_key(&mut derived.cost_category, fold(rest), field);
                }
                ("discount", Source::Number(measure)) => derived.discounts.push((fold(rest), measure)),
                _ => derived.columns.push((column.folded.clone(), Cell::Source(column.source))),
            }
        }
        derived
    }

    /// The entries of a stream's map: only keys that have a value.
    pub(super) fn entries<'a>(
        &'a self,
        map: MapName,
        stream: &'a Stream,
        options: &BillOptions,
    ) -> Vec<(&'a str, &'a str)> {
        let keys = match map {
            MapName::Product => &self.product,
            MapName::ResourceTags => &self.resource_tags,
            MapName::CostCategory => &self.cost_category,
            MapName::Tags if options.account_tags => {
                let stage = ["prod", "staging", "dev, \"lab\""][stream.account % 3];
                return vec![("accountTag/Environment", stage)];
            }
            MapName::Tags => return Vec::new(),
        };
        let filled = |key: &'a MapKey| Some((key.key.as_str(), stream.texts.first_of(&key.fields)?));
        keys.iter().filter_map(filled).collect()
    }

    /// The entries of a row's discount map.
    pub(super) fn discount_entries<'a>(&'a self, row: &Row<'_>) -> Vec<(&'a str, Amount)> {
        let filled = |(key, measure): &'a (String, Measure)| Some((key.as_str(), row.amounts.get(*measure)?));
        self.discounts.iter().filter_map(filled).collect()
    }
}

/// How CUR 2.0 names an account of the bill.
pub(super) fn account_name(account: usize) -> String {
    let stage = ["Production", "Staging", "Entwicklung (München)"][account % 3];
    format!("{stage} {:03}", account + 1)
}

impl MapName {
    /// Whether a row without entries has an empty map rather than none: both occur.
    pub(super) fn empty_is_map(self) -> bool {
        self != Self::CostCategory
    }
}

fn add_key(keys: &mut Vec<MapKey>, key: String, field: Field) {
    match keys.iter_mut().find(|known| known.key == key) {
        Some(known) => known.fields.push(field),
        None => keys.push(MapKey { key, fields: vec![field] }),
    }
}
