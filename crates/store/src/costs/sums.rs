//! Sums in the making: of one slot, by currency and group, for every reading of the question.

use std::collections::{BTreeSet, HashMap};

use jiff::{Span, civil::Date};

use super::{answer::GroupSum, tag::SeenTags};
use crate::warehouse::TagKey;

/// The group of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum SumKey<'a> {
    None,
    Day(i64),
    Text(&'a str),
}

/// Sums by group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    texts: HashMap<String, GroupSum>,
    days: HashMap<i64, GroupSum>,
    nameless: GroupSum,
}

impl Groups {
    pub(super) fn sum(&mut self, key: SumKey<'_>) -> &mut GroupSum {
        match key {
            SumKey::None => &mut self.nameless,
            SumKey::Day(day) => self.days.entry(day).or_default(),
            SumKey::Text(name) => entry(&mut self.texts, name),
        }
    }

    /// The sums with their names.
    fn into_sums(self) -> impl Iterator<Item = (Option<String>, GroupSum)> {
        let days = self.days.into_iter().map(|(day, sum)| (Some(day_text(day)), sum));
        let texts = self.texts.into_iter().map(|(name, sum)| (Some(name), sum));
        let nameless = (self.nameless.rows > 0).then_some((None, self.nameless));
        days.chain(texts).chain(nameless)
    }
}

/// Sums of one currency.
#[derive(Debug, Default)]
pub(super) struct OfCurrency {
    /// By reading of the question: a tag may have several, all else has one.
    readings: Vec<Groups>,
    /// What people often leave out, by line type.
    pub(super) named: HashMap<String, GroupSum>,
}

impl OfCurrency {
    /// The groups of each reading.
    pub(super) fn readings(&mut self, count: usize) -> &mut [Groups] {
        self.readings.resize_with(count, Groups::default);
        &mut self.readings
    }

    /// Rows.
    pub(super) fn rows(&self) -> u64 {
        let rows = |groups: &Groups| {
            groups.texts.values().chain(groups.days.values()).map(|sum| sum.rows).sum::<u64>()
                + groups.nameless.rows
        };
        self.readings.first().map_or(0, rows)
    }

    fn has_names(&self, reading: usize) -> bool {
        self.readings.get(reading).is_some_and(|groups| !groups.texts.is_empty())
    }

    /// The sums of one reading with their names.
    pub(super) fn into_sums(mut self, reading: usize) -> impl Iterator<Item = (Option<String>, GroupSum)> {
        self.readings.swap_remove(reading).into_sums()
    }
}

/// Sums of one slot.
#[derive(Debug, Default)]
pub(super) struct OfSlot {
    /// By currency.
    pub(super) sums: HashMap<String, OfCurrency>,
    /// Fees that may have been paid ahead for a reservation, by currency: whether they have an amortized cost shows
    /// when all is read.
    pub(super) fees: HashMap<String, OfCurrency>,
    /// Rows without such a cost, and the columns in which they have nothing.
    pub(super) rows_without_cost: u64,
    pub(super) lacking: BTreeSet<&'static str>,
    /// True if rows of reservations don't name theirs.
    pub(super) hides_reservations: bool,
    /// The keys of `tags` that were met.
    pub(super) seen: SeenTags,
    /// The keys of `resource_tags` as the source spelled them, once they are known.
    pub(super) keys: Vec<TagKey>,
}

impl OfSlot {
    /// True if rows have a value for this reading of a tag.
    pub(super) fn has_names(&self, reading: usize) -> bool {
        self.sums.values().chain(self.fees.values()).any(|of| of.has_names(reading))
    }
}

/// The entry of a map by a borrowed key: a key is copied only when it is new.
pub(super) fn entry<'a, V: Default>(map: &'a mut HashMap<String, V>, key: &str) -> &'a mut V {
    entry_or(map, key, V::default)
}

/// As [`entry`], with what a new one begins as.
pub(super) fn entry_or<'a, V>(
    map: &'a mut HashMap<String, V>,
    key: &str,
    new: impl FnOnce() -> V,
) -> &'a mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), new());
    }
    map.get_mut(key).expect("it was put there if it lacked")
}

fn day_text(day: i64) -> String {
    let date = Span::new().try_days(day).and_then(|days| Date::constant(1970, 1, 1).checked_add(days));
    date.map_or_else(|_| format!("day {day}"), |date| date.to_string())
}
