//! Who may assume the role: one identity, with the external ID, or during a rotation with either
//! (docs/aws-facts.md 5.1).

use crate::model::policy::{Policy, Statement, text::Text};

/// What the operator's identity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseIdentity {
    /// IRSA, keys, an instance: AssumeRole is all it takes.
    Plain,
    /// EKS Pod Identity: its sessions carry tags into every role, which needs `sts:TagSession` (docs/aws-facts.md 1.6).
    PodIdentity,
}

/// The trust policy of an account's role.
pub fn policy<R>(principal: Text<R>, external_ids: Vec<Text<R>>, base: BaseIdentity) -> Policy<R> {
    let trust = Statement::trust(principal, external_ids, base == BaseIdentity::PodIdentity);
    Policy::of(vec![trust.named("Awscost")])
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn one_principal_and_its_external_id() {
        let policy: Policy<Infallible> = policy(
            "arn:aws:iam::999988887777:role/awscost".into(),
            vec!["id".into()],
            BaseIdentity::PodIdentity,
        );
        insta::assert_json_snapshot!(policy, @r#"
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Awscost",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::999988887777:role/awscost"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "id"
        }
      }
    }
  ]
}
"#);
    }
}
