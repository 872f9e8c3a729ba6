//! The Secret with the CA bundle, kept by an operator that the chart's own roles and policies bound.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`, as `admission.rs` does, and helm.

use std::{collections::BTreeMap, path::Path};

use awscost::{
    api::CostWarehouse,
    aws::{AwsSettings, Sdk},
    controller::{self, OperatorParts, ReplicaIdentity, settings::Settings},
    network::trust::TrustedAuthorities,
    telemetry::metrics::Metrics,
};
use k8s_openapi::{
    ByteString,
    api::{
        batch::v1::Job,
        core::v1::{Namespace, Secret},
        events::v1::Event,
    },
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    admission,
    eventually::eventually,
    fault_catalogue::chart::{Chart, IMAGE},
};

const NAME: &str = "awscost-ca";

struct Stage {
    client: Client,
    /// One where the operator makes the Secret, and one where somebody had one of that name before.
    namespaces: [String; 2],
    chart: Chart,
    stop: CancellationToken,
    operator: tokio::task::JoinHandle<()>,
    trust: TrustedAuthorities,
}

impl Stage {
    async fn set() -> Self {
        let client = admission::client().await;
        admission::install(&client).await;
        let namespaces = ["ca", "ca-taken"].map(|name| format!("{name}-{}", std::process::id()));
        for name in &namespaces {
            let object = serde_json::from_value(json!({"metadata": {"name": name}})).expect("a namespace");
            let api: Api<Namespace> = Api::all(client.clone());
            api.create(&PostParams::default(), &object).await.expect("a namespace");
        }
        let taken: Api<Secret> = Api::namespaced(client.clone(), &namespaces[1]);
        let theirs = json!({"metadata": {"name": NAME}, "stringData": {"ca.crt": "theirs"}});
        let theirs = serde_json::from_value(theirs).expect("a Secret");
        taken.create(&PostParams::default(), &theirs).await.expect("somebody's Secret");
        let watched: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        let chart =
            Chart::install_with(&client, &namespaces[0], &watched, &["caBundle.configMapName=corporate-ca"])
                .await;
        let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/network/src/trust/one.pem");
        let trust = TrustedAuthorities::read(&bundle).expect("a bundle");
        let settings = format!(
            "image: {IMAGE}\nwatch: {{namespaces: [{}]}}\nmetrics: {{address: '127.0.0.1:0'}}\n\
             tenancy: {{rules: [{{namespaces: ['*'], accountIds: ['123456789012']}}]}}\n\
             leaderElection: {{enabled: false}}\n",
            watched.join(", ")
        );
        let stop = CancellationToken::new();
        let operator = OperatorParts {
            client: chart.operators_client().await,
            settings: Settings::parse(&settings).expect("settings"),
            aws: Sdk::load(AwsSettings::default()).await.aws(),
            own_region: None,
            job_env: BTreeMap::default(),
            authorities: trust.clone(),
            metrics: Metrics::new("test").expect("metrics"),
            identity: ReplicaIdentity { pod: "test".to_owned(), namespace: namespaces[0].clone() },
        };
        let running = controller::run_operator(operator, stop.clone());
        let operator = tokio::spawn(async move { running.await.expect("the operator ends well") });
        Self { client, namespaces, chart, stop, operator, trust }
    }

    async fn warehouse(&self, namespace: &str) {
        let object = json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "lake"},
            "spec": {"delta": {"location": "s3://acme-lake/x", "region": "eu-west-1", "serviceAccountName": "default"}}
        });
        let object: CostWarehouse = serde_json::from_value(object).expect("a warehouse");
        let api: Api<CostWarehouse> = Api::namespaced(self.client.clone(), namespace);
        api.create(&PostParams::default(), &object).await.expect("it is accepted");
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Waits until the copy says what the operator trusts; its UID.
    async fn equal(&self, what: &str) -> String {
        let wanted = ByteString(self.trust.pem().as_bytes().to_vec());
        eventually(what, async || {
            let secret = self.secrets(&self.namespaces[0]).get_opt(NAME).await.expect("an answer")?;
            (secret.data.as_ref()?.get("ca.crt") == Some(&wanted)).then(|| secret.uid().unwrap_or_default())
        })
        .await
    }

    async fn clear(self) {
        self.stop.cancel();
        self.operator.await.expect("the operator ends");
        self.chart.remove().await;
        let api: Api<Namespace> = Api::all(self.client.clone());
        for name in &self.namespaces {
            api.delete(name, &DeleteParams::default()).await.expect("the namespace goes");
        }
    }
}

/// The API server's words against something, or nothing.
fn refusal<T>(verdict: Result<T, kube::Error>) -> String {
    match verdict {
        Ok(_) => String::new(),
        Err(kube::Error::Api(status)) => status.message.clone(),
        Err(error) => unreachable!("no verdict: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn the_copy_is_kept_equal_and_nothing_else_is_touched() {
    let stage = Stage::set().await;
    let home = stage.namespaces[0].clone();
    stage.warehouse(&home).await;
    let first = stage.equal("the operator makes the copy").await;
    let secrets = stage.secrets(&home);
    secrets.delete(NAME, &DeleteParams::default()).await.expect("a person deletes it");
    assert_ne!(stage.equal("what is deleted comes back").await, first);
    let theirs = Patch::Merge(json!({"stringData": {"ca.crt": "theirs"}}));
    secrets.patch(NAME, &PatchParams::default(), &theirs).await.expect("a person changes it");
    stage.equal("what is changed is put back").await;
    let events: Api<Event> = Api::namespaced(stage.client.clone(), &home);
    eventually("the change is told", async || {
        let events = events.list(&ListParams::default()).await.expect("events");
        events.iter().any(|event| event.reason.as_deref() == Some("CaBundleRestored")).then_some(())
    })
    .await;
    mounted_by_the_probe(&stage, &home).await;
    nothing_more_is_allowed(&stage, &home).await;
    a_strangers_secret_stays(&stage).await;
    stage.clear().await;
}

async fn mounted_by_the_probe(stage: &Stage, home: &str) {
    let jobs: Api<Job> = Api::namespaced(stage.client.clone(), home);
    let job = eventually("a probe starts", async || {
        jobs.list(&ListParams::default()).await.expect("Jobs").items.pop()
    })
    .await;
    let job = serde_json::to_value(job).expect("JSON");
    let pod = &job["spec"]["template"]["spec"];
    let volume = pod["volumes"].as_array().and_then(|all| all.iter().find(|volume| volume["name"] == "ca"));
    assert_eq!(volume.expect("a volume")["secret"]["secretName"], NAME);
    let env = &pod["containers"][0]["env"];
    let named = json!({"name": "AWS_CA_BUNDLE", "value": "/var/run/awscost/ca/ca.crt"});
    assert!(env.as_array().is_some_and(|env| env.contains(&named)), "{env}");
}

/// The chart's policy lets the operator change this one Secret of its own, and no other.
async fn nothing_more_is_allowed(stage: &Stage, home: &str) {
    let operators: Api<Secret> = Api::namespaced(stage.chart.operators_client().await, home);
    let other = json!({"metadata": {"name": "awscost-other", "labels": {
        "awscost.io/use": "ca", "app.kubernetes.io/managed-by": "awscost-operator"}}});
    let other = serde_json::from_value(other).expect("a Secret");
    stage.secrets(home).create(&PostParams::default(), &other).await.expect("a person makes one");
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    let change = Patch::Merge(json!({"metadata": {"labels": {"more": "more"}}}));
    let kept = "keeps its own awscost-ca";
    let said = refusal(operators.patch("awscost-other", &dry, &change).await);
    assert!(said.contains(kept), "another Secret with these labels: {said}");
    let gone = DeleteParams { dry_run: true, ..DeleteParams::default() };
    let said = refusal(operators.delete(NAME, &gone).await);
    assert!(said.contains(kept), "the copy is deleted: {said}");
    let relabelled = Patch::Merge(json!({"metadata": {"labels": {"awscost.io/use": "session"}}}));
    let said = refusal(operators.patch(NAME, &dry, &relabelled).await);
    assert!(said.contains("certificate authorities and nothing else"), "the copy is another kind: {said}");
    assert_eq!(refusal(operators.patch(NAME, &dry, &change).await), "", "the copy is its own");
}

async fn a_strangers_secret_stays(stage: &Stage) {
    let taken = &stage.namespaces[1];
    stage.warehouse(taken).await;
    let api: Api<CostWarehouse> = Api::namespaced(stage.client.clone(), taken);
    eventually("the warehouse says what stands in the way", async || {
        let conditions = api.get("lake").await.expect("the warehouse").status?.conditions;
        conditions
            .iter()
            .any(|condition| condition.message.contains("The Secret awscost-ca in namespace"))
            .then_some(())
    })
    .await;
    let secret = stage.secrets(taken).get(NAME).await.expect("it is there");
    let theirs = ByteString(b"theirs".to_vec());
    assert_eq!(secret.data.as_ref().and_then(|data| data.get("ca.crt")), Some(&theirs), "it is not touched");
    let jobs: Api<Job> = Api::namespaced(stage.client.clone(), taken);
    assert_eq!(jobs.list(&ListParams::default()).await.expect("Jobs").items.len(), 0, "no Job mounts it");
}
