//! A sandbox that answers as AWS does, for the tests and the demo of awscost: STS, IAM's roles and policy simulator, Organizations,
//! the legacy Cost and Usage Report API, Data Exports, CloudWatch, CloudFormation and S3 on one port, with a bill generator.
//!
//! It is written from the documented behaviour of AWS, not from what its callers expect: signatures are checked, policies
//! are evaluated, sessions expire, pages are short. Start one with [`Sandbox::start`] and point a client at it with
//! `AWS_ENDPOINT_URL`.
//!
//! A request passes `server` (connections), `dispatch` (which service, who asks, fault hook, call log) and then the
//! service. All state is `state`; what exists in it is described by [`World`].

mod admin;
mod auth;
pub mod bill;
mod calls;
mod clock;
mod cloudformation;
mod cloudwatch;
mod cur;
mod deliver;
mod dispatch;
mod exports;
mod fault;
mod form;
mod iam;
mod organizations;
mod partition;
mod roles;
mod s3;
mod sandbox;
mod server;
mod simulator;
mod state;
mod sts;
mod users;
mod wire;
pub mod world;

pub use calls::{Call, CallLog};
pub use clock::Clock;
pub use deliver::{Definition, Delivery, DeliveryFailure, Extent};
pub use fault::{Fault, Faults, Rule};
pub use iam::{MalformedPolicy, Policy};
pub use s3::Object;
pub use sandbox::Sandbox;
pub use world::World;
