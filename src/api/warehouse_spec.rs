//! A CostWarehouse's spec as the address of a warehouse, and what opens it. The API server's rules say the same; objects that
//! were stored before a rule existed are caught here.

use super::{
    cost_warehouse::{CostWarehouseSpec, Delta},
    fields::{InvalidField, parse_field},
};
use crate::model::{
    BucketAddress, DeltaAddress, REGION, WarehouseAccess, WarehouseAddress,
    form::{first_broken, matches},
    place::{ADDRESS, LOCATION, ON_CLAIM},
};

/// A warehouse as declared, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidWarehouse {
    /// Where it lies.
    pub address: WarehouseAddress,
    /// What a Job is given to open it.
    pub access: WarehouseAccess,
}

impl CostWarehouseSpec {
    /// Address and access as declared.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn parse(&self) -> Result<ValidWarehouse, InvalidField> {
        #[cfg(test)]
        if let Some(memory) = &self.memory {
            return Ok(memory.parse());
        }
        match &self.delta {
            Some(delta) => delta.parse(),
            None => Err(InvalidField::new("spec.delta", "it says where the tables lie")),
        }
    }

    /// Where it lies, as it was declared, right or wrong.
    pub fn location(&self) -> &str {
        self.delta.as_ref().map_or("", |delta| &delta.location)
    }

    /// The Secret that it names.
    pub fn secret(&self) -> Option<&str> {
        self.delta.as_ref()?.credentials_secret_ref.as_ref().map(|secret| secret.name.as_str())
    }
}

impl Delta {
    fn parse(&self) -> Result<ValidWarehouse, InvalidField> {
        LOCATION.check(&self.location).map_err(invalid_field("spec.delta.location"))?;
        if let Some(rule) = first_broken(&[ON_CLAIM], &self.location) {
            return Err(invalid_field("spec.delta.location")(rule.words.to_owned()));
        }
        let location = parse_field("spec.delta.location", &self.location)?;
        let (bucket, access) = match &self.persistent_volume_claim {
            _ if self.location.starts_with("s3://") => self.parse_bucket()?,
            Some(claim) => (BucketAddress::default(), WarehouseAccess::Claim(claim.clone())),
            None => {
                let problem = "a file:// location needs a claim";
                return Err(InvalidField::new("spec.delta.persistentVolumeClaim", problem));
            }
        };
        let address = WarehouseAddress::Delta(Box::new(DeltaAddress { location, bucket }));
        Ok(ValidWarehouse { address, access })
    }

    fn parse_bucket(&self) -> Result<(BucketAddress, WarehouseAccess), InvalidField> {
        let Some(region) = &self.region else {
            return Err(InvalidField::new("spec.delta.region", "an s3:// location needs its region"));
        };
        let access = match (&self.credentials_secret_ref, &self.service_account_name) {
            (Some(secret), None) => WarehouseAccess::Secret(secret.name.clone()),
            (None, Some(account)) => WarehouseAccess::ServiceAccount(account.clone()),
            _ => {
                let problem =
                    "an s3:// location needs exactly one of credentialsSecretRef and serviceAccountName";
                return Err(InvalidField::new("spec.delta", problem));
            }
        };
        REGION.check(region).map_err(invalid_field("spec.delta.region"))?;
        let region = parse_field("spec.delta.region", region)?;
        let path_style = self.path_style == Some(true);
        let endpoint = self.endpoint.as_deref().map(str::parse).transpose();
        let endpoint = endpoint.map_err(invalid_field("spec.delta.endpoint"))?;
        if !path_style && self.endpoint.as_deref().is_some_and(|endpoint| matches(ADDRESS, endpoint)) {
            let problem = "an endpoint that is an IP address needs spec.delta.pathStyle: true";
            return Err(InvalidField::new("spec.delta.endpoint", problem));
        }
        Ok((BucketAddress { region: Some(region), endpoint, path_style }, access))
    }
}

fn invalid_field(field: &'static str) -> impl Fn(String) -> InvalidField {
    move |problem| InvalidField { field, problem }
}

/// A backend of tests: whatever holds for a warehouse holds for it, so that nothing but its own lines knows a backend.
#[cfg(test)]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MemorySpec {
    name: String,
}

#[cfg(test)]
impl MemorySpec {
    fn parse(&self) -> ValidWarehouse {
        let access = WarehouseAccess::ServiceAccount("tests".to_owned());
        ValidWarehouse { address: WarehouseAddress::Memory(self.name.clone()), access }
    }
}
