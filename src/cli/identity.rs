//! `awscost identity`: who the operator is in AWS, as the trust policies of accounts' roles have to name it.

use std::collections::BTreeMap;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{ResourceExt, core::DeserializeGuard};

use super::cluster::{ClusterArgs, ClusterFault, ClusterScope};
use crate::{
    api::{AwsCostAccount, OPERATOR_PRINCIPAL},
    cli::terminal::print::{complain, print_out},
    model::ExitCode,
};

/// Where to look.
#[derive(Debug, clap::Args)]
pub struct IdentityArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Look only in this namespace: the operator's own, or one with accounts. By default in all.
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

/// Principals, each with where it stands.
type SeenOperators = BTreeMap<String, Vec<String>>;

/// Runs the command.
pub async fn run(args: IdentityArgs) -> ExitCode {
    match read_operator(&args).await {
        Ok((principal, places)) => {
            print_out(&format!("OPERATOR={principal}\n"));
            complain(&format!("as {} says", places.join(", ")));
            if principal.split_once(":role/").is_some_and(|(_, name)| !name.contains('/')) {
                complain(
                    "if this role has a path, add it before the name: an operator on EKS Pod Identity can't see the path",
                );
            }
            ExitCode::Done
        }
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit_code()
        }
    }
}

async fn read_operator(args: &IdentityArgs) -> Result<(String, Vec<String>), ClusterFault> {
    let (client, _) = args.cluster.connect_with_namespace().await?;
    let scope = ClusterScope { client, namespace: args.namespace.clone() };
    // Whoever may see one of the two kinds only is told what that one says.
    let (accounts, leases) =
        futures::join!(scope.list::<DeserializeGuard<AwsCostAccount>>(None), scope.list::<Lease>(None));
    let mut seen = SeenOperators::new();
    accounts
        .as_ref()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .for_each(|account| note_account(&mut seen, account));
    leases.as_ref().map_or(&[][..], Vec::as_slice).iter().for_each(|lease| note_lease(&mut seen, lease));
    match (seen.len(), accounts.err().or_else(|| leases.err())) {
        (1, _) => seen.pop_first().ok_or_else(no_operator),
        (0, Some(fault)) => Err(fault),
        (0, None) => Err(no_operator()),
        _ => Err(several_operators(&seen)),
    }
}

fn note_account(seen: &mut SeenOperators, account: &DeserializeGuard<AwsCostAccount>) {
    let Ok(parsed) = &account.0 else { return };
    let operator = parsed.status.as_ref().and_then(|status| status.identity.as_ref()?.operator.as_ref());
    // One account is place enough: there may be hundreds.
    if let Some(operator) = operator.filter(|operator| !seen.contains_key(&operator.principal)) {
        let place =
            format!("AwsCostAccount {}/{}", account.namespace().unwrap_or_default(), account.name_any());
        seen.insert(operator.principal.clone(), vec![place]);
    }
}

fn note_lease(seen: &mut SeenOperators, lease: &Lease) {
    let Some(principal) = lease.annotations().get(OPERATOR_PRINCIPAL) else { return };
    let place = format!("Lease {}/{}", lease.namespace().unwrap_or_default(), lease.name_any());
    seen.entry(principal.clone()).or_default().push(place);
}

fn no_operator() -> ClusterFault {
    ClusterFault::Refused(
        "no operator has said who it is in AWS: see that it runs and has an AWS identity (kubectl -n awscost-system logs \
         deployment/awscost); it says so within a minute"
            .to_owned(),
    )
}

fn several_operators(seen: &SeenOperators) -> ClusterFault {
    let each: Vec<String> =
        seen.iter().map(|(principal, places)| format!("{principal} ({})", places.join(", "))).collect();
    ClusterFault::Refused(format!(
        "there are several operators; choose one with -n NAMESPACE: {}",
        each.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "arn:aws:iam::999988887777:role/one";

    fn account(name: &str, principal: &str) -> DeserializeGuard<AwsCostAccount> {
        let value = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": name, "namespace": "finops"},
            "spec": {"accountType": "Member", "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost", "externalIdSecretRef": {"name": "id"}
            }},
            "status": {"identity": {"operator": {"accountId": "999988887777", "principal": principal}}}
        });
        serde_json::from_value(value).expect("an account")
    }

    fn lease(annotations: serde_json::Value) -> Lease {
        let metadata =
            json!({"name": "awscost-operator", "namespace": "awscost-system", "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata})).expect("a lease")
    }

    #[test]
    fn what_accounts_and_the_lease_say_is_one_identity() {
        let mut seen = SeenOperators::new();
        note_account(&mut seen, &account("acme", ONE));
        note_account(&mut seen, &account("shop", ONE));
        note_lease(&mut seen, &lease(json!({OPERATOR_PRINCIPAL: ONE})));
        note_lease(&mut seen, &lease(json!({"another": "annotation"})));
        let places = ["AwsCostAccount finops/acme", "Lease awscost-system/awscost-operator"];
        assert_eq!(seen, SeenOperators::from([(ONE.to_owned(), places.map(str::to_owned).to_vec())]));
    }

    #[test]
    fn of_several_operators_none_is_picked_for_anybody() {
        let mut seen = SeenOperators::new();
        note_account(&mut seen, &account("acme", ONE));
        note_lease(&mut seen, &lease(json!({OPERATOR_PRINCIPAL: "arn:aws:iam::999988887777:role/two"})));
        let said = several_operators(&seen).to_string();
        assert!(
            said.contains("role/one (AwsCostAccount finops/acme)") && said.contains("role/two"),
            "{said}"
        );
    }
}
