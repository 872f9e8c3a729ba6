//! What a report is called and in which dialect it comes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    checked_text::checked_text,
    form::{Form, must, never},
};

/// The form of a report's name.
pub const REPORT_NAME: Form = Form {
    longest: 256,
    rules: &[
        must(
            "^[A-Za-z0-9!_.*'()-]+$",
            "a report's name takes 1 to 256 of A-Z a-z 0-9 ! - _ . * ' ( ), with no slash or space",
        ),
        never("^[.][.]?$", "a report's name is not made of dots alone"),
    ],
};

/// The name of a legacy report definition or of a data export: 1–256 of `A-Z a-z 0-9 ! - _ . * ' ( )`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReportName(String);

/// The text is not a report name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a report name: {1}")]
pub struct InvalidReportName(String, String);

checked_text!(ReportName, InvalidReportName, REPORT_NAME, 80);

/// The kind of a report, by which a spec names its dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReportKind {
    /// A Cost and Usage Report of the `cur` API.
    LegacyCur,
    /// A `COST_AND_USAGE_REPORT` data export.
    Cur2,
}

/// Who delivers reports: it decides their folders, their manifests, and the API that knows their definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryService {
    /// Cost and Usage Reports, the older one.
    Legacy,
    /// Data Exports.
    DataExports,
}

impl DeliveryService {
    /// What it delivers, in words.
    pub fn delivers(self) -> &'static str {
        match self {
            Self::Legacy => "legacy report",
            Self::DataExports => "data export",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Legacy => Self::DataExports,
            Self::DataExports => Self::Legacy,
        }
    }
}

impl ReportKind {
    /// Who delivers it.
    pub fn service(self) -> DeliveryService {
        match self {
            Self::LegacyCur => DeliveryService::Legacy,
            Self::Cur2 => DeliveryService::DataExports,
        }
    }
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LegacyCur => "LegacyCur",
            Self::Cur2 => "Cur2",
        })
    }
}
