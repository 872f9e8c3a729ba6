//! Conditions as Kubernetes lists them: how one is written, and when two lists say the same.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ConditionStatus, ConditionType, Guide, Reason};

/// The longest message that is written, as the schema of [`Condition`] has it. Kubernetes lets conditions have 32,768; our own
/// words take 400, and the ARNs in them up to 700 each where they have the longest paths that IAM takes.
const MAX_MESSAGE: usize = 4096;

/// One layer of the connection, or a summary of them.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The part of the connection that was checked, or a summary: Ready, Reconciling or Stalled.
    #[serde(rename = "type")]
    #[schemars(length(max = 64))]
    pub type_: String,
    /// Whether the condition is fulfilled: True, False or Unknown.
    #[schemars(length(max = 7), regex(pattern = "^(True|False|Unknown)$"))]
    pub status: String,
    /// The generation of the spec that this condition describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the condition's status last changed.
    #[schemars(with = "String", length(max = 40), extend("format" = "date-time"))]
    pub last_transition_time: Timestamp,
    /// The cause, as one word from a fixed list; `awscost reasons` and docs/troubleshooting.md explain each.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z]+$"))]
    pub reason: String,
    /// What is wrong, and what to do. The message of Ready is short if another condition has the full
    /// message.
    #[schemars(length(max = 4096))]
    pub message: String,
}

/// What a condition is to say, before it meets the one that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// The condition that this is for.
    pub type_: ConditionType,
    /// The new status of the condition.
    pub status: ConditionStatus,
    /// The reason for the new status.
    pub reason: Reason,
    /// Why, and what to do.
    pub message: String,
}

impl Saying {
    /// A saying of these parts.
    pub fn new(
        type_: ConditionType,
        status: ConditionStatus,
        reason: Reason,
        message: impl Into<String>,
    ) -> Self {
        Self { type_, status, reason, message: message.into() }
    }
}

impl Condition {
    /// Whether it holds; a status that this version does not know says nothing.
    pub fn holds(&self) -> ConditionStatus {
        ConditionStatus::from_name(&self.status).unwrap_or(ConditionStatus::Unknown)
    }

    /// True if the condition's status is `True`.
    pub fn is_true(&self) -> bool {
        self.holds() == ConditionStatus::True
    }

    /// As values, if this version knows its type and reason.
    pub fn parsed(&self) -> Option<(ConditionType, ConditionStatus, Reason)> {
        Some((
            ConditionType::from_name(&self.type_)?,
            ConditionStatus::from_name(&self.status)?,
            Reason::from_name(&self.reason)?,
        ))
    }
}

/// The condition of a type.
pub fn find_condition(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == type_.as_str())
}

/// The new list: every saying in its order. The transition time is kept where the status is, and a type that is
/// not said is gone.
pub fn write(
    old: &[Condition],
    sayings: &[Saying],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    sayings
        .iter()
        .map(|saying| {
            let before = find_condition(old, saying.type_).filter(|old| old.status == saying.status.as_str());
            Condition {
                type_: saying.type_.as_str().to_owned(),
                status: saying.status.as_str().to_owned(),
                observed_generation: generation,
                last_transition_time: before
                    .map_or_else(|| whole_seconds(now), |old| old.last_transition_time),
                reason: saying.reason.as_str().to_owned(),
                message: bound_message(message_of(saying, sayings)),
            }
        })
        .collect()
}

/// What a condition says. Ready sums up: where another condition has the whole message, it has the fix in short, so that a
/// row of a list stays a row.
fn message_of<'a>(saying: &'a Saying, sayings: &[Saying]) -> &'a str {
    let told = |other: &Saying| other.type_ != ConditionType::Ready && other.message == saying.message;
    if saying.type_ == ConditionType::Ready && sayings.iter().any(told) {
        Guide::to(saying.reason).short
    } else {
        &saying.message
    }
}

/// The whole message behind Ready: that of Stalled or Reconciling, which are there while Ready is not True.
pub fn whole_message(conditions: &[Condition]) -> Option<&str> {
    let summaries = [ConditionType::Stalled, ConditionType::Reconciling, ConditionType::Ready];
    summaries
        .into_iter()
        .find_map(|type_| find_condition(conditions, type_))
        .map(|condition| condition.message.as_str())
}

/// Kubernetes keeps whole seconds in conditions.
pub fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).expect("the seconds of a timestamp are one")
}

/// What can be printed of a message, at most [`MAX_MESSAGE`] bytes of it.
pub fn bound_message(message: &str) -> String {
    bounded_to(MAX_MESSAGE, message)
}

/// What can be printed of a text, at most so many bytes of it, cut between characters: names that others chose must not
/// move the cursor of the terminal they are shown in, nor turn its writing round.
pub fn bounded_to(most: usize, text: &str) -> String {
    let text = text.replace(steers_terminal, "?");
    if text.len() <= most {
        return text;
    }
    let end = text.floor_char_boundary(most - '…'.len_utf8());
    format!("{}…", &text[..end])
}

/// True for what a terminal obeys instead of showing it: control characters, and those that turn the direction of writing
/// round (Unicode's bidirectional marks, embeddings, overrides and isolates).
pub fn steers_terminal(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_named_is_shown_without_its_control_characters() {
        assert_eq!(bound_message("export \u{1b}[2Jacme\n\u{202e}gro\u{200f} é"), "export ?[2Jacme??gro? é");
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn saying(status: ConditionStatus, reason: Reason) -> Saying {
        Saying::new(ConditionType::Ready, status, reason, "words")
    }

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let first = write(&[], &[saying(ConditionStatus::Unknown, Reason::NotChecked)], Some(1), at(10));
        let same = write(&first, &[saying(ConditionStatus::Unknown, Reason::Throttled)], Some(2), at(20));
        assert_eq!((same[0].last_transition_time, same[0].reason.as_str()), (at(10), "Throttled"));
        let turned = write(&same, &[saying(ConditionStatus::True, Reason::Succeeded)], Some(2), at(30));
        assert_eq!(turned[0].last_transition_time, at(30));
    }

    #[test]
    fn saying_the_same_again_gives_an_equal_list() {
        let says = [saying(ConditionStatus::True, Reason::Succeeded)];
        let first = write(&[], &says, Some(1), at(10));
        assert_eq!(write(&first, &says, Some(1), at(99)), first);
    }

    #[test]
    fn what_is_not_said_is_gone() {
        let first = write(&[], &[saying(ConditionStatus::True, Reason::Succeeded)], Some(1), at(10));
        assert!(write(&first, &[], Some(1), at(20)).is_empty());
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let cut = bound_message(&"ü".repeat(MAX_MESSAGE));
        assert!(cut.len() <= MAX_MESSAGE && cut.ends_with('…'));
    }
}
