//! What rounding to 18 fractional digits did to a column, exactly.

use std::collections::BTreeMap;

use crate::{model::Amount, warehouse::ledger::Rounded};

/// Digits of one limb.
const LIMB: usize = 9;
const BASE: i64 = 1_000_000_000;

/// What rounding did, by column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roundings(BTreeMap<&'static str, Rounding>);

impl Roundings {
    /// Adds those of another file.
    pub fn absorb(&mut self, other: &Self) {
        for (column, rounding) in &other.0 {
            self.note(column, rounding);
        }
    }

    /// Adds what happened to one column.
    pub(in crate::ingest) fn note(&mut self, column: &'static str, rounding: &Rounding) {
        if rounding.values > 0 {
            self.0.entry(column).or_default().absorb(rounding);
        }
    }

    /// Values rounded, in all columns.
    pub fn values(&self) -> u64 {
        self.0.values().map(|rounding| rounding.values).sum()
    }

    /// As the ledger keeps it.
    pub fn to_ledger(&self) -> BTreeMap<String, Rounded> {
        let row = |(column, rounding): (&&str, &Rounding)| {
            ((*column).to_owned(), Rounded { values: rounding.values, effect: rounding.effect() })
        };
        self.0.iter().map(row).collect()
    }
}

/// What rounding did to one column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::ingest) struct Rounding {
    values: u64,
    /// Whole 10⁻¹⁸ units that rounding added.
    units: i128,
    /// Digits it cut off, with the value's sign: limb k counts 10^-(18 + 9·(k+1)). Not carried until shown.
    cut: Vec<i64>,
}

impl Rounding {
    /// Counts a number that was parsed from `text` with digits lost.
    pub fn count(&mut self, text: &[u8], parsed: Amount) {
        self.values += 1;
        let (kept, tail) = split(text);
        let (zeros, tail) = tail;
        let negative = text.first() == Some(&b'-');
        let sign = if negative { -1 } else { 1 };
        self.units += parsed.units() - sign * kept;
        for (at, digit) in tail.iter().enumerate() {
            let (limb, place) = ((zeros + at) / LIMB, (zeros + at) % LIMB);
            if self.cut.len() <= limb {
                self.cut.resize(limb + 1, 0);
            }
            let weight = 10i64.pow((LIMB - 1 - place) as u32);
            self.cut[limb] += sign as i64 * i64::from(*digit) * weight;
        }
    }

    fn absorb(&mut self, other: &Self) {
        self.values += other.values;
        self.units += other.units;
        if self.cut.len() < other.cut.len() {
            self.cut.resize(other.cut.len(), 0);
        }
        for (mine, theirs) in self.cut.iter_mut().zip(&other.cut) {
            *mine += theirs;
        }
    }

    /// The sum after rounding minus the sum before, exact, as text.
    fn effect(&self) -> String {
        // units − cut, as limbs: limb k of `limbs` counts 10^-(18 + 9·(k+1)), all of one sign in the end.
        let mut limbs: Vec<i64> = self.cut.iter().map(|limb| -limb).collect();
        let mut units = self.units + carry(&mut limbs);
        let negative = units < 0;
        if negative {
            // carry() leaves limbs non-negative; a negative whole is turned so that its digits read plainly.
            limbs.iter_mut().for_each(|limb| *limb = -*limb);
            units = -units + carry(&mut limbs);
        }
        let mut digits = format!("{units:019}");
        let point = digits.len() - 18;
        for limb in &limbs {
            digits.push_str(&format!("{limb:09}"));
        }
        let (whole, fraction) = digits.split_at(point);
        let fraction = fraction.trim_end_matches('0');
        let sign = if negative { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// Brings every limb into 0..BASE and gives what is left over in whole units.
fn carry(limbs: &mut [i64]) -> i128 {
    let mut over = 0;
    for limb in limbs.iter_mut().rev() {
        let value = *limb + over;
        *limb = value.rem_euclid(BASE);
        over = value.div_euclid(BASE);
    }
    i128::from(over)
}

/// The digits of a valid number: the whole 10⁻¹⁸ units of its magnitude, and what comes after them as a
/// count of zeros and the digits behind these.
fn split(text: &[u8]) -> (i128, (usize, Vec<u8>)) {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let mark = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let mantissa = &text[..mark.unwrap_or(text.len())];
    let exponent: i64 = mark
        .and_then(|at| std::str::from_utf8(&text[at + 1..]).ok())
        .and_then(|exponent| exponent.parse().ok())
        .unwrap_or(0);
    let whole = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let digits: Vec<u8> = mantissa.iter().filter(|byte| **byte != b'.').map(|byte| byte - b'0').collect();
    let kept = whole as i64 + exponent + 18;
    let cut_at = usize::try_from(kept).unwrap_or(0).min(digits.len());
    let units = digits[..cut_at].iter().fold(0, |units: i128, digit| units * 10 + i128::from(*digit));
    let zeros = usize::try_from(-kept).unwrap_or(0);
    (units, (zeros, digits[cut_at..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(texts: &[&str]) -> (u64, String) {
        let mut rounding = Rounding::default();
        for text in texts {
            let parsed = Amount::parse(text.as_bytes()).expect(text);
            assert!(parsed.rounded, "{text}");
            rounding.count(text.as_bytes(), parsed.amount);
        }
        (rounding.values, rounding.effect())
    }

    #[test]
    fn the_effect_is_exact() {
        for (texts, expected) in [
            (&["0.1234567890123456784"][..], "-0.0000000000000000004"),
            (&["0.1234567890123456786"], "0.0000000000000000004"),
            (&["-0.1234567890123456784"], "0.0000000000000000004"),
            (&["-0.1234567890123456786"], "-0.0000000000000000004"),
            (&["1e-30"], "-0.000000000000000000000000000001"),
            (&["1.5e-18", "2.5e-18"], "0"),
            (&["9.99999999999999999999e-1"], "0.000000000000000000001"),
            (&["0.0000000000000000004", "0.0000000000000000006"], "0"),
            (
                &["0.00000000000000000049", "0.00000000000000000049", "0.00000000000000000049"],
                "-0.00000000000000000147",
            ),
        ] {
            assert_eq!(effect(texts), (texts.len() as u64, expected.to_owned()), "{texts:?}");
        }
    }

    #[test]
    fn files_add_up() {
        let mut one = Rounding::default();
        one.count(b"1e-19", Amount::ZERO);
        let mut both = Roundings::default();
        both.note("line_item_usage_amount", &one);
        let copy = both.clone();
        both.absorb(&copy);
        let ledger = both.to_ledger();
        let rounded = &ledger["line_item_usage_amount"];
        assert_eq!((rounded.values, rounded.effect.as_str()), (2, "-0.0000000000000000002"));
    }
}
