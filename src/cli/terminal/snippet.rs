//! The block to copy that goes with a condition, made again from the object: status has no room for policies and commands.

use crate::{
    api::{
        AwsCostAccount, CostWarehouse, DEFAULT_EXTERNAL_ID_KEY, USE_ACCESS_KEY, USE_EXTERNAL_ID,
        USE_WAREHOUSE, aws_cost_account::Access,
    },
    aws::traits::Caller,
    cli::terminal::{harmless::make_harmless, wrap::wrap_text},
    connection::{Asker, Snippet, working_trust},
    controller::{KEYS_OF_ACCESS, secret_commands, secret_keys},
    model::{Guide, Reason, RoleArn, guide::SnippetKind},
};

/// The block for a reason of an account.
pub(in crate::cli) fn of_account(
    reason: Reason,
    account: &AwsCostAccount,
    namespace: &str,
) -> Option<Snippet> {
    let access = &account.spec.access;
    match Guide::to(reason).block {
        SnippetKind::None => None,
        SnippetKind::TrustPolicy => {
            let role: RoleArn = access.role_arn.as_ref()?.parse().ok()?;
            Some(working_trust(operator(account).as_ref(), role.partition(), Asker::Operator))
        }
        // What the operator could not make itself, nobody is told to make.
        SnippetKind::SecretCommands if access.generate_external_id == Some(true) => None,
        SnippetKind::SecretCommands => {
            Some(match (&access.access_key_secret_ref, &access.external_id_secret_ref) {
                (Some(keys), _) => secret_commands(namespace, &keys.name, USE_ACCESS_KEY, &KEYS_OF_ACCESS),
                (None, id) => {
                    let id = id.as_ref()?;
                    let key = id.key.as_deref().unwrap_or(DEFAULT_EXTERNAL_ID_KEY);
                    secret_commands(namespace, &id.name, USE_EXTERNAL_ID, &[key])
                }
            })
        }
        SnippetKind::SecretKeys => Some(secret_keys(namespace, secret(access)?)),
    }
}

/// The block for a reason of a warehouse.
pub(in crate::cli) fn of_warehouse(
    reason: Reason,
    warehouse: &CostWarehouse,
    namespace: &str,
) -> Option<Snippet> {
    let secret = warehouse.spec.secret()?;
    (Guide::to(reason).block == SnippetKind::SecretCommands)
        .then(|| secret_commands(namespace, secret, USE_WAREHOUSE, &KEYS_OF_ACCESS))
}

/// The operator, as it noted itself in status.
fn operator(account: &AwsCostAccount) -> Option<Caller> {
    let noted = account.status.as_ref()?.identity.as_ref()?.operator.as_ref()?;
    Some(Caller { account: noted.account_id.parse().ok()?, arn: noted.principal.clone() })
}

fn secret(access: &Access) -> Option<&str> {
    let keys = access.access_key_secret_ref.as_ref().map(|keys| keys.name.as_str());
    keys.or_else(|| access.external_id_secret_ref.as_ref().map(|id| id.name.as_str()))
}

/// The block for a terminal: its title as a sentence, its lines as they are, for they are copied.
pub(in crate::cli) fn indent_block(snippet: &Snippet, indent: &str) -> String {
    let lines = snippet.text.lines().map(|line| format!("{indent}  {}\n", make_harmless(line)));
    wrap_text(&snippet.title, indent, indent) + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn account(access: Value) -> AwsCostAccount {
        let mut account = AwsCostAccount::new(
            "acme",
            serde_json::from_value(json!({"accountType": "Member", "access": access})).expect("a spec"),
        );
        let operator =
            json!({"accountId": "999900009999", "principal": "arn:aws:iam::999900009999:role/operator"});
        account.status =
            serde_json::from_value(json!({"identity": {"operator": operator}})).expect("a status");
        account
    }

    fn over_role() -> Value {
        json!({"roleArn": "arn:aws:iam::111122223333:role/awscost", "externalIdSecretRef": {"name": "id"}})
    }

    #[test]
    fn a_trust_policy_is_made_again_from_spec_and_status_and_never_wrapped() {
        let found = of_account(Reason::AssumeRoleDenied, &account(over_role()), "finops").expect("a policy");
        let policy: Value = serde_json::from_str(&found.text).expect("it is JSON");
        let principal = &policy["Statement"][0]["Principal"]["AWS"];
        assert_eq!(principal, "arn:aws:iam::999900009999:role/operator");
        let shown = indent_block(&found, "  ");
        assert!(
            shown.ends_with(&format!(
                "{}\n",
                found.text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
            )),
            "{shown}"
        );
        let long = Snippet { title: "T:".to_owned(), text: "word ".repeat(40).trim().to_owned() };
        assert_eq!(indent_block(&long, "").lines().count(), 2, "what is copied keeps its line");
    }

    #[test]
    fn the_commands_are_those_of_the_secret_that_the_spec_names() {
        let text = |reason, access| of_account(reason, &account(access), "finops").map(|found| found.text);
        let label = "kubectl -n finops label --overwrite secret";
        assert_eq!(
            text(Reason::SecretNotUsable, over_role()).expect("commands").lines().collect::<Vec<_>>(),
            [
                "kubectl -n finops create secret generic id --from-file=externalId=FILE".to_owned(),
                format!("{label} id awscost.io/use=external-id"),
            ]
        );
        let keys = text(Reason::SecretNotUsable, json!({"accessKeySecretRef": {"name": "keys"}}));
        assert!(keys.expect("commands").ends_with(&format!("{label} keys awscost.io/use=access-key")));
        let keyless = text(Reason::SecretKeyMissing, over_role());
        assert_eq!(keyless.as_deref(), Some("kubectl -n finops describe secret id"));
        let mut generated = over_role();
        generated["generateExternalId"] = json!(true);
        assert_eq!(text(Reason::SecretNotUsable, generated), None, "the operator makes it itself");
        assert_eq!(text(Reason::BucketNotFound, over_role()), None);
    }
}
