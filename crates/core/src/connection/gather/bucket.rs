//! Looks into the report's bucket: a listing and a manifest in the session that Jobs get, and where that shows nothing or is
//! refused, what tells why.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Sessions, elsewhere, in_session};
use crate::{
    aws::{
        Aws, AwsFault, Code, Detail, FaultClass, Operation, Session,
        traits::{BucketOwner, Delimiter, ListObjects, Listing, ObjectOwnership, ReadObject},
    },
    connection::{Elsewhere, Facts, ManifestRead, Purpose, Target, checks, facts::Fact, open},
    model::ReportLocation,
};

/// More folders than any report has months.
const LISTED: usize = 1000;

/// What the bucket showed in the narrowed session; `None` for what was not asked.
pub(super) struct SeenBucket {
    session: Result<Session, AwsFault>,
    listing: Option<Result<Listing, AwsFault>>,
    any_owner: Option<Result<(), AwsFault>>,
    manifest: Option<Result<ManifestRead, AwsFault>>,
    elsewhere: Option<Result<Option<Elsewhere>, AwsFault>>,
    ownership: Option<Result<ObjectOwnership, AwsFault>>,
}

pub(super) async fn look(
    aws: &Aws,
    target: &Target,
    report: &ReportLocation,
    control: &Session,
    kept: Option<Session>,
) -> SeenBucket {
    let (session, listing) = match opened(aws, target, report, kept).await {
        Ok((session, listing)) => (Ok(session), Some(listing)),
        Err(fault) => (Err(fault), None),
    };
    let mut seen = SeenBucket {
        session,
        listing: None,
        any_owner: None,
        manifest: None,
        elsewhere: None,
        ownership: None,
    };
    let (Ok(session), Some(listing)) = (&seen.session, listing) else { return seen };
    match &listing {
        Ok(listing) if listing.folders.is_empty() && listing.objects.is_empty() => {
            seen.manifest = Some(Ok(ManifestRead::NoneYet));
            seen.elsewhere = Some(elsewhere::look(aws, control, report).await);
        }
        Ok(listing) => {
            let read = manifest(aws, session, report, listing).await;
            let refused = |fault: &AwsFault| {
                fault.class == FaultClass::Denied && fault.detail == Detail::None && fault.lacks.is_none()
            };
            if read.as_ref().is_err_and(refused) {
                let controls = aws.buckets.ownership(control, &report.bucket, &report.region, &report.owner);
                seen.ownership = Some(controls.await);
            }
            seen.manifest = Some(read);
        }
        Err(fault) if fault.class == FaultClass::Denied => {
            let unchecked = list(aws, session, report, &report.key_root(), BucketOwner::Any).await;
            seen.any_owner = Some(unchecked.map(drop));
        }
        Err(_) => {}
    }
    seen.listing = Some(listing);
    seen
}

/// Lists the report's root in the session that was kept, or in a new one if S3 refuses that session. A kept session may have
/// ended early: only the refusal of a new one says something about S3.
async fn opened(
    aws: &Aws,
    target: &Target,
    report: &ReportLocation,
    kept: Option<Session>,
) -> Result<(Session, Result<Listing, AwsFault>), AwsFault> {
    let root = report.key_root();
    let owner = BucketOwner::Expected(&report.owner);
    if let Some(session) = kept {
        let listing = list(aws, &session, report, &root, owner).await;
        if !listing.as_ref().is_err_and(|fault| fault.class == FaultClass::Credentials) {
            return Ok((session, listing));
        }
    }
    let session = ingest_session(aws, target, report).await?;
    let listing = list(aws, &session, report, &root, owner).await;
    Ok((session, listing))
}

impl SeenBucket {
    pub(super) fn record(self, facts: &mut Facts, sessions: &mut Sessions, now: Timestamp) {
        match self.session {
            Ok(session) => {
                facts.ingest_session.record(now, Ok(()));
                sessions.ingest = Some(session);
            }
            Err(fault) => facts.ingest_session.record(now, Err(fault)),
        }
        let Some(listing) = self.listing else { return };
        // S3 in a region that is not enabled refuses every session (docs/aws-facts.md 9). This one is new: a kept session that
        // was refused has been replaced.
        let region_off = listing.as_ref().is_err_and(|fault| fault.code == Code::InvalidClientToken);
        let listing = match region_off {
            true => {
                sessions.ingest = None;
                listing
            }
            false => in_session(listing, &mut sessions.ingest),
        };
        let manifest = self.manifest.map(|outcome| in_session(outcome, &mut sessions.ingest));
        let elsewhere = self.elsewhere.map(|outcome| in_session(outcome, &mut sessions.control));
        let ownership = self.ownership.map(|outcome| in_session(outcome, &mut sessions.control));
        let read = manifest.as_ref().is_some_and(is_answer);
        record_beside(&mut facts.listing_any_owner, self.any_owner, is_answer(&listing), now);
        record_beside(&mut facts.elsewhere, elsewhere, read, now);
        record_beside(&mut facts.ownership, ownership, read, now);
        facts.listing.record(now, listing);
        if let Some(outcome) = manifest {
            facts.manifest.record(now, outcome);
        }
    }
}

fn is_answer<T>(outcome: &Result<T, AwsFault>) -> bool {
    outcome.as_ref().err().is_none_or(|fault| fault.class.is_conclusive())
}

/// Takes in what is asked only where the main question's answer calls for it: it no longer matters where that was `answered`
/// otherwise, and stays as it was where that had no answer.
fn record_beside<T>(
    fact: &mut Fact<T>,
    outcome: Option<Result<T, AwsFault>>,
    answered: bool,
    now: Timestamp,
) {
    match outcome {
        Some(outcome) => fact.record(now, outcome),
        None if answered => fact.forget(),
        None => {}
    }
}

async fn ingest_session(aws: &Aws, target: &Target, report: &ReportLocation) -> Result<Session, AwsFault> {
    let Ok(policy) = checks::bucket::session_policy(target, report) else {
        // The check says so from the same function; nothing is asked of AWS.
        return Err(AwsFault::new(Operation::AssumeRole, Code::PackedPolicyTooLarge));
    };
    let opened = open(aws, target, Purpose { name: "awscost-ingest", policy: Some(&policy) }).await?;
    Ok(opened.session)
}

pub(super) async fn list(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
    prefix: &str,
    owner: BucketOwner<'_>,
) -> Result<Listing, AwsFault> {
    let request = ListObjects {
        bucket: &report.bucket,
        region: &report.region,
        owner,
        prefix,
        delimiter: Delimiter::Slash,
        limit: LISTED,
    };
    aws.buckets.list(session, request).await
}

/// How many periods are looked into for a manifest: the newest one's may be still to come.
const PERIODS: usize = 3;

/// Reads the first bytes of the newest manifest there is in the newest periods.
async fn manifest(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
    root: &Listing,
) -> Result<ManifestRead, AwsFault> {
    let mut folders = Vec::new();
    let metadata = format!("{}metadata/", report.key_root());
    if root.folders.contains(&metadata) {
        let mut below = folders_below(aws, session, report, &metadata).await?;
        below.retain(|folder| is_export_period(folder));
        folders.extend(newest(below));
    }
    folders.extend(newest(root.folders.iter().filter(|folder| is_legacy_period(folder)).cloned().collect()));
    if folders.is_empty() {
        folders.extend(newest_months(aws, session, report, root).await?);
    }
    for folder in folders {
        let key = format!("{folder}{}-Manifest.json", report.name);
        let request = ReadObject {
            bucket: &report.bucket,
            region: &report.region,
            owner: &report.owner,
            key: &key,
            range: Some(0..1),
        };
        match aws.buckets.read(session, request).await {
            Ok(_) => return Ok(ManifestRead::Readable { key }),
            // Empty, but it could be read.
            Err(fault) if fault.code == Code::InvalidRange => return Ok(ManifestRead::Readable { key }),
            Err(fault) if fault.code == Code::NoSuchKey => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(ManifestRead::NoneYet)
}

fn newest(mut folders: Vec<String>) -> Vec<String> {
    folders.sort_unstable_by(|a, b| b.cmp(a));
    folders.truncate(PERIODS);
    folders
}

/// The newest `NAME/year=2026/month=11/`, where a legacy Parquet report may have its manifest (docs/aws-facts.md 2.4).
async fn newest_months(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
    root: &Listing,
) -> Result<Vec<String>, AwsFault> {
    let base = format!("{}{}/", report.key_root(), report.name);
    if !root.folders.contains(&base) {
        return Ok(Vec::new());
    }
    let mut years = folders_below(aws, session, report, &base).await?;
    years.sort_by_key(|folder| Reverse(partition(folder, "year")));
    let mut newest = Vec::new();
    for year in years {
        let mut months = folders_below(aws, session, report, &year).await?;
        months.sort_by_key(|folder| Reverse(partition(folder, "month")));
        newest.extend(months);
        if newest.len() >= PERIODS {
            break;
        }
    }
    newest.truncate(PERIODS);
    Ok(newest)
}

async fn folders_below(
    aws: &Aws,
    session: &Session,
    report: &ReportLocation,
    prefix: &str,
) -> Result<Vec<String>, AwsFault> {
    let listing = list(aws, session, report, prefix, BucketOwner::Expected(&report.owner)).await?;
    Ok(listing.folders)
}

/// The number of a partition's folder: months are not padded, so their text does not sort.
fn partition(folder: &str, name: &str) -> Option<u16> {
    last_part(folder).split_once('=').filter(|(key, _)| *key == name)?.1.parse().ok()
}

/// `…/BILLING_PERIOD=2026-11/`, in either case (docs/aws-facts.md 3.7).
pub(super) fn is_export_period(folder: &str) -> bool {
    last_part(folder).split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("billing_period"))
}

/// `…/20261101-20261201/`.
pub(super) fn is_legacy_period(folder: &str) -> bool {
    let date = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    last_part(folder).split_once('-').is_some_and(|(start, end)| date(start) && date(end))
}

fn last_part(folder: &str) -> &str {
    let folder = folder.trim_end_matches('/');
    folder.rsplit('/').next().unwrap_or(folder)
}
