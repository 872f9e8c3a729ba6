//! The verdicts of `admission_cases.rs` without a cluster: the structural schema and the CEL rules of the definitions.

use std::collections::BTreeMap;

use awscost::api::crd;
use kube::core::cel::Validator;
use regex::Regex;
use serde_json::Value;

use super::admission_cases::{Case, Verdict, accounts, warehouses};

/// The schema of each kind, as the API server gets it.
fn schemas() -> BTreeMap<String, Value> {
    crd::definitions()
        .into_iter()
        .map(|definition| {
            let schema = definition.spec.versions[0].schema.clone().expect("a schema").open_api_v3_schema;
            (definition.spec.names.kind, serde_json::to_value(schema).expect("JSON"))
        })
        .collect()
}

/// Everything the definition has against an object, each complaint with its path.
pub fn complaints(schema: &Value, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut complaints = Vec::new();
    for part in ["spec", "status"] {
        if let Some(value) = object.get(part) {
            structure(part, &schema["properties"][part], value, &mut complaints);
        }
    }
    // The API server asks the rules only of what has the right shape.
    if complaints.is_empty()
        && let Err(errors) = Validator::new().validate(schema, object, old)
    {
        complaints.extend(errors.into_iter().map(|error| error.to_string()));
    }
    complaints
}

/// The keywords our definitions use, with OpenAPI's meaning.
fn structure(path: &str, schema: &Value, value: &Value, complaints: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    let mut complain = |what: String| complaints.push(format!("{path}: {what}"));
    let int_or_string = schema["x-kubernetes-int-or-string"] == true;
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        _ => !int_or_string || value.is_string() || value.is_i64(),
    };
    if !fits {
        return complain(format!("must be of type {}", schema["type"]));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        complain("unsupported value".to_owned());
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        if schema["maxLength"].as_u64().is_some_and(|max| length > max) {
            complain(format!("may not be more than {} bytes", schema["maxLength"]));
        }
        if schema["minLength"].as_u64().is_some_and(|min| length < min) {
            complain(format!("should be at least {} chars long", schema["minLength"]));
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !Regex::new(pattern).expect("a pattern").is_match(text)
        {
            complain(format!("should match {pattern}"));
        }
    }
    if let Some(number) = value.as_f64()
        && (schema["minimum"].as_f64().is_some_and(|min| number < min)
            || schema["maximum"].as_f64().is_some_and(|max| number > max))
    {
        complain(format!("must lie between {} and {}", schema["minimum"], schema["maximum"]));
    }
    if let Some(items) = value.as_array() {
        if schema["maxItems"].as_u64().is_some_and(|max| items.len() as u64 > max) {
            complain(format!("must have at most {} items", schema["maxItems"]));
        }
        for (index, item) in items.iter().enumerate() {
            structure(&format!("{path}[{index}]"), &schema["items"], item, complaints);
        }
    } else if let Some(members) = value.as_object() {
        if schema["maxProperties"].as_u64().is_some_and(|max| members.len() as u64 > max) {
            complain(format!("must have at most {} items", schema["maxProperties"]));
        }
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if members.get(required).is_none_or(Value::is_null) {
                complain(format!("{required} is required"));
            }
        }
        for (name, member) in members {
            let of_member = match schema["properties"].get(name) {
                Some(property) => property,
                None => &schema["additionalProperties"],
            };
            structure(&format!("{path}.{name}"), of_member, member, complaints);
        }
    }
}

/// What differs from the verdict, if anything.
fn disagreement(case: &Case, complaints: &[String]) -> Option<String> {
    let all = complaints.join("; ");
    match case.verdict {
        Verdict::Accept if complaints.is_empty() => None,
        Verdict::Refuse(part) if all.contains(part) => None,
        verdict => Some(format!("{}\n  wanted {verdict:?}, got {all:?}", case.name)),
    }
}

fn judge(cases: &[Case], least: usize) {
    let schemas = schemas();
    assert!(cases.len() >= least, "{} cases are too few", cases.len());
    for refused in [false, true] {
        let count = cases.iter().filter(|case| (case.verdict != Verdict::Accept) == refused).count();
        assert!(count * 5 >= least, "accepted and refused cases are to be balanced, not {count}");
    }
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let kind = case.sent["kind"].as_str().expect("a kind");
            disagreement(case, &complaints(&schemas[kind], &case.sent, case.stored.as_ref()))
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
