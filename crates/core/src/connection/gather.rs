//! The only I/O of this module: looks at AWS, as far as a [`Look`] asks, and records what it saw.

use std::time::Duration;

use futures::future::OptionFuture;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Enforcement, Excess, Facts, LastAssumed, Look, Opened, Purpose, RoleAccess, Target, TargetAccess,
    Verdict, checks, open, principal,
};
use crate::{
    aws::{
        Aws, AwsFault, Code, FaultClass, Operation, Session,
        traits::{
            AssumeRole, Caller, ExportDefinition, ExportExecution, ExportReference, LegacyDefinition,
            OrganizationMembership,
        },
    },
    model::{AccessKeys, ExternalId, ReportLocation, policy::Policy},
};

/// The shortest session STS gives: the external-ID probes drop theirs at once.
const SHORTEST: SignedDuration = SignedDuration::from_mins(15);
/// How long advice may hold up the verdict: IAM, or a region's CloudWatch, may be out of the operator's reach.
const ADVICE_LIMIT: Duration = Duration::from_secs(3);
/// Sessions with less life than this are not used for a look.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The sessions of one connection, kept between looks so that a routine look costs no AssumeRole.
#[derive(Debug, Default)]
pub struct Sessions {
    /// With the role's whole permissions: Organizations and the report APIs.
    control: Option<Session>,
    /// Narrowed to the report, as ingest Jobs get it.
    ingest: Option<Session>,
}

impl Sessions {
    /// The narrowed session, for reading deliveries, if the last look left one that lasts.
    pub fn ingest(&self, now: Timestamp) -> Option<&Session> {
        self.ingest.as_ref().filter(|session| session.lasts(MARGIN, now))
    }

    fn control(&self, now: Timestamp) -> Option<&Session> {
        self.control.as_ref().filter(|session| session.lasts(MARGIN, now))
    }
}

/// Who is asked about which account, and when: what all calls of one probe share.
#[derive(Clone, Copy)]
pub struct ProbeRun<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The account as declared.
    pub target: &'a Target,
    /// The time of every fact.
    pub now: Timestamp,
}

/// Looks at what `look` asks for and records it in `facts`.
///
/// Everything behind the role runs at once and independently; nothing behind it runs unless the role check passes.
pub async fn gather(run: ProbeRun<'_>, look: Look, facts: &mut Facts, sessions: &mut Sessions) {
    let ProbeRun { target, now, .. } = run;
    if look.is_empty() {
        return;
    }
    if look.identity {
        identity(run, facts, sessions).await;
    } else if sessions.control(now).is_none() {
        role(run, facts, sessions).await;
    }
    let works = checks::access(facts, target, now).verdict == Verdict::Pass;
    let Some(session) = sessions.control(now).filter(|_| works).cloned() else { return };
    let kept = sessions.ingest(now).filter(|_| !look.identity).cloned();
    let suspicion = match facts.enforcement.known() {
        Some(Enforcement::AcceptsNone | Enforcement::AcceptsAny) => Suspicion::WasOpen,
        _ => Suspicion::None,
    };
    ask_behind_role(run, look, suspicion, &session, kept).await.record(facts, sessions, now);
}

/// What was answered behind the role; `None` for what was not asked.
struct AnswersBehindRole {
    enforcement: Option<Result<Enforcement, AwsFault>>,
    membership: Option<Result<OrganizationMembership, AwsFault>>,
    definitions: Option<Definitions>,
    bucket: Option<bucket::SeenBucket>,
    excess: Option<Result<Excess, AwsFault>>,
    metrics: Option<Result<(), AwsFault>>,
}

/// Asks everything that the account's session can tell, at once.
async fn ask_behind_role(
    ProbeRun { aws, target, .. }: ProbeRun<'_>,
    look: Look,
    suspicion: Suspicion,
    session: &Session,
    kept: Option<Session>,
) -> AnswersBehindRole {
    let partition = target.partition();
    let report = target.report.as_ref();
    let role = target.role();
    let guarded = role.filter(|_| look.external_id);
    let (enforcement, membership, definitions, bucket, excess, metrics) = futures::join!(
        OptionFuture::from(guarded.map(|access| enforcement(aws, target, access, suspicion))),
        OptionFuture::from(look.organization.then(|| aws.organizations.membership(session, partition))),
        OptionFuture::from(
            report.filter(|_| look.definitions).map(|report| definitions(aws, target, report, session))
        ),
        OptionFuture::from(
            report.filter(|_| look.listing).map(|report| bucket::look(aws, target, report, session, kept))
        ),
        OptionFuture::from(
            role.filter(|_| look.permissions).map(|access| advice(
                Operation::SimulatePrincipalPolicy,
                excess(aws, target, access, session)
            ))
        ),
        OptionFuture::from(
            target
                .metrics
                .as_ref()
                .filter(|_| look.metrics)
                .map(|region| advice(Operation::ListMetrics, aws.metrics.can_list(session, region)))
        ),
    );
    AnswersBehindRole { enforcement, membership, definitions, bucket, excess, metrics }
}

impl AnswersBehindRole {
    fn record(self, facts: &mut Facts, sessions: &mut Sessions, now: Timestamp) {
        if let Some(outcome) = self.enforcement {
            facts.enforcement.record(now, outcome);
        }
        if let Some(outcome) = self.membership {
            facts.membership.record(now, in_session(outcome, &mut sessions.control));
        }
        if let Some(outcome) = self.excess {
            facts.excess.record(now, in_session(outcome, &mut sessions.control));
        }
        if let Some(outcome) = self.metrics {
            facts.metrics.record(now, outcome);
        }
        if let Some(seen) = self.definitions {
            seen.record(facts, sessions, now);
        }
        if let Some(seen) = self.bucket {
            seen.record(facts, sessions, now);
        }
    }
}

/// The operator's own identity, then the role. The keys of an IAM user need no other identity.
async fn identity(run: ProbeRun<'_>, facts: &mut Facts, sessions: &mut Sessions) {
    let ProbeRun { aws, target, now } = run;
    if target.role().is_none() {
        return role(run, facts, sessions).await;
    }
    facts.base.record(now, aws.identity.base_caller().await);
    let refused = facts.base.fault().is_some_and(|fault| fault.class.is_conclusive());
    let elsewhere = facts.base.known().is_some_and(|caller| !checks::role::same_partition(caller, target));
    if refused || elsewhere {
        *sessions = Sessions::default();
        facts.role.forget();
        return;
    }
    role(run, facts, sessions).await;
}

/// What the checks' session is called in the customer's CloudTrail.
const CHECK: &str = "awscost-check";

/// Becoming someone in the account, and whom that makes us.
async fn role(run: ProbeRun<'_>, facts: &mut Facts, sessions: &mut Sessions) {
    let ProbeRun { aws, target, now } = run;
    match &target.access {
        TargetAccess::Role(access) => match assumed(aws, target).await {
            Ok((opened, caller)) => {
                sessions.control = Some(opened.session);
                facts.in_use = opened.in_use;
                if caller.account == target.account {
                    let known = facts.base.known().map(principal);
                    let before = facts.last_assumed.take().filter(|last| last.role == access.role);
                    facts.last_assumed = Some(LastAssumed {
                        role: access.role.clone(),
                        secret_version: access.secret_version.clone(),
                        principal: known.or_else(|| before?.principal),
                    });
                }
                facts.role.record(now, Ok(caller));
            }
            Err(fault) => {
                if fault.class.is_conclusive() {
                    *sessions = Sessions::default();
                }
                facts.role.record(now, Err(fault));
            }
        },
        TargetAccess::Keys(keys) => with_keys(run, keys, facts, sessions).await,
    }
}

async fn assumed(aws: &Aws, target: &Target) -> Result<(Opened, Caller), AwsFault> {
    let opened = open(aws, target, Purpose { name: CHECK, policy: None }).await?;
    // What a session's own identity call says of its credentials says nothing of the operator's.
    let caller = aws
        .identity
        .session_caller(&opened.session, &target.sts_region)
        .await
        .map_err(AwsFault::inconclusive)?;
    Ok((opened, caller))
}

/// Whose the keys are, and whether their user may make the narrowed sessions that Jobs need.
async fn with_keys(
    ProbeRun { aws, target, now }: ProbeRun<'_>,
    keys: &AccessKeys,
    facts: &mut Facts,
    sessions: &mut Sessions,
) {
    let (caller, session) = futures::join!(
        aws.identity.keys_caller(keys, &target.sts_region),
        open(aws, target, Purpose { name: CHECK, policy: None })
    );
    let refused = |fault: &AwsFault| fault.class.is_conclusive();
    if caller.as_ref().is_err_and(refused) || session.as_ref().is_err_and(refused) {
        *sessions = Sessions::default();
    }
    facts.role.record(now, caller);
    match session {
        Ok(opened) => {
            sessions.control = Some(opened.session);
            facts.federation.record(now, Ok(()));
        }
        Err(fault) => facts.federation.record(now, Err(fault)),
    }
}

/// Whether a role was seen to let in somebody it should not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    None,
    WasOpen,
}

impl Suspicion {
    /// How many refusals in a row say that a prober is kept out: IAM takes a while to show a change everywhere, so one
    /// alone does not prove a hole closed (docs/aws-facts.md 1.7).
    fn refusals(self) -> usize {
        match self {
            Self::None => 1,
            Self::WasOpen => 3,
        }
    }
}

/// Both probes: no external ID, and a random one.
async fn enforcement(
    aws: &Aws,
    target: &Target,
    access: &RoleAccess,
    suspicion: Suspicion,
) -> Result<Enforcement, AwsFault> {
    let random = ExternalId::parse(Uuid::new_v4().to_string().as_bytes()).expect("a UUID is an external ID");
    let probe = |external_id| lets_in(aws, target, access, external_id, suspicion.refusals());
    let (none, any) = futures::join!(probe(None), probe(Some(&random)));
    match (none, any) {
        (Ok(true), _) => Ok(Enforcement::AcceptsNone),
        (_, Ok(true)) => Ok(Enforcement::AcceptsAny),
        (Ok(false), Ok(false)) => Ok(Enforcement::Enforced),
        (Err(fault), _) | (_, Err(fault)) => Err(fault),
    }
}

/// Whether the role lets in somebody with this external ID: only so many refusals in a row say no, and only two
/// successes say yes.
async fn lets_in(
    aws: &Aws,
    target: &Target,
    access: &RoleAccess,
    external_id: Option<&ExternalId>,
    refusals: usize,
) -> Result<bool, AwsFault> {
    let (mut refused, mut let_in) = (0, 0);
    let nothing = Policy::deny_all().to_json();
    loop {
        let request = AssumeRole {
            role: &access.role,
            external_id,
            session_name: "awscost-externalid-probe",
            duration: SHORTEST,
            policy: Some(&nothing),
            region: &target.sts_region,
        };
        // A session that was let in can do nothing, and is dropped here.
        match aws.identity.assume_role(request).await.map(drop) {
            Ok(()) => let_in += 1,
            Err(fault) if fault.code == Code::AccessDenied => refused += 1,
            Err(fault) => return Err(fault.inconclusive()),
        }
        if let_in == 2 {
            return Ok(true);
        }
        if refused == refusals {
            return Ok(false);
        }
    }
}

/// A look on which nothing depends: it is given up before it holds up the others.
async fn advice<T>(
    operation: Operation,
    look: impl Future<Output = Result<T, AwsFault>>,
) -> Result<T, AwsFault> {
    let outcome = tokio::time::timeout(ADVICE_LIMIT, look).await;
    outcome.unwrap_or_else(|_| Err(AwsFault::new(operation, Code::TimedOut)))
}

/// What the role may do that it need not: asked of IAM's simulator, so nothing is changed.
async fn excess(
    aws: &Aws,
    target: &Target,
    access: &RoleAccess,
    session: &Session,
) -> Result<Excess, AwsFault> {
    let questions = checks::permissions::questions(target, access);
    let answers = aws.audit.simulate(session, &access.role, &questions).await?;
    Ok(checks::permissions::excess(&questions, &answers))
}

/// What the report APIs showed; `None` for what was not asked.
struct Definitions {
    legacy: Option<Result<Vec<LegacyDefinition>, AwsFault>>,
    exports: Option<Result<Vec<ExportReference>, AwsFault>>,
    export: Option<Result<Option<ExportDefinition>, AwsFault>>,
    execution: Option<Result<Option<ExportExecution>, AwsFault>>,
}

async fn definitions(aws: &Aws, target: &Target, report: &ReportLocation, session: &Session) -> Definitions {
    let partition = target.partition();
    let exports = async {
        let exports = aws.catalog.exports(session, partition).await;
        let named = exports
            .as_ref()
            .ok()
            .map(|list| list.iter().find(|export| export.name == report.name.as_str()).cloned());
        let Some(Some(found)) = named else {
            let none_of_the_name = named.is_some();
            return (exports, none_of_the_name.then_some(Ok(None)), none_of_the_name.then_some(Ok(None)));
        };
        let (export, execution) = futures::join!(
            aws.catalog.export(session, partition, &found.arn),
            aws.catalog.last_execution(session, partition, &found.arn)
        );
        // Deleted between the two calls.
        let gone = |fault: &AwsFault| fault.code == Code::ResourceNotFound;
        let export = match export {
            Err(fault) if gone(&fault) => Ok(None),
            outcome => outcome.map(Some),
        };
        let execution = match execution {
            Err(fault) if gone(&fault) => Ok(None),
            outcome => outcome,
        };
        (exports, Some(export), Some(execution))
    };
    let (legacy, exports) = futures::join!(
        OptionFuture::from(
            report
                .asks_legacy(target.partition())
                .then(|| aws.catalog.legacy_definitions(session, partition))
        ),
        OptionFuture::from(report.asks_exports(target.partition()).then_some(exports)),
    );
    let (exports, export, execution) =
        exports.map_or((None, None, None), |(exports, export, execution)| (Some(exports), export, execution));
    Definitions { legacy, exports, export, execution }
}

impl Definitions {
    fn record(self, facts: &mut Facts, sessions: &mut Sessions, now: Timestamp) {
        if let Some(outcome) = self.legacy {
            facts.legacy.record(now, in_session(outcome, &mut sessions.control));
        }
        if let Some(outcome) = self.exports {
            // What can no longer be listed is no longer known either.
            if outcome.as_ref().is_err_and(|fault| fault.class == FaultClass::Denied) {
                facts.export.forget();
                facts.execution.forget();
            }
            facts.exports.record(now, in_session(outcome, &mut sessions.control));
        }
        if let Some(outcome) = self.export {
            facts.export.record(now, in_session(outcome, &mut sessions.control));
        }
        if let Some(outcome) = self.execution {
            facts.execution.record(now, in_session(outcome, &mut sessions.control));
        }
    }
}

/// The outcome of a call made in a session: refused credentials are the session's own, which then goes.
fn in_session<T>(outcome: Result<T, AwsFault>, session: &mut Option<Session>) -> Result<T, AwsFault> {
    outcome.map_err(|fault| {
        if fault.class == FaultClass::Credentials {
            *session = None;
            return fault.inconclusive();
        }
        fault
    })
}

mod bucket;
mod elsewhere;
#[cfg(test)]
mod on_clock;
#[cfg(test)]
mod tests;
