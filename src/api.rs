//! The Kubernetes API of awscost: the two kinds, their status and their conditions.
//!
//! Fields are text here, limited by patterns; `fields.rs` and `controller/validate.rs` parse them into `model` types once.

pub mod admission;
pub mod aws_cost_account;
pub mod conditions;
pub mod cost_warehouse;
pub mod crd;
pub mod duration;
pub mod fields;
mod shape;
pub mod status;
mod warehouse_spec;

use std::collections::BTreeMap;

pub use aws_cost_account::{AwsCostAccount, AwsCostAccountSpec};
pub use cost_warehouse::{CostWarehouse, CostWarehouseSpec};
pub use status::{AwsCostAccountStatus, CostWarehouseStatus};
pub use warehouse_spec::ValidWarehouse;

/// The API group of both kinds.
pub const GROUP: &str = "awscost.io";

/// Asks for a new look at once: any change of its value does. Echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_AT: &str = "awscost.io/reconcile-at";

/// Flux's and Argo CD's spellings of the same request.
pub const RECONCILE_ALIASES: [&str; 2] = ["reconcile.fluxcd.io/requestedAt", "argocd.argoproj.io/refresh"];

/// The reconcile request that an object carries, by our annotation or Flux's or Argo CD's.
pub fn reconcile_request(annotations: &BTreeMap<String, String>) -> Option<String> {
    let texts: Vec<&str> = std::iter::once(RECONCILE_AT)
        .chain(RECONCILE_ALIASES)
        .filter_map(|key| annotations.get(key).map(String::as_str))
        .collect();
    // Joined, so that a change of any of them is a change; cut at the status field's limit.
    (!texts.is_empty()).then(|| texts.join(",").chars().take(250).collect())
}

/// The label without which no Secret is used; its value says what for.
pub const USE_LABEL: &str = "awscost.io/use";
/// Value of [`USE_LABEL`] on a Secret that holds an external ID.
pub const USE_EXTERNAL_ID: &str = "external-id";
/// Value of [`USE_LABEL`] on a Secret that holds the access key of an IAM user.
pub const USE_ACCESS_KEY: &str = "access-key";
/// Value of [`USE_LABEL`] on a Secret that holds a warehouse's credentials.
pub const USE_WAREHOUSE: &str = "warehouse";
/// Value of [`USE_LABEL`] on the Secret with the authorities that Jobs trust besides the system's.
pub const USE_CA: &str = "ca";

/// The key of an access key's id in its Secret.
pub const ACCESS_KEY_ID_KEY: &str = "accessKeyId";
/// The key of an access key's secret in its Secret.
pub const SECRET_ACCESS_KEY_KEY: &str = "secretAccessKey";

/// On a Secret whose external ID the operator made (annotation): the admission policy lets it create no other.
pub const GENERATED_FOR: &str = "awscost.io/generated-for";

/// On the operator's Lease (annotation): the ARN of its role or user, for people to copy.
pub const OPERATOR_PRINCIPAL: &str = "awscost.io/operator-principal";

/// The key of an external-ID Secret where the object names none.
pub const DEFAULT_EXTERNAL_ID_KEY: &str = "externalId";
