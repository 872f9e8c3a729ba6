//! What the operator sees of itself: its rights, what it may write, STS, its proxy and its clock. Nothing is written: every
//! try is a dry run.

use std::time::Duration;

use axum::http::{Request, header};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
    batch::v1::Job,
    core::v1::Secret,
};
use kube::{Api, Client, Resource, api::PostParams, client::Body, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{AT_ONCE, why_unseen};
use crate::{
    aws::{AwsSettings, FaultClass, Sdk, StsReach},
    cli::{
        cluster::api_message,
        preflight::{
            facts::{AskedRight, OwnView, Proxy, SeenFact, TriedWrite, WriteTries},
            rights,
        },
    },
    controller::settings::{Settings, Watch},
    model::clock,
    network::trust::TrustedAuthorities,
};

/// A Secret's or Job's name that the chart's policies keep from the operator.
const FOREIGN: &str = "preflight-of-awscost";
/// An image that no chart names.
const FOREIGN_IMAGE: &str = "awscost.invalid/preflight:none";
/// How long a proxy may take to a connection.
const CONNECT: Duration = Duration::from_secs(3);

pub(super) async fn gather_inside(client: &Client, home: &str, settings: Option<&Settings>) -> OwnView {
    let asked = settings.map(|settings| rights::needed_rights(settings, home)).unwrap_or_default();
    let (rights, tries, (sts, proxy), api_clock) = tokio::join!(
        stream::iter(asked).map(|asked| ask_right(client, asked)).buffered(AT_ONCE).collect(),
        try_writes(client, home, settings),
        reach_sts(),
        api_clock(client),
    );
    OwnView { rights, tries, sts, proxy, api_clock }
}

/// Asks the API server about one right.
async fn ask_right(client: &Client, asked: AskedRight) -> (AskedRight, SeenFact<bool>) {
    let (resource, subresource) = match asked.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (asked.resource, None),
    };
    let attributes = ResourceAttributes {
        group: Some(asked.group.to_owned()),
        name: asked.name.clone(),
        namespace: asked.namespace.clone(),
        resource: Some(resource.to_owned()),
        subresource,
        verb: Some(asked.verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await;
    let allowed = answer
        .map(|review| review.status.is_some_and(|status| status.allowed))
        .map_err(|error| why_unseen("the operator's own right", &error));
    (asked, allowed)
}

/// Tries in each watched namespace what the chart's policies are about; in the operator's own where it watches all.
async fn try_writes(client: &Client, home: &str, settings: Option<&Settings>) -> SeenFact<Vec<WriteTries>> {
    let Some(settings) = settings else { return Err("the settings can't be used".to_owned()) };
    let namespaces = match &settings.watch {
        Watch::All => vec![home.to_owned()],
        Watch::Namespaces(names) => names.clone(),
    };
    let tries = stream::iter(namespaces).map(|namespace| async move {
        let (foreign_secret, foreign_job, own_job) = tokio::join!(
            try_create::<Secret>(client, &namespace, json!({"metadata": {"name": FOREIGN}})),
            try_create::<Job>(client, &namespace, dry_run_job(FOREIGN_IMAGE)),
            try_create::<Job>(client, &namespace, dry_run_job(&settings.image)),
        );
        WriteTries { namespace, foreign_secret, foreign_job, own_job }
    });
    Ok(tries.buffered(AT_ONCE).collect().await)
}

/// The least Job that the policies take, but for its image.
fn dry_run_job(image: &str) -> Value {
    json!({
        "metadata": {"name": FOREIGN},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "awscost", "image": image, "args": ["--version"],
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        }}},
    })
}

async fn try_create<K>(client: &Client, namespace: &str, object: Value) -> TriedWrite
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let object: K = serde_json::from_value(object).expect("an object of its kind");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match Api::<K>::namespaced(client.clone(), namespace).create(&dry, &object).await {
        Ok(_) => TriedWrite::Taken,
        // Every sentence of the chart's policies begins so; another's policy says something else.
        Err(kube::Error::Api(status))
            if status.message.contains("ValidatingAdmissionPolicy")
                && status.message.contains("denied request: the operator") =>
        {
            TriedWrite::RefusedByPolicy
        }
        Err(kube::Error::Api(status)) if status.code == 404 => TriedWrite::NoSuchNamespace,
        Err(error) => TriedWrite::Otherwise(api_message(&error)),
    }
}

async fn reach_sts() -> (SeenFact<StsReach>, Option<Proxy>) {
    let sts = match TrustedAuthorities::of_environment() {
        Ok(trust) => Ok(Sdk::load(AwsSettings { trust, ..AwsSettings::default() }).await.reach_sts().await),
        Err(fault) => Err(fault.to_string()),
    };
    let Some(address) = proxy_setting(|name| std::env::var(name).ok()) else { return (sts, None) };
    let fault = sts.as_ref().ok().and_then(|sts| sts.caller.as_ref().err());
    let answers = match fault.is_some_and(|fault| fault.class == FaultClass::Unreachable) {
        true => Some(can_connect(&address).await),
        false => None,
    };
    (sts, Some(Proxy { address, answers }))
}

async fn can_connect(address: &str) -> bool {
    let connecting = tokio::net::TcpStream::connect(address);
    matches!(tokio::time::timeout(CONNECT, connecting).await, Ok(Ok(_)))
}

/// Host and port of the proxy for https: never the name and password that the variable may hold.
fn proxy_setting(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let url = names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))?;
    // Without a scheme the host would be taken for one.
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    let url = url::Url::parse(&url).ok()?;
    let port = url.port_or_known_default().unwrap_or(1080);
    Some(format!("{}:{port}", url.host_str()?))
}

async fn api_clock(client: &Client) -> SeenFact<SignedDuration> {
    let request = Request::get("/version").body(Body::empty()).expect("a path of plain characters");
    let answer = client.send(request).await.map_err(|error| why_unseen("the API server's clock", &error))?;
    let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| clock::ahead(date, Timestamp::now()))
        .ok_or_else(|| "the API server returned no time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_told_without_its_password() {
        let told = |name: &str, value: &str| proxy_setting(|asked| (asked == name).then(|| value.to_owned()));
        let address = |text: &str| Some(text.to_owned());
        assert_eq!(told("HTTPS_PROXY", "http://user:canary@proxy.corp:3128"), address("proxy.corp:3128"));
        assert_eq!(told("https_proxy", "https://proxy.corp"), address("proxy.corp:443"));
        assert_eq!(told("ALL_PROXY", "socks5://10.0.0.1"), address("10.0.0.1:1080"));
        assert_eq!(told("HTTPS_PROXY", "proxy.corp:8080"), address("proxy.corp:8080"));
        assert_eq!(told("HTTP_PROXY", "http://proxy.corp"), None, "STS is asked over https");
        assert_eq!(told("HTTPS_PROXY", ""), None);
    }
}
