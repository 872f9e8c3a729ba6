//! Loads one billing period: plan → read → decode → normalise → write → verify → commit.

pub mod source;
