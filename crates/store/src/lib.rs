//! The table of costs: its columns ([`schema`]), the loads into it ([`ingest`]), the warehouses that keep it ([`warehouse`]) and
//! the questions to it ([`costs`]).
//!
//! The only crate that names Arrow, Parquet and Delta Lake.

pub mod costs;
pub mod ingest;
pub mod schema;
pub mod warehouse;

use awscost_core::{model, report};
use awscost_network as network;
