//! What an administrator sees of the operator: its Deployment, its ConfigMap, the watched namespaces and the policies.

use futures::{StreamExt, stream};
use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, PodSpec},
};
use kube::{Api, Client, ResourceExt, api::ListParams};

use super::{AT_ONCE, why_unseen};
use crate::{
    cli::{
        cluster::ClusterFault,
        preflight::facts::{Deployed, OutsideView, SeenFact, SeenPolicy},
    },
    controller::settings::{InvalidSettings, Settings, Watch},
};

/// What the chart says of the operator's objects.
const OPERATOR: &str = "app.kubernetes.io/name=awscost,app.kubernetes.io/component=operator";
/// The key of the settings in their ConfigMap.
const SETTINGS_KEY: &str = "operator.yaml";

/// The operator's Deployment, if it was found.
pub(super) struct FoundOperator(SeenFact<Option<Box<Deployment>>>);

impl FoundOperator {
    pub(super) fn namespace(&self) -> Option<&str> {
        self.deployment()?.metadata.namespace.as_deref()
    }

    pub(super) fn release_name(&self) -> Option<String> {
        self.deployment()?.labels().get("app.kubernetes.io/instance").cloned()
    }

    fn deployment(&self) -> Option<&Deployment> {
        self.0.as_ref().ok()?.as_deref()
    }

    fn pod_spec(&self) -> Option<&PodSpec> {
        self.deployment()?.spec.as_ref()?.template.spec.as_ref()
    }

    /// The operator's account as the API server names it.
    fn service_account(&self) -> Option<String> {
        let name = self.pod_spec()?.service_account_name.as_deref().unwrap_or("default");
        Some(format!("system:serviceaccount:{}:{name}", self.namespace()?))
    }
}

/// Looks for the Deployment in a namespace, or in all.
pub(super) async fn find_operator(
    client: &Client,
    namespace: Option<&str>,
) -> Result<FoundOperator, ClusterFault> {
    let api: Api<Deployment> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    match api.list(&ListParams::default().labels(OPERATOR)).await {
        Ok(mut list) if list.items.len() < 2 => Ok(FoundOperator(Ok(list.items.pop().map(Box::new)))),
        Ok(list) => {
            let names: Vec<String> = list
                .iter()
                .map(|one| format!("{}/{}", one.namespace().unwrap_or_default(), one.name_any()))
                .collect();
            Err(ClusterFault::Refused(format!(
                "there are several operators ({}): choose one with --namespace",
                names.join(", ")
            )))
        }
        Err(error) => Ok(FoundOperator(Err(why_unseen("the operator's Deployment", &error)))),
    }
}

/// The settings from the ConfigMap that the Deployment mounts.
pub(super) async fn read_settings(
    client: &Client,
    found: &FoundOperator,
) -> SeenFact<Result<Settings, InvalidSettings>> {
    let Some((namespace, name)) = found.namespace().zip(config_map(found)) else {
        return Err(match &found.0 {
            Err(because) => because.clone(),
            Ok(None) => "there is no Deployment whose settings could be read".to_owned(),
            Ok(Some(_)) => "the Deployment mounts no ConfigMap with settings".to_owned(),
        });
    };
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = maps.get(name).await.map_err(|error| why_unseen("the ConfigMap with the settings", &error))?;
    let text = map.data.unwrap_or_default().remove(SETTINGS_KEY);
    Ok(Settings::parse(&text.ok_or_else(|| format!("ConfigMap {name} has no key {SETTINGS_KEY}"))?))
}

/// The ConfigMap that the operator's pods have their settings from.
fn config_map(found: &FoundOperator) -> Option<&str> {
    let volumes = found.pod_spec()?.volumes.iter().flatten();
    let map =
        volumes.filter(|volume| volume.name == "config").find_map(|volume| volume.config_map.as_ref())?;
    Some(&map.name)
}

pub(super) async fn gather_outside(
    client: &Client,
    found: &FoundOperator,
    settings: Option<&Settings>,
) -> OutsideView {
    let (missing_namespaces, policies) =
        tokio::join!(missing_namespaces(client, settings), read_policies(client, found));
    let deployment = match &found.0 {
        Err(because) => Err(because.clone()),
        Ok(found) => Ok(found.as_deref().map(describe_deployment)),
    };
    OutsideView { deployment, missing_namespaces, policies }
}

fn describe_deployment(deployment: &Deployment) -> Deployed {
    let spec = deployment.spec.as_ref();
    let containers = spec.and_then(|spec| spec.template.spec.as_ref()).map(|pod| pod.containers.as_slice());
    let operator =
        containers.and_then(|all| all.iter().find(|one| one.name == "operator").or_else(|| all.first()));
    Deployed {
        name: deployment.name_any(),
        image: operator.and_then(|container| container.image.clone()).unwrap_or_default(),
        wanted: spec.and_then(|spec| spec.replicas).unwrap_or(1),
        available: deployment.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0),
    }
}

async fn missing_namespaces(client: &Client, settings: Option<&Settings>) -> SeenFact<Vec<String>> {
    let names = match settings.map(|settings| &settings.watch) {
        None => return Err("the settings can't be read or used".to_owned()),
        Some(Watch::All) => return Ok(Vec::new()),
        Some(Watch::Namespaces(names)) => names.clone(),
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let answers: Vec<_> = stream::iter(names)
        .map(|name| {
            let namespaces = namespaces.clone();
            async move {
                let found = namespaces.get_metadata_opt(&name).await;
                found
                    .map(|found| found.is_none().then_some(name))
                    .map_err(|error| why_unseen("a namespace", &error))
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(answers.into_iter().collect::<SeenFact<Vec<_>>>()?.into_iter().flatten().collect())
}

async fn read_policies(client: &Client, found: &FoundOperator) -> SeenFact<Vec<SeenPolicy>> {
    let Some(account) = found.service_account() else {
        return Err("there is no Deployment that names the operator's service account".to_owned());
    };
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
    let all = ListParams::default();
    let (policies, bindings) = tokio::join!(policies.list(&all), bindings.list(&all));
    let what = "the admission policies and their bindings";
    let policies = policies.map_err(|error| why_unseen(what, &error))?;
    let bindings = bindings.map_err(|error| why_unseen(what, &error))?;
    Ok(policies
        .iter()
        .filter(|policy| is_about(policy, &account))
        .map(|policy| policy_summary(policy, &bindings.items))
        .collect())
}

/// True if the policy judges what this account does.
fn is_about(policy: &ValidatingAdmissionPolicy, account: &str) -> bool {
    let conditions = policy.spec.as_ref().and_then(|spec| spec.match_conditions.as_ref());
    let quoted = format!("{account:?}");
    conditions.is_some_and(|conditions| conditions.iter().any(|one| one.expression.contains(&quoted)))
}

fn policy_summary(
    policy: &ValidatingAdmissionPolicy,
    bindings: &[ValidatingAdmissionPolicyBinding],
) -> SeenPolicy {
    let name = policy.name_any();
    let spec = policy.spec.clone().unwrap_or_default();
    let rules = spec.match_constraints.and_then(|constraints| constraints.resource_rules).unwrap_or_default();
    let covers = rules.iter().flat_map(|rule| {
        let operations = rule.operations.iter().flatten();
        operations.flat_map(|operation| {
            rule.resources.iter().flatten().map(|resource| (resource.clone(), operation.clone()))
        })
    });
    let denies = bindings.iter().filter_map(|binding| binding.spec.as_ref()).any(|binding| {
        let refuses = binding.validation_actions.iter().flatten().any(|action| action == "Deny");
        binding.policy_name.as_deref() == Some(&name) && refuses
    });
    let validations = spec.validations.unwrap_or_default();
    let image = validations.iter().find_map(|validation| {
        let rest = validation.expression.split("container.image == \"").nth(1)?;
        rest.split('"').next().map(str::to_owned)
    });
    SeenPolicy { covers: covers.collect(), name, denies, image }
}
