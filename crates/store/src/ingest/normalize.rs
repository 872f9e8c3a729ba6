//! From the columns of a file to the columns of the stable table.
//!
//! A [`Mapping`] is made once a file, from its header; a [`BatchBuilder`] then takes cells or arrays and gives
//! batches of the stable shape.

mod amounts;
mod arrays;
mod batch;
mod json_map;
mod mapping;
mod maps;
mod rounding;
mod time_arrays;
mod times;

pub use rounding::Roundings;

pub(in crate::ingest) use amounts::AmountColumn;
pub(in crate::ingest) use batch::{BatchBuilder, CellFault, Cells, RowStamp};
pub(in crate::ingest) use json_map::Json;
pub(in crate::ingest) use mapping::{Mapping, MappingFault, TargetColumn};
pub(in crate::ingest) use maps::{MapEntries, Maps};
