//! Integration tests: one binary, one module a theme.

mod admission;
mod admission_cases;
mod architecture;
mod crd_drift;
mod offline_admission;
mod warehouse_conformance;
