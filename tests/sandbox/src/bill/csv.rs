//! The csv dialects: legacy reports and CUR 2.0 exports.
//!
//! Rows of a stream differ in few columns, so a stream's line is made once with gaps for those.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;

use super::columns::Source;
use super::compose::Bill;
use super::cur2::{Cell, Cur2Columns, account_name};
use super::gzip::{Gzip, Members};
use super::names::Measure;
use super::rows::Row;
use super::spec::{BillSpec, instant};
use super::stream::Stream;

/// Prepared lines kept at most: about as many kilobytes.
const PREPARED: usize = 20_000;

/// A gap in a prepared line.
#[derive(Clone, Copy, Debug)]
enum Gap {
    Id,
    Interval,
    Start,
    End,
    Number(Measure),
    Discount,
}

/// A stream's line with gaps: the text up to each gap's place, and after the last.
#[derive(Debug)]
struct Prepared {
    text: Vec<u8>,
    places: Vec<u32>,
}

/// Writes rows as csv, file by file.
pub(super) struct CsvWriter<'a> {
    spec: &'a BillSpec,
    bill: &'a Bill,
    header: Vec<u8>,
    cells: Vec<Cell>,
    gaps: Vec<Gap>,
    /// The export's columns; a legacy report has none.
    export: Option<&'a Cur2Columns>,
    prepared: HashMap<usize, Prepared>,
    instants: HashMap<i64, String>,
    gzip: Gzip,
    line: Vec<u8>,
}

impl<'a> CsvWriter<'a> {
    pub(super) fn new(spec: &'a BillSpec, bill: &'a Bill, export: Option<&'a Cur2Columns>) -> Self {
        let columns: Vec<(&str, Cell)> = match export {
            Some(export) => export.columns.iter().map(|(name, cell)| (name.as_str(), *cell)).collect(),
            None => bill
                .catalogue
                .columns
                .iter()
                .map(|column| (column.name.as_str(), Cell::Source(column.source)))
                .collect(),
        };
        let mut header = Vec::new();
        for (place, (name, _)) in columns.iter().enumerate() {
            if place > 0 {
                header.push(b',');
            }
            push_field(&mut header, name);
        }
        header.push(b'\n');
        Self {
            spec,
            bill,
            header,
            gaps: columns.iter().filter_map(|(_, cell)| gap(*cell)).collect(),
            cells: columns.into_iter().map(|(_, cell)| cell).collect(),
            export,
            prepared: HashMap::new(),
            instants: HashMap::new(),
            gzip: Gzip::new(Members::One),
            line: Vec::with_capacity(4_096),
        }
    }

    /// Begins a file with its header; every second file is gzipped in several members.
    pub(super) fn begin(&mut self, number: u32) -> io::Result<()> {
        let members = if number.is_multiple_of(2) { Members::Several } else { Members::One };
        self.gzip = Gzip::new(members);
        self.gzip.write(&self.header)
    }

    pub(super) fn write(&mut self, rows: &[Row<'_>]) -> io::Result<()> {
        for row in rows {
            if !self.prepared.contains_key(&row.place) {
                if self.prepared.len() >= PREPARED {
                    self.prepared.clear();
                }
                let prepared = self.prepare(row.stream);
                self.prepared.insert(row.place, prepared);
            }
            self.fill(row);
            self.gzip.write(&self.line)?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> io::Result<Bytes> {
        std::mem::replace(&mut self.gzip, Gzip::new(Members::One)).finish()
    }

    fn fill(&mut self, row: &Row<'_>) {
        for seconds in [row.start, row.end] {
            self.instants.entry(seconds).or_insert_with(|| instant(seconds));
        }
        let (start, end) = (&self.instants[&row.start], &self.instants[&row.end]);
        let prepared = &self.prepared[&row.place];
        let line = &mut self.line;
        line.clear();
        let mut from = 0;
        for (gap, place) in self.gaps.iter().zip(&prepared.places) {
            let place = *place as usize;
            line.extend_from_slice(&prepared.text[from..place]);
            from = place;
            match gap {
                Gap::Id => line.extend_from_slice(&row.id),
                Gap::Interval => {
                    line.extend_from_slice(start.as_bytes());
                    line.push(b'/');
                    line.extend_from_slice(end.as_bytes());
                }
                Gap::Start => push_instant(line, start, self.export.is_some()),
                Gap::End => push_instant(line, end, self.export.is_some()),
                Gap::Number(measure) => match (row.amounts.get(*measure), self.export) {
                    (None, _) => {}
                    (Some(amount), None) => amount.print(measure.least_digits(), line),
                    (Some(amount), Some(_)) => amount.print_as_double(line),
                },
                Gap::Discount => {
                    if let Some(export) = self.export {
                        push_discounts(line, export, row);
                    }
                }
            }
        }
        line.extend_from_slice(&prepared.text[from..]);
    }

    fn prepare(&self, stream: &Stream) -> Prepared {
        let mut text = Vec::with_capacity(1_024);
        let mut places = Vec::with_capacity(self.gaps.len());
        for (place, cell) in self.cells.iter().enumerate() {
            if place > 0 {
                text.push(b',');
            }
            if gap(*cell).is_some() {
                places.push(u32::try_from(text.len()).expect("a line is short"));
                continue;
            }
            match cell {
                Cell::Source(Source::Text(field)) => {
                    push_field(&mut text, stream.texts.get(*field).unwrap_or(""));
                }
                Cell::Source(Source::PeriodStart) => {
                    push_instant(&mut text, &instant(self.bill.month.start()), self.export.is_some());
                }
                Cell::Source(Source::PeriodEnd) => {
                    push_instant(&mut text, &instant(self.bill.month.end()), self.export.is_some());
                }
                Cell::PayerName => push_field(&mut text, &self.spec.payer_name),
                Cell::AccountName => push_field(&mut text, &account_name(stream.account)),
                Cell::Map(map) => {
                    let entries = self
                        .export
                        .map_or_else(Vec::new, |export| export.entries(*map, stream, &self.spec.options));
                    if !entries.is_empty() || map.empty_is_map() {
                        push_field(&mut text, &json_map(&entries));
                    }
                }
                Cell::Source(_) | Cell::Discount => {}
            }
        }
        text.push(b'\n');
        text.shrink_to_fit();
        Prepared { text, places }
    }
}

fn gap(cell: Cell) -> Option<Gap> {
    match cell {
        Cell::Source(Source::LineItemId) => Some(Gap::Id),
        Cell::Source(Source::TimeInterval) => Some(Gap::Interval),
        Cell::Source(Source::UsageStart) => Some(Gap::Start),
        Cell::Source(Source::UsageEnd) => Some(Gap::End),
        Cell::Source(Source::Number(measure)) => Some(Gap::Number(measure)),
        Cell::Discount => Some(Gap::Discount),
        _ => None,
    }
}

/// Exports print milliseconds, legacy reports do not.
fn push_instant(line: &mut Vec<u8>, instant: &str, is_export: bool) {
    if is_export {
        line.extend_from_slice(instant.trim_end_matches('Z').as_bytes());
        line.extend_from_slice(b".000Z");
    } else {
        line.extend_from_slice(instant.as_bytes());
    }
}

/// A field, quoted where RFC 4180 asks for it.
fn push_field(line: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return line.extend_from_slice(text.as_bytes());
    }
    line.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            line.push(b'"');
        }
        line.push(byte);
    }
    line.push(b'"');
}

/// A JSON object in the order of its entries.
fn json_map(entries: &[(&str, &str)]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let members: Vec<String> =
        entries.iter().map(|(key, value)| format!("{}:{}", quoted(key), quoted(value))).collect();
    format!("{{{}}}", members.join(","))
}

fn push_discounts(line: &mut Vec<u8>, export: &Cur2Columns, row: &Row<'_>) {
    let entries = export.discount_entries(row);
    if entries.is_empty() {
        return;
    }
    line.push(b'"');
    for (place, (key, amount)) in entries.into_iter().enumerate() {
        line.extend_from_slice(if place == 0 { b"{\"\"" } else { b",\"\"" });
        line.extend_from_slice(key.as_bytes());
        line.extend_from_slice(b"\"\":");
        amount.print_as_double(line);
    }
    line.extend_from_slice(b"}\"");
}
