//! The bill's rows, one after the other in bounded memory: day by day, in no order within a day.

use super::compose::Bill;
use super::dice::{Dice, keyed};
use super::metering::{Amounts, Fate, amounts, fate};
use super::stream::Stream;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// One row: a stream's texts, and what differs from row to row.
pub(super) struct Row<'a> {
    pub(super) stream: &'a Stream,
    /// The stream's place in the bill.
    pub(super) place: usize,
    /// 52 characters of base 32. Another version gives the same charge another id, as AWS does.
    pub(super) id: [u8; 52],
    /// Usage start and end in seconds from the epoch.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) amounts: Amounts,
}

impl Row<'_> {
    pub(super) fn id(&self) -> &str {
        str::from_utf8(&self.id).expect("base 32 is ASCII")
    }
}

/// Gives the bill's rows. Only one day's plan is in memory.
pub(super) struct Rows<'a> {
    bill: &'a Bill,
    next_day: u32,
    /// Places of streams and slots still to come of the current day, last first.
    plan: Vec<(u32, u32)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(bill: &'a Bill) -> Self {
        Self { bill, next_day: 0, plan: Vec::new() }
    }

    fn plan_next_day(&mut self) {
        let per_day = self.bill.slots_per_day;
        let (from, to) = (self.next_day * per_day, (self.next_day + 1) * per_day);
        for (place, stream) in (0_u32..).zip(&self.bill.streams) {
            let last = (stream.first_slot + stream.slots).min(to);
            self.plan.extend((stream.first_slot.max(from)..last).map(|slot| (place, slot)));
        }
        Dice::new(keyed(&[self.bill.seed, u64::from(self.next_day), 9])).shuffle(&mut self.plan);
        self.next_day += 1;
    }

    fn row(&self, place: u32, slot: u32) -> Option<Row<'a>> {
        let bill = self.bill;
        let stream = &bill.streams[place as usize];
        let fate = fate(bill.seed, stream, slot, bill.version);
        if fate == Fate::Removed {
            return None;
        }
        let slot_start = bill.month.start() + i64::from(slot) * bill.slot_seconds;
        let (start, end) = stream.span.unwrap_or((slot_start, slot_start + bill.slot_seconds));
        let mut amounts = amounts(bill.seed, stream, slot, bill.slot_seconds / 3_600, fate);
        if bill.lacks_measures {
            amounts.keep(|measure| bill.catalogue.has(measure));
        }
        let id = line_item_id(&[bill.seed, u64::from(place), u64::from(slot), u64::from(bill.version)]);
        Some(Row { stream, place: place as usize, id, start, end, amounts })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        loop {
            while let Some((place, slot)) = self.plan.pop() {
                if let Some(row) = self.row(place, slot) {
                    return Some(row);
                }
            }
            if self.next_day * self.bill.slots_per_day >= self.bill.slots {
                return None;
            }
            self.plan_next_day();
        }
    }
}

/// How many rows of the streams are left after the restatements up to `version`.
pub(super) fn count(seed: u64, streams: &[Stream], version: u32) -> u64 {
    if version == 1 {
        return streams.iter().map(|stream| u64::from(stream.slots)).sum();
    }
    let left = |stream: &Stream| {
        let slots = stream.first_slot..stream.first_slot + stream.slots;
        slots.filter(|slot| fate(seed, stream, *slot, version) != Fate::Removed).count() as u64
    };
    streams.iter().map(left).sum()
}

fn line_item_id(key: &[u64; 4]) -> [u8; 52] {
    let mut id = [0; 52];
    for (part, twelve) in (0..).zip(id.chunks_mut(12)) {
        let mut bits = keyed(&[key[0], key[1], key[2], key[3], part]);
        for character in twelve {
            *character = BASE32[(bits & 31) as usize];
            bits >>= 5;
        }
    }
    id
}
