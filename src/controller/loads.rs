//! The months of an account: what is loaded of each, and which loads may start. Pure.

pub mod decide;
pub mod periods;
