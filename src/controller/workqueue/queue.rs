//! Whose reconcile comes next: first come, first served, and what somebody waits for before what is routine.
//!
//! kube's own scheduler keeps what is due in a hash set and takes from it in the set's order: where more is due than can
//! run, an object may wait for ever behind others that come again and again. Nor does it tell a person's change from a
//! routine look, of which thousands are due after a restart.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
};

use tokio::time::Instant;

/// Whether somebody waits for a reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestUrgency {
    /// It is due, and nobody waits.
    Routine,
    /// Something was changed or asked for.
    Asked,
}

/// Turns in a row that what was asked for may take from routine reconciles: those must not starve either.
const ASKED_IN_A_ROW: u8 = 3;

/// Objects that are to have a reconcile, each at most once, and those that have one now.
#[derive(Debug)]
pub struct Queue<T> {
    places: HashMap<T, QueuePlace>,
    later: BTreeMap<QueueTurn, T>,
    asked: BTreeMap<QueueTurn, T>,
    routine: BTreeMap<QueueTurn, T>,
    /// Given out so far: two that come at one moment keep their order.
    given: u64,
    asked_in_a_row: u8,
}

/// When something is due, and its number.
type QueueTurn = (Instant, u64);

#[derive(Debug, Clone, Copy)]
enum QueuePlace {
    Later(QueueTurn, RequestUrgency),
    Due(QueueTurn, RequestUrgency),
    /// It has its reconcile, and perhaps another one after it.
    Running(Option<(Instant, RequestUrgency)>),
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
    /// Asks for a reconcile at a time. Of two requests for one object the earlier time and the greater urgency hold; while it
    /// is reconciled, another reconcile follows.
    pub fn request(&mut self, object: T, at: Instant, urgency: RequestUrgency) {
        self.given += 1;
        let turn = (at, self.given);
        match self.places.entry(object) {
            Entry::Vacant(place) => {
                self.later.insert(turn, place.key().clone());
                place.insert(QueuePlace::Later(turn, urgency));
            }
            Entry::Occupied(mut place) => match place.get_mut() {
                QueuePlace::Running(again) => {
                    *again =
                        Some(again.map_or((at, urgency), |(then, had)| (then.min(at), had.max(urgency))));
                }
                QueuePlace::Later(had, urgent) => {
                    if let Some(object) = self.later.remove(had) {
                        (*had, *urgent) = ((*had).min(turn), (*urgent).max(urgency));
                        self.later.insert(*had, object);
                    }
                }
                // It keeps its time: whoever has waited long goes before whoever asked a moment ago.
                QueuePlace::Due(turn, urgent) => {
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
            let QueuePlace::Later(_, urgency) = *place else { continue };
            *place = QueuePlace::Due(turn, urgency);
            match urgency {
                RequestUrgency::Asked => self.asked.insert(turn, object),
                RequestUrgency::Routine => self.routine.insert(turn, object),
            };
        }
        self.asked.len() + self.routine.len()
    }

    /// When the next of those that are not due yet will be.
    pub fn next_due(&self) -> Option<Instant> {
        self.later.first_key_value().map(|(turn, _)| turn.0)
    }

    /// Takes the next that is due: it has its reconcile until [`Queue::ended`].
    pub fn take(&mut self, now: Instant) -> Option<(T, RequestUrgency)> {
        self.due(now);
        let routine_first = self.asked_in_a_row >= ASKED_IN_A_ROW && !self.routine.is_empty();
        let asked = if routine_first { None } else { self.asked.pop_first() };
        let (object, urgency) = match asked {
            Some((_, object)) => {
                self.asked_in_a_row = self.asked_in_a_row.saturating_add(1);
                (object, RequestUrgency::Asked)
            }
            None => {
                self.asked_in_a_row = 0;
                (self.routine.pop_first()?.1, RequestUrgency::Routine)
            }
        };
        self.places.insert(object.clone(), QueuePlace::Running(None));
        Some((object, urgency))
    }

    /// A reconcile ended; `next` is when it wants another, unless somebody asked meanwhile.
    pub fn ended(&mut self, object: T, next: Option<(Instant, RequestUrgency)>) {
        let again = match self.places.remove(&object) {
            Some(QueuePlace::Running(again)) => again,
            _ => None,
        };
        for (at, urgency) in again.into_iter().chain(next) {
            self.request(object.clone(), at, urgency);
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
            queue.request(object, at.second(second), RequestUrgency::Routine);
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
            queue.request(object, at.second(0), RequestUrgency::Routine);
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
            queue.request(object, at.second(0), RequestUrgency::Routine);
        }
        for object in ["asked 1", "asked 2", "asked 3", "asked 4"] {
            queue.request(object, at.second(1), RequestUrgency::Asked);
        }
        let order = all(&mut queue, at.second(1));
        assert_eq!(order, ["asked 1", "asked 2", "asked 3", "routine 1", "asked 4", "routine 2"]);
    }

    #[test]
    fn an_object_that_waits_is_moved_up_when_somebody_asks() {
        let (mut queue, at) = queue();
        queue.request("hourly", at.second(3600), RequestUrgency::Routine);
        queue.request("due", at.second(0), RequestUrgency::Routine);
        queue.request("due too", at.second(0), RequestUrgency::Routine);
        assert_eq!(queue.due(at.second(0)), 2);
        queue.request("hourly", at.second(1), RequestUrgency::Asked);
        queue.request("due too", at.second(1), RequestUrgency::Asked);
        queue.request("due too", at.second(1), RequestUrgency::Routine);
        assert_eq!(all(&mut queue, at.second(1)), ["due too", "hourly", "due"], "each once");
    }

    #[test]
    fn an_object_has_one_pass_at_a_time_and_another_after_it_for_what_changed_meanwhile() {
        let (mut queue, at) = queue();
        queue.request("a", at.second(0), RequestUrgency::Routine);
        assert_eq!(queue.take(at.second(0)), Some(("a", RequestUrgency::Routine)));
        queue.request("a", at.second(1), RequestUrgency::Asked);
        assert_eq!(queue.take(at.second(5)), None);
        queue.ended("a", Some((at.second(3600), RequestUrgency::Routine)));
        assert_eq!(queue.take(at.second(5)), Some(("a", RequestUrgency::Asked)));
        queue.ended("a", None);
        assert_eq!((queue.next_due(), queue.places.len()), (None, 0), "what is gone leaves nothing");
    }
}
