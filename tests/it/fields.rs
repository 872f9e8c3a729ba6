//! Field paths that a text names, held against the definitions of the two kinds.

use awscost::api::{AwsCostAccount, CostWarehouse};
use kube::CustomResourceExt;
use regex::Regex;
use serde_json::Value;

/// The paths in a text, such as `spec.report.name` or `.status.periods[*]`, that neither kind has.
pub fn absent(text: &str) -> Vec<String> {
    let schemas = [schema(&AwsCostAccount::crd()), schema(&CostWarehouse::crd())];
    paths(text).into_iter().filter(|path| !schemas.iter().any(|schema| has(schema, path))).collect()
}

fn schema<T: serde::Serialize>(definition: &T) -> Value {
    let definition = serde_json::to_value(definition).expect("a definition");
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Every `spec.…` and `status.…` of a text, without indexes. What a range of jsonpath goes over stands in front of its
/// fields: `{range .status.periods[*]}{.period}`.
fn paths(text: &str) -> Vec<String> {
    let whole =
        Regex::new(r"(?:^|[^\w./$-])\.?((?:spec|status)(?:\.[a-zA-Z]+|\[[^\]]*\])+)").expect("a pattern");
    let range = Regex::new(r"\{range \.([^}]*)\}(.*?)\{end\}").expect("a pattern");
    let field = Regex::new(r"\{\.([a-zA-Z.]+)\}").expect("a pattern");
    let index = Regex::new(r"\[[^\]]*\]").expect("a pattern");
    let plain = |path: &str| index.replace_all(path, "").into_owned();
    let mut found: Vec<String> = whole.captures_iter(text).map(|path| plain(&path[1])).collect();
    for each in range.captures_iter(text) {
        let over = plain(&each[1]);
        found.extend(field.captures_iter(&each[2]).map(|inner| format!("{over}.{}", &inner[1])));
    }
    found
}

fn has(schema: &Value, path: &str) -> bool {
    let mut at = schema;
    for name in path.split('.') {
        let object = if at["type"] == "array" { &at["items"] } else { at };
        let Some(next) = object["properties"].get(name) else {
            // A map takes any key.
            return object.get("additionalProperties").is_some();
        };
        at = next;
    }
    true
}

#[test]
fn paths_are_found_in_prose_and_in_commands() {
    let text = "Set `spec.report.bucket.name`, see status.periods[].failure.class. \
                -o jsonpath='{range .status.periods[*]}{.period} {.failure.reason}{end}' {.spec.report}";
    let expected = [
        "spec.report.bucket.name",
        "status.periods.failure.class",
        "status.periods",
        "spec.report",
        "status.periods.period",
        "status.periods.failure.reason",
    ];
    assert_eq!(paths(text), expected);
    assert_eq!(absent(text), Vec::<String>::new());
    assert_eq!(
        absent("spec.report.buckets.name and .status.nothing"),
        ["spec.report.buckets.name", "status.nothing"]
    );
}
