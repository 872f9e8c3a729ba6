//! The pod of a Job: restricted, without a service-account token, with the least it needs mounted.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, Container, EmptyDirVolumeSource, EnvVar, KeyToPath, LocalObjectReference,
        PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile,
        SecretVolumeSource, SecurityContext, Toleration, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, util::intstr::IntOrString},
};

use crate::{
    api::{
        ValidWarehouse,
        aws_cost_account::{self, Ingestion, Resources},
    },
    controller::{
        jobs::{
            authorities,
            manifest::{CA_DIR, CONTAINER, JobSettings, SESSION_DIR, SESSION_KEY, WAREHOUSE_SECRET_DIR},
        },
        settings::JobPods,
    },
    model::WarehouseAccess,
    network::trust,
};

/// The user of the image; the group owns mounted volumes.
const USER: i64 = 65532;
/// Secrets are readable by user and group only.
const SECRET_MODE: i32 = 0o440;

pub(super) struct Pod<'a> {
    /// The Job's name, and its Secret's.
    pub job: &'a str,
    pub args: Vec<String>,
    pub warehouse: &'a ValidWarehouse,
    /// True if it reads a bucket in a session.
    pub session: bool,
    pub ingestion: Option<&'a Ingestion>,
    pub settings: &'a JobSettings,
}

impl Pod<'_> {
    pub(super) fn pod_spec(&self) -> PodSpec {
        let (volumes, mounts) = self.volumes();
        PodSpec {
            // A failed container is the Job's end: the operator decides on the next attempt, and backs off between them.
            restart_policy: Some("Never".to_owned()),
            service_account_name: Some(self.warehouse.access.service_account().to_owned()),
            // It never talks to the API server; a warehouse's own identity comes as a projected token of its own.
            automount_service_account_token: Some(false),
            // Thousands of services would fill its environment.
            enable_service_links: Some(false),
            security_context: Some(self.pod_security()),
            node_selector: Some(self.merge_maps(|pods| &pods.node_selector, |own| &own.node_selector))
                .filter(|selector| !selector.is_empty()),
            tolerations: Some(self.tolerations()).filter(|list| !list.is_empty()),
            image_pull_secrets: Some(self.pull_secrets()).filter(|list| !list.is_empty()),
            affinity: self.settings.pods.affinity.clone(),
            priority_class_name: self.settings.pods.priority_class_name.clone(),
            volumes: Some(volumes),
            containers: vec![self.main_container(mounts)],
            ..PodSpec::default()
        }
    }

    /// Annotations of the pod.
    pub(super) fn annotations(&self) -> BTreeMap<String, String> {
        self.merge_maps(|pods| &pods.annotations, |own| &own.pod_annotations)
    }

    /// A map of the administrator's, with an account's own over it, key by key.
    fn merge_maps(
        &self,
        default: fn(&JobPods) -> &BTreeMap<String, String>,
        own: fn(&Ingestion) -> &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut map = default(&self.settings.pods).clone();
        if let Some(ingestion) = self.ingestion {
            map.extend(own(ingestion).clone());
        }
        map
    }

    /// Added up: a toleration allows and never forbids.
    fn tolerations(&self) -> Vec<Toleration> {
        let own = self.ingestion.into_iter().flat_map(|ingestion| &ingestion.tolerations);
        self.settings.pods.tolerations.iter().chain(own).map(toleration_of).collect()
    }

    /// Added up: the kubelet tries one after the other.
    fn pull_secrets(&self) -> Vec<LocalObjectReference> {
        let own = self.ingestion.into_iter().flat_map(|ingestion| &ingestion.image_pull_secrets);
        let mut secrets = Vec::new();
        for secret in self.settings.pods.image_pull_secrets.iter().chain(own) {
            let reference = LocalObjectReference { name: secret.name.clone() };
            if !secrets.contains(&reference) {
                secrets.push(reference);
            }
        }
        secrets
    }

    /// Whom the pod runs as. That it is not root, and confined, is not the administrator's to change.
    fn pod_security(&self) -> PodSecurityContext {
        let mut context =
            self.settings.pods.pod_security_context.clone().unwrap_or_else(|| PodSecurityContext {
                run_as_user: Some(USER),
                run_as_group: Some(USER),
                fs_group: Some(USER),
                ..PodSecurityContext::default()
            });
        context.run_as_non_root = Some(true);
        // A warehouse of many files must not be walked by the kubelet before each Job.
        context.fs_group_change_policy.get_or_insert_with(|| "OnRootMismatch".to_owned());
        context.seccomp_profile.get_or_insert_with(|| SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        });
        context
    }

    fn container_security(&self) -> SecurityContext {
        let mut context = self.settings.pods.security_context.clone().unwrap_or_default();
        context.allow_privilege_escalation = Some(false);
        context.read_only_root_filesystem.get_or_insert(true);
        context.capabilities = Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None });
        context
    }

    fn main_container(&self, mounts: Vec<VolumeMount>) -> Container {
        let own = self.ingestion.and_then(|ingestion| ingestion.resources.as_ref());
        let resources = own.or(self.settings.pods.resources.as_ref());
        Container {
            name: CONTAINER.to_owned(),
            image: Some(self.settings.image.clone()),
            image_pull_policy: Some(self.settings.image_pull_policy.clone()),
            args: Some(self.args.clone()),
            env: Some(self.environment_of()),
            resources: Some(resources.map_or_else(default_resources, resource_requirements)),
            security_context: Some(self.container_security()),
            termination_message_path: Some("/dev/termination-log".to_owned()),
            // Never the log: it is not the contract, and it is not bounded.
            termination_message_policy: Some("File".to_owned()),
            volume_mounts: Some(mounts),
            ..Container::default()
        }
    }

    fn environment_of(&self) -> Vec<EnvVar> {
        // Otherwise an SDK without credentials would take the node's.
        let ours = BTreeMap::from([
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
            ("TMPDIR".to_owned(), "/tmp".to_owned()),
        ]);
        let mut env = self.settings.env.plain().clone();
        env.extend(ours);
        if self.settings.ca_secret.is_some() {
            env.insert(trust::VARIABLE.to_owned(), format!("{CA_DIR}/{}", authorities::KEY));
        }
        let plain =
            env.into_iter().map(|(name, value)| EnvVar { name, value: Some(value), value_from: None });
        plain.chain(self.settings.env.in_secret(self.job)).collect()
    }

    fn volumes(&self) -> (Vec<Volume>, Vec<VolumeMount>) {
        let scratch = Volume {
            name: "scratch".to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        };
        let mut both = vec![(scratch, "/tmp", MountAccess::Write)];
        if self.session {
            both.push((one_key("session", self.job, SESSION_KEY), SESSION_DIR, MountAccess::Read));
        }
        if let Some(secret) = self.warehouse.access.secret() {
            both.push((
                secret_volume("warehouse-credentials", secret),
                WAREHOUSE_SECRET_DIR,
                MountAccess::Read,
            ));
        }
        if let Some(secret) = self.settings.ca_secret {
            both.push((one_key("ca", secret, authorities::KEY), CA_DIR, MountAccess::Read));
        }
        if let Some(claim) = self.warehouse.access.claim() {
            let volume = Volume {
                name: "warehouse".to_owned(),
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: claim.to_owned(),
                    read_only: None,
                }),
                ..Volume::default()
            };
            both.push((volume, WarehouseAccess::mount_path(), MountAccess::Write));
        }
        both.into_iter()
            .map(|(volume, path, access)| {
                let mount = VolumeMount {
                    name: volume.name.clone(),
                    mount_path: path.to_owned(),
                    read_only: (access == MountAccess::Read).then_some(true),
                    ..VolumeMount::default()
                };
                (volume, mount)
            })
            .unzip()
    }
}

#[derive(PartialEq, Eq)]
enum MountAccess {
    Read,
    Write,
}

fn secret_volume(name: &str, secret: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            default_mode: Some(SECRET_MODE),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// One key of it: whatever else is in the Secret stays out of the pod's files.
fn one_key(name: &str, secret: &str, key: &str) -> Volume {
    let mut volume = secret_volume(name, secret);
    if let Some(source) = &mut volume.secret {
        source.items = Some(vec![KeyToPath { key: key.to_owned(), path: key.to_owned(), mode: None }]);
    }
    volume
}

fn toleration_of(said: &aws_cost_account::Toleration) -> Toleration {
    Toleration {
        key: said.key.clone(),
        operator: said.operator.clone(),
        value: said.value.clone(),
        effect: said.effect.clone(),
        toleration_seconds: said.toleration_seconds,
    }
}

fn resource_requirements(resources: &Resources) -> ResourceRequirements {
    let quantities = |map: &BTreeMap<String, IntOrString>| {
        let quantity = |value: &IntOrString| match value {
            IntOrString::Int(number) => Quantity(number.to_string()),
            IntOrString::String(text) => Quantity(text.clone()),
        };
        Some(map.iter().map(|(name, value)| (name.clone(), quantity(value))).collect())
            .filter(|map: &BTreeMap<_, _>| !map.is_empty())
    };
    ResourceRequirements {
        requests: quantities(&resources.requests),
        limits: quantities(&resources.limits),
        claims: None,
    }
}

/// More than twice what a month of a million rows took with two workers (docs/sizing.md). No CPU limit, which would only
/// slow it.
fn default_resources() -> ResourceRequirements {
    let map = |pairs: &[(&str, &str)]| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), Quantity((*value).to_owned()));
        Some(pairs.iter().map(own).collect())
    };
    ResourceRequirements {
        requests: map(&[("cpu", "250m"), ("memory", "512Mi")]),
        limits: map(&[("memory", "1Gi")]),
        claims: None,
    }
}
