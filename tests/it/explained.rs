//! What `kubectl explain` says of each field: the source's own words, with form, choices and default where a field has them.

use std::collections::BTreeMap;

use awscost::api::crd;
use regex::Regex;
use serde_json::Value;

/// The sources that the definitions are made from.
const SOURCES: [&str; 4] = [
    include_str!("../../src/api/aws_cost_account.rs"),
    include_str!("../../src/api/cost_warehouse.rs"),
    include_str!("../../src/api/status.rs"),
    include_str!("../../src/api/conditions.rs"),
];

/// A field as the source has it.
struct Field {
    doc: String,
    type_: String,
}

/// The fields of every struct, by its name and theirs in the API.
fn structs() -> BTreeMap<String, BTreeMap<String, Field>> {
    let begins = Regex::new(r"^pub struct (\w+) \{$").expect("a pattern");
    let field = Regex::new(r"^    pub (\w+): (.+),$").expect("a pattern");
    let renamed = Regex::new(r#"^    #\[serde\(rename = "(\w+)""#).expect("a pattern");
    let mut found: BTreeMap<String, BTreeMap<String, Field>> = BTreeMap::new();
    let (mut inside, mut doc, mut name) = (None, Vec::new(), None);
    for line in SOURCES.iter().flat_map(|source| source.lines()) {
        if let Some(begins) = begins.captures(line) {
            inside = Some(begins[1].to_owned());
            doc.clear();
        } else if line == "}" {
            inside = None;
        } else if let Some(text) = line.trim().strip_prefix("///") {
            doc.push(text.trim().to_owned());
        } else if let Some(renamed) = renamed.captures(line) {
            name = Some(renamed[1].to_owned());
        } else if let (Some(of), Some(field)) = (&inside, field.captures(line)) {
            let key = name.take().unwrap_or_else(|| camel(&field[1]));
            let field = Field { doc: doc.join(" "), type_: field[2].to_owned() };
            found.entry(of.clone()).or_default().insert(key, field);
            doc.clear();
        }
    }
    found
}

fn camel(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| format!("{name}{}{}", word[..1].to_uppercase(), &word[1..]))
}

/// Calls `visit` with the path, the source's field, the schema and whether it may be left out, for every field below a struct.
fn walk(
    structs: &BTreeMap<String, BTreeMap<String, Field>>,
    (path, type_): (&str, &str),
    schema: &Value,
    visit: &mut dyn FnMut(&str, &Field, &Value, bool),
) {
    let Some(fields) = structs.get(type_) else { return };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        assert!(fields.contains_key(name), "{path} stands in no source");
        let field = &fields[name];
        visit(&path, field, property, !required.contains(&name.as_str()));
        let below = field.type_.rsplit('<').next().unwrap_or_default().trim_end_matches('>');
        let schema = if property["items"].is_object() { &property["items"] } else { property };
        walk(structs, (&path, below), schema, visit);
    }
}

fn every_field(mut visit: impl FnMut(&str, &Field, &Value, bool)) -> usize {
    let structs = structs();
    let mut seen = 0;
    for definition in crd::all_definitions() {
        let kind = definition.spec.names.kind;
        let schema = definition.spec.versions[0].schema.clone().and_then(|schema| schema.open_api_v3_schema);
        let schema = serde_json::to_value(schema).expect("JSON");
        for root in ["Spec", "Status"] {
            let schema = &schema["properties"][root.to_lowercase()];
            let root = (format!("{kind}.{}", root.to_lowercase()), format!("{kind}{root}"));
            walk(&structs, (&root.0, &root.1), schema, &mut |path, field, schema, optional| {
                seen += 1;
                visit(path, field, schema, optional);
            });
        }
    }
    seen
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_field_says_what_its_source_says() {
    let mut lost = Vec::new();
    let seen = every_field(|path, field, schema, _| {
        let told = words(schema["description"].as_str().unwrap_or_default());
        if told != words(&field.doc) {
            lost.push(format!("{path}: kubectl explain says {told:?}, the source {:?}", words(&field.doc)));
        }
    });
    assert!(lost.is_empty(), "give these fields a schema of their own:\n{}", lost.join("\n"));
    assert!(seen > 100, "only {seen} fields are found");
}

/// What a text of a spec's field lacks.
fn missing(schema: &Value, optional: bool) -> Vec<String> {
    let text = words(schema["description"].as_str().unwrap_or_default());
    let mut wanted: Vec<String> = Vec::new();
    if optional {
        wanted.push("Default: ".to_owned());
    }
    let rule = schema["x-kubernetes-validations"][0]["rule"].as_str().unwrap_or_default();
    let listed = rule.strip_prefix("self in [").map(|list| list.trim_end_matches(']').replace('"', ""));
    let choices: Vec<String> = match (schema["enum"].as_array(), listed) {
        (Some(values), _) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        (None, Some(list)) => list.split(", ").map(str::to_owned).collect(),
        (None, None) => Vec::new(),
    };
    if !choices.is_empty() {
        wanted.push("One of: ".to_owned());
    } else if ["string", "integer", "boolean"].iter().any(|type_| schema["type"] == *type_) {
        wanted.push("Form: ".to_owned());
    }
    wanted.extend(choices);
    for most in ["maxItems", "maxProperties"] {
        wanted.extend(schema[most].as_u64().map(|most| format!("Form: at most {most}")));
    }
    if let (Some(least), Some(most)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        wanted.push(format!("Form: {least} to {most}"));
    }
    wanted.retain(|wanted| !text.contains(wanted.as_str()));
    wanted
}

#[test]
fn every_field_of_a_spec_has_its_form_its_choices_and_its_default() {
    let mut lacking = Vec::new();
    every_field(|path, _, schema, optional| {
        let missing = if path.contains(".spec") { missing(schema, optional) } else { Vec::new() };
        if !missing.is_empty() {
            lacking.push(format!("{path} does not say {missing:?}"));
        }
    });
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn what_a_text_lacks_is_found() {
    let lacks = |schema: Value, optional| missing(&schema, optional);
    let plain = serde_json::json!({"type": "string", "description": "A name."});
    assert_eq!(lacks(plain.clone(), true), ["Default: ", "Form: "]);
    assert_eq!(lacks(plain, false), ["Form: "]);
    let choice =
        serde_json::json!({"type": "string", "enum": ["A", "B"], "description": "One of: A. Default: A."});
    assert_eq!(lacks(choice, true), ["B"]);
    let list = serde_json::json!({"type": "array", "maxItems": 16, "description": "Form: at most 8. Default: none."});
    assert_eq!(lacks(list, true), ["Form: at most 16"]);
}

#[test]
fn the_choices_of_a_status_are_told() {
    let mut silent = Vec::new();
    every_field(|path, _, schema, _| {
        let text = schema["description"].as_str().unwrap_or_default();
        let choices = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        silent.extend(
            choices.filter(|choice| !text.contains(choice)).map(|choice| format!("{path}: {choice}")),
        );
    });
    assert_eq!(silent, Vec::<String>::new());
}
