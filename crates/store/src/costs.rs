//! A first look at loaded costs: sums by service, account, day, tag or line type, exact to the last decimal.
//!
//! A pure aggregation of record batches: [`CostTally`] takes what a warehouse reads and ends in an [`Answer`]. Every
//! row counts, credits, refunds, tax and other negative amounts included; currencies are never added up; and
//! where two connections hold the same account's month, nothing is added up across connections either. A row that lacks
//! the cost that is asked for is counted and never taken for zero.

mod answer;
mod merge;
mod question;
mod sums;
mod tag;
mod tally;
#[cfg(test)]
mod tests;

pub use answer::{
    Answer, CostGroup, Included, LoadedMonth, Overlap, RoundedValues, Spelling, TagAnswer, WithoutCost,
};
pub use question::{GroupBy, InvalidGroupBy, Metric};
pub use tag::AskedTag;
pub use tally::{CostTally, CostsFault};
