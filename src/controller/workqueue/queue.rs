//! Whose pass comes next: first come, first served, and what somebody waits for before what is routine.
//!
//! kube's own scheduler keeps what is due in a hash set and takes from it in the set's order: where more is due than can
//! run, an object may wait for ever behind others that come again and again. Nor does it tell a person's change from a
//! routine look, of which thousands are due after a restart.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
};

use tokio::time::Instant;

/// Whether somebody waits for a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It is due, and nobody waits.
    Routine,
    /// Something was changed or asked for.
    Asked,
}

/// Turns in a row that what was asked for may take from routine passes: those must not starve either.
const ASKED_IN_A_ROW: u8 = 3;

/// Objects that are to have a pass, each at most once, and those that have one now.
#[derive(Debug)]
pub struct Queue<T> {
    places: HashMap<T, Place>,
    later: BTreeMap<Turn, T>,
    asked: BTreeMap<Turn, T>,
    routine: BTreeMap<Turn, T>,
    /// Given out so far: two that come at one moment keep their order.
    given: u64,
    asked_in_a_row: u8,
}

/// When something is due, and its number.
type Turn = (Instant, u64);

#[derive(Debug, Clone, Copy)]
enum Place {
    Later(Turn, Urgency),
    Due(Turn, Urgency),
    /// It has its pass, and perhaps another one after it.
    Running(Option<(Instant, Urgency)>),
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            later: BTreeMap::new(),
            asked: BTreeMap::new(),
            routine: BTreeMap::new(),
            given: 0,
            asked_in_a_row: 0,
        }
    }
}

impl<T: Clone + Eq + Hash> Queue<T> {
    /// Asks for a pass at a time. Of two wishes for one object the earlier time and the greater urgency hold; while it has
    /// a pass, another one follows that.
    pub fn wish(&mut self, object: T, at: Instant, urgency: Urgency) {
        self.given += 1;
        let turn = (at, self.given);
        match self.places.entry(object) {
            Entry::Vacant(place) => {
                self.later.insert(turn, place.key().clone());
                place.insert(Place::Later(turn, urgency));
            }
            Entry::Occupied(mut place) => match place.get_mut() {
                Place::Running(again) => {
                    *again =
                        Some(again.map_or((at, urgency), |(then, had)| (then.min(at), had.max(urgency))));
                }
                Place::Later(had, urgent) => {
                    if let Some(object) = self.later.remove(had) {
                        (*had, *urgent) = ((*had).min(turn), (*urgent).max(urgency));
                        self.later.insert(*had, object);
                    }
                }
                // It keeps its time: whoever has waited long goes before whoever asked a moment ago.
                Place::Due(turn, urgent) => {
                    if urgency > *urgent
                        && let Some(object) = self.routine.remove(turn)
                    {
                        *urgent = urgency;
                        self.asked.insert(*turn, object);
                    }
                }
            },
        }
    }

    /// How many are due at a time, and wait.
    pub fn due(&mut self, now: Instant) -> usize {
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            let (turn, object) = first.remove_entry();
            let Some(place) = self.places.get_mut(&object) else { continue };
            let Place::Later(_, urgency) = *place else { continue };
            *place = Place::Due(turn, urgency);
            match urgency {
                Urgency::Asked => self.asked.insert(turn, object),
                Urgency::Routine => self.routine.insert(turn, object),
            };
        }
        self.asked.len() + self.routine.len()
    }

    /// When the next of those that are not due yet will be.
    pub fn next_due(&self) -> Option<Instant> {
        self.later.first_key_value().map(|(turn, _)| turn.0)
    }

    /// Takes the next that is due: it has its pass until [`Queue::ended`].
    pub fn take(&mut self, now: Instant) -> Option<(T, Urgency)> {
        self.due(now);
        let routine_first = self.asked_in_a_row >= ASKED_IN_A_ROW && !self.routine.is_empty();
        let asked = if routine_first { None } else { self.asked.pop_first() };
        let (object, urgency) = match asked {
            Some((_, object)) => {
                self.asked_in_a_row = self.asked_in_a_row.saturating_add(1);
                (object, Urgency::Asked)
            }
            None => {
                self.asked_in_a_row = 0;
                (self.routine.pop_first()?.1, Urgency::Routine)
            }
        };
        self.places.insert(object.clone(), Place::Running(None));
        Some((object, urgency))
    }

    /// A pass ended; `next` is when it wants another, unless somebody asked meanwhile.
    pub fn ended(&mut self, object: T, next: Option<(Instant, Urgency)>) {
        let again = match self.places.remove(&object) {
            Some(Place::Running(again)) => again,
            _ => None,
        };
        for (at, urgency) in again.into_iter().chain(next) {
            self.wish(object.clone(), at, urgency);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct At(Instant);

    impl At {
        fn second(&self, second: u64) -> Instant {
            self.0 + Duration::from_secs(second)
        }
    }

    fn all(queue: &mut Queue<&'static str>, now: Instant) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.take(now)).map(|(object, _)| object).collect()
    }

    fn queue() -> (Queue<&'static str>, At) {
        (Queue::default(), At(Instant::now()))
    }

    #[test]
    fn first_come_first_served() {
        let (mut queue, at) = queue();
        for (object, second) in [("b", 2), ("a", 1), ("c", 2), ("later", 9)] {
            queue.wish(object, at.second(second), Urgency::Routine);
        }
        assert_eq!(queue.next_due(), Some(at.second(1)));
        assert_eq!(queue.due(at.second(5)), 3);
        assert_eq!(all(&mut queue, at.second(5)), ["a", "b", "c"]);
        assert_eq!(queue.next_due(), Some(at.second(9)));
    }

    #[test]
    fn whoever_comes_again_and_again_keeps_nobody_waiting() {
        let (mut queue, at) = queue();
        for object in ["a", "b", "c", "d"] {
            queue.wish(object, at.second(0), Urgency::Routine);
        }
        let mut order = Vec::new();
        for second in 0..8 {
            let (object, urgency) = queue.take(at.second(second)).expect("one is due");
            order.push(object);
            queue.ended(object, Some((at.second(second), urgency)));
        }
        assert_eq!(order, ["a", "b", "c", "d", "a", "b", "c", "d"]);
    }

    #[test]
    fn what_was_asked_for_goes_first_and_every_fourth_turn_is_routine() {
        let (mut queue, at) = queue();
        for object in ["routine 1", "routine 2"] {
            queue.wish(object, at.second(0), Urgency::Routine);
        }
        for object in ["asked 1", "asked 2", "asked 3", "asked 4"] {
            queue.wish(object, at.second(1), Urgency::Asked);
        }
        let order = all(&mut queue, at.second(1));
        assert_eq!(order, ["asked 1", "asked 2", "asked 3", "routine 1", "asked 4", "routine 2"]);
    }

    #[test]
    fn an_object_that_waits_is_moved_up_when_somebody_asks() {
        let (mut queue, at) = queue();
        queue.wish("hourly", at.second(3600), Urgency::Routine);
        queue.wish("due", at.second(0), Urgency::Routine);
        queue.wish("due too", at.second(0), Urgency::Routine);
        assert_eq!(queue.due(at.second(0)), 2);
        queue.wish("hourly", at.second(1), Urgency::Asked);
        queue.wish("due too", at.second(1), Urgency::Asked);
        queue.wish("due too", at.second(1), Urgency::Routine);
        assert_eq!(all(&mut queue, at.second(1)), ["due too", "hourly", "due"], "each once");
    }

    #[test]
    fn an_object_has_one_pass_at_a_time_and_another_after_it_for_what_changed_meanwhile() {
        let (mut queue, at) = queue();
        queue.wish("a", at.second(0), Urgency::Routine);
        assert_eq!(queue.take(at.second(0)), Some(("a", Urgency::Routine)));
        queue.wish("a", at.second(1), Urgency::Asked);
        assert_eq!(queue.take(at.second(5)), None);
        queue.ended("a", Some((at.second(3600), Urgency::Routine)));
        assert_eq!(queue.take(at.second(5)), Some(("a", Urgency::Asked)));
        queue.ended("a", None);
        assert_eq!((queue.next_due(), queue.places.len()), (None, 0), "what is gone leaves nothing");
    }
}
