//! awscost connects AWS accounts for cost analysis, declared as Kubernetes resources, and loads
//! their bills into a warehouse exactly.
//!
//! `ARCHITECTURE.md` walks through the layers. The crates below this one hold what needs no Kubernetes; here stand the kinds
//! ([`api`]), the operator ([`controller`], [`telemetry`]) and the command line ([`cli`]).

pub mod api;
pub mod cli;
pub mod controller;
pub mod telemetry;

pub use awscost_aws as aws;
pub use awscost_core::{connection, model, onboarding, report};
pub use awscost_network as network;
pub use awscost_store::{costs, ingest, schema, warehouse};
