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
        error::{ReconcileFault, is_gone, wait_after_failures},
        jobs::observed::{BadEnd, JobState},
    },
};

/// Holds an object until its rows are gone from the warehouse.
pub const FINALIZER: &str = "awscost.io/purge";
/// How long a warehouse that is gone may come back before the object goes without a purge.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// True if the object is held for a purge.
pub fn has_finalizer(meta: &ObjectMeta) -> bool {
    meta.finalizers.as_ref().is_some_and(|list| list.iter().any(|name| name == FINALIZER))
}

/// Puts the finalizer on or takes it off; `version` is the one the object was seen in. Of an object that is gone
/// nothing is wanted.
///
/// # Errors
/// [`ReconcileFault::Stale`] if the object is no longer of `version`.
pub async fn set_finalizer(
    context: &Context,
    meta: &ObjectMeta,
    version: &str,
    held: FinalizerState,
) -> Result<(), ReconcileFault> {
    let namespace = meta.namespace.clone().unwrap_or_default();
    // The whole list, on the version it was read in: others have finalizers of their own in it.
    let mut list = meta.finalizers.clone().unwrap_or_default();
    list.retain(|name| name != FINALIZER);
    if held == FinalizerState::ForPurge {
        list.push(FINALIZER.to_owned());
    }
    // Only metadata is read back: an object whose spec no longer parses is let go as well.
    let api: Api<AwsCostAccount> = Api::namespaced(context.client.clone(), &namespace);
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": list}});
    let name = meta.name.clone().unwrap_or_default();
    match api.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(ReconcileFault::while_doing("patch the finalizers")(error)),
    }
}

/// Whether an object is to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalizerState {
    /// Until its rows are gone.
    ForPurge,
    /// By others only, if at all.
    No,
}

/// What a deletion is decided from.
pub struct DeletionState<'a> {
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
    /// The moment of this reconcile.
    pub now: Timestamp,
}

/// Whether a deleted object's warehouse is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarehouseThere {
    /// It is there and its spec can be used.
    Yes,
    /// It is, and its spec can't be read or used.
    Unusable,
    /// There is none of that name.
    No,
}

/// The next step of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalStep {
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
    Release(ReleaseCause),
}

/// Why an object is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseCause {
    /// Its rows are gone.
    Purged,
    /// Its warehouse is gone, for a day or with nothing ever loaded; or can't be used, with nothing ever loaded.
    WarehouseGone,
}

/// Decides on a deletion: the next step, and how far it is now.
pub fn next_step(deletion: &DeletionState<'_>) -> (RemovalStep, PurgeStatus) {
    let mut status = deletion.old.cloned().unwrap_or_default();
    if deletion.loads > 0 {
        return (RemovalStep::StopLoads, status);
    }
    if deletion.purges.iter().any(|(_, state)| matches!(state, JobState::Done { .. })) {
        return (RemovalStep::Release(ReleaseCause::Purged), status);
    }
    if deletion.purges.iter().any(|(_, state)| state.ended_at().is_none()) {
        return (RemovalStep::Wait, status);
    }
    if deletion.warehouse == WarehouseThere::No {
        let since = *status.warehouse_gone_since.get_or_insert(deletion.now);
        let due = if deletion.loaded { since + PATIENCE } else { since };
        let step = if due <= deletion.now {
            RemovalStep::Release(ReleaseCause::WarehouseGone)
        } else {
            RemovalStep::Missing(due)
        };
        return (step, status);
    }
    status.warehouse_gone_since = None;
    if deletion.warehouse == WarehouseThere::Unusable {
        let step = if deletion.loaded {
            RemovalStep::Unusable
        } else {
            RemovalStep::Release(ReleaseCause::WarehouseGone)
        };
        return (step, status);
    }
    let newest = deletion.purges.iter().max_by_key(|(attempt, _)| *attempt);
    if let Some((attempt, JobState::Failed { at, end })) = newest
        && *attempt > status.failures
    {
        status = PurgeStatus { failures: *attempt, failed_at: Some(*at), ..status };
        let due = *at + deletion.retry_delay.unwrap_or_else(|| wait_after_failures(*attempt));
        return (RemovalStep::Failed(end.clone(), due), status);
    }
    let due = status
        .failed_at
        .filter(|_| !deletion.asked)
        .map(|at| at + deletion.retry_delay.unwrap_or_else(|| wait_after_failures(status.failures)));
    match (due, newest) {
        (Some(due), Some((_, JobState::Failed { end, .. }))) if due > deletion.now => {
            (RemovalStep::Failed(end.clone(), due), status)
        }
        (Some(due), _) if due > deletion.now => (RemovalStep::Wait, status),
        _ => (RemovalStep::Start(status.failures + 1), status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::status::FailureClass,
        controller::{jobs::observed::PodBlocker, loads::periods::tests::at},
        model::Reason,
    };

    const NOW: i64 = 100;

    fn view<'a>(old: Option<&'a PurgeStatus>, purges: &'a [(i32, JobState<()>)]) -> DeletionState<'a> {
        DeletionState {
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
        let running = DeletionState { loads: 1, ..view(None, &[]) };
        assert_eq!(next_step(&running).0, RemovalStep::StopLoads);
        assert_eq!(next_step(&view(None, &[])).0, RemovalStep::Start(1));
        let active = [(1, JobState::Active(PodBlocker::None))];
        assert_eq!(next_step(&view(None, &active)).0, RemovalStep::Wait);
        assert_eq!(
            next_step(&view(None, &[(1, JobState::Unread)])).0,
            RemovalStep::Wait,
            "how it ended is not known"
        );
        let done = [(1, JobState::Done { at: at(NOW), report: None })];
        assert_eq!(next_step(&view(None, &done)).0, RemovalStep::Release(ReleaseCause::Purged));
    }

    #[test]
    fn a_failed_purge_is_told_once_and_tried_again_after_one_ten_and_sixty_minutes() {
        let mut old = PurgeStatus::default();
        for (attempt, wait) in [(1, 1), (2, 10), (3, 60), (4, 360)] {
            let jobs = [(attempt, failed(NOW))];
            let (step, status) = next_step(&view(Some(&old), &jobs));
            assert_eq!(step, RemovalStep::Failed(end(), at(NOW + wait)), "attempt {attempt}");
            assert_eq!((status.failures, status.failed_at), (attempt, Some(at(NOW))));
            let later = |minutes, jobs| DeletionState { now: at(NOW + minutes), ..view(Some(&status), jobs) };
            assert_eq!(next_step(&later(wait - 1, &jobs)).0, step, "the same again until then");
            assert_eq!(next_step(&later(wait - 1, &[])).0, RemovalStep::Wait, "also once the Job is gone");
            assert_eq!(next_step(&later(wait, &jobs)).0, RemovalStep::Start(attempt + 1));
            let asked = DeletionState { asked: true, ..view(Some(&status), &jobs) };
            assert_eq!(next_step(&asked).0, RemovalStep::Start(attempt + 1), "at once when asked");
            old = status;
        }
    }

    #[test]
    fn a_warehouse_that_is_gone_holds_the_object_for_a_day_and_not_at_all_if_nothing_was_loaded() {
        let gone =
            |old, minute| DeletionState { warehouse: WarehouseThere::No, now: at(minute), ..view(old, &[]) };
        let (step, status) = next_step(&gone(None, NOW));
        assert_eq!(step, RemovalStep::Missing(at(NOW + 24 * 60)));
        assert_eq!(next_step(&gone(Some(&status), NOW + 24 * 60 - 1)).0, step);
        assert_eq!(
            next_step(&gone(Some(&status), NOW + 24 * 60)).0,
            RemovalStep::Release(ReleaseCause::WarehouseGone)
        );
        let (step, back) = next_step(&view(Some(&status), &[]));
        assert_eq!((step, back.warehouse_gone_since), (RemovalStep::Start(1), None), "it came back");
        let nothing = DeletionState { loaded: false, ..gone(None, NOW) };
        assert_eq!(next_step(&nothing).0, RemovalStep::Release(ReleaseCause::WarehouseGone));
    }

    #[test]
    fn a_warehouse_that_is_there_and_cannot_be_used_holds_the_object_until_it_can() {
        let gone = PurgeStatus { warehouse_gone_since: Some(at(0)), ..PurgeStatus::default() };
        let unusable = |loaded| DeletionState {
            warehouse: WarehouseThere::Unusable,
            loaded,
            now: at(48 * 60),
            ..view(Some(&gone), &[])
        };
        let (step, status) = next_step(&unusable(true));
        assert_eq!((step, status.warehouse_gone_since), (RemovalStep::Unusable, None));
        assert_eq!(
            next_step(&unusable(false)).0,
            RemovalStep::Release(ReleaseCause::WarehouseGone),
            "there is nothing to remove"
        );
    }
}
