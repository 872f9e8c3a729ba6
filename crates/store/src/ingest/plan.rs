//! What to load: a pure decision over what is delivered and what the ledger holds.

use jiff::Timestamp;

use crate::{
    model::{BillingPeriod, ConnectionKey, ReportKind, VersionIdentity},
    report::{Delivery, Dialect, FoundPeriod, ReportFault},
    schema::{COSTS, TableContract},
    warehouse::ledger::{Decision, LedgerRow, Ordering, VersionSource, decide},
};

/// What a load is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The key the rows go under.
    pub connection: ConnectionKey,
    /// `CLUSTER/NAMESPACE/NAME`, or `cli`.
    pub owner: String,
    /// Where the bill comes from, as the ledger names it.
    pub source: VersionSource,
    /// Whether an older version is refused.
    pub ordering: Ordering,
    /// The time of versions that carry none, from a folder.
    pub as_of: Option<Timestamp>,
    /// The only version that may be loaded.
    pub expect: Option<VersionIdentity>,
}

/// What to do about one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Load this version; it has this time.
    Load {
        /// The version.
        delivery: Box<Delivery>,
        /// What orders it.
        ordered_at: Timestamp,
    },
    /// The ledger's rules settle it without a load.
    Settled {
        /// The version that is delivered.
        delivery: Box<Delivery>,
        /// What the rules say; never [`Decision::Load`].
        decision: Decision,
    },
    /// Another version than the expected one is delivered.
    NotExpected {
        /// The version that is delivered.
        delivery: Box<Delivery>,
    },
    /// The version tells no time, and none was given.
    NoTime {
        /// The version.
        delivery: Box<Delivery>,
    },
    /// There is no version to take.
    Fault(ReportFault),
}

/// One period and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The month.
    pub period: BillingPeriod,
    /// What to do.
    pub step: Step,
}

/// The table that bills of a kind are loaded into.
pub fn table_of(kind: ReportKind) -> &'static TableContract {
    let name = Dialect::of(kind).table;
    TableContract::named(name).expect("a unit test holds every dialect to a table")
}

/// The table that the bills of a report are loaded into: that of its costs where no delivery tells its kind.
pub fn table_for(found: &[FoundPeriod]) -> &'static TableContract {
    let kind = found.iter().find_map(|found| Some(found.delivery.as_ref().ok()?.kind));
    kind.map_or(&COSTS, table_of)
}

/// Decides for every period, the newest first: it is the one people look at.
///
/// `rows` are the ledger rows of the connection, all periods.
pub fn plan(found: Vec<FoundPeriod>, rows: &[LedgerRow], terms: &Terms) -> Vec<Planned> {
    let mut planned: Vec<Planned> = found
        .into_iter()
        .map(|found| Planned {
            period: found.period,
            step: match found.delivery {
                Ok(delivery) => step(Box::new(delivery), rows, terms),
                Err(fault) => Step::Fault(fault),
            },
        })
        .collect();
    planned.sort_by_key(|planned| std::cmp::Reverse(planned.period));
    planned
}

/// Decides for one version.
pub fn step(delivery: Box<Delivery>, rows: &[LedgerRow], terms: &Terms) -> Step {
    if terms.expect.as_ref().is_some_and(|expected| *expected != delivery.version) {
        return Step::NotExpected { delivery };
    }
    // A time in the names wins over --as-of, which only stands in where there is none that can be true.
    let Some(ordered_at) = delivery.ordered_at.or(terms.as_of) else {
        return Step::NoTime { delivery };
    };
    match decide(rows, &draft(&delivery, ordered_at, terms), terms.ordering) {
        Decision::Load => Step::Load { delivery, ordered_at },
        decision => Step::Settled { delivery, decision },
    }
}

/// The ledger row of a version before anything of it is read: what [`decide`] looks at, and no counts yet.
pub fn draft(delivery: &Delivery, ordered_at: Timestamp, terms: &Terms) -> LedgerRow {
    LedgerRow {
        connection: terms.connection.clone(),
        period: delivery.period,
        version: delivery.version.clone(),
        source: terms.source.clone(),
        ordered_at,
        owner: terms.owner.clone(),
        run: String::new(),
        loaded_at: ordered_at,
        files: delivery.files.len() as u64,
        rows: 0,
        bytes: delivery.bytes(),
        totals: std::collections::BTreeMap::new(),
        invoiced: false,
        tag_collisions: 0,
        rounded: std::collections::BTreeMap::new(),
        missing_columns: Vec::new(),
        tool: concat!("awscost ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
