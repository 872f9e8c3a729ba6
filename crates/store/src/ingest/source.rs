//! Places that a load reads from, besides S3: a folder, and how either is spelt.

mod folder;
mod location;

pub use folder::FolderSource;
pub use location::{InvalidLocation, SourceLocation};
