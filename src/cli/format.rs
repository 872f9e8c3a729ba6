//! The forms in which commands about a cluster answer.

use clap::ValueEnum;
use serde::Serialize;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people, in 80 columns.
    Text,
    /// One JSON object.
    Json,
    /// The same as YAML.
    Yaml,
}

/// The answer in a form for programs; `None` where people are to read it.
pub fn structured<T: Serialize>(answer: &T, format: OutputFormat) -> Option<String> {
    match format {
        OutputFormat::Text => None,
        OutputFormat::Json => {
            let json = serde_json::to_string_pretty(answer).expect("answers have text as keys");
            Some(format!("{json}\n"))
        }
        OutputFormat::Yaml => Some(serde_saphyr::to_string(answer).expect("answers have text as keys")),
    }
}
