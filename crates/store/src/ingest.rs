//! Loads billing periods: plan → read → decode → normalise → write → verify → commit.
//!
//! [`plan`] decides what to load, [`run`] loads one version, and everything between a file's bytes and its rows
//! is in [`decode`]. Reading is from a [`source`], storing is the warehouse's.

pub mod crash_point;
pub mod decode;
pub mod fault;
pub mod normalize;
pub mod outcome;
pub mod plan;
pub mod progress;
pub mod right_bill;
pub mod run;
pub mod source;
pub mod tags;
pub mod tally;
pub mod verify;
