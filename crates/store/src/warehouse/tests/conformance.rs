//! What every backend does, told as cases that run against any of them. A case gets an empty warehouse and
//! panics where a rule is broken: this is test code that integration tests share.

mod cases;
pub mod rows;
mod second_table;

use std::{pin::Pin, sync::Arc};

use jiff::Timestamp;

use super::super::{
    Committed, Selection, Slot, Stage, Warehouse, WarehouseFault,
    ledger::{LedgerRow, Ordering, VersionSource},
};
use crate::{
    model::{Amount, BillingPeriod, CurrencyTotals, RowsWithout, VersionIdentity},
    schema::TableContract,
};
use rows::Row;

pub use second_table::SECOND_TABLE;

/// A backend under test, empty.
pub type SuiteSubject = Arc<dyn Warehouse>;
/// A case under way.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
/// A case: its name and what it does.
pub type SuiteCase = (&'static str, fn(SuiteSubject) -> Running);

/// All cases.
pub const CASES: &[SuiteCase] = cases::ALL;

/// A load to be made: the slot, the version and its place in the order, and the costs of its rows.
#[derive(Debug, Clone)]
pub struct Load {
    slot: Slot,
    version: String,
    run: String,
    day: i64,
    owner: &'static str,
    source: VersionSource,
    costs: Vec<String>,
}

impl Load {
    /// A load of `version` for 2026-10 of a connection: one row a cost.
    pub fn of(connection: &str, version: &str, costs: &[&str]) -> Self {
        Self {
            slot: slot(connection, "2026-10"),
            version: version.to_owned(),
            run: format!("run-{version}"),
            day: 1,
            owner: "cluster/finops/acme",
            source: VersionSource {
                location: "s3://bucket/cur".to_owned(),
                report: "acme".to_owned(),
                rank: 0,
            },
            costs: costs.iter().map(|&cost| cost.to_owned()).collect(),
        }
    }

    /// The same for another period.
    pub fn period(mut self, period: &str) -> Self {
        self.slot.period = period.parse().expect("a period");
        self
    }

    /// The same by another run.
    pub fn run(mut self, run: &str) -> Self {
        run.clone_into(&mut self.run);
        self
    }

    /// The same, delivered on that day of the month.
    pub fn day(mut self, day: i64) -> Self {
        self.day = day;
        self
    }

    /// The same by another owner.
    pub fn owner(mut self, owner: &'static str) -> Self {
        self.owner = owner;
        self
    }

    /// The same from another report.
    pub fn report(mut self, report: &str, rank: u32) -> Self {
        self.source = VersionSource { report: report.to_owned(), rank, ..self.source };
        self
    }

    /// What the ledger will say of it.
    pub fn row(&self) -> LedgerRow {
        let unblended: Amount = self.costs.iter().map(|cost| cost.parse::<Amount>().expect("a cost")).sum();
        let rows = self.costs.len() as u64;
        let rows_without = Some(RowsWithout { net_unblended: rows, ..RowsWithout::default() });
        let totals =
            CurrencyTotals { rows, unblended, net_unblended: None, amortized: Some(unblended), rows_without };
        LedgerRow {
            connection: self.slot.connection.clone(),
            period: self.slot.period,
            version: VersionIdentity(self.version.clone()),
            source: self.source.clone(),
            ordered_at: Timestamp::from_second(1_790_000_000 + self.day * 86_400).expect("a time"),
            owner: self.owner.to_owned(),
            run: self.run.clone(),
            loaded_at: Timestamp::from_second(1_795_000_000).expect("a time"),
            files: 1,
            rows,
            bytes: 100 * rows,
            totals: [("USD".to_owned(), totals)].into(),
            invoiced: false,
            tag_collisions: 0,
            rounded: Default::default(),
            missing_columns: Vec::new(),
            tool: "conformance".to_owned(),
        }
    }

    /// Stages it: every second row in a part of its own source file.
    pub async fn stage(&self, warehouse: &dyn Warehouse) -> Box<dyn Stage> {
        let version = VersionIdentity(self.version.clone());
        let table = warehouse.table();
        let stage = warehouse.begin(&self.slot, &version, &self.run).await.expect("a stage");
        for source_file in 0..2 {
            let costs: Vec<_> = self.costs.iter().skip(source_file).step_by(2).cloned().collect();
            let mut part = stage.part(source_file).expect("a part");
            let version = self.version.clone();
            tokio::task::spawn_blocking(move || {
                let rows: Vec<Row<'_>> = costs.iter().map(|cost| priced(table, &version, cost)).collect();
                part.write(&rows::batch(table, &rows)).expect("rows are taken");
                part.finish().expect("the part is finished");
            })
            .await
            .expect("the writer lives");
        }
        stage
    }

    /// Stages and commits it.
    pub async fn run_on(&self, warehouse: &dyn Warehouse) -> Committed {
        self.try_on(warehouse, Ordering::Enforced).await.expect("a commit that works")
    }

    /// Stages and commits it in this order of things; what came of it.
    pub async fn try_on(
        &self,
        warehouse: &dyn Warehouse,
        ordering: Ordering,
    ) -> Result<Committed, WarehouseFault> {
        self.stage(warehouse).await.commit(self.row(), ordering).await
    }
}

fn priced<'a>(table: &TableContract, version: &'a str, cost: &'a str) -> Row<'a> {
    [
        ("manifest_id", version),
        (table.bill.unblended, cost),
        (table.bill.currency.name, "USD"),
        (table.statistics, "2026-10-05T07:00:00Z"),
        (tags_of(table), "user_owner=alice;user_team=ü"),
    ]
    .into()
}

/// The map column of a table in which tags stand.
fn tags_of(table: &TableContract) -> &'static str {
    table.maps.iter().find(|map| map.lists_keys).expect("a table has tags").name
}

/// A slot by its texts.
pub fn slot(connection: &str, period: &str) -> Slot {
    let period: BillingPeriod = period.parse().expect("a period");
    Slot { connection: connection.parse().expect("a key"), period }
}

/// The versions, rows and sum that a reader sees of a connection, and its ledger rows, all of one state.
pub async fn seen(warehouse: &dyn Warehouse, connection: &str) -> SeenRow {
    use arrow::{
        array::{AsArray, RecordBatch},
        datatypes::Decimal128Type,
    };
    let unblended = warehouse.table().bill.unblended;
    let mut seen = SeenRow::default();
    let selection = Selection { connection: connection.parse().ok(), periods: Vec::new() };
    let mut visit = |_: &Slot, batch: &RecordBatch| {
        let column = |name| batch.column_by_name(name).expect("a column that was asked for");
        let costs = column(unblended).as_primitive::<Decimal128Type>();
        seen.rows += costs.len() as u64;
        seen.sum = costs.iter().flatten().map(Amount::from_units).fold(seen.sum, |sum, cost| sum + cost);
        seen.versions.extend(column("manifest_id").as_string::<i32>().iter().flatten().map(str::to_owned));
        Ok(())
    };
    let columns = ["manifest_id", unblended];
    let reading = warehouse.read(&selection, &columns, &mut visit).await;
    seen.ledger = reading.expect("a reading").ledger;
    seen
}

/// What a reader sees of a connection.
#[derive(Debug, Clone, Default)]
pub struct SeenRow {
    /// The versions its rows belong to.
    pub versions: std::collections::BTreeSet<String>,
    /// Its rows.
    pub rows: u64,
    /// The sum of their unblended costs.
    pub sum: Amount,
    /// Its ledger rows.
    pub ledger: Vec<LedgerRow>,
}

impl SeenRow {
    /// Asserts that rows, sum and ledger are exactly those of these loads.
    pub fn is_exactly(&self, loads: &[&Load]) {
        let rows: Vec<LedgerRow> = loads.iter().map(|load| load.row()).collect();
        assert_eq!(self.ledger, rows, "the ledger");
        let versions = loads.iter().filter(|load| !load.costs.is_empty()).map(|load| load.version.clone());
        assert_eq!(self.versions, versions.collect(), "the versions of the rows");
        assert_eq!(self.rows, rows.iter().map(|row| row.rows).sum::<u64>(), "the number of rows");
        let sum: Amount = rows.iter().map(|row| row.totals["USD"].unblended).sum();
        assert_eq!(self.sum, sum, "the sum of the rows");
    }
}
