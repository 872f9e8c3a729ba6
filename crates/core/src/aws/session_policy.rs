//! The policy that narrows an ingest session to one report, so that a stolen session reads nothing else.

use std::convert::Infallible;

use crate::model::{
    BucketName, Partition, Region,
    policy::{ConditionOperator, Policy, Statement, text::Text},
    taken_literally,
};

/// AWS's limit on an inline session policy, in characters (docs/aws-facts.md 1.2).
pub const MAX_CHARACTERS: usize = 2048;

/// What the session may read.
#[derive(Debug, Clone, Copy)]
pub struct SessionScope<'a> {
    /// The AWS partition of the bucket, for its ARN.
    pub partition: Partition,
    /// The bucket that the report is delivered to.
    pub bucket: &'a BucketName,
    /// The bucket's region, for the condition on KMS.
    pub region: &'a Region,
    /// The folders all keys lie under, each with its trailing `/`. Other keys read as forbidden, not as missing.
    pub key_roots: &'a [String],
}

/// The policy would be longer than AWS takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the session policy takes {characters} characters and AWS allows {MAX_CHARACTERS}: shorten the report's prefix or name"
)]
pub struct SessionPolicyTooLong {
    /// The length of the policy in characters.
    pub characters: usize,
}

/// The policy as JSON: get under the key roots, list under them, decrypt through S3 alone.
///
/// # Errors
/// [`SessionPolicyTooLong`] past [`MAX_CHARACTERS`].
pub fn build(scope: &SessionScope<'_>) -> Result<String, SessionPolicyTooLong> {
    let bucket = format!("arn:{}:s3:::{}", scope.partition.as_str(), scope.bucket);
    let under = |root: &String| format!("{}*", taken_literally(root));
    let roots = || scope.key_roots.iter().map(under);
    let through = format!("s3.{}.{}", scope.region, scope.partition.dns_suffix());
    // Without ids: they would count.
    let policy: Policy<Infallible> = Policy::of(vec![
        Statement::allow_unnamed(
            vec!["s3:GetObject"],
            roots().map(|root| format!("{bucket}/{root}").into()).collect(),
        ),
        Statement::allow_unnamed(vec!["s3:ListBucket"], vec![bucket.as_str().into()]).only_where_any(
            ConditionOperator::StringLike,
            "s3:prefix",
            roots().map(Text::from).collect(),
        ),
        Statement::allow_unnamed(vec!["kms:Decrypt"], vec!["*".into()]).only_where(
            ConditionOperator::StringEquals,
            "kms:ViaService",
            through.into(),
        ),
    ]);
    let text = policy.to_json();
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS { Err(SessionPolicyTooLong { characters }) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(root: &str) -> Result<String, SessionPolicyTooLong> {
        let bucket = "acme-billing".parse().expect("a bucket");
        let region = "eu-west-1".parse().expect("a region");
        let key_roots = [root.to_owned()];
        build(&SessionScope {
            partition: Partition::Aws,
            bucket: &bucket,
            region: &region,
            key_roots: &key_roots,
        })
    }

    #[test]
    fn one_report_and_nothing_else() {
        let text = policy("cur/acme/").expect("short enough");
        let pretty: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        insta::assert_json_snapshot!(pretty, @r#"
{
  "Statement": [
    {
      "Action": "s3:GetObject",
      "Effect": "Allow",
      "Resource": "arn:aws:s3:::acme-billing/cur/acme/*"
    },
    {
      "Action": "s3:ListBucket",
      "Condition": {
        "StringLike": {
          "s3:prefix": "cur/acme/*"
        }
      },
      "Effect": "Allow",
      "Resource": "arn:aws:s3:::acme-billing"
    },
    {
      "Action": "kms:Decrypt",
      "Condition": {
        "StringEquals": {
          "kms:ViaService": "s3.eu-west-1.amazonaws.com"
        }
      },
      "Effect": "Allow",
      "Resource": "*"
    }
  ],
  "Version": "2012-10-17"
}
"#);
    }

    #[test]
    fn wildcards_in_a_prefix_match_themselves_only() {
        let text = policy("a*b/$?/").expect("short enough");
        assert!(text.contains("acme-billing/a${*}b/${$}${?}/*"), "{text}");
    }

    #[test]
    fn a_policy_aws_would_refuse_is_refused_here() {
        let longest = (1..MAX_CHARACTERS).map_while(|length| policy(&"a".repeat(length)).ok()).last();
        assert!(
            longest.expect("a short root fits").len() > MAX_CHARACTERS - 2,
            "the limit is used to the full"
        );
        let refused = policy(&"a".repeat(MAX_CHARACTERS)).expect_err("far too long");
        assert!(refused.characters > MAX_CHARACTERS, "{refused}");
    }
}
