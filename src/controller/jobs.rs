//! The Jobs that do everything which touches a warehouse: what they look like, how many run at once, what they are given,
//! what is seen of them, and what is cleaned up after them.

pub mod apply;
pub mod authorities;
pub mod concurrency;
pub mod listing;
pub mod manifest;
pub mod observed;
pub mod session;
pub mod sweep;
pub mod unstarted;
