//! What the command line says of itself: `--help`, `docs/cli.md`, and the lists both are made from.

pub mod environment;
pub mod exit_codes;
pub mod help;
pub mod page;
#[cfg(test)]
mod tests;
