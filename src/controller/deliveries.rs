//! Which versions of a report are delivered, listed in the narrowed session that a Job would get.

mod report_store;

use jiff::Timestamp;

use super::{loads::periods, validate::Bill};
use crate::{
    aws::{Aws, Session},
    model::ReportKind,
    report::{FoundPeriod, ReportAnchor, ReportFault, ReportRoot, WantedPeriods, deliveries as list},
};
use report_store::SessionStore;

/// Which versions of a bill's report are delivered, read in the narrowed session.
///
/// # Errors
/// What keeps them from being listed.
pub async fn list_report(
    aws: &Aws,
    session: &Session,
    bill: &Bill,
    kind: Option<ReportKind>,
    now: Timestamp,
) -> Result<Vec<FoundPeriod>, ReportFault> {
    let report = &bill.report;
    let root = ReportRoot {
        anchor: ReportAnchor::Bucket(report.bucket.clone()),
        prefix: report.prefix.clone(),
        name: report.name.clone(),
        kind: report.kind.or(kind),
    };
    let wanted = WantedPeriods::Only(periods::wanted_months(bill.months, now).into_iter().collect());
    list(&SessionStore::new(aws, session, report), &root, &wanted, now).await
}
