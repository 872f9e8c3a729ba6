//! awscost connects AWS accounts for cost analysis, declared as Kubernetes resources, and loads
//! their bills into a warehouse exactly.
//!
//! `ARCHITECTURE.md` walks through the layers. Dependencies point one way: `cli` → `controller` →
//! {`api`, `connection`, `report`, `onboarding`} → `model`; `ingest` → {`report`, `warehouse`, `schema`} → `model`. A test in
//! `tests/it/architecture.rs` enforces it.

pub mod api;
pub mod aws;
pub mod cli;
pub mod connection;
pub mod controller;
pub mod costs;
pub mod ingest;
pub mod model;
pub mod network;
pub mod onboarding;
pub mod report;
pub mod schema;
pub mod telemetry;
pub mod warehouse;
