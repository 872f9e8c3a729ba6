//! Times as reports write them, in microseconds of UTC.
//!
//! Only the years 1 to 9999 are taken, whatever the source can hold: most readers, and the log's statistics, can't show others.

use arrow::array::{ArrayRef, TimestampMicrosecondBuilder};
use jiff::{SignedDuration, civil::DateTime};
use std::sync::Arc;

use crate::{ingest::decode::BadValue, schema::is_taken};

/// What microseconds are counted from.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A time in microseconds as text; `None` beyond the years that are taken.
pub(super) fn shown(micros: i64) -> Option<String> {
    let time = is_taken(micros, 1_000_000).then_some(SignedDuration::from_micros(micros))?;
    EPOCH.checked_add(time).ok().map(|time| format!("{time}Z"))
}

/// A day, counted from 1970, as text; `None` beyond the years that are taken.
pub(super) fn day_shown(day: i32) -> Option<String> {
    let seconds = i64::from(day) * 86_400;
    let time = is_taken(seconds, 1).then_some(SignedDuration::from_secs(seconds))?;
    EPOCH.checked_add(time).ok().map(|time| time.date().to_string())
}

/// A timestamp column being filled. Remembers its last value: a column holds few different ones, in runs.
#[derive(Debug)]
pub(super) struct TimeColumn {
    values: TimestampMicrosecondBuilder,
    last: (String, i64),
}

impl TimeColumn {
    pub fn new() -> Self {
        Self { values: TimestampMicrosecondBuilder::new().with_timezone("UTC"), last: (String::new(), 0) }
    }

    /// Appends a cell; the empty text is NULL.
    pub fn push(&mut self, text: &str) -> Result<(), BadValue> {
        if text.is_empty() {
            self.values.append_null();
            return Ok(());
        }
        if self.last.0 != text {
            let value = parse(text).ok_or(BadValue::Time)?;
            if !is_taken(value, 1_000_000) {
                return Err(BadValue::TimeRange);
            }
            text.clone_into(&mut self.last.0);
            self.last.1 = value;
        }
        self.values.append_value(self.last.1);
        Ok(())
    }

    pub fn finish(&mut self) -> ArrayRef {
        Arc::new(self.values.finish())
    }
}

/// Parses `YYYY-MM-DD`, `T` or a space, `HH:MM:SS`, up to nine fractional digits, and `Z`, an offset or nothing
/// (which means UTC). Digits past the microsecond are cut off. There is no second 60 in a bill. What year it is, is left to
/// the caller.
pub(super) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        let digits = bytes.get(from..to)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0i32, |number, digit| number * 10 + i32::from(digit - b'0')))
    };
    let is = |at: usize, expected: &[u8]| bytes.get(at).is_some_and(|byte| expected.contains(byte));
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"T ") && is(13, b":") && is(16, b":");
    if !separated {
        return None;
    }
    let mut at = 19;
    let mut nanos = 0;
    if is(at, b".") {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        nanos = number(at + 1, at + 1 + digits)? * 10i32.pow(9 - digits as u32);
        at += 1 + digits;
    }
    let offset = match &bytes[at..] {
        b"" | b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] if bytes.len() == at + 6 => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            i64::from(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => return None,
    };
    let civil = DateTime::new(
        i16::try_from(number(0, 4)?).ok()?,
        i8::try_from(number(5, 7)?).ok()?,
        i8::try_from(number(8, 10)?).ok()?,
        i8::try_from(number(11, 13)?).ok()?,
        i8::try_from(number(14, 16)?).ok()?,
        i8::try_from(number(17, 19)?).ok()?,
        nanos,
    )
    .ok()?;
    let micros = civil.duration_since(EPOCH).as_nanos().div_euclid(1_000);
    Some(i64::try_from(micros).ok()? - offset * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The borders of what is taken, in microseconds.
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_300_799_999_999;

    #[test]
    fn every_form_that_reports_use() {
        let eight = 1_792_828_800_000_000;
        for (text, expected) in [
            ("2026-10-24T08:00:00Z", eight),
            ("2026-10-24T08:00:00.000Z", eight),
            ("2026-10-24 08:00:00", eight),
            ("2026-10-24 08:00:00.000", eight),
            ("2026-10-24 08:00:00+00:00", eight),
            ("2026-10-24T10:00:00+02:00", eight),
            ("2026-10-24T03:00:00-05:00", eight),
            ("2026-10-24T08:00:00.123456789Z", eight + 123_456),
            ("1969-12-31T23:59:59.999999500Z", -1),
            ("1970-01-01T00:00:00", 0),
            ("0001-01-01T00:00:00Z", FIRST),
            ("9999-12-31T23:59:59.999999Z", LAST),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_time() {
        for text in [
            "2026-10-24",
            "2026-10-24T08:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-06-30T23:59:60Z",
            "2026-10-24T24:00:00Z",
            "20261024T080000Z",
            "2026-10-24T08:00:00 UTC",
            "2026-10-24T08:00:00.Z",
            "1792828800",
            "2026-10-24T08:00:00+2:00",
            "２026-10-24T08:00:00Z",
            "2026-10-24T08:00:00ZZ",
            "+026-10-24T08:00:00Z",
            "2026-10-24T08:00:00+24:00",
            "2026-10-24T08:00:00+02:60",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn years_that_no_reader_shows_are_refused() {
        for (text, expected) in [
            ("0001-01-01T00:00:00Z", Ok(())),
            ("0001-01-01T02:00:00+02:00", Ok(())),
            ("9999-12-31T23:59:59.999999Z", Ok(())),
            ("0000-12-31T23:59:59Z", Err(BadValue::TimeRange)),
            ("0001-01-01T00:00:00+00:01", Err(BadValue::TimeRange)),
            ("9999-12-31T23:59:59-00:01", Err(BadValue::TimeRange)),
        ] {
            assert_eq!(TimeColumn::new().push(text), expected, "{text}");
        }
    }

    #[test]
    fn the_borders_are_the_same_in_every_unit() {
        for a_second in [1, 1_000, 1_000_000] {
            let first = FIRST / (1_000_000 / a_second);
            let last = (LAST + 1) / (1_000_000 / a_second) - 1;
            assert!(is_taken(first, a_second) && !is_taken(first - 1, a_second), "{a_second}");
            assert!(is_taken(last, a_second) && !is_taken(last + 1, a_second), "{a_second}");
        }
        let nanosecond = |value| is_taken(value, 1_000_000_000);
        assert!(nanosecond(i64::MIN) && nanosecond(i64::MAX), "nanoseconds end in 2262");
        assert_eq!(shown(FIRST).as_deref(), Some("0001-01-01T00:00:00Z"));
        assert_eq!(shown(LAST).as_deref(), Some("9999-12-31T23:59:59.999999Z"));
        assert_eq!((shown(FIRST - 1), shown(LAST + 1)), (None, None));
        assert_eq!(day_shown(-719_162).as_deref(), Some("0001-01-01"));
        assert_eq!(day_shown(2_932_896).as_deref(), Some("9999-12-31"));
        assert_eq!((day_shown(-719_163), day_shown(2_932_897), day_shown(i32::MAX)), (None, None, None));
    }
}
