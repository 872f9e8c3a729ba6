//! The guide of reasons: for every reason what it means, how it is recognised and what to do about it.
//!
//! `docs/troubleshooting.md` is generated from it (`make generate`). A reason without an entry does not compile. What the
//! entries say of AWS is from docs/aws-facts.md 1.4, 1.7, 2, 3, 8, 9, 10 and 11.

mod account_type;
mod advisory;
mod bucket;
mod delivery;
mod events;
mod external_id;
mod identity;
mod loading;
pub mod page;
mod report;
mod role;
mod secrets;
mod summary;
mod unanswered;
mod warehouse;

pub(super) use unanswered::ANY_LAYER;

use super::{
    ConditionStatus, ConditionType, Reason,
    layers::{Field, Layer, Severity},
};

/// What a person wants to know who meets a reason, and what programs decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guide {
    /// The reason that this entry explains.
    pub reason: Reason,
    /// The conditions it explains, with the status they have; none for an event's reason.
    ///
    /// `Ready` and `Stalled` repeat a layer's reason, and `DataCurrent` that of a load that failed: that is not listed.
    pub stands: &'static [(ConditionType, ConditionStatus)],
    /// What the reason means, in a sentence or two.
    pub meaning: &'static str,
    /// The AWS call and code, or the local check, that shows it.
    pub recognised: &'static str,
    /// What the reader should do, as sentences.
    pub remedy: &'static str,
    /// What to do, in a few words: for rows of a list, where the whole message has no room. Together with the reason's name it
    /// leaves a row of `kubectl get -o wide` shorter than 200 characters.
    pub short: &'static str,
    /// How much it matters where the condition is Unknown; where it is False, only whether it passes counts.
    pub severity: Severity,
    /// Who has to fix it.
    pub owner: FaultOwner,
    /// The field of the account's spec that is most likely wrong.
    pub field: Field,
    /// What comes of it while nobody does anything.
    pub outlook: Outlook,
    /// Who finds it out.
    pub source: ReasonSource,
    /// The block to copy that goes with its message.
    pub block: SnippetKind,
}

/// Who has to fix what a reason names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultOwner {
    /// The operator: one fix helps every account.
    Operator,
    /// One account's: its object, its Secrets, its side at AWS.
    Account,
    /// The warehouse's, and so that of every account that names it.
    Warehouse,
}

/// What comes of a reason while nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// It stays as it is, and nobody waits for it to turn: it is good, or was never granted.
    Settled,
    /// It stays until somebody fixes it, and that person wants to see the change at once.
    Awaited,
    /// No answer: what was known before stands meanwhile.
    Inconclusive,
    /// It takes its time, and is no fault.
    Passing,
}

/// Who finds a reason out, and so how long it may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonSource {
    /// A look at AWS: until the next.
    Aws,
    /// The operator, from what lies in the cluster: it is judged in every reconcile, and none of it outlives what it is said of.
    Cluster,
    /// A Job, from inside its pod: until another ends.
    Job,
}

/// What there is to copy for a reason: made from the spec by whoever prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnippetKind {
    /// Nothing.
    None,
    /// A trust policy that lets the operator in.
    TrustPolicy,
    /// The commands that create and label a Secret.
    SecretCommands,
    /// The command that lists a Secret's keys.
    SecretKeys,
}

/// What most reasons are: something is wrong with an account, AWS shows it, and it lasts until somebody acts.
const FAULT: Guide = Guide {
    reason: Reason::InternalError,
    stands: &[],
    meaning: "",
    recognised: "",
    remedy: "",
    short: "",
    severity: Severity::Untold,
    owner: FaultOwner::Account,
    field: Field::OfCondition,
    outlook: Outlook::Awaited,
    source: ReasonSource::Aws,
    block: SnippetKind::None,
};

/// As it must be.
const GOOD: Guide = Guide {
    remedy: "Nothing.",
    short: "Nothing to do",
    severity: Severity::Fine,
    outlook: Outlook::Settled,
    ..FAULT
};

/// AWS gave no answer, whatever was asked.
const UNANSWERED: Guide = Guide { stands: ANY_LAYER, outlook: Outlook::Inconclusive, ..FAULT };

/// A layer below comes first.
const BLOCKED: Guide = Guide { recognised: "Local.", severity: Severity::Blocked, ..FAULT };

/// Reasons that belong together: one layer, or a part of one.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The heading on the page.
    pub title: &'static str,
    /// An introduction that applies to all of them.
    pub intro: &'static str,
    /// The reasons, in the order in which they are best read.
    pub guides: &'static [Guide],
}

/// The sections, from the bottom layer up.
pub const SECTIONS: &[Section] = &[
    summary::SECTION,
    identity::SECTION,
    secrets::SECTION,
    role::SECTION,
    external_id::SECTION,
    account_type::SECTION,
    bucket::SECTION,
    report::SECTION,
    delivery::SECTION,
    delivery::HISTORY,
    warehouse::SECTION,
    loading::SECTION,
    loading::TOTALS,
    advisory::SECTION,
    unanswered::SECTION,
    events::SECTION,
];

const REASONS: usize = Reason::ALL.len();

/// By the reason's number. Built by the compiler, which refuses a reason with no guide, or with two.
static BY_REASON: [&Guide; REASONS] = by_reason();

const fn by_reason() -> [&'static Guide; REASONS] {
    let mut found: [Option<&'static Guide>; REASONS] = [None; REASONS];
    let mut section = 0;
    while section < SECTIONS.len() {
        let guides = SECTIONS[section].guides;
        let mut entry = 0;
        while entry < guides.len() {
            let at = guides[entry].reason as usize;
            assert!(found[at].is_none(), "a reason has two guides");
            found[at] = Some(&guides[entry]);
            entry += 1;
        }
        section += 1;
    }
    let mut all = [&SECTIONS[0].guides[0]; REASONS];
    let mut at = 0;
    while at < REASONS {
        assert!(found[at].is_some(), "a reason of src/model/condition.rs has no guide in src/model/guide/");
        if let Some(guide) = found[at] {
            all[at] = guide;
        }
        at += 1;
    }
    all
}

impl Guide {
    /// The guide to a reason.
    pub fn to(reason: Reason) -> &'static Self {
        BY_REASON[reason as usize]
    }

    /// The field that it points at, where it stands on this condition.
    pub fn field_on(&self, condition: ConditionType) -> Field {
        match (self.field, Layer::of(condition)) {
            (Field::OfCondition, Some(layer)) => layer.field,
            (Field::OfCondition, None) => Field::Whole,
            (field, _) => field,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{Alert, ConditionStatus::True, layers::LAYERS};

    #[test]
    fn a_reason_is_found_under_its_own_name() {
        for reason in Reason::ALL {
            assert_eq!(Guide::to(*reason).reason, *reason);
        }
    }

    #[test]
    fn entries_are_sentences() {
        for guide in SECTIONS.iter().flat_map(|section| section.guides) {
            let short = guide.short.len();
            assert!((1..=45).contains(&short), "{}: {:?} is none or too long", guide.reason, guide.short);
            for text in [guide.meaning, guide.recognised, guide.remedy] {
                let complete = text.ends_with('.') && !text.contains("  ") && !text.contains('\n');
                assert!(complete, "{}: {text:?} is no sentence on one line", guide.reason);
            }
        }
    }

    #[test]
    fn a_reason_means_one_status_in_a_condition() {
        for guide in SECTIONS.iter().flat_map(|section| section.guides) {
            let types: BTreeSet<ConditionType> = guide.stands.iter().map(|(type_, _)| *type_).collect();
            assert_eq!(types.len(), guide.stands.len(), "{} stands twice on a condition", guide.reason);
        }
    }

    /// True is the good answer, but for what only stands while True.
    #[test]
    fn bad_answers_have_an_alert_unless_listed_here() {
        let quiet = [
            // Past months come on request only: `status.history.missing` and a gauge have them.
            Reason::MonthsMissing,
            // Nothing is wrong, or `Ready` does not depend on it.
            Reason::AwaitingFirstDelivery,
            Reason::OrganizationReadDenied,
            Reason::AuditDenied,
        ];
        for guide in SECTIONS.iter().flat_map(|section| section.guides) {
            let bad = guide.stands.iter().any(|(_, status)| *status != True);
            let blocked = LAYERS.iter().any(|layer| layer.blocks_as == Some(guide.reason));
            let silent = guide.alerts().is_empty();
            assert_eq!(
                silent && bad && !blocked,
                quiet.contains(&guide.reason),
                "{}: {:?}",
                guide.reason,
                guide.alerts()
            );
        }
    }

    #[test]
    fn every_alert_on_conditions_has_a_reason_that_leads_to_it() {
        let reached: BTreeSet<Alert> =
            SECTIONS.iter().flat_map(|section| section.guides).flat_map(Guide::alerts).collect();
        // Of the process, and of a deletion that lasts, whatever it fails for.
        let of_no_reason =
            [Alert::AwscostOperatorDown, Alert::AwscostReconcileErrors, Alert::AwscostAccountDeletionStuck];
        for alert in Alert::ALL {
            assert_ne!(reached.contains(alert), of_no_reason.contains(alert), "{alert}");
        }
    }
}
