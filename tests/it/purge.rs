//! What becomes of a deleted account on a real API server, with AWS out of reach: the operator runs in this process, the
//! controllers of Kubernetes make and remove pods, and the test plays the node that runs them.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`: a cluster on which definitions may be installed
//! (`tests/cluster/up --api-only --with-controllers` gives one). Fails without it; `cargo test` alone leaves it out.

use awscost::{
    api::{AwsCostAccount, CostWarehouse},
    aws::{AwsSettings, Sdk},
    controller::{self, OperatorParts, ReplicaIdentity, settings::Settings},
    telemetry::metrics::Metrics,
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Namespace, Pod, Secret},
    events::v1::Event,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{admission, eventually::eventually};

struct Stage {
    client: Client,
    namespace: String,
    stop: CancellationToken,
    operator: JoinHandle<()>,
}

impl Stage {
    /// A namespace of its own, with a warehouse, and an operator that watches it.
    async fn set(name: &str) -> Self {
        let client = admission::client().await;
        admission::install(&client).await;
        let namespace = format!("{name}-{}", std::process::id());
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).expect("a namespace");
        namespaces.create(&PostParams::default(), &object).await.expect("a namespace");
        let settings = format!(
            "image: localhost/awscost:test\nwatch: {{namespaces: [{namespace}]}}\nmetrics: {{address: '127.0.0.1:0'}}\n\
             leaderElection: {{enabled: false}}\ntesting: {{firstLookSpread: 1s}}\n"
        );
        let stop = CancellationToken::new();
        let operator = OperatorParts {
            client: client.clone(),
            settings: Settings::parse(&settings).expect("settings"),
            aws: Sdk::load(AwsSettings::default()).await.aws(),
            own_region: None,
            job_env: Default::default(),
            authorities: Default::default(),
            metrics: Metrics::new("test").expect("metrics"),
            identity: ReplicaIdentity { pod: "test".to_owned(), namespace: namespace.clone() },
        };
        let running = controller::run_operator(operator, stop.clone());
        let operator = tokio::spawn(async move { running.await.expect("the operator ends well") });
        let stage = Self { client, namespace, stop, operator };
        stage
            .create::<CostWarehouse>(json!({
                "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "lake"},
                "spec": {"delta": {"location": "file:///warehouse", "persistentVolumeClaim": "lake"}}
            }))
            .await;
        stage
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn create<K>(&self, object: Value) -> K
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + serde::de::DeserializeOwned
            + serde::Serialize
            + Clone
            + std::fmt::Debug,
    {
        let object = serde_json::from_value(object).expect("an object");
        self.api::<K>().create(&PostParams::default(), &object).await.expect("it is accepted")
    }

    /// An account whose rows go with it, once its finalizer is on.
    async fn account(&self, name: &str) -> AwsCostAccount {
        self.create::<AwsCostAccount>(json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": name},
            "spec": {
                "accountType": "Management", "deletionPolicy": "Purge",
                "access": {
                    "roleArn": "arn:aws:iam::123456789012:role/awscost",
                    "externalIdSecretRef": {"name": "acme-external-id"}
                },
                "report": {"name": "acme-cur", "bucket": {"name": "acme-billing", "region": "us-east-1"}},
                "ingestion": {"warehouseRef": {"name": "lake"}}
            }
        }))
        .await;
        eventually("the finalizer is on", async || {
            let account = self.api::<AwsCostAccount>().get(name).await.expect("the account");
            account.finalizers().contains(&"awscost.io/purge".to_owned()).then_some(account)
        })
        .await
    }

    /// An account whose rows stay, without a report.
    async fn kept_account(&self, name: &str) {
        self.create::<AwsCostAccount>(json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": name},
            "spec": {
                "accountType": "Member",
                "access": {
                    "roleArn": "arn:aws:iam::210987654321:role/awscost",
                    "externalIdSecretRef": {"name": "acme-external-id"}
                }
            }
        }))
        .await;
    }

    /// Plays the node on which the purge ends well.
    async fn purge_ends_well(&self) {
        let purge = eventually("a purge is started", async || self.jobs("purge").await.pop()).await;
        let pod = eventually("the purge has a pod", async || self.pod_of(&purge.name_any()).await).await;
        let ended = json!({"status": {"phase": "Succeeded", "containerStatuses": [{
            "name": "awscost", "image": "a", "imageID": "a", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}
        }]}});
        let pods = self.api::<Pod>();
        pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&ended))
            .await
            .expect("it ended");
    }

    async fn jobs(&self, component: &str) -> Vec<Job> {
        let params = ListParams::default().labels(&format!("app.kubernetes.io/component={component}"));
        self.api::<Job>().list(&params).await.expect("Jobs").items
    }

    async fn pod_of(&self, job: &str) -> Option<Pod> {
        let params = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"));
        self.api::<Pod>().list(&params).await.expect("pods").items.pop()
    }

    async fn delete(&self, account: &str) {
        self.api::<AwsCostAccount>()
            .delete(account, &DeleteParams::default())
            .await
            .expect("deletion begins");
    }

    async fn gone(&self, account: &str) {
        eventually("the account goes", async || {
            self.api::<AwsCostAccount>().get_opt(account).await.expect("an answer").is_none().then_some(())
        })
        .await;
    }

    async fn told(&self, reason: &str) {
        eventually("the event is there", async || {
            let events = self.api::<Event>().list(&ListParams::default()).await.expect("events");
            events.iter().any(|event| event.reason.as_deref() == Some(reason)).then_some(())
        })
        .await;
    }

    async fn clear(self) {
        self.stop.cancel();
        self.operator.await.expect("the operator ends");
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        // It may be gone already.
        let _ = namespaces.delete(&self.namespace, &DeleteParams::default()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn rows_go_with_the_account_once_its_loads_are_stopped() {
    let stage = Stage::set("purge").await;
    let account = stage.account("acme").await;
    let labels = json!({
        "app.kubernetes.io/managed-by": "awscost-operator", "app.kubernetes.io/component": "ingest",
        "awscost.io/account-uid": account.uid()
    });
    let owner = json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "name": "acme", "uid": account.uid(),
        "controller": true
    });
    let load = json!({
        "metadata": {"name": "awscost-a-load", "labels": labels, "ownerReferences": [owner]},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {
            "restartPolicy": "Never", "containers": [{"name": "awscost", "image": "localhost/awscost:test"}]
        }}}
    });
    stage.create::<Job>(load).await;
    eventually("the load has a pod", async || stage.pod_of("awscost-a-load").await).await;
    stage.delete("acme").await;
    eventually("a purge is started", async || stage.jobs("purge").await.pop()).await;
    assert!(stage.jobs("ingest").await.is_empty() && stage.pod_of("awscost-a-load").await.is_none());
    assert!(stage.api::<AwsCostAccount>().get("acme").await.is_ok(), "it stays until its rows are gone");
    stage.purge_ends_well().await;
    stage.gone("acme").await;
    stage.told("Purged").await;
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn an_account_is_let_go_where_nothing_can_be_purged() {
    let stage = Stage::set("skipped").await;
    stage.account("retained").await;
    stage.delete("retained").await;
    eventually("a purge is started", async || stage.jobs("purge").await.pop()).await;
    let retain = json!({"spec": {"deletionPolicy": "Retain"}});
    let accounts = stage.api::<AwsCostAccount>();
    accounts.patch("retained", &PatchParams::default(), &Patch::Merge(&retain)).await.expect("a new policy");
    stage.gone("retained").await;

    stage.account("orphan").await;
    stage.api::<CostWarehouse>().delete("lake", &DeleteParams::default()).await.expect("the warehouse goes");
    stage.delete("orphan").await;
    stage.gone("orphan").await;
    stage.told("PurgeSkipped").await;

    stage.account("in-a-namespace-that-goes").await;
    let namespaces: Api<Namespace> = Api::all(stage.client.clone());
    namespaces.delete(&stage.namespace, &DeleteParams::default()).await.expect("its deletion begins");
    eventually("the namespace goes", async || {
        namespaces.get_opt(&stage.namespace).await.expect("an answer").is_none().then_some(())
    })
    .await;
    stage.clear().await;
}

/// docs/uninstall.md: accounts with Purge, accounts, warehouses, and then the operator leave no object behind that would
/// hold the definitions, nor a Job, and nothing that people made goes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn in_the_documented_order_nothing_hangs_and_what_people_made_stays() {
    let stage = Stage::set("uninstall").await;
    let external_id = json!({
        "metadata": {"name": "acme-external-id", "labels": {"awscost.io/use": "external-id"}},
        "stringData": {"externalId": "an-external-id-of-the-test"}
    });
    stage.create::<Secret>(external_id).await;
    stage.account("acme").await;
    stage.kept_account("member").await;
    stage.delete("acme").await;
    stage.purge_ends_well().await;
    stage.gone("acme").await;
    stage.delete("member").await;
    stage.gone("member").await;
    stage.api::<CostWarehouse>().delete("lake", &DeleteParams::default()).await.expect("its deletion begins");
    stage.stop.cancel();
    let everything = ListParams::default();
    eventually("nothing of ours is left", async || {
        let accounts = stage.api::<AwsCostAccount>().list(&everything).await.expect("accounts").items;
        let warehouses = stage.api::<CostWarehouse>().list(&everything).await.expect("warehouses").items;
        let jobs = stage.api::<Job>().list(&everything).await.expect("Jobs").items;
        (accounts.is_empty() && warehouses.is_empty() && jobs.is_empty()).then_some(())
    })
    .await;
    let secrets = stage.api::<Secret>().list(&everything).await.expect("Secrets").items;
    let names: Vec<String> = secrets.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["acme-external-id"], "what people made stays, and no session does");
    stage.clear().await;
}

/// The same page, "In the wrong order": without an operator the finalizer holds the account, and the documented patch
/// frees it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn an_account_without_an_operator_is_held_until_its_finalizer_is_taken_off() {
    let stage = Stage::set("wrong-order").await;
    stage.account("acme").await;
    stage.stop.cancel();
    stage.delete("acme").await;
    let accounts = stage.api::<AwsCostAccount>();
    let held = accounts.get("acme").await.expect("it is still there");
    assert!(held.metadata.deletion_timestamp.is_some(), "its deletion has begun");
    let page = include_str!("../../docs/uninstall.md");
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    assert!(
        page.contains(&format!("patch aca acme-payer --type merge -p '{patch}'")),
        "the page has the patch"
    );
    let patch: Value = serde_json::from_str(patch).expect("JSON");
    accounts.patch("acme", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    stage.gone("acme").await;
    stage.clear().await;
}
