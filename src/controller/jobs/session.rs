//! Session Secrets: written before their Job, renewed while it runs, deleted when it ended.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    ResourceExt,
    api::{Api, DeleteParams, Patch, PatchParams, PostParams},
    core::PartialObjectMeta,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    api::USE_LABEL,
    aws::Session,
    connection::{Purpose, Target, fault_reasons::of_session, open, session_policy},
    controller::{
        context::{Context, ObjectOwner, Stores, children::is_of, own_secret, owner_reference},
        error::{Blockage, ReconcileFault, ReconcileTrouble, Refused, is_gone, is_taken, refusal},
        jobs::{
            Jobs, concurrency,
            manifest::{JobEnvironment, SESSION_KEY},
            start,
        },
    },
    model::{Reason, ReportLocation},
};

/// Value of the use label on the Secrets this module writes; lets the one Secret watch see them.
const USE_SESSION: &str = "session";
/// When the session ends (annotation), so that nobody needs to read the Secret to know.
const EXPIRES: &str = "awscost.io/expires";
/// A session with less life than this is renewed while its Job runs.
pub const RENEW_BELOW: SignedDuration = SignedDuration::from_mins(30);
/// A session Secret without a Job is younger than this while its Job is being created.
const ORPHAN_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// What a session for loads is asked with.
#[derive(Debug, Clone, Copy)]
pub struct SessionSource<'a> {
    /// The account, and how it is reached.
    pub target: &'a Target,
    /// The one report that the session may read.
    pub report: &'a ReportLocation,
}

/// A session for one load, narrowed to its report.
///
/// # Errors
/// What a person has to fix, as DataCurrent says it.
pub async fn open_session(context: &Context, source: SessionSource<'_>) -> Result<Session, Blockage> {
    let SessionSource { target, report } = source;
    let policy = session_policy(target, report).map_err(|problem| Blockage {
        reason: Reason::SessionPolicyTooLong,
        message: format!("No Job was started: {problem}."),
    })?;
    let purpose = Purpose { name: "awscost-ingest", policy: Some(&policy) };
    let opened = open(&context.aws, target, purpose).await.map_err(|fault| Blockage {
        reason: of_session(&fault, target),
        message: format!(
            "No Job was started, because no session for it could be had ({}: {}). It is tried again in some minutes.",
            fault.operation, fault.code
        ),
    })?;
    Ok(opened.session)
}

/// Writes the Secret of a Job: new, over the one of a reconcile that was cut short, or renewed. It carries the session, where
/// the Job reads a bucket, and whatever of the Job's environment holds a password. One that is there is looked for first: the
/// API server counts a create against a quota before it sees that the name is taken.
///
/// # Errors
/// [`Refused`] where somebody else's Secret stands in the way, or the API server does not take ours.
pub async fn write_session(
    jobs: &Jobs,
    owner: &ObjectOwner,
    job: &str,
    session: Option<&Session>,
) -> Result<(), Refused> {
    let api: Api<Secret> = Api::namespaced(jobs.context.client.clone(), &owner.namespace);
    let refused = |error| refusal::write("the session Secret", &owner.namespace, error);
    // Metadata alone: the session in it is nothing the operator has to read back.
    let there = api.get_metadata_opt(job).await.map_err(refused)?;
    let fresh = session_secret(owner, job, session, &jobs.settings.env);
    let written = match there {
        None => api.create(&PostParams::default(), &fresh).await,
        Some(there) if is_of(&there, owner) && is_session(&there) => {
            // On the very version that was seen to be ours: somebody may put another Secret in its place meanwhile.
            let patch = json!({
                "metadata": {
                    "resourceVersion": there.metadata.resource_version,
                    "labels": fresh.metadata.labels, "annotations": fresh.metadata.annotations,
                },
                "data": fresh.data,
            });
            api.patch(job, &PatchParams::default(), &Patch::Merge(&patch)).await
        }
        Some(_) => return Err(Refused::in_the_way("Secret", &owner.namespace, job)),
    };
    match written {
        Ok(_) => Ok(()),
        // It came or went just now: the next reconcile sees what is there.
        Err(error) if is_taken(&error) || is_gone(&error) => Err(ReconcileFault::Stale.into()),
        Err(error) => Err(refused(error)),
    }
}

/// Writes the Secret of a Job without a session, where its environment needs one.
///
/// # Errors
/// As [`write_session`].
pub async fn write_environment(jobs: &Jobs, owner: &ObjectOwner, job: &str) -> Result<(), Refused> {
    if jobs.settings.env.is_public() {
        return Ok(());
    }
    write_session(jobs, owner, job, None).await
}

fn session_secret(
    owner: &ObjectOwner,
    job: &str,
    session: Option<&Session>,
    environment: &JobEnvironment,
) -> Secret {
    let data = environment.secret_data().collect();
    let mut secret = own_secret(&owner.namespace, job, ("session", USE_SESSION), data);
    secret.labels_mut().insert(owner.label().to_owned(), owner.uid.clone());
    secret.metadata.owner_references = Some(vec![owner_reference(owner)]);
    // Some map even where it is empty: a merge patch takes `null` for the wish to remove whatever annotations there are.
    let expires = session.map(|session| (EXPIRES.to_owned(), session.expiration.to_string()));
    secret.annotations_mut().extend(expires);
    if let Some(session) = session {
        let file: SecretString = session.to_file();
        let file = ByteString(file.expose_secret().as_bytes().to_vec());
        secret.data.get_or_insert_default().insert(SESSION_KEY.to_owned(), file);
    }
    secret
}

/// Renews sessions of running Jobs. A session that can't be had is logged: the Job waits for it on its own.
pub async fn renew_sessions(
    jobs: &Jobs,
    owner: &ObjectOwner,
    source: SessionSource<'_>,
    names: &[String],
    trouble: &mut ReconcileTrouble,
) {
    for job in names {
        match open_session(&jobs.context, source).await {
            Ok(session) => {
                trouble.take(write_session(jobs, owner, job, Some(&session)).await);
            }
            Err(Blockage { reason, .. }) => {
                tracing::warn!(job, %reason, "a running Job's session could not be renewed");
            }
        }
    }
}

/// What is to be done about an account's session Secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionUpkeep {
    /// Jobs whose session is to be renewed, or is missing.
    pub renew: Vec<String>,
    /// Secrets to delete, with their UIDs.
    pub delete: Vec<(String, String)>,
    /// When the next renewal is due.
    pub next: Option<Timestamp>,
}

/// Decides on an account's session Secrets. `active` are its unfinished Jobs, `fresh` those of this reconcile.
pub fn plan_upkeep(
    secrets: &[ObservedSession],
    active: &[String],
    fresh: &[String],
    now: Timestamp,
) -> SessionUpkeep {
    let mut upkeep = SessionUpkeep::default();
    for job in active.iter().filter(|job| !fresh.contains(job)) {
        match secrets.iter().find(|secret| secret.name == **job) {
            Some(secret) if secret.expires.duration_since(now) >= RENEW_BELOW => {
                let due = secret.expires - RENEW_BELOW;
                upkeep.next = Some(upkeep.next.map_or(due, |next| next.min(due)));
            }
            _ => upkeep.renew.push(job.clone()),
        }
    }
    // A fresh Job is in no watch yet, and its Secret is there already: it must not be taken for an orphan.
    let in_use = |name: &String| active.contains(name) || fresh.contains(name);
    upkeep.delete = secrets
        .iter()
        .filter(|secret| !in_use(&secret.name))
        .filter(|secret| now.duration_since(secret.created) >= ORPHAN_AFTER || secret.job_ended)
        .map(|secret| (secret.name.clone(), secret.uid.clone()))
        .collect();
    upkeep
}

/// A session Secret, as its metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedSession {
    /// Its name, which is its Job's.
    pub name: String,
    /// Its UID, without which nothing is deleted.
    pub uid: String,
    /// When it was created.
    pub created: Timestamp,
    /// When its session ends.
    pub expires: Timestamp,
    /// True if its Job is there and has ended.
    pub job_ended: bool,
}

/// The session Secrets of an account or a warehouse.
pub fn of_owner(stores: &Stores, owner: &ObjectOwner) -> Vec<ObservedSession> {
    let ended = |name: &str| stores.jobs.named(owner, name).is_some_and(|job| concurrency::has_ended(&job));
    let secrets = stores.sessions.of(owner);
    secrets
        .iter()
        .filter(|secret| is_session(secret))
        .filter_map(|secret| see_session(secret, &ended))
        .collect()
}

/// Session Secrets of accounts and warehouses that are gone, with their namespaces. `ended` takes a Job's namespace and name.
pub fn left_behind(
    stores: &Stores,
    is_there: &dyn Fn(&str, &str) -> bool,
    ended: &dyn Fn(&str, &str) -> bool,
) -> Vec<(String, ObservedSession)> {
    let left = stores.sessions.left_behind(is_there);
    left.into_iter()
        .filter(|secret| is_session(secret))
        .filter_map(|secret| {
            let namespace = secret.namespace()?;
            let seen = see_session(&secret, &|name| ended(&namespace, name))?;
            Some((namespace, seen))
        })
        .collect()
}

/// What the watch shows of a Secret.
type SecretMetadata = PartialObjectMeta<Secret>;

/// True if a Secret says that it holds a session.
pub fn is_session(secret: &SecretMetadata) -> bool {
    secret.labels().get(USE_LABEL).map(String::as_str) == Some(USE_SESSION)
}

fn see_session(secret: &SecretMetadata, ended: &dyn Fn(&str) -> bool) -> Option<ObservedSession> {
    let name = secret.name_any();
    Some(ObservedSession {
        uid: secret.uid()?,
        created: secret.creation_timestamp()?.0,
        expires: secret
            .annotations()
            .get(EXPIRES)
            .and_then(|text| text.parse().ok())
            // Somebody took the annotation away: then it is renewed, which writes it again.
            .unwrap_or(Timestamp::UNIX_EPOCH),
        job_ended: ended(&name),
        name,
    })
}

/// Deletes a session Secret, if it is still the one that was seen.
///
/// # Errors
/// Faults of the API server.
pub async fn delete_session(
    context: &Context,
    namespace: &str,
    name: &str,
    uid: &str,
) -> Result<(), ReconcileFault> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let (uid, how) = (Some(uid.to_owned()), DeleteParams::default());
    start::delete_seen(&api, name, uid, how, "delete a session Secret").await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::loads::periods::tests::at;

    fn seen(name: &str, created: i64, expires: i64, job_ended: bool) -> ObservedSession {
        ObservedSession {
            name: name.to_owned(),
            uid: format!("{name}-uid"),
            created: at(created),
            expires: at(expires),
            job_ended,
        }
    }

    fn names(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_running_jobs_session_is_renewed_below_half_an_hour() {
        let secrets = [seen("long", -20, 31, false), seen("short", -40, 29, false)];
        let upkeep = plan_upkeep(&secrets, &names(&["long", "short", "missing"]), &[], at(0));
        assert_eq!(upkeep.renew, names(&["short", "missing"]));
        assert_eq!(upkeep.next, Some(at(1)));
        assert_eq!(upkeep.delete, []);
    }

    #[test]
    fn sessions_go_with_their_jobs_and_orphans_after_a_while() {
        let secrets = [
            seen("ended", -1, 59, true),
            seen("orphan", -6, 54, false),
            seen("being-created", -1, 59, false),
        ];
        let deleted: Vec<String> =
            plan_upkeep(&secrets, &[], &[], at(0)).delete.into_iter().map(|(name, _)| name).collect();
        assert_eq!(deleted, names(&["ended", "orphan"]));
    }

    #[test]
    fn a_session_of_this_pass_is_left_alone() {
        let fresh = names(&["new"]);
        assert_eq!(
            plan_upkeep(&[seen("new", -10, 50, true)], &fresh, &fresh, at(0)),
            SessionUpkeep::default()
        );
    }
}
