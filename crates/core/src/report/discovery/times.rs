//! What the times of a version prove: which of two is newer, whether a delivery is under way, and whether a copy is
//! torn. Pure.

use jiff::{SignedDuration, Timestamp};

use super::super::Manifest;
use crate::model::clock::is_future;

/// AWS delivers up to three times a day (docs/aws-facts.md 2.3): a delivery that shows nothing new for this long is none, and
/// files that lie further apart are of two deliveries.
pub(super) const BETWEEN_DELIVERIES: SignedDuration = SignedDuration::from_hours(8);
/// Longer than a copy of a month takes, and shorter than the time between two deliveries.
const ONE_COPY: SignedDuration = SignedDuration::from_hours(1);

/// The time in the assembly id (`20261021T043010Z`) or at the start of a run's folder
/// (`2026-10-21T04:30:10.826Z-…`), where there is one.
pub(super) fn named(manifest: &Manifest) -> Option<Timestamp> {
    manifest.assembly.iter().chain(&manifest.runs).filter_map(|text| in_name(text)).max()
}

/// The time that an assembly id or the name of a run's folder begins with.
pub(super) fn in_name(text: &str) -> Option<Timestamp> {
    let basic = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|time| time.timestamp());
    basic.ok().or_else(|| text.split_inclusive('Z').next().and_then(|time| time.parse().ok()))
}

/// The time that orders a version: the one in its names, else the manifest's Last-Modified.
///
/// Nothing is put before it is made, so a name that tells a later time than Last-Modified is wrong, and so is one that
/// tells tomorrow where the store tells no time.
pub(super) fn order(named: Option<Timestamp>, put: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match (named, put) {
        (Some(named), Some(put)) => Some(named.min(put)),
        (Some(named), None) => Some(named).filter(|named| !is_future(*named, now)),
        (None, put) => put,
    }
}

/// A file that is replaced in place, and its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatedFile<'a> {
    pub(super) key: &'a str,
    pub(super) at: Timestamp,
}

/// The newest file that was put after the manifest, if there is one.
pub(super) fn newer<'a>(files: &[DatedFile<'a>], manifest: Timestamp) -> Option<DatedFile<'a>> {
    files.iter().copied().filter(|file| file.at > manifest).max_by_key(|file| file.at)
}

/// Why the files of a folder can't all be of one delivery, where their times were kept; `None` where nothing shows it.
///
/// A plain copy stamps its files one after another in any order, so a time means something only if it is far off, or if
/// all are whole seconds, as S3's are.
pub(super) fn torn(files: &[DatedFile<'_>], manifest: Timestamp, named: Option<Timestamp>) -> Option<String> {
    let kept = |time: Timestamp| time.subsec_nanosecond() == 0;
    let all_kept = kept(manifest) && files.iter().all(|file| kept(file.at));
    let after = if all_kept { SignedDuration::ZERO } else { ONE_COPY };
    if let Some(file) = newer(files, manifest).filter(|file| file.at.duration_since(manifest) > after) {
        return Some(sentence(file, &format!("after the manifest's {manifest}")));
    }
    let oldest = files.iter().copied().min_by_key(|file| file.at)?;
    let before_made = named.filter(|named| named.duration_since(oldest.at) > ONE_COPY);
    if let Some(named) = before_made {
        return Some(sentence(oldest, &format!("before this version was made ({named})")));
    }
    let before_put = manifest.duration_since(oldest.at) > BETWEEN_DELIVERIES;
    before_put.then(|| sentence(oldest, &format!("long before the manifest's {manifest}")))
}

fn sentence(file: DatedFile<'_>, how: &str) -> String {
    format!(
        "{} has the time {}, {how}, so the month may be half of one delivery and half of another: copy its folder again, \
         whole, and load it again",
        file.key, file.at
    )
}

#[cfg(test)]
#[path = "times/tests.rs"]
mod tests;
