//! What this program asks of AWS, in its own words: narrow traits ([`traits`]), and refusals as values ([`fault`]). The crate
//! `awscost-aws` has the SDK behind them.
//!
//! Sessions are arguments, never ambient: a call on a customer's account can't fall back to the operator's own identity by
//! accident.

pub mod fault;
mod session;
pub mod session_policy;
pub mod traits;

pub use fault::{AwsFault, Code, Detail, FaultClass, IamPermission, Operation};
pub use session::{InvalidSessionFile, Session};
pub use traits::Aws;
