//! Texts of a fixed shape in a spec: a pattern for the API server, and beside it the same as a rule, whose message says in
//! words what the pattern only shows.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A text that may be left out.
fn optional(lengths: (u32, u32), pattern: &str, words: &str) -> Schema {
    let mut schema = required(lengths, pattern, words);
    schema.insert("nullable".to_owned(), true.into());
    schema
}

fn required((least, most): (u32, u32), pattern: &str, words: &str) -> Schema {
    json_schema!({
        "type": "string", "minLength": least, "maxLength": most, "pattern": pattern,
        "x-kubernetes-validations": [{"rule": format!("self.matches('{pattern}')"), "message": words}]
    })
}

/// The ARN of a role.
pub(super) fn role_arn(_: &mut SchemaGenerator) -> Schema {
    optional(
        (32, 640),
        "^arn:(aws|aws-cn|aws-us-gov|aws-eusc):iam::[0-9]{12}:role/([!-~]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}$",
        "it takes the ARN of an IAM role as IAM shows it, such as arn:aws:iam::123456789012:role/awscost: two colons and 12 digits before :role/, and the role's path, if it has one",
    )
}

/// An account's id.
pub(super) fn account_id(_: &mut SchemaGenerator) -> Schema {
    optional((1, 12), "^[0-9]{12}$", "it takes an AWS account id: 12 digits, in quotes")
}

const REGION: (&str, &str) =
    ("^[a-z]+(-[a-z]+){1,3}-[0-9]{1,2}$", "it takes a region's name as AWS writes it, such as eu-west-1");

/// A region.
pub(super) fn region(_: &mut SchemaGenerator) -> Schema {
    required((1, 32), REGION.0, REGION.1)
}

/// A region that may be left out.
pub(super) fn other_region(_: &mut SchemaGenerator) -> Schema {
    optional((1, 32), REGION.0, REGION.1)
}

/// A bucket's name.
pub(super) fn bucket_name(_: &mut SchemaGenerator) -> Schema {
    required(
        (3, 63),
        "^[a-z0-9][a-z0-9.-]*[a-z0-9]$",
        "it takes a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens, the first and the last a letter or digit",
    )
}
