//! A check as SARIF 2.1.0, which code review tools show on the line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::report::{CheckReport, CheckedSubject, ReportedFinding, UnreadableFile};
use crate::model::{Guide, Severity};

/// Where a reader finds each reason explained.
const HELP: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/troubleshooting.md");

/// The rule that stands for files that could not be read.
const UNREADABLE: &str = "File/Unreadable";

/// The report.
pub(super) fn render_sarif(report: &CheckReport) -> String {
    let told: Vec<(&CheckedSubject, &ReportedFinding)> =
        report.all_findings().filter(|(_, finding)| sarif_level(finding.weight()).is_some()).collect();
    let mut rules: BTreeMap<String, &ReportedFinding> = BTreeMap::new();
    for (_, finding) in &told {
        rules.entry(finding.rule_id()).or_insert(finding);
    }
    let mut results: Vec<Value> = told
        .iter()
        .map(|(subject, finding)| {
            let index = rules.keys().position(|rule| *rule == finding.rule_id());
            finding_result(subject, finding, index)
        })
        .collect();
    let mut told_rules: Vec<Value> = rules.iter().map(|(id, finding)| rule_object(id, finding)).collect();
    if !report.unreadable.is_empty() {
        results.extend(report.unreadable.iter().map(|fault| unreadable_result(fault, told_rules.len())));
        told_rules.push(unreadable_rule());
    }
    let unreadable: Vec<Value> = report.unreadable.iter().map(unreadable_notification).collect();
    let whole = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "awscost",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": told_rules,
            }},
            "invocations": [{
                "executionSuccessful": !report.is_empty()
                    && report.unreadable.is_empty()
                    && report.count_of(Severity::Untold) == 0,
                "toolExecutionNotifications": unreadable,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{whole:#}\n")
}

/// SARIF's word for what a reviewer is to see; nothing for what is as it must be.
fn sarif_level(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Error => Some("error"),
        Severity::Advice => Some("warning"),
        Severity::Untold => Some("note"),
        Severity::Fine | Severity::Waiting | Severity::Blocked => None,
    }
}

fn rule_object(id: &str, finding: &ReportedFinding) -> Value {
    let guide = Guide::to(finding.reason);
    let (meaning, remedy) = (guide.meaning.replace('`', ""), guide.remedy.replace('`', ""));
    json!({
        "id": id,
        "name": finding.reason.as_str(),
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": format!("{meaning} {remedy}")},
        "help": {"text": remedy},
        "helpUri": HELP,
        "defaultConfiguration": {"level": sarif_level(finding.weight()).unwrap_or("none")},
    })
}

/// The rule that a file can be read: most viewers show results alone, and nothing in such a file was checked.
fn unreadable_rule() -> Value {
    let meaning = "The file does not contain readable manifests, so nothing in it was checked.";
    let remedy = "Fix what the message names.";
    json!({
        "id": UNREADABLE,
        "name": "Unreadable",
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": format!("{meaning} {remedy}")},
        "help": {"text": remedy},
        "defaultConfiguration": {"level": "error"},
    })
}

fn unreadable_result(fault: &UnreadableFile, rule: usize) -> Value {
    json!({
        "ruleId": UNREADABLE,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": fault.problem},
        "locations": [{"physicalLocation": physical_location(&fault.file, fault.line)}],
        "partialFingerprints": {"file/v1": fault.file},
    })
}

fn finding_result(subject: &CheckedSubject, finding: &ReportedFinding, rule: Option<usize>) -> Value {
    let mut logical = json!({"name": subject.name, "kind": "resource"});
    if !finding.field.is_empty() {
        logical["fullyQualifiedName"] = json!(format!("{}#{}", subject.name, finding.field));
    }
    let field = finding.refused_field().map(|field| format!("#{field}")).unwrap_or_default();
    json!({
        "ruleId": finding.rule_id(),
        "ruleIndex": rule,
        "level": sarif_level(finding.weight()),
        "message": {"text": finding.whole_message()},
        "locations": [{
            "physicalLocation": physical_location(&subject.file, finding.line),
            "logicalLocations": [logical],
        }],
        // The same finding on another line is the same finding.
        "partialFingerprints": {"objectAndReason/v1": format!("{}/{}{field}", subject.name, finding.rule_id())},
    })
}

fn unreadable_notification(fault: &UnreadableFile) -> Value {
    json!({
        "level": "error",
        "message": {"text": fault.problem},
        "locations": [{"physicalLocation": physical_location(&fault.file, fault.line)}],
    })
}

fn physical_location(file: &str, line: u64) -> Value {
    let uri = if file == "-" { "stdin".to_owned() } else { as_uri(file) };
    json!({"artifactLocation": {"uri": uri}, "region": {"startLine": line.max(1)}})
}

/// A path as a URI reference: relative stays relative, and what a URI can't have is percent-encoded.
fn as_uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded: String = path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    if encoded.starts_with('/') { format!("file://{encoded}") } else { encoded }
}
