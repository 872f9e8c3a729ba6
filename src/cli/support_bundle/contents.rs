//! What a bundle holds until it is written.

use serde_json::Value;

/// Files, and what could not be had.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    pub files: Vec<BundledFile>,
    /// What is missing and why, a line each.
    pub missing: Vec<String>,
}

/// One file.
#[derive(Debug)]
pub(super) struct BundledFile {
    pub name: String,
    /// What is in it, for the index.
    pub what: String,
    pub content: Content,
}

/// A file's content, in a form in which names can be found.
#[derive(Debug)]
pub(super) enum Content {
    Json(Value),
    /// One JSON object a line.
    Lines(Vec<Value>),
    Text(String),
}

impl Bundle {
    /// Adds a file, or a line about why there is none.
    pub(super) fn add(&mut self, name: &str, what: &str, content: Result<Content, String>) {
        match content {
            Ok(content) => {
                let what = match &content {
                    Content::Json(Value::Array(all)) => format!("{} {what}", all.len()),
                    Content::Lines(lines) => format!("{} {what}", lines.len()),
                    Content::Json(_) | Content::Text(_) => what.to_owned(),
                };
                self.files.push(BundledFile { name: name.to_owned(), what, content });
            }
            Err(because) => self.missing.push(format!("{name}: {because}")),
        }
    }
}

impl Content {
    /// The file's bytes as text.
    pub(super) fn index_text(&self) -> String {
        match self {
            Self::Json(value) => format!("{value:#}\n"),
            Self::Lines(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
            Self::Text(text) => text.clone(),
        }
    }
}
