//! A preflight for people and for programs.

use serde_json::{Value, json};

use super::judge::{CheckResult, PreflightFinding, PreflightReport};
use crate::cli::terminal::{format::TextOrJson, harmless::make_harmless, wrap::wrap_text};

pub(super) fn render_report(report: &PreflightReport, format: TextOrJson) -> String {
    match format {
        TextOrJson::Text => render_text(report),
        TextOrJson::Json => format!("{:#}\n", to_json(report)),
    }
}

/// The report as JSON.
pub(super) fn to_json(report: &PreflightReport) -> Value {
    let mut value = json!(report);
    value["verdict"] = json!(report.verdict());
    value
}

const INDENT: &str = "         ";

fn render_text(report: &PreflightReport) -> String {
    let by = if report.as_operator { "the operator itself" } else { report.user.as_str() };
    let mut text = wrap_text(&format!("The installation in {}, seen by {by}.", report.namespace), "", "");
    text.push('\n');
    report.checks.iter().for_each(|finding| text.push_str(&finding_lines(finding)));
    text.push('\n');
    text.push_str(&summary_line(report));
    if let Some(left) = &report.left_to_the_operator {
        let names: Vec<String> = left.checks.iter().map(ToString::to_string).collect();
        text.push_str(&wrap_text(
            &format!("Only the operator itself can check {}:", names.join(", ")),
            "",
            "",
        ));
        text.push_str(&format!("  {}\n", make_harmless(&left.command)));
    }
    text
}

fn finding_lines(finding: &PreflightFinding) -> String {
    let mark = match finding.verdict {
        CheckResult::Pass => "ok",
        CheckResult::Unknown => "?",
        CheckResult::Fail => "FAIL",
    };
    let mut text = wrap_text(&finding.message, &format!("  {mark:<4}   {:<15}  ", finding.check), INDENT);
    if let Some(fix) = &finding.fix {
        text.push_str(&wrap_text(fix, &format!("{INDENT}Fix: "), INDENT));
    }
    for line in finding.command.iter().flat_map(|command| command.lines()) {
        text.push_str(&format!("{INDENT}  {}\n", make_harmless(line)));
    }
    text
}

fn summary_line(report: &PreflightReport) -> String {
    let count = |verdict| report.checks.iter().filter(|finding| finding.verdict == verdict).count();
    let (passed, failed, unknown) =
        (count(CheckResult::Pass), count(CheckResult::Fail), count(CheckResult::Unknown));
    format!("{passed} passed, {failed} failed, {unknown} could not be checked.\n")
}
