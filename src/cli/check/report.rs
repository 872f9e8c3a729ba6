//! What a check found, for every form of output.

use serde::Serialize;

use super::caller;
use crate::{
    connection::Snippet,
    model::{ConditionStatus, ConditionType, Reason, Severity},
};

/// Everything a check found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// The objects, in reading order.
    pub subjects: Vec<CheckedSubject>,
    /// What could not be read at all.
    pub unreadable: Vec<UnreadableFile>,
    /// Documents that are none of ours.
    pub ignored: usize,
}

/// One object.
#[derive(Debug, Clone)]
pub struct CheckedSubject {
    /// Its kind and name, with the namespace where it is known.
    pub name: String,
    /// The file it stands in, as it was given.
    pub file: String,
    /// Its findings, in the order of their layers.
    pub findings: Vec<ReportedFinding>,
}

/// One condition of one object, and what was found of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedFinding {
    /// The condition.
    pub condition: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
    pub reason: Reason,
    /// How much it matters.
    pub severity: Severity,
    /// Why, and the fix.
    pub message: String,
    /// A policy or commands for the fix.
    pub snippet: Option<Snippet>,
    /// The field that is most likely to be wrong; empty for the object whole.
    pub field: String,
    /// The line of the field, or of the document, counted from 1.
    pub line: u64,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableFile {
    /// The file as it was given.
    pub file: String,
    /// The line, where it is known.
    pub line: u64,
    /// Why.
    pub problem: String,
}

/// How a check ends; the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[repr(u8)]
pub enum CheckVerdict {
    /// Nothing is wrong.
    Good = 0,
    /// Something must be fixed.
    Findings = 1,
    /// Nothing is known to be wrong, but not everything could be checked.
    Unchecked = 2,
}

impl ReportedFinding {
    /// How much it matters to a check: without an identity of its own, a check could not look.
    pub fn weight(&self) -> Severity {
        match self.severity {
            Severity::Error if caller::caller_fix(self.reason).is_some() => Severity::Untold,
            severity => severity,
        }
    }

    /// What tells it from others of its condition: a spec is refused for each of its fields.
    pub fn refused_field(&self) -> Option<&str> {
        (self.reason == Reason::InvalidSpec && !self.field.is_empty()).then_some(self.field.as_str())
    }

    /// Message and block together, for outputs that have one text.
    pub fn whole_message(&self) -> String {
        let Some(Snippet { title, text }) = &self.snippet else { return self.message.clone() };
        format!("{}\n\n{title}\n{text}", self.message)
    }

    /// The finding's name in outputs that want one: `BucketReadable/BucketNotFound`.
    pub fn rule_id(&self) -> String {
        format!("{}/{}", self.condition, self.reason)
    }
}

/// What is said of a check that had nothing to check.
pub const NOTHING: &str = "the input has no AwsCostAccount or CostWarehouse, so nothing was checked";

impl CheckReport {
    /// True if there was nothing to check: a path that is wrong, or a build that came to nothing.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.unreadable.is_empty()
    }

    /// All findings with their objects.
    pub fn all_findings(&self) -> impl Iterator<Item = (&CheckedSubject, &ReportedFinding)> {
        self.subjects
            .iter()
            .flat_map(|subject| subject.findings.iter().map(move |finding| (subject, finding)))
    }

    /// How many findings have a weight.
    pub fn count_of(&self, weight: Severity) -> usize {
        self.all_findings().filter(|(_, finding)| finding.weight() == weight).count()
    }

    /// How the check ends; with `strict`, advice counts as a finding.
    pub fn verdict(&self, strict: bool) -> CheckVerdict {
        let advice = strict && self.count_of(Severity::Advice) > 0;
        if self.count_of(Severity::Error) > 0 || advice {
            CheckVerdict::Findings
        } else if self.count_of(Severity::Untold) > 0 || !self.unreadable.is_empty() || self.is_empty() {
            CheckVerdict::Unchecked
        } else {
            CheckVerdict::Good
        }
    }
}
