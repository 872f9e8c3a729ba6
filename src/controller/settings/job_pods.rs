//! What the administrator says of every Job's pod: defaults, to which an account's own `spec.ingestion` adds.
//!
//! Parsed strictly, Kubernetes' own types included: a key that would be lost is named. What would make a Job stronger than
//! the admission policy and the restricted profile allow is refused here, before any Job is.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, PodSecurityContext, SeccompProfile, SecurityContext};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

use crate::api::aws_cost_account::{ImagePullSecret, Resources, Toleration};

/// Defaults of every Job's pod.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JobPods {
    /// Secrets for pulling the image, in the Job's namespace. An account's own come after them.
    pub image_pull_secrets: Vec<ImagePullSecret>,
    /// Compute resources of the container; an account's own take their place.
    pub resources: Option<Resources>,
    /// Node labels asked for; an account's own win, key by key.
    pub node_selector: BTreeMap<String, String>,
    /// Taints tolerated; an account's own come after them.
    pub tolerations: Vec<Toleration>,
    /// Where the pod may run, and beside what.
    pub affinity: Option<Affinity>,
    /// The pod's priority.
    pub priority_class_name: Option<String>,
    /// Labels of Job and pod; an account's own win, key by key.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pod; an account's own win, key by key.
    pub annotations: BTreeMap<String, String>,
    /// Whom the pod runs as. Where it is absent, the image's user, who also owns mounted volumes.
    pub pod_security_context: Option<PodSecurityContext>,
    /// The container's share of it.
    pub security_context: Option<SecurityContext>,
}

impl JobPods {
    /// Reads the defaults and refuses what is not known, reserved, or too strong.
    pub(super) fn deserialize_strict<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        let pods: Self = serde_json::from_value(given.clone())
            .map_err(|error| D::Error::custom(format!("jobPods: {error}")))?;
        let kept = serde_json::to_value(&pods).map_err(D::Error::custom)?;
        if let Some(path) = find_lost(&given, &kept, "jobPods".to_owned()) {
            return Err(D::Error::custom(format!("{path} is not known")));
        }
        if let Some(key) = pods.labels.keys().find(|key| is_reserved_label(key)) {
            return Err(D::Error::custom(format!(
                "jobPods.labels: {key} is not for you to set: selectors of Kubernetes and of the operator depend on it"
            )));
        }
        match pods.too_strong() {
            Some(field) => Err(D::Error::custom(format!(
                "jobPods.{field}: a Job runs without root, privileges and added capabilities"
            ))),
            None => Ok(pods),
        }
    }

    /// The first field that would give a Job more than it may have.
    fn too_strong(&self) -> Option<&'static str> {
        let pod = self.pod_security_context.clone().unwrap_or_default();
        let container = self.security_context.clone().unwrap_or_default();
        let unconfined = |profile: &Option<SeccompProfile>| {
            profile.as_ref().is_some_and(|profile| profile.type_ == "Unconfined")
        };
        let added = container.capabilities.as_ref().and_then(|capabilities| capabilities.add.as_ref());
        [
            ("podSecurityContext.runAsNonRoot", pod.run_as_non_root == Some(false)),
            ("podSecurityContext.runAsUser", pod.run_as_user == Some(0)),
            ("podSecurityContext.seccompProfile", unconfined(&pod.seccomp_profile)),
            ("securityContext.runAsNonRoot", container.run_as_non_root == Some(false)),
            ("securityContext.runAsUser", container.run_as_user == Some(0)),
            ("securityContext.seccompProfile", unconfined(&container.seccomp_profile)),
            ("securityContext.privileged", container.privileged == Some(true)),
            ("securityContext.allowPrivilegeEscalation", container.allow_privilege_escalation == Some(true)),
            ("securityContext.capabilities.add", added.is_some_and(|added| !added.is_empty())),
        ]
        .into_iter()
        .find_map(|(field, strong)| strong.then_some(field))
    }
}

/// The path of the first key that parsing dropped. What is empty says nothing, and may go.
fn find_lost(given: &Value, kept: &Value, path: String) -> Option<String> {
    match given {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let path = format!("{path}.{key}");
            match kept.get(key) {
                Some(kept) => find_lost(value, kept, path),
                None if says_nothing(value) => None,
                None => Some(path),
            }
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, value)| {
            find_lost(value, kept.get(index).unwrap_or(&Value::Null), format!("{path}[{index}]"))
        }),
        _ => None,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Label keys of Kubernetes and of ours are not the user's to set: selectors depend on them.
pub fn is_reserved_label(key: &str) -> bool {
    key.starts_with("awscost.io/") || key.contains("kubernetes.io/")
}

#[cfg(test)]
mod tests {
    use crate::controller::settings::Settings;

    fn parsed(pods: &str) -> Result<Settings, String> {
        let yaml = format!("image: a\nwatch: {{namespaces: [a]}}\njobPods: {pods}\n");
        Settings::parse(&yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_pod_can_have_is_taken() {
        for pods in [
            "{}",
            "{imagePullSecrets: [{name: pull}], resources: {requests: {cpu: 1}}, nodeSelector: {pool: batch}}",
            "{tolerations: [{key: batch, operator: Exists, effect: NoSchedule, tolerationSeconds: 5}]}",
            "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}}}}",
            "{priorityClassName: low, labels: {team: finops}, annotations: {sidecar.istio.io/inject: 'false'}}",
            "{podSecurityContext: {runAsUser: 1000, fsGroup: 1000, supplementalGroups: [5], seccompProfile: {type: RuntimeDefault}}}",
            "{securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}",
        ] {
            parsed(pods).unwrap_or_else(|error| panic!("{pods}: {error}"));
        }
    }

    #[test]
    fn what_is_not_known_is_named_however_deep_it_lies() {
        for (pods, path) in [
            ("{typo: 1}", "typo"),
            ("{tolerations: [{key: a}, {keys: b}]}", "jobPods.tolerations[1].keys"),
            (
                "{affinity: {nodeAffinity: {preferred: []}, podAffinty: {x: 1}}}",
                "jobPods.affinity.podAffinty",
            ),
            ("{podSecurityContext: {fsgroup: 1}}", "jobPods.podSecurityContext.fsgroup"),
            ("{resources: {request: {cpu: 1}}}", "jobPods.resources.request"),
        ] {
            let error = parsed(pods).expect_err(pods);
            assert!(error.contains(path), "{pods}: the message does not name {path}: {error}");
        }
    }

    #[test]
    fn what_the_admission_policy_would_refuse_is_refused_at_the_start() {
        for (pods, field) in [
            ("{podSecurityContext: {runAsNonRoot: false}}", "podSecurityContext.runAsNonRoot"),
            ("{podSecurityContext: {runAsUser: 0}}", "podSecurityContext.runAsUser"),
            (
                "{podSecurityContext: {seccompProfile: {type: Unconfined}}}",
                "podSecurityContext.seccompProfile",
            ),
            ("{securityContext: {privileged: true}}", "securityContext.privileged"),
            (
                "{securityContext: {allowPrivilegeEscalation: true}}",
                "securityContext.allowPrivilegeEscalation",
            ),
            ("{securityContext: {capabilities: {add: [NET_RAW]}}}", "securityContext.capabilities.add"),
            ("{labels: {awscost.io/period: 1999-01}}", "awscost.io/period"),
            ("{labels: {app.kubernetes.io/name: mine}}", "app.kubernetes.io/name"),
        ] {
            let error = parsed(pods).expect_err(pods);
            assert!(error.contains(field), "{pods}: the message does not name {field}: {error}");
        }
    }
}
