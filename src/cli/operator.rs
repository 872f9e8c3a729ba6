//! `awscost operator`: reads settings and environment, and runs the controller until it is told to stop.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use axum::http::{HeaderValue, header};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::cluster::{self, ClusterFault};
use crate::{
    aws::{AwsSettings, CallObserver, EndedCall, Sdk},
    controller::{self, OperatorFault, OperatorParts, ReplicaIdentity, settings::Settings},
    model::{ExitCode, Region},
    network::trust::{InvalidBundle, TrustedAuthorities},
    telemetry::metrics::{InvalidMetrics, Metrics},
};

/// Where the settings are, and who this process is.
#[derive(Debug, clap::Args)]
pub struct OperatorArgs {
    /// The settings file (YAML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The pod's name, used for the lease.
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pod_name: String,
    /// The pod's namespace, which has the lease.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pod_namespace: String,
}

/// Who calls the API server.
const USER_AGENT: &str = concat!("awscost-operator/", env!("CARGO_PKG_VERSION"));
/// How long connecting to the API server may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How often the files with certificate authorities are read again: a mounted file that changes can't be awaited otherwise.
const REREAD: Duration = Duration::from_secs(30);

/// Environment that Jobs get as the operator has it: endpoints, proxies, and CA bundles that lie in the image both run.
/// Never credentials.
const HANDED_ON: [&str; 10] = [
    "AWS_CA_BUNDLE",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "ALL_PROXY",
];

/// Runs the command.
pub async fn run(args: OperatorArgs) -> ExitCode {
    match start_operator(args).await {
        Ok(()) => ExitCode::Done,
        Err(fault) => {
            tracing::error!(error = %fault, "the operator stopped");
            fault.exit_code()
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum StartFault {
    #[error("failed to read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Settings(#[from] controller::settings::InvalidSettings),
    #[error(transparent)]
    NoCluster(#[from] ClusterFault),
    #[error(transparent)]
    Trust(#[from] InvalidBundle),
    #[error("failed to set up the client of the API server: {0}")]
    Client(#[from] kube::Error),
    #[error(transparent)]
    Metrics(#[from] InvalidMetrics),
    #[error("failed to wait for signals: {0}")]
    Signals(std::io::Error),
    #[error(transparent)]
    Operator(#[from] OperatorFault),
}

impl StartFault {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unreadable { .. }
            | Self::Settings(_)
            | Self::NoCluster(_)
            | Self::Trust(_)
            | Self::Client(_) => ExitCode::Configuration,
            Self::Metrics(_) | Self::Signals(_) | Self::Operator(_) => ExitCode::Transient,
        }
    }
}

/// Counts every call to AWS.
struct CallCounter(Metrics);

impl CallObserver for CallCounter {
    fn note_call(&self, call: EndedCall) {
        self.0.called_aws(call.operation.as_str(), call.outcome(), call.took);
    }
}

async fn start_operator(args: OperatorArgs) -> Result<(), StartFault> {
    let text = std::fs::read_to_string(&args.config)
        .map_err(|source| StartFault::Unreadable { path: args.config.clone(), source })?;
    let settings = Settings::parse(&text)?;
    let authorities = match &settings.ca_bundle {
        Some(path) => TrustedAuthorities::read(path)?,
        None => TrustedAuthorities::default(),
    };
    let mut config = cluster::read_kubeconfig(None, None).await?;
    let watched = trusted_files(&settings, &mut config, &authorities);
    // kube's own retry may sleep for minutes inside one call, and repeats what is not safe to repeat.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    // Tells the operator from others in the API server's audit log.
    config.headers.push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
    let client = kube::Client::try_from(config)?;
    let usual = AwsSettings::default();
    let aws_settings = AwsSettings {
        sts_calls_per_second: settings.testing.sts_calls_per_second.unwrap_or(usual.sts_calls_per_second),
        trust: if authorities.is_empty() {
            TrustedAuthorities::of_environment()?
        } else {
            authorities.clone()
        },
    };
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"))?;
    let sdk = Sdk::load(aws_settings).await.heard_by(Arc::new(CallCounter(metrics.clone())));
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone()).map_err(StartFault::Signals)?;
    tokio::spawn(stop_on_change(watched, stop.clone()));
    let operator = OperatorParts {
        client,
        settings,
        aws: sdk.aws(),
        metrics,
        own_region: own_region(),
        job_env: handed_on(std::env::vars()),
        authorities,
        identity: ReplicaIdentity { pod: args.pod_name, namespace: args.pod_namespace },
    };
    Ok(controller::run_operator(operator, stop).await?)
}

/// Lets the API server's certificate be of these authorities too; the files that all this was read from.
fn trusted_files(
    settings: &Settings,
    config: &mut kube::Config,
    authorities: &TrustedAuthorities,
) -> Vec<PathBuf> {
    let Some(bundle) = &settings.ca_bundle else { return Vec::new() };
    // kube would read this one file again and again, and trust nothing else.
    let cluster = config.root_cert_file.take();
    config.root_cert = Some(match config.root_cert.take() {
        Some(known) => known.into_iter().chain(authorities.certificates()).collect(),
        None => authorities.with_system(),
    });
    [Some(bundle.clone()), cluster].into_iter().flatten().collect()
}

/// Ends the process when one of the files says something else: every client holds the old one. The kubelet starts it again.
async fn stop_on_change(files: Vec<PathBuf>, stop: CancellationToken) {
    if files.is_empty() {
        return;
    }
    let read = |path: &PathBuf| std::fs::read(path).ok();
    let known: Vec<_> = files.iter().map(read).collect();
    let mut ticks = tokio::time::interval(REREAD);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        for (path, known) in files.iter().zip(&known) {
            let now = read(path);
            if now.is_some() && now != *known {
                tracing::info!(path = %path.display(), "the certificate authorities changed; restarting with them");
                return stop.cancel();
            }
        }
    }
}

/// The region of this process's own AWS configuration.
pub(super) fn own_region() -> Option<Region> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok()?.parse().ok())
}

fn handed_on(env: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    env.filter(|(name, _)| {
        name.starts_with("AWS_ENDPOINT_URL") || HANDED_ON.contains(&name.to_ascii_uppercase().as_str())
    })
    .collect()
}

fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping; running reconciles may finish");
        stop.cancel();
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_get_endpoints_and_proxies_and_never_credentials() {
        let env = [
            ("AWS_ENDPOINT_URL", "http://sandbox"),
            ("AWS_ENDPOINT_URL_S3", "http://s3"),
            ("https_proxy", "http://proxy"),
            ("AWS_CA_BUNDLE", "/ca.pem"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x"),
            ("AWS_PROFILE", "p"),
            ("PATH", "/bin"),
        ];
        let handed = handed_on(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let names: Vec<&str> = handed.keys().map(String::as_str).collect();
        assert_eq!(names, ["AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "https_proxy"]);
    }
}
