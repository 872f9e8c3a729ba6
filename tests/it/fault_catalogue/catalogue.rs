//! The catalogue as it stands in `catalogue.yaml`: healthy accounts, and the faults they can have.

use std::collections::{BTreeMap, BTreeSet};

use awscost::model::{ConditionType, Reason};
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
}

/// A healthy account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Healthy {
    /// Another healthy account that this one differs from.
    pub like: Option<String>,
    /// The scene, or where it differs from the other's, by path.
    pub scene: BTreeMap<String, Value>,
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

impl Catalogue {
    /// The catalogue of this repository.
    pub fn read() -> Self {
        serde_saphyr::from_str(include_str!("catalogue.yaml")).expect("the catalogue is well-formed")
    }

    /// What no catalogue may have: too few rows, two of one name, accounts that do not exist.
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
        problems
    }
}
