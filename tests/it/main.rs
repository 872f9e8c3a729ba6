//! Integration tests: one binary, one module a theme.

mod architecture;
mod other_engines;
mod warehouse_bucket;
mod warehouse_commands;
mod warehouse_conformance;
