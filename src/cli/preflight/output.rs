//! A preflight for people and for programs.

use serde_json::{Value, json};

use super::judge::{Finding, Report, Verdict};
use crate::cli::terminal::{format::TextOrJson, harmless::harmless, wrap::wrap};

pub(super) fn printed(report: &Report, format: TextOrJson) -> String {
    match format {
        TextOrJson::Text => text(report),
        TextOrJson::Json => format!("{:#}\n", value(report)),
    }
}

/// The report as JSON.
pub(super) fn value(report: &Report) -> Value {
    let mut value = json!(report);
    value["verdict"] = json!(report.verdict());
    value
}

const INDENT: &str = "         ";

fn text(report: &Report) -> String {
    let by = if report.as_operator { "the operator itself" } else { report.user.as_str() };
    let mut text = wrap(&format!("The installation in {}, seen by {by}.", report.namespace), "", "");
    text.push('\n');
    report.checks.iter().for_each(|finding| text.push_str(&told(finding)));
    text.push('\n');
    text.push_str(&summary(report));
    if let Some(left) = &report.left_to_the_operator {
        let names: Vec<String> = left.checks.iter().map(ToString::to_string).collect();
        text.push_str(&wrap(&format!("Only the operator itself can check {}:", names.join(", ")), "", ""));
        text.push_str(&format!("  {}\n", harmless(&left.command)));
    }
    text
}

fn told(finding: &Finding) -> String {
    let mark = match finding.verdict {
        Verdict::Pass => "ok",
        Verdict::Unknown => "?",
        Verdict::Fail => "FAIL",
    };
    let mut text = wrap(&finding.message, &format!("  {mark:<4}   {:<15}  ", finding.check), INDENT);
    if let Some(fix) = &finding.fix {
        text.push_str(&wrap(fix, &format!("{INDENT}Fix: "), INDENT));
    }
    for line in finding.command.iter().flat_map(|command| command.lines()) {
        text.push_str(&format!("{INDENT}  {}\n", harmless(line)));
    }
    text
}

fn summary(report: &Report) -> String {
    let count = |verdict| report.checks.iter().filter(|finding| finding.verdict == verdict).count();
    let (passed, failed, unknown) = (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Unknown));
    format!("{passed} passed, {failed} failed, {unknown} could not be checked.\n")
}
