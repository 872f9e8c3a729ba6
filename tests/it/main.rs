//! Integration tests: one binary, one module a theme.

mod admission;
mod admission_cases;
mod alerts;
mod architecture;
mod aws_environment;
mod check;
mod crd_drift;
mod documentation;
mod external_id;
mod fault_catalogue;
mod fields;
mod ingest_bucket;
mod ingest_crash;
mod ingest_dialects;
mod ingest_place;
mod ingest_torn;
mod ingest_versions;
mod made_by_others;
mod offline_admission;
mod onboarding;
mod other_engines;
mod plugin;
mod purge;
mod warehouse_bucket;
mod warehouse_commands;
mod warehouse_conformance;
