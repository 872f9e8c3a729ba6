//! Stand-ins for what tells whose accounts they are: account ids, ARNs and bucket names, the same one wherever it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::{Captures, Regex};
use serde_json::Value;

use super::contents::{Bundle, Content};

/// An ARN; or a word of the characters that a bucket's name is made of, in which an account id may stand, too.
static NAMES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?<arn>arn:aws[a-z-]*:[^\s,;)\]}\x22']+)|(?<word>[A-Za-z0-9][A-Za-z0-9.-]*)")
        .expect("a pattern")
});
/// Where a bucket's name stands by its place: in a URL, in its ARN, and in the sentence about another destination.
static BUCKETS: LazyLock<Regex> = LazyLock::new(|| {
    let name = "([a-z0-9][a-z0-9.-]+[a-z0-9])";
    let pattern = format!("(?:s3://|:s3:::){name}|its bucket is {name}, not {name}|its bucket is {name}");
    Regex::new(&pattern).expect("a pattern")
});
static DIGITS: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9]+").expect("a pattern"));
/// How long an account id is.
const ACCOUNT_ID: usize = 12;

/// The stand-ins that were given.
#[derive(Default)]
pub(super) struct Masker {
    buckets: BTreeSet<String>,
    given: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Masker {
    /// Replaces every name in a bundle. Names of buckets are looked for in all of it first: one that a report's object names
    /// is replaced in an event's sentence, too.
    pub(super) fn mask_bundle(mut self, bundle: &mut Bundle) {
        for file in &bundle.files {
            match &file.content {
                Content::Json(value) => self.learn_names(value),
                Content::Lines(lines) => lines.iter().for_each(|line| self.learn_names(line)),
                Content::Text(text) => self.look_in(text),
            }
        }
        for file in &mut bundle.files {
            match &mut file.content {
                Content::Json(value) => self.mask_value(value),
                Content::Lines(lines) => lines.iter_mut().for_each(|line| self.mask_value(line)),
                Content::Text(text) => *text = self.mask_text(text),
            }
        }
        bundle.missing.iter_mut().for_each(|line| *line = self.mask_text(line));
    }

    fn learn_names(&mut self, value: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(name) = object.get("bucket").and_then(|bucket| bucket["name"].as_str()) {
                    self.buckets.insert(name.to_owned());
                }
                object.values().for_each(|value| self.learn_names(value));
            }
            Value::Array(all) => all.iter().for_each(|value| self.learn_names(value)),
            Value::String(text) => self.look_in(text),
            _ => {}
        }
    }

    fn look_in(&mut self, text: &str) {
        for found in BUCKETS.captures_iter(text) {
            let names = found.iter().skip(1).flatten();
            self.buckets.extend(names.map(|name| name.as_str().to_owned()));
        }
    }

    /// Replaces in every text of a value; keys are ours.
    fn mask_value(&mut self, value: &mut Value) {
        match value {
            Value::Object(object) => object.values_mut().for_each(|value| self.mask_value(value)),
            Value::Array(all) => all.iter_mut().for_each(|value| self.mask_value(value)),
            Value::String(text) => *text = self.mask_text(text),
            _ => {}
        }
    }

    fn mask_text(&mut self, text: &str) -> String {
        NAMES
            .replace_all(text, |found: &Captures<'_>| match found.name("arn") {
                Some(arn) => self.mask_arn(arn.as_str()),
                None => self.mask_word(&found[0]),
            })
            .into_owned()
    }

    /// What service it is of stays: it helps, and tells nothing.
    fn mask_arn(&mut self, text: &str) -> String {
        let arn = text.trim_end_matches(['.', ':', '`', '\\']);
        let rest = &text[arn.len()..];
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, partition, service, region, account, resource] = parts[..] else {
            return self.mask_word(text);
        };
        let account = if account.is_empty() { String::new() } else { self.stand_in("account", account) };
        let resource = match service {
            "s3" => self.stand_in("bucket", resource.split('/').next().unwrap_or(resource)),
            _ => self.stand_in("resource", arn),
        };
        format!("arn:{partition}:{service}:{region}:{account}:{resource}{rest}")
    }

    fn mask_word(&mut self, text: &str) -> String {
        let name = text.trim_end_matches(['.', '-']);
        let rest = &text[name.len()..];
        if self.buckets.contains(name) {
            return self.stand_in("bucket", name) + rest;
        }
        // The bucket's own host.
        let host = self
            .buckets
            .iter()
            .find(|bucket| name.strip_prefix(*bucket).is_some_and(|after| after.starts_with(".s3")));
        if let Some(bucket) = host.cloned() {
            return self.stand_in("bucket", &bucket) + &text[bucket.len()..];
        }
        let masked = DIGITS.replace_all(text, |digits: &Captures<'_>| match digits[0].len() {
            ACCOUNT_ID => self.stand_in("account", &digits[0]),
            _ => digits[0].to_owned(),
        });
        masked.into_owned()
    }

    fn stand_in(&mut self, kind: &'static str, name: &str) -> String {
        let key = format!("{kind} {name}");
        if let Some(given) = self.given.get(&key) {
            return given.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let stand_in = format!("{kind}-{count}");
        self.given.insert(key, stand_in.clone());
        stand_in
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(accounts: Value, log: Vec<Value>, metrics: &str) -> String {
        let mut bundle = Bundle::default();
        bundle.add("accounts.json", "accounts", Ok(Content::Json(accounts)));
        bundle.add("log", "lines", Ok(Content::Lines(log)));
        bundle.add("metrics.txt", "metrics", Ok(Content::Text(metrics.to_owned())));
        Masker::default().mask_bundle(&mut bundle);
        bundle.files.iter().map(|file| file.content.index_text()).collect()
    }

    #[test]
    fn a_name_has_the_same_stand_in_wherever_it_stands() {
        let account = json!({"accountId": "123456789012", "roleArn": "arn:aws:iam::123456789012:role/finops/awscost",
            "report": {"bucket": {"name": "acme-billing", "prefix": "cur"}},
            "message": "arn:aws:iam::123456789012:role/finops/awscost may not list acme-billing. Allow it \
                s3:ListBucket on arn:aws:s3:::acme-billing and s3:GetObject on arn:aws:s3:::acme-billing/cur/*."});
        let log = vec![
            json!({"fields": {"error": "acme-billing.s3.us-east-1.amazonaws.com: 210987654321 123456789012"}}),
        ];
        let text = masked(json!([account]), log, "x{name=\"123456789012\"} 5\n");
        for name in ["123456789012", "210987654321", "acme-billing", "finops/awscost"] {
            assert!(!text.contains(name), "{name} in:\n{text}");
        }
        assert!(text.contains("\"arn:aws:iam::account-1:resource-1\""), "{text}");
        assert!(text.contains("arn:aws:iam::account-1:resource-1 may not list bucket-1. Allow"), "{text}");
        assert!(
            text.contains("on arn:aws:s3:::bucket-1 and") && text.contains("on arn:aws:s3:::bucket-1."),
            "{text}"
        );
        assert!(text.contains("bucket-1.s3.us-east-1.amazonaws.com: account-2 account-1"), "{text}");
        assert!(text.contains("x{name=\"account-1\"} 5"), "{text}");
    }

    #[test]
    fn buckets_that_only_a_sentence_names_are_found() {
        let message = "its bucket is acme-other, not acme-mine; see s3://acme-third/x and acme-other.";
        let text = masked(json!([{"message": message}]), Vec::new(), "");
        for name in ["acme-other", "acme-mine", "acme-third"] {
            assert!(!text.contains(name), "{name} in:\n{text}");
        }
        assert!(text.contains("its bucket is bucket-"), "{text}");
    }

    #[test]
    fn an_account_id_inside_a_name_goes_and_keys_stay() {
        let text =
            masked(json!([{"name": "team-123456789012-x", "bucket": {"name": "name"}}]), Vec::new(), "");
        assert!(
            text.contains("\"name\": \"team-account-1-x\"") && text.contains("\"name\": \"bucket-1\""),
            "{text}"
        );
    }

    #[test]
    fn other_numbers_stay() {
        let numbers = "2026-11-30T14:00:00Z 1234567890123 12345678901 0.5";
        assert!(masked(json!([{"at": numbers}]), Vec::new(), "").contains(numbers));
    }
}
