//! One replica at work: a Lease taken and renewed by resourceVersion.
//!
//! Expiry is judged by when this process saw the record change, never by the times in it, so clocks may differ.
//! The lease is for efficiency only: two leaders at once are harmless by Job names and the warehouse's commits.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::api::{Api, PostParams};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::settings::LeaderElection;
use crate::api::OPERATOR_PRINCIPAL;

/// What a candidate does next.
#[derive(Debug, Clone, PartialEq)]
enum LeaseStep {
    /// Write a new Lease.
    Create(Lease),
    /// Write this over the record it was made from.
    Replace(Lease),
    /// This one holds it.
    Wait(String),
}

/// Whose the lease is, as last seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Leadership {
    /// Not known yet.
    #[default]
    Undecided,
    /// Another's: this replica stands by.
    Of(String),
    /// This replica's.
    Ours,
}

/// A candidate's view of the lease: what it saw, and when on its own clock.
#[derive(Debug)]
struct LeaseCandidate {
    identity: String,
    lease_duration: Duration,
    name: String,
    /// Who this process is in AWS, once it knows: the lease tells it to people.
    principal: Option<String>,
    /// The record last seen to differ, and when.
    seen: Option<(Option<String>, Instant)>,
}

impl LeaseCandidate {
    /// Decides on a record as just read. `clock` measures, `now` is only written for people.
    fn decide_step(&mut self, record: Option<&Lease>, clock: Instant, now: Timestamp) -> LeaseStep {
        let Some(record) = record else { return LeaseStep::Create(self.next_record(None, now)) };
        let version = record.metadata.resource_version.clone();
        // How old a record is, this process measures from when it first saw it: other nodes' clocks are not to be trusted.
        let seen_at = match &self.seen {
            Some((seen, at)) if *seen == version => *at,
            _ => clock,
        };
        self.seen = Some((version, seen_at));
        let holder =
            record.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        let expired = clock.duration_since(seen_at) >= self.lease_duration;
        if holder.is_empty() || holder == self.identity || expired {
            LeaseStep::Replace(self.next_record(Some(record), now))
        } else {
            LeaseStep::Wait(holder.to_owned())
        }
    }

    /// The record that says we hold it.
    fn next_record(&self, old: Option<&Lease>, now: Timestamp) -> Lease {
        let before = old.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let ours = before.holder_identity.as_deref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or(0) + i32::from(old.is_some() && !ours);
        let mut metadata = old.map_or_else(
            || ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            |lease| lease.metadata.clone(),
        );
        let annotations = metadata.annotations.get_or_insert_default();
        match &self.principal {
            Some(principal) => drop(annotations.insert(OPERATOR_PRINCIPAL.to_owned(), principal.clone())),
            // What another holder said of itself says nothing of us.
            None if !ours => drop(annotations.remove(OPERATOR_PRINCIPAL)),
            None => {}
        }
        Lease {
            metadata,
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.lease_duration.as_secs()).ok(),
                acquire_time: if ours { before.acquire_time.clone() } else { Some(MicroTime(now)) },
                renew_time: Some(MicroTime(now)),
                lease_transitions: Some(transitions),
                ..LeaseSpec::default()
            }),
        }
    }
}

/// Why the lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaseEnd {
    /// It could not be renewed in time: another may lead by now, so this process must stop at once.
    #[error(
        "failed to renew the lease before its renew deadline; stopping, because another replica may lead now"
    )]
    Lost,
    /// The process was asked to stop.
    #[error("stopped")]
    Stopped,
}

/// What the election and the rest of the process tell each other.
pub struct LeaseSignals {
    /// Told who leads, whenever that changes.
    pub leading: watch::Sender<Leadership>,
    /// Who we are in AWS, once that is known.
    pub principal: watch::Receiver<Option<String>>,
}

/// Stands for election and renews until `stop`; tells who leads.
///
/// # Errors
/// Never returns `Ok`; [`LeaseEnd::Lost`] asks the caller to exit.
pub async fn hold_lease(
    api: Api<Lease>,
    identity: String,
    settings: &LeaderElection,
    signals: LeaseSignals,
    stop: CancellationToken,
) -> LeaseEnd {
    let mut candidate = LeaseCandidate {
        identity,
        lease_duration: settings.lease_duration,
        name: settings.lease_name.clone(),
        principal: None,
        seen: None,
    };
    let mut renewed: Option<Instant> = None;
    loop {
        let started = Instant::now();
        candidate.principal.clone_from(&signals.principal.borrow());
        let turn = tokio::time::timeout(settings.renew_deadline, take_turn(&api, &mut candidate));
        match turn.await {
            Ok(Ok(LeaseTurn::Held)) => {
                // Counted from before the write: the record may have been stored at once.
                renewed = Some(started);
                announce_leadership(&signals.leading, Leadership::Ours);
            }
            // It was ours and is another's: whatever is under way here may meet what that one does.
            Ok(Ok(LeaseTurn::Others(_))) if renewed.is_some() => return LeaseEnd::Lost,
            Ok(Ok(LeaseTurn::Others(holder))) => {
                announce_leadership(&signals.leading, Leadership::Of(holder));
            }
            // Somebody wrote it between our read and our write: the next turn reads who.
            Ok(Ok(LeaseTurn::Raced)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "failed to read or write the lease"),
            Err(_) => tracing::warn!("the lease could not be read or written in time"),
        }
        if renewed.is_some_and(|at| at.elapsed() >= settings.renew_deadline) {
            return LeaseEnd::Lost;
        }
        tokio::select! {
            () = tokio::time::sleep(settings.retry_period) => {}
            () = stop.cancelled() => {
                // Given up at once, so that the next replica of an upgrade does not wait for it to expire.
                if renewed.is_some() {
                    release_lease(&api, &candidate).await;
                }
                return LeaseEnd::Stopped;
            }
        }
    }
}

fn announce_leadership(leading: &watch::Sender<Leadership>, leadership: Leadership) {
    leading.send_if_modified(|known| {
        let news = *known != leadership;
        *known = leadership;
        news
    });
}

/// How one turn ended.
enum LeaseTurn {
    /// We hold it.
    Held,
    /// This one holds it.
    Others(String),
    /// Somebody wrote between our look and our write: the next turn tells who.
    Raced,
}

/// One look at the record and, if it is ours to write, one write.
async fn take_turn(api: &Api<Lease>, candidate: &mut LeaseCandidate) -> Result<LeaseTurn, kube::Error> {
    let record = api.get_opt(&candidate.name).await?;
    let written = match candidate.decide_step(record.as_ref(), Instant::now(), Timestamp::now()) {
        LeaseStep::Wait(holder) => return Ok(LeaseTurn::Others(holder)),
        LeaseStep::Create(lease) => api.create(&PostParams::default(), &lease).await,
        LeaseStep::Replace(lease) => api.replace(&candidate.name, &PostParams::default(), &lease).await,
    };
    match written {
        Ok(lease) => {
            candidate.seen = Some((lease.metadata.resource_version, Instant::now()));
            Ok(LeaseTurn::Held)
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(LeaseTurn::Raced),
        Err(error) => Err(error),
    }
}

/// Gives the lease up so that the next replica need not wait for its end.
async fn release_lease(api: &Api<Lease>, candidate: &LeaseCandidate) {
    let Ok(Some(mut record)) = api.get_opt(&candidate.name).await else { return };
    let Some(spec) = record.spec.as_mut() else { return };
    if spec.holder_identity.as_deref() == Some(&candidate.identity) {
        spec.holder_identity = Some(String::new());
        if let Err(error) = api.replace(&candidate.name, &PostParams::default(), &record).await {
            tracing::info!(%error, "the lease was not given up; it ends by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(identity: &str) -> LeaseCandidate {
        LeaseCandidate {
            identity: identity.to_owned(),
            lease_duration: Duration::from_secs(15),
            name: "awscost-operator".to_owned(),
            principal: None,
            seen: None,
        }
    }

    fn said(step: &LeaseStep) -> Option<&str> {
        let (LeaseStep::Create(lease) | LeaseStep::Replace(lease)) = step else { return None };
        lease.metadata.annotations.as_ref()?.get(OPERATOR_PRINCIPAL).map(String::as_str)
    }

    fn record(holder: &str, version: &str) -> Lease {
        Lease {
            metadata: ObjectMeta { resource_version: Some(version.to_owned()), ..ObjectMeta::default() },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.to_owned()),
                lease_transitions: Some(3),
                // Long past by anybody's clock: must not matter.
                renew_time: Some(MicroTime(Timestamp::UNIX_EPOCH)),
                ..LeaseSpec::default()
            }),
        }
    }

    fn holder(step: &LeaseStep) -> Option<(&str, i32)> {
        let (LeaseStep::Create(lease) | LeaseStep::Replace(lease)) = step else { return None };
        let spec = lease.spec.as_ref()?;
        Some((spec.holder_identity.as_deref()?, spec.lease_transitions?))
    }

    #[test]
    fn a_missing_or_released_lease_is_taken_at_once() {
        let clock = Instant::now();
        let mut one = candidate("one");
        assert_eq!(holder(&one.decide_step(None, clock, Timestamp::UNIX_EPOCH)), Some(("one", 0)));
        let step = one.decide_step(Some(&record("", "7")), clock, Timestamp::UNIX_EPOCH);
        assert_eq!(holder(&step), Some(("one", 4)));
    }

    #[test]
    fn anothers_lease_expires_by_our_own_clock_only() {
        let clock = Instant::now();
        let after = |seconds| clock + Duration::from_secs(seconds);
        let mut one = candidate("one");
        let mut decide =
            |version, at| one.decide_step(Some(&record("two", version)), at, Timestamp::UNIX_EPOCH);
        let wait = || LeaseStep::Wait("two".to_owned());
        assert_eq!(decide("1", clock), wait(), "old times in the record say nothing");
        assert_eq!(decide("1", after(14)), wait());
        assert_eq!(decide("2", after(14)), wait(), "it was renewed");
        assert_eq!(decide("2", after(28)), wait());
        assert_eq!(holder(&decide("2", after(29))), Some(("one", 4)));
    }

    #[test]
    fn the_lease_says_who_its_holder_is_in_aws_and_never_who_another_was() {
        let (clock, now) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let mut one = candidate("one");
        assert_eq!(said(&one.decide_step(None, clock, now)), None, "it does not know yet");
        one.principal = Some("arn:aws:iam::999988887777:role/one".to_owned());
        let told = one.decide_step(None, clock, now);
        assert_eq!(said(&told), Some("arn:aws:iam::999988887777:role/one"));
        let LeaseStep::Create(mut lease) = told else { panic!("there was none") };
        one.principal = None;
        assert!(said(&one.decide_step(Some(&lease), clock, now)).is_some(), "what we said ourselves stays");
        lease.spec.get_or_insert_default().holder_identity = Some(String::new());
        assert_eq!(said(&candidate("two").decide_step(Some(&lease), clock, now)), None);
    }

    #[test]
    fn our_own_lease_is_renewed_without_a_transition_and_with_its_version() {
        let mut one = candidate("one");
        let LeaseStep::Replace(lease) =
            one.decide_step(Some(&record("one", "9")), Instant::now(), Timestamp::UNIX_EPOCH)
        else {
            panic!("it is ours")
        };
        assert_eq!(lease.metadata.resource_version.as_deref(), Some("9"));
        assert_eq!(lease.spec.and_then(|spec| spec.lease_transitions), Some(3));
    }
}
