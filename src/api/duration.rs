//! Durations as people write them in a manifest, in the chart's settings and on the command line: `7d`, `36h`, `1d12h`.

use std::time::Duration;

/// What a duration looks like. The empty text matches too, and is none.
pub const PATTERN: &str = "^([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$";

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a duration: it takes days, hours, minutes and seconds in this order, such as 7d, 36h or 1h30m"
)]
pub struct InvalidDuration(String);

/// Parses days, hours, minutes and seconds, each at most once and in this order. A day has 24 hours.
///
/// # Errors
/// [`InvalidDuration`] for anything else, an empty text included.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let refuse = || InvalidDuration(text.chars().take(40).collect());
    let mut rest = text;
    let mut seconds = 0u64;
    for (unit, factor) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        let Some((digits, after)) = rest.split_once(unit) else { continue };
        let number = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !number {
            return Err(refuse());
        }
        seconds += digits.parse::<u64>().map_err(|_| refuse())? * factor;
        rest = after;
    }
    if text.is_empty() || !rest.is_empty() { Err(refuse()) } else { Ok(Duration::from_secs(seconds)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::form::matches;

    #[test]
    fn days_hours_minutes_seconds() {
        for (text, seconds) in [
            ("36h", 129_600),
            ("15m", 900),
            ("1h30m", 5400),
            ("10s", 10),
            ("1h1m1s", 3661),
            ("7d", 604_800),
            ("1d12h", 129_600),
            ("99999d", 8_639_913_600),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert!(matches(PATTERN, text), "{text} is refused by the pattern of the definitions");
        }
        for bad in
            ["", "36", "h", "d", "30m1h", "1h1d", "1h1h", "1d1d", "-1h", "1.5h", "1.5d", " 1h", "1000000h"]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
            assert!(bad.is_empty() || !matches(PATTERN, bad), "{bad} passes the pattern of the definitions");
        }
    }
}
