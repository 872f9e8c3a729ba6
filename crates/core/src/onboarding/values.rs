//! What goes into the cluster for a pod's AWS identity: the chart's values, and a warehouse's service account.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::workload::{CredentialSource, WorkloadIdentity};
use crate::model::{AccountId, Region, RoleArn};

/// The Secret in which the chart looks for the operator's keys.
pub const OPERATOR_KEYS: &str = "awscost-aws";
/// By this annotation EKS knows a service account's role (IRSA).
const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// Values of the chart awscost-operator for an operator's identity and the accounts it is to serve.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorValues {
    #[serde(skip_serializing_if = "Option::is_none")]
    watch: Option<WatchValues>,
    #[serde(skip_serializing_if = "TenancyValues::is_empty")]
    tenancy: TenancyValues,
    aws: AwsValues,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_account: Option<ServiceAccountValues>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct WatchValues {
    namespaces: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct TenancyValues {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<TenancyRuleValues>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    own_account_role_arns: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TenancyRuleValues {
    namespaces: Vec<String>,
    account_ids: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AwsValues {
    env: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_secret: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ServiceAccountValues {
    name: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

/// An account that the operator is to serve.
#[derive(Debug, Clone)]
pub struct ServedAccount {
    /// The namespace of its object, if it names one.
    pub namespace: Option<String>,
    /// The AWS account that is loaded.
    pub account: AccountId,
    /// Its role; it may be reached with keys instead.
    pub role: Option<RoleArn>,
}

impl TenancyValues {
    fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.own_account_role_arns.is_empty()
    }

    /// Rules where several namespaces are watched, which start no operator without; and the roles of the operator's own account.
    fn of(workload: &WorkloadIdentity, served: &[ServedAccount], namespaces: &BTreeSet<String>) -> Self {
        let rule = |namespace: &String| TenancyRuleValues {
            namespaces: vec![namespace.clone()],
            account_ids: served
                .iter()
                .filter(|one| one.namespace.as_ref() == Some(namespace))
                .map(|one| one.account.to_string())
                .collect(),
        };
        let roles = served.iter().filter_map(|one| one.role.as_ref());
        let own = roles.filter(|role| role.account() == workload.principal.account());
        Self {
            rules: if namespaces.len() > 1 { namespaces.iter().map(rule).collect() } else { Vec::new() },
            own_account_role_arns: own.map(ToString::to_string).collect(),
        }
    }
}

impl OperatorValues {
    /// The values of an operator that is `workload` in AWS and serves these accounts.
    pub fn of(workload: &WorkloadIdentity, served: &[ServedAccount], region: &Region) -> Self {
        let namespaces: BTreeSet<String> = served.iter().filter_map(|one| one.namespace.clone()).collect();
        let annotations = annotations(workload);
        let service_account = ServiceAccountValues { name: workload.service_account.clone(), annotations };
        Self {
            tenancy: TenancyValues::of(workload, served, &namespaces),
            watch: (!namespaces.is_empty()).then_some(WatchValues { namespaces }),
            aws: AwsValues {
                env: BTreeMap::from([("AWS_REGION", region.to_string())]),
                credentials_secret: (workload.source == CredentialSource::User).then_some(OPERATOR_KEYS),
            },
            service_account: (workload.source != CredentialSource::User).then_some(service_account),
        }
    }
}

fn annotations(workload: &WorkloadIdentity) -> BTreeMap<&'static str, String> {
    match workload.source {
        CredentialSource::Irsa(_) => BTreeMap::from([(ROLE_ANNOTATION, workload.principal.to_string())]),
        // The association binds them, from the outside.
        CredentialSource::PodIdentity(_) | CredentialSource::User => BTreeMap::new(),
    }
}

/// The service account of a warehouse's Jobs, as a manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccount {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMetadata,
    /// AWS's token is mounted by EKS; the API server's is not needed.
    automount_service_account_token: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ObjectMetadata {
    name: String,
    namespace: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

impl ServiceAccount {
    /// The service account of `workload`.
    pub fn of(workload: &WorkloadIdentity) -> Self {
        Self {
            api_version: "v1",
            kind: "ServiceAccount",
            metadata: ObjectMetadata {
                name: workload.service_account.clone(),
                namespace: workload.namespace.clone(),
                annotations: annotations(workload),
            },
            automount_service_account_token: false,
        }
    }
}

/// Values of the chart that let the operator's Jobs run as a service account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobValues {
    jobs: JobsValues,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct JobsValues {
    service_accounts: [String; 1],
}

impl JobValues {
    /// For the service account of `workload`.
    pub fn of(workload: &WorkloadIdentity) -> Self {
        Self { jobs: JobsValues { service_accounts: [workload.service_account.clone()] } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn values(source: CredentialSource, principal: &str, served: &[(&str, &str)]) -> Value {
        let workload = WorkloadIdentity {
            principal: principal.parse().expect("a principal"),
            source,
            namespace: "awscost-system".to_owned(),
            service_account: "awscost".to_owned(),
        };
        let served: Vec<ServedAccount> = served
            .iter()
            .map(|(namespace, account)| ServedAccount {
                namespace: Some((*namespace).to_owned()),
                account: account.parse().expect("an account"),
                role: format!("arn:aws:iam::{account}:role/awscost").parse().ok(),
            })
            .collect();
        let region = "eu-west-1".parse().expect("a region");
        serde_json::to_value(OperatorValues::of(&workload, &served, &region)).expect("JSON")
    }

    #[test]
    fn one_account_of_the_operators_own_is_named_and_no_rule_is_made() {
        let user = "arn:aws:iam::123456789012:user/awscost-operator";
        assert_eq!(
            values(CredentialSource::User, user, &[("finops", "123456789012")]),
            json!({
                "watch": {"namespaces": ["finops"]},
                "tenancy": {"ownAccountRoleArns": ["arn:aws:iam::123456789012:role/awscost"]},
                "aws": {"env": {"AWS_REGION": "eu-west-1"}, "credentialsSecret": "awscost-aws"},
            })
        );
    }

    #[test]
    fn several_namespaces_have_a_rule_each() {
        let issuer = CredentialSource::Irsa("https://oidc.example/id/A".parse().expect("an issuer"));
        let role = "arn:aws:iam::999988887777:role/awscost-operator";
        assert_eq!(
            values(issuer, role, &[("b", "222222222222"), ("a", "111111111111"), ("a", "333333333333")]),
            json!({
                "watch": {"namespaces": ["a", "b"]},
                "tenancy": {"rules": [
                    {"namespaces": ["a"], "accountIds": ["111111111111", "333333333333"]},
                    {"namespaces": ["b"], "accountIds": ["222222222222"]},
                ]},
                "aws": {"env": {"AWS_REGION": "eu-west-1"}},
                "serviceAccount": {"name": "awscost", "annotations": {"eks.amazonaws.com/role-arn": role}},
            })
        );
    }
}
