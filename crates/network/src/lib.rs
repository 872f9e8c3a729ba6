//! How every client reaches its server: what goes past a proxy ([`proxy`]), and whose certificates are trusted
//! besides the system's ([`trust`]).

pub mod proxy;
pub mod trust;
