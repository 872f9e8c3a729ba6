//! Integration tests: one binary, one module a theme.

mod architecture;
mod aws_environment;
