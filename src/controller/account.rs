//! One pass over one AwsCostAccount: observe → validate → check → decide → apply → status → patch.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt, api::Api};
use sha2::{Digest, Sha256};

use super::{
    apply::{self, Loader, Started},
    context::{Answered, Context, GuardedAccount, Memory, Stores, Written},
    decide::{self, Situation},
    delivered::Question,
    error::{ASK_FOR_TURN, DELIVERY_UNDER_WAY, LONGEST_WAIT, ReconcileFault, SHORTEST_WAIT, WATCH_PODS},
    events, gate,
    job::{Owner, WarehouseOf},
    observe::{self, SecretSight},
    patch,
    periods::{self, Periods},
    session,
    sight::{JobState, LoadJob},
    slots,
    standing::{self, WarehouseSight},
    status::{self, BillPicture, Picture},
    validate::{self, Bill, ValidAccount},
};
use crate::{
    api::{
        AwsCostAccount, AwsCostAccountStatus, RECONCILE_ALIASES, RECONCILE_AT, conditions,
        status::{BucketStatus, Identity, ReportStatus},
    },
    aws::{AwsFault, traits::Membership},
    connection::{Finding, Look, Target, Verdict, checks, gather},
    model::{ConditionStatus, ConditionType},
    telemetry::metrics::AccountGauges,
};

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
    let now = Timestamp::now();
    let namespace = object.namespace().unwrap_or_default();
    let Some(stores) = context.stores(&namespace) else { return Ok(LONGEST_WAIT) };
    if object.meta().deletion_timestamp.is_some() {
        return Ok(LONGEST_WAIT);
    }
    let account = match &object.0 {
        Ok(account) => account,
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
        owner: Owner { kind: "AwsCostAccount", namespace, name: account.name_any(), uid },
        wish: wish(account.annotations()),
        now,
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
        let valid = match validate::account(&self.account.spec) {
            Ok(valid) => valid,
            Err(problem) => {
                self.context.visit(&self.owner.uid);
                let status =
                    standing::invalid_spec(&base.status, self.generation(), &problem.to_string(), self.now);
                self.finish(memory, &base, status, &[]).await?;
                return Ok(LONGEST_WAIT);
            }
        };
        let jobs = self.jobs(memory).await?;
        if self.account.spec.suspend == Some(true) {
            return self.suspended(memory, &base, &valid, &jobs).await;
        }
        if base.status.observed_generation != self.generation() {
            let early = status::progressing(&base.status, self.generation(), self.now);
            base = self.write(memory, &base, early).await?;
        }
        self.look(memory, base, valid, jobs).await
    }

    async fn jobs(&self, memory: &Memory) -> Result<Vec<LoadJob>, ReconcileFault> {
        let settled = &memory.settled;
        observe::load_jobs(self.context, self.stores, &self.owner.namespace, &self.owner.uid, settled).await
    }

    /// No looks, no new Jobs; what runs ends normally.
    async fn suspended(
        &self,
        memory: &mut Memory,
        base: &Base,
        valid: &ValidAccount,
        jobs: &[LoadJob],
    ) -> Result<std::time::Duration, ReconcileFault> {
        let secret = self.secret(memory, valid).await?;
        self.note_external_id(&secret);
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
        self.note_settled(memory, jobs);
        if let Some(bill) = &valid.bill {
            let target = match secret {
                SecretSight::Usable(id) => Some(valid.target(id, self.context.own_region.as_ref())),
                _ => None,
            };
            // A running Job's session is renewed all the same.
            self.keep_sessions(target.as_ref(), valid, bill, jobs, &[]).await?;
        }
        Ok(if observe::any_active(jobs) { WATCH_PODS } else { LONGEST_WAIT })
    }

    /// Tells the registry which external ID this object uses.
    fn note_external_id(&self, secret: &SecretSight) {
        let created = self.account.creation_timestamp().map_or(self.now, |time| time.0);
        let usable = match secret {
            SecretSight::Usable(id) => Some(id),
            _ => None,
        };
        self.context.external_ids().note(&self.owner.uid, &self.owner.namespace, created, usable);
        self.context.visit(&self.owner.uid);
    }

    /// The external ID, read again only when its Secret changed.
    async fn secret(&self, memory: &mut Memory, valid: &ValidAccount) -> Result<SecretSight, ReconcileFault> {
        let version = observe::secret_version(self.stores, &self.owner.namespace, &valid.secret.name);
        let Some(version) = version else {
            memory.external_id = None;
            return Ok(SecretSight::NotUsable);
        };
        let key = format!("{version}/{}/{}", valid.secret.name, valid.secret.key);
        if let Some((known, sight)) = &memory.external_id
            && *known == key
        {
            return Ok(sight.clone());
        }
        let sight = observe::external_id(self.context, &self.owner.namespace, &valid.secret).await?;
        memory.external_id = Some((key, sight.clone()));
        Ok(sight)
    }

    async fn look(
        &self,
        memory: &mut Memory,
        base: Base,
        valid: ValidAccount,
        jobs: Vec<LoadJob>,
    ) -> Result<std::time::Duration, ReconcileFault> {
        let secret = self.secret(memory, &valid).await?;
        self.note_external_id(&secret);
        let own = self.context.own_identity(self.now).await;
        let own_account = own.as_ref().ok().map(|caller| &caller.account);
        let tenancy = self.context.settings.tenancy.check(&self.owner.namespace, &valid.role, own_account);
        let reused = self.context.external_ids().is_reused(&self.owner.uid);
        match gate::pass(&valid, &self.owner.namespace, tenancy, &secret, reused) {
            Err(finding) => {
                // What was seen behind an open gate says nothing any more.
                memory.facts = Default::default();
                memory.sessions = Default::default();
                memory.answered = None;
                let findings = gate::shut(*finding, &valid);
                let world = World { findings, target: None, next: self.now + hours(1) };
                self.act(memory, base, valid, jobs, world).await
            }
            Ok(_) if !self.context.settled(self.now) => Ok(SHORTEST_WAIT),
            Ok(id) => {
                let target = valid.target(id, self.context.own_region.as_ref());
                let world = self.ask_aws(memory, &base, &valid, target, own.err()).await;
                self.act(memory, base, valid, jobs, world).await
            }
        }
    }

    /// Looks at AWS as far as facts are due, and runs the checks.
    ///
    /// While the operator does not know who it is itself, no role is assumed: it could lie in the operator's own
    /// account, which needs a rule that names it.
    async fn ask_aws(
        &self,
        memory: &mut Memory,
        base: &Base,
        valid: &ValidAccount,
        target: Target,
        unknown_self: Option<AwsFault>,
    ) -> World {
        let now = self.now;
        let interval = valid.bill.as_ref().map_or_else(|| hours(1), |bill| bill.interval);
        let ages = self.context.ages(interval);
        let secret = observe::secret_version(self.stores, &self.owner.namespace, &valid.secret.name);
        let asked = Answered { generation: self.generation(), secret, wish: self.wish.clone() };
        let spread = memory.answered.is_none()
            && self.account.status.as_ref().and_then(|status| status.observed_generation)
                == self.generation()
            && base.status.last_handled_reconcile_at == self.wish;
        let mut look = match &memory.answered {
            // After a restart facts are gone, and status says what stood: there is time to spread the looks.
            None if spread && now < memory.first_look_at => Look::NONE,
            Some(answered) if *answered == asked => ages.due(&memory.facts, &target, &self.owner.uid, now),
            _ => Look::ALL,
        };
        look.listing |= memory.relist && memory.answered.is_some();
        let known_self = unknown_self.is_none();
        if let Some(fault) = unknown_self {
            memory.facts.base.record(now, Err(fault));
            look = Look::NONE;
        }
        if !look.is_empty() {
            memory.relist = false;
            gather(&self.context.aws, &target, look, &mut memory.facts, &mut memory.sessions, now).await;
            memory.answered = Some(asked);
        }
        let mut findings = checks::run(&memory.facts, &target, now);
        standing::keep_over_restart(
            &mut findings,
            &base.status,
            self.generation(),
            self.context.started,
            now,
        );
        let mut next = match memory.answered {
            _ if !known_self => now + hours(1) / 60,
            Some(_) => ages.next_look(&memory.facts, &target, &self.owner.uid, now),
            None => memory.first_look_at,
        };
        if let Some(bill) = &valid.bill {
            let kind = checks::report_kind(&memory.facts, &target);
            let readable = findings.iter().any(|finding| {
                finding.condition == ConditionType::BucketReadable && finding.verdict == Verdict::Pass
            });
            let due = look.listing || memory.deliveries.in_progress() || memory.deliveries.listed().is_none();
            if readable
                && due
                && let Some(session) = memory.sessions.ingest(now).cloned()
            {
                let wanted = periods::wanted(bill.months, now);
                let deliveries = &mut memory.deliveries;
                observe::look_at_deliveries(
                    &self.context.aws,
                    &session,
                    &bill.report,
                    kind,
                    &wanted,
                    deliveries,
                    now,
                )
                .await;
            }
            let question = Question {
                bill,
                below: &findings,
                facts: &memory.facts,
                kind,
                deliveries: &memory.deliveries,
                since: self.account.creation_timestamp().map_or(now, |time| time.0),
                now,
            };
            let delivered = question.report_delivered();
            let mut upper = vec![question.history_complete(&delivered), delivered];
            upper.reverse();
            standing::keep_over_restart(
                &mut upper,
                &base.status,
                self.generation(),
                self.context.started,
                now,
            );
            findings.extend(upper);
            if memory.deliveries.in_progress() {
                next = next.min(now + signed(DELIVERY_UNDER_WAY));
            }
        }
        World { findings, target: Some(target), next }
    }

    /// Decides on loads, starts them, and writes status.
    async fn act(
        &self,
        memory: &mut Memory,
        base: Base,
        valid: ValidAccount,
        jobs: Vec<LoadJob>,
        world: World,
    ) -> Result<std::time::Duration, ReconcileFault> {
        let now = self.now;
        let Some(bill) = &valid.bill else {
            let picture = self.picture(memory, &base, &valid, &world.findings, None);
            let status = status::build(&picture);
            self.finish(memory, &base, status, &[]).await?;
            return Ok(until(world.next, now));
        };
        let mut findings = world.findings;
        if !findings.iter().any(|finding| finding.condition == ConditionType::ReportDelivered) {
            let role = ConditionType::RoleAssumable;
            findings.push(Finding::blocked(ConditionType::ReportDelivered, role));
            findings.push(Finding::blocked(ConditionType::HistoryComplete, role));
        }
        let wanted = periods::wanted(bill.months, now);
        let listed = memory.deliveries.listed();
        let periods = periods::update(&base.status.periods, &wanted, listed, &jobs, now);
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        let mut next = world.next;
        let loading = self
            .load(
                memory,
                LoadSide {
                    valid: &valid,
                    bill,
                    base: &base,
                    jobs: &jobs,
                    target: world.target.as_ref(),
                    findings: &findings,
                    warehouse: &warehouse,
                    wanted: &wanted,
                },
            )
            .await?;
        next = loading.retry_at.map_or(next, |at| next.min(at));
        let kind = world.target.as_ref().and_then(|target| checks::report_kind(&memory.facts, target));
        let bill_picture = BillPicture {
            warehouse: warehouse.saying.clone(),
            warehouse_retries: warehouse.retries,
            periods: &periods,
            jobs: &jobs,
            created: &loading.started.created,
            queued: loading.started.queued,
            blockage: loading.started.blockage.clone(),
            missing: self.missing(memory, bill, &base),
            report: report_status(kind, &periods, &base.status),
            bucket: BucketStatus { region: Some(bill.report.region.to_string()) },
        };
        let picture = self.picture(memory, &base, &valid, &findings, Some(bill_picture));
        let status = status::build(&picture);
        self.finish(memory, &base, status, &periods.loaded).await?;
        self.note_settled(memory, &jobs);
        let failed = usize::from(periods.failed);
        self.context.metrics.loads(periods.loaded.len(), failed);
        let fresh = &loading.started.created;
        let renewal = self.keep_sessions(world.target.as_ref(), &valid, bill, &jobs, fresh).await?;
        next = renewal.map_or(next, |at| next.min(at));
        if periods.failed {
            // Its retry is decided on the stored status, so in the next pass; a conflict may mean a new version.
            memory.relist = true;
            return Ok(SHORTEST_WAIT);
        }
        let mut wait = until(next, now);
        if observe::any_active(&jobs) || !loading.started.created.is_empty() {
            wait = wait.min(WATCH_PODS);
        }
        if loading.started.queued > 0 {
            wait = wait.min(ASK_FOR_TURN);
        }
        if loading.started.blockage.is_some() {
            wait = wait.min(LONGEST_WAIT / 10);
        }
        Ok(wait)
    }

    /// Starts what may start.
    async fn load(&self, memory: &Memory, side: LoadSide<'_>) -> Result<Loading, ReconcileFault> {
        let mut loading = Loading::default();
        let (Some(target), Some(found)) = (side.target, &side.warehouse.found) else { return Ok(loading) };
        let held = side.findings.iter().any(|finding| checks::holds_ready_down(finding, target));
        if held || side.warehouse.saying.status != ConditionStatus::True {
            return Ok(loading);
        }
        let inputs = self.inputs(side.valid, found);
        let retry_delay =
            self.context.settings.testing.retry_delay.and_then(|delay| SignedDuration::try_from(delay).ok());
        let decision = decide::decide(&Situation {
            wanted: side.wanted,
            stored: &side.base.status.periods,
            found: memory.deliveries.known(),
            jobs: side.jobs,
            inputs: &inputs,
            retry_delay,
            now: self.now,
        });
        loading.retry_at = decision.retry_at;
        if decision.loads.is_empty() {
            return Ok(loading);
        }
        let writers = apply::writers(self.context, &self.owner.namespace, &found.valid).await?;
        let jobs = apply::all_jobs(self.context.all_stores());
        let admission = self.context.slots.take(
            &self.owner.uid,
            (&found.uid, writers),
            decision.loads,
            jobs.iter().map(Arc::as_ref),
            self.now,
        );
        let loader = Loader {
            context: self.context,
            owner: &self.owner,
            account: side.valid,
            bill: side.bill,
            target,
            warehouse: WarehouseOf { uid: &found.uid, spec: &found.valid },
        };
        loading.started = loader.start(admission).await?;
        Ok(loading)
    }

    /// Fingerprint of everything a load depends on besides the version: a change of it is worth another attempt.
    fn inputs(&self, valid: &ValidAccount, warehouse: &standing::FoundWarehouse) -> String {
        let secret = observe::secret_version(self.stores, &self.owner.namespace, &valid.secret.name);
        let text = format!(
            "{:?}\n{secret:?}\n{}\n{:?}\n{}\n{}",
            self.generation(),
            warehouse.fingerprint,
            self.wish,
            env!("CARGO_PKG_VERSION"),
            self.context.jobs.image,
        );
        hex::encode(&Sha256::digest(text)[..8])
    }

    /// Renews session Secrets, as far as the role may be assumed, and removes those that ended; when the next renewal is due.
    async fn keep_sessions(
        &self,
        target: Option<&Target>,
        valid: &ValidAccount,
        bill: &Bill,
        jobs: &[LoadJob],
        fresh: &[String],
    ) -> Result<Option<Timestamp>, ReconcileFault> {
        let all = self.stores.jobs_of(super::job::mark::ACCOUNT_UID, &self.owner.uid);
        let ended = |name: &str| all.iter().any(|job| job.name_any() == name && slots::ended(job));
        let active: Vec<String> = jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Active(_)))
            .map(|job| job.name.clone())
            .collect();
        let secrets = session::of_account(self.stores, &self.owner.uid, &ended);
        let upkeep = session::upkeep(&secrets, &active, fresh, self.now);
        for (name, uid) in &upkeep.delete {
            session::delete(self.context, &self.owner.namespace, name, uid).await?;
        }
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        if let (false, Some(found), Some(target)) = (upkeep.renew.is_empty(), &warehouse.found, target) {
            let loader = Loader {
                context: self.context,
                owner: &self.owner,
                account: valid,
                bill,
                target,
                warehouse: WarehouseOf { uid: &found.uid, spec: &found.valid },
            };
            loader.renew(&upkeep.renew).await?;
        }
        Ok(upkeep.next)
    }

    fn missing(&self, memory: &Memory, bill: &Bill, base: &Base) -> Vec<crate::model::BillingPeriod> {
        if memory.deliveries.listed().is_none() {
            return base.status.history.clone().unwrap_or_default().missing;
        }
        Question {
            bill,
            below: &[],
            facts: &memory.facts,
            kind: None,
            deliveries: &memory.deliveries,
            since: self.now,
            now: self.now,
        }
        .missing()
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
            Some(Membership::InOrganization { management }) => Some(management.to_string()),
            _ => None,
        };
        Picture {
            old: &base.status,
            generation: self.generation(),
            reconcile_at: self.wish.as_deref(),
            findings,
            external_id_policy: valid.external_id_policy,
            bill,
            identity: Identity {
                account_id: Some(valid.account.to_string()),
                management_account_id: management,
            },
            now: self.now,
        }
    }

    /// The final patch, its events and its metrics.
    async fn finish(
        &self,
        memory: &mut Memory,
        base: &Base,
        status: AwsCostAccountStatus,
        news: &[periods::News],
    ) -> Result<(), ReconcileFault> {
        let mut notices = events::transitions(&self.before, &status.conditions);
        notices.extend(events::loads(news));
        self.gauges(&status);
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
        status: AwsCostAccountStatus,
    ) -> Result<Base, ReconcileFault> {
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

    /// Jobs whose end is stored need no second look at their pods.
    fn note_settled(&self, memory: &mut Memory, jobs: &[LoadJob]) {
        let there = self.stores.jobs_of(super::job::mark::ACCOUNT_UID, &self.owner.uid);
        memory.settled.retain(|name| there.iter().any(|job| job.name_any() == *name));
        memory.settled.extend(
            jobs.iter().filter(|job| !matches!(job.state, JobState::Active(_))).map(|job| job.name.clone()),
        );
    }

    fn gauges(&self, status: &AwsCostAccountStatus) {
        let gauges = AccountGauges {
            namespace: self.owner.namespace.clone(),
            name: self.owner.name.clone(),
            conditions: status
                .conditions
                .iter()
                .map(|condition| {
                    [condition.type_.clone(), condition.status.clone(), condition.reason.clone()]
                })
                .collect(),
            suspended: self.account.spec.suspend == Some(true),
            last_success: status
                .ingestion
                .as_ref()
                .and_then(|ingestion| ingestion.last_success)
                .map(Timestamp::as_second),
            delivery: status
                .report
                .as_ref()
                .and_then(|report| report.last_delivery)
                .map(Timestamp::as_second),
            rows: status.periods.iter().filter_map(|period| period.rows).sum(),
        };
        self.context.metrics.account(&self.owner.uid, &gauges);
    }
}

/// What AWS's side came to.
struct World {
    findings: Vec<Finding>,
    target: Option<Target>,
    next: Timestamp,
}

/// What loads are started from.
struct LoadSide<'a> {
    valid: &'a ValidAccount,
    bill: &'a Bill,
    base: &'a Base,
    jobs: &'a [LoadJob],
    target: Option<&'a Target>,
    findings: &'a [Finding],
    warehouse: &'a WarehouseSight,
    wanted: &'a [crate::model::BillingPeriod],
}

/// What came of it.
#[derive(Default)]
struct Loading {
    started: Started,
    retry_at: Option<Timestamp>,
}

fn report_status(
    kind: Option<crate::model::ReportKind>,
    periods: &Periods,
    old: &AwsCostAccountStatus,
) -> ReportStatus {
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

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
