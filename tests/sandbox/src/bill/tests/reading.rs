//! Reads what the generator wrote, in the plainest way and without its code.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

/// A row by column name; empty fields are left out.
pub(super) type Record = BTreeMap<String, String>;

pub(super) fn inflate(body: &[u8]) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(body).read_to_string(&mut text).unwrap();
    text
}

/// Splits RFC 4180 text into rows of fields, one character at a time.
pub(super) fn fields(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    assert!(!quoted && field.is_empty() && row.is_empty(), "the text ends with a whole row");
    rows
}

/// The rows of a gzipped csv file.
pub(super) fn records(body: &Bytes) -> Vec<Record> {
    let mut rows = fields(&inflate(body)).into_iter();
    let header = rows.next().unwrap();
    let record = |row: Vec<String>| {
        assert_eq!(row.len(), header.len());
        header.iter().cloned().zip(row).filter(|(_, text)| !text.is_empty()).collect()
    };
    rows.map(record).collect()
}

/// A decimal as an integer at scale 18, from plain text or with an exponent.
pub(super) fn decimal(text: &str) -> i128 {
    let (mantissa, exponent) = text.split_once('E').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap();
    let scale = 18 + exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap();
    if scale >= 0 {
        digits * 10_i128.pow(scale.unsigned_abs())
    } else {
        let step = 10_i128.pow(scale.unsigned_abs());
        assert_eq!(digits % step, 0, "{text} has no more than 18 fractional digits");
        digits / step
    }
}
