//! What tests know of warehouses, of this crate and of those above it: the suite that every backend passes, and a backend in
//! memory that passes it.

pub mod conformance;
pub mod memory;
