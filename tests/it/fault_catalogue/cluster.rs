//! A scene's side in the cluster: its namespace, Secret, account and warehouse, applied as a GitOps tool would.

use awscost::api::{AwsCostAccount, CostWarehouse};
use k8s_openapi::{
    ByteString,
    api::{batch::v1::Job, core::v1::Secret},
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::scene::Scene;

/// Who applies.
const MANAGER: &str = "awscost-test";

/// What a scene needs of the cluster.
#[derive(Clone)]
pub struct Cluster {
    /// The API server.
    pub client: Client,
    /// Where the scene's objects are.
    pub namespace: String,
}

impl Cluster {
    pub fn accounts(&self) -> Api<AwsCostAccount> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn warehouses(&self) -> Api<CostWarehouse> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn jobs(&self) -> Api<Job> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Server-side apply of one object.
    pub async fn apply(&self, object: Value) -> Result<(), kube::Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, version) =
            text("/apiVersion").split_once('/').unwrap_or_else(|| ("", text("/apiVersion")));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")));
        let api: Api<DynamicObject> = match text("/kind") {
            "Namespace" => Api::all_with(self.client.clone(), &resource),
            _ => Api::namespaced_with(self.client.clone(), &self.namespace, &resource),
        };
        let params = PatchParams::apply(MANAGER).force();
        api.patch(text("/metadata/name"), &params, &Patch::Apply(&object)).await.map(drop)
    }

    /// The scene's Secrets as they are to be; those that only `before` has go.
    pub async fn stage_secrets(&self, before: Option<&Scene>, scene: &Scene) -> Result<(), kube::Error> {
        let names = |scene: &Scene| -> Vec<String> {
            scene.at("/secrets").as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let wanted = names(scene);
        for gone in before.map(names).unwrap_or_default().iter().filter(|name| !wanted.contains(name)) {
            self.secrets().delete(gone, &Default::default()).await?;
        }
        for (name, secret) in scene.at("/secrets").as_object().into_iter().flatten() {
            let bytes = |text: &Value| ByteString(text.as_str().unwrap_or_default().as_bytes().to_vec());
            let data: serde_json::Map<String, Value> = secret["data"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, text)| (key.clone(), serde_json::to_value(bytes(text)).expect("JSON")))
                .collect();
            let labels = secret["labels"].as_object().cloned().unwrap_or_default();
            self.apply(json!({
                "apiVersion": "v1", "kind": "Secret", "data": data, "metadata": {"name": name, "labels": labels},
            }))
            .await?;
        }
        Ok(())
    }

    /// The scene's account as it is to be.
    pub async fn stage_account(&self, scene: &Scene) -> Result<(), kube::Error> {
        self.apply(account(scene)).await
    }

    /// The scene's own warehouse, if it has one.
    pub async fn stage_warehouse(&self, scene: &Scene) -> Result<(), kube::Error> {
        match own_warehouse(scene) {
            Some(warehouse) => self.apply(warehouse).await,
            None => Ok(()),
        }
    }

    /// Asks for a look at once.
    pub async fn ask(&self, kind: Asked, name: &str, wish: &str) -> Result<(), kube::Error> {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {awscost::api::RECONCILE_AT: wish}}}));
        let params = PatchParams::default();
        match kind {
            Asked::Account => self.accounts().patch_metadata(name, &params, &patch).await.map(drop),
            Asked::Warehouse => self.warehouses().patch_metadata(name, &params, &patch).await.map(drop),
        }
    }
}

/// Whom a look is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Account,
    Warehouse,
}

/// The account's manifest: also what `awscost check` gets.
pub fn account(scene: &Scene) -> Value {
    json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
        "metadata": {"name": scene.names.name}, "spec": scene.at("/spec"),
    })
}

/// The manifest of the scene's own warehouse, if it has one.
pub fn own_warehouse(scene: &Scene) -> Option<Value> {
    let spec = scene.at("/warehouse/spec");
    (!spec.is_null()).then(|| warehouse(&scene.names.name, spec.clone()))
}

/// Warehouses for all: `lake`, a folder, probed like any other; `dry`, whose claim does not exist; `stuck`, whose probe
/// never begins, because its service account does not exist.
pub fn shared_warehouses() -> [Value; 3] {
    let folder = |claim| json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": claim});
    let stuck =
        json!({"location": "s3://nowhere/costs", "region": "us-east-1", "serviceAccountName": "nobody"});
    [("lake", folder("lake")), ("dry", folder("nowhere")), ("stuck", stuck)]
        .map(|(name, delta)| warehouse(name, json!({"delta": delta})))
}

/// The claim of `lake`.
pub fn claim() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "lake"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    })
}

fn warehouse(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": name}, "spec": spec,
    })
}
