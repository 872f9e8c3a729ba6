//! A check as one JSON object.

use serde_json::{Value, json};

use super::report::CheckReport;
use crate::model::Severity;

/// The report.
pub(super) fn render_json(report: &CheckReport, strict: bool) -> String {
    let objects: Vec<Value> = report
        .subjects
        .iter()
        .map(|subject| {
            let findings: Vec<Value> = subject
                .findings
                .iter()
                .map(|finding| {
                    let mut told = json!({
                        "condition": finding.condition.as_str(),
                        "status": finding.status.as_str(),
                        "reason": finding.reason.as_str(),
                        "severity": severity_name(finding.weight()),
                        "message": finding.message,
                        "field": finding.field,
                        "line": finding.line,
                    });
                    if let Some(snippet) = &finding.snippet {
                        told["snippet"] = json!(snippet);
                    }
                    told
                })
                .collect();
            json!({"name": subject.name, "file": subject.file, "findings": findings})
        })
        .collect();
    let unreadable: Vec<Value> = report
        .unreadable
        .iter()
        .map(|fault| json!({"file": fault.file, "line": fault.line, "problem": fault.problem}))
        .collect();
    let whole = json!({
        "verdict": report.verdict(strict),
        "objects": objects,
        "unreadable": unreadable,
        "ignoredDocuments": report.ignored,
    });
    format!("{whole:#}\n")
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Fine => "ok",
        Severity::Waiting => "waiting",
        Severity::Blocked => "blocked",
        Severity::Advice => "warning",
        Severity::Untold => "unchecked",
        Severity::Error => "error",
    }
}
