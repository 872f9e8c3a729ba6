//! The catalogue as it stands in `catalogue.yaml`: healthy accounts, and the faults they can have.

use std::collections::{BTreeMap, BTreeSet};

use awscost::model::{
    ConditionStatus,
    ConditionType::{self, *},
    Reason,
    guide::{Guide, SECTIONS},
};
use serde::Deserialize;
use serde_json::Value;

/// The faults that must be there at least.
const LEAST: usize = 80;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Healthy accounts by name.
    pub healthy: BTreeMap<String, Healthy>,
    /// The faults.
    pub rows: Vec<Row>,
    /// What no row shows, and why it can't: `REASON`, or `CONDITION REASON` where it is shown of another condition.
    pub exceptions: BTreeMap<String, String>,
}

/// A healthy account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Healthy {
    /// Another healthy account that this one differs from.
    pub like: Option<String>,
    /// The scene, or where it differs from the other's, by path.
    pub scene: BTreeMap<String, Value>,
    /// What is said of it besides being Ready.
    #[serde(default)]
    pub says: Vec<Expectation>,
}

/// One fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What is wrong, in a name.
    pub fault: String,
    /// The healthy account it befalls.
    #[serde(default = "payer")]
    pub of: String,
    /// Where the scene differs from the healthy one, by path; null takes away.
    #[serde(rename = "break")]
    pub changes: BTreeMap<String, Value>,
    /// `CONDITION STATUS REASON`, each condition that turns; none where the last verdict must stand.
    pub expect: Vec<Expectation>,
    /// What `awscost check` says instead, which has no history to go by.
    #[serde(default)]
    pub check: Vec<Expectation>,
    /// How `awscost check` exits: 0 good, 1 findings, 2 could not check.
    #[serde(default = "findings")]
    pub exit: i32,
    /// The seconds it may take, where something other than the operator takes its time.
    pub within: Option<u64>,
}

fn findings() -> i32 {
    1
}

fn payer() -> String {
    "payer".to_owned()
}

/// What a condition must turn to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Expectation {
    /// The condition.
    pub condition: ConditionType,
    /// True, False or Unknown.
    pub status: String,
    /// The reason.
    pub reason: Reason,
}

impl TryFrom<String> for Expectation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [condition, status, reason] = words.as_slice() else {
            return Err(format!("{text:?} is not CONDITION STATUS REASON"));
        };
        if !["True", "False", "Unknown"].contains(status) {
            return Err(format!("{text:?} has the status {status:?}"));
        }
        let no = |what: &str| format!("{text:?} names a {what} that does not exist");
        Ok(Self {
            condition: ConditionType::from_name(condition).ok_or_else(|| no("condition"))?,
            status: (*status).to_owned(),
            reason: Reason::from_name(reason).ok_or_else(|| no("reason"))?,
        })
    }
}

impl Row {
    /// True if it befalls the operator itself, and so every account.
    pub fn befalls_the_operator(&self) -> bool {
        self.changes.keys().any(|path| path.starts_with("operator"))
    }
}

/// True of the conditions that are this catalogue's. The summaries repeat them, and loads have tests of their own.
fn is_layer(condition: ConditionType) -> bool {
    !(condition.is_summary() || matches!(condition, DataCurrent | TotalsVerified))
}

/// A reason that stands on more layers than this says that there was no look: a row of one layer stands for all.
const OF_ITS_OWN: usize = 4;

/// What is to be shown of a reason: each condition that turns False or Unknown with it, or any, written `REASON`.
fn to_be_shown(guide: &Guide) -> Vec<String> {
    let bad =
        |stand: &&(ConditionType, ConditionStatus)| stand.1 != ConditionStatus::True && is_layer(stand.0);
    let conditions: Vec<ConditionType> = guide.stands.iter().filter(bad).map(|stand| stand.0).collect();
    if conditions.len() > OF_ITS_OWN {
        return vec![guide.reason.to_string()];
    }
    conditions.iter().map(|condition| format!("{condition} {}", guide.reason)).collect()
}

impl Catalogue {
    /// The catalogue of this repository.
    pub fn read() -> Self {
        serde_saphyr::from_str(include_str!("catalogue.yaml")).expect("the catalogue is well-formed")
    }

    /// What no catalogue may have: too few rows, two of one name, accounts that do not exist, reasons that nobody shows.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.rows.len() < LEAST {
            problems.push(format!("{} faults are fewer than {LEAST}", self.rows.len()));
        }
        let mut names = BTreeSet::new();
        for row in &self.rows {
            if !names.insert(&row.fault) {
                problems.push(format!("two faults are called {}", row.fault));
            }
            if !self.healthy.contains_key(&row.of) {
                problems.push(format!("{} befalls {}, which is no healthy account", row.fault, row.of));
            }
            if row.changes.is_empty() {
                problems.push(format!("{} breaks nothing", row.fault));
            }
        }
        problems.extend(self.unshown());
        problems
    }

    /// Reasons of the guide that no row shows and no exception excuses, and exceptions that excuse nothing.
    fn unshown(&self) -> Vec<String> {
        let expected = self.rows.iter().flat_map(|row| &row.expect);
        let shown: BTreeSet<String> = expected
            .flat_map(|shown| [shown.reason.to_string(), format!("{} {}", shown.condition, shown.reason)])
            .collect();
        let guides = SECTIONS.iter().flat_map(|section| section.guides);
        let open: Vec<String> = guides.flat_map(to_be_shown).filter(|open| !shown.contains(open)).collect();
        let excuses = |excuse: &String, open: &String| {
            open == excuse || open.split_once(' ').is_some_and(|(_, reason)| reason == excuse)
        };
        let unexcused = open.iter().filter(|open| !self.exceptions.keys().any(|one| excuses(one, open)));
        let idle = self.exceptions.keys().filter(|one| !open.iter().any(|open| excuses(one, open)));
        unexcused
            .map(|open| format!("no row shows {open}, and no exception says why"))
            .chain(idle.map(|one| format!("{one} is an exception and needs none")))
            .collect()
    }
}
