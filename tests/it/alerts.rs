//! Reasons, alert rules, their cases, their runbooks and the pages on them say the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use awscost::{
    aws::Code,
    model::{
        Alert,
        ConditionStatus::{self, False},
        ConditionType, Guide, Reason,
    },
    telemetry::metrics::Metrics,
};
use regex::Regex;
use serde_json::Value;

use crate::fields;

const RULES: &str = "deploy/alerts/awscost.rules.yaml";
const RUNBOOKS: &str = "https://github.com/awscost/awscost/blob/main/docs/runbooks";

fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| format!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).expect(path)
}

/// Names of the files of a folder, without the extension.
fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .expect(folder)
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(extension).map(str::to_owned))
        .collect()
}

#[derive(Debug)]
struct Rule {
    alert: Alert,
    expr: String,
    selectors: Vec<Selector>,
    severity: String,
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let file = yaml(RULES);
    let groups = file["groups"].as_array().expect("groups");
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
        .map(|rule| {
            let name = rule["alert"].as_str().expect("a name");
            let expr = rule["expr"].as_str().expect("an expression");
            let annotations = rule["annotations"].as_object().expect("annotations");
            let said =
                |(key, value): (&String, &Value)| (key.clone(), value.as_str().expect("text").to_owned());
            Rule {
                alert: Alert::from_name(name)
                    .ok_or(name)
                    .expect("a name that crates/core/src/model/alert.rs has"),
                expr: expr.to_owned(),
                selectors: selectors(expr),
                severity: rule["labels"]["severity"].as_str().expect("a severity").to_owned(),
                annotations: annotations.iter().map(said).collect(),
            }
        })
        .collect()
}

/// One selector of a rule: the metric, and a test for each label it names.
#[derive(Debug)]
struct Selector {
    metric: String,
    matchers: Vec<(String, bool, Regex)>,
}

fn selectors(expr: &str) -> Vec<Selector> {
    let selector = Regex::new(r"(awscost_\w+)(?:\{([^}]*)\})?").expect("a pattern");
    let matcher = Regex::new(r#"(\w+)\s*(=~|!~|=|!=)\s*"([^"]*)""#).expect("a pattern");
    selector
        .captures_iter(expr)
        .map(|found| {
            let inside = found.get(2).map_or("", |labels| labels.as_str());
            let matchers = matcher
                .captures_iter(inside)
                .map(|part| {
                    let wanted = match &part[2] {
                        "=" | "!=" => regex::escape(&part[3]),
                        _ => part[3].to_owned(),
                    };
                    let pattern = Regex::new(&format!("^(?:{wanted})$")).expect("a pattern");
                    (part[1].to_owned(), !part[2].starts_with('!'), pattern)
                })
                .collect();
            Selector { metric: found[1].to_owned(), matchers }
        })
        .collect()
}

impl Selector {
    fn takes(&self, metric: &str, labels: &[(&str, &str)]) -> bool {
        let fits = |(name, wanted, pattern): &(String, bool, Regex)| {
            labels.iter().any(|(label, value)| label == name && pattern.is_match(value) == *wanted)
        };
        self.metric == metric && self.matchers.iter().all(fits)
    }
}

/// The alerts whose rules select the series of a condition as the operator shows it.
fn selected(
    rules: &[Rule],
    type_: ConditionType,
    status: ConditionStatus,
    reason: Reason,
) -> BTreeSet<Alert> {
    let labels = |type_: ConditionType| {
        [("condition", type_.as_str()), ("status", status.as_str()), ("reason", reason.as_str())]
    };
    // An account's WarehouseReady is the warehouse's Ready, unless there is no warehouse.
    let copied = type_ == ConditionType::WarehouseReady && reason != Reason::WarehouseNotFound;
    let own = labels(type_);
    let of_warehouse = labels(ConditionType::Ready);
    rules
        .iter()
        .filter(|rule| {
            rule.selectors.iter().any(|selector| {
                selector.takes("awscost_account_status_condition", &own)
                    || (copied && selector.takes("awscost_warehouse_status_condition", &of_warehouse))
            })
        })
        .map(|rule| rule.alert)
        .collect()
}

#[test]
fn every_alert_has_a_rule() {
    let with_rules: BTreeSet<Alert> = rules().iter().map(|rule| rule.alert).collect();
    assert_eq!(with_rules.into_iter().collect::<Vec<_>>(), Alert::ALL);
}

#[test]
fn a_reason_leads_to_the_alert_that_its_guide_names_and_to_no_other() {
    let rules = rules();
    let mut series: Vec<(ConditionType, ConditionStatus, Reason)> = Vec::new();
    for reason in Reason::ALL {
        let stands = Guide::to(*reason).stands;
        series.extend(stands.iter().map(|(type_, status)| (*type_, *status, *reason)));
        // Ready repeats what a layer says, and DataCurrent what ended a load.
        if stands.iter().any(|(_, status)| *status == False) {
            series.push((ConditionType::Ready, False, *reason));
            series.push((ConditionType::DataCurrent, False, *reason));
        }
    }
    for (type_, status, reason) in series {
        let named: BTreeSet<Alert> = Alert::of(type_, status, reason).into_iter().collect();
        let found = selected(&rules, type_, status, reason);
        assert_eq!(found, named, "{type_} {} {reason}: the rules' alerts, and the guide's", status.as_str());
    }
}

#[test]
fn rules_use_metrics_and_labels_that_are_exported() {
    let metrics = Metrics::new("1").expect("valid metrics");
    let labels: BTreeMap<&str, &[&str]> =
        metrics.described().iter().map(|metric| (metric.name, metric.labels)).collect();
    for rule in rules() {
        for selector in &rule.selectors {
            let known = labels.get(selector.metric.as_str());
            assert!(known.is_some(), "{}: there is no metric {}", rule.alert, selector.metric);
            for (label, ..) in &selector.matchers {
                let there = known.is_some_and(|labels| labels.contains(&label.as_str()));
                assert!(there, "{}: {} has no label {label}", rule.alert, selector.metric);
            }
            let codes = selector.matchers.iter().filter(|(label, ..)| label == "code");
            for (_, _, pattern) in codes {
                let names = pattern.as_str().trim_start_matches("^(?:").trim_end_matches(")$").split('|');
                for name in names {
                    let known = Code::ALL.iter().any(|code| code.as_str() == name);
                    assert!(known, "{}: no call ends with the code {name}", rule.alert);
                }
            }
        }
    }
}

#[test]
fn a_rule_says_who_is_concerned_and_what_to_do() {
    for rule in rules() {
        let alert = rule.alert;
        let said = |key: &str| rule.annotations.get(key).map(String::as_str).unwrap_or_default();
        assert!(["critical", "warning", "info"].contains(&rule.severity.as_str()), "{alert}");
        assert_eq!(said("runbook_url"), format!("{RUNBOOKS}/{alert}.md"));
        let of_objects =
            rule.expr.contains("by (namespace, name") && alert != Alert::AwscostOperatorIdentityBroken;
        for label in ["{{ $labels.namespace }}", "{{ $labels.name }}"] {
            for key in ["summary", "description"] {
                assert_eq!(said(key).contains(label), of_objects, "{alert}: {key} and {label}");
            }
        }
        let of_accounts = rule.expr.contains("awscost_account_status_condition");
        let awake = rule.expr.contains("unless on (namespace, name) awscost_account_suspended == 1");
        assert_eq!(of_accounts, awake, "{alert}: suspended accounts alert nobody");
    }
}

/// What a case expects: whether this alert fires, at each time.
fn expectations(case: &Value, alert: Alert) -> Vec<bool> {
    let tests = case["promql_expr_test"].as_array().expect("expectations");
    tests
        .iter()
        .map(|test| {
            let samples = test["exp_samples"].as_array().map(Vec::as_slice).unwrap_or_default();
            let of_alert = format!("alertname=\"{alert}\"");
            samples.iter().any(|sample| sample["labels"].as_str().is_some_and(|it| it.contains(&of_alert)))
        })
        .collect()
}

#[test]
fn every_alert_has_a_case_in_which_it_is_quiet_then_fires_then_clears() {
    let cases: Vec<Value> = names("deploy/alerts/tests", ".yaml")
        .iter()
        .flat_map(|file| {
            yaml(&format!("deploy/alerts/tests/{file}.yaml"))["tests"].as_array().expect("tests").clone()
        })
        .collect();
    for rule in rules() {
        let alert = rule.alert;
        let at_once = alert == Alert::AwscostTotalsDiffer;
        let whole = cases.iter().map(|case| expectations(case, alert)).any(|fires| {
            let (first, last) = (fires.first().copied(), fires.last().copied());
            fires.contains(&true) && first == Some(at_once) && last == Some(false)
        });
        assert!(whole, "{alert} has no case with all three in deploy/alerts/tests");
        let suspended = cases
            .iter()
            .filter(|case| case["name"].as_str().is_some_and(|name| name.starts_with(alert.as_str())))
            .any(|case| {
                case["input_series"]
                    .to_string()
                    .contains(r#"awscost_account_suspended{namespace=\"finops\", name=\"asleep\""#)
            });
        assert_eq!(
            suspended,
            rule.expr.contains("awscost_account_status_condition"),
            "{alert}: a case has a suspended account"
        );
    }
}

#[test]
fn every_alert_has_a_runbook_in_five_parts() {
    let expected: BTreeSet<String> = Alert::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names("docs/runbooks", ".md"), expected, "runbooks, and alerts");
    for alert in Alert::ALL {
        let page = text(&format!("docs/runbooks/{alert}.md"));
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# {alert}");
        let parts =
            ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation", "## How to tell it is fixed"];
        assert_eq!(headings, [&[title.as_str()], parts.as_slice()].concat(), "{alert}");
        for part in ["## Diagnosis", "## How to tell it is fixed"] {
            assert!(!commands(&page, part).is_empty(), "{alert}: nothing to copy under {part}");
        }
    }
}

/// The code blocks of a part of a page.
fn commands<'a>(page: &'a str, part: &str) -> Vec<&'a str> {
    let text = page.split(part).nth(1).unwrap_or_default();
    let text = text.split("\n## ").next().unwrap_or_default();
    text.split("```\n").skip(1).step_by(2).filter(|block| !block.trim().is_empty()).collect()
}

/// Metrics by name, and conditions that `kubectl wait` waits for.
#[test]
fn what_tells_that_it_is_fixed_asks_for_what_there_is() {
    let metrics = Metrics::new("1").expect("valid metrics");
    let known: BTreeSet<&str> = metrics.described().iter().map(|metric| metric.name).collect();
    let conditions: Vec<&str> = ConditionType::ALL.iter().copied().map(ConditionType::as_str).collect();
    let waited = Regex::new(r"--for=condition=(\w+)").expect("a pattern");
    for alert in Alert::ALL {
        let page = text(&format!("docs/runbooks/{alert}.md"));
        for block in commands(&page, "## How to tell it is fixed") {
            let queried = selectors(block);
            let asks = ["kubectl ", "awscost "].iter().any(|command| block.starts_with(command));
            assert!(asks == queried.is_empty(), "{alert}: neither a command nor a query:\n{block}");
            for selector in queried {
                assert!(known.contains(selector.metric.as_str()), "{alert}: no metric {}", selector.metric);
            }
            for found in waited.captures_iter(block) {
                assert!(conditions.contains(&&found[1]), "{alert}: no condition {}", &found[1]);
            }
        }
    }
}

#[test]
fn the_page_on_alerts_lists_them_all() {
    let page = text("docs/alerts.md");
    for rule in rules() {
        let row = page.lines().find(|line| line.starts_with(&format!("| [{}]", rule.alert)));
        assert!(row.is_some_and(|row| row.contains(&rule.severity)), "{}: {row:?}", rule.alert);
    }
}

#[test]
fn runbooks_and_the_guide_name_fields_that_exist() {
    let mut wrong = Vec::new();
    for alert in Alert::ALL {
        let page = text(&format!("docs/runbooks/{alert}.md"));
        wrong.extend(fields::absent(&page).into_iter().map(|path| format!("{alert}: {path}")));
    }
    for reason in Reason::ALL {
        let guide = Guide::to(*reason);
        let said = [guide.meaning, guide.recognised, guide.remedy].join(" ");
        wrong.extend(fields::absent(&said).into_iter().map(|path| format!("{reason}: {path}")));
    }
    for rule in rules() {
        let said = rule.annotations.values().cloned().collect::<Vec<_>>().join(" ");
        wrong.extend(fields::absent(&said).into_iter().map(|path| format!("{}: {path}", rule.alert)));
    }
    assert!(wrong.is_empty(), "neither kind has these fields:\n{}", wrong.join("\n"));
}

#[test]
fn the_chart_carries_the_same_rules() {
    let copy = text("charts/awscost-operator/files/awscost.rules.yaml");
    assert!(copy == text(RULES), "the chart's copy has drifted: make generate");
}
