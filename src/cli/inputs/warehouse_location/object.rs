//! A CostWarehouse as a place to read: the address in its spec.

use std::str::FromStr;

use crate::{
    api::{CostWarehouse, CostWarehouseSpec, ValidWarehouse, fields::InvalidField},
    cli::cluster::{ClusterArgs, ClusterFault, ClusterScope, fleet::Kind, selection::parse_object},
    model::{ExitCode, WarehouseAddress},
    warehouse::WarehouseFault,
};

/// `costwarehouse/NAME`.
#[derive(Debug, Clone)]
pub(super) struct ObjectName(String);

impl FromStr for ObjectName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match parse_object(text) {
            Ok(found) if found.kind == Kind::CostWarehouse => Ok(Self(found.name)),
            _ => Err("it takes costwarehouse/NAME; the namespace goes to -n"),
        }
    }
}

impl ObjectName {
    /// Asks the cluster where it lies.
    ///
    /// # Errors
    /// [`WarehouseFault`] if the cluster does not tell, or the place can't be read from here.
    pub(super) async fn read(
        &self,
        cluster: &ClusterArgs,
        namespace: Option<&str>,
    ) -> Result<WarehouseAddress, WarehouseFault> {
        let (client, default) = cluster.connect_with_namespace().await.map_err(of_cluster)?;
        let namespace = namespace.unwrap_or(&default);
        let scope = ClusterScope { client, namespace: Some(namespace.to_owned()) };
        let object: CostWarehouse = scope.get(namespace, &self.0).await.map_err(of_cluster)?;
        self.address_of(&object.spec)
    }

    fn address_of(&self, spec: &CostWarehouseSpec) -> Result<WarehouseAddress, WarehouseFault> {
        let name = &self.0;
        let unusable = |invalid: InvalidField| {
            WarehouseFault::Configuration(format!("costwarehouse/{name} can't be used: {invalid}"))
        };
        let ValidWarehouse { address, access } = spec.parse().map_err(unusable)?;
        match access.claim() {
            None => Ok(address),
            Some(claim) => Err(WarehouseFault::Configuration(format!(
                "costwarehouse/{name} is on the claim {claim}, which only a pod can mount: run this command in a pod, with --warehouse {}",
                address.flag()
            ))),
        }
    }
}

/// A fault of the cluster in the words of a warehouse: the commands end alike, whoever failed.
fn of_cluster(fault: ClusterFault) -> WarehouseFault {
    match fault.exit_code() {
        ExitCode::Transient => WarehouseFault::Transient {
            action: "read the CostWarehouse".to_owned(),
            cause: fault.to_string(),
            answered: true,
        },
        _ => WarehouseFault::Configuration(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(delta: serde_json::Value) -> Result<WarehouseAddress, String> {
        let spec = serde_json::from_value(serde_json::json!({"delta": delta})).expect("a spec");
        ObjectName("lake".to_owned()).address_of(&spec).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_bucket_is_read_where_the_object_says() {
        let address = address(serde_json::json!({
            "location": "s3://acme-lake/awscost", "region": "eu-west-1", "endpoint": "https://minio.corp.example:9000",
            "pathStyle": true, "serviceAccountName": "lake"
        }))
        .expect("an address");
        assert_eq!(address.to_string(), "s3://acme-lake/awscost");
        let bucket = address.bucket().expect("it lies in a bucket");
        assert_eq!(bucket.region.as_ref().map(ToString::to_string).as_deref(), Some("eu-west-1"));
        let endpoint = bucket.endpoint.as_ref().map(|endpoint| endpoint.url().as_str());
        assert_eq!(endpoint, Some("https://minio.corp.example:9000/"));
        assert!(bucket.path_style);
    }

    #[test]
    fn a_claim_is_no_place_outside_a_pod() {
        let said = address(
            serde_json::json!({"location": "file:///warehouse", "persistentVolumeClaim": "lake-data"}),
        );
        let said = said.expect_err("no laptop mounts it");
        assert!(
            said.contains("claim lake-data") && said.contains("--warehouse delta:file:///warehouse"),
            "{said}"
        );
    }
}
