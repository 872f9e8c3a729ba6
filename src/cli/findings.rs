//! What several commands say of a condition or a reason.

pub mod remedy;
pub mod said;
