//! Whether the definitions that an API server serves are those of this version. Pure: it compares what OpenAPI tells.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{GROUP, crd};

/// The version of the API that this binary speaks.
pub(super) const VERSION: &str = "v1alpha1";

/// Where an API server describes our kinds; everybody who is authenticated may read it.
pub(super) fn openapi_path() -> String {
    format!("/openapi/v3/apis/{GROUP}/{VERSION}")
}

/// Our kinds, each with the schema of this version.
pub(super) fn own_definitions() -> Vec<(String, Value)> {
    crd::all_definitions()
        .into_iter()
        .map(|definition| {
            let schema = definition.spec.versions.into_iter().find(|version| version.name == VERSION);
            let schema = schema.and_then(|version| version.schema?.open_api_v3_schema);
            (definition.spec.names.kind, serde_json::to_value(schema).expect("a schema is JSON"))
        })
        .collect()
}

/// The schema of a kind in an API server's description; `None` if it serves no such kind.
pub(super) fn served_schema(description: &Value, kind: &str) -> Option<Value> {
    let schemas = description.pointer("/components/schemas")?.as_object()?;
    let ours = |schema: &&Value| {
        let kinds = schema["x-kubernetes-group-version-kind"].as_array();
        kinds.is_some_and(|kinds| {
            kinds.iter().any(|one| one["group"] == GROUP && one["version"] == VERSION && one["kind"] == kind)
        })
    };
    schemas.values().find(ours).cloned()
}

/// The fields in which two schemas differ: one of them lacks the field, or has other choices or rules for it.
pub(super) fn schema_differences(ours: &Value, served: &Value) -> Vec<String> {
    let (ours, served) = (schema_fields(ours), schema_fields(served));
    let names: std::collections::BTreeSet<&String> = ours.keys().chain(served.keys()).collect();
    names.into_iter().filter(|name| ours.get(*name) != served.get(*name)).cloned().collect()
}

/// What of a field makes an object valid or not.
#[derive(Debug, PartialEq)]
struct SchemaField {
    type_: Value,
    choices: Value,
    limits: [Value; 4],
    rules: Vec<String>,
}

fn schema_fields(schema: &Value) -> BTreeMap<String, SchemaField> {
    let mut found = BTreeMap::new();
    for root in ["spec", "status"] {
        collect_fields(root, &schema["properties"][root], &mut found);
    }
    found
}

fn collect_fields(path: &str, schema: &Value, found: &mut BTreeMap<String, SchemaField>) {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    let field = SchemaField {
        type_: schema["type"].clone(),
        choices: schema["enum"].clone(),
        limits: ["pattern", "maxLength", "maxItems", "required"].map(|limit| schema[limit].clone()),
        rules: rules.filter_map(|rule| rule["rule"].as_str().map(str::to_owned)).collect(),
    };
    found.insert(path.to_owned(), field);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        collect_fields(&format!("{path}.{name}"), property, found);
    }
    for part in ["items", "additionalProperties"] {
        if schema[part].is_object() {
            collect_fields(&format!("{path}[]"), &schema[part], found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn this_version_is_like_itself() {
        for (kind, schema) in own_definitions() {
            assert!(schema_fields(&schema).len() > 10, "{kind} has fields");
            assert_eq!(schema_differences(&schema, &schema), Vec::<String>::new(), "{kind}");
        }
    }

    #[test]
    fn what_an_older_or_newer_version_has_otherwise_is_named() {
        let (_, ours) =
            own_definitions().into_iter().find(|(kind, _)| kind == "AwsCostAccount").expect("our kind");
        let spec = "/properties/spec/properties";
        let change = |pointer: &str, name: &str, value: Option<Value>| {
            let mut other = ours.clone();
            let object =
                other.pointer_mut(pointer).and_then(Value::as_object_mut).expect("a part of the schema");
            match value {
                Some(value) => object.insert(name.to_owned(), value),
                None => object.remove(name),
            };
            schema_differences(&ours, &other)
        };
        assert_eq!(change(spec, "suspend", None), ["spec.suspend"], "a field it lacks");
        assert_eq!(change(spec, "later", Some(json!({"type": "string"}))), ["spec.later"], "one we lack");
        let choices = format!("{spec}/deletionPolicy");
        assert_eq!(change(&choices, "enum", Some(json!(["Retain"]))), ["spec.deletionPolicy"], "choices");
        let access = format!("{spec}/access");
        assert_eq!(change(&access, "x-kubernetes-validations", None), ["spec.access"], "a rule");
        assert_eq!(change(&access, "description", Some(json!("Other words."))), Vec::<String>::new());
    }

    #[test]
    fn a_kind_is_found_by_group_version_and_kind() {
        let schema = |version: &str| json!({"x-kubernetes-group-version-kind": [{"group": GROUP, "version": version, "kind": "CostWarehouse"}]});
        let described = |version: &str| json!({"components": {"schemas": {"some.name": schema(version)}}});
        assert!(served_schema(&described(VERSION), "CostWarehouse").is_some());
        assert!(served_schema(&described("v1"), "CostWarehouse").is_none());
        assert!(served_schema(&described(VERSION), "AwsCostAccount").is_none());
    }
}
