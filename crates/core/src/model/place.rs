//! The form of a warehouse's location and endpoint. The definition of CostWarehouse and the loader both go by it.

use super::form::{Form, Rule, must, never};

/// Where the claim of a warehouse on a volume is mounted in every Job.
pub const CLAIM: &str = "/warehouse";

/// A location: `s3://BUCKET/PREFIX` or `file:///FOLDER`.
pub const LOCATION: Form = Form {
    longest: 512,
    rules: &[
        must("^(s3|file)://", "a location is s3://BUCKET/PREFIX, or file:///warehouse/FOLDER on a claim"),
        must(
            "^(file:|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|$))",
            "s3:// takes a bucket name first: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends",
        ),
        never("^s3://[^/]*[.][.]", "a bucket name has no two dots in a row"),
        never("^s3://[0-9]+([.][0-9]+){3}(/|$)", "a bucket name is not an IP address"),
        must(
            "^(s3:|file:///)",
            "file:// takes an absolute folder, with three slashes: file:///warehouse/costs",
        ),
        never("/[.][.]?(/|$)", "a location has no .. in it, nor a dot alone between slashes"),
        must(
            "^(s3://[^/]+|file://)(/[A-Za-z0-9_.=-]+)*/?$",
            "folders take A-Z a-z 0-9 - _ . = between single slashes",
        ),
    ],
};

/// In a cluster, a folder is one of the claim.
pub const ON_CLAIM: Rule = must(
    "^(s3:|file:///warehouse(/|$))",
    "a file:// location lies under file:///warehouse, where the claim is mounted",
);

/// The address of an S3-compatible store.
pub const ENDPOINT: Form = Form {
    longest: 512,
    rules: &[
        must("^https?://", "an endpoint starts with https://, or with http:// in a test"),
        never(
            "@",
            "an endpoint holds no user and no password: those go into the Secret of credentialsSecretRef",
        ),
        must(
            "^https?://[^/?#]+/?$",
            "an endpoint is https://HOST or https://HOST:PORT, with no path, query or fragment behind it",
        ),
        must(
            "^https?://[A-Za-z0-9.-]+(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?/?$",
            "an endpoint's host is a name or an IPv4 address, and its port a number up to 65535",
        ),
        must(
            "^https?://(([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?[.])*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?|(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])([.](25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3})(:[0-9]+)?/?$",
            "an endpoint's host is written wrongly: the parts of a name begin and end with a letter or digit, and an IPv4 address has four numbers up to 255",
        ),
    ],
};

/// An endpoint whose host is an address and no name: no bucket can stand in front of it.
pub const ADDRESS: &str = "^https?://[0-9.]+(:|/|$)";
