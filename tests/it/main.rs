//! Integration tests: one binary, one module a theme.

mod architecture;
mod ingest_bucket;
mod ingest_crash;
mod ingest_dialects;
mod ingest_place;
mod ingest_torn;
mod ingest_versions;
mod other_engines;
mod warehouse_bucket;
mod warehouse_commands;
mod warehouse_conformance;
mod aws_environment;
