//! Conditions as a status has them: what of them must stay, and what may turn behind a broken layer.

use std::collections::BTreeMap;

use awscost::api::conditions::Condition;
use awscost::model::{
    ConditionType::{self, *},
    Guide, Reason,
};

use super::catalogue::{Expectation, Row};

/// Conditions by type, without times and generations: what must be equal byte for byte.
pub type Said = BTreeMap<String, (String, String, String)>;

/// The layers that stand on a layer, as docs/awscostaccount.md orders them: behind a broken one they may be blocked.
fn above(layer: ConditionType) -> &'static [ConditionType] {
    match layer {
        RoleAssumable => &[
            ExternalIdEnforced,
            AccountTypeVerified,
            BucketReadable,
            ReportConfigured,
            ReportDelivered,
            HistoryComplete,
            DataCurrent,
            TotalsVerified,
            MetricsReadable,
            PermissionsMinimal,
        ],
        BucketReadable | ReportConfigured => &[ReportDelivered, HistoryComplete, DataCurrent, TotalsVerified],
        ReportDelivered => &[HistoryComplete, DataCurrent, TotalsVerified],
        ExternalIdEnforced | AccountTypeVerified | HistoryComplete | WarehouseReady => {
            &[DataCurrent, TotalsVerified]
        }
        _ => &[],
    }
}

/// Layers behind which nothing is said of those above: they must be blocked.
const HOLD_WHAT_IS_ABOVE: [ConditionType; 3] = [RoleAssumable, BucketReadable, ReportConfigured];

/// Layers that hold Ready down, lowest first.
const HOLD_READY: [ConditionType; 6] = [
    RoleAssumable,
    ExternalIdEnforced,
    AccountTypeVerified,
    BucketReadable,
    ReportConfigured,
    WarehouseReady,
];

/// The summaries, which follow from the layers.
const SUMMARIES: [&str; 3] = ["Ready", "Stalled", "Reconciling"];

/// What a status says.
pub fn said(conditions: &[Condition]) -> Said {
    conditions
        .iter()
        .map(|condition| {
            let said = (condition.status.clone(), condition.reason.clone(), condition.message.clone());
            (condition.type_.clone(), said)
        })
        .collect()
}

/// What is not yet as expected, in words.
pub fn unmet(expected: &[Expectation], said: &Said) -> Vec<String> {
    expected
        .iter()
        .filter_map(|expected| {
            let found = said.get(expected.condition.as_str());
            let met = found.is_some_and(|(status, reason, _)| {
                *status == expected.status && *reason == expected.reason.as_str()
            });
            let (status, reason) =
                found.map_or(("absent", ""), |(status, reason, _)| (status.as_str(), reason.as_str()));
            (!met).then(|| {
                format!(
                    "{} is {status} {reason}, not {} {}",
                    expected.condition, expected.status, expected.reason
                )
            })
        })
        .collect()
}

/// What two faults at once lack: each is reported, or blocked by the layer of the other.
pub fn both(rows: [&Row; 2], healthy: &Said, now: &Said) -> Vec<String> {
    let all: Vec<Expectation> = rows.iter().flat_map(|row| row.expect.clone()).collect();
    let mut problems = strays_beside(&all, healthy, now);
    for (row, other) in [(rows[0], rows[1]), (rows[1], rows[0])] {
        // A changed spec takes the history away that tells what worked before.
        let without_history = !row.check.is_empty() && unmet(&row.check, now).is_empty();
        let missing = unmet_or_blocked(row, other, now);
        if !(without_history || missing.is_empty()) {
            problems.push(format!("{}: {}", row.fault, missing.join("; ")));
        }
    }
    problems
}

/// What of a row's is neither reported nor behind the other's layer.
fn unmet_or_blocked(row: &Row, other: &Row, now: &Said) -> Vec<String> {
    let open: Vec<Expectation> =
        row.expect
            .iter()
            .filter(|expected| {
                let behind = other.expect.iter().any(|other| {
                    other.status != "True" && above(other.condition).contains(&expected.condition)
                });
                !(behind && is_blocked(now, expected.condition))
            })
            .cloned()
            .collect();
    unmet(&open, now)
}

fn is_blocked(now: &Said, condition: ConditionType) -> bool {
    let found = now.get(condition.as_str());
    found.is_some_and(|(status, reason, _)| status == "Unknown" && reason.starts_with("BlockedBy"))
}

/// What turned that had no business to, against the healthy status.
pub fn strays(expected: &[Expectation], healthy: &Said, now: &Said) -> Vec<String> {
    let mut strays = strays_beside(expected, healthy, now);
    strays.extend(summary_stray(expected, healthy, now));
    strays.extend(companion_stray(now));
    strays
}

/// The same, without the summaries.
fn strays_beside(expected: &[Expectation], healthy: &Said, now: &Said) -> Vec<String> {
    let broken: Vec<ConditionType> = expected.iter().map(|expected| expected.condition).collect();
    let holding: Vec<ConditionType> = expected
        .iter()
        .filter(|expected| expected.status != "True")
        .map(|expected| expected.condition)
        .collect();
    let types = healthy.keys().chain(now.keys()).collect::<std::collections::BTreeSet<_>>();
    types
        .into_iter()
        .filter_map(|name| ConditionType::from_name(name))
        .filter(|type_| !broken.contains(type_) && !type_.is_summary())
        .filter_map(|type_| {
            let (before, after) = (healthy.get(type_.as_str()), now.get(type_.as_str()));
            let held = holding
                .iter()
                .any(|layer| HOLD_WHAT_IS_ABOVE.contains(layer) && above(*layer).contains(&type_));
            let behind = broken.iter().any(|layer| above(*layer).contains(&type_));
            // A load that waited goes on waiting, and says for what.
            let waits = [before, after].iter().all(|said| said.is_some_and(|said| said.1 == "Queued"));
            let blocked = is_blocked(now, type_) || waits;
            if held && !blocked {
                return Some(format!("{type_} is {after:?}, and not blocked"));
            }
            (before != after && !(behind && blocked))
                .then(|| format!("{type_} turned as well: {before:?} became {after:?}"))
        })
        .collect()
}

/// Ready carries the reason of the lowest broken layer that holds it down, a report that is named wrongly before the place
/// that was looked at for it, and nothing else turns it.
fn summary_stray(expected: &[Expectation], healthy: &Said, now: &Said) -> Option<String> {
    let holds = |expected: &&Expectation| {
        HOLD_READY.contains(&expected.condition)
            && (expected.status == "False"
                || (expected.status == "Unknown" && expected.condition != AccountTypeVerified))
    };
    let (before, after) = (healthy.get("Ready"), now.get("Ready"));
    let mut held: Vec<&Expectation> = expected.iter().filter(holds).collect();
    held.sort_by_key(|expected| {
        let misnamed = expected.reason.misnames_report();
        let layer = if misnamed { BucketReadable } else { expected.condition };
        (expected.status != "False", HOLD_READY.iter().position(|one| *one == layer), !misnamed)
    });
    match held.first() {
        None => (before != after).then(|| format!("Ready turned as well: {before:?} became {after:?}")),
        Some(root) if root.status == "False" => {
            let right =
                after.is_some_and(|(status, reason, _)| status == "False" && *reason == root.reason.as_str());
            (!right).then(|| format!("Ready is {after:?}, not False {}", root.reason))
        }
        Some(_) => {
            let right = after.is_some_and(|(status, _, _)| status == "Unknown");
            (!right).then(|| format!("Ready is {after:?}, not Unknown"))
        }
    }
}

/// Reconciling and Stalled follow from Ready: broken for good is Stalled, what is tried again by itself is Reconciling. They
/// have the whole message, a layer's own, and Ready the fix in short.
fn companion_stray(now: &Said) -> Option<String> {
    let [ready, stalled, reconciling] = SUMMARIES.map(|name| now.get(name));
    let of_a_layer = |message: &str| {
        let mut layers = now.iter().filter(|(name, _)| !SUMMARIES.contains(&name.as_str()));
        layers.any(|(name, said)| message == said.2 || message == format!("{name}: {}", said.2))
    };
    let whole = |companion: Option<&(String, String, String)>, reason: &str| {
        companion.is_some_and(|(status, why, message)| {
            // A spec that can't be used has no layers.
            status == "True" && why == reason && (of_a_layer(message) || why == Reason::InvalidSpec.as_str())
        })
    };
    let in_short = |reason: &str, message: &str| {
        Reason::from_name(reason).is_some_and(|reason| Guide::to(reason).short == message)
    };
    let right = match ready {
        Some((status, reason, message)) if status == "False" => {
            let warehouse = now.get("WarehouseReady").is_some_and(|said| said.1 == *reason);
            let retried = warehouse && whole(reconciling, "ProgressingWithRetry") && stalled.is_none();
            in_short(reason, message) && (retried || (whole(stalled, reason) && reconciling.is_none()))
        }
        Some((status, reason, message)) if status == "Unknown" => {
            in_short(reason, message) && whole(reconciling, reason) && stalled.is_none()
        }
        _ => stalled.is_none() && reconciling.is_none(),
    };
    (!right)
        .then(|| format!("beside Ready {ready:?}, Stalled is {stalled:?} and Reconciling {reconciling:?}"))
}
