//! The preflight's only I/O: it looks at the API server, and as the operator at AWS, and turns what it sees into facts.

mod inside;
mod outside;

use axum::http::Request;
use k8s_openapi::api::{authentication::v1::SelfSubjectReview, coordination::v1::Lease};
use kube::{Api, Client, api::PostParams};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    PreflightFault, definition,
    facts::{LeaseRecord, OperatorView, PreflightFacts, ReleasePlace, SeenFact},
};
use crate::{
    cli::cluster::{ClusterFault, api_message},
    controller::settings::{InvalidSettings, Settings},
};

/// Questions to the API server at once: enough for a hundred namespaces in seconds, and no burden to it.
const AT_ONCE: usize = 16;

/// What is looked for.
pub(super) struct Sought {
    /// The operator's namespace, where it was said.
    pub namespace: Option<String>,
    /// The namespace of the kubeconfig's context, or of the pod.
    pub default: String,
    /// The settings file's text, where one was given.
    pub settings: Option<String>,
}

/// Everything there is to know.
pub(super) async fn gather_facts(client: &Client, sought: Sought) -> Result<PreflightFacts, PreflightFault> {
    let user = signed_in_user(client).await?;
    let home = sought.namespace.clone().unwrap_or(sought.default);
    let own = sought.settings.is_some() && is_operator(&user, &home);
    if let (true, Some(text)) = (own, &sought.settings) {
        let settings = Settings::parse(text);
        let (definitions, lease, view) = tokio::join!(
            read_definitions(client),
            read_lease(client, &home, settings.as_ref().ok()),
            inside::gather_inside(client, &home, settings.as_ref().ok()),
        );
        let place = ReleasePlace { namespace: home, release: None, user };
        let view = OperatorView::Operator(Box::new(view));
        return Ok(PreflightFacts { place, definitions, settings: Ok(settings), lease, view });
    }
    let found = outside::find_operator(client, sought.namespace.as_deref()).await?;
    let settings = match sought.settings {
        Some(text) => Ok(Settings::parse(&text)),
        None => outside::read_settings(client, &found).await,
    };
    let usable = settings.as_ref().ok().and_then(|settings| settings.as_ref().ok());
    let namespace = found.namespace().unwrap_or(&home).to_owned();
    let (definitions, lease, view) = tokio::join!(
        read_definitions(client),
        lease_from_outside(client, &namespace, &settings),
        outside::gather_outside(client, &found, usable),
    );
    let place = ReleasePlace { namespace, release: found.release_name(), user };
    Ok(PreflightFacts { place, definitions, lease, view: OperatorView::Outside(Box::new(view)), settings })
}

/// Who calls.
async fn signed_in_user(client: &Client) -> Result<String, ClusterFault> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .map_err(ClusterFault::while_doing("ask the API server for the caller's identity"))?;
    let user = review.status.and_then(|status| status.user_info).and_then(|info| info.username);
    Ok(user.unwrap_or_default())
}

/// True in a pod of a ServiceAccount of the operator's namespace. An administrator's machine has another AWS identity,
/// another way out and another clock, even where it holds the operator's settings or its token.
fn is_operator(user: &str, home: &str) -> bool {
    let in_a_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    in_a_pod
        && user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split(':').next()) == Some(home)
}

async fn read_definitions(client: &Client) -> SeenFact<Vec<(String, Option<Value>)>> {
    let request =
        Request::get(definition::openapi_path()).body(Vec::new()).expect("a path of plain characters");
    let described: Value = match client.request_text(request).await {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|_| "the API server's OpenAPI is no JSON".to_owned())?
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Value::Null,
        Err(error) => return Err(why_unseen("the API server's OpenAPI", &error)),
    };
    let kinds = definition::own_definitions().into_iter().map(|(kind, _)| kind);
    Ok(kinds.map(|kind| (kind.clone(), definition::served_schema(&described, &kind))).collect())
}

async fn lease_from_outside(
    client: &Client,
    home: &str,
    settings: &SeenFact<Result<Settings, InvalidSettings>>,
) -> SeenFact<LeaseRecord> {
    match settings {
        Ok(settings) => read_lease(client, home, settings.as_ref().ok()).await,
        Err(because) => Err(because.clone()),
    }
}

/// The lease, watched until it changes or its time is over: times in it are another machine's.
async fn read_lease(client: &Client, home: &str, settings: Option<&Settings>) -> SeenFact<LeaseRecord> {
    let Some(settings) = settings else { return Err("the settings can't be used".to_owned()) };
    let election = &settings.leader_election;
    if !election.enabled {
        return Ok(LeaseRecord::Off);
    }
    let leases: Api<Lease> = Api::namespaced(client.clone(), home);
    let began = Instant::now();
    let mut first = None;
    loop {
        let read = leases.get_opt(&election.lease_name).await;
        let Some(lease) = read.map_err(|error| why_unseen("the lease", &error))? else {
            return Ok(LeaseRecord::Missing);
        };
        let spec = lease.spec.unwrap_or_default();
        let Some(holder) = spec.holder_identity.filter(|holder| !holder.is_empty()) else {
            return Ok(LeaseRecord::Free);
        };
        let version = lease.metadata.resource_version;
        let renewed = *first.get_or_insert_with(|| version.clone()) != version;
        if renewed || began.elapsed() >= election.lease_duration {
            let since = spec.acquire_time.map(|time| time.0);
            return Ok(LeaseRecord::Held { holder, since, renewed, lasts: election.lease_duration });
        }
        tokio::time::sleep(election.retry_period).await;
    }
}

/// Why something can't be seen.
fn why_unseen(what: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => format!("this user may not read {what}"),
        error => format!("{what} can't be read: {}", api_message(error)),
    }
}
