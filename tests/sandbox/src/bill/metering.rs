//! The amounts of one row, from its stream and its place in the month.

use super::amount::Amount;
use super::dice::keyed;
use super::names::Measure;
use super::stream::{Charge, LineType, Shape, Stream};

/// The numbers of one row; a measure without one is an empty field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amounts([Option<Amount>; Measure::COUNT]);

impl Amounts {
    const NONE: Self = Self([None; Measure::COUNT]);

    pub(super) fn get(&self, measure: Measure) -> Option<Amount> {
        self.0[measure as usize]
    }

    /// The number, or nothing counted as zero.
    pub(super) fn or_zero(&self, measure: Measure) -> Amount {
        self.get(measure).unwrap_or_default()
    }

    fn set(&mut self, measure: Measure, amount: Amount) {
        self.0[measure as usize] = Some(amount);
    }

    /// Empties the measures that the report has no column for.
    pub(super) fn keep(&mut self, has: impl Fn(Measure) -> bool) {
        for place in 0..Measure::COUNT {
            if !has(Measure::at(place)) {
                self.0[place] = None;
            }
        }
    }
}

/// What a later version does with a row of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Removed,
    /// Usage is multiplied by that many thousandths.
    Changed(i64),
}

/// The fate of a row after the restatements up to `version`: each removes one row in a hundred
/// and changes two.
pub(super) fn fate(seed: u64, stream: &Stream, slot: u32, version: u32) -> Fate {
    let mut fate = Fate::Kept;
    if !stream.restatable {
        return fate;
    }
    for restatement in 2..=version {
        let draw = keyed(&[seed, stream.key, u64::from(slot), 77, u64::from(restatement)]);
        match draw % 100 {
            0 => return Fate::Removed,
            1 | 2 => fate = Fate::Changed(500 + i64::try_from((draw >> 32) % 1_000).unwrap_or(0)),
            _ => {}
        }
    }
    fate
}

/// The amounts of the stream's row in that slot. `hours` is the slot's length.
pub(super) fn amounts(seed: u64, stream: &Stream, slot: u32, hours: i64, fate: Fate) -> Amounts {
    let draw = keyed(&[seed, stream.key, u64::from(slot)]);
    match &stream.charge {
        Charge::Metered { .. } => metered(stream, draw, hours, fate),
        Charge::Commitment { hourly, upfront } => commitment(*hourly, *upfront, draw, hours),
        Charge::Fixed(fixed) => {
            let mut amounts = Amounts::NONE;
            for (measure, amount) in fixed {
                amounts.set(*measure, *amount);
            }
            amounts
        }
    }
}

fn metered(stream: &Stream, draw: u64, hours: i64, fate: Fate) -> Amounts {
    let Charge::Metered { shape, rate, factor, bundled } = stream.charge else {
        return Amounts::NONE;
    };
    let mut usage = quantity(shape, stream.key, draw, hours);
    if let Fate::Changed(thousandths) = fate {
        usage = usage.thousandths(thousandths);
    }
    let mut cost = usage.times(rate);
    if shape == Shape::Requests && (draw >> 40).is_multiple_of(16) {
        // Fractions of a request's price, down to the last digit a decimal(38,18) holds.
        cost = Amount::new(small(draw >> 8, 10_u64.pow(6 + u32::try_from(draw % 10).unwrap_or(0))), 18);
    }
    let mut amounts = Amounts::NONE;
    amounts.set(Measure::UsageAmount, usage);
    if let Some(factor) = factor {
        amounts.set(Measure::NormalizationFactor, factor);
        amounts.set(Measure::NormalizedUsageAmount, usage.times(factor));
    }
    amounts.set(Measure::PublicOnDemand, cost);
    match stream.line {
        LineType::DiscountedUsage => reserved(&mut amounts, cost, stream.key),
        LineType::SavingsPlanNegation => {
            amounts.set(Measure::Unblended, -cost);
            amounts.set(Measure::Blended, -cost);
            amounts.set(Measure::NetUnblended, -cost.thousandths(930));
            amounts.set(Measure::PublicOnDemand, Amount::ZERO);
        }
        LineType::SavingsPlanCoveredUsage => {
            amounts.set(Measure::Unblended, cost);
            amounts.set(Measure::Blended, cost);
            amounts.set(Measure::NetUnblended, cost.thousandths(930));
            amounts.set(Measure::SpEffective, cost.thousandths(700));
            amounts.set(Measure::NetSpEffective, cost.thousandths(651));
        }
        _ => discounted(&mut amounts, cost, bundled, stream.key),
    }
    amounts
}

/// Plain usage: the cost, what is taken off it, and the rest.
fn discounted(amounts: &mut Amounts, cost: Amount, bundled: bool, key: u64) {
    let edp = -cost.thousandths(70);
    let mut total = edp;
    amounts.set(Measure::EdpDiscount, edp);
    if bundled {
        let bundled = -cost.thousandths(20);
        amounts.set(Measure::BundledDiscount, bundled);
        total += bundled;
    }
    if key.is_multiple_of(20) {
        let private = -cost.thousandths(30);
        amounts.set(Measure::PrivateRateDiscount, private);
        total += private;
    }
    amounts.set(Measure::TotalDiscount, total);
    amounts.set(Measure::Unblended, cost);
    amounts.set(Measure::Blended, cost);
    amounts.set(Measure::NetUnblended, cost + total);
}

/// An hour that a reservation paid for: nothing unblended, the effective cost split by payment option.
fn reserved(amounts: &mut Amounts, on_demand: Amount, key: u64) {
    let effective = on_demand.thousandths(600);
    let upfront = effective.thousandths([0, 500, 1_000][usize::try_from(key % 3).unwrap_or(0)]);
    let recurring = effective - upfront;
    let net_upfront = upfront.thousandths(930);
    let net_recurring = recurring.thousandths(930);
    amounts.set(Measure::Unblended, Amount::ZERO);
    amounts.set(Measure::NetUnblended, Amount::ZERO);
    amounts.set(Measure::Blended, effective);
    amounts.set(Measure::RiEffective, effective);
    amounts.set(Measure::RiAmortizedUpfrontForUsage, upfront);
    amounts.set(Measure::RiRecurringForUsage, recurring);
    amounts.set(Measure::NetRiEffective, net_upfront + net_recurring);
    amounts.set(Measure::NetRiAmortizedUpfrontForUsage, net_upfront);
    amounts.set(Measure::NetRiRecurringForUsage, net_recurring);
}

/// A slot of a savings plan: the commitment, and how much of it usage took.
fn commitment(hourly: Amount, upfront: bool, draw: u64, hours: i64) -> Amounts {
    let total = hourly.times(Amount::new(hours, 0));
    let used = total.thousandths(600 + i64::try_from(draw % 401).unwrap_or(0));
    let recurring = if upfront { total.thousandths(500) } else { total };
    let net = recurring.thousandths(930);
    let mut amounts = Amounts::NONE;
    amounts.set(Measure::UsageAmount, Amount::new(hours, 0));
    amounts.set(Measure::Unblended, recurring);
    amounts.set(Measure::Blended, recurring);
    amounts.set(Measure::NetUnblended, net);
    amounts.set(Measure::SpTotalCommitment, total);
    amounts.set(Measure::SpUsedCommitment, used);
    amounts.set(Measure::SpRecurringForPeriod, recurring);
    amounts.set(Measure::NetSpRecurringForPeriod, net);
    amounts.set(Measure::SpAmortizedUpfrontForPeriod, total - recurring);
    amounts.set(Measure::NetSpAmortizedUpfrontForPeriod, (total - recurring).thousandths(930));
    amounts.set(Measure::SpEffective, Amount::ZERO);
    amounts
}

fn quantity(shape: Shape, key: u64, draw: u64, hours: i64) -> Amount {
    let per_hour = match shape {
        Shape::Hours if !draw.is_multiple_of(12) => Amount::new(1, 0),
        Shape::Hours => Amount::new(1 + small(draw >> 8, 10_u64.pow(10)), 10),
        Shape::Stored => Amount::new(1 + small(key >> 7, 10_u64.pow(11)), 10),
        Shape::Traffic => {
            let scale = 7 + u32::try_from(draw % 4).unwrap_or(0);
            Amount::new(1 + small(draw >> 8, 9_999_999_999), scale)
        }
        Shape::Requests => Amount::new(1 + small(draw >> 8, 400_000), 0),
    };
    match hours {
        1 => per_hour,
        hours => per_hour.times(Amount::new(hours, 0)),
    }
}

fn small(draw: u64, limit: u64) -> i64 {
    i64::try_from(draw % limit).unwrap_or(0)
}
