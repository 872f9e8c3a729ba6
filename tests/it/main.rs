//! Integration tests: one binary, one module a theme.

mod architecture;
mod aws_environment;
mod ingest_crash;
mod ingest_dialects;
mod ingest_place;
mod ingest_torn;
mod ingest_versions;
mod warehouse_conformance;
