//! The fix, filled in: who the trust policy must name, and a trust policy that works.

use serde_json::json;

use crate::{aws::traits::Caller, model::Partition};

/// The principal a trust policy must name for a caller: an assumed role's own ARN instead of its session's.
///
/// A session's ARN drops the role's path (fact sheet 1.2), so the path has to be put back by hand where there is one.
/// The session's name is left out because it changes from process to process.
pub fn principal(caller_arn: &str) -> String {
    let assumed = |arn: &str| {
        let (head, resource) = arn.rsplit_once(':')?;
        let (partition, account) = head.strip_prefix("arn:")?.split_once(":sts::")?;
        let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
        Some(format!("arn:{partition}:iam::{account}:role/{role}"))
    };
    assumed(caller_arn).unwrap_or_else(|| caller_arn.to_owned())
}

/// A trust policy that works for the operator, and the command that prints it with the external ID in it.
pub(super) fn working_trust(operator: Option<&Caller>, partition: Partition) -> String {
    let policy = trust_policy(operator, partition);
    format!(
        "This trust policy works (awscost onboard trust -f FILE --principal ARN prints it whole): {policy}"
    )
}

/// A trust policy that lets the operator in with the external ID and nobody without it.
///
/// The external ID itself is left as a placeholder: this text goes into status. Tagging is allowed whatever the operator's
/// identity is: one from EKS Pod Identity needs it (fact sheet 1.6), and no caller shows whether it is one.
pub fn trust_policy(operator: Option<&Caller>, partition: Partition) -> String {
    let principal = operator.map_or_else(
        || format!("arn:{}:iam::OPERATOR-ACCOUNT:role/OPERATOR-ROLE", partition.as_str()),
        |caller| principal(&caller.arn),
    );
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {"StringEquals": {"sts:ExternalId": "THE-EXTERNAL-ID"}},
        }],
    });
    policy.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stands_for_its_role() {
        for (caller, expected) in [
            ("arn:aws:sts::111122223333:assumed-role/op/1700000000", "arn:aws:iam::111122223333:role/op"),
            ("arn:aws-cn:sts::111122223333:assumed-role/op/s", "arn:aws-cn:iam::111122223333:role/op"),
            ("arn:aws:iam::111122223333:user/op", "arn:aws:iam::111122223333:user/op"),
        ] {
            assert_eq!(principal(caller), expected);
        }
    }

    #[test]
    fn the_trust_policy_requires_the_external_id_and_lets_sessions_be_tagged() {
        let operator = Caller {
            account: "111122223333".parse().expect("an account"),
            arn: "arn:aws:sts::111122223333:assumed-role/op/s".to_owned(),
        };
        insta::assert_snapshot!(trust_policy(Some(&operator), Partition::Aws), @r#"
{"Statement":[{"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":"THE-EXTERNAL-ID"}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/op"}}],"Version":"2012-10-17"}
"#);
    }

    #[test]
    fn an_operator_that_is_not_known_is_a_placeholder_of_the_roles_partition() {
        let policy = trust_policy(None, Partition::AwsCn);
        assert!(
            policy.contains(r#"{"AWS":"arn:aws-cn:iam::OPERATOR-ACCOUNT:role/OPERATOR-ROLE"}"#),
            "{policy}"
        );
    }
}
