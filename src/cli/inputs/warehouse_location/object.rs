//! A CostWarehouse as a place to read: what of its spec a laptop needs.

use std::str::FromStr;

use url::Url;

use crate::{
    api::{CostWarehouse, cost_warehouse::Delta},
    cli::cluster::{ClusterArgs, ClusterFault, Scope, fleet::Kind, selection::wanted},
    model::{ExitCode, Region},
    warehouse::{WarehouseFault, delta::DeltaLocation},
};

/// `costwarehouse/NAME`.
#[derive(Debug, Clone)]
pub(super) struct ObjectName(String);

impl FromStr for ObjectName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match wanted(text) {
            Ok(found) if found.kind == Kind::CostWarehouse => Ok(Self(found.name)),
            _ => Err("it takes costwarehouse/NAME; the namespace goes to -n"),
        }
    }
}

/// Where a CostWarehouse says that it lies.
#[derive(Debug)]
pub(super) struct Place {
    pub location: DeltaLocation,
    pub region: Option<Region>,
    pub endpoint: Option<Url>,
    pub path_style: bool,
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
    ) -> Result<Place, WarehouseFault> {
        let (client, default) = cluster.connect().await.map_err(of_cluster)?;
        let namespace = namespace.unwrap_or(&default);
        let scope = Scope { client, namespace: Some(namespace.to_owned()) };
        let object: CostWarehouse = scope.get(namespace, &self.0).await.map_err(of_cluster)?;
        self.place(&object.spec.delta)
    }

    fn place(&self, delta: &Delta) -> Result<Place, WarehouseFault> {
        let unusable = |what: &str| {
            WarehouseFault::Configuration(format!("the {what} of costwarehouse/{} can't be used", self.0))
        };
        let location: DeltaLocation = delta.location.parse().map_err(|_| unusable("location"))?;
        if !location.is_bucket() {
            return Err(WarehouseFault::Configuration(format!(
                "costwarehouse/{} is on the claim {}, which only a pod can mount: run this command in a pod, with --warehouse delta:{}",
                self.0,
                delta.persistent_volume_claim.as_deref().unwrap_or("of its spec"),
                delta.location
            )));
        }
        let region =
            delta.region.as_deref().map(str::parse::<Region>).transpose().map_err(|_| unusable("region"))?;
        let endpoint =
            delta.endpoint.as_deref().map(str::parse::<Url>).transpose().map_err(|_| unusable("endpoint"))?;
        Ok(Place { location, region, endpoint, path_style: delta.path_style.unwrap_or_default() })
    }
}

/// A fault of the cluster in the words of a warehouse: the commands end alike, whoever failed.
fn of_cluster(fault: ClusterFault) -> WarehouseFault {
    match fault.exit() {
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

    fn place(delta: serde_json::Value) -> Result<Place, String> {
        let delta: Delta = serde_json::from_value(delta).expect("a spec");
        ObjectName("lake".to_owned()).place(&delta).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_bucket_is_read_where_the_object_says() {
        let place = place(serde_json::json!({
            "location": "s3://acme-lake/awscost", "region": "eu-west-1", "endpoint": "https://minio.corp.example:9000",
            "pathStyle": true, "serviceAccountName": "lake"
        }))
        .expect("a place");
        assert_eq!(place.location.to_string(), "s3://acme-lake/awscost");
        assert_eq!(place.region.map(|region| region.to_string()).as_deref(), Some("eu-west-1"));
        assert_eq!(place.endpoint.as_ref().map(Url::as_str), Some("https://minio.corp.example:9000/"));
        assert!(place.path_style);
    }

    #[test]
    fn a_claim_is_no_place_outside_a_pod() {
        let said =
            place(serde_json::json!({"location": "file:///warehouse", "persistentVolumeClaim": "lake-data"}));
        let said = said.expect_err("no laptop mounts it");
        assert!(
            said.contains("claim lake-data") && said.contains("--warehouse delta:file:///warehouse"),
            "{said}"
        );
    }
}
