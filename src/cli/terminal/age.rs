//! When something was: how long ago, as kubectl says it, or the minute.

use jiff::Timestamp;

/// A time to the minute, in UTC.
pub(in crate::cli) fn to_minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The time between two moments in one or two units: 45s, 12m, 3h20m, 5d.
pub(in crate::cli) fn age_text(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (minutes, hours, days) {
        (0, ..) => format!("{seconds}s"),
        (_, 0, _) => format!("{minutes}m"),
        (_, 1..=9, _) if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
        (_, _, 0) => format!("{hours}h"),
        (_, _, 1..=9) if hours % 24 != 0 => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_or_two_units() {
        let since = Timestamp::from_second(1_000_000).expect("a time");
        for (seconds, expected) in [
            (-5, "0s"),
            (45, "45s"),
            (60, "1m"),
            (3_600, "1h"),
            (12_000, "3h20m"),
            (40_000, "11h"),
            (100_000, "1d3h"),
            (432_000, "5d"),
            (2_000_000, "23d"),
        ] {
            let now = Timestamp::from_second(1_000_000 + seconds).expect("a time");
            assert_eq!(age_text(since, now), expected);
        }
    }
}
