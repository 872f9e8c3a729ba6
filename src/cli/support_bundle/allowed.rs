//! What of each object goes into a bundle: lists of fields, the parts of a path separated by spaces. Lists in an object are
//! gone through by themselves. Free texts of people (display names, labels, annotations) and amounts of money are on no list.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What every object is called.
const CALLED: &[&str] = &[
    "metadata name",
    "metadata namespace",
    "metadata generation",
    "metadata creationTimestamp",
    "metadata deletionTimestamp",
];

pub(super) const ACCOUNT: &[&str] = &[
    "spec accountId",
    "spec accountType",
    "spec access roleArn",
    "spec access stsRegion",
    "spec access requireExternalId",
    "spec access generateExternalId",
    "spec access externalIdSecretRef name",
    "spec access externalIdSecretRef key",
    "spec access nextExternalIdSecretRef name",
    "spec access nextExternalIdSecretRef key",
    "spec access accessKeySecretRef name",
    "spec report name",
    "spec report kind",
    "spec report bucket name",
    "spec report bucket region",
    "spec report bucket prefix",
    "spec report bucket ownerAccountId",
    "spec history months",
    "spec metrics region",
    "spec ingestion warehouseRef name",
    "spec ingestion interval",
    "spec ingestion resources requests cpu",
    "spec ingestion resources requests memory",
    "spec ingestion resources requests ephemeral-storage",
    "spec ingestion resources limits cpu",
    "spec ingestion resources limits memory",
    "spec ingestion resources limits ephemeral-storage",
    "spec freshness maxDeliveryAge",
    "spec freshness firstDeliveryGrace",
    "spec deletionPolicy",
    "spec suspend",
    "status observedGeneration",
    "status conditions type",
    "status conditions status",
    "status conditions reason",
    "status conditions message",
    "status conditions observedGeneration",
    "status conditions lastTransitionTime",
    "status identity accountId",
    "status identity managementAccountId",
    "status identity operator accountId",
    "status identity operator principal",
    "status identity externalIdInUse",
    "status identity lastAssumed roleArn",
    "status identity lastAssumed principal",
    "status report kind",
    "status report lastDelivery",
    "status bucket region",
    "status history missing",
    "status periods period",
    "status periods state",
    "status periods deliveredVersion",
    "status periods delivered",
    "status periods version",
    "status periods loaded",
    "status periods rows",
    "status periods failure version",
    "status periods failure attempts",
    "status periods failure strikes",
    "status periods failure class",
    "status periods failure reason",
    "status periods failure message",
    "status periods failure at",
    "status ingestion lastSuccess",
    "status ingestion activeJobs",
    "status purge failures",
    "status purge failedAt",
    "status purge warehouseGoneSince",
];

pub(super) const WAREHOUSE: &[&str] = &[
    "spec delta location",
    "spec delta region",
    "spec delta endpoint",
    "spec delta pathStyle",
    "spec delta credentialsSecretRef name",
    "spec delta serviceAccountName",
    "spec delta persistentVolumeClaim",
    "status observedGeneration",
    "status conditions type",
    "status conditions status",
    "status conditions reason",
    "status conditions message",
    "status conditions observedGeneration",
    "status conditions lastTransitionTime",
    "status probe at",
    "status probe count",
    "status probe failures",
];

pub(super) const JOB: &[&str] = &[
    "metadata labels app.kubernetes.io/component",
    "metadata labels awscost.io/period",
    "metadata labels awscost.io/attempt",
    "spec activeDeadlineSeconds",
    "status active",
    "status succeeded",
    "status failed",
    "status startTime",
    "status completionTime",
    "status conditions type",
    "status conditions status",
    "status conditions reason",
];

pub(super) const POD: &[&str] = &[
    "metadata labels app.kubernetes.io/component",
    "status phase",
    "status reason",
    "status startTime",
    "status conditions type",
    "status conditions status",
    "status conditions reason",
    "status containerStatuses name",
    "status containerStatuses restartCount",
    "status containerStatuses state waiting reason",
    "status containerStatuses state running startedAt",
    "status containerStatuses state terminated exitCode",
    "status containerStatuses state terminated signal",
    "status containerStatuses state terminated reason",
    "status containerStatuses state terminated startedAt",
    "status containerStatuses state terminated finishedAt",
    "status containerStatuses lastState terminated exitCode",
    "status containerStatuses lastState terminated reason",
    "status containerStatuses lastState terminated finishedAt",
];

pub(super) const DEPLOYMENT: &[&str] = &[
    "metadata labels app.kubernetes.io/instance",
    "metadata labels app.kubernetes.io/version",
    "metadata labels helm.sh/chart",
    "spec replicas",
    "spec template spec serviceAccountName",
    "spec template spec containers name",
    "spec template spec containers image",
    "spec template spec containers imagePullPolicy",
    "spec template spec containers resources requests cpu",
    "spec template spec containers resources requests memory",
    "spec template spec containers resources requests ephemeral-storage",
    "spec template spec containers resources limits cpu",
    "spec template spec containers resources limits memory",
    "spec template spec containers resources limits ephemeral-storage",
    "status replicas",
    "status readyReplicas",
    "status availableReplicas",
    "status updatedReplicas",
    "status conditions type",
    "status conditions status",
    "status conditions reason",
];

pub(super) const LEASE: &[&str] = &[
    "spec holderIdentity",
    "spec leaseDurationSeconds",
    "spec acquireTime",
    "spec renewTime",
    "spec leaseTransitions",
];

/// Of the operator's settings file.
pub(super) const SETTINGS: &[&str] = &[
    "image",
    "imagePullPolicy",
    "clusterName",
    "watch namespaces",
    "watch allNamespaces",
    "tenancy rules namespaces",
    "tenancy rules accountIds",
    "tenancy rules roleArns",
    "tenancy ownAccountRoleArns",
    "jobs perAccount",
    "jobs perWarehouse",
    "jobs cluster",
    "jobs deadline",
    "jobs ttl",
    "jobPods imagePullSecrets name",
    "jobPods resources requests cpu",
    "jobPods resources requests memory",
    "jobPods resources requests ephemeral-storage",
    "jobPods resources limits cpu",
    "jobPods resources limits memory",
    "jobPods resources limits ephemeral-storage",
    "jobPods priorityClassName",
    "jobPods podSecurityContext runAsNonRoot",
    "jobPods podSecurityContext runAsUser",
    "jobPods podSecurityContext fsGroup",
    "jobPods securityContext runAsNonRoot",
    "jobPods securityContext runAsUser",
    "caBundle",
    "leaderElection enabled",
    "leaderElection leaseName",
    "leaderElection leaseDuration",
    "leaderElection renewDeadline",
    "leaderElection retryPeriod",
    "metrics address",
];

pub(super) const EVENT: &[&str] = &[
    "metadata namespace",
    "metadata creationTimestamp",
    "regarding kind",
    "regarding name",
    "type",
    "reason",
    "action",
    "reportingController",
    "eventTime",
    "series count",
    "series lastObservedTime",
    "deprecatedCount",
    "deprecatedFirstTimestamp",
    "deprecatedLastTimestamp",
];

/// Whose events are told in words, and which others are: those of the scheduler and the kubelet about what a pod waits for.
const SPEAKER: &str = "awscost-operator";
const WORDS: [&str; 4] = ["FailedScheduling", "FailedMount", "FailedAttachVolume", "FailedCreate"];

/// Variables of the operator whose values tell no secret; of the others there is the name.
const VARIABLES: [&str; 6] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_EC2_METADATA_DISABLED",
    "AWSCOST_LOG",
];

/// Options of a Job whose values stand in the account or the warehouse, too; of the others there is the name.
const OPTIONS: [&str; 14] = [
    "--account",
    "--account-type",
    "--bucket-owner",
    "--connection",
    "--expect-version",
    "--kind",
    "--output",
    "-o",
    "--owner",
    "--period",
    "--region",
    "--report",
    "--source",
    "--warehouse",
];

/// The object with nothing but what is on the list.
pub(super) fn keep_listed(object: &Value, list: &[&str]) -> Value {
    let mut tree = Tree::default();
    for path in CALLED.iter().chain(list) {
        tree.plant(path.split(' '));
    }
    tree.pick(object).unwrap_or_else(|| json!({}))
}

/// The text of the settings file with nothing but what is on its list.
pub(super) fn allowed_settings(text: &str) -> Result<Value, String> {
    let all: Value = serde_saphyr::from_str(text).map_err(|_| "the settings are not YAML".to_owned())?;
    Ok(keep_listed(&all, SETTINGS))
}

/// An event, with its words if they are of a kind that tells no secret.
pub(super) fn allowed_event(event: &Value) -> Value {
    let mut kept = keep_listed(event, EVENT);
    let speaks = event["reportingController"] == SPEAKER
        || event["reason"].as_str().is_some_and(|reason| WORDS.contains(&reason));
    if let Some(note) = event["note"].as_str().filter(|_| speaks) {
        kept["note"] = json!(note);
    }
    kept
}

/// A Job, with what its container is called with.
pub(super) fn allowed_job(job: &Value) -> Value {
    let mut kept = keep_listed(job, JOB);
    let arguments = job.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
    let arguments: Vec<&str> = arguments.into_iter().flatten().filter_map(Value::as_str).collect();
    kept["arguments"] = json!(allowed_arguments(&arguments));
    kept
}

/// The Deployment, with the names of its variables and the values of some.
pub(super) fn allowed_deployment(deployment: &Value) -> Value {
    let mut kept = keep_listed(deployment, DEPLOYMENT);
    let variables = deployment.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array);
    let variables = variables.into_iter().flatten().filter_map(|variable| {
        let name = variable["name"].as_str()?;
        let mut told = json!({"name": name});
        if let Some(value) = variable["value"].as_str().filter(|_| VARIABLES.contains(&name)) {
            told["value"] = json!(value);
        }
        Some(told)
    });
    kept["variables"] = variables.collect();
    kept
}

/// The arguments with `…` for every value that belongs to no option on the list.
fn allowed_arguments(arguments: &[&str]) -> Vec<String> {
    let mut before = "";
    let mut told = Vec::new();
    for (place, argument) in arguments.iter().enumerate() {
        let (name, value) = argument.split_once('=').unwrap_or((*argument, ""));
        let is_name = name.starts_with('-');
        told.push(match (is_name, value.is_empty()) {
            (true, false) if !OPTIONS.contains(&name) => format!("{name}=…"),
            (true, _) => (*argument).to_owned(),
            // The commands themselves: `warehouse probe`.
            (false, _) if before.is_empty() && place < 2 => (*argument).to_owned(),
            (false, _) if OPTIONS.contains(&before) => (*argument).to_owned(),
            (false, _) => "…".to_owned(),
        });
        before = match (is_name, value.is_empty()) {
            (true, true) => name,
            (false, _) if before.is_empty() => "",
            _ => "value",
        };
    }
    told
}

/// A list as a tree of names; a leaf is a field that is kept, if it is a plain value.
#[derive(Default)]
struct Tree(BTreeMap<String, Self>);

impl Tree {
    fn plant<'a>(&mut self, mut path: impl Iterator<Item = &'a str>) {
        if let Some(part) = path.next() {
            self.0.entry(part.to_owned()).or_default().plant(path);
        }
    }

    fn pick(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(all) => {
                let picked: Vec<Value> = all.iter().filter_map(|one| self.pick(one)).collect();
                (!picked.is_empty()).then_some(Value::Array(picked))
            }
            Value::Object(object) => {
                let picked: Map<String, Value> = object
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.0.get(name)?.pick(value)?)))
                    .collect();
                (!picked.is_empty()).then_some(Value::Object(picked))
            }
            Value::Null => None,
            plain => self.0.is_empty().then(|| plain.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::crd;

    /// An object that has every field of a list, and beside each, above and below it, something that nobody allowed.
    fn overgrown(list: &[&str]) -> Value {
        let mut object = json!({"canary": "canary"});
        for path in list {
            let parts: Vec<&str> = path.split(' ').collect();
            let mut place = &mut object;
            for part in &parts[..parts.len() - 1] {
                place = &mut place[*part];
                place["canary"] = json!({"canary": ["canary"]});
                place["canaryText"] = json!("canary");
            }
            place[parts[parts.len() - 1]] = json!("kept");
        }
        object
    }

    #[test]
    fn nothing_is_kept_that_is_on_no_list() {
        for list in [ACCOUNT, WAREHOUSE, JOB, POD, DEPLOYMENT, LEASE, SETTINGS, EVENT] {
            let kept = keep_listed(&overgrown(list), list).to_string();
            assert!(!kept.contains("canary"), "{kept}");
            assert_eq!(kept.matches("kept").count(), list.len(), "{kept}");
        }
    }

    #[test]
    fn what_turns_out_to_hold_more_than_a_plain_value_is_not_kept() {
        let object = json!({"spec": {"suspend": {"later": "canary"}, "report": "canary"}});
        assert_eq!(keep_listed(&object, ACCOUNT), json!({}));
    }

    #[test]
    fn every_field_of_the_lists_is_one_of_the_definitions() {
        let kinds = [("AwsCostAccount", ACCOUNT), ("CostWarehouse", WAREHOUSE)];
        for (kind, list) in kinds {
            let definition = crd::all_definitions().into_iter().find(|one| one.spec.names.kind == kind);
            let schema = definition.and_then(|one| one.spec.versions[0].schema.clone()?.open_api_v3_schema);
            let schema = serde_json::to_value(schema).expect("JSON");
            for path in list {
                let mut place = &schema;
                for part in path.split(' ') {
                    place = if place["items"].is_object() { &place["items"] } else { place };
                    let any = &place["additionalProperties"];
                    place = if any.is_object() { any } else { &place["properties"][part] };
                }
                assert!(place.is_object(), "{kind} has no {path}");
            }
        }
    }

    #[test]
    fn a_job_is_told_without_values_of_unknown_options() {
        let arguments = [
            "ingest",
            "--source",
            "s3://acme-billing/cur",
            "--credentials-dir",
            "/var/run",
            "--new",
            "canary",
            "stray",
            "--token=canary",
            "--period",
            "2026-10",
            "-o",
            "json",
        ];
        let job = json!({"spec": {"template": {"spec": {"containers": [{"args": arguments, "env": [{"value": "canary"}]}]}}}});
        let kept = allowed_job(&job);
        let told: Vec<&str> =
            kept["arguments"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert_eq!(
            told,
            [
                "ingest",
                "--source",
                "s3://acme-billing/cur",
                "--credentials-dir",
                "…",
                "--new",
                "…",
                "…",
                "--token=…",
                "--period",
                "2026-10",
                "-o",
                "json"
            ]
        );
        assert_eq!(allowed_arguments(&["warehouse", "probe", "canary"]), ["warehouse", "probe", "…"]);
        assert_eq!(
            allowed_arguments(&[
                "ingest",
                "--report=-x",
                "--credentials-dir=/var/run",
                "--period=2026-10",
                "canary"
            ]),
            ["ingest", "--report=-x", "--credentials-dir=…", "--period=2026-10", "…"]
        );
    }

    #[test]
    fn variables_are_names_and_few_have_values() {
        let env = json!([{"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "HTTPS_PROXY", "value": "http://u:canary@p"},
            {"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": {"secretKeyRef": {"name": "canary"}}}]);
        let deployment =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "operator", "env": env}]}}}});
        let kept = allowed_deployment(&deployment);
        assert_eq!(
            kept["variables"],
            json!([{"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "HTTPS_PROXY"},
            {"name": "AWS_SECRET_ACCESS_KEY"}])
        );
    }

    #[test]
    fn only_known_speakers_are_quoted() {
        let said = |controller: &str, reason: &str| {
            let event = json!({"reportingController": controller, "reason": reason, "note": "words"});
            allowed_event(&event)["note"].is_string()
        };
        assert!(said(SPEAKER, "AssumeRoleDenied") && said("default-scheduler", "FailedScheduling"));
        assert!(!said("kubelet", "Failed") && !said("", "Pulled"));
    }
}
