//! The amortized cost of a row: one formula for the loader's totals and for `awscost costs`.
//!
//! AWS publishes no column for it in Cost and Usage Reports; this is the rule by line type that Cost
//! Explorer's AmortizedCost follows (fact sheet 13, trap 10).

use arrow::{
    array::{Array, AsArray, Decimal128Array, StringArray},
    datatypes::Decimal128Type,
    record_batch::RecordBatch,
};

use crate::model::Amount;

/// The columns the formula reads, by name: what a reader has to project.
pub const AMORTIZED_COLUMNS: [&str; 9] = [
    "line_item_line_item_type",
    "line_item_unblended_cost",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "reservation_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_reservation_a_r_n",
];

/// What the formula takes of one row. An absent amount counts as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AmortizedParts<'a> {
    /// `line_item_line_item_type`.
    pub line_type: &'a str,
    /// `line_item_unblended_cost`.
    pub unblended: Amount,
    /// `savings_plan_savings_plan_effective_cost`.
    pub plan_effective: Amount,
    /// `savings_plan_total_commitment_to_date`.
    pub plan_commitment: Amount,
    /// `savings_plan_used_commitment`.
    pub plan_used: Amount,
    /// `reservation_effective_cost`.
    pub reservation_effective: Amount,
    /// `reservation_unused_amortized_upfront_fee_for_billing_period`.
    pub reservation_unused_upfront: Amount,
    /// `reservation_unused_recurring_fee`.
    pub reservation_unused_recurring: Amount,
    /// True if `reservation_reservation_a_r_n` holds something.
    pub of_reservation: bool,
}

impl AmortizedParts<'_> {
    /// The row's amortized cost; `None` if it has more than 38 digits.
    pub fn cost(&self) -> Option<Amount> {
        match self.line_type {
            "SavingsPlanCoveredUsage" => Some(self.plan_effective),
            "SavingsPlanRecurringFee" => self.plan_commitment.checked_add(-self.plan_used),
            "SavingsPlanNegation" | "SavingsPlanUpfrontFee" => Some(Amount::ZERO),
            "DiscountedUsage" => Some(self.reservation_effective),
            "RIFee" => self.reservation_unused_upfront.checked_add(self.reservation_unused_recurring),
            "Fee" if self.of_reservation => Some(Amount::ZERO),
            _ => Some(self.unblended),
        }
    }
}

/// The formula's columns of a batch, looked up once. A column that the batch lacks counts as NULL.
pub struct AmortizedColumns<'a> {
    line_type: Option<&'a StringArray>,
    amounts: [Option<&'a Decimal128Array>; 7],
    reservation: Option<&'a StringArray>,
}

impl<'a> AmortizedColumns<'a> {
    /// Finds the columns in a batch of the stable schema, or of a projection of it.
    pub fn of(batch: &'a RecordBatch) -> Self {
        let text = |name| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let amount =
            |at: usize| batch.column_by_name(AMORTIZED_COLUMNS[at])?.as_primitive_opt::<Decimal128Type>();
        Self {
            line_type: text(AMORTIZED_COLUMNS[0]),
            amounts: std::array::from_fn(|at| amount(at + 1)),
            reservation: text(AMORTIZED_COLUMNS[8]),
        }
    }

    /// What the formula takes of one row.
    pub fn parts(&self, row: usize) -> AmortizedParts<'a> {
        let text =
            |column: Option<&'a StringArray>| column.filter(|c| c.is_valid(row)).map_or("", |c| c.value(row));
        let amount = |at: usize| {
            let column = self.amounts[at].filter(|column| column.is_valid(row));
            column.map_or(Amount::ZERO, |column| Amount::from_units(column.value(row)))
        };
        AmortizedParts {
            line_type: text(self.line_type),
            unblended: amount(0),
            plan_effective: amount(1),
            plan_commitment: amount(2),
            plan_used: amount(3),
            reservation_effective: amount(4),
            reservation_unused_upfront: amount(5),
            reservation_unused_recurring: amount(6),
            of_reservation: !text(self.reservation).is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{array::ArrayRef, datatypes::Schema};

    use super::*;
    use crate::schema::{DATA_SCHEMA, DECIMAL};

    /// A row in which every amount differs, so that a wrong column shows.
    fn row(line_type: &str) -> AmortizedParts<'_> {
        AmortizedParts {
            line_type,
            unblended: Amount::from_units(1),
            plan_effective: Amount::from_units(20),
            plan_commitment: Amount::from_units(700),
            plan_used: Amount::from_units(300),
            reservation_effective: Amount::from_units(5_000),
            reservation_unused_upfront: Amount::from_units(60_000),
            reservation_unused_recurring: Amount::from_units(700_000),
            of_reservation: false,
        }
    }

    #[test]
    fn every_line_type_takes_its_own_columns() {
        for (line_type, units) in [
            ("Usage", 1),
            ("Tax", 1),
            ("Credit", 1),
            ("Fee", 1),
            ("SomethingNew", 1),
            ("SavingsPlanCoveredUsage", 20),
            ("SavingsPlanRecurringFee", 400),
            ("SavingsPlanNegation", 0),
            ("SavingsPlanUpfrontFee", 0),
            ("DiscountedUsage", 5_000),
            ("RIFee", 760_000),
        ] {
            assert_eq!(row(line_type).cost(), Some(Amount::from_units(units)), "{line_type}");
        }
    }

    #[test]
    fn the_upfront_fee_of_a_reservation_is_spread_elsewhere() {
        let fee = AmortizedParts { of_reservation: true, ..row("Fee") };
        assert_eq!(fee.cost(), Some(Amount::ZERO));
    }

    #[test]
    fn more_digits_than_a_decimal_holds_are_reported() {
        let most = Amount::from_units(10i128.pow(38) - 1);
        let parts =
            AmortizedParts { plan_commitment: most, plan_used: -most, ..row("SavingsPlanRecurringFee") };
        assert_eq!(parts.cost(), None);
    }

    #[test]
    fn columns_are_found_by_name_and_absent_ones_are_zero() {
        let types: ArrayRef = Arc::new(StringArray::from(vec!["RIFee", "Usage"]));
        let fees = Decimal128Array::from(vec![Some(7), None]).with_data_type(DECIMAL);
        let names = ["line_item_line_item_type", "reservation_unused_recurring_fee"];
        let fields: Vec<_> =
            names.iter().map(|name| DATA_SCHEMA.field_with_name(name).expect(name).clone()).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![types, Arc::new(fees)])
            .expect("columns match");
        let columns = AmortizedColumns::of(&batch);
        assert_eq!(columns.parts(0).cost(), Some(Amount::from_units(7)));
        assert_eq!(columns.parts(1).cost(), Some(Amount::ZERO));
    }
}
