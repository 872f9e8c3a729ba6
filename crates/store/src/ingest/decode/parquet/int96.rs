//! Times of 96 bits, as older engines write them: a day and nanoseconds within it.
//!
//! Read as microseconds in 64 bits they would wrap to other times in silence, so their days are checked first.

use std::{ops::RangeInclusive, sync::Arc};

use parquet::{
    basic::Type as PhysicalType,
    column::reader::{ColumnReader, get_column_reader},
    data_type::Int96,
    errors::{ParquetError, Result},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        serialized_reader::SerializedPageReader,
    },
};

use super::{BadValue, Held};

/// Julian days of 0001-01-01 and 9999-12-31.
const DAYS: RangeInclusive<u32> = 1_721_426..=5_373_484;
/// Julian days whose nanoseconds from 1970 fit 64 bits: how times within lists and structures are read.
const NESTED_DAYS: RangeInclusive<u32> = 2_333_837..=2_547_338;
const NANOSECONDS_A_DAY: u64 = 86_400_000_000_000;
/// Values read at once.
const STEP: usize = 4_096;

/// A time that is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    /// The row within its group, from 0.
    pub row: usize,
    /// The column's name.
    pub column: String,
    /// The time, as its two numbers.
    pub value: String,
    /// What is wrong with it.
    pub problem: BadValue,
}

/// The first time of a row group that is not taken.
pub(super) fn first_beyond(held: &Held, group: &RowGroupMetaData) -> Result<Option<Beyond>> {
    for column in group.columns() {
        if column.column_type() == PhysicalType::INT96
            && let Some(beyond) = beyond(held, column, group)?
        {
            return Ok(Some(beyond));
        }
    }
    Ok(None)
}

fn beyond(held: &Held, chunk: &ColumnChunkMetaData, group: &RowGroupMetaData) -> Result<Option<Beyond>> {
    let rows = usize::try_from(group.num_rows()).map_err(|error| ParquetError::External(error.into()))?;
    let about = chunk.column_descr_ptr();
    let days = if about.path().parts().len() == 1 { DAYS } else { NESTED_DAYS };
    let pages = SerializedPageReader::new(Arc::new(held.clone()), chunk, rows, None)?;
    let ColumnReader::Int96ColumnReader(mut reader) = get_column_reader(about.clone(), Box::new(pages))
    else {
        return Ok(None);
    };
    let mut row = 0;
    loop {
        let (mut levels, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (records, ..) = reader.read_records(STEP, Some(&mut levels), Some(&mut repeated), &mut values)?;
        if records == 0 {
            return Ok(None);
        }
        let refused = |value: &Int96| !days.contains(&parts(value).0) || parts(value).1 >= NANOSECONDS_A_DAY;
        if let Some(at) = values.iter().position(refused) {
            let (day, nanos) = parts(&values[at]);
            let problem = if days.contains(&day) { BadValue::Time } else { BadValue::TimeRange };
            return Ok(Some(Beyond {
                row: row + place_of(at, &levels, &repeated, about.max_def_level()),
                column: about.path().parts().first().cloned().unwrap_or_default(),
                value: format!("Julian day {day} and {nanos} nanoseconds"),
                problem,
            }));
        }
        row += records;
    }
}

/// The Julian day, and nanoseconds within it.
fn parts(time: &Int96) -> (u32, u64) {
    match time.data() {
        &[low, high, day] => (day, u64::from(high) << 32 | u64::from(low)),
        _ => (0, 0),
    }
}

/// The record that holds the value with this index, among records read together.
fn place_of(value: usize, levels: &[i16], repeated: &[i16], most: i16) -> usize {
    // A column that is always there has no levels, and one that does not repeat one value a record.
    let mut present = levels.iter().enumerate().filter(|(_, level)| **level == most).map(|(slot, _)| slot);
    let slot = if levels.is_empty() { value } else { present.nth(value).unwrap_or_default() };
    match repeated.get(..=slot) {
        Some(before) => before.iter().filter(|level| **level == 0).count().saturating_sub(1),
        None => slot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_its_record() {
        for (what, value, levels, repeated, expected) in [
            ("required", 2, &[][..], &[][..], 2),
            ("behind a NULL", 1, &[1, 0, 1], &[], 2),
            ("in a list", 2, &[3, 3, 1, 3], &[0, 1, 0, 0], 2),
            ("second in its list", 1, &[3, 3, 3], &[0, 1, 0], 0),
        ] {
            let most = levels.iter().copied().max().unwrap_or(0);
            assert_eq!(place_of(value, levels, repeated, most), expected, "{what}");
        }
    }
}
