//! Where a report lies that is not where it was declared: a few looks one level around the declared prefix.

use super::bucket::{is_export_period, is_legacy_period, list};
use crate::{
    aws::{
        Aws, AwsFault, FaultClass, Session,
        traits::{BucketOwner, Listing},
    },
    connection::Elsewhere,
    model::ReportLocation,
};

/// How many folders below the declared prefix are looked into.
const FOLDERS: usize = 5;

/// Looks one level around the declared prefix with the role's own permissions; the narrowed ones end at the report.
///
/// A role that may list nothing else is refused, which says nothing: least privilege is no fault.
pub(super) async fn look(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
) -> Result<Option<Elsewhere>, AwsFault> {
    let declared = report.prefix.as_str();
    let (parent, last) = declared.rsplit_once('/').unwrap_or(("", declared));
    if last == report.name.as_str() && holds_report(aws, session, report, &below(declared, "")).await? {
        return Ok(Some(Elsewhere::PrefixIncludesName { prefix: parent.to_owned() }));
    }
    let name = report.name.as_str();
    if !declared.is_empty() && holds_report(aws, session, report, &below(parent, name)).await? {
        return Ok(Some(Elsewhere::OneLevelOff { prefix: parent.to_owned() }));
    }
    let around = folders(aws, session, report, &below(declared, "")).await?;
    for folder in around.folders.iter().take(FOLDERS) {
        let prefix = folder.trim_end_matches('/');
        if holds_report(aws, session, report, &below(prefix, name)).await? {
            return Ok(Some(Elsewhere::OneLevelOff { prefix: prefix.to_owned() }));
        }
    }
    Ok(None)
}

/// `prefix/name/`, without what is empty.
fn below(prefix: &str, name: &str) -> String {
    [prefix, name].iter().filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect()
}

/// True if what lies directly below a key root looks like a delivered report.
async fn holds_report(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
    root: &str,
) -> Result<bool, AwsFault> {
    let listing = folders(aws, session, report, root).await?;
    let metadata = format!("{root}metadata/");
    Ok(listing
        .folders
        .iter()
        .any(|folder| *folder == metadata || is_legacy_period(folder) || is_export_period(folder)))
}

async fn folders(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
    prefix: &str,
) -> Result<Listing, AwsFault> {
    match list(aws, session, report, prefix, BucketOwner::Expected(&report.owner)).await {
        Err(fault) if fault.class == FaultClass::Denied => Ok(Listing::default()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn empty_parts_leave_no_slash() {
        assert_eq!(below("", ""), "");
        assert_eq!(below("", "acme"), "acme/");
        assert_eq!(below("cur", "acme"), "cur/acme/");
        assert_eq!(below("cur", ""), "cur/");
    }
}
