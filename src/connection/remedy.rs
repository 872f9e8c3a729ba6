//! The fix, filled in: who the trust policy must name, and a trust policy that works.

use serde_json::json;

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

/// The principal of a trust policy where the operator could not say who it is. One word: a wrapped policy stays whole.
const UNKNOWN_PRINCIPAL: &str = "THE-OPERATORS-ARN";

/// A trust policy that works for a caller, and the command that prints it with the external ID in it.
pub(super) fn working_trust(caller_arn: Option<&str>, actions: &[&str]) -> String {
    let who = caller_arn.map_or_else(|| UNKNOWN_PRINCIPAL.to_owned(), principal);
    let policy = trust_policy(&who, actions);
    format!(
        "This trust policy works (awscost onboard trust -f FILE --principal ARN prints it whole): {policy}"
    )
}

/// A trust policy that lets `principal` in with the external ID and nobody without it.
///
/// The external ID itself is left as a placeholder: this text goes into status.
pub fn trust_policy(principal: &str, actions: &[&str]) -> String {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": actions,
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
    fn the_trust_policy_requires_the_external_id() {
        insta::assert_snapshot!(trust_policy("arn:aws:iam::1:role/op", &["sts:AssumeRole"]), @r#"
{"Statement":[{"Action":["sts:AssumeRole"],"Condition":{"StringEquals":{"sts:ExternalId":"THE-EXTERNAL-ID"}},"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:role/op"}}],"Version":"2012-10-17"}
"#);
    }
}
