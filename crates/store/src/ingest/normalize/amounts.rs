//! Decimal columns: cells and doubles to decimal(38,18), with an exact account of what rounding did.

use std::{fmt::Write, sync::Arc};

use arrow::array::{ArrayRef, Decimal128Builder};

use super::rounding::Rounding;
use crate::{
    model::{Amount, InvalidAmount},
    schema::DECIMAL,
};

/// A decimal column being filled.
#[derive(Debug)]
pub(in crate::ingest) struct AmountColumn {
    values: Decimal128Builder,
    rounding: Rounding,
    text: String,
}

impl AmountColumn {
    pub fn new() -> Self {
        Self {
            values: Decimal128Builder::new().with_data_type(DECIMAL),
            rounding: Rounding::default(),
            text: String::new(),
        }
    }

    /// Appends a cell; the empty text is NULL.
    pub fn push(&mut self, text: &[u8]) -> Result<(), InvalidAmount> {
        match text {
            b"" => self.values.append_null(),
            text => self.values.append_value(parse(text, &mut self.rounding)?.units()),
        }
        Ok(())
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        self.values.append_null();
    }

    /// Appends the double's shortest decimal: the one that AWS printed or would print (docs/aws-facts.md 13.2).
    pub fn push_double(&mut self, value: f64) -> Result<(), InvalidAmount> {
        // Most doubles of a bill are zero.
        if value == 0.0 {
            self.values.append_value(0);
            return Ok(());
        }
        let mut text = std::mem::take(&mut self.text);
        shortest(value, &mut text);
        let result = self.push(text.as_bytes());
        self.text = text;
        result
    }

    pub fn finish(&mut self) -> ArrayRef {
        Arc::new(self.values.finish())
    }

    pub fn rounding(&self) -> &Rounding {
        &self.rounding
    }
}

/// Parses a number and counts it if digits were lost.
pub(super) fn parse(text: &[u8], rounding: &mut Rounding) -> Result<Amount, InvalidAmount> {
    let parsed = Amount::parse(text)?;
    if parsed.rounded {
        rounding.count(text, parsed.amount);
    }
    Ok(parsed.amount)
}

/// The shortest decimal text that reads back as this double: `1e-7`, `0.0416`, `NaN`.
pub(in crate::ingest) fn shortest(value: f64, text: &mut String) {
    text.clear();
    write!(text, "{value:?}").expect("a String takes any text");
}
