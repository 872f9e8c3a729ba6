//! Amounts of money and usage: whole numbers at scale 18, and the ways AWS prints them.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};

const DIGITS: u32 = 18;
const ONE: i128 = 10_i128.pow(DIGITS);
/// One step of the tenth fractional digit, to which AWS rounds a cost.
const TENTH_DIGIT: i128 = 10_i128.pow(8);
/// A double's shortest decimal is the decimal it came from up to this many significant digits.
const SIGNIFICANT: i128 = 10_i128.pow(15);

/// A decimal with 18 fractional digits. What the generator puts on a bill has at most 15
/// significant digits, so that a double holds it without loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Amount(i128);

impl Amount {
    pub(super) const ZERO: Self = Self(0);

    /// `mantissa` × 10^-`scale`; the scale is at most 18.
    pub(super) const fn new(mantissa: i64, scale: u32) -> Self {
        Self(mantissa as i128 * 10_i128.pow(DIGITS - scale))
    }

    /// The product, rounded half to even to ten fractional digits and never to more than 15
    /// significant ones. Factors are read to their tenth fractional digit.
    pub(super) fn times(self, factor: Self) -> Self {
        let product = (self.0 / TENTH_DIGIT) * (factor.0 / TENTH_DIGIT);
        Self(half_even(product, 10_i128.pow(10)) * TENTH_DIGIT).fitted()
    }

    /// The given thousandths of the amount, rounded as [`times`](Self::times) rounds.
    pub(super) fn thousandths(self, parts: i64) -> Self {
        self.times(Self::new(parts, 3))
    }

    fn fitted(self) -> Self {
        let mut step = 1;
        while (self.0 / step).abs() >= SIGNIFICANT * 10_000 {
            step *= 10_000;
        }
        while (self.0 / step).abs() >= SIGNIFICANT {
            step *= 10;
        }
        Self(half_even(self.0, step) * step)
    }

    /// The double that the amount's decimal text stands for.
    pub(super) fn to_f64(self) -> f64 {
        let (mantissa, scale) = self.stripped();
        // Both parts are exact as doubles (below 2^53, and a power of ten up to 10^22), so one
        // division rounds once, as parsing the text would.
        mantissa as f64 / 10_f64.powi(i32::try_from(scale).expect("a scale is at most 18"))
    }

    /// The same value with the fewest fractional digits.
    fn stripped(self) -> (i128, u32) {
        let (mut mantissa, mut scale) = (self.0, DIGITS);
        if mantissa % TENTH_DIGIT == 0 {
            mantissa /= TENTH_DIGIT;
            scale -= 8;
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        (mantissa, scale)
    }

    /// Plain decimal text with at least `least` fractional digits.
    pub(super) fn print(self, least: usize, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let whole = (self.0 / ONE).unsigned_abs();
        print_whole(whole, out);
        let mut fraction = u64::try_from((self.0 % ONE).unsigned_abs()).unwrap_or(0);
        let mut digits = [b'0'; DIGITS as usize];
        for digit in digits.iter_mut().rev() {
            *digit += (fraction % 10) as u8;
            fraction /= 10;
        }
        let used = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |at| at + 1);
        let shown = used.max(least);
        if shown > 0 {
            out.push(b'.');
            out.extend_from_slice(&digits[..shown]);
        }
    }

    /// The text an engine on the Java machine prints for the double: `0.5`, `4.0E-7`, `1.2E7`.
    pub(super) fn print_as_double(self, out: &mut Vec<u8>) {
        let size = self.0.abs();
        if size == 0 || (ONE / 1_000..ONE * 10_000_000).contains(&size) {
            return self.print(1, out);
        }
        let (mantissa, scale) = self.stripped();
        let mut digits = Vec::with_capacity(20);
        print_whole(mantissa.unsigned_abs(), &mut digits);
        let exponent = digits.len() as i64 - 1 - i64::from(scale);
        while digits.len() > 1 && digits.ends_with(b"0") {
            digits.pop();
        }
        if self.0 < 0 {
            out.push(b'-');
        }
        out.push(digits[0]);
        out.push(b'.');
        out.extend_from_slice(if digits.len() > 1 { &digits[1..] } else { b"0" });
        out.push(b'E');
        out.extend_from_slice(exponent.to_string().as_bytes());
    }
}

fn half_even(value: i128, step: i128) -> i128 {
    let (quotient, rest) = (value / step, value % step);
    let twice = rest.abs() * 2;
    if twice > step || (twice == step && quotient % 2 != 0) { quotient + value.signum() } else { quotient }
}

fn print_whole(mut whole: u128, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (whole % 10) as u8);
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// Canonical text: no trailing zeros, `0` for nothing.
impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.print(0, &mut text);
        formatter.write_str(&String::from_utf8_lossy(&text))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
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

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    fn text(amount: Amount, least: usize) -> String {
        let mut out = Vec::new();
        amount.print(least, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prints_plain_and_as_an_engine_prints_doubles() {
        for (mantissa, scale, plain, double) in [
            (0, 0, "0.0", "0.0"),
            (1, 0, "1.0", "1.0"),
            (-416, 4, "-0.0416", "-0.0416"),
            (4, 7, "0.0000004", "4.0E-7"),
            (-123_456, 18, "-0.000000000000123456", "-1.23456E-13"),
            (12_345_678, 0, "12345678.0", "1.2345678E7"),
            (20_000_000, 0, "20000000.0", "2.0E7"),
        ] {
            let amount = Amount::new(mantissa, scale);
            assert_eq!(text(amount, 1), plain);
            let mut out = Vec::new();
            amount.print_as_double(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), double);
        }
        assert_eq!(text(Amount::new(416, 4), 10), "0.0416000000");
        assert_eq!(Amount::new(-5, 1).to_string(), "-0.5");
        assert_eq!(Amount::ZERO.to_string(), "0");
    }

    #[test]
    fn a_product_is_rounded_half_to_even_at_the_tenth_digit() {
        let tiny = Amount::new(1, 10);
        assert_eq!(tiny.times(Amount::new(5, 1)), Amount::ZERO);
        assert_eq!(Amount::new(3, 10).times(Amount::new(5, 1)), Amount::new(2, 10));
        assert_eq!(Amount::new(-3, 10).times(Amount::new(5, 1)), Amount::new(-2, 10));
        assert_eq!(Amount::new(1_234_567, 0).times(Amount::new(1_000_000_001, 9)).stripped().1, 8);
    }

    #[test]
    fn a_double_has_the_shortest_decimal_that_is_the_amount() {
        for (mantissa, scale) in [(999_999_999_999_999, 18), (123_456_789_012_345, 10), (-7, 3), (1, 18)] {
            let amount = Amount::new(mantissa, scale);
            assert_eq!(format!("{}", amount.to_f64()), amount.to_string());
        }
    }
}
