//! Takes a connection or some of its periods out: rows and ledger rows in one commit, then the files.

use std::sync::Arc;

use super::{
    commit::{self, Change, Ended, Plan, Removal},
    ledger_domain::{self, Entries},
    table::Table,
};
use crate::{
    model::{BillingPeriod, ConnectionKey},
    schema::PARTITION_COLUMNS,
    warehouse::{Selection, WarehouseFault, ledger::is_of_another},
};

/// Whose rows a connection's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belonging {
    /// Nobody's else: they are gone.
    Ours,
    /// Another owner's: they stay.
    Another,
}

/// Commits the removal of a connection's periods, of all if none is named, from a table, unless they belong to another
/// than `owner`. A table that holds nothing of them gets no commit.
pub(super) async fn remove(
    table: &Arc<Table>,
    connection: &ConnectionKey,
    periods: &[BillingPeriod],
    owner: Option<&str>,
) -> Result<Belonging, WarehouseFault> {
    let wanted = Selection { connection: Some(connection.clone()), periods: periods.to_vec() };
    let (connection, periods) = (connection.clone(), periods.to_vec());
    let owner = owner.map(str::to_owned);
    let ended = commit::commit::<()>(table, move |table, snapshot| {
        let entries = ledger_domain::entries(table, snapshot, &wanted)?;
        if belonging(&entries, owner.as_deref())? == Belonging::Another {
            return Ok(Plan::Stop(()));
        }
        if entries.len() == 0 && table.files(snapshot, |slot| wanted.takes(slot))?.is_empty() {
            return Ok(Plan::Landed);
        }
        Ok(Plan::Commit(Change {
            remove: Removal::Periods(connection.clone(), periods.clone()),
            keep: Box::new(|_| false),
            add: Arc::default(),
            write_entries: Vec::new(),
            remove_entries: entries.domains(),
            application: None,
        }))
    });
    Ok(match ended.await? {
        Ended::Committed(_) => Belonging::Ours,
        Ended::Stopped { .. } => Belonging::Another,
    })
}

/// The folders, below a table's, that hold the files of a connection's periods; the connection's if none is named.
pub(super) fn folders(connection: &ConnectionKey, periods: &[BillingPeriod]) -> Vec<String> {
    let [of_connection, of_period] = PARTITION_COLUMNS;
    let folder = format!("{of_connection}={connection}");
    if periods.is_empty() {
        return vec![folder];
    }
    periods.iter().map(|period| format!("{folder}/{of_period}={period}")).collect()
}

/// Whose the entries are. A row that this release can't read goes all the same, unless an owner is asked for and the row
/// does not tell its own.
fn belonging(entries: &Entries, owner: Option<&str>) -> Result<Belonging, WarehouseFault> {
    let Some(owner) = owner else { return Ok(Belonging::Ours) };
    for row in &entries.unreadable {
        match row.owner.as_deref() {
            Some(other) if other != owner => return Ok(Belonging::Another),
            Some(_) => {}
            None => return Err(WarehouseFault::LedgerUnreadable(Box::new(row.clone()))),
        }
    }
    let anothers = entries.rows.iter().any(|row| is_of_another(row, Some(owner)));
    Ok(if anothers { Belonging::Another } else { Belonging::Ours })
}
