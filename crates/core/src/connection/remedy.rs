//! The fix as a block to copy: who the trust policy must name, and a trust policy that works.

use std::convert::Infallible;

use serde::Serialize;
use serde_json::{Value, json};

use super::Asker;
use crate::{
    aws::traits::Caller,
    model::{Partition, policy::Statement},
};

/// A policy or commands to copy. It stands beside a message and never in it: a sentence is wrapped and cut, a block is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snippet {
    /// What it is, and what is to be filled in.
    pub title: String,
    /// What to copy, as it is.
    pub text: String,
}

/// The principal a trust policy must name for a caller: an assumed role's own ARN instead of its session's, which changes
/// from process to process. A path that the role has is put back by hand: see [`PATH`].
pub fn principal(caller: &Caller) -> String {
    let partition = caller.arn.split(':').nth(1).unwrap_or_default();
    caller.assumed_role().map_or_else(
        || caller.arn.clone(),
        |role| format!("arn:{partition}:iam::{}:role/{role}", caller.account),
    )
}

/// What is said of a principal that was made from a session's ARN.
const PATH: &str = "; if that principal has a path, put it back";

/// A trust policy that works for whoever asks. A check is not who loads the bill: its identity needs a statement beside the
/// operator's, never instead of it.
pub fn working_trust(caller: Option<&Caller>, partition: Partition, asker: Asker) -> Snippet {
    let path = caller.and_then(Caller::assumed_role).map_or("", |_| PATH);
    match asker {
        Asker::Operator => {
            let tags = if is_user(caller) { "" } else { " --pod-identity" };
            let title = format!(
                "This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE \
                 --principal ARN{tags} --external-id-file ID prints it whole{path}):"
            );
            Snippet { title, text: trust_policy(caller, partition) }
        }
        Asker::Check => {
            let title = format!(
                "This check runs with an identity of its own, which needs a statement in the trust policy beside the \
                 operator's{path}:"
            );
            Snippet { title, text: format!("{:#}", statement(caller, partition)) }
        }
    }
}

/// A trust policy that lets the operator in with the external ID and nobody without it.
pub fn trust_policy(operator: Option<&Caller>, partition: Partition) -> String {
    format!("{:#}", json!({"Version": "2012-10-17", "Statement": [statement(operator, partition)]}))
}

/// An IAM user, whose sessions carry no tags.
fn is_user(caller: Option<&Caller>) -> bool {
    caller.is_some_and(|caller| caller.arn.contains(":user/"))
}

/// The external ID itself is left as a placeholder: this text goes into status. Tagging is allowed to every role: one of EKS
/// Pod Identity needs it (docs/aws-facts.md 1.6), and no role shows whether it is one.
fn statement(caller: Option<&Caller>, partition: Partition) -> Value {
    let principal = caller.map_or_else(
        || format!("arn:{}:iam::OPERATOR-ACCOUNT:role/OPERATOR-ROLE", partition.as_str()),
        principal,
    );
    let trust: Statement<Infallible> =
        Statement::trust(principal.into(), vec!["THE-EXTERNAL-ID".into()], !is_user(caller));
    serde_json::to_value(trust).expect("a statement is made of texts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(arn: &str) -> Caller {
        Caller { account: "111122223333".parse().expect("an account"), arn: arn.to_owned() }
    }

    fn shown(snippet: &Snippet) -> String {
        format!("{}\n{}", snippet.title, snippet.text)
    }

    #[test]
    fn a_session_stands_for_its_role() {
        for (arn, expected) in [
            ("arn:aws:sts::111122223333:assumed-role/op/1700000000", "arn:aws:iam::111122223333:role/op"),
            ("arn:aws-cn:sts::111122223333:assumed-role/op/s", "arn:aws-cn:iam::111122223333:role/op"),
            ("arn:aws:iam::111122223333:user/op", "arn:aws:iam::111122223333:user/op"),
        ] {
            assert_eq!(principal(&caller(arn)), expected);
        }
    }

    #[test]
    fn the_trust_policy_requires_the_external_id_and_lets_sessions_be_tagged() {
        let operator = caller("arn:aws:sts::111122223333:assumed-role/op/s");
        insta::assert_snapshot!(trust_policy(Some(&operator), Partition::Aws), @r#"
{
  "Statement": [
    {
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "THE-EXTERNAL-ID"
        }
      },
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:role/op"
      }
    }
  ],
  "Version": "2012-10-17"
}
"#);
    }

    #[test]
    fn an_operator_with_keys_is_told_nothing_of_pod_identity() {
        let caller = caller("arn:aws:iam::111122223333:user/awscost-operator");
        insta::assert_snapshot!(shown(&working_trust(Some(&caller), Partition::Aws, Asker::Operator)), @r#"
This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --external-id-file ID prints it whole):
{
  "Statement": [
    {
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "THE-EXTERNAL-ID"
        }
      },
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:user/awscost-operator"
      }
    }
  ],
  "Version": "2012-10-17"
}
"#);
    }

    #[test]
    fn a_check_asks_for_a_statement_beside_the_operators() {
        let caller = caller("arn:aws:sts::111122223333:assumed-role/pipeline/s");
        insta::assert_snapshot!(shown(&working_trust(Some(&caller), Partition::Aws, Asker::Check)), @r#"
This check runs with an identity of its own, which needs a statement in the trust policy beside the operator's; if that principal has a path, put it back:
{
  "Action": [
    "sts:AssumeRole",
    "sts:TagSession"
  ],
  "Condition": {
    "StringEquals": {
      "sts:ExternalId": "THE-EXTERNAL-ID"
    }
  },
  "Effect": "Allow",
  "Principal": {
    "AWS": "arn:aws:iam::111122223333:role/pipeline"
  }
}
"#);
    }

    #[test]
    fn an_operator_that_is_not_known_is_a_placeholder_of_the_roles_partition() {
        let policy = trust_policy(None, Partition::AwsCn);
        assert!(
            policy.contains(r#""AWS": "arn:aws-cn:iam::OPERATOR-ACCOUNT:role/OPERATOR-ROLE""#),
            "{policy}"
        );
    }
}
