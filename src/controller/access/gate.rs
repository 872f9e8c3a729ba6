//! What stands before any call to AWS on an account: tenancy and the account's Secrets. Pure.

use crate::{
    api::{ACCESS_KEY_ID_KEY, SECRET_ACCESS_KEY_KEY, USE_ACCESS_KEY, USE_EXTERNAL_ID, USE_LABEL},
    connection::{Finding, NextExternalId, RoleAccess, Snippet, TargetAccess},
    controller::{
        access::{
            generate,
            secrets::{
                AccessSecrets, ObservedAccess, ObservedAccessKeys, ObservedExternalId, ObservedSecret,
            },
        },
        settings::tenancy::TenancyRefusal,
        validate::{RoleInput, SecretKey, ValidAccess, ValidAccount},
    },
    model::{AccessKeys, ConditionType, ExternalId, InvalidExternalId, Reason},
};

/// Lets the account through with what it is reached by, or says why not; `reused` says which external IDs are another
/// tenant's.
///
/// # Errors
/// The finding that RoleAssumable gets instead of a look.
pub fn pass_gate(
    account: &ValidAccount,
    namespace: &str,
    tenancy: Result<(), TenancyRefusal>,
    secrets: &AccessSecrets,
    reused: &dyn Fn(&ExternalId) -> bool,
) -> Result<TargetAccess, Box<Finding>> {
    if let Err(refusal) = tenancy {
        return refuse_access(Reason::RoleNotAllowedInNamespace, not_allowed(account, namespace, refusal));
    }
    match (&account.access, &secrets.sight) {
        (ValidAccess::Role(role), ObservedAccess::Role { current, next }) => {
            let reused_in = reused_in(role, current, next.as_ref(), reused);
            let next_external_id = next_external_id(role, next.as_ref());
            let external_id = match (external_id(namespace, &role.secret, current), &next_external_id) {
                (Ok(current), _) => current,
                // Who has deleted the old Secret and not yet named the new one in its place loses nothing.
                (Err(_), NextExternalId::Usable(next)) => next.clone(),
                (Err(finding), _) => return Err(finding),
            };
            if let Some(name) = reused_in {
                return refuse_access(
                    Reason::ExternalIdReused,
                    format!(
                        "An older AwsCostAccount in another namespace uses the external ID of Secret {name}. Each tenant \
                         needs its own: put a new one into the Secret and into the role's trust policy."
                    ),
                );
            }
            Ok(TargetAccess::Role(RoleAccess {
                role: role.role.clone(),
                external_id,
                external_id_place: generate::describe_place(namespace, role),
                next_external_id,
                secret_version: secrets.version.clone(),
                policy: role.policy,
            }))
        }
        (ValidAccess::Keys { secret }, ObservedAccess::Keys(keys)) => {
            Ok(TargetAccess::Keys(access_keys(namespace, secret, keys)?))
        }
        // Seen before the spec changed from one way to the other: the next reconcile sees it again.
        _ => refuse_access(Reason::NotChecked, "The Secret of the new spec is about to be read.".to_owned()),
    }
}

fn refuse_access<T>(reason: Reason, message: String) -> Result<T, Box<Finding>> {
    Err(Box::new(refused_finding(reason, message)))
}

fn refused_finding(reason: Reason, message: String) -> Finding {
    Finding::fail(ConditionType::RoleAssumable, reason, message)
}

fn not_allowed(account: &ValidAccount, namespace: &str, refusal: TenancyRefusal) -> String {
    let what = match account.role() {
        Some(role) => format!("role {}", role.role),
        None => format!("the keys of account {}", account.account),
    };
    match (refusal, account.role()) {
        (TenancyRefusal::OwnAccount, Some(role)) => format!(
            "The operator's own AWS account owns {what}, and such a role is used only where it is named, so it was not. The \
             operator's administrator can name it, and lock no other account out, in the chart value \
             tenancy.ownAccountRoleArns: [\"{}\"]",
            role.role
        ),
        (TenancyRefusal::OwnAccountAndNoRule, Some(role)) => format!(
            "The operator's own AWS account owns {what}, and no tenancy rule names it for namespace {namespace}, so it was \
             not used. The operator's administrator can add one to the chart value tenancy.rules: \
             {{namespaces: [{namespace}], roleArns: [\"{}\"]}}",
            role.role
        ),
        _ => format!(
            "No tenancy rule allows {what} in namespace {namespace}, so AWS was not asked. The operator's administrator can \
             add one to the chart value tenancy.rules: {{namespaces: [{namespace}], accountIds: [\"{}\"]}}",
            account.account
        ),
    }
}

/// What is said of a Secret that is absent, unlabelled or forbidden: the three read the same.
pub fn secret_not_usable(namespace: &str, name: &str, wanted: &str) -> String {
    format!(
        "Secret {name} is missing in namespace {namespace}, or lacks the label {USE_LABEL}: {wanted} (the operator sees \
         labelled Secrets only). Create it, or label the one that is there."
    )
}

/// Commands for such a Secret with the keys it must have. Each comes from a file: a value on a command line stays in the
/// shell's history.
pub fn secret_commands(namespace: &str, name: &str, wanted: &str, keys: &[&str]) -> Snippet {
    let files: String = keys.iter().map(|key| format!(" --from-file={key}=FILE")).collect();
    Snippet {
        title: "To create it if it is missing, from files without a newline at their end, and to label it:"
            .to_owned(),
        text: format!(
            "kubectl -n {namespace} create secret generic {name}{files}\n\
             kubectl -n {namespace} label --overwrite secret {name} {USE_LABEL}={wanted}"
        ),
    }
}

/// The command that lists a Secret's keys, and none of its values.
pub fn secret_keys(namespace: &str, name: &str) -> Snippet {
    Snippet {
        title: "The keys that the Secret has:".to_owned(),
        text: format!("kubectl -n {namespace} describe secret {name}"),
    }
}

fn not_usable<T>(namespace: &str, name: &str, wanted: &str, keys: &[&str]) -> Result<T, Box<Finding>> {
    let message = secret_not_usable(namespace, name, wanted);
    let commands = secret_commands(namespace, name, wanted, keys);
    Err(Box::new(refused_finding(Reason::SecretNotUsable, message).with(commands)))
}

/// The keys of a Secret that holds an access key.
pub const KEYS_OF_ACCESS: [&str; 2] = [ACCESS_KEY_ID_KEY, SECRET_ACCESS_KEY_KEY];

/// What is said of a Secret without the key that is asked for. Which keys it has is not said: whoever mistakes KEY for
/// VALUE has the value there.
fn key_missing<T>(namespace: &str, name: &str, key: &str, fix: &str) -> Result<T, Box<Finding>> {
    let message = format!("Secret {name} has no key {key}; the value may be under another. {fix}");
    Err(Box::new(refused_finding(Reason::SecretKeyMissing, message).with(secret_keys(namespace, name))))
}

fn external_id(
    namespace: &str,
    secret: &SecretKey,
    sight: &ObservedExternalId,
) -> Result<ExternalId, Box<Finding>> {
    let SecretKey { name, key } = secret;
    match sight {
        ObservedSecret::Usable(id) => Ok(id.clone()),
        ObservedSecret::NotUsable => not_usable(namespace, name, USE_EXTERNAL_ID, &[key.as_str()]),
        ObservedSecret::KeyMissing(key) => {
            let fix = format!(
                "Put the external ID under {key}, or name the key it is under in spec.access.externalIdSecretRef.key."
            );
            key_missing(namespace, name, key, &fix)
        }
        ObservedSecret::Invalid(problem) => {
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
            refuse_access(reason, format!("Secret {name} holds no external ID: {problem}.{fix}"))
        }
    }
}

/// The Secret whose external ID is another tenant's.
fn reused_in<'a>(
    role: &'a RoleInput,
    current: &ObservedExternalId,
    next: Option<&ObservedExternalId>,
    reused: &dyn Fn(&ExternalId) -> bool,
) -> Option<&'a str> {
    let is_reused = |sight: &ObservedExternalId| matches!(sight, ObservedSecret::Usable(id) if reused(id));
    if is_reused(current) {
        return Some(&role.secret.name);
    }
    role.next.as_ref().filter(|_| next.is_some_and(is_reused)).map(|next| next.name.as_str())
}

/// What is wrong with the next external ID takes nothing away from a connection that works with the current one.
fn next_external_id(role: &RoleInput, sight: Option<&ObservedExternalId>) -> NextExternalId {
    match (&role.next, sight) {
        (None, _) | (_, None) => NextExternalId::None,
        (Some(_), Some(ObservedSecret::Usable(id))) => NextExternalId::Usable(id.clone()),
        (Some(next), Some(_)) => NextExternalId::Unusable { secret: next.name.clone() },
    }
}

fn access_keys(namespace: &str, name: &str, sight: &ObservedAccessKeys) -> Result<AccessKeys, Box<Finding>> {
    match sight {
        ObservedSecret::Usable(keys) => Ok(keys.clone()),
        ObservedSecret::NotUsable => not_usable(namespace, name, USE_ACCESS_KEY, &KEYS_OF_ACCESS),
        ObservedSecret::KeyMissing(key) => {
            let [id, secret] = KEYS_OF_ACCESS;
            let fix = format!("It needs both {id} and {secret}: put each under its name.");
            key_missing(namespace, name, key, &fix)
        }
        ObservedSecret::Invalid(problem) => {
            refuse_access(Reason::AccessKeyInvalid, format!("Secret {name} holds no access key: {problem}."))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::{
        connection::{Facts, checks},
        controller::validate,
        model::{Guide, guide::ReasonSource},
    };

    fn account() -> ValidAccount {
        let spec = json!({
            "accountType": "Member",
            "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost",
                "externalIdSecretRef": {"name": "acme-external-id"}
            }
        });
        validate::parse_account(&serde_json::from_value(spec).expect("a spec")).expect("valid")
    }

    fn sight(current: ObservedExternalId) -> AccessSecrets {
        seen(ObservedAccess::Role { current, next: None })
    }

    fn seen(sight: ObservedAccess) -> AccessSecrets {
        AccessSecrets { version: None, sight }
    }

    fn usable() -> AccessSecrets {
        sight(ObservedSecret::Usable(ExternalId::parse(b"canary-external-id").expect("an id")))
    }

    #[test]
    fn each_fault_has_its_reason_and_none_shows_the_external_id() {
        let invalid = |problem| sight(ObservedSecret::Invalid(problem));
        for (tenancy, sight, reused, expected) in [
            (Ok(()), usable(), false, None),
            (Err(TenancyRefusal::NoRule), usable(), false, Some(Reason::RoleNotAllowedInNamespace)),
            (Err(TenancyRefusal::OwnAccount), usable(), false, Some(Reason::RoleNotAllowedInNamespace)),
            (
                Err(TenancyRefusal::OwnAccountAndNoRule),
                usable(),
                false,
                Some(Reason::RoleNotAllowedInNamespace),
            ),
            (
                Err(TenancyRefusal::NoRule),
                sight(ObservedSecret::NotUsable),
                false,
                Some(Reason::RoleNotAllowedInNamespace),
            ),
            (Ok(()), sight(ObservedSecret::NotUsable), false, Some(Reason::SecretNotUsable)),
            (
                Ok(()),
                sight(ObservedSecret::KeyMissing("k".to_owned())),
                false,
                Some(Reason::SecretKeyMissing),
            ),
            (Ok(()), invalid(InvalidExternalId::Empty), false, Some(Reason::ExternalIdEmpty)),
            (Ok(()), invalid(InvalidExternalId::Whitespace), false, Some(Reason::ExternalIdWhitespace)),
            (Ok(()), invalid(InvalidExternalId::Characters), false, Some(Reason::ExternalIdInvalid)),
            (Ok(()), usable(), true, Some(Reason::ExternalIdReused)),
        ] {
            let finding = pass_gate(&account(), "finops", tenancy, &sight, &|_| reused).err();
            assert_eq!(finding.as_ref().map(|finding| finding.reason), expected);
            assert!(
                expected.is_none_or(|reason| Guide::to(reason).source == ReasonSource::Cluster),
                "{expected:?}"
            );
            assert!(finding.is_none_or(|finding| !finding.message.contains("canary")));
        }
    }

    fn id(text: &str) -> ExternalId {
        ExternalId::parse(text.as_bytes()).expect("an id")
    }

    fn rotating(
        current: ObservedExternalId,
        next: ObservedExternalId,
        reused: &dyn Fn(&ExternalId) -> bool,
    ) -> Result<RoleAccess, Box<Finding>> {
        let mut account = account();
        if let ValidAccess::Role(role) = &mut account.access {
            role.next = Some(SecretKey { name: "next".to_owned(), key: "externalId".to_owned() });
        }
        let sight = seen(ObservedAccess::Role { current, next: Some(next) });
        let access = pass_gate(&account, "finops", Ok(()), &sight, reused)?;
        let TargetAccess::Role(role) = access else { unreachable!("it is a role's") };
        Ok(role)
    }

    #[test]
    fn one_usable_external_id_of_two_is_enough() {
        let usable = |text: &str| ObservedSecret::Usable(id(text));
        let none = &|_: &ExternalId| false;

        let old = rotating(usable("old-id"), ObservedSecret::NotUsable, none).expect("the current one works");
        assert_eq!(old.external_id.expose(), "old-id");
        assert!(matches!(old.next_external_id, NextExternalId::Unusable { secret } if secret == "next"));

        let new = rotating(ObservedSecret::NotUsable, usable("new-id"), none).expect("the next one works");
        assert_eq!(new.external_id.expose(), "new-id");
        assert!(matches!(new.next_external_id, NextExternalId::Usable(next) if next.expose() == "new-id"));

        assert!(rotating(ObservedSecret::NotUsable, ObservedSecret::NotUsable, none).is_err());
    }

    #[test]
    fn of_two_external_ids_the_secret_of_the_reused_one_is_named() {
        for (reused, name) in [("old-id", "acme-external-id"), ("new-id", "next")] {
            let (old, new) = (ObservedSecret::Usable(id("old-id")), ObservedSecret::Usable(id("new-id")));
            let finding = rotating(old, new, &|id| id.expose() == reused).expect_err("it is reused");
            assert_eq!(finding.reason, Reason::ExternalIdReused);
            assert!(
                finding.message.contains(&format!("the external ID of Secret {name}.")),
                "{}",
                finding.message
            );
        }
    }

    #[test]
    fn the_fix_for_a_secret_names_its_key_and_shows_no_value_on_a_command_line() {
        let said = |sight| {
            let passed = pass_gate(&account(), "finops", Ok(()), &sight, &|_| false);
            let finding = passed.expect_err("it is not usable");
            (finding.message, finding.snippet.expect("commands").text)
        };
        let (message, missing) = said(sight(ObservedSecret::NotUsable));
        assert!(!message.contains("kubectl"), "a command stands beside a sentence: {message}");
        assert_eq!(
            missing.lines().collect::<Vec<_>>(),
            [
                "kubectl -n finops create secret generic acme-external-id --from-file=externalId=FILE",
                "kubectl -n finops label --overwrite secret acme-external-id awscost.io/use=external-id",
            ]
        );
        let (keyless, keys) = said(sight(ObservedSecret::KeyMissing("externalId".to_owned())));
        assert_eq!(keys, "kubectl -n finops describe secret acme-external-id");
        assert!(keyless.contains("has no key externalId;"), "{keyless}");
        assert!(keyless.contains("spec.access.externalIdSecretRef.key"), "{keyless}");
    }

    #[test]
    fn who_is_not_allowed_gets_the_rule_to_copy() {
        for (refusal, rule) in [
            (TenancyRefusal::NoRule, r#"{namespaces: [finops], accountIds: ["123456789012"]}"#),
            (
                TenancyRefusal::OwnAccount,
                r#"tenancy.ownAccountRoleArns: ["arn:aws:iam::123456789012:role/awscost"]"#,
            ),
            (
                TenancyRefusal::OwnAccountAndNoRule,
                r#"{namespaces: [finops], roleArns: ["arn:aws:iam::123456789012:role/awscost"]}"#,
            ),
        ] {
            let finding = pass_gate(&account(), "finops", Err(refusal), &usable(), &|_| false);
            let message = finding.expect_err("not allowed").message;
            assert!(message.ends_with(rule), "{message}");
        }
    }

    #[test]
    fn a_shut_gate_speaks_of_the_same_conditions_as_an_open_one() {
        let bucket = json!({"name": "acme-billing", "region": "eu-west-1"});
        let with = |access: serde_json::Value| {
            let spec = json!({
                "accountType": "Management",
                "accountId": "123456789012",
                "access": access,
                "report": {"name": "acme", "bucket": bucket},
                "ingestion": {"warehouseRef": {"name": "main"}},
                "metrics": {"region": "eu-west-1"}
            });
            validate::parse_account(&serde_json::from_value(spec).expect("a spec")).expect("valid")
        };
        let role = "arn:aws:iam::123456789012:role/awscost";
        for (account, sight) in [
            (account(), usable()),
            (with(json!({"roleArn": role, "externalIdSecretRef": {"name": "id"}})), usable()),
            (
                with(json!({"accessKeySecretRef": {"name": "keys"}})),
                seen(ObservedAccess::Keys(ObservedSecret::Usable(
                    AccessKeys::parse(b"AKIAEXAMPLEEXAMPLE01", b"secret").expect("keys"),
                ))),
            ),
        ] {
            let access = pass_gate(&account, "finops", Ok(()), &sight, &|_| false).expect("it is open");
            let conditions = |findings: Vec<Finding>| -> BTreeSet<ConditionType> {
                findings.into_iter().map(|finding| finding.condition).collect()
            };
            let open = checks::run(&Facts::default(), &account.target(access, None), Timestamp::UNIX_EPOCH);
            let deliveries = [ConditionType::ReportDelivered, ConditionType::HistoryComplete];
            let deliveries = deliveries.into_iter().filter(|_| account.bill.is_some());
            let open: BTreeSet<ConditionType> = conditions(open).into_iter().chain(deliveries).collect();
            let finding = Finding::fail(ConditionType::RoleAssumable, Reason::SecretNotUsable, "words");
            assert_eq!(conditions(checks::shut(finding, account.parts())), open);
        }
    }

    #[test]
    fn behind_a_shut_gate_every_layer_is_blocked() {
        let finding = Finding::fail(ConditionType::RoleAssumable, Reason::SecretNotUsable, "words");
        let reasons: Vec<Reason> =
            checks::shut(finding, account().parts()).iter().map(|finding| finding.reason).collect();
        let blocked = Reason::BlockedByRole;
        assert_eq!(reasons, [Reason::SecretNotUsable, blocked, blocked, blocked]);
    }
}
