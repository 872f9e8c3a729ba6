//! What a person does next about an object. Pure.

use crate::{
    cli::cluster::fleet::{Kind, Member, Word},
    model::{ConditionStatus, ConditionType, Reason, Severity},
};

/// The steps, first things first. `rotates`: the external ID is being changed.
pub(super) fn next_steps(member: &Member, active_jobs: &[String], rotates: bool) -> Vec<String> {
    let mut steps = main_steps(member, active_jobs);
    if rotates && !member.suspended {
        steps.extend(rotation_step(member));
    }
    steps
}

/// The next step of a change of the external ID: RoleAssumable tells it, though nothing is wrong.
fn rotation_step(member: &Member) -> Option<String> {
    let role = member.words.iter().find(|word| word.type_ == ConditionType::RoleAssumable)?;
    let step = || format!("The external ID is being changed: {}", role.message);
    (role.status == ConditionStatus::True).then(step)
}

fn main_steps(member: &Member, active_jobs: &[String]) -> Vec<String> {
    let name = &member.name;
    let object = match name.kind {
        Kind::AwsCostAccount => name.name.clone(),
        Kind::CostWarehouse => format!("costwarehouse/{}", name.name),
    };
    if member.suspended {
        let resume = format!("kubectl awscost resume {object} -n {}", name.namespace);
        return vec![format!("It is suspended: nothing is checked or loaded. {resume}")];
    }
    if let Some(unseen) = words_of(member, Severity::Untold).find(|word| word.reason == Reason::NotChecked) {
        return vec![unseen.message.clone()];
    }
    let mut broken: Vec<&Word> = words_of(member, Severity::Error).collect();
    if broken.is_empty() {
        broken = words_of(member, Severity::Untold).collect();
    }
    broken.sort_by_key(|word| word.fix_turn());
    if !broken.is_empty() {
        let mut steps: Vec<String> =
            broken.iter().map(|word| format!("{}: {}", subject_of(word), word.message)).collect();
        steps.push(format!(
            "Fixes in the cluster are checked at once. Fixes at AWS are checked at the next refresh, or at once with: \
             kubectl awscost reconcile {object} -n {} --wait",
            name.namespace
        ));
        return steps;
    }
    if let Some(waiting) = words_of(member, Severity::Waiting).min_by_key(|word| &word.type_) {
        let jobs = match active_jobs.first() {
            Some(job) => format!(" kubectl logs -f job/{job} -n {}", name.namespace),
            None => String::new(),
        };
        return vec![format!("Wait. {}{jobs}", waiting.message)];
    }
    let advice = words_of(member, Severity::Advice)
        .map(|word| format!("Optional: {}: {}", subject_of(word), word.message));
    std::iter::once("Nothing: everything works.".to_owned()).chain(advice).collect()
}

fn words_of(member: &Member, severity: Severity) -> impl Iterator<Item = &Word> {
    member.words.iter().filter(move |word| word.severity == severity)
}

/// The layer, where the summary is not all there is.
fn subject_of(word: &Word) -> String {
    if word.type_ == ConditionType::Ready { word.reason.to_string() } else { word.type_.to_string() }
}
