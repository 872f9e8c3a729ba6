//! Loads one billing period: plan → read → decode → normalise → write → verify → commit.

pub mod decode;
pub mod normalize;
pub mod source;
pub mod tags;
pub mod tally;
pub mod verify;
