//! The administrator's settings: one YAML file, parsed once, every field known.

pub mod job_pods;
pub mod tenancy;

use std::{
    net::{Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Deserializer};

pub use job_pods::JobPods;

use crate::api::duration;
use tenancy::{InvalidTenancy, Tenancy};

/// The operator's settings, parsed and consistent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The image of every Job: the operator's own.
    pub image: String,
    /// When the kubelet pulls it.
    pub image_pull_policy: String,
    /// Names this cluster in a warehouse's ledger: the first part of an owner.
    pub cluster: String,
    /// Where objects are watched.
    pub watch: Watch,
    /// Who may use which roles.
    pub tenancy: Tenancy,
    /// How many Jobs run at once, and how long.
    pub jobs: JobLimits,
    /// Defaults of every Job's pod.
    pub job_pods: JobPods,
    /// How one of several replicas is chosen.
    pub leader_election: LeaderElection,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub metrics_address: SocketAddr,
    /// The file with the authorities that operator and Jobs trust besides the system's.
    pub ca_bundle: Option<PathBuf>,
    /// For tests: how old facts may grow.
    pub testing: Testing,
}

/// Where objects are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// In these namespaces, with a Role in each.
    Namespaces(Vec<String>),
    /// In all namespaces, with a ClusterRole.
    All,
}

/// How many Jobs run at once, and how long one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JobLimits {
    /// Loads of one account.
    pub per_account: usize,
    /// Loads into one warehouse that many pods can write to at once.
    pub per_warehouse: usize,
    /// Loads in all.
    pub cluster: usize,
    /// How long one Job may run.
    #[serde(deserialize_with = "duration_text")]
    pub deadline: Duration,
    /// How long a finished Job stays, so that people can read its log.
    #[serde(deserialize_with = "duration_text")]
    pub ttl: Duration,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            per_account: 2,
            per_warehouse: 4,
            cluster: 10,
            deadline: Duration::from_secs(6 * 3600),
            ttl: Duration::from_secs(3600),
        }
    }
}

/// How one of several replicas is chosen. The times are client-go's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LeaderElection {
    /// False only where there can be no second replica.
    pub enabled: bool,
    /// The Lease's name, in the operator's namespace.
    pub lease_name: String,
    /// How long a lease holds after it was last seen to change.
    #[serde(deserialize_with = "duration_text")]
    pub lease_duration: Duration,
    /// How long the leader goes on without having renewed it; then it stops.
    #[serde(deserialize_with = "duration_text")]
    pub renew_deadline: Duration,
    /// How often it is looked at and renewed.
    #[serde(deserialize_with = "duration_text")]
    pub retry_period: Duration,
}

impl Default for LeaderElection {
    fn default() -> Self {
        Self {
            enabled: true,
            lease_name: "awscost-operator".to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// For tests only: lets minutes of waiting pass in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Testing {
    /// Every fact is looked at again after this time, whatever its own age and the account's interval.
    #[serde(deserialize_with = "optional_duration_text")]
    pub fact_age: Option<Duration>,
    /// First looks after a start are spread over this time.
    #[serde(deserialize_with = "optional_duration_text")]
    pub first_look_spread: Option<Duration>,
    /// A failed load is tried again after this time instead of 1, 10 and 60 minutes.
    #[serde(deserialize_with = "optional_duration_text")]
    pub retry_delay: Option<Duration>,
    /// A Job whose pod does not start is given up after this time instead of ten minutes.
    #[serde(deserialize_with = "optional_duration_text")]
    pub patience: Option<Duration>,
    /// Calls to STS a second, instead of the 10 that leave room for others in the caller's account.
    pub sts_calls_per_second: Option<u32>,
}

/// The settings file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// Not YAML of the expected shape.
    #[error("the settings file is not valid: {0}")]
    Shape(String),
    /// A tenancy rule is not one.
    #[error(transparent)]
    Tenancy(#[from] InvalidTenancy),
    /// Several namespaces would share the operator's AWS identity without a rule.
    #[error(
        "watch.namespaces names {0}, but tenancy.rules is empty: every tenant could use every role. Add rules that say which namespace may use which accounts, or watch one namespace"
    )]
    RulesMissing(String),
    /// Nothing to watch.
    #[error("watch.namespaces is empty: name the namespaces to watch, or set watch.allNamespaces")]
    NothingWatched,
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SettingsFile {
    image: String,
    #[serde(default = "if_not_present")]
    image_pull_policy: String,
    #[serde(default = "this_cluster")]
    cluster_name: String,
    watch: WatchFile,
    #[serde(default)]
    tenancy: TenancyFile,
    #[serde(default)]
    jobs: JobLimits,
    #[serde(default, deserialize_with = "JobPods::deserialize_strict")]
    job_pods: JobPods,
    #[serde(default)]
    leader_election: LeaderElection,
    #[serde(default)]
    metrics: MetricsFile,
    ca_bundle: Option<PathBuf>,
    #[serde(default)]
    testing: Testing,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WatchFile {
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    all_namespaces: bool,
}

/// What the file says of who may use which roles.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenancyFile {
    /// The rules.
    #[serde(default)]
    pub rules: Vec<RuleFile>,
    /// Roles of the operator's own account that may be used, by ARN; `*` stands for any run of characters.
    #[serde(default)]
    pub own_account_role_arns: Vec<String>,
}

/// A tenancy rule as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleFile {
    /// Namespaces by name; `*` stands for any run of characters.
    pub namespaces: Vec<String>,
    /// Accounts whose roles they may use.
    #[serde(default)]
    pub account_ids: Vec<String>,
    /// Roles they may use, by ARN; `*` stands for any run of characters.
    #[serde(default)]
    pub role_arns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetricsFile {
    #[serde(default = "metrics_address")]
    address: SocketAddr,
}

impl Default for MetricsFile {
    fn default() -> Self {
        Self { address: metrics_address() }
    }
}

fn if_not_present() -> String {
    "IfNotPresent".to_owned()
}

fn this_cluster() -> String {
    "cluster".to_owned()
}

fn metrics_address() -> SocketAddr {
    SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8080))
}

impl Settings {
    /// Parses the settings file.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the field and the fix.
    pub fn parse(yaml: &str) -> Result<Self, InvalidSettings> {
        let file: SettingsFile =
            serde_saphyr::from_str(yaml).map_err(|error| InvalidSettings::Shape(error.to_string()))?;
        let watch = match (file.watch.all_namespaces, file.watch.namespaces) {
            (true, namespaces) if !namespaces.is_empty() => {
                return Err(InvalidSettings::Contradiction(
                    "watch.allNamespaces and watch.namespaces exclude each other: set one of them",
                ));
            }
            (true, _) => Watch::All,
            (false, namespaces) if namespaces.is_empty() => return Err(InvalidSettings::NothingWatched),
            (false, mut namespaces) => {
                namespaces.sort();
                namespaces.dedup();
                Watch::Namespaces(namespaces)
            }
        };
        let tenancy = Tenancy::parse(&file.tenancy)?;
        match &watch {
            Watch::All if tenancy.is_empty() => {
                return Err(InvalidSettings::RulesMissing("all namespaces".to_owned()));
            }
            Watch::Namespaces(names) if names.len() > 1 && tenancy.is_empty() => {
                return Err(InvalidSettings::RulesMissing(names.join(", ")));
            }
            _ => {}
        }
        let lease = &file.leader_election;
        if lease.renew_deadline >= lease.lease_duration || lease.retry_period >= lease.renew_deadline {
            return Err(InvalidSettings::Contradiction(
                "leaderElection takes retryPeriod < renewDeadline < leaseDuration, or two replicas could lead at once",
            ));
        }
        if file.cluster_name.is_empty() || file.cluster_name.contains('/') || file.cluster_name.len() > 63 {
            return Err(InvalidSettings::Contradiction(
                "clusterName takes 1 to 63 characters and no /: it is the first part of an owner in the ledger",
            ));
        }
        Ok(Self {
            image: file.image,
            image_pull_policy: file.image_pull_policy,
            cluster: file.cluster_name,
            watch,
            tenancy,
            jobs: file.jobs,
            job_pods: file.job_pods,
            leader_election: file.leader_election,
            metrics_address: file.metrics.address,
            ca_bundle: file.ca_bundle,
            testing: file.testing,
        })
    }
}

fn duration_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration::parse(&text).map_err(serde::de::Error::custom)
}

fn optional_duration_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| duration::parse(&text).map_err(serde::de::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(yaml: &str) -> String {
        Settings::parse(yaml).expect_err(yaml).to_string()
    }

    #[test]
    fn one_namespace_needs_no_rule() {
        let settings = Settings::parse("image: awscost:1\nwatch: {namespaces: [finops]}\n").expect("valid");
        assert_eq!(settings.watch, Watch::Namespaces(vec!["finops".to_owned()]));
        assert_eq!((settings.jobs.per_account, settings.jobs.cluster), (2, 10));
    }

    #[test]
    fn several_namespaces_without_rules_refuse_to_start() {
        assert!(problem("image: a\nwatch: {namespaces: [a, b]}\n").contains("tenancy.rules is empty"));
        assert!(problem("image: a\nwatch: {allNamespaces: true}\n").contains("tenancy.rules is empty"));
        assert!(problem("image: a\nwatch: {namespaces: []}\n").contains("empty"));
    }

    #[test]
    fn unknown_fields_and_bad_rules_are_named() {
        assert!(problem("image: a\nwatch: {namespaces: [a]}\ntypo: 1\n").contains("typo"));
        let rule =
            "image: a\nwatch: {namespaces: [a]}\ntenancy: {rules: [{namespaces: [a], accountIds: ['12']}]}\n";
        assert!(problem(rule).contains("tenancy.rules[0]"), "{}", problem(rule));
        let own = "image: a\nwatch: {namespaces: [a]}\ntenancy: {ownAccountRoleArns: [awscost]}\n";
        assert!(problem(own).contains("tenancy.ownAccountRoleArns"), "{}", problem(own));
    }

    #[test]
    fn lease_times_must_leave_room_for_a_stop() {
        let yaml = "image: a\nwatch: {namespaces: [a]}\nleaderElection: {renewDeadline: 20s}\n";
        assert!(problem(yaml).contains("retryPeriod < renewDeadline < leaseDuration"));
    }

    #[test]
    fn tests_may_hurry() {
        let yaml = "image: a\nwatch: {namespaces: [a]}\ntesting: {factAge: 10s, firstLookSpread: 1s}\n";
        let testing = Settings::parse(yaml).expect("valid").testing;
        assert_eq!(testing.fact_age, Some(Duration::from_secs(10)));
    }
}
