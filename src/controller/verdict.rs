//! What an account comes to on AWS's side: the part of a pass that needs no cluster.
//!
//! A pass walks it with what it remembers, [`Preflight`] once and from nothing, so that `awscost check` and the operator say
//! the same of the same world.

use jiff::Timestamp;

use super::{
    delivered::Question,
    gate,
    observe::{self, Deliveries},
    periods, standing,
    status::{self, BillPicture, Picture},
    tenancy::ExternalIds,
    validate::{self, Bill, ValidAccount},
};
use crate::{
    api::{
        AwsCostAccount, AwsCostAccountStatus, CostWarehouseSpec,
        conditions::{self, Condition, Saying},
        status::{BucketStatus, Identity, ReportStatus},
    },
    aws::{Aws, AwsFault, traits::Caller},
    connection::{Facts, Finding, LastAssumed, Look, Sessions, Target, Verdict, checks, gather},
    model::{ConditionType, Region, ReportKind},
};

pub use super::{
    observe::{SecretSight, external_id_of},
    standing::{no_warehouse, warehouse_says},
    tenancy::Tenancy,
};

/// Lists what is delivered, where the layers below let it: in the session a Job would get.
pub(super) async fn list_deliveries(
    aws: &Aws,
    below: &[Finding],
    bill: &Bill,
    kind: Option<ReportKind>,
    sessions: &Sessions,
    deliveries: &mut Deliveries,
    now: Timestamp,
) {
    let readable = below.iter().any(|finding| {
        finding.condition == ConditionType::BucketReadable && finding.verdict == Verdict::Pass
    });
    if !readable {
        return;
    }
    let Some(session) = sessions.ingest(now).cloned() else { return };
    let wanted = periods::wanted(bill.months, now);
    observe::look_at_deliveries(aws, &session, &bill.report, kind, &wanted, deliveries, now).await;
}

/// ReportDelivered and HistoryComplete.
pub(super) fn of_deliveries(question: &Question<'_>) -> [Finding; 2] {
    let delivered = question.report_delivered();
    let history = question.history_complete(&delivered);
    [delivered, history]
}

/// The same two where nothing could be looked at.
pub(super) fn deliveries_blocked() -> [Finding; 2] {
    [ConditionType::ReportDelivered, ConditionType::HistoryComplete]
        .map(|condition| Finding::blocked(condition, ConditionType::RoleAssumable))
}

/// The last success of AssumeRole as status keeps it.
pub(super) fn last_assumed(identity: &Identity) -> Option<LastAssumed> {
    let kept = identity.last_assumed.as_ref()?;
    Some(LastAssumed { role: kept.role_arn.parse().ok()?, secret_version: kept.secret_version.clone() })
}

/// Judges accounts without a cluster.
pub struct Preflight {
    aws: Aws,
    own: Result<Caller, AwsFault>,
    own_region: Option<Region>,
    tenancy: Tenancy,
    external_ids: ExternalIds,
}

/// One account, and what it refers to.
pub struct Case<'a> {
    /// The account.
    pub account: &'a AwsCostAccount,
    /// Its namespace.
    pub namespace: &'a str,
    /// A name of its own among all that are judged together.
    pub uid: &'a str,
    /// The Secret with its external ID.
    pub secret: &'a SecretSight,
    /// That Secret's resource version, where it comes from a cluster.
    pub secret_version: Option<&'a str>,
    /// What the warehouse it names comes to.
    pub warehouse: Saying,
}

impl Preflight {
    /// Judges as an operator would whose identity is that of `aws`, under `tenancy`.
    pub async fn new(aws: Aws, own_region: Option<Region>, tenancy: Tenancy) -> Self {
        let own = aws.identity.base_caller().await;
        Self { aws, own, own_region, tenancy, external_ids: ExternalIds::default() }
    }

    /// Notes an account's external ID: of two namespaces that use the same, the one noted later is at fault.
    pub fn note(&mut self, case: &Case<'_>, created: Timestamp) {
        let usable = match case.secret {
            SecretSight::Usable(id) => Some(id),
            _ => None,
        };
        self.external_ids.note(case.uid, case.namespace, created, usable);
    }

    /// The conditions that the operator's first pass over the account would end with, if no Job could start.
    pub async fn judge(&self, case: &Case<'_>, now: Timestamp) -> Vec<Condition> {
        let valid = match validate::account(&case.account.spec) {
            Ok(valid) => valid,
            Err(problem) => return invalid_spec(&problem.to_string(), now),
        };
        let mut seen = Seen::default();
        // An object read from a cluster brings with it what its operator knows.
        let identity = case.account.status.as_ref().and_then(|status| status.identity.as_ref());
        seen.facts.last_assumed = identity.and_then(last_assumed);
        let findings = match self.gate(case, &valid) {
            Err(finding) => gate::shut(*finding, &valid),
            Ok(target) => self.look(case, &valid, &target, &mut seen, now).await,
        };
        conclude(&valid, findings, &seen, case.warehouse.clone(), now)
    }

    fn gate(&self, case: &Case<'_>, valid: &ValidAccount) -> Result<Target, Box<Finding>> {
        let own = self.own.as_ref().ok().map(|caller| &caller.account);
        let tenancy = self.tenancy.check(case.namespace, &valid.role, own);
        let reused = self.external_ids.is_reused(case.uid);
        let id = gate::pass(valid, case.namespace, tenancy, case.secret, reused)?;
        let version = case.secret_version.map(str::to_owned);
        Ok(valid.target(id, version, self.own_region.as_ref()))
    }

    async fn look(
        &self,
        case: &Case<'_>,
        valid: &ValidAccount,
        target: &Target,
        seen: &mut Seen,
        now: Timestamp,
    ) -> Vec<Finding> {
        match &self.own {
            // Whose role it would be can't be told, so none is assumed.
            Err(fault) => seen.facts.base.record(now, Err(fault.clone())),
            Ok(_) => gather(&self.aws, target, Look::ALL, &mut seen.facts, &mut seen.sessions, now).await,
        }
        let mut findings = checks::run(&seen.facts, target, now);
        if let Some(bill) = &valid.bill {
            seen.kind = checks::report_kind(&seen.facts, target);
            let deliveries = &mut seen.deliveries;
            list_deliveries(&self.aws, &findings, bill, seen.kind, &seen.sessions, deliveries, now).await;
            let question = Question {
                bill,
                below: &findings,
                facts: &seen.facts,
                kind: seen.kind,
                deliveries: &seen.deliveries,
                since: case.account.metadata.creation_timestamp.as_ref().map_or(now, |created| created.0),
                now,
            };
            let upper = of_deliveries(&question);
            findings.extend(upper);
        }
        findings
    }
}

/// What one look saw.
#[derive(Default)]
struct Seen {
    facts: Facts,
    sessions: Sessions,
    deliveries: Deliveries,
    kind: Option<ReportKind>,
}

/// What can be said of an account without a look at AWS: whether its spec, its Secret where one is given, and the warehouse
/// it names can be used.
pub fn without_aws(
    account: &AwsCostAccount,
    namespace: &str,
    secret: Option<&SecretSight>,
    warehouse: &Saying,
    now: Timestamp,
) -> Vec<Condition> {
    let valid = match validate::account(&account.spec) {
        Ok(valid) => valid,
        Err(problem) => return invalid_spec(&problem.to_string(), now),
    };
    let refused = secret.and_then(|secret| gate::pass(&valid, namespace, Ok(()), secret, false).err());
    let mut sayings: Vec<Saying> = refused.iter().map(|finding| status::saying(finding)).collect();
    sayings.extend(valid.bill.is_some().then(|| warehouse.clone()));
    conditions::write(&[], &sayings, None, now)
}

/// What can be said of a warehouse without its probe: nothing, if its spec can be used.
pub fn of_warehouse_spec(spec: &CostWarehouseSpec, now: Timestamp) -> Vec<Condition> {
    match validate::warehouse(spec) {
        Ok(_) => Vec::new(),
        Err(problem) => conditions::write(&[], &standing::invalid(&problem.to_string()), None, now),
    }
}

fn invalid_spec(problem: &str, now: Timestamp) -> Vec<Condition> {
    standing::invalid_spec(&AwsCostAccountStatus::default(), None, None, problem, now).conditions
}

/// The conditions that follow from findings, with nothing loaded and no Job at work.
fn conclude(
    valid: &ValidAccount,
    mut findings: Vec<Finding>,
    seen: &Seen,
    warehouse: Saying,
    now: Timestamp,
) -> Vec<Condition> {
    let wanted = valid.bill.as_ref().map(|bill| periods::wanted(bill.months, now)).unwrap_or_default();
    let periods = periods::update(&[], &wanted, seen.deliveries.listed(), &[], now);
    let bill = valid.bill.as_ref().map(|_| BillPicture {
        warehouse,
        warehouse_retries: false,
        periods: &periods,
        jobs: &[],
        created: &[],
        queued: 0,
        blockage: None,
        missing: Vec::new(),
        report: ReportStatus::default(),
        bucket: BucketStatus::default(),
    });
    if bill.is_some() && !findings.iter().any(|finding| finding.condition == ConditionType::ReportDelivered) {
        findings.extend(deliveries_blocked());
    }
    status::build(&Picture {
        old: &AwsCostAccountStatus::default(),
        generation: None,
        reconcile_at: None,
        findings: &findings,
        external_id_policy: valid.external_id_policy,
        bill,
        identity: Identity::default(),
        now,
    })
    .conditions
}
