//! The verdicts of `admission_cases.rs` without a cluster: the structural schema and the CEL rules of the definitions.

use awscost::api::admission::{Complaint, complaints};

use super::admission_cases::{Case, Verdict, accounts, warehouses};

/// What differs from the verdict, if anything.
fn disagreement(case: &Case, complaints: &[Complaint]) -> Option<String> {
    let all = complaints.iter().map(Complaint::to_string).collect::<Vec<_>>().join("; ");
    match case.verdict {
        Verdict::Accept if complaints.is_empty() => None,
        Verdict::Refuse(part) if all.contains(part) => None,
        verdict => Some(format!("{}\n  wanted {verdict:?}, got {all:?}", case.name)),
    }
}

fn judge(cases: &[Case], least: usize) {
    assert!(cases.len() >= least, "{} cases are too few", cases.len());
    for refused in [false, true] {
        let count = cases.iter().filter(|case| (case.verdict != Verdict::Accept) == refused).count();
        assert!(count * 5 >= least, "accepted and refused cases are to be balanced, not {count}");
    }
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let kind = case.sent["kind"].as_str().expect("a kind");
            disagreement(case, &complaints(kind, &case.sent, case.stored.as_ref()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn accounts_offline() {
    judge(&accounts(), 80);
}

#[test]
fn warehouses_offline() {
    judge(&warehouses(), 40);
}
