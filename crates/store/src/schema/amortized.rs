//! The amortized cost of a row: one formula for the loader's totals and for `awscost costs`.
//!
//! AWS publishes no column for it in Cost and Usage Reports; this is the rule by line type that Cost
//! Explorer's AmortizedCost follows (docs/aws-facts.md 13.1).

use std::ops::Neg;

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

/// The reservation's ARN: without it, no fee says whether it was paid ahead for a reservation.
pub const RESERVATION: &str = AMORTIZED_COLUMNS[8];

/// The columns that a report may lack and then has no net or no amortized figure for some of its rows.
pub const OPTIONAL_COLUMNS: [&str; 8] = [
    "line_item_net_unblended_cost",
    AMORTIZED_COLUMNS[2],
    AMORTIZED_COLUMNS[3],
    AMORTIZED_COLUMNS[4],
    AMORTIZED_COLUMNS[5],
    AMORTIZED_COLUMNS[6],
    AMORTIZED_COLUMNS[7],
    RESERVATION,
];

/// Why a row has no amortized cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCost {
    /// An amount that its line type takes is NULL. That is not zero: most often the report lacks the column.
    Lacking,
    /// The cost has more than 38 digits.
    TooLarge,
}

/// What the formula takes of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AmortizedParts<'a> {
    /// `line_item_line_item_type`.
    pub line_type: &'a str,
    /// `line_item_unblended_cost`.
    pub unblended: Option<Amount>,
    /// `savings_plan_savings_plan_effective_cost`.
    pub plan_effective: Option<Amount>,
    /// `savings_plan_total_commitment_to_date`.
    pub plan_commitment: Option<Amount>,
    /// `savings_plan_used_commitment`.
    pub plan_used: Option<Amount>,
    /// `reservation_effective_cost`.
    pub reservation_effective: Option<Amount>,
    /// `reservation_unused_amortized_upfront_fee_for_billing_period`.
    pub reservation_unused_upfront: Option<Amount>,
    /// `reservation_unused_recurring_fee`.
    pub reservation_unused_recurring: Option<Amount>,
    /// True if `reservation_reservation_a_r_n` holds something.
    pub of_reservation: bool,
}

/// A column, and what the row has in it.
type Term = (&'static str, Option<Amount>);

impl AmortizedParts<'_> {
    /// What is added up for the row, by its line type.
    fn terms(&self) -> [Option<Term>; 2] {
        let [_, unblended, effective, commitment, used, reserved, upfront, recurring, _] = AMORTIZED_COLUMNS;
        let one = |column, amount| [Some((column, amount)), None];
        match self.line_type {
            "SavingsPlanCoveredUsage" => one(effective, self.plan_effective),
            "SavingsPlanRecurringFee" => {
                [Some((commitment, self.plan_commitment)), Some((used, self.plan_used.map(Neg::neg)))]
            }
            "SavingsPlanNegation" | "SavingsPlanUpfrontFee" => [None, None],
            "DiscountedUsage" => one(reserved, self.reservation_effective),
            "RIFee" => [
                Some((upfront, self.reservation_unused_upfront)),
                Some((recurring, self.reservation_unused_recurring)),
            ],
            "Fee" if self.of_reservation => [None, None],
            _ => one(unblended, self.unblended),
        }
    }

    /// The row's amortized cost.
    ///
    /// # Errors
    /// [`NoCost`] if the row has none.
    pub fn cost(&self) -> Result<Amount, NoCost> {
        self.terms().into_iter().flatten().try_fold(Amount::ZERO, |sum, (_, amount)| {
            sum.checked_add(amount.ok_or(NoCost::Lacking)?).ok_or(NoCost::TooLarge)
        })
    }

    /// The columns that the row would need and in which it has nothing.
    pub fn lacking(&self) -> impl Iterator<Item = &'static str> {
        self.terms().into_iter().flatten().filter(|(_, amount)| amount.is_none()).map(|(column, _)| column)
    }

    /// True for a fee that names no reservation. Where the report has no column for it, the fee may be one that
    /// was paid ahead, whose amortized cost is zero.
    pub fn may_be_upfront(&self) -> bool {
        self.line_type == "Fee" && !self.of_reservation
    }

    /// True for a row that a reservation stands behind, and that does not name it: the report has no such column.
    pub fn hides_its_reservation(&self) -> bool {
        matches!(self.line_type, "DiscountedUsage" | "RIFee") && !self.of_reservation
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
            reservation: text(RESERVATION),
        }
    }

    /// What the formula takes of one row.
    pub fn parts(&self, row: usize) -> AmortizedParts<'a> {
        let text =
            |column: Option<&'a StringArray>| column.filter(|c| c.is_valid(row)).map_or("", |c| c.value(row));
        let amount = |at: usize| {
            let column = self.amounts[at].filter(|column| column.is_valid(row));
            column.map(|column| Amount::from_units(column.value(row)))
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
    use crate::schema::{COSTS, DECIMAL};

    /// A row in which every amount differs, so that a wrong column shows.
    fn row(line_type: &str) -> AmortizedParts<'_> {
        AmortizedParts {
            line_type,
            unblended: Some(Amount::from_units(1)),
            plan_effective: Some(Amount::from_units(20)),
            plan_commitment: Some(Amount::from_units(700)),
            plan_used: Some(Amount::from_units(300)),
            reservation_effective: Some(Amount::from_units(5_000)),
            reservation_unused_upfront: Some(Amount::from_units(60_000)),
            reservation_unused_recurring: Some(Amount::from_units(700_000)),
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
            assert_eq!(row(line_type).cost(), Ok(Amount::from_units(units)), "{line_type}");
        }
    }

    #[test]
    fn the_upfront_fee_of_a_reservation_is_spread_elsewhere() {
        let fee = AmortizedParts { of_reservation: true, ..row("Fee") };
        assert_eq!(fee.cost(), Ok(Amount::ZERO));
    }

    #[test]
    fn more_digits_than_a_decimal_holds_are_reported() {
        let most = Amount::from_units(10i128.pow(38) - 1);
        let parts = AmortizedParts {
            plan_commitment: Some(most),
            plan_used: Some(-most),
            ..row("SavingsPlanRecurringFee")
        };
        assert_eq!(parts.cost(), Err(NoCost::TooLarge));
    }

    #[test]
    fn a_row_without_a_column_of_its_type_has_no_cost_and_names_the_column() {
        let nothing = |line_type| AmortizedParts { line_type, ..AmortizedParts::default() };
        for (line_type, columns) in [
            ("Usage", &["line_item_unblended_cost"][..]),
            ("Fee", &["line_item_unblended_cost"]),
            ("SavingsPlanCoveredUsage", &["savings_plan_savings_plan_effective_cost"]),
            (
                "SavingsPlanRecurringFee",
                &["savings_plan_total_commitment_to_date", "savings_plan_used_commitment"],
            ),
            ("DiscountedUsage", &["reservation_effective_cost"]),
            (
                "RIFee",
                &[
                    "reservation_unused_amortized_upfront_fee_for_billing_period",
                    "reservation_unused_recurring_fee",
                ],
            ),
        ] {
            assert_eq!(nothing(line_type).cost(), Err(NoCost::Lacking), "{line_type}");
            assert_eq!(nothing(line_type).lacking().collect::<Vec<_>>(), columns, "{line_type}");
        }
        for line_type in ["SavingsPlanNegation", "SavingsPlanUpfrontFee"] {
            assert_eq!(nothing(line_type).cost(), Ok(Amount::ZERO), "{line_type}");
        }
        // Half of a sum is no sum.
        let half = AmortizedParts { reservation_unused_upfront: None, ..row("RIFee") };
        assert_eq!(half.cost(), Err(NoCost::Lacking));
    }

    #[test]
    fn columns_are_found_by_name_and_an_absent_one_is_not_zero() {
        let types: ArrayRef = Arc::new(StringArray::from(vec!["DiscountedUsage", "Usage"]));
        let costs = Decimal128Array::from(vec![Some(7), None]).with_data_type(DECIMAL);
        let names = ["line_item_line_item_type", "reservation_effective_cost"];
        let fields: Vec<_> =
            names.iter().map(|name| COSTS.schema.field_with_name(name).expect(name).clone()).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![types, Arc::new(costs)])
            .expect("columns match");
        let columns = AmortizedColumns::of(&batch);
        assert_eq!(columns.parts(0).cost(), Ok(Amount::from_units(7)));
        assert_eq!(columns.parts(1).cost(), Err(NoCost::Lacking));
    }

    #[test]
    fn fees_and_reserved_rows_show_whether_the_report_names_reservations() {
        assert!(row("Fee").may_be_upfront() && !row("Tax").may_be_upfront());
        assert!(row("RIFee").hides_its_reservation() && row("DiscountedUsage").hides_its_reservation());
        let named = AmortizedParts { of_reservation: true, ..row("RIFee") };
        assert!(!named.hides_its_reservation());
    }
}
