//! Composes a bill: which streams of usage and which single charges add up to the rows asked for.

use super::amount::Amount;
use super::columns::{Catalogue, period_number};
use super::dice::{Dice, keyed};
use super::failure::BillFailure;
use super::names::Measure;
use super::offers::{OFFERS, Offer, REGIONS, Region, Resource};
use super::rows::count;
use super::spec::{BillSpec, Month};
use super::stream::{Charge, LineType, Stream, Texts};
use super::tagging::tag;

/// A bill ready to be written: its columns and streams, from which the rows follow.
pub(super) struct Bill {
    /// Seed of the rows: the specification's and the period's.
    pub(super) seed: u64,
    pub(super) version: u32,
    pub(super) month: Month,
    pub(super) slot_seconds: i64,
    pub(super) slots: u32,
    pub(super) slots_per_day: u32,
    pub(super) catalogue: Catalogue,
    /// Whether some measure has no column.
    pub(super) lacks_measures: bool,
    pub(super) streams: Vec<Stream>,
    /// Rows of this version.
    pub(super) rows: u64,
}

impl Bill {
    /// Composes the bill of a specification.
    pub(super) fn compose(spec: &BillSpec) -> Result<Self, BillFailure> {
        let month = spec.check()?;
        let catalogue = Catalogue::new(spec)?;
        let seed = keyed(&[spec.seed, period_number(&spec.period)]);
        let slot_seconds = spec.options.granularity.seconds();
        let slots = u32::try_from((month.end() - month.start()) / slot_seconds).unwrap_or(0);
        let mut composer = Composer {
            spec,
            catalogue: &catalogue,
            month,
            slots,
            dice: Dice::new(seed),
            left: spec.rows,
            streams: Vec::new(),
        };
        composer.first_version();
        for restatement in 2..=spec.options.version {
            composer.dice = Dice::new(keyed(&[seed, 50, u64::from(restatement)]));
            composer.left = spec.rows / 200 + 1;
            composer.late_credit();
            composer.fill_with_usage();
        }
        let streams = composer.streams;
        let version = spec.options.version;
        let lacks_measures = (0..Measure::COUNT).any(|place| !catalogue.has(Measure::at(place)));
        let rows = count(seed, &streams, version);
        Ok(Self {
            seed,
            version,
            month,
            slot_seconds,
            slots,
            slots_per_day: u32::try_from(86_400 / slot_seconds).unwrap_or(1),
            catalogue,
            lacks_measures,
            streams,
            rows,
        })
    }
}

/// Builds streams until the rows are used up.
pub(super) struct Composer<'a> {
    pub(super) spec: &'a BillSpec,
    pub(super) catalogue: &'a Catalogue,
    pub(super) month: Month,
    pub(super) slots: u32,
    pub(super) dice: Dice,
    /// Rows still to be planned.
    pub(super) left: u64,
    pub(super) streams: Vec<Stream>,
}

/// What all streams are made from.
pub(super) struct Draft {
    pub(super) line: LineType,
    pub(super) charge: Charge,
    pub(super) account: usize,
    pub(super) currency: usize,
    pub(super) texts: Texts,
}

impl Composer<'_> {
    fn first_version(&mut self) {
        let rows = self.left;
        self.usage(u32::try_from(rows / 50 + 1).unwrap_or(u32::MAX));
        for currency in 0..self.spec.currencies.len() {
            self.charges(currency, rows / self.spec.currencies.len() as u64);
            self.samples(currency);
        }
        self.fill_with_usage();
    }

    fn fill_with_usage(&mut self) {
        while self.left > 0 {
            // A few resources run all month; most come and go.
            let slots = if self.dice.chance(12) { self.slots } else { 1 + self.brief() };
            self.usage(slots);
        }
    }

    /// A length that is short more often than long, about a tenth of the month on average.
    fn brief(&mut self) -> u32 {
        let tenth = u64::from(self.slots / 10).max(1);
        let mut length = self.dice.below(tenth);
        while self.dice.chance(45) && length < u64::from(self.slots) {
            length += self.dice.below(2 * tenth);
        }
        u32::try_from(length).unwrap_or(0).min(self.slots - 1)
    }

    /// Some resource's usage over some slots: on demand, by a reservation, or under a savings plan.
    fn usage(&mut self, slots: u32) {
        let offer = self.offer();
        let region = &REGIONS[self.dice.index(REGIONS.len())];
        let currency = self.dice.index(self.spec.currencies.len());
        let line = match (offer.resource, self.dice.below(100)) {
            (Resource::Instance, 0..25) if offer.factor.is_some() => LineType::SavingsPlanCoveredUsage,
            (Resource::Instance | Resource::Database, 25..40) if offer.factor.is_some() => {
                LineType::DiscountedUsage
            }
            _ => LineType::Usage,
        };
        self.metered(offer, region, line, currency, slots);
    }

    /// A little of what even a small bill should show: each kind of usage, requests at tiny
    /// prices, storage in São Paulo, and software from the Marketplace.
    fn samples(&mut self, currency: usize) {
        for (usage_type, region, line, slots) in [
            ("{p}BoxUsage:m5.large", 0, LineType::SavingsPlanCoveredUsage, 4),
            ("{p}BoxUsage:c5.2xlarge", 1, LineType::DiscountedUsage, 4),
            ("{p}EBS:VolumeUsage.gp3", 5, LineType::Usage, 4),
            ("{p}Requests-Tier2", 2, LineType::Usage, 30),
            ("SoftwareUsage-hosts", 0, LineType::Usage, 2),
        ] {
            if let Some(offer) = OFFERS.iter().find(|offer| offer.usage_type == usage_type) {
                self.metered(offer, &REGIONS[region], line, currency, slots);
            }
        }
    }

    /// One resource's usage; what a savings plan covers is followed by the negation that cancels it.
    fn metered(&mut self, offer: &Offer, region: &Region, line: LineType, currency: usize, slots: u32) {
        if self.left == 0 {
            return;
        }
        let account = self.account();
        let covered = line == LineType::SavingsPlanCoveredUsage && self.left >= 2;
        let line = match line {
            LineType::SavingsPlanCoveredUsage if !covered => LineType::Usage,
            line => line,
        };
        let rate = Amount::new(offer.rate.0, offer.rate.1);
        let charge = Charge::Metered {
            shape: offer.shape,
            rate,
            factor: offer.factor.map(|factor| Amount::new(factor, 0)),
            bundled: offer.resource == Resource::Distribution,
        };
        let mut texts = self.line_texts(line, account, currency, offer.is_from_aws());
        self.offer_texts(&mut texts, offer, region, rate, line);
        if covered {
            self.savings_plan_texts(&mut texts, &rate.thousandths(700).to_string());
        }
        if line == LineType::DiscountedUsage {
            self.reservation_texts(&mut texts, offer);
        }
        tag(&mut texts, self.catalogue, self.spec, &mut self.dice, offer.resource);
        let most = if covered { self.left / 2 } else { self.left };
        let slots = slots.min(self.slots).min(u32::try_from(most).unwrap_or(u32::MAX));
        let first_slot = u32::try_from(self.dice.below(u64::from(self.slots - slots) + 1)).unwrap_or(0);
        let negation = covered.then(|| {
            let mut texts = texts.clone();
            texts.set(self.catalogue, "lineItem/LineItemType", LineType::SavingsPlanNegation.name());
            texts.set(
                self.catalogue,
                "lineItem/LineItemDescription",
                &format!("SavingsPlanNegation used by AccountId : {}", self.spec.accounts()[account]),
            );
            texts.set(self.catalogue, "savingsPlan/SavingsPlanRate", "");
            Draft { line: LineType::SavingsPlanNegation, charge: charge.clone(), account, currency, texts }
        });
        let draft = Draft { line, charge, account, currency, texts };
        let key = self.push(draft, first_slot, slots, None);
        if let Some(negation) = negation {
            self.push(negation, first_slot, slots, None);
            if let Some(last) = self.streams.last_mut() {
                last.key = key;
            }
        }
    }

    /// Adds a stream, takes its rows off what is left, and gives its key.
    pub(super) fn push(
        &mut self,
        mut draft: Draft,
        first_slot: u32,
        slots: u32,
        span: Option<(i64, i64)>,
    ) -> u64 {
        let slots = slots.min(u32::try_from(self.left).unwrap_or(u32::MAX));
        let key = keyed(&[self.spec.seed, self.streams.len() as u64]);
        if slots == 0 {
            return key;
        }
        for extra in &self.spec.options.extra_columns {
            if key.is_multiple_of(2) {
                draft.texts.set(self.catalogue, extra, &format!("novel-{}", key % 100));
            }
        }
        draft.texts.settle();
        self.left -= u64::from(slots);
        self.streams.push(Stream {
            key,
            line: draft.line,
            restatable: matches!(draft.charge, Charge::Metered { .. }),
            charge: draft.charge,
            account: draft.account,
            currency: draft.currency,
            first_slot,
            slots,
            span,
            texts: draft.texts,
        });
        key
    }

    fn offer(&mut self) -> &'static Offer {
        let all: u32 = OFFERS.iter().map(|offer| offer.weight).sum();
        let mut at = self.dice.below(u64::from(all));
        for offer in OFFERS {
            match at.checked_sub(u64::from(offer.weight)) {
                Some(rest) => at = rest,
                None => return offer,
            }
        }
        &OFFERS[0]
    }

    /// An account: the first ones spend more than the last.
    pub(super) fn account(&mut self) -> usize {
        let accounts = self.spec.accounts().len();
        self.dice.index(accounts).min(self.dice.index(accounts))
    }
}
