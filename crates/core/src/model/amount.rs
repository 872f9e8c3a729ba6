//! Exact money: `decimal(38,18)` as an integer count of 10⁻¹⁸ units. No float anywhere.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// An amount of money (or of usage), exact to 18 fractional digits and 20 integer digits.
///
/// Sums of amounts stay exact; they overflow only past 38 digits, which [`Amount::checked_add`] reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i128);

/// A parsed number together with what rounding did to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedAmount {
    /// The number, rounded half-even to 18 fractional digits if it had more.
    pub amount: Amount,
    /// True if digits beyond the 18th were lost, so that a sum may differ from the source.
    pub rounded: bool,
}

/// The text is not a number that fits decimal(38,18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// Not `[+-]digits[.digits][e[+-]digits]`: empty, NaN, Infinity, separators, hexadecimal.
    #[error("not a decimal number")]
    NotANumber,
    /// More than 20 digits before the point.
    #[error("more than 20 integer digits: it does not fit decimal(38,18)")]
    TooLarge,
}

/// Fractional digits of an amount; the table's `decimal(38,18)` has as many.
const SCALE: i32 = 18;
/// The largest magnitude of decimal(38,18), in units of 10⁻¹⁸.
const MAX_UNITS: i128 = 10i128.pow(38) - 1;

impl Amount {
    /// The amount 0, with which sums start.
    pub const ZERO: Self = Self(0);

    /// An amount from its count of 10⁻¹⁸ units, as Arrow's and Parquet's decimal(38,18) hold it.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The count of 10⁻¹⁸ units.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The amount with two fractional digits, rounded half-even, for people who compare months and not bills.
    pub fn to_cents(self) -> String {
        const CENT: u128 = 10u128.pow(16);
        let units = self.0.unsigned_abs();
        let (cents, rest) = (units / CENT, units % CENT);
        let up = rest > CENT / 2 || (rest == CENT / 2 && cents % 2 == 1);
        let cents = cents + u128::from(up);
        let sign = if self.0 < 0 && cents > 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }

    /// The sum, or `None` past 38 digits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).filter(|units| units.unsigned_abs() <= MAX_UNITS as u128).map(Self)
    }

    /// Parses a decimal number: sign, digits, point, exponent (`4.0E-7`), as CUR and Data Exports write them.
    ///
    /// # Errors
    /// [`InvalidAmount`] for anything else, and for more than 20 integer digits.
    pub fn parse(text: &[u8]) -> Result<ParsedAmount, InvalidAmount> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let parts = AmountParts::split(digits)?;
        let (units, rounded) = parts.units()?;
        Ok(ParsedAmount { amount: Self(if negative { -units } else { units }), rounded })
    }
}

/// The digits of a number and where its point is.
struct AmountParts<'a> {
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i32,
}

impl<'a> AmountParts<'a> {
    fn split(text: &'a [u8]) -> Result<Self, InvalidAmount> {
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (integer, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &[][..]),
        };
        let all_digits = integer.iter().chain(fraction).all(u8::is_ascii_digit);
        if !all_digits || (integer.is_empty() && fraction.is_empty()) {
            return Err(InvalidAmount::NotANumber);
        }
        Ok(Self { integer, fraction, exponent })
    }

    /// The magnitude in 10⁻¹⁸ units, rounded half-even, and whether rounding changed it.
    fn units(&self) -> Result<(i128, bool), InvalidAmount> {
        // The digit at index i of integer‖fraction weighs 10^(integer.len() - 1 - i + exponent).
        let kept_until = self.integer.len() as i64 + i64::from(self.exponent) + i64::from(SCALE);
        let digits = self.integer.iter().chain(self.fraction).map(|byte| byte - b'0');
        let mut units: i128 = 0;
        let mut seen: i64 = 0;
        let mut first_lost = 0u8;
        let mut rest_lost = false;
        for digit in digits {
            if seen < kept_until {
                units = push_digit(units, digit)?;
            } else if seen == kept_until {
                first_lost = digit;
            } else {
                rest_lost |= digit != 0;
            }
            seen += 1;
        }
        if units != 0 {
            for _ in seen..kept_until {
                units = push_digit(units, 0)?;
            }
        }
        let half = first_lost == 5 && !rest_lost;
        let up = first_lost > 5 || (first_lost == 5 && rest_lost) || (half && units % 2 == 1);
        let units = units + i128::from(up);
        if units > MAX_UNITS {
            return Err(InvalidAmount::TooLarge);
        }
        Ok((units, first_lost != 0 || rest_lost))
    }
}

fn push_digit(units: i128, digit: u8) -> Result<i128, InvalidAmount> {
    // MAX_UNITS * 10 fits i128 not, so compare before multiplying.
    if units > (MAX_UNITS - i128::from(digit)) / 10 {
        return Err(InvalidAmount::TooLarge);
    }
    Ok(units * 10 + i128::from(digit))
}

fn parse_exponent(text: &[u8]) -> Result<i32, InvalidAmount> {
    let text = std::str::from_utf8(text).map_err(|_| InvalidAmount::NotANumber)?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidAmount::NotANumber);
    }
    text.parse().map_err(|_| InvalidAmount::NotANumber)
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes()).map(|parsed| parsed.amount)
    }
}

impl fmt::Display for Amount {
    /// The shortest exact form: no trailing zeros, at least one digit before the point, no exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10u128.pow(SCALE as u32);
        let magnitude = self.0.unsigned_abs();
        let (integer, fraction) = (magnitude / one, magnitude % one);
        let mut text = integer.to_string();
        if fraction != 0 {
            let digits = format!("{fraction:018}");
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        f.pad_integral(self.0 >= 0, "", &text)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Amount {
    /// As text: a JSON number would become a float in the reader's hands.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<(String, bool), InvalidAmount> {
        Amount::parse(text.as_bytes()).map(|parsed| (parsed.amount.to_string(), parsed.rounded))
    }

    #[test]
    fn cents_are_rounded_half_even() {
        for (text, cents) in [
            ("108716.416629522563693978", "108716.42"),
            ("0.005", "0.00"),
            ("0.015", "0.02"),
            ("0.0050001", "0.01"),
            ("-223.836667", "-223.84"),
            ("-0.001", "0.00"),
            ("7", "7.00"),
        ] {
            let amount = Amount::parse(text.as_bytes()).expect(text).amount;
            assert_eq!(amount.to_cents(), cents, "{text}");
        }
    }

    #[test]
    fn numbers_as_aws_writes_them() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("+1.50", "1.5"),
            ("0.0416000000", "0.0416"),
            ("-12345.678901234567890123", "-12345.678901234567890123"),
            ("4.0E-7", "0.0000004"),
            ("1E-10", "0.0000000001"),
            ("1.5e3", "1500"),
            (".5", "0.5"),
            ("5.", "5"),
            ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
            ("0E+9999", "0"),
        ] {
            assert_eq!(parsed(text), Ok((expected.to_owned(), false)), "{text}");
        }
    }

    #[test]
    fn beyond_eighteen_digits_rounds_half_even_and_says_so() {
        for (text, expected) in [
            ("0.0000000000000000005", "0"),
            ("0.0000000000000000015", "0.000000000000000002"),
            ("0.0000000000000000025", "0.000000000000000002"),
            ("0.00000000000000000250001", "0.000000000000000003"),
            ("1e-30", "0"),
            ("-0.0000000000000000019", "-0.000000000000000002"),
        ] {
            assert_eq!(parsed(text), Ok((expected.to_owned(), true)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "-", ".", "NaN", "Infinity", "1,000", "0x10", "1e", "1e99999", "1 ", "１", "1.2.3", "--1"]
        {
            assert_eq!(parsed(text), Err(InvalidAmount::NotANumber), "{text:?}");
        }
        for text in ["100000000000000000000", "1e20", "99999999999999999999.9999999999999999999", "1e9999"] {
            assert_eq!(parsed(text), Err(InvalidAmount::TooLarge), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn display_parses_back(units in -MAX_UNITS..=MAX_UNITS) {
            let amount = Amount::from_units(units);
            prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        }
    }
}
