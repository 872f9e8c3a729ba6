//! Integration tests: one binary, one module a theme.

mod architecture;
mod warehouse_conformance;
