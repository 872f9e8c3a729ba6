//! How answers are written: wrapped text, tables, ages, forms for programs, and what goes to stdout or stderr.

pub mod age;
pub mod format;
pub mod harmless;
pub mod print;
pub mod progress;
pub mod snippet;
pub mod table;
pub mod wrap;
