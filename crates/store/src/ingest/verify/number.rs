//! A number parser of its own: text arithmetic, unlike the one that makes the rows.

/// The number in units of 10⁻¹⁸, half-even past the 18th digit; `None` if it is none or does not fit.
pub(super) fn parse(text: &str) -> Option<i128> {
    let lower = text.to_ascii_lowercase();
    let (sign, unsigned) = match lower.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    let (mantissa, exponent) = match unsigned.split_once('e') {
        Some((mantissa, exponent)) if exponent.len() <= 5 => (mantissa, exponent.parse::<i32>().ok()?),
        Some(_) => return None,
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Shift the point by writing zeros, so that exactly 18 digits stand behind it.
    let point = i32::try_from(whole.len()).ok()? + exponent + 18;
    let (kept, lost) = match usize::try_from(point) {
        Err(_) => (String::new(), format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize))),
        Ok(point) if point >= digits.len() => {
            if digits.bytes().all(|digit| digit == b'0') {
                return Some(0);
            }
            (format!("{digits}{}", "0".repeat(point - digits.len())), String::new())
        }
        Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
    };
    let kept = kept.trim_start_matches('0');
    if kept.len() > 38 {
        return None;
    }
    let units: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let lost = lost.trim_end_matches('0');
    let up = match lost.cmp("5") {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => units % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    let units = units + i128::from(up);
    (units < 10i128.pow(38)).then_some(sign * units)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Amount;

    #[test]
    fn known_numbers() {
        let one = 10i128.pow(18);
        for (text, expected) in [
            ("1", Some(one)),
            ("-0", Some(0)),
            ("+1.50", Some(one * 3 / 2)),
            ("4.0E-7", Some(400_000_000_000)),
            ("1e-18", Some(1)),
            ("1.5e-18", Some(2)),
            ("2.5e-18", Some(2)),
            ("2.50001e-18", Some(3)),
            ("1e-400", Some(0)),
            ("0e400", Some(0)),
            ("99999999999999999999", Some(99_999_999_999_999_999_999 * one)),
            ("1e20", None),
            ("", None),
            (".", None),
            ("NaN", None),
            ("inf", None),
            ("1,000", None),
            ("1e", None),
            ("0x1", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_parsers_agree(text in "[+-]?[0-9]{0,24}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?") {
            let main = Amount::parse(text.as_bytes()).ok().map(|parsed| parsed.amount.units());
            prop_assert_eq!(parse(&text), main, "{}", text);
        }

        #[test]
        fn both_parsers_agree_on_doubles(value in proptest::num::f64::NORMAL) {
            let text = format!("{value:?}");
            let main = Amount::parse(text.as_bytes()).ok().map(|parsed| parsed.amount.units());
            prop_assert_eq!(parse(&text), main, "{}", text);
        }
    }
}
