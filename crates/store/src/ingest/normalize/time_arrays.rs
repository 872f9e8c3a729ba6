//! Times that arrive as Arrow arrays (Parquet), in whatever unit.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray, TimestampMicrosecondArray,
    },
    compute::{max, min},
    datatypes::{
        DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
};

use super::{arrays::RowFault, times};
use crate::{ingest::decode::BadValue, schema::is_taken};

/// Any timestamp array in microseconds; finer digits are cut off.
///
/// # Errors
/// The first time that is not taken, of any unit: none is brought to another one instead.
pub(super) fn micros(array: &ArrayRef) -> Result<TimestampMicrosecondArray, RowFault> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            scaled::<TimestampSecondType>(array, 1, "seconds", |value| value.wrapping_mul(1_000_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            scaled::<TimestampMillisecondType>(array, 1_000, "milliseconds", |value| {
                value.wrapping_mul(1_000)
            })
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let values = array.as_primitive::<TimestampNanosecondType>();
            Ok(values.unary(|value| value.div_euclid(1_000)))
        }
        _ => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            all_taken(values, 1_000_000, "microseconds")?;
            Ok(values.clone().with_timezone_opt::<Arc<str>>(None))
        }
    }
}

/// Brings times in a unit of which `a_second` make one to microseconds. No time wraps: each was checked before, and nothing
/// reads what stands under a NULL.
fn scaled<T: ArrowPrimitiveType<Native = i64>>(
    array: &ArrayRef,
    a_second: i64,
    unit: &str,
    micros: impl Fn(i64) -> i64,
) -> Result<TimestampMicrosecondArray, RowFault> {
    let values = array.as_primitive::<T>();
    all_taken(values, a_second, unit)?;
    Ok(values.unary(micros))
}

/// Refuses the first time that no reader could show.
fn all_taken<T: ArrowPrimitiveType<Native = i64>>(
    values: &PrimitiveArray<T>,
    a_second: i64,
    unit: &str,
) -> Result<(), RowFault> {
    let whole = min(values).zip(max(values));
    if whole.is_none_or(|(first, last)| is_taken(first, a_second) && is_taken(last, a_second)) {
        return Ok(());
    }
    let mut present = values.iter().enumerate().filter_map(|(row, value)| Some((row, value?)));
    match present.find(|(_, value)| !is_taken(*value, a_second)) {
        Some((row, value)) => Err((row, format!("{value} {unit} from 1970"), BadValue::TimeRange)),
        None => Ok(()),
    }
}

/// Times, or days, as text.
///
/// # Errors
/// The first one that is not taken.
pub(super) fn texts(array: &ArrayRef) -> Result<StringArray, RowFault> {
    match array.data_type() {
        DataType::Date32 => shown(array.as_primitive::<Date32Type>().iter(), times::day_shown, "days"),
        _ => shown(micros(array)?.iter(), times::shown, "microseconds"),
    }
}

fn shown<T: Copy + ToString>(
    values: impl Iterator<Item = Option<T>>,
    text: impl Fn(T) -> Option<String>,
    unit: &str,
) -> Result<StringArray, RowFault> {
    let text = |(row, value): (usize, Option<T>)| {
        let Some(value) = value else { return Ok(None) };
        let beyond = || (row, format!("{} {unit} from 1970", value.to_string()), BadValue::TimeRange);
        text(value).map(Some).ok_or_else(beyond)
    };
    values.enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Date32Array, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    };

    use super::*;

    /// What becomes of one time behind a NULL that hides what can't be shown.
    fn of(array: ArrayRef) -> Result<i64, (usize, String)> {
        micros(&array).map(|micros| micros.value(1)).map_err(|(row, value, problem)| {
            assert_eq!(problem, BadValue::TimeRange, "{value}");
            (row, value)
        })
    }

    fn refused<T>(value: &str) -> Result<T, (usize, String)> {
        Err((1, value.to_owned()))
    }

    #[test]
    fn no_time_of_any_unit_becomes_another() {
        let second = |value: i64| of(Arc::new(TimestampSecondArray::from(vec![None, Some(value)])));
        let milli = |value: i64| of(Arc::new(TimestampMillisecondArray::from(vec![None, Some(value)])));
        let micro = |value: i64| of(Arc::new(TimestampMicrosecondArray::from(vec![None, Some(value)])));
        let nano = |value: i64| of(Arc::new(TimestampNanosecondArray::from(vec![None, Some(value)])));
        let end = 253_402_300_800;
        assert_eq!(second(end - 1), Ok((end - 1) * 1_000_000));
        assert_eq!(second(end), refused("253402300800 seconds from 1970"));
        assert_eq!(second(i64::MAX), refused("9223372036854775807 seconds from 1970"));
        assert_eq!(milli(end * 1_000 - 1), Ok(end * 1_000_000 - 1_000));
        assert_eq!(milli(end * 1_000), refused("253402300800000 milliseconds from 1970"));
        assert_eq!(milli(i64::MIN), refused("-9223372036854775808 milliseconds from 1970"));
        assert_eq!(micro(end * 1_000_000 - 1), Ok(end * 1_000_000 - 1));
        assert_eq!(micro(end * 1_000_000), refused("253402300800000000 microseconds from 1970"));
        assert_eq!(micro(-62_135_596_800_000_001), refused("-62135596800000001 microseconds from 1970"));
        assert_eq!(nano(i64::MAX), Ok(9_223_372_036_854_775), "the last nanosecond is in 2262");
    }

    #[test]
    fn what_stands_under_a_null_is_nobodys() {
        let hidden = TimestampMillisecondArray::new(vec![i64::MAX, 1].into(), Some(vec![false, true].into()));
        assert_eq!(of(Arc::new(hidden)), Ok(1_000));
    }

    #[test]
    fn days_and_times_as_text() {
        let text = |array: ArrayRef| texts(&array).map(|texts| texts.value(0).to_owned());
        let days = |day| text(Arc::new(Date32Array::from(vec![day])));
        assert_eq!(days(20_750).as_deref(), Ok("2026-10-24"));
        let (row, value, problem) = days(i32::MAX).expect_err("far beyond the year 9999");
        assert_eq!((row, value.as_str(), problem), (0, "2147483647 days from 1970", BadValue::TimeRange));
        let late = text(Arc::new(TimestampMillisecondArray::from(vec![253_402_300_799_000])));
        assert_eq!(late.as_deref(), Ok("9999-12-31T23:59:59Z"));
    }
}
