//! What several commands are given: manifests, and where a warehouse lies.

pub mod manifests;
mod report_kind;
pub mod unreadable;
pub mod warehouse_location;
