//! Everything observed of a connection, each with the time it was seen.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::Deliveries;
use crate::{
    aws::{
        AwsFault,
        traits::{
            Caller, ExportDefinition, ExportExecution, ExportReference, LegacyDefinition, Listing,
            ObjectOwnership, OrganizationMembership,
        },
    },
    model::RoleArn,
};

/// How long a verdict stands while looks at it are inconclusive.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// One thing that can be observed: its last conclusive answer, and the inconclusive look that came after it.
///
/// A refusal is an answer (`Err` of a conclusive class). Throttling, time-outs and failures on AWS's side are not:
/// they leave the last answer standing for [`STALE_AFTER`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T> {
    answer: Option<(Timestamp, Result<T, AwsFault>)>,
    doubt: Option<(Timestamp, AwsFault)>,
}

/// What may be concluded from a fact now.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing<'a, T> {
    /// Observed.
    Known(&'a T),
    /// AWS answered, and the answer is a refusal.
    Refused(&'a AwsFault),
    /// Looked at, but never with an answer.
    Doubtful(&'a AwsFault),
    /// The last answer is older than [`STALE_AFTER`], and looks since then gave none.
    Outdated,
    /// Not looked at.
    NotLooked,
}

impl<T> Clone for Standing<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

// By hand: a derive would ask for `T: Copy`, and only references are copied.
impl<T> Copy for Standing<'_, T> {}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self { answer: None, doubt: None }
    }
}

impl<T> Fact<T> {
    /// A fact from one look at `at`.
    pub fn seen(at: Timestamp, outcome: Result<T, AwsFault>) -> Self {
        let mut fact = Self::default();
        fact.record(at, outcome);
        fact
    }

    /// Takes in the outcome of a look at `at`.
    pub fn record(&mut self, at: Timestamp, outcome: Result<T, AwsFault>) {
        match outcome {
            Err(fault) if !fault.class.is_conclusive() => self.doubt = Some((at, fault)),
            answer => *self = Self { answer: Some((at, answer)), doubt: None },
        }
    }

    /// Forgets what was seen: it no longer applies.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// What may be concluded from it at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing<'_, T> {
        match (&self.answer, &self.doubt) {
            (Some((at, _)), Some(_)) if now.duration_since(*at) >= STALE_AFTER => Standing::Outdated,
            (Some((_, Ok(value))), _) => Standing::Known(value),
            (Some((_, Err(fault))), _) => Standing::Refused(fault),
            (None, Some((_, fault))) => Standing::Doubtful(fault),
            (None, None) => Standing::NotLooked,
        }
    }

    /// The last observed value, however old.
    pub fn known(&self) -> Option<&T> {
        self.answer.as_ref().and_then(|(_, answer)| answer.as_ref().ok())
    }

    /// The fault of the latest look, if it failed.
    pub fn fault(&self) -> Option<&AwsFault> {
        let refused = || self.answer.as_ref().and_then(|(_, answer)| answer.as_ref().err());
        self.doubt.as_ref().map(|(_, fault)| fault).or_else(refused)
    }

    /// True if the latest look gave no answer.
    pub fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// When it was last looked at, with or without an answer.
    pub fn looked_at(&self) -> Option<Timestamp> {
        let answered = self.answer.as_ref().map(|(at, _)| *at);
        self.doubt.as_ref().map(|(at, _)| *at).or(answered)
    }
}

/// What the two probes of the external ID showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// Without one, and with a random one: both refused.
    Enforced,
    /// Without one: let in.
    AcceptsNone,
    /// With a random one: let in.
    AcceptsAny,
}

/// What reading one object of the report showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestRead {
    /// It could be read (and decrypted).
    Readable {
        /// The manifest's key.
        key: String,
    },
    /// There is no manifest yet.
    NoneYet,
}

/// Which of a role's external IDs lets the operator in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdInUse {
    /// The one of `externalIdSecretRef`.
    Current,
    /// The one of `nextExternalIdSecretRef`.
    Next,
}

impl fmt::Display for ExternalIdInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "Current",
            Self::Next => "Next",
        })
    }
}

/// The last time a role could be assumed: what it was, and with which version of its Secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAssumed {
    /// The role.
    pub role: RoleArn,
    /// The version of the external-ID Secrets.
    pub secret_version: Option<String>,
    /// The operator's principal that it let in; not known of what an older version noted.
    pub principal: Option<String>,
}

/// Where a report lies that is not where it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// The declared prefix ends in the report's name, which AWS adds by itself; without it this prefix is left.
    PrefixIncludesName {
        /// The prefix without the name.
        prefix: String,
    },
    /// One level above or below, under this prefix.
    OneLevelOff {
        /// The prefix it lies under.
        prefix: String,
    },
}

/// What the role may do that it need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Excess {
    /// Write to, delete from or re-police the report's bucket.
    pub writes_bucket: bool,
    /// Read other buckets.
    pub reads_others: bool,
    /// Change who may do what: almost anything, then.
    pub administers: bool,
}

/// All that was observed. Kept by the controller between reconciles; never written anywhere, but for [`LastAssumed`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who the operator is.
    pub base: Fact<Caller>,
    /// AssumeRole with the external ID (or the use of an IAM user's keys), and whom it made us.
    pub role: Fact<Caller>,
    /// A session of the account's IAM user, narrowed to the checks; only where its keys are used.
    pub federation: Fact<()>,
    /// Which external ID let the operator in at the last success.
    pub in_use: Option<ExternalIdInUse>,
    /// The last success of AssumeRole, from an earlier process too.
    pub last_assumed: Option<LastAssumed>,
    /// The two probes of the external ID.
    pub enforcement: Fact<Enforcement>,
    /// The account's organization.
    pub membership: Fact<OrganizationMembership>,
    /// Legacy report definitions.
    pub legacy: Fact<Vec<LegacyDefinition>>,
    /// Data exports by name.
    pub exports: Fact<Vec<ExportReference>>,
    /// The named data export; `None` if there is none of that name.
    pub export: Fact<Option<ExportDefinition>>,
    /// Its newest execution that ended.
    pub execution: Fact<Option<ExportExecution>>,
    /// AssumeRole with the policy that narrows ingest sessions.
    pub ingest_session: Fact<()>,
    /// The level directly below the report's key root, listed in the ingest session.
    pub listing: Fact<Listing>,
    /// The same listing without naming an owner; looked at only when the first is refused.
    pub listing_any_owner: Fact<()>,
    /// A manifest read in the ingest session.
    pub manifest: Fact<ManifestRead>,
    /// Where else the report lies; looked at only when there is nothing where it should be.
    pub elsewhere: Fact<Option<Elsewhere>>,
    /// Who owns the bucket's objects; looked at only when reading one is refused.
    pub ownership: Fact<ObjectOwnership>,
    /// What the role may do that it need not.
    pub excess: Fact<Excess>,
    /// Whether CloudWatch metrics can be listed.
    pub metrics: Fact<()>,
    /// What was listed of the report's deliveries.
    pub deliveries: Deliveries,
}

impl Facts {
    /// Forgets what was answered behind the role; the last success of AssumeRole and what was listed stay.
    pub fn start_over(&mut self) {
        let (last_assumed, deliveries) = (self.last_assumed.take(), std::mem::take(&mut self.deliveries));
        *self = Self { last_assumed, deliveries, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Code, Operation};

    fn at(minutes: i64) -> Timestamp {
        "2026-11-22T00:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_mins(minutes)
    }

    fn fault(code: Code) -> AwsFault {
        AwsFault::new(Operation::AssumeRole, code)
    }

    #[test]
    fn an_inconclusive_look_changes_nothing_for_six_hours() {
        let mut fact = Fact::seen(at(0), Ok(7));
        fact.record(at(60), Err(fault(Code::Throttling)));
        assert_eq!(fact.standing(at(359)), Standing::Known(&7));
        assert_eq!(fact.standing(at(360)), Standing::Outdated);
        fact.record(at(361), Ok(8));
        assert_eq!(fact.standing(at(9999)), Standing::Known(&8), "an answer without doubt after it stands");
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let mut fact = Fact::seen(at(0), Ok(7));
        fact.record(at(1), Err(fault(Code::AccessDenied)));
        assert_eq!(fact.standing(at(1)), Standing::Refused(&fault(Code::AccessDenied)));
        assert_eq!(fact.known(), None);
    }

    #[test]
    fn without_any_answer_the_doubt_shows() {
        let fact = Fact::<u8>::seen(at(0), Err(fault(Code::TimedOut)));
        assert_eq!(fact.standing(at(0)), Standing::Doubtful(&fault(Code::TimedOut)));
        assert_eq!(Fact::<u8>::default().standing(at(0)), Standing::NotLooked);
        assert_eq!(fact.looked_at(), Some(at(0)));
    }
}
