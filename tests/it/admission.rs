//! The verdicts of `admission_cases.rs` by a real API server, on dry runs.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`: a cluster on which definitions may be installed
//! (`tests/cluster/up --api-only` gives one). Fails without it; `cargo test` alone leaves it out (`#[ignore]`).

use awscost::api::{GROUP, crd};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
    runtime::wait::{await_condition, conditions},
};
use serde_json::{Value, json};

use super::admission_cases::{Case, Verdict, accounts, warehouses};

/// The kubeconfig of the administrator of the cluster for tests.
pub fn kubeconfig() -> String {
    std::env::var("AWSCOST_TEST_KUBECONFIG").expect("AWSCOST_TEST_KUBECONFIG names a kubeconfig")
}

/// A client of the cluster for tests.
pub async fn client() -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig()).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("a usable kubeconfig")).expect("a client")
}

/// Installs the definitions.
pub async fn install(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crd::all_definitions() {
        let name = definition.name_any();
        let params = PatchParams::apply("awscost-test").force();
        api.patch(&name, &params, &Patch::Apply(&definition)).await.expect("the definition is accepted");
        await_condition(api.clone(), &name, conditions::is_crd_established()).await.expect("established");
    }
}

/// The API server's words against an object, or nothing.
async fn refusal(client: &Client, case: &Case, number: usize) -> Option<String> {
    let kind = case.sent["kind"].as_str().expect("a kind");
    let plural = if kind == "AwsCostAccount" { "awscostaccounts" } else { "costwarehouses" };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, "v1alpha1", kind), plural);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    let name = format!("case-{number}");
    let object = |value: &Value| -> DynamicObject {
        let mut value = value.clone();
        value["metadata"]["name"] = json!(name);
        serde_json::from_value(value).expect("an object")
    };
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let verdict = match &case.stored {
        None => api.create(&dry, &object(&case.sent)).await,
        Some(stored) => {
            let before = api.create(&PostParams::default(), &object(stored)).await.expect("a good object");
            let mut version = before.resource_version();
            if let Some(status) = stored.get("status") {
                let patch = json!({"status": status});
                let after = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch)).await;
                version = after.expect("a good status").resource_version();
            }
            let mut sent = object(&case.sent);
            sent.metadata.resource_version = version;
            let verdict = api.replace(&name, &dry, &sent).await;
            api.delete(&name, &Default::default()).await.expect("the object goes");
            verdict
        }
    };
    match verdict {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => Some(status.message.clone()),
        Err(error) => Some(format!("no verdict: {error}")),
    }
}

#[tokio::test]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_real_api_server_gives_the_same_verdicts() {
    let client = client().await;
    install(&client).await;
    let mut wrong = Vec::new();
    let cases: Vec<Case> = accounts().into_iter().chain(warehouses()).collect();
    for (number, case) in cases.iter().enumerate() {
        let refusal = refusal(&client, case, number).await;
        let agreed = match case.verdict {
            Verdict::Accept => refusal.is_none(),
            Verdict::Refuse(part) => refusal.as_ref().is_some_and(|words| words.contains(part)),
        };
        if !agreed {
            wrong.push(format!("{}\n  wanted {:?}, got {refusal:?}", case.name, case.verdict));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
