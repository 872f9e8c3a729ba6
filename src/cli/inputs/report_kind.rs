//! A report's kind as an option's value, spelt as in a manifest.

use clap::{ValueEnum, builder::PossibleValue};

use crate::api::aws_cost_account::ReportKindChoice;

impl ValueEnum for ReportKindChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::LegacyCur, Self::Cur2]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Auto => "Auto",
            Self::LegacyCur => "LegacyCur",
            Self::Cur2 => "Cur2",
        }))
    }
}
