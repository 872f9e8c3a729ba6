//! Billing periods: UTC calendar months.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A billing period: one UTC calendar month, half-open `[first day, first day of the next month)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BillingPeriod {
    year: i16,
    month: i8,
}

/// The text is not a billing period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a billing period: it looks like 2026-10")]
pub struct InvalidBillingPeriod(String);

impl BillingPeriod {
    /// The period of a year (2000–9000) and month (1–12), or `None` outside those.
    pub fn new(year: i16, month: i8) -> Option<Self> {
        ((2000..=9000).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The period that contains `at`.
    pub fn containing(at: Timestamp) -> Self {
        let date = at.to_zoned(TimeZone::UTC).date();
        Self { year: date.year(), month: date.month() }
    }

    /// The calendar year, 2000 to 9000.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> i8 {
        self.month
    }

    /// The billing period after this one.
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { year: self.year, month: self.month + 1 }
        }
    }

    /// The billing period before this one.
    pub fn previous(self) -> Self {
        if self.month == 1 {
            Self { year: self.year - 1, month: 12 }
        } else {
            Self { year: self.year, month: self.month - 1 }
        }
    }

    /// The first day of the month; the period begins there at midnight UTC.
    pub fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }

    /// The instant it starts, inclusive.
    pub fn start(self) -> Timestamp {
        self.first_day()
            .to_zoned(TimeZone::UTC)
            .expect("midnight UTC of a year between 2000 and 9000 exists")
            .timestamp()
    }

    /// The instant it ends, exclusive.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The folder of a legacy report: `20261001-20261101`, the end exclusive (docs/aws-facts.md 2.4).
    pub fn date_range(self) -> String {
        let next = self.next();
        format!("{:04}{:02}01-{:04}{:02}01", self.year, self.month, next.year, next.month)
    }
}

impl FromStr for BillingPeriod {
    type Err = InvalidBillingPeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvalidBillingPeriod(text.chars().take(40).collect());
        let (year, month) = text.split_once('-').ok_or_else(refuse)?;
        let digits =
            |part: &str, width| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(refuse());
        }
        let (year, month) = (year.parse().map_err(|_| refuse())?, month.parse().map_err(|_| refuse())?);
        Self::new(year, month).ok_or_else(refuse)
    }
}

impl TryFrom<String> for BillingPeriod {
    type Error = InvalidBillingPeriod;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BillingPeriod> for String {
    fn from(period: BillingPeriod) -> Self {
        period.to_string()
    }
}

impl fmt::Display for BillingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Debug for BillingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> BillingPeriod {
        text.parse().expect(text)
    }

    #[test]
    fn december_runs_into_the_next_year() {
        assert_eq!(period("2026-12").next(), period("2027-01"));
        assert_eq!(period("2027-01").previous(), period("2026-12"));
        assert_eq!(period("2026-12").date_range(), "20261201-20270101");
    }

    #[test]
    fn the_last_second_belongs_to_the_month() {
        let at = |text: &str| BillingPeriod::containing(text.parse().expect(text));
        assert_eq!(at("2026-10-31T23:59:59.999999Z"), period("2026-10"));
        assert_eq!(at("2026-11-01T00:00:00Z"), period("2026-11"));
        assert_eq!(period("2026-10").end(), period("2026-11").start());
    }

    #[test]
    fn only_year_dash_month_parses() {
        for bad in ["", "2026", "2026-1", "2026-13", "2026-00", "26-10", "2026-10-01", "+026-10", "2026/10"] {
            assert!(bad.parse::<BillingPeriod>().is_err(), "{bad:?}");
        }
    }
}
