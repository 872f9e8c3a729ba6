//! Opens a warehouse by its address. The one place that knows every backend.

use url::Url;

#[cfg(any(test, feature = "testing"))]
use super::memory::MemoryWarehouse;
use super::{
    Warehouse, WarehouseFault,
    delta::{Addressing, DeltaOptions, DeltaWarehouse, WarehouseIdentity},
};
use crate::{
    model::{DeltaAddress, WarehouseAddress},
    network::trust::TrustedAuthorities,
    schema::TableContract,
};

/// What opens a warehouse besides its address: who, and through which services of AWS.
#[derive(Debug, Clone, Default)]
pub struct OpeningTerms {
    /// Authorities that are trusted besides the system's.
    pub trust: TrustedAuthorities,
    /// Who opens the bucket; needed for one.
    pub identity: Option<WarehouseIdentity>,
    /// The S3 of the bucket's region, where the address names none.
    pub regional_s3: Option<Url>,
    /// The STS that a web identity token is exchanged at, if not AWS's plain one in the region.
    pub sts: Option<Url>,
}

/// Opens the table of a warehouse; nothing is read or written yet.
///
/// # Errors
/// [`WarehouseFault`] where address and terms don't suit each other.
pub fn open(
    address: &WarehouseAddress,
    terms: &OpeningTerms,
    table: &'static TableContract,
) -> Result<Box<dyn Warehouse>, WarehouseFault> {
    Ok(match address {
        WarehouseAddress::Delta(delta) => Box::new(DeltaWarehouse::open(options(delta, terms, table))?),
        #[cfg(any(test, feature = "testing"))]
        WarehouseAddress::Memory(name) => Box::new(MemoryWarehouse::named(name, table)),
    })
}

fn options(address: &DeltaAddress, terms: &OpeningTerms, table: &'static TableContract) -> DeltaOptions {
    let bucket = &address.bucket;
    let endpoint = bucket.endpoint.as_ref().map(|endpoint| endpoint.url().clone());
    DeltaOptions {
        location: address.location.clone(),
        region: bucket.region.clone(),
        endpoint: endpoint.or_else(|| terms.regional_s3.clone()),
        sts_endpoint: terms.sts.clone(),
        trust: terms.trust.clone(),
        addressing: if bucket.path_style { Addressing::Path } else { Addressing::VirtualHost },
        identity: terms.identity.clone(),
        table,
    }
}
