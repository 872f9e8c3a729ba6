//! `awscost onboard operator` and `awscost onboard warehouse`: the AWS identity of the operator, and of a warehouse's Jobs.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use kube::ResourceExt;

use super::{OnboardFault, to_json, to_yaml};
use crate::{
    api::{AwsCostAccount, CostWarehouse, USE_LABEL, USE_WAREHOUSE},
    cli::{
        inputs::manifests::{self, Manifests},
        terminal::print::{complain, print_out},
    },
    model::{BucketName, Region},
    onboarding::{
        PrincipalArn,
        script::{KeysSecret, ShellScript},
        values::{JobValues, OPERATOR_KEYS, OperatorValues, ServedAccount, ServiceAccount},
        workload::{ClusterName, CredentialSource, OidcIssuer, RolePattern, Unusable, WorkloadIdentity},
    },
};

/// Where the identity comes from, and what it is.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("source").args(["irsa", "pod_identity", "user"]).required(true))]
struct SourceArgs {
    /// IAM roles for service accounts: the cluster's OpenID Connect issuer, an https URL.
    #[arg(long, value_name = "ISSUER")]
    irsa: Option<OidcIssuer>,
    /// EKS Pod Identity: the cluster's name.
    #[arg(long, value_name = "CLUSTER")]
    pod_identity: Option<ClusterName>,
    /// Keys of an IAM user in a Secret, for clusters outside AWS.
    #[arg(long)]
    user: bool,
    /// The ARN of the role to create, or with --user of the user.
    #[arg(long, value_name = "ARN")]
    principal: PrincipalArn,
}

/// Options of `operator`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("accounts").args(["filenames", "role_arns"]).required(true))]
pub struct OperatorArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Manifests with the AwsCostAccounts to serve: files, folders, or `-` for standard input. The operator may assume their roles.
    #[arg(short = 'f', long = "filename", value_name = "FILE", num_args = 1..)]
    filenames: Vec<PathBuf>,
    /// Without manifests: the roles that the operator may assume; `*` in an ARN is a wildcard.
    #[arg(long, value_name = "ARN", num_args = 1..)]
    role_arns: Vec<RolePattern>,
    /// The namespace of the chart's release.
    #[arg(long, value_name = "NAME", default_value = "awscost-system", value_parser = kubernetes_name)]
    namespace: String,
    /// The operator's service account.
    #[arg(long, value_name = "NAME", default_value = "awscost", value_parser = kubernetes_name)]
    service_account: String,
    /// The region whose STS the operator calls; by default the first of the principal's partition.
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    /// Which document to print.
    #[arg(long, value_enum, value_name = "DOCUMENT", default_value = "commands")]
    print: OperatorDocument,
}

/// What `operator` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OperatorDocument {
    /// A shell script that creates all of it.
    Commands,
    /// The permission policy.
    Policy,
    /// The trust policy of the role.
    Trust,
    /// Values of the chart awscost-operator.
    Values,
}

/// Options of `warehouse`.
#[derive(Debug, Args)]
pub struct WarehouseArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Manifests with the CostWarehouse: files, folders, or `-` for standard input.
    #[arg(short = 'f', long = "filename", value_name = "FILE", num_args = 1.., required = true)]
    filenames: Vec<PathBuf>,
    /// Which CostWarehouse to use, if the manifests have several.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Let the commands create the bucket, too.
    #[arg(long)]
    with_bucket: bool,
    /// Which document to print.
    #[arg(long, value_enum, value_name = "DOCUMENT", default_value = "commands")]
    print: WarehouseDocument,
}

/// What `warehouse` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WarehouseDocument {
    /// A shell script that creates all of it.
    Commands,
    /// The permission policy.
    Policy,
    /// The trust policy of the role.
    Trust,
    /// The ServiceAccount of the warehouse's Jobs, as a manifest.
    ServiceAccount,
    /// Values of the chart awscost-operator that let Jobs run as that service account.
    Values,
}

/// Why the manifests say nothing that an identity can be made for.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoWorkload {
    #[error("the manifests have no AwsCostAccount")]
    NoAccounts,
    #[error("the manifests have no CostWarehouse{}", .0.as_ref().map_or_else(String::new, |name| format!(" named {name}")))]
    NoWarehouse(Option<String>),
    #[error("the manifests have several CostWarehouses ({0}): choose one with --name")]
    Several(String),
    #[error("{0} is at {1}, but only a bucket in AWS needs an AWS identity")]
    NoBucket(String, String),
    #[error("{0} has spec.delta.endpoint, so its store is not AWS: create its keys there")]
    Elsewhere(String),
    #[error("{0} has spec.delta.{1}, but {2} needs spec.delta.{3} instead")]
    OtherIdentity(String, &'static str, &'static str, &'static str),
    #[error("{0} has no metadata.namespace, which the identity of its pods depends on")]
    NoNamespace(String),
    #[error("{0} uses an IAM user's keys in a Secret, so there is no ServiceAccount")]
    NoServiceAccount(String),
    #[error("{0}: {1}")]
    Field(&'static str, String),
}

/// A name as Kubernetes takes it for namespaces and service accounts.
fn kubernetes_name(text: &str) -> Result<String, Unusable> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let ends = |text: &str| !text.starts_with(['-', '.']) && !text.ends_with(['-', '.']);
    let whole = !text.is_empty() && text.len() <= 253 && ends(text) && text.bytes().all(plain);
    if whole { Ok(text.to_owned()) } else { Err(Unusable::Kubernetes) }
}

impl SourceArgs {
    fn workload_identity(
        &self,
        namespace: &str,
        service_account: &str,
    ) -> Result<WorkloadIdentity, OnboardFault> {
        let source = match (&self.irsa, &self.pod_identity) {
            (Some(issuer), _) => CredentialSource::Irsa(issuer.clone()),
            (None, Some(cluster)) => CredentialSource::PodIdentity(cluster.clone()),
            (None, None) => CredentialSource::User,
        };
        let workload = WorkloadIdentity {
            principal: self.principal.clone(),
            source,
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
        };
        Ok(workload.checked()?)
    }

    /// The option, as it was given.
    fn option_name(&self) -> &'static str {
        match (&self.irsa, &self.pod_identity) {
            (Some(_), _) => "--irsa",
            (None, Some(_)) => "--pod-identity",
            (None, None) => "--user",
        }
    }
}

impl OperatorArgs {
    /// Prints the document.
    pub(super) fn print(&self) -> Result<(), OnboardFault> {
        let served = self.served_accounts()?;
        let workload = self.source.workload_identity(&self.namespace, &self.service_account)?;
        let policy = workload.assuming(&self.role_patterns(&served)?)?;
        match self.print {
            OperatorDocument::Policy => print_out(&to_json(&policy)),
            OperatorDocument::Trust => print_out(&to_json(&workload.trust()?)),
            OperatorDocument::Values => {
                let home = || workload.principal.partition().home_region().parse();
                let region = self.region.clone().map_or_else(home, Ok);
                let region = region.expect("the home region of a partition is a region");
                print_out(&to_yaml(&OperatorValues::of(&workload, &served, &region)));
            }
            OperatorDocument::Commands => {
                let (namespace, name) = (self.namespace.clone(), OPERATOR_KEYS.to_owned());
                let mut script = ShellScript::begin();
                script.create_identity(&workload, &policy, &KeysSecret { namespace, name, label: None });
                print_out(&script.text());
                complain(&format!(
                    "run this signed in to account {}, for example with | bash; --print values prints the chart's values",
                    workload.principal.account()
                ));
            }
        }
        Ok(())
    }

    /// The accounts of the manifests.
    fn served_accounts(&self) -> Result<Vec<ServedAccount>, OnboardFault> {
        if self.filenames.is_empty() {
            return Ok(Vec::new());
        }
        let manifests = read(&self.filenames)?;
        let accounts: Vec<ServedAccount> = manifests
            .accounts
            .iter()
            .map(|document| served_account(&document.object))
            .collect::<Result<_, _>>()?;
        if accounts.is_empty() { Err(NoWorkload::NoAccounts.into()) } else { Ok(accounts) }
    }

    /// The roles to assume: those of the manifests, or the options'.
    fn role_patterns(&self, served: &[ServedAccount]) -> Result<Vec<RolePattern>, OnboardFault> {
        let of_manifests = served.iter().filter_map(|one| one.role.as_ref());
        let parsed = of_manifests.map(|role| {
            let text = role.to_string();
            text.parse().map_err(|problem: Unusable| {
                NoWorkload::Field("spec.access.roleArn", format!("{text}: {problem}")).into()
            })
        });
        self.role_arns.iter().cloned().map(Ok).chain(parsed).collect()
    }
}

fn served_account(account: &AwsCostAccount) -> Result<ServedAccount, NoWorkload> {
    let (spec, parsed) =
        (&account.spec, |field: &'static str| move |problem: String| NoWorkload::Field(field, problem));
    let role = spec.access.role_arn.as_ref().map(|role| role.parse::<crate::model::RoleArn>());
    let role = role.transpose().map_err(|problem| parsed("spec.access.roleArn")(problem.to_string()))?;
    let id = match (&spec.account_id, &role) {
        (Some(id), _) => id.parse().map_err(|problem: crate::model::InvalidAccountId| {
            parsed("spec.accountId")(problem.to_string())
        })?,
        (None, Some(role)) => role.account().clone(),
        (None, None) => return Err(parsed("spec.accountId")("it is needed".to_owned())),
    };
    Ok(ServedAccount { namespace: account.namespace(), account: id, role })
}

impl WarehouseArgs {
    /// Prints the document.
    pub(super) fn print(&self) -> Result<(), OnboardFault> {
        let manifests = read(&self.filenames)?;
        let warehouse = Lake::of(self.chosen_warehouse(&manifests)?, &self.source)?;
        let workload = self.source.workload_identity(&warehouse.namespace, &warehouse.identity)?;
        let policy = workload.writing(&warehouse.bucket, &warehouse.prefix)?;
        match self.print {
            WarehouseDocument::Policy => print_out(&to_json(&policy)),
            WarehouseDocument::Trust => print_out(&to_json(&workload.trust()?)),
            WarehouseDocument::ServiceAccount | WarehouseDocument::Values if self.source.user => {
                return Err(NoWorkload::NoServiceAccount(warehouse.name).into());
            }
            WarehouseDocument::ServiceAccount => print_out(&to_yaml(&ServiceAccount::of(&workload))),
            WarehouseDocument::Values => print_out(&to_yaml(&JobValues::of(&workload))),
            WarehouseDocument::Commands => {
                let label = Some(format!("{USE_LABEL}={USE_WAREHOUSE}"));
                let secret = KeysSecret { namespace: warehouse.namespace, name: warehouse.identity, label };
                let mut script = ShellScript::begin();
                if self.with_bucket {
                    script.create_bucket(&warehouse.bucket, &warehouse.region);
                }
                script.create_identity(&workload, &policy, &secret);
                print_out(&script.text());
                complain(&format!(
                    "run this signed in to account {}, for example with | bash",
                    workload.principal.account()
                ));
                if !self.source.user {
                    complain(
                        "--print service-account prints the service account, and --print values the chart's values that let the operator's Jobs run as it",
                    );
                }
            }
        }
        Ok(())
    }

    /// The one warehouse of the manifests, or the one of the given name.
    fn chosen_warehouse<'a>(&self, manifests: &'a Manifests) -> Result<&'a CostWarehouse, NoWorkload> {
        let all = manifests.warehouses.iter().map(|document| &document.object);
        let meant = all.filter(|one| self.name.as_ref().is_none_or(|name| one.name_any() == *name));
        match meant.collect::<Vec<_>>()[..] {
            [one] => Ok(one),
            [] => Err(NoWorkload::NoWarehouse(self.name.clone())),
            ref several => {
                let names: Vec<String> = several.iter().map(|one| one.name_any()).collect();
                Err(NoWorkload::Several(names.join(", ")))
            }
        }
    }
}

/// A warehouse in a bucket of AWS's.
struct Lake {
    name: String,
    namespace: String,
    bucket: BucketName,
    prefix: String,
    region: Region,
    /// The service account, or with an IAM user the Secret.
    identity: String,
}

impl Lake {
    fn of(warehouse: &CostWarehouse, source: &SourceArgs) -> Result<Self, NoWorkload> {
        let name = format!("CostWarehouse {}", warehouse.name_any());
        let Some(delta) = &warehouse.spec.delta else {
            return Err(NoWorkload::NoBucket(name, warehouse.spec.location().to_owned()));
        };
        let place = delta.location.strip_prefix("s3://");
        let place = place.ok_or_else(|| NoWorkload::NoBucket(name.clone(), delta.location.clone()))?;
        if delta.endpoint.is_some() {
            return Err(NoWorkload::Elsewhere(name));
        }
        let secret = delta.credentials_secret_ref.as_ref().map(|reference| reference.name.clone());
        let identity = match (source.user, &delta.service_account_name, secret) {
            (true, _, Some(secret)) => secret,
            (false, Some(account), _) => account.clone(),
            (true, ..) => {
                return Err(needs_other_access(name, "serviceAccountName", source, "credentialsSecretRef"));
            }
            (false, ..) => {
                return Err(needs_other_access(name, "credentialsSecretRef", source, "serviceAccountName"));
            }
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let field = |field: &'static str| move |problem: String| NoWorkload::Field(field, problem);
        let bucket = bucket.parse::<BucketName>();
        let region = delta.region.as_deref().unwrap_or_default().parse::<Region>();
        Ok(Self {
            namespace: warehouse.namespace().ok_or_else(|| NoWorkload::NoNamespace(name.clone()))?,
            bucket: bucket.map_err(|problem| field("spec.delta.location")(problem.to_string()))?,
            prefix: prefix.trim_end_matches('/').to_owned(),
            region: region.map_err(|problem| field("spec.delta.region")(problem.to_string()))?,
            identity,
            name,
        })
    }
}

fn needs_other_access(
    name: String,
    has: &'static str,
    source: &SourceArgs,
    needs: &'static str,
) -> NoWorkload {
    NoWorkload::OtherIdentity(name, has, source.option_name(), needs)
}

fn read(filenames: &[PathBuf]) -> Result<Manifests, OnboardFault> {
    manifests::read(filenames).map_err(|faults| super::NotWanted::Manifests(faults).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_kubernetes_would_refuse_is_refused_here() {
        assert_eq!(kubernetes_name("awscost-system"), Ok("awscost-system".to_owned()));
        for bad in ["", "-a", "a.", "Awscost", "a b", "a/b", &"a".repeat(254)] {
            assert_eq!(kubernetes_name(bad), Err(Unusable::Kubernetes), "{bad}");
        }
    }
}
