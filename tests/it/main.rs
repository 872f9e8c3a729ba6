//! Integration tests: one binary, one module a theme.

mod architecture;
mod other_engines;
mod warehouse_conformance;
