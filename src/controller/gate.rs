//! What stands before any call to AWS on an account: tenancy and the external-ID Secret. Pure.

use super::{observe::SecretSight, tenancy::Refusal, validate::ValidAccount};
use crate::{
    api::{USE_EXTERNAL_ID, USE_LABEL},
    connection::Finding,
    model::{ConditionType, ExternalId, Reason},
};

/// Lets the external ID through, or says why not.
///
/// # Errors
/// The finding that RoleAssumable gets instead of a look.
pub fn pass(
    account: &ValidAccount,
    namespace: &str,
    tenancy: Result<(), Refusal>,
    secret: &SecretSight,
    reused: bool,
) -> Result<ExternalId, Box<Finding>> {
    let no =
        |reason, message: String| Err(Box::new(Finding::fail(ConditionType::RoleAssumable, reason, message)));
    let name = &account.secret.name;
    match (tenancy, secret) {
        (Err(Refusal::NoRule), _) => no(
            Reason::RoleNotAllowedInNamespace,
            format!(
                "No tenancy rule allows role {} in namespace {namespace}, so AWS was not asked. The operator's \
                 administrator can add one (chart value tenancy.rules).",
                account.role
            ),
        ),
        (Err(Refusal::OwnAccount), _) => no(
            Reason::RoleNotAllowedInNamespace,
            format!(
                "Role {} lies in the operator's own AWS account, and no tenancy rule names it for namespace \
                 {namespace}, so it was not assumed. The operator's administrator can add one (chart value \
                 tenancy.rules, roleArns).",
                account.role
            ),
        ),
        (Ok(()), SecretSight::NotUsable) => no(
            Reason::SecretNotUsable,
            format!(
                "Secret {name} is not usable: it must exist in this namespace and carry the label \
                 {USE_LABEL}: {USE_EXTERNAL_ID}."
            ),
        ),
        (Ok(()), SecretSight::KeyMissing) => {
            no(Reason::SecretKeyMissing, format!("Secret {name} has no key {}.", account.secret.key))
        }
        (Ok(()), SecretSight::Invalid(problem)) => no(
            Reason::ExternalIdInvalid,
            format!("Key {} of Secret {name} holds no external ID: {problem}.", account.secret.key),
        ),
        (Ok(()), SecretSight::Usable(_)) if reused => no(
            Reason::ExternalIdReused,
            format!(
                "An older AwsCostAccount in another namespace uses the external ID of Secret {name}. Each tenant \
                 needs its own: put a new one into the Secret and into the role's trust policy."
            ),
        ),
        (Ok(()), SecretSight::Usable(id)) => Ok(id.clone()),
    }
}

/// All findings when the gate is shut: the gate's own, and every layer behind it blocked.
pub fn shut(finding: Finding, account: &ValidAccount) -> Vec<Finding> {
    let mut behind = vec![ConditionType::ExternalIdEnforced, ConditionType::AccountTypeVerified];
    if account.bill.is_some() {
        behind.extend([ConditionType::BucketReadable, ConditionType::ReportConfigured]);
    }
    let role = ConditionType::RoleAssumable;
    std::iter::once(finding)
        .chain(behind.into_iter().map(|condition| Finding::blocked(condition, role)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{controller::validate, model::InvalidExternalId};

    fn account() -> ValidAccount {
        let spec = json!({
            "accountType": "Member",
            "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost",
                "externalIdSecretRef": {"name": "acme-external-id"}
            }
        });
        validate::account(&serde_json::from_value(spec).expect("a spec")).expect("valid")
    }

    fn usable() -> SecretSight {
        SecretSight::Usable(ExternalId::parse(b"canary-external-id").expect("an id"))
    }

    #[test]
    fn each_fault_has_its_reason_and_none_shows_the_external_id() {
        let invalid = SecretSight::Invalid(InvalidExternalId::Whitespace);
        for (tenancy, secret, reused, expected) in [
            (Ok(()), usable(), false, None),
            (Err(Refusal::NoRule), usable(), false, Some(Reason::RoleNotAllowedInNamespace)),
            (Err(Refusal::OwnAccount), usable(), false, Some(Reason::RoleNotAllowedInNamespace)),
            (Err(Refusal::NoRule), SecretSight::NotUsable, false, Some(Reason::RoleNotAllowedInNamespace)),
            (Ok(()), SecretSight::NotUsable, false, Some(Reason::SecretNotUsable)),
            (Ok(()), SecretSight::KeyMissing, false, Some(Reason::SecretKeyMissing)),
            (Ok(()), invalid, false, Some(Reason::ExternalIdInvalid)),
            (Ok(()), usable(), true, Some(Reason::ExternalIdReused)),
        ] {
            let finding = pass(&account(), "finops", tenancy, &secret, reused).err();
            assert_eq!(finding.as_ref().map(|finding| finding.reason), expected);
            assert!(finding.is_none_or(|finding| !finding.message.contains("canary")));
        }
    }

    #[test]
    fn behind_a_shut_gate_every_layer_is_blocked() {
        let finding = Finding::fail(ConditionType::RoleAssumable, Reason::SecretNotUsable, "words");
        let reasons: Vec<Reason> = shut(finding, &account()).iter().map(|finding| finding.reason).collect();
        assert_eq!(reasons, [Reason::SecretNotUsable, Reason::BlockedByRole, Reason::BlockedByRole]);
    }
}
