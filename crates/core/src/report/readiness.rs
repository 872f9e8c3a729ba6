//! Whether what is delivered is what was hoped for: a pure judgement over periods and times.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::model::BillingPeriod;

/// How patient a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessLimits {
    /// The newest delivery may be this old. AWS delivers at least once a day (docs/aws-facts.md 2.3).
    pub max_delivery_age: SignedDuration,
    /// A new report may take this long to appear. AWS says up to 24 hours (docs/aws-facts.md 2.3).
    pub first_delivery_grace: SignedDuration,
}

/// What can be said of a report's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryReadiness {
    /// The newest delivery is fresh.
    Delivered {
        /// When the newest delivery was written.
        newest: Timestamp,
    },
    /// Nothing yet, and it is early days.
    AwaitingFirst,
    /// Nothing yet, past the grace time.
    FirstOverdue,
    /// The newest delivery is too old.
    Stale {
        /// When the newest delivery was written.
        newest: Timestamp,
    },
}

/// Judges deliveries by the time of the newest, over all periods: at a month's start the new month has
/// none yet, and that is no fault.
///
/// `since` is when the connection began to wait.
pub fn readiness(
    delivered: impl IntoIterator<Item = Timestamp>,
    since: Timestamp,
    freshness: FreshnessLimits,
    now: Timestamp,
) -> DeliveryReadiness {
    match delivered.into_iter().max() {
        Some(newest) if now.duration_since(newest) > freshness.max_delivery_age => {
            DeliveryReadiness::Stale { newest }
        }
        Some(newest) => DeliveryReadiness::Delivered { newest },
        None if now.duration_since(since) > freshness.first_delivery_grace => DeliveryReadiness::FirstOverdue,
        None => DeliveryReadiness::AwaitingFirst,
    }
}

/// The closed months of the wanted history that were never delivered, newest first.
///
/// The current month is never missing: its first delivery may be a day away.
pub fn missing_months(
    delivered: &BTreeSet<BillingPeriod>,
    months: u32,
    now: Timestamp,
) -> Vec<BillingPeriod> {
    let current = BillingPeriod::containing(now);
    std::iter::successors(Some(current.previous()), |period| Some(period.previous()))
        .take(months as usize)
        .filter(|period| !delivered.contains(period))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESHNESS: FreshnessLimits = FreshnessLimits {
        max_delivery_age: SignedDuration::from_hours(36),
        first_delivery_grace: SignedDuration::from_hours(48),
    };

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    #[test]
    fn each_state_at_its_border() {
        let now = at("2026-11-03T12:00:00Z");
        let judge = |delivered: &[&str], since| {
            readiness(delivered.iter().map(|text| at(text)), at(since), FRESHNESS, now)
        };
        let fresh = "2026-11-02T00:00:00Z";
        assert_eq!(
            judge(&["2026-10-01T00:00:00Z", fresh], "2026-01-01T00:00:00Z"),
            DeliveryReadiness::Delivered { newest: at(fresh) }
        );
        let old = "2026-11-01T23:59:59Z";
        assert_eq!(judge(&[old], "2026-01-01T00:00:00Z"), DeliveryReadiness::Stale { newest: at(old) });
        assert_eq!(judge(&[], "2026-11-01T12:00:00Z"), DeliveryReadiness::AwaitingFirst);
        assert_eq!(judge(&[], "2026-11-01T11:59:59Z"), DeliveryReadiness::FirstOverdue);
    }

    #[test]
    fn history_counts_closed_months_only() {
        let delivered: BTreeSet<BillingPeriod> =
            ["2026-12", "2026-10"].iter().map(|text| text.parse().expect("period")).collect();
        let missing = missing_months(&delivered, 4, at("2027-01-01T00:00:00Z"));
        assert_eq!(missing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026-11", "2026-09"]);
    }
}
