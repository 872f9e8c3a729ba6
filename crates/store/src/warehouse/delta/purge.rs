//! Takes a connection or some of its periods out: rows and ledger rows in one commit, then the files.

use std::sync::Arc;

use super::{
    commit::{self, Change, EndedCommit, Plan, Removal},
    ledger_domain,
    table::Table,
};
use crate::{
    model::{BillingPeriod, ConnectionKey},
    warehouse::{Selection, WarehouseFault},
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
        if entries.another_owner(owner.as_deref())?.is_some() {
            return Ok(Plan::Stop(()));
        }
        if entries.is_empty() && table.files(snapshot, |slot| wanted.takes(slot))?.is_empty() {
            return Ok(Plan::Landed);
        }
        Ok(Plan::Commit(Change {
            remove: Removal { connection: connection.clone(), periods: periods.clone() },
            keep: Box::new(|_| false),
            add: Arc::default(),
            write_entries: Vec::new(),
            remove_entries: ledger_domain::domains(&entries),
            application: None,
        }))
    });
    Ok(match ended.await? {
        EndedCommit::Committed(_) => Belonging::Ours,
        EndedCommit::Stopped { .. } => Belonging::Another,
    })
}

/// The folders, below a table's, that hold the files of a connection's periods; the connection's if none is named.
pub(super) fn folders(
    partitions: [&'static str; 2],
    connection: &ConnectionKey,
    periods: &[BillingPeriod],
) -> Vec<String> {
    let folder = folder_of(partitions, connection);
    if periods.is_empty() {
        return vec![folder];
    }
    periods.iter().map(|period| format!("{folder}/{}={period}", partitions[1])).collect()
}

/// The folder, below a table's, that holds a connection's files.
pub(super) fn folder_of(partitions: [&'static str; 2], connection: &ConnectionKey) -> String {
    format!("{}={connection}", partitions[0])
}
