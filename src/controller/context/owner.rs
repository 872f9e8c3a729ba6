//! What is made for an account or a warehouse says so: whom it belongs to, and by which marks that is told.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use crate::api::USE_LABEL;

/// Labels and annotations by which a Job says what it is.
pub mod mark {
    /// The account's UID (label).
    pub const ACCOUNT_UID: &str = "awscost.io/account-uid";
    /// The warehouse's UID (label).
    pub const WAREHOUSE_UID: &str = "awscost.io/warehouse-uid";
    /// The billing period (label).
    pub const PERIOD: &str = "awscost.io/period";
    /// The attempt, from 1 (label).
    pub const ATTEMPT: &str = "awscost.io/attempt";
    /// The version's identity (annotation).
    pub const VERSION: &str = "awscost.io/version";
    /// Fingerprint of what the attempt depended on (annotation).
    pub const INPUTS: &str = "awscost.io/inputs";
    /// Whose work it is (label).
    pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "awscost-operator");
    /// The program (label).
    pub const NAME: (&str, &str) = ("app.kubernetes.io/name", "awscost");
    /// What the Job does (label).
    pub const COMPONENT: &str = "app.kubernetes.io/component";
}

/// The kind that loads and purges belong to.
pub const ACCOUNT: &str = "AwsCostAccount";
/// The kind that probes belong to.
pub const WAREHOUSE: &str = "CostWarehouse";

/// The object a Job belongs to.
#[derive(Debug, Clone)]
pub struct ObjectOwner {
    /// Kind, as the API spells it.
    pub kind: &'static str,
    /// The namespace it lies in, and everything that is made for it.
    pub namespace: String,
    /// Its name, which another object may have after it.
    pub name: String,
    /// Its UID, which no other object ever has.
    pub uid: String,
}

impl ObjectOwner {
    /// The label that holds its UID on what is made for it.
    pub fn label(&self) -> &'static str {
        if self.kind == WAREHOUSE { mark::WAREHOUSE_UID } else { mark::ACCOUNT_UID }
    }
}

/// The owner of a child: the garbage collector takes the child when the owner goes.
pub fn owner_reference(owner: &ObjectOwner) -> OwnerReference {
    OwnerReference {
        api_version: "awscost.io/v1alpha1".to_owned(),
        kind: owner.kind.to_owned(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

/// A Secret that the operator makes: what it is, and what it is used for.
pub fn own_secret(
    namespace: &str,
    name: &str,
    (component, used_for): (&str, &str),
    data: BTreeMap<String, ByteString>,
) -> Secret {
    let labels = [mark::NAME, mark::MANAGED_BY, (mark::COMPONENT, component), (USE_LABEL, used_for)];
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}
