//! The operator's log as a bundle has it: lines of our own JSON form, and of each only fields on a list.

use serde_json::{Map, Value};

/// Whose lines.
const TARGET: &str = "awscost";
/// What tells of a line itself.
const LINE: [&str; 3] = ["timestamp", "level", "target"];
/// What our lines say. `text` and `request_id`, AWS's own words, are not among them.
const FIELDS: [&str; 24] = [
    "account",
    "action",
    "attempt",
    "code",
    "controller",
    "error",
    "job",
    "kind",
    "left",
    "message",
    "name",
    "namespace",
    "object",
    "operation",
    "period",
    "reason",
    "refusal",
    "rows",
    "secret",
    "table_version",
    "version",
    "warehouse",
    "what",
    "wire_code",
];

/// The lines of a log that may go on.
pub(super) fn allowed_lines(log: &str) -> Vec<Value> {
    log.lines().filter_map(allowed_line).collect()
}

fn allowed_line(line: &str) -> Option<Value> {
    let Value::Object(all) = serde_json::from_str(line).ok()? else { return None };
    let target = all.get("target")?.as_str()?;
    if target != TARGET && !target.starts_with("awscost::") {
        return None;
    }
    let mut kept: Map<String, Value> = plain_fields(&all, &LINE);
    let fields = all.get("fields")?.as_object()?;
    kept.insert("fields".to_owned(), plain_fields(fields, &FIELDS).into());
    Some(kept.into())
}

/// The plain values of an object that are on a list.
fn plain_fields(object: &Map<String, Value>, list: &[&str]) -> Map<String, Value> {
    let is_plain = |value: &Value| !value.is_array() && !value.is_object();
    let kept =
        list.iter().filter_map(|name| object.get_key_value(*name)).filter(|(_, value)| is_plain(value));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_of_ours_keeps_what_is_on_the_list() {
        let log = json!({"timestamp": "2026-11-30T14:00:00Z", "level": "ERROR", "target": "awscost::controller::workqueue::workers",
            "fields": {"message": "a reconcile failed", "error": "403", "namespace": "finops", "text": "canary", "nested": {"a": 1}},
            "span": {"name": "canary"}, "spans": ["canary"], "threadName": "canary"});
        let expected = json!({"timestamp": "2026-11-30T14:00:00Z", "level": "ERROR", "target": "awscost::controller::workqueue::workers",
            "fields": {"message": "a reconcile failed", "error": "403", "namespace": "finops"}});
        assert_eq!(allowed_lines(&log.to_string()), [expected]);
    }

    #[test]
    fn whatever_is_no_line_of_ours_stays_out() {
        let others = json!({"target": "hyper::proto", "level": "TRACE", "fields": {"message": "canary"}});
        let alike = json!({"target": "awscostly", "level": "INFO", "fields": {"message": "canary"}});
        for line in [
            "thread 'main' panicked at canary",
            "[1, 2]",
            "\"canary\"",
            &others.to_string(),
            &alike.to_string(),
        ] {
            assert!(allowed_lines(line).is_empty(), "{line}");
        }
    }
}
