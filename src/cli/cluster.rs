//! The way to a cluster for commands that a person runs: kubeconfig, context and namespace as kubectl reads them.

pub mod fleet;
pub mod selection;

use std::path::{Path, PathBuf};

use axum::http::{HeaderValue, Uri, header};
use clap::Args;
use kube::{
    Api, Client, Config, Resource,
    api::ListParams,
    config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use serde::de::DeserializeOwned;

use crate::{model::ExitCode, network::proxy};

/// Who calls the API server.
const USER_AGENT: &str = concat!("kubectl-awscost/", env!("CARGO_PKG_VERSION"));
/// Objects in one answer of the API server, as kubectl asks for them.
const PAGE: u32 = 500;

/// Which cluster.
#[derive(Debug, Clone, Default, Args)]
pub struct ClusterArgs {
    /// The kubeconfig file; by default that of KUBECONFIG, or ~/.kube/config.
    #[arg(help_heading = "Cluster options", long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; by default the current one.
    #[arg(help_heading = "Cluster options", long, value_name = "NAME")]
    context: Option<String>,
}

/// Which cluster, and where in it.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The namespace; by default that of the context.
    #[arg(
        help_heading = "Namespace options",
        short,
        long,
        value_name = "NAME",
        conflicts_with = "all_namespaces"
    )]
    namespace: Option<String>,
    /// All namespaces.
    #[arg(help_heading = "Namespace options", short = 'A', long)]
    all_namespaces: bool,
}

/// A cluster, and where in it to look.
#[derive(Clone)]
pub struct ClusterScope {
    /// The API server.
    pub client: Client,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
}

/// Why the cluster gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClusterFault {
    /// There is no way to a cluster.
    #[error("no way to a cluster: {0}")]
    NoCluster(#[from] InferConfigError),
    /// The kubeconfig or its context can't be used.
    #[error("can't load a Kubernetes configuration: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// The definitions are not installed.
    #[error("the cluster does not know {0}: install the chart awscost-crds")]
    NotInstalled(String),
    /// The API server refused, or did not answer.
    #[error("failed to {action}: {}", api_message(source))]
    Api {
        /// What was being done.
        action: String,
        /// The cause.
        #[source]
        source: Box<kube::Error>,
    },
    /// What was asked for can't be done as it was asked for.
    #[error("{0}")]
    Refused(String),
}

/// What the API server says, without the rest of its answer; any other error as it is.
pub fn api_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} ({})", status.message.trim(), status.code),
        error => error.to_string(),
    }
}

/// True if there is no object of that name. A kind that the API server does not know has no such reason.
fn no_such_object(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 && status.reason == "NotFound")
}

impl ClusterFault {
    /// A fault of the API server in doing something.
    pub fn while_doing(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Api { action, source: Box::new(source) }
    }

    /// How the process ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoCluster(_) | Self::Kubeconfig(_) | Self::NotInstalled(_) | Self::Refused(_) => {
                ExitCode::Configuration
            }
            Self::Api { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if (400..500).contains(&status.code) => ExitCode::Configuration,
                _ => ExitCode::Transient,
            },
        }
    }
}

impl ClusterArgs {
    /// A client, and the context's namespace.
    ///
    /// # Errors
    /// [`ClusterFault`] if the kubeconfig can't be used.
    pub async fn connect_with_namespace(&self) -> Result<(Client, String), ClusterFault> {
        let mut config = read_kubeconfig(self.kubeconfig.as_deref(), self.context.as_deref()).await?;
        config.headers.push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(ClusterFault::while_doing("set up the client"))?;
        Ok((client, namespace))
    }
}

/// How to reach the API server: as the kubeconfig says, or with none as the pod is told.
///
/// # Errors
/// [`ClusterFault`] if the kubeconfig can't be used and there is no other way.
pub(super) async fn read_kubeconfig(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
) -> Result<Config, ClusterFault> {
    let read = kubeconfig.map_or_else(Kubeconfig::read, Kubeconfig::read_from);
    let kubeconfig = match read {
        Ok(found) if kubeconfig.is_some() || context.is_some() || found.current_context.is_some() => found,
        Err(fault) if kubeconfig.is_some() || context.is_some() => return Err(fault.into()),
        // In a pod the API server is never behind a proxy.
        Ok(_) | Err(_) => return Ok(Config::infer().await?),
    };
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let named = proxy_of(&kubeconfig, context);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    // kube compares NO_PROXY with the proxy's own address; kubectl with the API server's, and never for a proxy that the
    // kubeconfig names.
    let proxy = named.or_else(|| proxy::of_https(&config.cluster_url, |name| std::env::var(name).ok()));
    config.proxy_url =
        proxy.map(|proxy| proxy.parse::<Uri>().map_err(KubeconfigError::ParseProxyUrl)).transpose()?;
    Ok(config)
}

/// The `proxy-url` of a context's cluster.
fn proxy_of(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let name = context.or(kubeconfig.current_context.as_deref())?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == name)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster)?;
    cluster.cluster.as_ref()?.proxy_url.clone().filter(|proxy| !proxy.is_empty())
}

impl ScopeArgs {
    /// The cluster, and where in it to look.
    ///
    /// # Errors
    /// [`ClusterFault`] if the kubeconfig can't be used.
    pub async fn connect(&self) -> Result<ClusterScope, ClusterFault> {
        let (client, default) = self.cluster.connect_with_namespace().await?;
        let one = || self.namespace.clone().unwrap_or(default);
        Ok(ClusterScope { client, namespace: (!self.all_namespaces).then(one) })
    }
}

impl ClusterScope {
    /// One object of a kind by its name and namespace.
    ///
    /// # Errors
    /// [`ClusterFault`] if it is not there, or the API server does not give it.
    pub async fn get<K>(&self, namespace: &str, name: &str) -> Result<K, ClusterFault>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        api.get(name).await.map_err(|error| {
            let kind = K::kind(&());
            if no_such_object(&error) {
                return ClusterFault::Refused(format!(
                    "no {kind} {name} in namespace {namespace}: use -n NAMESPACE or -A to look elsewhere"
                ));
            }
            unless_not_installed::<K>(error, format!("read {kind} {name}"))
        })
    }

    /// The objects of a kind in this scope, with a label selector if there is one.
    ///
    /// # Errors
    /// [`ClusterFault`] if the API server does not list them.
    pub async fn list<K>(&self, selector: Option<&str>) -> Result<Vec<K>, ClusterFault>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let api: Api<K> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector = selector.map(str::to_owned);
        let mut all = Vec::new();
        loop {
            let page = api
                .list(&params)
                .await
                .map_err(|error| unless_not_installed::<K>(error, format!("list {}", K::plural(&()))))?;
            all.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => return Ok(all),
            }
        }
    }
}

/// The fault of a call on a kind: the API server knows no such kind, or something else.
fn unless_not_installed<K: Resource<DynamicType = ()>>(error: kube::Error, action: String) -> ClusterFault {
    match &error {
        kube::Error::Api(status) if status.code == 404 => {
            ClusterFault::NotInstalled(K::plural(&()).into_owned())
        }
        _ => ClusterFault::while_doing(action)(error),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn refused(code: u16, reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status::failure(message, reason).with_code(code)))
    }

    #[test]
    fn a_refusal_is_the_servers_message_and_code_and_nothing_more() {
        let forbidden = ClusterFault::while_doing("read AwsCostAccount acme")(refused(
            403,
            "Forbidden",
            "no right to it",
        ));
        assert_eq!(forbidden.to_string(), "failed to read AwsCostAccount acme: no right to it (403)");
    }

    #[test]
    fn an_object_that_is_not_there_is_told_from_a_kind_that_is_not() {
        assert!(no_such_object(&refused(404, "NotFound", "awscostaccounts \"acme\" not found")));
        assert!(!no_such_object(&refused(404, "Failed to parse error data", "404 page not found")));
    }
}
