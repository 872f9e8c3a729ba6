//! Clocks that differ: a server's, as the `Date` header of an answer tells it, and those that times come from.

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// How far the server's clock is ahead of ours, to a second; `None` if the header is no date.
pub fn ahead(header: &str, now: Timestamp) -> Option<SignedDuration> {
    Some(rfc2822::parse(header).ok()?.timestamp().duration_since(now))
}

/// Clocks differ by less.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_hours(24);

/// True of a time that no clock can have shown yet, however clocks differ.
pub fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time.duration_since(now) > CLOCKS_DIFFER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_header_is_compared_with_our_clock() {
        let now: Timestamp = "2026-11-30T14:38:17Z".parse().expect("a time");
        assert_eq!(ahead("Mon, 30 Nov 2026 14:40:17 GMT", now), Some(SignedDuration::from_mins(2)));
        assert_eq!(ahead("Mon, 30 Nov 2026 14:38:07 GMT", now), Some(SignedDuration::from_secs(-10)));
        assert_eq!(ahead("yesterday", now), None);
    }
}
