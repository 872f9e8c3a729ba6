//! A csv reader that looks at one byte after the other and keeps only the cells it sums.

use super::{Summing, VerifyFault, number};
use crate::{ingest::tally::FileTally, schema::BillColumns};

/// Where in a record the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldState {
    /// At the first byte of a cell.
    CellStart,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote that ends the cell or is the first of two.
    QuoteSeen,
}

/// Sums a csv file as its bytes come.
#[derive(Debug)]
pub(in crate::ingest) struct CsvTally {
    bill: &'static BillColumns,
    state: FieldState,
    /// The number of the record; the header is 1.
    row: u64,
    /// The cell's number in its record.
    column: usize,
    /// Whether any byte of the record was seen.
    begun: bool,
    /// Whether any byte of it was more than a line end.
    filled: bool,
    cell: Vec<u8>,
    headers: Vec<String>,
    /// By column: its place among the columns that are kept.
    places: Vec<Option<usize>>,
    /// The cells of this record that are kept, by place.
    kept: Vec<Vec<u8>>,
    /// The numbers of this record, in the order of the summed columns.
    numbers: Vec<Option<i128>>,
    summing: Summing,
}

impl CsvTally {
    pub fn new(bill: &'static BillColumns) -> Self {
        Self {
            bill,
            state: FieldState::CellStart,
            row: 1,
            column: 0,
            begun: false,
            filled: false,
            cell: Vec::new(),
            headers: Vec::new(),
            places: Vec::new(),
            kept: vec![Vec::new(); bill.spelled().count()],
            numbers: vec![None; bill.summed.len()],
            summing: Summing::new(bill),
        }
    }

    /// Takes the next bytes of the file, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), VerifyFault> {
        for byte in bytes {
            self.byte(*byte)?;
        }
        Ok(())
    }

    /// The sums, once the last byte was pushed.
    pub fn finish(mut self) -> Result<FileTally, VerifyFault> {
        if self.state == FieldState::Quoted {
            return Err(VerifyFault::Structure(format!("row {} ends inside quotes", self.row)));
        }
        if self.begun {
            self.end_cell();
            self.end_record()?;
        }
        Ok(self.summing.finish())
    }

    fn byte(&mut self, byte: u8) -> Result<(), VerifyFault> {
        self.begun = true;
        self.filled |= !matches!(byte, b'\r' | b'\n');
        match (self.state, byte) {
            (FieldState::CellStart, b'"') => self.state = FieldState::Quoted,
            (FieldState::Quoted, b'"') => self.state = FieldState::QuoteSeen,
            (FieldState::Quoted, _) => self.keep(byte),
            (FieldState::QuoteSeen, b'"') => {
                self.keep(byte);
                self.state = FieldState::Quoted;
            }
            (_, b',') => self.end_cell(),
            (_, b'\n') => {
                self.end_cell();
                self.end_record()?;
            }
            _ => {
                self.keep(byte);
                self.state = FieldState::Plain;
            }
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) {
        let wanted = self.row == 1 || self.places.get(self.column).is_some_and(Option::is_some);
        // A summed cell longer than this is refused anyway; the bound keeps a hostile one from growing.
        if wanted && self.cell.len() < 1 << 20 {
            self.cell.push(byte);
        }
    }

    fn end_cell(&mut self) {
        if self.row == 1 {
            self.headers.push(String::from_utf8_lossy(&self.cell).into_owned());
        } else if let Some(Some(place)) = self.places.get(self.column) {
            std::mem::swap(&mut self.kept[*place], &mut self.cell);
        }
        self.cell.clear();
        self.column += 1;
        self.state = FieldState::CellStart;
    }

    fn end_record(&mut self) -> Result<(), VerifyFault> {
        let cells = std::mem::take(&mut self.column);
        self.begun = false;
        let filled = std::mem::take(&mut self.filled);
        if self.row == 1 {
            self.read_header();
            self.row = 2;
            return Ok(());
        }
        // A blank line holds no row.
        if !filled && self.places.len() > 1 {
            return Ok(());
        }
        if cells != self.places.len() {
            let problem = format!("row {} has {cells} cells, the header {}", self.row, self.places.len());
            return Err(VerifyFault::Structure(problem));
        }
        self.sum_record()?;
        self.row += 1;
        Ok(())
    }

    fn read_header(&mut self) {
        let mut headers = std::mem::take(&mut self.headers);
        if let Some(first) = headers.first_mut() {
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        if let Some(last) = headers.last_mut() {
            *last = last.trim_end_matches('\r').to_owned();
        }
        self.places = super::places(self.bill, &headers);
    }

    fn sum_record(&mut self) -> Result<(), VerifyFault> {
        let (row, summed) = (self.row, self.bill.summed);
        let [currency, line_type, cells @ ..] = self.kept.as_slice() else { return Ok(()) };
        for ((number, cell), column) in self.numbers.iter_mut().zip(cells).zip(summed) {
            let text = String::from_utf8_lossy(cell);
            let text = text.trim_end_matches('\r');
            let value = || text.chars().take(60).collect();
            let fault = || VerifyFault::Number { row, column: column.name, value: value() };
            *number = match text {
                "" => None,
                text => Some(number::parse(text).ok_or_else(fault)?),
            };
        }
        let text = |cell: &[u8]| String::from_utf8_lossy(cell).trim_end_matches('\r').to_owned();
        self.summing.row(&text(currency), &text(line_type), &self.numbers)
    }
}
