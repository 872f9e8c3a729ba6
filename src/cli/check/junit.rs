//! A check as JUnit XML: a suite an object, a case a condition.

use super::report::{CheckReport, CheckedSubject, ReportedFinding};
use crate::model::Severity;

/// The report.
pub(super) fn render_junit(report: &CheckReport, strict: bool) -> String {
    let mut suites: Vec<Suite> = report.subjects.iter().map(|subject| Suite::of(subject, strict)).collect();
    if !report.unreadable.is_empty() {
        let cases = report.unreadable.iter().map(|fault| {
            let words = format!("{}:{}: {}", fault.file, fault.line, fault.problem);
            case_element(&fault.file, "read", &outcome_element("error", "Unreadable", &words))
        });
        suites.push(Suite {
            name: "files".to_owned(),
            cases: cases.collect(),
            failures: 0,
            errors: report.unreadable.len(),
            skipped: 0,
        });
    }
    let body: String = suites.iter().map(Suite::to_xml).collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"awscost check\" tests=\"{}\" failures=\"{}\" \
         errors=\"{}\" skipped=\"{}\">\n{body}</testsuites>\n",
        sum(|suite| suite.cases.len()),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
        sum(|suite| suite.skipped),
    )
}

struct Suite {
    name: String,
    cases: Vec<String>,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Suite {
    fn of(subject: &CheckedSubject, strict: bool) -> Self {
        let weight = |finding: &ReportedFinding| match finding.weight() {
            Severity::Advice if strict => Severity::Error,
            weight => weight,
        };
        let count = |wanted| subject.findings.iter().filter(|finding| weight(finding) == wanted).count();
        let cases = subject.findings.iter().map(|finding| {
            let words =
                format!("{} ({}:{} {})", finding.whole_message(), subject.file, finding.line, finding.field);
            let inner = match weight(finding) {
                Severity::Fine => String::new(),
                Severity::Waiting | Severity::Advice => {
                    format!("<system-out>{}: {}</system-out>", finding.reason, escape_xml(&words))
                }
                Severity::Blocked => format!("<skipped message=\"{}\"/>", escape_xml(&finding.message)),
                Severity::Untold => outcome_element("error", finding.reason.as_str(), &words),
                Severity::Error => outcome_element("failure", finding.reason.as_str(), &words),
            };
            let name = match finding.refused_field() {
                Some(field) => format!("{}: {field}", finding.condition),
                None => finding.condition.to_string(),
            };
            case_element(&subject.name, &name, &inner)
        });
        Self {
            name: subject.name.clone(),
            cases: cases.collect(),
            failures: count(Severity::Error),
            errors: count(Severity::Untold),
            skipped: count(Severity::Blocked),
        }
    }

    fn to_xml(&self) -> String {
        format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n{}  </testsuite>\n",
            escape_xml(&self.name),
            self.cases.len(),
            self.failures,
            self.errors,
            self.skipped,
            self.cases.concat()
        )
    }
}

fn case_element(class: &str, name: &str, inner: &str) -> String {
    let (class, name) = (escape_xml(class), escape_xml(name));
    if inner.is_empty() {
        return format!("    <testcase classname=\"{class}\" name=\"{name}\"/>\n");
    }
    format!("    <testcase classname=\"{class}\" name=\"{name}\">{inner}</testcase>\n")
}

/// Some readers show the attribute, some the text (GitLab): both have the words.
fn outcome_element(element: &str, kind: &str, words: &str) -> String {
    let words = escape_xml(words);
    format!("<{element} type=\"{kind}\" message=\"{words}\">{words}</{element}>")
}

/// Text as XML takes it; what XML 1.0 has no form for is replaced.
fn escape_xml(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\n' | '\r' | '\t' => format!("&#{};", char as u32),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => "\u{fffd}".to_owned(),
            char => char.to_string(),
        })
        .collect()
}
