//! The finalizer of accounts with `deletionPolicy: Purge`: what a deletion waits for, and when the object is let go.
//! AWS has no part in it. Pure, but for the patch that writes finalizers.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::{
    api::{AwsCostAccount, status::PurgeStatus},
    controller::{
        context::Context,
        error::{ReconcileFault, is_gone},
        jobs::observed::{BadEnd, JobState},
    },
};

/// Holds an object until its rows are gone from the warehouse.
pub const FINALIZER: &str = "awscost.io/purge";
/// How long a warehouse that is gone may come back before the object goes without a purge.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// The waits after the first failures, as for loads.
const WAITS: [SignedDuration; 3] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(10), SignedDuration::from_mins(60)];
/// The wait after more.
const LONG_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// True if the object is held for a purge.
pub fn is_on(meta: &ObjectMeta) -> bool {
    meta.finalizers.as_ref().is_some_and(|list| list.iter().any(|name| name == FINALIZER))
}

/// Puts the finalizer on or takes it off; `version` is the one the object was seen in. Of an object that is gone
/// nothing is wanted.
///
/// # Errors
/// [`ReconcileFault::Stale`] if the object is no longer of `version`.
pub async fn set(
    context: &Context,
    meta: &ObjectMeta,
    version: &str,
    held: Held,
) -> Result<(), ReconcileFault> {
    let namespace = meta.namespace.clone().unwrap_or_default();
    let mut list = meta.finalizers.clone().unwrap_or_default();
    list.retain(|name| name != FINALIZER);
    if held == Held::ForPurge {
        list.push(FINALIZER.to_owned());
    }
    // Only metadata is read back: an object whose spec no longer parses is let go as well.
    let api: Api<AwsCostAccount> = Api::namespaced(context.client.clone(), &namespace);
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": list}});
    let name = meta.name.clone().unwrap_or_default();
    match api.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(ReconcileFault::api("patch the finalizers")(error)),
    }
}

/// Whether an object is to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Until its rows are gone.
    ForPurge,
    /// Not by us.
    No,
}

/// What a deletion is decided from.
pub struct View<'a> {
    /// How far the purge was.
    pub old: Option<&'a PurgeStatus>,
    /// Jobs that load, and pods of such Jobs that have not ended.
    pub loads: usize,
    /// The purge Jobs by attempt.
    pub purges: &'a [(i32, JobState<()>)],
    /// Whether the warehouse is there.
    pub warehouse: WarehouseThere,
    /// Whether anything can have been loaded.
    pub loaded: bool,
    /// True if somebody asked for a look since the last failure.
    pub asked: bool,
    /// For tests: the wait after a failure.
    pub retry_delay: Option<SignedDuration>,
    /// Now.
    pub now: Timestamp,
}

/// Whether a deleted object's warehouse is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarehouseThere {
    /// It is.
    Yes,
    /// It is, and its spec can't be read or used.
    Unusable,
    /// It is not.
    No,
}

/// The next step of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Loads are stopped first: one that commits later would bring rows back.
    StopLoads,
    /// The purge of this attempt is started.
    Start(i32),
    /// A purge is at work.
    Wait,
    /// A purge failed; the next one comes then.
    Failed(BadEnd, Timestamp),
    /// The warehouse is gone; at that time the object goes without a purge.
    Missing(Timestamp),
    /// The warehouse is there and can't be used: that is waited out, for its rows are there too.
    Unusable,
    /// The object is let go.
    Release(Release),
}

/// Why an object is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Its rows are gone.
    Purged,
    /// Its warehouse is gone, for a day or with nothing ever loaded; or can't be used, with nothing ever loaded.
    WarehouseGone,
}

/// Decides on a deletion: the next step, and how far it is now.
pub fn next(view: &View<'_>) -> (Step, PurgeStatus) {
    let mut status = view.old.cloned().unwrap_or_default();
    if view.loads > 0 {
        return (Step::StopLoads, status);
    }
    if view.purges.iter().any(|(_, state)| matches!(state, JobState::Done { .. })) {
        return (Step::Release(Release::Purged), status);
    }
    if view.purges.iter().any(|(_, state)| state.ended_at().is_none()) {
        return (Step::Wait, status);
    }
    if view.warehouse == WarehouseThere::No {
        let since = *status.warehouse_gone_since.get_or_insert(view.now);
        let due = if view.loaded { since + PATIENCE } else { since };
        let step = if due <= view.now { Step::Release(Release::WarehouseGone) } else { Step::Missing(due) };
        return (step, status);
    }
    status.warehouse_gone_since = None;
    if view.warehouse == WarehouseThere::Unusable {
        let step = if view.loaded { Step::Unusable } else { Step::Release(Release::WarehouseGone) };
        return (step, status);
    }
    let newest = view.purges.iter().max_by_key(|(attempt, _)| *attempt);
    if let Some((attempt, JobState::Failed { at, end })) = newest
        && *attempt > status.failures
    {
        status = PurgeStatus { failures: *attempt, failed_at: Some(*at), ..status };
        let due = *at + view.retry_delay.unwrap_or_else(|| wait_after(*attempt));
        return (Step::Failed(end.clone(), due), status);
    }
    let due = status
        .failed_at
        .filter(|_| !view.asked)
        .map(|at| at + view.retry_delay.unwrap_or_else(|| wait_after(status.failures)));
    match (due, newest) {
        (Some(due), Some((_, JobState::Failed { end, .. }))) if due > view.now => {
            (Step::Failed(end.clone(), due), status)
        }
        (Some(due), _) if due > view.now => (Step::Wait, status),
        _ => (Step::Start(status.failures + 1), status),
    }
}

fn wait_after(failures: i32) -> SignedDuration {
    let strike = usize::try_from(failures.max(1)).unwrap_or(usize::MAX);
    WAITS.get(strike - 1).copied().unwrap_or(LONG_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::status::FailureClass,
        controller::{jobs::observed::Hindrance, loads::periods::tests::at},
        model::Reason,
    };

    const NOW: i64 = 100;

    fn view<'a>(old: Option<&'a PurgeStatus>, purges: &'a [(i32, JobState<()>)]) -> View<'a> {
        View {
            old,
            loads: 0,
            purges,
            warehouse: WarehouseThere::Yes,
            loaded: true,
            asked: false,
            retry_delay: None,
            now: at(NOW),
        }
    }

    fn end() -> BadEnd {
        BadEnd {
            class: FailureClass::Transient,
            reason: Reason::WarehouseUnreachable,
            message: "words".to_owned(),
            superseded: false,
        }
    }

    fn failed(minute: i64) -> JobState<()> {
        JobState::Failed { at: at(minute), end: end() }
    }

    #[test]
    fn loads_are_stopped_before_rows_are_removed_and_the_object_goes_after_them() {
        let running = View { loads: 1, ..view(None, &[]) };
        assert_eq!(next(&running).0, Step::StopLoads);
        assert_eq!(next(&view(None, &[])).0, Step::Start(1));
        let active = [(1, JobState::Active(Hindrance::None))];
        assert_eq!(next(&view(None, &active)).0, Step::Wait);
        assert_eq!(next(&view(None, &[(1, JobState::Unread)])).0, Step::Wait, "how it ended is not known");
        let done = [(1, JobState::Done { at: at(NOW), report: None })];
        assert_eq!(next(&view(None, &done)).0, Step::Release(Release::Purged));
    }

    #[test]
    fn a_failed_purge_is_told_once_and_tried_again_after_one_ten_and_sixty_minutes() {
        let mut old = PurgeStatus::default();
        for (attempt, wait) in [(1, 1), (2, 10), (3, 60), (4, 360)] {
            let jobs = [(attempt, failed(NOW))];
            let (step, status) = next(&view(Some(&old), &jobs));
            assert_eq!(step, Step::Failed(end(), at(NOW + wait)), "attempt {attempt}");
            assert_eq!((status.failures, status.failed_at), (attempt, Some(at(NOW))));
            let later = |minutes, jobs| View { now: at(NOW + minutes), ..view(Some(&status), jobs) };
            assert_eq!(next(&later(wait - 1, &jobs)).0, step, "the same again until then");
            assert_eq!(next(&later(wait - 1, &[])).0, Step::Wait, "also once the Job is gone");
            assert_eq!(next(&later(wait, &jobs)).0, Step::Start(attempt + 1));
            let asked = View { asked: true, ..view(Some(&status), &jobs) };
            assert_eq!(next(&asked).0, Step::Start(attempt + 1), "at once when asked");
            old = status;
        }
    }

    #[test]
    fn a_warehouse_that_is_gone_holds_the_object_for_a_day_and_not_at_all_if_nothing_was_loaded() {
        let gone = |old, minute| View { warehouse: WarehouseThere::No, now: at(minute), ..view(old, &[]) };
        let (step, status) = next(&gone(None, NOW));
        assert_eq!(step, Step::Missing(at(NOW + 24 * 60)));
        assert_eq!(next(&gone(Some(&status), NOW + 24 * 60 - 1)).0, step);
        assert_eq!(next(&gone(Some(&status), NOW + 24 * 60)).0, Step::Release(Release::WarehouseGone));
        let (step, back) = next(&view(Some(&status), &[]));
        assert_eq!((step, back.warehouse_gone_since), (Step::Start(1), None), "it came back");
        let nothing = View { loaded: false, ..gone(None, NOW) };
        assert_eq!(next(&nothing).0, Step::Release(Release::WarehouseGone));
    }

    #[test]
    fn a_warehouse_that_is_there_and_cannot_be_used_holds_the_object_until_it_can() {
        let gone = PurgeStatus { warehouse_gone_since: Some(at(0)), ..PurgeStatus::default() };
        let unusable = |loaded| View {
            warehouse: WarehouseThere::Unusable,
            loaded,
            now: at(48 * 60),
            ..view(Some(&gone), &[])
        };
        let (step, status) = next(&unusable(true));
        assert_eq!((step, status.warehouse_gone_since), (Step::Unusable, None));
        assert_eq!(
            next(&unusable(false)).0,
            Step::Release(Release::WarehouseGone),
            "there is nothing to remove"
        );
    }
}
