//! A look over the whole warehouse: what the log refers to, held against what the store has.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use object_store::path::Path;

use super::{
    DeltaWarehouse, ledger_domain, maintain, purge,
    read::ReadFault,
    table::{LiveFile, Table},
};
use crate::warehouse::{
    Selection, Slot, WarehouseFault,
    survey::{LedgerEntries, LostMonth, Survey},
};

impl DeltaWarehouse {
    /// The ledger's entries of the wanted slots; none if there is no table.
    pub(super) async fn read_entries(&self, wanted: &Selection) -> Result<LedgerEntries, WarehouseFault> {
        let Some(snapshot) = self.costs.snapshot().await? else { return Ok(LedgerEntries::default()) };
        let wanted = wanted.clone();
        self.costs.blocking(move |table| ledger_domain::entries(table, &snapshot, &wanted)).await
    }

    /// The ledger and what is wrong with it and with the data files, of the wanted slots. A row that this release can't read is
    /// no error here.
    pub(super) async fn look_over(&self, wanted: &Selection) -> Result<Survey, WarehouseFault> {
        let entries = self.read_entries(wanted).await?;
        let mut lost: BTreeMap<Slot, Vec<String>> = BTreeMap::new();
        for table in self.tables() {
            for file in missing(table, wanted).await? {
                lost.entry(file.slot.clone()).or_default().push(self.below_location(&file.key)?);
            }
        }
        let row = |slot: &Slot| entries.rows.iter().find(|row| row.is_of(slot)).cloned();
        let month = |(slot, mut files): (Slot, Vec<String>)| {
            files.sort();
            LostMonth { row: row(&slot), slot, files }
        };
        let lost = lost.into_iter().map(month).collect();
        Ok(Survey { rows: entries.rows, unreadable: entries.unreadable, lost })
    }

    /// What it means that a data file was not there to be read: it is lost, with whatever else is, or its month was replaced
    /// and swept meanwhile.
    pub(super) async fn gone(&self, key: &Path, wanted: &Selection) -> WarehouseFault {
        match self.look_over(wanted).await {
            Ok(Survey { lost, .. }) if lost.is_empty() => ReadFault::Gone(key.clone()).into(),
            Ok(Survey { lost: months, .. }) => {
                WarehouseFault::FilesGone { location: self.location().to_string(), months }
            }
            Err(fault) => fault,
        }
    }

    fn below_location(&self, key: &Path) -> Result<String, WarehouseFault> {
        let root = self.root()?;
        let parts = key.prefix_match(&root).map(|parts| parts.map(|part| part.as_ref().to_owned()));
        Ok(parts.map_or_else(|| key.to_string(), |parts| parts.collect::<Vec<_>>().join("/")))
    }
}

/// The files that the newest version of a table refers to and that are missing from the store.
async fn missing(table: &Arc<Table>, wanted: &Selection) -> Result<Vec<LiveFile>, WarehouseFault> {
    let mut referred = live(table, wanted).await?;
    if referred.is_empty() {
        return Ok(referred);
    }
    let folder = match &wanted.connection {
        Some(connection) => table.key_of(&purge::folder_of(table.partitions(), connection))?,
        None => table.root.clone(),
    };
    let listed = maintain::list(table.store.as_ref(), &folder).await?;
    let there: HashSet<Path> = listed.into_iter().map(|object| object.location).collect();
    referred.retain(|file| !there.contains(&file.key));
    if !referred.is_empty() {
        // Replaced and swept between the two looks, they are nobody's any more.
        let still: HashSet<Path> = live(table, wanted).await?.into_iter().map(|file| file.key).collect();
        referred.retain(|file| still.contains(&file.key));
    }
    Ok(referred)
}

async fn live(table: &Arc<Table>, wanted: &Selection) -> Result<Vec<LiveFile>, WarehouseFault> {
    let Some(snapshot) = table.snapshot().await? else { return Ok(Vec::new()) };
    let wanted = wanted.clone();
    table.blocking(move |table| table.files(&snapshot, |slot| wanted.takes(slot))).await
}
