//! What the API server would say of an object, without one: the structural schema and the CEL rules of the definitions.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use kube::core::cel::{CompiledSchema, Validator, compile_schema};
use serde_json::Value;

use super::crd;
use crate::model::form::matches;

/// What the API server gets of each of our kinds. Compiled once: a fleet has thousands of objects.
static DEFINITIONS: LazyLock<BTreeMap<String, Definition>> = LazyLock::new(|| {
    crd::all_definitions()
        .into_iter()
        .map(|definition| {
            let served = definition.spec.versions.into_iter().next().and_then(|version| version.schema);
            let schema = served.and_then(|schema| schema.open_api_v3_schema);
            let schema = serde_json::to_value(schema).expect("a schema of texts, numbers and maps");
            (definition.spec.names.kind, Definition { rules: compile_schema(&schema), schema })
        })
        .collect()
});

/// A kind's structural schema, and the CEL rules in it.
struct Definition {
    schema: Value,
    rules: CompiledSchema,
}

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The field's path, such as `spec.report.bucket.region`; empty where it is the object whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.field, self.problem)
        }
    }
}

/// True for a kind that is ours.
pub fn is_ours(kind: &str) -> bool {
    DEFINITIONS.contains_key(kind)
}

/// Everything the definition of `kind` has against an object, be it new or the successor of `old`.
///
/// Fields that the definition does not know are no complaint here, as the API server drops them unless it is asked to be
/// strict: [`unknown_fields`] names them.
pub fn list_complaints(kind: &str, object: &Value, old: Option<&Value>) -> Vec<Complaint> {
    let Some(Definition { schema, rules }) = DEFINITIONS.get(kind) else {
        return vec![Complaint { field: "kind".to_owned(), problem: format!("{kind} is none of ours") }];
    };
    let mut complaints = Vec::new();
    if let None | Some(Value::Null) = object.get("spec") {
        complaints.push(Complaint { field: "spec".to_owned(), problem: "is required".to_owned() });
    }
    for part in ["spec", "status"] {
        if let Some(value) = object.get(part) {
            check_structure(part, &schema["properties"][part], value, &mut complaints);
        }
    }
    // The API server asks the rules only of what has the right shape.
    if complaints.is_empty()
        && let Err(errors) =
            Validator::new().validate_compiled(rules, &without_nulls(object), old.map(without_nulls).as_ref())
    {
        complaints.extend(
            errors
                .iter()
                .map(|error| Complaint { field: error.field_path.clone(), problem: error.message.clone() }),
        );
    }
    complaints
}

/// The object as the rules see it: what is null is not there.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name.clone(), without_nulls(member)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Every field of the object that its definition does not know, most often a slip of the pen.
pub fn unknown_fields(kind: &str, object: &Value) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let Some(Definition { schema, .. }) = DEFINITIONS.get(kind) else { return complaints };
    for (name, member) in object.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" | "metadata" => {}
            name => match schema["properties"].get(name) {
                Some(part) => note_unknown_fields(name, part, member, &mut complaints),
                None => complaints.push(unknown_field(name, &schema["properties"])),
            },
        }
    }
    complaints
}

fn note_unknown_fields(path: &str, schema: &Value, value: &Value, complaints: &mut Vec<Complaint>) {
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        note_unknown_fields(&format!("{path}[{index}]"), &schema["items"], item, complaints);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let below = format!("{path}.{name}");
        let free = &schema["additionalProperties"];
        match schema["properties"].get(name) {
            Some(property) => note_unknown_fields(&below, property, member, complaints),
            None if free.is_object() => note_unknown_fields(&below, free, member, complaints),
            None if schema["properties"].is_object() => {
                complaints.push(unknown_field(&below, &schema["properties"]));
            }
            None => {}
        }
    }
}

fn unknown_field(path: &str, known: &Value) -> Complaint {
    let known: Vec<&str> = known.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let problem = format!("there is no such field; here there are {}", known.join(", "));
    Complaint { field: path.to_owned(), problem }
}

/// The keywords our definitions use, with OpenAPI's meaning.
fn check_structure(path: &str, schema: &Value, value: &Value, complaints: &mut Vec<Complaint>) {
    let mut complain = |problem: String| complaints.push(Complaint { field: path.to_owned(), problem });
    if !has_type(schema, value) {
        return complain(format!("must be of type {}", schema["type"]));
    }
    // Null stands for nothing, but a closed list that does not have it refuses it.
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        complain(format!("unsupported value: it takes {}", allowed.join(", ")));
    }
    match value {
        Value::String(text) => text_fits(schema, text, &mut complain),
        Value::Number(number) => {
            let number = number.as_f64();
            let beyond = |limit: &str, over: fn(f64, f64) -> bool| {
                number.zip(schema[limit].as_f64()).is_some_and(|(number, limit)| over(number, limit))
            };
            if beyond("minimum", |number, limit| number < limit)
                || beyond("maximum", |number, limit| number > limit)
            {
                complain(format!("must lie between {} and {}", schema["minimum"], schema["maximum"]));
            }
        }
        Value::Array(items) => {
            if schema["maxItems"].as_u64().is_some_and(|max| items.len() as u64 > max) {
                complain(format!("must have at most {} items", schema["maxItems"]));
            }
            for (index, item) in items.iter().enumerate() {
                check_structure(&format!("{path}[{index}]"), &schema["items"], item, complaints);
            }
        }
        Value::Object(members) => {
            if schema["maxProperties"].as_u64().is_some_and(|max| members.len() as u64 > max) {
                complain(format!("must have at most {} items", schema["maxProperties"]));
            }
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for missing in required.filter(|name| members.get(*name).is_none_or(Value::is_null)) {
                complaints.push(Complaint {
                    field: format!("{path}.{missing}"),
                    problem: "is required".to_owned(),
                });
            }
            for (name, member) in members {
                let free = &schema["additionalProperties"];
                let of_member = schema["properties"].get(name).unwrap_or(free);
                check_structure(&format!("{path}.{name}"), of_member, member, complaints);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    if value.is_null() {
        return true;
    }
    match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        _ => {
            schema["x-kubernetes-int-or-string"] != true
                || value.is_string()
                || value.is_i64()
                || value.is_u64()
        }
    }
}

fn text_fits(schema: &Value, text: &str, complain: &mut dyn FnMut(String)) {
    let length = text.chars().count() as u64;
    if schema["maxLength"].as_u64().is_some_and(|max| length > max) {
        complain(format!("may not be more than {} bytes", schema["maxLength"]));
    }
    if schema["minLength"].as_u64().is_some_and(|min| length < min) {
        complain(format!("should be at least {} chars long", schema["minLength"]));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && !matches(pattern, text)
    {
        complain(format!("should match {pattern}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(complaints: Vec<Complaint>) -> Vec<String> {
        complaints.into_iter().map(|complaint| complaint.field).collect()
    }

    #[test]
    fn a_slip_in_an_arn_is_told_in_words_and_leads_to_no_other_complaint() {
        let account = |role: &str| {
            json!({
                "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": "a"},
                "spec": {
                    "accountType": "Member",
                    "access": {"roleArn": role, "externalIdSecretRef": {"name": "id"}}
                }
            })
        };
        let stored = account("arn:aws:iam::123456789012:role/awscost");
        for slip in ["arn:aws:iam:123456789012:role/awscost", "arn:aws:iam::12345678901:role/awscost"] {
            let said = list_complaints("AwsCostAccount", &account(slip), Some(&stored));
            let said: Vec<String> = said.iter().map(ToString::to_string).collect();
            assert!(
                said.len() == 1 && said[0].contains("such as arn:aws:iam::123456789012:role/awscost"),
                "{said:?}"
            );
            // The API server asks the rules as well, for which a slip is no other account.
            let definition = &DEFINITIONS["AwsCostAccount"];
            let errors = Validator::new().validate_compiled(&definition.rules, &account(slip), Some(&stored));
            let errors = errors.expect_err("the rule beside the pattern");
            assert_eq!(
                errors.iter().map(|error| error.field_path.as_str()).collect::<Vec<_>>(),
                ["spec.access.roleArn"]
            );
        }
    }

    #[test]
    fn null_stands_for_nothing_but_is_in_no_closed_list() {
        let account = |access: Value, ingestion: Value| {
            json!({
                "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": "a"},
                "spec": {
                    "accountType": "Standalone", "access": access, "ingestion": ingestion,
                    "report": {"name": "cur", "bucket": {"name": "acme", "region": "us-east-1"}}
                }
            })
        };
        let access = json!({
            "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "id"}, "stsRegion": null
        });
        let lake = json!({"warehouseRef": {"name": "lake"}, "interval": null});
        let said = |object: &Value| list_complaints("AwsCostAccount", object, None);
        assert_eq!(said(&account(access.clone(), lake.clone())), []);
        let without = said(&account(access.clone(), Value::Null));
        assert!(without.iter().any(|complaint| complaint.problem.contains("warehouseRef")), "{without:?}");
        let mut access = access;
        access["requireExternalId"] = Value::Null;
        assert_eq!(names(said(&account(access, lake))), ["spec.access.requireExternalId"]);
    }

    #[test]
    fn unknown_fields_are_named_wherever_they_are() {
        let object = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"anything": "goes"}, "data": {},
            "spec": {
                "acountId": "123456789012",
                "report": {"bucket": {"nmae": "acme"}},
                "ingestion": {"podLabels": {"any": "label"}, "tolerations": [{"key": "a"}, {"kye": "b"}]}
            }
        });
        let wanted =
            ["data", "spec.acountId", "spec.report.bucket.nmae", "spec.ingestion.tolerations[1].kye"];
        let mut found = names(unknown_fields("AwsCostAccount", &object));
        let mut wanted = wanted.map(str::to_owned).to_vec();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_object_without_a_spec_is_refused() {
        assert_eq!(
            names(list_complaints("CostWarehouse", &json!({"kind": "CostWarehouse"}), None)),
            ["spec"]
        );
        assert_eq!(names(list_complaints("Pod", &json!({"kind": "Pod"}), None)), ["kind"]);
    }
}
