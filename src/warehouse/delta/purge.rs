//! Takes a connection out: its rows and ledger rows in one commit, then its files.

use std::sync::Arc;

use super::{
    commit::{self, Change, Ended, Plan, Removal},
    ledger_domain,
    table::Table,
};
use crate::{
    model::ConnectionKey,
    warehouse::{Slot, WarehouseFault, ledger::is_of_another},
};

/// Whose rows a connection's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belonging {
    /// Nobody's else: they are gone.
    Ours,
    /// Another owner's: they stay.
    Another,
}

/// Commits the removal of a connection from a table, unless it belongs to another than `owner`. A table that holds
/// nothing of it gets no commit.
pub(super) async fn remove(
    table: &Arc<Table>,
    connection: &ConnectionKey,
    owner: Option<&str>,
) -> Result<Belonging, WarehouseFault> {
    let connection = connection.clone();
    let owner = owner.map(str::to_owned);
    let ended = commit::commit::<()>(table, move |table, snapshot| {
        let ours = |slot: &Slot| slot.connection == connection;
        let rows = ledger_domain::rows(table, snapshot, ours)?;
        if rows.iter().any(|row| is_of_another(row, owner.as_deref())) {
            return Ok(Plan::Stop(()));
        }
        if rows.is_empty() && table.files(snapshot, ours)?.is_empty() {
            return Ok(Plan::Landed);
        }
        let slots = rows.iter().map(|row| Slot { connection: row.connection.clone(), period: row.period });
        Ok(Plan::Commit(Change {
            remove: Removal::Connection(connection.clone()),
            keep: Box::new(|_| false),
            add: Arc::default(),
            write_entries: Vec::new(),
            remove_entries: slots.map(|slot| ledger_domain::domain_of(&slot)).collect(),
            application: None,
        }))
    });
    Ok(match ended.await? {
        Ended::Committed(_) => Belonging::Ours,
        Ended::Stopped { .. } => Belonging::Another,
    })
}
