//! What stands before any call to AWS on an account: tenancy and the account's Secrets. Pure.

use super::{
    observe::{
        AccessSight, SecretSight,
        secrets::{AccessKeysSight, ExternalIdSight},
    },
    tenancy::Refusal,
    validate::{RoleInput, ValidAccess, ValidAccount},
};
use crate::{
    api::{USE_ACCESS_KEY, USE_EXTERNAL_ID, USE_LABEL},
    connection::{Access, Finding, NextExternalId, RoleAccess},
    model::{AccessKeys, ConditionType, ExternalId, InvalidExternalId, Reason},
};

/// Lets the account through with what it is reached by, or says why not. `secret_version` tells a changed Secret from
/// an unchanged one, and nothing of what it holds.
///
/// # Errors
/// The finding that RoleAssumable gets instead of a look.
pub fn pass(
    account: &ValidAccount,
    namespace: &str,
    tenancy: Result<(), Refusal>,
    sight: &AccessSight,
    secret_version: Option<String>,
    reused: bool,
) -> Result<Access, Box<Finding>> {
    if let Err(refusal) = tenancy {
        return no(Reason::RoleNotAllowedInNamespace, not_allowed(account, namespace, refusal));
    }
    match (&account.access, sight) {
        (ValidAccess::Role(role), AccessSight::Role { current, next }) => {
            let name = &role.secret.name;
            let external_id = external_id(namespace, name, current)?;
            if reused {
                return no(
                    Reason::ExternalIdReused,
                    format!(
                        "An older AwsCostAccount in another namespace uses the external ID of Secret {name}. Each tenant \
                         needs its own: put a new one into the Secret and into the role's trust policy."
                    ),
                );
            }
            Ok(Access::Role(RoleAccess {
                role: role.role.clone(),
                external_id: Some(external_id),
                next_external_id: next_external_id(role, next.as_ref()),
                secret_version,
                policy: role.policy,
            }))
        }
        (ValidAccess::Keys { secret }, AccessSight::Keys(keys)) => {
            Ok(Access::Keys(access_keys(namespace, secret, keys)?))
        }
        // Seen before the spec changed from one way to the other: the next pass sees anew.
        _ => no(Reason::NotChecked, "The Secret of the new spec is about to be read.".to_owned()),
    }
}

fn no<T>(reason: Reason, message: String) -> Result<T, Box<Finding>> {
    Err(Box::new(Finding::fail(ConditionType::RoleAssumable, reason, message)))
}

fn not_allowed(account: &ValidAccount, namespace: &str, refusal: Refusal) -> String {
    let what = match account.role() {
        Some(role) => format!("role {}", role.role),
        None => format!("the keys of account {}", account.account),
    };
    match refusal {
        Refusal::NoRule => format!(
            "No tenancy rule allows {what} in namespace {namespace}, so AWS was not asked. The operator's administrator can \
             add one (chart value tenancy.rules)."
        ),
        Refusal::OwnAccount => format!(
            "The operator's own AWS account owns {what}, and no tenancy rule names it for namespace {namespace}, so it was \
             not used. The operator's administrator can add one (chart value tenancy.rules, roleArns)."
        ),
    }
}

/// What is said of a Secret that is absent, unlabelled or forbidden: the three read the same.
pub(super) fn secret_not_usable(namespace: &str, name: &str, wanted: &str) -> String {
    format!(
        "Secret {name} is missing in namespace {namespace}, or lacks the label {USE_LABEL}: {wanted} (the operator sees \
         labelled Secrets only). kubectl -n {namespace} label secret {name} {USE_LABEL}={wanted} labels one that is there; \
         kubectl -n {namespace} create secret generic {name} --from-literal=KEY=VALUE makes one, to be labelled too."
    )
}

fn not_usable<T>(namespace: &str, name: &str, wanted: &str) -> Result<T, Box<Finding>> {
    no(Reason::SecretNotUsable, secret_not_usable(namespace, name, wanted))
}

fn external_id(namespace: &str, name: &str, sight: &ExternalIdSight) -> Result<ExternalId, Box<Finding>> {
    match sight {
        SecretSight::Usable(id) => Ok(id.clone()),
        SecretSight::NotUsable => not_usable(namespace, name, USE_EXTERNAL_ID),
        SecretSight::KeyMissing(key) => {
            no(Reason::SecretKeyMissing, format!("Secret {name} has no key {key}."))
        }
        SecretSight::Invalid(problem) => {
            let reason = match problem {
                InvalidExternalId::Empty => Reason::ExternalIdEmpty,
                InvalidExternalId::Whitespace => Reason::ExternalIdWhitespace,
                InvalidExternalId::Characters => Reason::ExternalIdInvalid,
            };
            let fix = match problem {
                InvalidExternalId::Empty => {
                    " Put the external ID of the role's trust policy into it; most often a variable was unset when the \
                     Secret was made."
                }
                InvalidExternalId::Whitespace | InvalidExternalId::Characters => "",
            };
            no(reason, format!("Secret {name} holds no external ID: {problem}.{fix}"))
        }
    }
}

/// What is wrong with the next external ID takes nothing away from a connection that works with the current one.
fn next_external_id(role: &RoleInput, sight: Option<&ExternalIdSight>) -> NextExternalId {
    match (&role.next, sight) {
        (None, _) | (_, None) => NextExternalId::None,
        (Some(_), Some(SecretSight::Usable(id))) => NextExternalId::Usable(id.clone()),
        (Some(next), Some(_)) => NextExternalId::Unusable { secret: next.name.clone() },
    }
}

fn access_keys(namespace: &str, name: &str, sight: &AccessKeysSight) -> Result<AccessKeys, Box<Finding>> {
    match sight {
        SecretSight::Usable(keys) => Ok(keys.clone()),
        SecretSight::NotUsable => not_usable(namespace, name, USE_ACCESS_KEY),
        SecretSight::KeyMissing(key) => {
            no(Reason::SecretKeyMissing, format!("Secret {name} has no key {key}."))
        }
        SecretSight::Invalid(problem) => {
            no(Reason::AccessKeyInvalid, format!("Secret {name} holds no access key: {problem}."))
        }
    }
}

/// All findings when the gate is shut: the gate's own, and every layer behind it blocked.
pub fn shut(finding: Finding, account: &ValidAccount) -> Vec<Finding> {
    let mut behind = Vec::new();
    if account.role().is_some() {
        behind.push(ConditionType::ExternalIdEnforced);
    }
    behind.push(ConditionType::AccountTypeVerified);
    if account.bill.is_some() {
        behind.extend([ConditionType::BucketReadable, ConditionType::ReportConfigured]);
    }
    if account.role().is_some() {
        behind.push(ConditionType::PermissionsMinimal);
    }
    if account.metrics.is_some() {
        behind.push(ConditionType::MetricsReadable);
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
    use crate::controller::validate;

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

    fn sight(current: ExternalIdSight) -> AccessSight {
        AccessSight::Role { current, next: None }
    }

    fn usable() -> AccessSight {
        sight(SecretSight::Usable(ExternalId::parse(b"canary-external-id").expect("an id")))
    }

    #[test]
    fn each_fault_has_its_reason_and_none_shows_the_external_id() {
        let invalid = |problem| sight(SecretSight::Invalid(problem));
        for (tenancy, sight, reused, expected) in [
            (Ok(()), usable(), false, None),
            (Err(Refusal::NoRule), usable(), false, Some(Reason::RoleNotAllowedInNamespace)),
            (Err(Refusal::OwnAccount), usable(), false, Some(Reason::RoleNotAllowedInNamespace)),
            (
                Err(Refusal::NoRule),
                sight(SecretSight::NotUsable),
                false,
                Some(Reason::RoleNotAllowedInNamespace),
            ),
            (Ok(()), sight(SecretSight::NotUsable), false, Some(Reason::SecretNotUsable)),
            (Ok(()), sight(SecretSight::KeyMissing("k".to_owned())), false, Some(Reason::SecretKeyMissing)),
            (Ok(()), invalid(InvalidExternalId::Empty), false, Some(Reason::ExternalIdEmpty)),
            (Ok(()), invalid(InvalidExternalId::Whitespace), false, Some(Reason::ExternalIdWhitespace)),
            (Ok(()), invalid(InvalidExternalId::Characters), false, Some(Reason::ExternalIdInvalid)),
            (Ok(()), usable(), true, Some(Reason::ExternalIdReused)),
        ] {
            let finding = pass(&account(), "finops", tenancy, &sight, None, reused).err();
            assert_eq!(finding.as_ref().map(|finding| finding.reason), expected);
            assert!(finding.is_none_or(|finding| !finding.message.contains("canary")));
        }
    }

    #[test]
    fn an_unusable_next_external_id_takes_nothing_away() {
        let mut account = account();
        if let ValidAccess::Role(role) = &mut account.access {
            role.next = Some(validate::SecretKey { name: "next".to_owned(), key: "externalId".to_owned() });
        }
        let AccessSight::Role { current, .. } = usable() else { unreachable!("it is a role's") };
        let sight = AccessSight::Role { current, next: Some(SecretSight::NotUsable) };
        let access = pass(&account, "finops", Ok(()), &sight, None, false).expect("the current one works");
        let Access::Role(role) = access else { unreachable!("it is a role's") };
        assert!(matches!(role.next_external_id, NextExternalId::Unusable { secret } if secret == "next"));
    }

    #[test]
    fn behind_a_shut_gate_every_layer_is_blocked() {
        let finding = Finding::fail(ConditionType::RoleAssumable, Reason::SecretNotUsable, "words");
        let reasons: Vec<Reason> = shut(finding, &account()).iter().map(|finding| finding.reason).collect();
        let blocked = Reason::BlockedByRole;
        assert_eq!(reasons, [Reason::SecretNotUsable, blocked, blocked, blocked]);
    }
}
