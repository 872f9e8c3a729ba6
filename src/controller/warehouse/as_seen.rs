//! A warehouse as the accounts see it that load into it.

use kube::ResourceExt;

use crate::{
    api::{
        CostWarehouse, USE_LABEL, USE_WAREHOUSE, ValidWarehouse,
        conditions::{self, Saying},
    },
    controller::{context::Stores, fingerprint, jobs::manifest::WarehouseOf},
    model::{ConditionStatus, ConditionType, Reason},
};

/// What is seen of the warehouse an account names.
#[derive(Debug, Clone)]
pub struct WarehouseView {
    /// What WarehouseReady of its accounts says.
    pub saying: Saying,
    /// True if what keeps it from being ready is tried again by itself.
    pub retries: bool,
    /// True if there is one of that name, whatever its spec.
    pub exists: bool,
    /// The warehouse, if it is there and its spec can be used.
    pub found: Option<FoundWarehouse>,
}

/// A warehouse that is there.
#[derive(Debug, Clone)]
pub struct FoundWarehouse {
    /// Its UID: another warehouse of the same name is another warehouse.
    pub uid: String,
    /// What it is and where it lies.
    pub valid: ValidWarehouse,
    /// Changes whenever it or its Secret does.
    pub fingerprint: String,
}

impl FoundWarehouse {
    /// What Jobs are told of it.
    pub fn as_named(&self) -> WarehouseOf<'_> {
        WarehouseOf { uid: &self.uid, spec: &self.valid }
    }
}

impl From<Saying> for WarehouseView {
    /// What is said of a warehouse that nobody loads into.
    fn from(saying: Saying) -> Self {
        Self { saying, retries: false, exists: false, found: None }
    }
}

/// The warehouse of a name in a namespace, in the account's words.
pub fn find_warehouse(stores: &Stores, namespace: &str, name: &str) -> WarehouseView {
    let found = stores.warehouse(namespace, name);
    let parsed = found.as_ref().and_then(|found| found.0.as_ref().ok());
    let Some(warehouse) = parsed else {
        let exists = found.is_some();
        let saying = if exists { unreadable_warehouse(name) } else { no_warehouse(name) };
        return WarehouseView { saying, retries: false, exists, found: None };
    };
    let valid = warehouse.spec.parse().ok();
    let secret = valid.as_ref().and_then(|valid| valid.access.secret());
    let secret_version = secret.and_then(|name| usable_secret(stores, namespace, name));
    let status = warehouse.status.as_ref();
    let stalled = status.is_some_and(|status| {
        conditions::find_condition(&status.conditions, ConditionType::Stalled).is_some()
    });
    WarehouseView {
        saying: warehouse_says(warehouse),
        retries: !stalled,
        exists: true,
        found: valid.map(|valid| FoundWarehouse {
            uid: warehouse.uid().unwrap_or_default(),
            fingerprint: spec_fingerprint(warehouse, secret_version.as_deref()),
            valid,
        }),
    }
}

/// The version of a Secret that carries the label for warehouses.
pub fn usable_secret(stores: &Stores, namespace: &str, name: &str) -> Option<String> {
    let secret = stores.secret(namespace, name)?;
    let labelled = secret.labels().get(USE_LABEL).map(String::as_str) == Some(USE_WAREHOUSE);
    labelled.then(|| secret.metadata.resource_version.clone()).flatten()
}

/// Changes whenever a warehouse's spec or its Secret does.
pub fn spec_fingerprint(warehouse: &CostWarehouse, secret_version: Option<&str>) -> String {
    let generation = warehouse.metadata.generation.map(|generation| generation.to_string());
    fingerprint::fingerprint_of(&[warehouse.metadata.uid.as_deref(), generation.as_deref(), secret_version])
}

/// WarehouseReady of an account that names a warehouse which is not there.
pub fn no_warehouse(name: &str) -> Saying {
    let message = format!(
        "There is no CostWarehouse {name} in this namespace: create it, or correct spec.ingestion.warehouseRef."
    );
    warehouse_ready(ConditionStatus::False, Reason::WarehouseNotFound, message)
}

fn unreadable_warehouse(name: &str) -> Saying {
    let message =
        format!("The spec of CostWarehouse {name} can't be read: its own Ready says why. Correct it.");
    warehouse_ready(ConditionStatus::False, Reason::WarehouseNotFound, message)
}

/// The warehouse's Ready as the account's WarehouseReady.
pub fn warehouse_says(warehouse: &CostWarehouse) -> Saying {
    let status = warehouse.status.clone().unwrap_or_default();
    let ready = conditions::find_condition(&status.conditions, ConditionType::Ready);
    match ready.filter(|_| status.observed_generation == warehouse.metadata.generation) {
        Some(ready) => {
            let reason = match Reason::from_name(&ready.reason) {
                Some(Reason::Progressing) | None => Reason::Probing,
                Some(reason) => reason,
            };
            let message = conditions::whole_message(&status.conditions).unwrap_or(&ready.message);
            let status = ConditionStatus::from_name(&ready.status).unwrap_or(ConditionStatus::Unknown);
            warehouse_ready(status, reason, message.to_owned())
        }
        None => warehouse_ready(
            ConditionStatus::Unknown,
            Reason::Probing,
            "The CostWarehouse is not probed yet.".to_owned(),
        ),
    }
}

fn warehouse_ready(status: ConditionStatus, reason: Reason, message: String) -> Saying {
    Saying::new(ConditionType::WarehouseReady, status, reason, message)
}
