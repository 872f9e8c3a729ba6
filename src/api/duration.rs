//! Durations as people write them in a manifest: `36h`, `1h30m`.

use std::time::Duration;

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: it looks like 36h, 15m or 1h30m")]
pub struct InvalidDuration(String);

/// Parses hours, minutes and seconds, each at most once and in this order.
///
/// # Errors
/// [`InvalidDuration`] for anything else, an empty text included.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let refuse = || InvalidDuration(text.chars().take(40).collect());
    let mut rest = text;
    let mut seconds = 0u64;
    for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
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

    #[test]
    fn hours_minutes_seconds() {
        for (text, seconds) in
            [("36h", 129_600), ("15m", 900), ("1h30m", 5400), ("10s", 10), ("1h1m1s", 3661)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "36", "h", "1d", "30m1h", "1h1h", "-1h", "1.5h", " 1h", "1000000h"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
