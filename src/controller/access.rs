//! How the operator gets at an account before AWS is asked: its Secrets, the external ID that is made for it, and what
//! must hold before anything is asked with them.

pub mod external_ids;
pub mod gate;
pub mod generate;
pub mod secrets;
pub mod startup_barrier;
