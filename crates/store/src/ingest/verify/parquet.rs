//! Sums a Parquet file through the column readers of the parquet crate, without Arrow.

use parquet::{
    basic::{ConvertedType, IntType, LogicalType},
    column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader},
    data_type::{ByteArray, DataType, FixedLenByteArray},
    errors::ParquetError,
    file::{metadata::RowGroupMetaData, serialized_reader::SerializedPageReader},
    schema::types::{ColumnDescriptor, SchemaDescriptor},
};
use std::sync::Arc;

use super::{Summing, VerifyFault, number};
use crate::{
    ingest::{decode::Held, tally::FileTally},
    schema::BillColumns,
};

/// Rows read at once from each column.
const STEP: usize = 4_096;

/// Sums a Parquet file, row group after row group.
#[derive(Debug)]
pub(in crate::ingest) struct ParquetTally {
    bill: &'static BillColumns,
    /// By place among the columns that are kept: the leaf column.
    leaves: Vec<Option<usize>>,
    /// The numbers of a row, in the order of the summed columns.
    numbers: Vec<Option<i128>>,
    row: u64,
    summing: Summing,
}

impl ParquetTally {
    pub fn new(bill: &'static BillColumns, schema: &SchemaDescriptor) -> Result<Self, VerifyFault> {
        let roots: Vec<String> =
            schema.root_schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
        let mut leaves = vec![None; bill.spelled().count()];
        for (root, place) in super::places(bill, &roots).into_iter().enumerate() {
            if let Some(place) = place {
                let leaf = (0..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == root);
                let leaf = leaf.filter(|leaf| schema.column(*leaf).max_rep_level() == 0);
                let nested = || VerifyFault::Structure(format!("the column {} is nested", roots[root]));
                leaves[place] = Some(leaf.ok_or_else(nested)?);
            }
        }
        let numbers = vec![None; bill.summed.len()];
        Ok(Self { bill, leaves, numbers, row: 1, summing: Summing::new(bill) })
    }

    /// Adds a row group whose bytes are held.
    pub fn add(&mut self, held: &Held, group: &RowGroupMetaData) -> Result<(), VerifyFault> {
        let reader = Arc::new(held.clone());
        let rows =
            usize::try_from(group.num_rows()).map_err(|_| structure("a row group has a negative length"))?;
        let mut columns = Vec::with_capacity(self.leaves.len());
        for leaf in self.leaves.iter().copied() {
            columns.push(match leaf {
                None => None,
                Some(leaf) => {
                    let about = group.column(leaf);
                    let pages =
                        SerializedPageReader::new(reader.clone(), about, rows, None).map_err(broken)?;
                    let descriptor = about.column_descr_ptr();
                    Some((get_column_reader(descriptor.clone(), Box::new(pages)), descriptor))
                }
            });
        }
        let mut left = rows;
        while left > 0 {
            let step = left.min(STEP);
            let mut texts = Vec::with_capacity(columns.len());
            for column in &mut columns {
                texts.push(match column {
                    None => vec![None; step],
                    Some((reader, descriptor)) => read(reader, descriptor, step)?,
                });
            }
            self.add_rows(&texts, step)?;
            left -= step;
        }
        Ok(())
    }

    fn add_rows(&mut self, texts: &[Vec<Option<String>>], rows: usize) -> Result<(), VerifyFault> {
        let text = |place: usize, row: usize| texts[place][row].as_deref().unwrap_or_default();
        for row in 0..rows {
            for (index, column) in self.bill.summed.iter().enumerate() {
                let cell = text(index + 2, row);
                let fault = || VerifyFault::Number {
                    row: self.row,
                    column: column.name,
                    value: cell.chars().take(60).collect(),
                };
                self.numbers[index] = match cell {
                    "" => None,
                    cell => Some(number::parse(cell).ok_or_else(fault)?),
                };
            }
            self.summing.row(text(0, row), text(1, row), &self.numbers)?;
            self.row += 1;
        }
        Ok(())
    }

    /// The sums, once the last row group was added.
    pub fn finish(self) -> FileTally {
        self.summing.finish()
    }
}

fn structure(problem: &str) -> VerifyFault {
    VerifyFault::Structure(problem.to_owned())
}

fn broken(error: ParquetError) -> VerifyFault {
    VerifyFault::Structure(error.to_string())
}

/// Reads some rows of a column as text.
fn read(
    column: &mut ColumnReader,
    about: &ColumnDescriptor,
    rows: usize,
) -> Result<Vec<Option<String>>, VerifyFault> {
    let (scale, unsigned) = (scale(about), is_unsigned(about));
    let integer = |value: i128| match scale {
        Some(scale) => format!("{value}e-{scale}"),
        None => value.to_string(),
    };
    match column {
        ColumnReader::ByteArrayColumnReader(column) => match scale {
            Some(_) => cells(column, rows, |value: ByteArray| Some(integer(big_endian(value.data())?))),
            None => cells(column, rows, |value| String::from_utf8(value.data().to_vec()).ok()),
        },
        ColumnReader::FixedLenByteArrayColumnReader(column) => match (scale, about.logical_type_ref()) {
            (Some(_), _) => {
                cells(column, rows, |value: FixedLenByteArray| Some(integer(big_endian(value.data())?)))
            }
            (None, Some(LogicalType::Float16)) => {
                cells(column, rows, |value: FixedLenByteArray| Some(format!("{:e}", half(value.data())?)))
            }
            (None, _) => {
                cells(column, rows, |value: FixedLenByteArray| String::from_utf8(value.data().to_vec()).ok())
            }
        },
        ColumnReader::DoubleColumnReader(column) => cells(column, rows, |value| Some(format!("{value:e}"))),
        ColumnReader::FloatColumnReader(column) => cells(column, rows, |value| Some(format!("{value:e}"))),
        ColumnReader::Int32ColumnReader(column) => cells(column, rows, |value: i32| {
            Some(integer(if unsigned { value.cast_unsigned().into() } else { value.into() }))
        }),
        ColumnReader::Int64ColumnReader(column) => cells(column, rows, |value: i64| {
            Some(integer(if unsigned { value.cast_unsigned().into() } else { value.into() }))
        }),
        ColumnReader::BoolColumnReader(_) | ColumnReader::Int96ColumnReader(_) => {
            Err(VerifyFault::Structure(format!("the column {} has an unexpected type", about.name())))
        }
    }
}

/// Digits behind the point, if the column is a decimal.
fn scale(about: &ColumnDescriptor) -> Option<i32> {
    let is_decimal = matches!(about.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || about.converted_type() == ConvertedType::DECIMAL;
    is_decimal.then(|| about.type_scale())
}

/// True if the column's integers have no sign.
fn is_unsigned(about: &ColumnDescriptor) -> bool {
    let converted =
        [ConvertedType::UINT_8, ConvertedType::UINT_16, ConvertedType::UINT_32, ConvertedType::UINT_64];
    matches!(about.logical_type_ref(), Some(LogicalType::Integer(IntType { is_signed: false, .. })))
        || converted.contains(&about.converted_type())
}

/// A number of two bytes, the lower first: a sign, five bits of exponent, ten of fraction.
fn half(bytes: &[u8]) -> Option<f32> {
    let bits = u16::from_le_bytes(bytes.try_into().ok()?);
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    Some(if bits >> 15 == 0 { size } else { -size })
}

fn big_endian(bytes: &[u8]) -> Option<i128> {
    let mut wide = if bytes.first()? & 0x80 == 0 { [0; 16] } else { [0xff; 16] };
    // Longer ones than 16 bytes can't be a decimal(38,18) unless they are padded.
    let start = 16usize.checked_sub(bytes.len())?;
    wide[start..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

/// Reads some rows and lays their values out between the NULLs.
fn cells<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    rows: usize,
    text: impl Fn(T::T) -> Option<String>,
) -> Result<Vec<Option<String>>, VerifyFault> {
    let mut levels = Vec::with_capacity(rows);
    let mut values = Vec::with_capacity(rows);
    let mut read = 0;
    while read < rows {
        let (records, _, _) =
            column.read_records(rows - read, Some(&mut levels), None, &mut values).map_err(broken)?;
        if records == 0 {
            return Err(structure("a column has fewer rows than its row group"));
        }
        read += records;
    }
    let mut values = values.into_iter();
    let is_present = |row: usize| levels.is_empty() || levels[row] > 0;
    (0..rows)
        .map(|row| match is_present(row) {
            false => Ok(None),
            true => {
                let value =
                    values.next().ok_or_else(|| structure("a column has fewer values than it says"))?;
                text(value)
                    .map(Some)
                    .ok_or_else(|| structure("a column holds bytes that are no text or number"))
            }
        })
        .collect()
}
