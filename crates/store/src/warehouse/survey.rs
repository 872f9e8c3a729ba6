//! What a look over a whole warehouse finds: the ledger, rows of it that this release can't read, and data files that
//! the table refers to and the store no longer has.

use std::fmt::{self, Display};

use super::{
    Slot, WarehouseFault,
    ledger::{LedgerRow, is_of_another},
};
use crate::model::ConnectionKey;

/// The ledger's entries of some slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerEntries {
    /// The rows, ordered by connection and period.
    pub rows: Vec<LedgerRow>,
    /// Those that this release can't read.
    pub unreadable: Vec<UnreadableRow>,
}

impl LedgerEntries {
    /// The rows, if all of them can be read.
    ///
    /// # Errors
    /// [`WarehouseFault::LedgerUnreadable`] with one that can't be.
    pub fn all(mut self) -> Result<Vec<LedgerRow>, WarehouseFault> {
        match self.unreadable.pop() {
            Some(row) => Err(WarehouseFault::LedgerUnreadable(Box::new(row))),
            None => Ok(self.rows),
        }
    }

    /// Adds those of another table.
    pub fn absorb(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.unreadable.extend(other.unreadable);
    }

    /// Entries, readable or not.
    pub fn len(&self) -> usize {
        self.rows.len() + self.unreadable.len()
    }

    /// True if there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The owner of an entry that belongs to another than this one, who alone removes it. Without an owner to compare, no
    /// entry does, and one that can't be read is removed like any other.
    ///
    /// # Errors
    /// [`WarehouseFault::LedgerUnreadable`] with an entry that does not tell its owner.
    pub fn another_owner(&self, owner: Option<&str>) -> Result<Option<&str>, WarehouseFault> {
        let Some(owner) = owner else { return Ok(None) };
        for row in &self.unreadable {
            match row.owner.as_deref() {
                Some(other) if other != owner => return Ok(Some(other)),
                Some(_) => {}
                None => return Err(WarehouseFault::LedgerUnreadable(Box::new(row.clone()))),
            }
        }
        Ok(self.rows.iter().find(|row| is_of_another(row, Some(owner))).map(|row| row.owner.as_str()))
    }
}

/// What is loaded, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The ledger rows, ordered by connection and period.
    pub rows: Vec<LedgerRow>,
    /// Those that this release can't read.
    pub unreadable: Vec<UnreadableRow>,
    /// The months of which files are gone.
    pub lost: Vec<LostMonth>,
}

impl Survey {
    /// Adds that of another table.
    pub fn absorb(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.unreadable.extend(other.unreadable);
        self.lost.extend(other.lost);
    }
}

/// A ledger row that this release can't read. It stops its own connection and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// `CONNECTION/PERIOD`, as the log names it.
    pub name: String,
    /// The program that wrote it, by its own word.
    pub tool: Option<String>,
    /// Who owns the connection, as far as the row still tells.
    pub owner: Option<String>,
    /// What can't be read.
    pub problem: String,
}

impl UnreadableRow {
    /// The connection that it stops. As text: a later release may allow keys that this one refuses.
    pub fn connection(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// True if it is this connection's.
    pub fn is_of(&self, connection: &ConnectionKey) -> bool {
        self.connection() == connection.as_str()
    }

    fn purge(&self) -> String {
        let month = match self.name.split_once('/') {
            Some((_, period)) => format!(" --period {period}"),
            None => String::new(),
        };
        format!("awscost warehouse purge --connection {}{month}", self.connection())
    }
}

impl Display for UnreadableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const OWN: &str = concat!("awscost ", env!("CARGO_PKG_VERSION"));
        let (writer, fix) = match self.tool.as_deref() {
            Some(OWN) => ("this very release, by its own word,", ""),
            Some(tool) => (tool, "use the release that wrote it or a later one, or "),
            None => ("a program that gives no name", "use the program that wrote it, or "),
        };
        write!(
            f,
            "the ledger row {} was written by {writer} and can't be read by {OWN} ({}), which stops connection {} and no \
             other: {fix}remove the month with `{}` and load it again",
            self.name,
            self.problem,
            self.connection(),
            self.purge()
        )
    }
}

/// A month that the table says it holds, and of which data files are gone from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostMonth {
    /// Whose bill, and which month.
    pub slot: Slot,
    /// The files, below the warehouse's location.
    pub files: Vec<String>,
    /// Its ledger row, which says what to load again.
    pub row: Option<LedgerRow>,
}

/// Months that a message names; the rest is counted.
const NAMED: usize = 3;

/// The months and the first file of each, for a message.
pub(super) fn told(months: &[LostMonth]) -> String {
    let mut told: Vec<String> = months
        .iter()
        .take(NAMED)
        .map(|LostMonth { slot, files, .. }| {
            let first = files.first().map(String::as_str).unwrap_or_default();
            let more = match files.len() {
                0 | 1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            format!("{first}{more} of connection {}, {}", slot.connection, slot.period)
        })
        .collect();
    let more = months.len().saturating_sub(NAMED);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::conformance::slot;

    #[test]
    fn an_unreadable_row_names_itself_its_release_and_the_fix() {
        let row = UnreadableRow {
            name: "acme/2026-10".to_owned(),
            tool: Some("awscost 9.0.0".to_owned()),
            owner: None,
            problem: "missing field `rank`".to_owned(),
        };
        let said = row.to_string();
        for part in
            ["acme/2026-10", "awscost 9.0.0", "missing field `rank`", "--connection acme --period 2026-10"]
        {
            assert!(said.contains(part), "{part} lacks in: {said}");
        }
        assert!(row.is_of(&"acme".parse().expect("a key")) && !row.is_of(&"acm".parse().expect("a key")));
    }

    #[test]
    fn lost_months_are_named_and_the_rest_counted() {
        let month = |period: &str, files: &[&str]| LostMonth {
            slot: slot("acme", period),
            files: files.iter().map(|&file| file.to_owned()).collect(),
            row: None,
        };
        let months = [
            month("2026-07", &["costs/a.parquet"]),
            month("2026-08", &["costs/b.parquet", "costs/c.parquet"]),
            month("2026-09", &["costs/d.parquet"]),
            month("2026-10", &["costs/e.parquet"]),
        ];
        assert_eq!(
            told(&months),
            "costs/a.parquet of connection acme, 2026-07; costs/b.parquet and 1 more of connection acme, 2026-08; \
             costs/d.parquet of connection acme, 2026-09; and 1 more"
        );
    }
}
