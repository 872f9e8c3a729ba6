//! Where AWS puts a report, what its manifests say, and which versions are there.
//!
//! Used by the loader and by the controller alike, over any [`ReportStore`]; knows nothing of warehouses.

mod dialect;
mod discovery;
mod fault;
mod layout;
mod manifest;
mod readiness;
mod source;
mod store;
mod version;

pub use dialect::{DIALECTS, Dialect, ExportRules, export_sources, kinds_of};
pub use discovery::{DeliveredFile, Delivery, FoundPeriod, WantedPeriods, beside, confirm, deliveries};
pub use fault::{ReportFault, ReportFaultClass};
pub use layout::{KeyArea, ReportAnchor, ReportKey, ReportRoot};
pub use manifest::{FileFormat, InvalidManifest, MANIFEST_LIMIT, Manifest};
pub use readiness::{DeliveryReadiness, FreshnessLimits, missing_months, readiness};
pub use source::{BillSource, SourceFault, SourceFile};
pub use store::{ListedObject, ReportStore, StoreFault, StoreListing, StoreObject};
pub use version::identity;
