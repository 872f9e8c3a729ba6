//! What a Job looks like: pure, and the same for the same inputs, so that its name is a promise.

mod environment;
mod pod;

use std::{collections::BTreeMap, fmt::Display, time::Duration};

use k8s_openapi::{
    api::{
        batch::v1::{
            Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
            PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
        },
        core::v1::PodTemplateSpec,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use sha2::{Digest, Sha256};

pub use environment::JobEnvironment;

use crate::{
    api::{ValidWarehouse, aws_cost_account::Ingestion},
    controller::{
        context::{ObjectOwner, mark, owner_reference},
        fingerprint,
        settings::{JobPods, job_pods::is_reserved_label},
        validate::{Bill, ValidAccount},
    },
    model::{BillingPeriod, ReportKind, VersionIdentity},
};

/// Where the session Secret is mounted.
pub const SESSION_DIR: &str = "/var/run/awscost/session";
/// The one key of a session Secret.
pub const SESSION_KEY: &str = "session.json";
/// Where a warehouse's Secret is mounted.
pub const WAREHOUSE_SECRET_DIR: &str = "/var/run/awscost/warehouse";
/// Where the authorities are mounted that are trusted besides the system's.
pub const CA_DIR: &str = "/var/run/awscost/ca";
/// The container's name in every Job.
pub const CONTAINER: &str = "awscost";

/// What a Job that loads does ([`mark::COMPONENT`]).
pub const INGEST: &str = "ingest";
/// What a Job that removes rows does.
pub const PURGE: &str = "purge";
/// What a Job that probes a warehouse does.
pub const PROBE: &str = "probe";

/// A load that is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLoad {
    /// The month.
    pub period: BillingPeriod,
    /// The version to load.
    pub version: VersionIdentity,
    /// Its dialect.
    pub kind: ReportKind,
    /// Which attempt at this version, from 1.
    pub attempt: i32,
    /// Fingerprint of what the attempt depends on.
    pub inputs: String,
}

/// What the administrator decides of every Job.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// The image.
    pub image: String,
    /// When it is pulled.
    pub image_pull_policy: String,
    /// Defaults of the pod.
    pub pods: JobPods,
    /// The first part of an owner in the ledger.
    pub cluster: String,
    /// Environment copied from the operator's own: endpoints and proxies; never credentials of AWS.
    pub env: JobEnvironment,
    /// The Secret with the authorities that are trusted besides the system's, if there are any.
    pub ca_secret: Option<&'static str>,
    /// How long a Job may run.
    pub deadline: Duration,
    /// How long a finished one stays.
    pub ttl: Duration,
}

/// The warehouse a Job opens.
#[derive(Debug, Clone, Copy)]
pub struct WarehouseOf<'a> {
    /// Its UID, by which loads into it are counted.
    pub uid: &'a str,
    /// What it is and where it lies.
    pub spec: &'a ValidWarehouse,
}

/// What the Jobs of one account are made from.
#[derive(Debug, Clone, Copy)]
pub struct AccountJobs<'a> {
    /// The account, whose they are.
    pub owner: &'a ObjectOwner,
    /// The account as declared.
    pub account: &'a ValidAccount,
    /// The bill that is loaded or purged.
    pub bill: &'a Bill,
    /// The warehouse they open.
    pub warehouse: WarehouseOf<'a>,
}

/// Which probe of a warehouse it is.
#[derive(Debug, Clone, Copy)]
pub struct ProbeAttempt<'a> {
    /// Fingerprint of what it depends on.
    pub inputs: &'a str,
    /// Its number, from 1.
    pub count: i64,
}

impl JobSettings {
    /// What another attempt may end otherwise for: the image, and what the pod is given.
    pub fn fingerprint(&self) -> String {
        let pods = serde_json::to_string(&self.pods).expect("defaults of pods are JSON");
        fingerprint::fingerprint_of(&[Some(&self.image), Some(&pods)])
    }
}

impl PlannedLoad {
    /// The Job's name, which is its session Secret's too.
    pub fn job_name(&self, account_uid: &str) -> String {
        let attempt = self.attempt.to_string();
        name_of(&[account_uid, &self.period.to_string(), &self.version.0, &attempt])
    }
}

/// `awscost-` and 20 hexadecimal digits of the parts' hash.
pub fn name_of(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    format!("awscost-{}", hex::encode(&digest[..10]))
}

/// The Job that loads one version of one period.
pub fn ingest_job(of: &AccountJobs<'_>, load: &PlannedLoad, settings: &JobSettings) -> Job {
    let AccountJobs { owner, account, bill, warehouse } = *of;
    let name = load.job_name(&owner.uid);
    let mut labels = job_labels(INGEST, settings, Some(&bill.ingestion));
    labels.insert(mark::ACCOUNT_UID.to_owned(), owner.uid.clone());
    labels.insert(mark::WAREHOUSE_UID.to_owned(), warehouse.uid.to_owned());
    labels.insert(mark::PERIOD.to_owned(), load.period.to_string());
    labels.insert(mark::ATTEMPT.to_owned(), load.attempt.to_string());
    let annotations = BTreeMap::from([
        (mark::VERSION.to_owned(), load.version.0.clone()),
        (mark::INPUTS.to_owned(), load.inputs.clone()),
    ]);
    let mut args = ingest_args(owner, account, bill, load, &settings.cluster);
    args.extend(warehouse_args(warehouse.spec));
    let pod = pod::Pod {
        job: &name,
        args,
        warehouse: warehouse.spec,
        session: true,
        ingestion: Some(&bill.ingestion),
        settings,
    };
    build_job(owner, (labels, annotations), &pod)
}

/// The Job that probes a warehouse.
pub fn probe_job(
    owner: &ObjectOwner,
    attempt: ProbeAttempt<'_>,
    warehouse: &ValidWarehouse,
    ingestion: Option<&Ingestion>,
    settings: &JobSettings,
) -> Job {
    let ProbeAttempt { inputs, count } = attempt;
    let name = name_of(&[&owner.uid, "probe", inputs, &count.to_string()]);
    let mut labels = job_labels(PROBE, settings, ingestion);
    labels.insert(mark::WAREHOUSE_UID.to_owned(), owner.uid.clone());
    labels.insert(mark::ATTEMPT.to_owned(), count.to_string());
    let annotations = BTreeMap::from([(mark::INPUTS.to_owned(), inputs.to_owned())]);
    let mut args = vec!["warehouse".to_owned(), "probe".to_owned()];
    args.extend(warehouse_args(warehouse));
    args.extend(reporting_args());
    let pod = pod::Pod { job: &name, args, warehouse, session: false, ingestion, settings };
    build_job(owner, (labels, annotations), &pod)
}

/// The Job that removes an account's rows from its warehouse.
pub fn purge_job(of: &AccountJobs<'_>, attempt: i32, settings: &JobSettings) -> Job {
    let AccountJobs { owner, account, bill, warehouse } = *of;
    let ingestion = &bill.ingestion;
    let attempt = attempt.to_string();
    let name = name_of(&[&owner.uid, "purge", &attempt]);
    let mut labels = job_labels(PURGE, settings, Some(ingestion));
    labels.insert(mark::ACCOUNT_UID.to_owned(), owner.uid.clone());
    labels.insert(mark::WAREHOUSE_UID.to_owned(), warehouse.uid.to_owned());
    labels.insert(mark::ATTEMPT.to_owned(), attempt);
    let mut args = ["warehouse", "purge"].map(str::to_owned).to_vec();
    args.extend([
        option_text("--connection", &account.account),
        option_text("--owner", ledger_owner(owner, &settings.cluster)),
    ]);
    args.extend(warehouse_args(warehouse.spec));
    args.extend(reporting_args());
    let pod = pod::Pod {
        job: &name,
        args,
        warehouse: warehouse.spec,
        session: false,
        ingestion: Some(ingestion),
        settings,
    };
    build_job(owner, (labels, BTreeMap::new()), &pod)
}

/// Whom the ledger knows an account as: one of the same name that is created again adopts its rows.
fn ledger_owner(owner: &ObjectOwner, cluster: &str) -> String {
    format!("{cluster}/{}/{}", owner.namespace, owner.name)
}

/// Labels and annotations.
type JobMarks = (BTreeMap<String, String>, BTreeMap<String, String>);

fn job_labels(
    component: &str,
    settings: &JobSettings,
    ingestion: Option<&Ingestion>,
) -> BTreeMap<String, String> {
    let ours = [
        (mark::NAME.0, mark::NAME.1),
        (mark::MANAGED_BY.0, mark::MANAGED_BY.1),
        (mark::COMPONENT, component),
    ];
    let mut labels = settings.pods.labels.clone();
    let users = ingestion.into_iter().flat_map(|ingestion| &ingestion.pod_labels);
    labels.extend(
        users.filter(|(key, _)| !is_reserved_label(key)).map(|(key, value)| (key.clone(), value.clone())),
    );
    labels.extend(ours.map(|(key, value)| (key.to_owned(), value.to_owned())));
    labels
}

fn build_job(owner: &ObjectOwner, (labels, annotations): JobMarks, pod: &pod::Pod<'_>) -> Job {
    Job {
        metadata: ObjectMeta {
            name: Some(pod.job.to_owned()),
            namespace: Some(owner.namespace.clone()),
            labels: Some(labels.clone()),
            annotations: Some(annotations),
            owner_references: Some(vec![owner_reference(owner)]),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            // One pod, one attempt: the next attempt is another Job with another name, and a session of its own.
            backoff_limit: Some(0),
            active_deadline_seconds: Some(whole_seconds(pod.settings.deadline)),
            ttl_seconds_after_finished: i32::try_from(pod.settings.ttl.as_secs()).ok(),
            // Not while the old one is still ending: two pods of one Job would write at once.
            pod_replacement_policy: Some("Failed".to_owned()),
            pod_failure_policy: Some(failure_policy()),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    annotations: Some(pod.annotations()).filter(|map| !map.is_empty()),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod.pod_spec()),
            },
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// A pod that was evicted or drained is replaced without counting; any other end is the Job's end.
fn failure_policy() -> PodFailurePolicy {
    PodFailurePolicy {
        rules: vec![
            PodFailurePolicyRule {
                action: "Ignore".to_owned(),
                on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
                    type_: "DisruptionTarget".to_owned(),
                    status: "True".to_owned(),
                }]),
                on_exit_codes: None,
            },
            PodFailurePolicyRule {
                action: "FailJob".to_owned(),
                on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
                    container_name: Some(CONTAINER.to_owned()),
                    operator: "NotIn".to_owned(),
                    values: vec![0],
                }),
                on_pod_conditions: None,
            },
        ],
    }
}

fn ingest_args(
    owner: &ObjectOwner,
    account: &ValidAccount,
    bill: &Bill,
    load: &PlannedLoad,
    cluster: &str,
) -> Vec<String> {
    let report = &bill.report;
    let source = match report.prefix.as_str() {
        "" => format!("s3://{}", report.bucket),
        prefix => format!("s3://{}/{prefix}", report.bucket),
    };
    let mut args = vec!["ingest".to_owned()];
    args.extend([
        option_text("--source", source),
        option_text("--report", &report.name),
        option_text("--kind", load.kind),
        option_text("--region", &report.region),
        option_text("--bucket-owner", &report.owner),
        option_text("--credentials-dir", SESSION_DIR),
        option_text("--period", load.period),
        option_text("--expect-version", &load.version.0),
        option_text("--connection", &account.account),
        option_text("--account", &account.account),
        option_text("--account-type", account.account_type),
        option_text("--owner", ledger_owner(owner, cluster)),
    ]);
    args.extend(reporting_args());
    args
}

/// An option with its value in one argument: a value of its own that begins with `-` would be taken for an option.
fn option_text(name: &str, value: impl Display) -> String {
    format!("{name}={value}")
}

fn reporting_args() -> [String; 2] {
    [option_text("--termination-log", "/dev/termination-log"), option_text("--output", "json")]
}

/// The options by which a Job opens its warehouse: the address says itself, and what is mounted is named.
fn warehouse_args(warehouse: &ValidWarehouse) -> Vec<String> {
    let of_address = warehouse.address.options().into_iter().map(|(name, value)| match value {
        Some(value) => option_text(name, value),
        None => name.to_owned(),
    });
    let keys =
        warehouse.access.secret().map(|_| option_text("--warehouse-credentials-dir", WAREHOUSE_SECRET_DIR));
    of_address.chain(keys).collect()
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub mod tests;
#[cfg(test)]
mod on_the_command_line {
    use serde_json::json;

    use super::tests::{every_job_of, warehouse};
    use crate::{api::CostWarehouseSpec, cli};

    #[test]
    fn jobs_of_a_second_backend_are_given_its_address_and_nothing_of_deltas() {
        let spec = json!({"memory": {"name": "from-a-spec"}});
        let spec: CostWarehouseSpec = serde_json::from_value(spec).expect("a spec");
        let declared = spec.parse().expect("valid");
        for (kind, job) in every_job_of("acme-cur", "cur", "prod", &declared) {
            let pod = &job["spec"]["template"]["spec"];
            let arguments = pod["containers"][0]["args"].clone();
            let arguments: Vec<String> = serde_json::from_value(arguments).expect("texts");
            let options = cli::options(&arguments)
                .unwrap_or_else(|error| panic!("the {kind} Job: {arguments:?}: {error}"));
            let of_warehouse: Vec<_> =
                options.iter().filter(|(name, _)| name.starts_with("warehouse")).collect();
            assert_eq!(of_warehouse, [(&"warehouse".to_owned(), &declared.address.flag())], "the {kind} Job");
            assert_eq!(pod["serviceAccountName"], declared.access.service_account(), "the {kind} Job");
        }
    }

    /// Values that people choose, each beginning as an option does.
    #[test]
    fn every_kind_of_job_is_understood_whatever_names_begin_with() {
        let place = json!({
            "location": "s3://lake/-costs", "region": "eu-west-1", "endpoint": "http://store:9000", "pathStyle": true,
            "credentialsSecretRef": {"name": "lake-keys"}
        });
        for (kind, job) in every_job_of("-report", "-p/-q", "-prod", &warehouse(place)) {
            let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"].clone();
            let arguments: Vec<String> = serde_json::from_value(arguments).expect("texts");
            let options = cli::options(&arguments)
                .unwrap_or_else(|error| panic!("the {kind} Job: {arguments:?}: {error}"));
            let mut wanted = vec![
                ("warehouse", "delta:s3://lake/-costs"),
                ("warehouse-region", "eu-west-1"),
                ("warehouse-endpoint", "http://store:9000"),
                ("warehouse-credentials-dir", "/var/run/awscost/warehouse"),
                ("termination-log", "/dev/termination-log"),
                ("output", "json"),
            ];
            match kind {
                "ingest" => wanted.extend([
                    ("report", "-report"),
                    ("source", "s3://acme-billing/-p/-q"),
                    ("connection", "123456789012"),
                    ("owner", "-prod/finops/acme-payer"),
                    ("period", "2026-10"),
                ]),
                "purge" => {
                    wanted.extend([("owner", "-prod/finops/acme-payer"), ("connection", "123456789012")]);
                }
                _ => {}
            }
            for (option, value) in wanted {
                assert_eq!(
                    options.get(option).map(String::as_str),
                    Some(value),
                    "{option} of the {kind} Job: {options:?}"
                );
            }
            let apart = arguments.iter().filter(|argument| !argument.starts_with("--")).count();
            assert_eq!(
                apart,
                if kind == "ingest" { 1 } else { 2 },
                "only commands stand alone: {arguments:?}"
            );
        }
    }
}
