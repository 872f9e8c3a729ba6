//! The forms in which commands answer.

use clap::ValueEnum;
use serde::Serialize;

/// How a command prints that ends in lines of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people, in 80 columns.
    Text,
    /// For programs.
    Json,
}

/// How a command prints that asks a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StructuredFormat {
    /// For people, in 80 columns.
    Text,
    /// One JSON object.
    Json,
    /// The same as YAML.
    Yaml,
}

/// The answer in a form for programs; `None` where people are to read it.
pub fn structured<T: Serialize>(answer: &T, format: StructuredFormat) -> Option<String> {
    match format {
        StructuredFormat::Text => None,
        StructuredFormat::Json => {
            let json = serde_json::to_string_pretty(answer).expect("answers have text as keys");
            Some(format!("{json}\n"))
        }
        StructuredFormat::Yaml => Some(serde_saphyr::to_string(answer).expect("answers have text as keys")),
    }
}
