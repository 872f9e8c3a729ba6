//! The schemas of texts in a spec, made from their forms. What is wrong is told in words by a rule of the API server, never by
//! a bare pattern: of several words, those of the first that is broken.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::model::{
    ACCOUNT_ID, BUCKET_NAME, KEY_PREFIX, REGION, REPORT_NAME,
    form::{Form, Rule, must, never},
    place::{ENDPOINT, LOCATION, ON_CLAIM},
};

/// The name of an object in Kubernetes.
const OBJECT_NAME: Form = Form {
    longest: 253,
    rules: &[must(
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "it takes an object's name: 1 to 253 lower-case letters, digits, hyphens and dots, each part between dots beginning and ending with a letter or digit",
    )],
};

/// A key of a Secret.
const SECRET_KEY: Form = Form {
    longest: 253,
    rules: &[must("^[-._a-zA-Z0-9]+$", "it takes a key of a Secret: 1 to 253 of A-Z a-z 0-9 - . _")],
};

/// The value of a label.
const LABEL_VALUE: Form = Form {
    longest: 63,
    rules: &[must(
        "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        "it takes a label's value: at most 63 of A-Z a-z 0-9 - _ . that begin and end with a letter or digit, or nothing",
    )],
};

/// The key of a taint.
const TAINT_KEY: Form = Form {
    longest: 316,
    rules: &[must("^[A-Za-z0-9./_-]*$", "it takes a taint's key: at most 316 of A-Z a-z 0-9 . / _ -")],
};

/// The value of a taint.
const TAINT_VALUE: Form = Form {
    longest: 63,
    rules: &[must("^[A-Za-z0-9._-]*$", "it takes a taint's value: at most 63 of A-Z a-z 0-9 . _ -")],
};

/// The ARN of a role.
const ROLE_ARN: Form = Form {
    longest: 640,
    rules: &[must(
        "^arn:(aws|aws-cn|aws-us-gov|aws-eusc|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f):iam::[0-9]{12}:role/([!-~]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}$",
        "it takes the ARN of an IAM role as IAM shows it, such as arn:aws:iam::123456789012:role/awscost: two colons and 12 digits before :role/, and the role's path, if it has one",
    )],
};

/// A bucket that a report is delivered to: AWS delivers to buckets, not to access points.
const NO_ACCESS_POINT: Rule = never(
    "^xn--|-s3alias$|--ol-s3$",
    "a bucket name does not start with xn-- nor end with -s3alias or --ol-s3: access point aliases are not buckets",
);

/// A text that must be there.
fn required_text(form: &Form, more: &[Rule]) -> Schema {
    let rules: Vec<Rule> = form.rules.iter().chain(more).copied().collect();
    json_schema!({
        "type": "string", "maxLength": form.longest, "x-kubernetes-validations": [validation_rules(&rules)]
    })
}

/// A text that may be left out.
fn optional_text(form: &Form, more: &[Rule]) -> Schema {
    let mut schema = required_text(form, more);
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// The rules as one of the API server's, which tells the words of the first that is broken.
fn validation_rules(rules: &[Rule]) -> Schema {
    let holds = |rule: &Rule| {
        let not = if rule.matches { "" } else { "!" };
        format!("{not}self.matches({})", quote_cel(rule.pattern))
    };
    let all: Vec<String> = rules.iter().map(holds).collect();
    let words: Vec<&str> = rules.iter().map(|rule| rule.words).collect();
    let mut schema = json_schema!({"rule": all.join(" && "), "message": words.join("; ")});
    if let Some((last, first)) = words.split_last().filter(|(_, first)| !first.is_empty()) {
        let choices: String = all
            .iter()
            .zip(first)
            .map(|(holds, words)| format!("!({holds}) ? {} : ", quote_cel(words)))
            .collect();
        schema.insert("messageExpression".to_owned(), format!("{choices}{}", quote_cel(last)).into());
    }
    schema
}

/// A text as CEL writes it.
fn quote_cel(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Makes functions for `schema_with`, which takes no arguments of ours.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $kind:ident($form:expr, $more:expr);)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(_: &mut SchemaGenerator) -> Schema {
            $kind(&$form, $more)
        }
    )*};
}

texts! {
    /// The ARN of a role.
    role_arn = optional_text(ROLE_ARN, &[]);
    /// An AWS account's id of 12 digits.
    account_id = optional_text(ACCOUNT_ID, &[]);
    /// An AWS region that is required.
    region = required_text(REGION, &[]);
    /// A region that may be left out.
    other_region = optional_text(REGION, &[]);
    /// The name of a report's bucket.
    bucket_name = required_text(BUCKET_NAME, &[NO_ACCESS_POINT]);
    /// A report's prefix, which may be empty.
    key_prefix = optional_text(KEY_PREFIX, &[]);
    /// The name of a report or data export.
    report_name = required_text(REPORT_NAME, &[]);
    /// The name of an object.
    object_name = required_text(OBJECT_NAME, &[]);
    /// The name of an object that may be left out.
    other_object_name = optional_text(OBJECT_NAME, &[]);
    /// A key of a Secret.
    secret_key = optional_text(SECRET_KEY, &[]);
    /// The key of a taint.
    taint_key = optional_text(TAINT_KEY, &[]);
    /// The value of a taint.
    taint_value = optional_text(TAINT_VALUE, &[]);
    /// Where a warehouse lies.
    location = required_text(LOCATION, &[ON_CLAIM]);
    /// The address of an S3-compatible store.
    endpoint = optional_text(ENDPOINT, &[]);
}

/// The value of a label, as in a map of them.
pub(super) fn label_value() -> Schema {
    required_text(&LABEL_VALUE, &[])
}

/// One of a closed list.
pub(super) fn one_of<T: Serialize>(all: &[T]) -> Schema {
    json_schema!({"type": "string", "enum": all})
}

/// One of a closed list, or nothing.
pub(super) fn any_of<T: Serialize>(all: &[T]) -> Schema {
    let mut schema = one_of(all);
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// One of a few words, in a text that may be null.
pub(super) fn word_of(all: &[&str], words: &str) -> Schema {
    let longest = all.iter().map(|word| word.len()).max().unwrap_or_default();
    let listed: Vec<String> = all.iter().map(|word| quote_cel(word)).collect();
    json_schema!({
        "type": "string", "nullable": true, "maxLength": longest,
        "x-kubernetes-validations": [{"rule": format!("self in [{}]", listed.join(", ")), "message": words}]
    })
}

/// A duration between so many seconds and so many, days included: CEL's own knows none. `split` would do for taking the days
/// off, but its result counts as endless when the API server estimates what a rule costs.
pub(super) fn duration_text(least: u32, most: u32, words: &str) -> Schema {
    let days = "(self.contains('d') ? int(self.substring(0, self.indexOf('d'))) : 0) * 86400";
    let rest = "duration(self.endsWith('d') ? '0s' : self.substring(self.indexOf('d') + 1)).getSeconds()";
    let rule = format!(
        "self.matches({}) && self != '' && {days} + {rest} >= {least} && {days} + {rest} <= {most}",
        quote_cel(super::duration::PATTERN)
    );
    json_schema!({
        "type": "string", "nullable": true, "maxLength": 24,
        "x-kubernetes-validations": [{"rule": rule, "message": words}]
    })
}
