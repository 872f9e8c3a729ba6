//! A status besides its conditions: what of it follows from a fault, and that nothing else turns.

use std::collections::{BTreeMap, BTreeSet};

use awscost::{api::AwsCostAccountStatus, model::ConditionType::RoleAssumable};
use serde_json::Value;

use super::catalogue::Row;

/// The fields of a status by their path, without the conditions and what was answered.
pub type Rest = BTreeMap<String, String>;

/// Judged elsewhere: the conditions, and that the trigger was answered.
const NOT_HERE: [&str; 3] = ["conditions", "observedGeneration", "lastHandledReconcileAt"];

/// A field, and the sections of a scene from which it follows.
const FOLLOWS: [(&str, &[&str]); 5] = [
    ("identity/managementAccountId", &["organization"]),
    ("report/kind", &["spec/report/kind"]),
    ("bucket/region", &["spec/report/bucket/region"]),
    ("history/missing", &["spec/history"]),
    ("periods", &["spec/history"]),
];

/// What is known only of an account that can be entered.
const KNOWN_INSIDE: &str = "identity/externalIdInUse";

/// The fields of a status.
pub fn rest(status: &AwsCostAccountStatus) -> Rest {
    let mut all = serde_json::to_value(status).expect("a status is JSON");
    if let Value::Object(members) = &mut all {
        members.retain(|name, _| !NOT_HERE.contains(&name.as_str()));
    }
    let mut rest = Rest::new();
    flatten(String::new(), &all, &mut rest);
    // The API server's number: a Secret that is written back gets another.
    rest.remove("identity/lastAssumed/secretVersion");
    rest
}

fn flatten(path: String, value: &Value, into: &mut Rest) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}/{step}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| flatten(below(name), value, into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| flatten(below(&at.to_string()), value, into));
        }
        value => drop(into.insert(path, value.to_string())),
    }
}

/// What turned that follows from none of the faults.
pub fn strays(rows: &[&Row], healthy: &Rest, now: &Rest) -> Vec<String> {
    let paths: BTreeSet<&String> = healthy.keys().chain(now.keys()).collect();
    paths
        .into_iter()
        .filter(|path| healthy.get(*path) != now.get(*path))
        .filter(|path| !rows.iter().any(|row| follows(row, path)))
        .map(|path| format!("status.{path} is {:?}, was {:?}", now.get(path), healthy.get(path)))
        .collect()
}

/// What did not turn back.
pub fn unhealed(healthy: &Rest, now: &Rest) -> Vec<String> {
    strays(&[], healthy, now)
}

fn follows(row: &Row, path: &str) -> bool {
    let shut_out =
        row.expect.iter().any(|expected| expected.condition == RoleAssumable && expected.status != "True");
    let touches = |section: &&str| row.changes.keys().any(|changed| changed.starts_with(section));
    let listed = FOLLOWS.iter().filter(|(field, _)| path.starts_with(field));
    (shut_out && path == KNOWN_INSIDE) || listed.flat_map(|(_, sections)| sections.iter()).any(touches)
}
