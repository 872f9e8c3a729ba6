//! A check for a terminal of 80 columns: what must be fixed with its fix, and one line for what is as it must be.

use super::report::{CheckReport, CheckVerdict, CheckedSubject, ReportedFinding, UnreadableFile};
use crate::{
    cli::terminal::{snippet::indent_block, wrap::wrap_text},
    model::Severity,
};

/// The report as text.
pub(super) fn render_text(report: &CheckReport, strict: bool) -> String {
    let mut text = String::new();
    for unreadable in &report.unreadable {
        let UnreadableFile { file, line, problem } = unreadable;
        let place = if *line == 0 { file.clone() } else { format!("{file}:{line}") };
        text.push_str(&wrap_text(problem, &format!("{place}: "), "  "));
        text.push('\n');
    }
    for subject in &report.subjects {
        text.push_str(&of_subject(subject));
        text.push('\n');
    }
    if !report.is_empty() {
        text.push_str(&wrap_text(&summary_line(report, strict), "", ""));
    }
    text
}

fn of_subject(subject: &CheckedSubject) -> String {
    let mut text = wrap_text(&format!("{} ({})", subject.name, subject.file), "", "  ");
    for finding in &subject.findings {
        text.push_str(&of_finding(finding, &subject.file));
    }
    text
}

fn of_finding(finding: &ReportedFinding, file: &str) -> String {
    let mark = match finding.weight() {
        Severity::Fine => "ok",
        Severity::Waiting => "wait",
        Severity::Blocked => "skip",
        Severity::Advice => "warn",
        Severity::Untold => "?",
        Severity::Error => "FAIL",
    };
    let head = format!("  {mark:<4}  {:<20} {}\n", finding.condition.as_str(), finding.reason);
    if finding.weight() < Severity::Advice && finding.weight() != Severity::Waiting {
        return head;
    }
    let place = if finding.field.is_empty() {
        format!("{file}:{}", finding.line)
    } else {
        format!("{file}:{} {}", finding.line, finding.field)
    };
    let snippet =
        finding.snippet.as_ref().map(|snippet| indent_block(snippet, "          ")).unwrap_or_default();
    format!(
        "{head}{}{}{snippet}",
        wrap_text(&finding.message, "          ", "          "),
        wrap_text(&place, "          at ", "            ")
    )
}

fn summary_line(report: &CheckReport, strict: bool) -> String {
    let counted = |severity, one: &str, many: &str| {
        let count = report.count_of(severity);
        let noun = if count == 1 { one } else { many };
        (count > 0).then(|| format!("{count} {noun}"))
    };
    let parts: Vec<String> = [
        counted(Severity::Error, "error", "errors"),
        counted(Severity::Advice, "warning", "warnings"),
        counted(Severity::Untold, "condition could not be checked", "conditions could not be checked"),
        (!report.unreadable.is_empty()).then(|| format!("{} unreadable", report.unreadable.len())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let objects = match report.subjects.len() {
        0 => "No AwsCostAccount or CostWarehouse".to_owned(),
        1 => "1 object".to_owned(),
        many => format!("{many} objects"),
    };
    let verdict = match report.verdict(strict) {
        CheckVerdict::Good => "good",
        CheckVerdict::Findings => "findings",
        CheckVerdict::Unchecked => "not everything could be checked",
    };
    let parts = if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) };
    format!("{objects}{parts}: {verdict}.")
}
