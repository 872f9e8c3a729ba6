//! One pass over one AwsCostAccount: observe → validate → check → decide → apply → status → patch.

mod access;
pub mod finalizer;
mod load;
mod look;
mod removal;

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt, api::Api};

use super::{
    context::{Context, GuardedAccount, Memory, Stores, Written},
    error::{
        AFTER_REFUSAL, ASK_FOR_TURN, LONGEST_WAIT, ReconcileFault, SHORTEST_WAIT, WATCH_PODS,
        refusal::Trouble,
    },
    events,
    jobs::{
        apply::{self, Refused},
        listing,
        manifest::{self, Owner},
        observed::LoadJob,
    },
    loads::periods::{self, Periods},
    standing,
    status::{self, BillPicture, Picture, patch},
    validate::{self, ValidAccount},
};
use crate::{
    api::{
        AwsCostAccount, AwsCostAccountStatus, RECONCILE_ALIASES, RECONCILE_AT, conditions,
        status::{BucketStatus, Identity, LastAssumed, OperatorIdentity, ReportStatus},
    },
    aws::traits::{Caller, OrganizationMembership},
    connection::{ExternalIdPolicy, Finding, checks, principal},
    model::{Reason, ReportKind},
};
use load::LoadSide;
use look::World;
use removal::Skipped;

/// How many versions of its own writing a pass recognises in a watch that is behind.
const KEPT_VERSIONS: usize = 8;

/// The wish for a look at once, by our annotation or Flux's or Argo CD's.
pub fn wish(annotations: &std::collections::BTreeMap<String, String>) -> Option<String> {
    let texts: Vec<&str> = std::iter::once(RECONCILE_AT)
        .chain(RECONCILE_ALIASES)
        .filter_map(|key| annotations.get(key).map(String::as_str))
        .collect();
    // Joined, so that a change of any of them is a change; cut at the status field's limit.
    (!texts.is_empty()).then(|| texts.join(",").chars().take(250).collect())
}

/// Reconciles one account; how long until the next pass.
///
/// # Errors
/// [`ReconcileFault`] when the pass could not be finished.
pub async fn reconcile(
    object: &GuardedAccount,
    context: &Context,
) -> Result<std::time::Duration, ReconcileFault> {
    let (now, begun) = (Timestamp::now(), Instant::now());
    let namespace = object.namespace().unwrap_or_default();
    let Some(stores) = context.stores(&namespace) else { return Ok(LONGEST_WAIT) };
    let deleted = object.meta().deletion_timestamp.is_some();
    if deleted && !finalizer::is_on(object.meta()) {
        context.visit(&object.uid().unwrap_or_default());
        return Ok(LONGEST_WAIT);
    }
    let account = match &object.0 {
        Ok(account) => account,
        Err(_) if deleted => {
            let version = object.resource_version().unwrap_or_default();
            return removal::let_go(context, object.meta(), &version, Skipped::Unreadable).await;
        }
        Err(invalid) => {
            // The API server let it in before a rule was there: only its metadata can be read.
            tracing::warn!(object = object.name_any(), error = invalid.error, "the object does not parse");
            return standing::report_unparsable::<AwsCostAccount>(
                context,
                object.meta(),
                &invalid.error,
                now,
            )
            .await;
        }
    };
    let uid = account.uid().unwrap_or_default();
    let memory = context.memory(&uid, now);
    let mut memory = memory.lock().await;
    let mut pass = Pass {
        before: Vec::new(),
        context,
        stores,
        account,
        owner: Owner { kind: manifest::ACCOUNT, namespace, name: account.name_any(), uid },
        wish: wish(account.annotations()),
        now,
        begun,
    };
    pass.before = pass.base(&memory).status.conditions;
    let wait = pass.run(&mut memory).await?;
    Ok(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// One pass's fixed points.
struct Pass<'a> {
    context: &'a Context,
    stores: &'a Stores,
    account: &'a AwsCostAccount,
    owner: Owner,
    wish: Option<String>,
    /// Conditions before this pass: events tell what turned since, whatever the early patch said in between.
    before: Vec<conditions::Condition>,
    now: Timestamp,
    /// The same moment, for durations.
    begun: Instant,
}

/// The status a pass starts from, and the version it is of.
struct Base {
    status: AwsCostAccountStatus,
    version: String,
}

impl Pass<'_> {
    fn generation(&self) -> Option<i64> {
        self.account.metadata.generation
    }

    fn api(&self) -> Api<AwsCostAccount> {
        Api::namespaced(self.context.client.clone(), &self.owner.namespace)
    }

    /// The status as this process wrote it, where the watch is behind.
    fn base(&self, memory: &Memory) -> Base {
        let version = self.account.resource_version().unwrap_or_default();
        match &memory.written {
            Some(written) if written.before.contains(&version) => {
                Base { status: written.status.clone(), version: written.after.clone() }
            }
            _ => Base { status: self.account.status.clone().unwrap_or_default(), version },
        }
    }

    async fn run(&self, memory: &mut Memory) -> Result<std::time::Duration, ReconcileFault> {
        let mut base = self.base(memory);
        let valid = validate::account(&self.account.spec);
        if self.account.metadata.deletion_timestamp.is_some() {
            return self.remove(memory, &base, valid.as_ref().ok()).await;
        }
        let valid = match valid {
            Ok(valid) => valid,
            Err(problem) => {
                self.context.visit(&self.owner.uid);
                let (wish, problem) = (self.wish.as_deref(), problem.to_string());
                let status =
                    standing::invalid_spec(&base.status, self.generation(), wish, &problem, self.now);
                self.finish(memory, &base, status, &[]).await?;
                return Ok(LONGEST_WAIT);
            }
        };
        if self.keep_finalizer(&base, &valid).await? {
            return Ok(SHORTEST_WAIT);
        }
        let mut trouble = Trouble::default();
        let jobs = self.jobs(memory, &mut trouble).await;
        if self.account.spec.suspend == Some(true) {
            return self.suspended(memory, &base, &valid, &jobs, &mut trouble).await;
        }
        if base.status.observed_generation != self.generation() {
            let early = status::progressing(&base.status, self.generation(), self.now);
            base = self.write(memory, &base, early).await?;
        }
        self.look(memory, base, valid, &jobs, &mut trouble).await
    }

    async fn jobs(&self, memory: &Memory, trouble: &mut Trouble) -> Vec<LoadJob> {
        let settled = &memory.settled;
        listing::load_jobs(self.context, self.stores, &self.owner, settled, self.now, trouble).await
    }

    /// No looks, no new Jobs; what runs ends normally.
    async fn suspended(
        &self,
        memory: &mut Memory,
        base: &Base,
        valid: &ValidAccount,
        jobs: &[LoadJob],
        trouble: &mut Trouble,
    ) -> Result<std::time::Duration, ReconcileFault> {
        let sight = self.sight(memory, valid).await?;
        self.note_external_ids(&sight);
        let periods = valid.bill.as_ref().map(|bill| {
            let wanted = periods::wanted(bill.months, self.now);
            periods::update(&base.status.periods, &wanted, None, jobs, self.now)
        });
        let status = status::suspended(
            &base.status,
            self.generation(),
            self.wish.as_deref(),
            periods.as_ref().map(|periods| (periods, jobs)),
            self.now,
        );
        let news = periods.map(|periods| periods.loaded).unwrap_or_default();
        self.finish(memory, base, status, &news).await?;
        self.settle(memory, jobs).await?;
        if let Some(bill) = &valid.bill {
            // A running Job's session is renewed all the same, if the gate would let its account through.
            let own = self.context.own_identity(self.now).await;
            let gate = self.gate(valid, &sight, own.as_ref().ok());
            let known_self = own.is_ok() || valid.role().is_none();
            let target = gate.ok().filter(|_| known_self).map(|access| self.target(valid, access));
            self.keep_sessions(target.as_ref(), (valid, bill), jobs, &[], trouble).await;
        }
        if let Some(fault) = trouble.fault.take() {
            return Err(fault);
        }
        Ok(match trouble.blockage {
            _ if listing::any_active(jobs) => WATCH_PODS,
            Some(_) => AFTER_REFUSAL,
            None => LONGEST_WAIT,
        })
    }

    async fn look(
        &self,
        memory: &mut Memory,
        base: Base,
        valid: ValidAccount,
        jobs: &[LoadJob],
        trouble: &mut Trouble,
    ) -> Result<std::time::Duration, ReconcileFault> {
        let own = self.context.own_identity(self.now).await;
        if let Ok(own) = &own {
            memory.operator = Some(own.clone());
        }
        let made = self.generate(&valid, own.as_ref().ok()).await;
        let sight = self.sight(memory, &valid).await?;
        self.note_external_ids(&sight);
        match self.gate(&valid, &sight, own.as_ref().ok()) {
            Err(mut finding) => {
                // That a Secret is missing which can't be made needs other words than how to make it.
                let refused = match made {
                    Ok(()) => None,
                    Err(Refused::Blocked(blockage)) => {
                        Some(blockage).filter(|_| finding.reason == Reason::SecretNotUsable)
                    }
                    Err(fault) => {
                        trouble.note(fault);
                        None
                    }
                };
                let mut next = self.now + hours(1);
                if let Some(refused) = refused {
                    next = self.now + AFTER_REFUSAL;
                    finding.message = refused.message;
                }
                // What was seen behind an open gate says nothing any more.
                memory.facts.start_over();
                memory.sessions = Default::default();
                memory.answered = None;
                let findings = checks::shut(*finding, valid.parts());
                let world = World { findings, target: None, next };
                self.act(memory, base, valid, jobs, world, trouble).await
            }
            Ok(access) => {
                if let Some(wait) = self.context.settling.wait(self.now) {
                    return Ok(wait);
                }
                let target = self.target(&valid, access);
                // Only a role is assumed with the operator's own identity.
                let unknown_self = own.err().filter(|_| valid.role().is_some());
                let world = self.ask_aws(memory, &base, &valid, target, unknown_self).await;
                self.act(memory, base, valid, jobs, world, trouble).await
            }
        }
    }

    /// Decides on loads, starts them, and writes status.
    async fn act(
        &self,
        memory: &mut Memory,
        base: Base,
        valid: ValidAccount,
        jobs: &[LoadJob],
        world: World,
        trouble: &mut Trouble,
    ) -> Result<std::time::Duration, ReconcileFault> {
        let Some(bill) = &valid.bill else {
            return self.act_without_bill(memory, &base, &valid, world, trouble).await;
        };
        let findings = world.findings;
        let (wanted, listed) = (periods::wanted(bill.months, self.now), memory.deliveries.listed());
        let periods = periods::update(&base.status.periods, &wanted, listed, jobs, self.now);
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        let side = LoadSide {
            valid: &valid,
            bill,
            base: &base,
            jobs,
            target: world.target.as_ref(),
            findings: &findings,
            warehouse: &warehouse,
            wanted: &wanted,
        };
        let (started, retry_at) = self.load(memory, side, trouble).await;
        let target = world.target.as_ref();
        let renewal = self.keep_sessions(target, (&valid, bill), jobs, &started.created, trouble).await;
        let kind = target.and_then(|target| checks::report_kind(&memory.facts, target));
        let bill_picture = BillPicture {
            warehouse: warehouse.saying.clone(),
            warehouse_retries: warehouse.retries,
            periods: &periods,
            jobs,
            created: &started.created,
            queued: started.queued,
            blockage: trouble.blockage.clone(),
            missing: self.missing(memory, bill, &base),
            report: report_status(kind, &periods, &base.status),
            bucket: BucketStatus { region: Some(bill.report.region.to_string()) },
        };
        let status = status::build(&self.picture(memory, &base, &valid, &findings, Some(bill_picture)));
        self.finish(memory, &base, status, &periods.loaded).await?;
        self.context.metrics.loads(periods.loaded.len(), usize::from(periods.failed));
        // Its retry is decided on the stored status, so in the next pass; a conflict may mean a new version.
        memory.relist |= periods.failed;
        self.settle(memory, jobs).await?;
        if let Some(fault) = trouble.fault.take() {
            return Err(fault);
        }
        if periods.failed {
            return Ok(SHORTEST_WAIT);
        }
        let active = listing::any_active(jobs) || !started.created.is_empty();
        let next = [retry_at, renewal].into_iter().flatten().fold(world.next, Timestamp::min);
        let others = [
            active.then_some(WATCH_PODS),
            (started.queued > 0).then_some(ASK_FOR_TURN),
            trouble.blockage.is_some().then_some(AFTER_REFUSAL),
        ];
        Ok(others.into_iter().flatten().fold(until(next, self.now), std::time::Duration::min))
    }

    /// Writes status of an account that has no bill to load.
    async fn act_without_bill(
        &self,
        memory: &mut Memory,
        base: &Base,
        valid: &ValidAccount,
        world: World,
        trouble: &mut Trouble,
    ) -> Result<std::time::Duration, ReconcileFault> {
        let status = status::build(&self.picture(memory, base, valid, &world.findings, None));
        self.finish(memory, base, status, &[]).await?;
        trouble.fault.take().map_or_else(|| Ok(until(world.next, self.now)), Err)
    }

    fn picture<'a>(
        &'a self,
        memory: &Memory,
        base: &'a Base,
        valid: &ValidAccount,
        findings: &'a [Finding],
        bill: Option<BillPicture<'a>>,
    ) -> Picture<'a> {
        let management = match memory.facts.membership.known() {
            Some(OrganizationMembership::InOrganization { management, .. }) => Some(management.to_string()),
            Some(OrganizationMembership::Standalone) => None,
            None => base.status.identity.as_ref().and_then(|known| known.management_account_id.clone()),
        };
        Picture {
            old: &base.status,
            generation: self.generation(),
            reconcile_at: self.wish.as_deref(),
            findings,
            external_id_policy: valid.role().map_or(ExternalIdPolicy::Warn, |role| role.policy),
            bill,
            identity: Identity {
                account_id: Some(valid.account.to_string()),
                management_account_id: management,
                external_id_in_use: self.in_use(memory),
                last_assumed: memory.facts.last_assumed.as_ref().map(|last| LastAssumed {
                    role_arn: last.role.to_string(),
                    secret_version: last.secret_version.clone(),
                    principal: last.principal.clone(),
                }),
                operator: memory.operator.as_ref().map(operator_identity),
            },
            now: self.now,
        }
    }

    /// The final patch and its events; the watch sets the gauges.
    async fn finish(
        &self,
        memory: &mut Memory,
        base: &Base,
        status: AwsCostAccountStatus,
        news: &[periods::News],
    ) -> Result<(), ReconcileFault> {
        let mut notices = events::transitions(&self.before, &status.conditions);
        notices.extend(events::loads(news));
        self.write(memory, base, status).await?;
        let object = self.account.object_ref(&());
        events::publish(&self.context.recorder, &object, &notices).await;
        Ok(())
    }

    /// Writes a status if it differs; the base for the next write.
    async fn write(
        &self,
        memory: &mut Memory,
        base: &Base,
        mut status: AwsCostAccountStatus,
    ) -> Result<Base, ReconcileFault> {
        // Lists show it before AWS was asked, and where it never is.
        if let Some(account) = validate::named_account(&self.account.spec) {
            status.identity.get_or_insert_default().account_id = Some(account.to_string());
        }
        let written =
            patch::status(&self.api(), &self.owner.name, &base.version, &base.status, &status).await?;
        let Some(after) = written else {
            return Ok(Base { status, version: base.version.clone() });
        };
        let mut before = memory.written.take().map(|written| written.before).unwrap_or_default();
        before.push(base.version.clone());
        // The watch is never more than a few versions behind.
        before.drain(..before.len().saturating_sub(KEPT_VERSIONS));
        memory.written = Some(Written { before, after: after.clone(), status: status.clone() });
        Ok(Base { status, version: after })
    }

    /// What follows from ends that are stored: Jobs that are given up go, and the others need no second look at their pods.
    async fn settle(&self, memory: &mut Memory, jobs: &[LoadJob]) -> Result<(), ReconcileFault> {
        memory.settled.retain(|name| self.stores.jobs.named(&self.owner, name).is_some());
        for job in jobs {
            if let Some(uid) = job.given_up.clone() {
                apply::delete_given_up(self.context, &self.owner, &job.name, uid).await?;
                tracing::info!(job = job.name, "stopped a load whose pod never started");
            }
            if job.state.ended_at().is_some() {
                memory.settled.insert(job.name.clone());
            }
        }
        Ok(())
    }
}

fn operator_identity(own: &Caller) -> OperatorIdentity {
    OperatorIdentity { account_id: own.account.to_string(), principal: principal(own) }
}

fn report_status(kind: Option<ReportKind>, periods: &Periods, old: &AwsCostAccountStatus) -> ReportStatus {
    let before = old.report.clone().unwrap_or_default();
    ReportStatus {
        kind: kind.map(|kind| kind.to_string()).or(before.kind),
        last_delivery: periods.list.iter().filter_map(|period| period.delivered).max(),
    }
}

fn until(next: Timestamp, now: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(next.duration_since(now)).unwrap_or_default()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[cfg(test)]
mod tests;
