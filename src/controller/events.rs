//! Events: one for each root condition that turned, none for what it blocks, and one for each load.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder};

use crate::{
    api::conditions::Condition,
    model::{ConditionType, Guide, Reason, guide::Outlook},
};

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Normal or a warning.
    pub kind: NoticeKind,
    /// The reason, as in the condition.
    pub reason: String,
    /// What happened to which condition.
    pub action: String,
    /// A sentence for people.
    pub note: String,
}

/// How an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// What was broken works, or work is done.
    Normal,
    /// Something broke that somebody should look at.
    Warning,
}

/// The API's limit on an event's note (events.k8s.io/v1), a quarter of what a condition may hold.
const NOTE_LIMIT: usize = 1024;

/// The notices for a change of conditions. Read from status, so a restart tells nothing twice.
pub fn notices_of_change(old: &[Condition], new: &[Condition]) -> Vec<Notice> {
    let summary = |condition: &&Condition| {
        [ConditionType::Reconciling, ConditionType::Stalled]
            .iter()
            .all(|type_| type_.as_str() != condition.type_)
    };
    let changed = |condition: &&Condition| {
        let before = old.iter().find(|old| old.type_ == condition.type_);
        before.is_none_or(|before| before.status != condition.status || before.reason != condition.reason)
    };
    new.iter()
        .filter(summary)
        // What can't be told is no news: either it is blocked, or it passes.
        .filter(|condition| condition.status != "Unknown")
        .filter(|condition| condition.type_ != ConditionType::Ready.as_str() || condition.is_true())
        .filter(changed)
        // A load that waits or runs is not a fault.
        .filter(|condition| {
            let reason = Reason::from_name(&condition.reason);
            reason.is_none_or(|reason| Guide::to(reason).outlook != Outlook::Passing)
        })
        .map(|condition| Notice {
            kind: kind_of(condition),
            reason: condition.reason.clone(),
            action: format!("Check{}", condition.type_),
            note: format!("{} is {}: {}", condition.type_, condition.status, condition.message),
        })
        .collect()
}

/// Whether a condition is good news: all are when True, but for the one that says so of what should go.
fn kind_of(condition: &Condition) -> NoticeKind {
    let good = condition.is_true() && condition.type_ != ConditionType::Deprecated.as_str();
    if good { NoticeKind::Normal } else { NoticeKind::Warning }
}

/// Writes events. One that can't be written is logged: status is the truth, events are a courtesy.
pub async fn publish_notices(recorder: &Recorder, object: &ObjectReference, notices: &[Notice]) {
    for notice in notices {
        let note = shorten_note(&notice.note, object);
        let event = Event {
            type_: match notice.kind {
                NoticeKind::Normal => EventType::Normal,
                NoticeKind::Warning => EventType::Warning,
            },
            reason: notice.reason.clone(),
            note: Some(note),
            action: notice.action.clone(),
            secondary: None,
        };
        if let Err(error) = recorder.publish(&event, object).await {
            tracing::warn!(%error, reason = notice.reason, "an event could not be written");
        }
    }
}

/// A note that an event may carry: one that is too long ends at a sentence, or else at a word, and says where the whole is.
fn shorten_note(note: &str, object: &ObjectReference) -> String {
    if note.len() <= NOTE_LIMIT {
        return note.to_owned();
    }
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let whole = format!(
        " … (whole: kubectl -n {} describe {} {})",
        part(&object.namespace),
        part(&object.kind).to_lowercase(),
        part(&object.name)
    );
    // The names of an object are far shorter than a note.
    let room = &note[..note.floor_char_boundary(NOTE_LIMIT.saturating_sub(whole.len()))];
    // A sentence that ends in the first half would take more away than it is worth.
    let sentence = room.rfind(". ").map(|end| end + 1).filter(|end| *end > room.len() / 2);
    let end = sentence.or_else(|| room.rfind(' ')).unwrap_or(room.len());
    format!("{}{whole}", room[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        api::conditions::{Saying, write},
        model::ConditionStatus::{self, False, True, Unknown},
    };

    fn conditions(list: &[(ConditionType, ConditionStatus, Reason)]) -> Vec<Condition> {
        let sayings: Vec<Saying> = list
            .iter()
            .map(|(type_, status, reason)| Saying::new(*type_, *status, *reason, "words"))
            .collect();
        write(&[], &sayings, Some(1), Timestamp::UNIX_EPOCH)
    }

    fn reasons(old: &[Condition], new: &[Condition]) -> Vec<String> {
        notices_of_change(old, new).into_iter().map(|notice| notice.reason).collect()
    }

    #[test]
    fn a_broken_layer_is_one_event_whatever_it_blocks() {
        use ConditionType as T;
        let healthy = conditions(&[
            (T::Ready, True, Reason::Succeeded),
            (T::RoleAssumable, True, Reason::RoleAssumed),
            (T::BucketReadable, True, Reason::Readable),
        ]);
        let broken = conditions(&[
            (T::Stalled, True, Reason::AssumeRoleDenied),
            (T::Ready, False, Reason::AssumeRoleDenied),
            (T::RoleAssumable, False, Reason::AssumeRoleDenied),
            (T::BucketReadable, Unknown, Reason::BlockedByRole),
        ]);
        assert_eq!(reasons(&healthy, &broken), ["AssumeRoleDenied"]);
        assert_eq!(reasons(&broken, &broken), Vec::<String>::new());
        assert_eq!(reasons(&broken, &healthy), ["Succeeded", "RoleAssumed", "Readable"]);
    }

    #[test]
    fn the_ordinary_course_of_a_load_is_told_once_at_its_end() {
        use ConditionType as T;
        let state = |status, reason| conditions(&[(T::DataCurrent, status, reason)]);
        let current = state(True, Reason::Current);
        assert_eq!(reasons(&current, &state(False, Reason::Queued)), Vec::<String>::new());
        assert_eq!(reasons(&current, &state(False, Reason::Loading)), Vec::<String>::new());
        assert_eq!(reasons(&current, &state(False, Reason::ParseFailed)), ["ParseFailed"]);
    }

    #[test]
    fn a_note_that_is_too_long_ends_at_a_sentence_or_a_word_and_says_where_the_whole_is() {
        let object = ObjectReference {
            kind: Some("AwsCostAccount".to_owned()),
            namespace: Some("finops".to_owned()),
            name: Some("acme".to_owned()),
            ..ObjectReference::default()
        };
        let pointer = " … (whole: kubectl -n finops describe awscostaccount acme)";
        let sentences = format!("{} {}", "Put it into the role. ".repeat(40).trim_end(), "é".repeat(200));
        let policy = format!("This works: {{\"Version\":\"{}\"}}", "p".repeat(2000));
        for (note, end) in [(sentences, "into the role."), (policy, "This works:")] {
            let cut = shorten_note(&note, &object);
            assert!(cut.len() <= NOTE_LIMIT, "{} bytes", cut.len());
            assert!(cut.ends_with(&format!("{end}{pointer}")), "{cut}");
        }
        let whole = "w".repeat(NOTE_LIMIT);
        assert_eq!(shorten_note(&whole, &object), whole);
    }
}
