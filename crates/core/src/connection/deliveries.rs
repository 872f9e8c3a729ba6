//! What was listed of a report, kept over looks that gave no answer.

use jiff::{SignedDuration, Timestamp};

use super::STALE_AFTER;
use crate::report::{FoundPeriod, ReportFault, ReportFaultClass};

/// How soon a delivery that is under way is looked at again: AWS writes its files within minutes.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(5);

/// The last conclusive listing, and the doubt since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deliveries {
    answer: Option<(Timestamp, Result<Vec<FoundPeriod>, ReportFault>)>,
    doubt: Option<ReportFault>,
    looked_at: Option<Timestamp>,
}

impl Deliveries {
    /// Takes in a listing. Passing faults change nothing of what was known.
    pub fn record(&mut self, at: Timestamp, listed: Result<Vec<FoundPeriod>, ReportFault>) {
        self.looked_at = Some(at);
        match listed {
            Err(fault) if passing(&fault) => self.doubt = Some(fault),
            Err(fault) => self.settle(at, Err(fault)),
            Ok(mut found) => {
                for found in &mut found {
                    if let Err(fault) = &found.delivery
                        && passing(fault)
                        && let Some(before) = self.known().iter().find(|known| known.period == found.period)
                        && before.delivery.is_ok()
                    {
                        found.delivery = before.delivery.clone();
                    }
                }
                self.settle(at, Ok(found));
            }
        }
    }

    fn settle(&mut self, at: Timestamp, answer: Result<Vec<FoundPeriod>, ReportFault>) {
        self.answer = Some((at, answer));
        self.doubt = None;
    }

    /// What may be concluded now: the listing, or the fault in its way; `None` before the first look.
    ///
    /// # Errors
    /// The fault, if there is no listing to go by.
    pub fn standing(&self, now: Timestamp) -> Result<&[FoundPeriod], Option<&ReportFault>> {
        match (&self.answer, &self.doubt) {
            (Some((at, _)), Some(doubt)) if now.duration_since(*at) >= STALE_AFTER => Err(Some(doubt)),
            // Nothing of that name yet is a listing with nothing in it.
            (Some((_, Ok(_) | Err(ReportFault::NothingDelivered { .. }))), _) => Ok(self.known()),
            (Some((_, Err(fault))), _) => Err(Some(fault)),
            (None, doubt) => Err(doubt.as_ref()),
        }
    }

    /// The last listing, however old.
    pub fn known(&self) -> &[FoundPeriod] {
        match &self.answer {
            Some((_, Ok(found))) => found,
            _ => &[],
        }
    }

    /// What lies where a manifest is waited for, as a clause; empty if nothing does.
    pub fn instead(&self) -> String {
        let of_month = |found: &FoundPeriod| match &found.delivery {
            Err(ReportFault::NoManifest { seen: Some(seen), .. }) => Some((found.period, seen.clone())),
            _ => None,
        };
        if let Some((_, Err(ReportFault::NothingDelivered { seen, .. }))) = &self.answer {
            return seen.clone();
        }
        let newest = self.known().iter().filter_map(of_month).max();
        newest.map(|(_, seen)| format!("; {seen}")).unwrap_or_default()
    }

    /// The last listing, if there was any look at all.
    pub fn listed(&self) -> Option<&[FoundPeriod]> {
        self.answer.as_ref().map(|_| self.known())
    }

    /// When to look again before the account's interval is over: soon while a delivery is under way or no look gave an
    /// answer, at once before the first look; `None` where the interval will do.
    pub fn look_again_at(&self) -> Option<Timestamp> {
        (self.answer.is_none() || self.in_progress())
            .then(|| self.looked_at.map_or(Timestamp::MIN, |at| at + UNDER_WAY))
    }

    /// True if a delivery was under way at the last look.
    fn in_progress(&self) -> bool {
        self.known().iter().any(|found| matches!(found.delivery, Err(ReportFault::DeliveryInProgress { .. })))
    }
}

fn passing(fault: &ReportFault) -> bool {
    fault.class() == ReportFaultClass::Transient
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connection::sample::{at, found, nothing, period},
        model::Reason,
        report::StoreFault,
    };

    fn passing_fault() -> ReportFault {
        ReportFault::Store(StoreFault::Transient { reason: Reason::Throttled, problem: "slow".to_owned() })
    }

    #[test]
    fn a_passing_fault_leaves_the_listing_for_six_hours() {
        let mut seen = Deliveries::default();
        assert_eq!(seen.standing(at(0)), Err(None));
        seen.record(at(0), Ok(vec![found("2026-11", "a")]));
        seen.record(at(10), Err(passing_fault()));
        assert_eq!(seen.standing(at(300)).map(<[FoundPeriod]>::len), Ok(1));
        assert!(seen.standing(at(361)).is_err());
        assert_eq!(seen.known().len(), 1);
    }

    #[test]
    fn a_passing_fault_of_one_month_keeps_that_month() {
        let mut seen = Deliveries::default();
        seen.record(at(0), Ok(vec![found("2026-11", "a"), found("2026-10", "b")]));
        let broken = FoundPeriod { period: period("2026-11"), delivery: Err(passing_fault()) };
        seen.record(at(10), Ok(vec![broken, nothing("2026-10")]));
        let ok: Vec<bool> = seen.known().iter().map(|found| found.delivery.is_ok()).collect();
        assert_eq!(ok, [true, false]);
    }

    #[test]
    fn nothing_delivered_is_an_empty_listing() {
        let mut seen = Deliveries::default();
        let (place, there) = ("s3://b/p".to_owned(), "; there is oops/".to_owned());
        seen.record(at(0), Err(ReportFault::NothingDelivered { place, hint: "", seen: there }));
        assert_eq!(seen.standing(at(0)), Ok(&[][..]));
        assert_eq!(seen.instead(), "; there is oops/");
        seen.record(at(10), Ok(vec![found("2026-11", "a")]));
        assert_eq!(seen.instead(), "");
    }

    #[test]
    fn the_newest_month_without_a_manifest_tells_what_is_there_instead() {
        let month = |text: &str, seen: Option<&str>| FoundPeriod {
            period: period(text),
            delivery: Err(ReportFault::NoManifest { period: period(text), seen: seen.map(str::to_owned) }),
        };
        let mut seen = Deliveries::default();
        seen.record(at(0), Ok(vec![month("2026-10", Some("old")), month("2026-11", Some("new"))]));
        assert_eq!(seen.instead(), "; new");
    }

    #[test]
    fn a_delivery_under_way_is_no_version() {
        let mut seen = Deliveries::default();
        seen.record(at(0), Ok(vec![found("2026-11", "a")]));
        let fault = ReportFault::DeliveryInProgress { period: period("2026-11"), sign: "x".to_owned() };
        seen.record(at(10), Ok(vec![FoundPeriod { period: period("2026-11"), delivery: Err(fault) }]));
        assert!(seen.known()[0].delivery.is_err());
    }

    #[test]
    fn a_delivery_under_way_is_looked_at_every_five_minutes_and_not_on_every_pass() {
        let mut seen = Deliveries::default();
        assert_eq!(seen.look_again_at(), Some(Timestamp::MIN), "at once");
        seen.record(at(0), Err(passing_fault()));
        assert_eq!(seen.look_again_at(), Some(at(5)), "no answer yet");
        let fault = ReportFault::DeliveryInProgress { period: period("2026-11"), sign: "x".to_owned() };
        seen.record(at(10), Ok(vec![FoundPeriod { period: period("2026-11"), delivery: Err(fault) }]));
        assert_eq!(seen.look_again_at(), Some(at(15)));
        seen.record(at(15), Err(passing_fault()));
        assert_eq!(seen.look_again_at(), Some(at(20)), "a look without an answer counts as one");
        seen.record(at(20), Ok(vec![found("2026-11", "a")]));
        assert_eq!(seen.look_again_at(), None);
    }
}
