//! What an account comes to: from what AWS answered, what is delivered and how Jobs ended to findings and months. Pure.
//!
//! The operator judges with what it remembers, `awscost check` once and from nothing, so that both say the same of the same
//! world.

use jiff::Timestamp;

use super::restart::EarlierVerdicts;
use crate::{
    api::{
        AwsCostAccountStatus,
        status::{BucketStatus, Identity, LastAssumedStatus as StoredAssumption, PeriodStatus, ReportStatus},
    },
    aws::{Aws, AwsFault},
    connection::{
        ExternalIdPolicy, Facts, Finding, LastAssumed, Sessions, Target, Verdict,
        checks::{self, ExpectedDeliveries},
    },
    controller::{
        deliveries,
        error::Blockage,
        jobs::observed::LoadJob,
        loads::periods::{self, Periods},
        status::{AccountState, BillState},
        validate::{Bill, ValidAccount},
        warehouse::as_seen::WarehouseView,
    },
    model::{BillingPeriod, ConditionType, ReportKind},
};

/// What was learnt of an account from AWS.
#[derive(Debug, Default)]
pub struct AwsKnowledge {
    /// Its answers, by fact, each with its age.
    pub facts: Facts,
    /// Sessions of the last probes.
    pub sessions: Sessions,
}

impl AwsKnowledge {
    /// Lists what is delivered of a bill, in the session a Job would get; not at all without one.
    pub async fn list_deliveries(
        &mut self,
        aws: &Aws,
        bill: &Bill,
        kind: Option<ReportKind>,
        now: Timestamp,
    ) {
        if let Some(session) = self.sessions.ingest(now).cloned() {
            let listed = deliveries::list_report(aws, &session, bill, kind, now).await;
            self.facts.deliveries.record(now, listed);
        }
    }
}

/// An account, and whether AWS may be asked about it.
pub struct AccountAdmission<'a> {
    /// The account as declared.
    pub valid: &'a ValidAccount,
    /// Whether it may, and with what.
    pub outcome: AdmissionOutcome,
}

/// Whether AWS may be asked about an account.
pub enum AdmissionOutcome {
    /// It may, with these parts.
    Admitted {
        /// What it is asked with.
        target: Box<Target>,
        /// The versions of the Secrets that are in it.
        secrets: Option<String>,
        /// Set where a role would have to be assumed by an operator that can't tell who it is itself. The role could lie in
        /// the operator's own account, which needs a tenancy rule that names it: so nothing is asked.
        unknown_self: Option<AwsFault>,
    },
    /// It may not, as the gate says.
    Refused {
        /// What RoleAssumable says instead of a probe's result.
        finding: Finding,
        /// When it is judged again though nothing changed.
        retry_at: Timestamp,
    },
}

/// What an account is judged by.
pub struct AccountEvidence<'a> {
    /// What AWS said, as it is remembered.
    pub aws: &'a AwsKnowledge,
    /// The status that stands.
    pub stored: &'a AwsCostAccountStatus,
    /// The months that were loaded at some time, as some status has them. Once one is, the report and its place are right.
    pub months: &'a [PeriodStatus],
    /// Its Jobs whose end is not stored yet.
    pub jobs: &'a [LoadJob],
    /// The warehouse it names.
    pub warehouse: Option<WarehouseView>,
    /// When it began to wait for a first delivery.
    pub since: Timestamp,
    /// Verdicts from before a restart.
    pub earlier: Option<EarlierVerdicts<'a>>,
    /// The moment of this reconcile.
    pub now: Timestamp,
}

/// What an account comes to.
pub struct JudgedAccount<'a> {
    /// The account as declared.
    pub valid: &'a ValidAccount,
    /// What loads are started with; absent where AWS must not be asked.
    pub target: Option<&'a Target>,
    /// Every layer that applies, on AWS's side.
    pub findings: Vec<Finding>,
    /// The family the report turned out to be of.
    pub kind: Option<ReportKind>,
    /// The bill; absent for an account that has none to load.
    pub bill: Option<JudgedBill<'a>>,
}

/// What a bill comes to.
pub struct JudgedBill<'a> {
    /// What is to be loaded.
    pub bill: &'a Bill,
    /// The wanted months, newest first.
    pub wanted: Vec<BillingPeriod>,
    /// What is delivered and loaded of them.
    pub periods: Periods,
    /// Those that were never delivered.
    pub missing: Vec<BillingPeriod>,
    /// The warehouse they are loaded into.
    pub warehouse: WarehouseView,
}

/// How far loads are.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadProgress<'a> {
    /// The account's Jobs, with how far each is.
    pub jobs: &'a [LoadJob],
    /// Jobs that were just created.
    pub created: &'a [String],
    /// Loads that wait for their turn.
    pub queued: usize,
    /// What keeps Jobs from being created.
    pub blockage: Option<&'a Blockage>,
}

/// Judges an account by what is known of it.
pub fn judge_account<'a>(
    admission: &'a AccountAdmission<'_>,
    evidence: &AccountEvidence<'_>,
) -> JudgedAccount<'a> {
    let valid = admission.valid;
    let mut judged = JudgedAccount { valid, target: None, findings: Vec::new(), kind: None, bill: None };
    match &admission.outcome {
        AdmissionOutcome::Refused { finding, .. } => {
            judged.findings = checks::shut(finding.clone(), valid.parts());
        }
        AdmissionOutcome::Admitted { target, unknown_self, .. } => {
            judged.target = unknown_self.is_none().then_some(target.as_ref());
            // Of an operator that does not know itself too: what was probed before stays known.
            judged.kind = checks::report_kind(&evidence.aws.facts, target);
            judged.findings =
                judge_connection(&evidence.aws.facts, target, evidence.earlier.as_ref(), evidence.now);
            if let Some(bill) = &valid.bill {
                let expected = expected_deliveries(bill, judged.kind, evidence);
                let mut upper =
                    checks::check_deliveries(&judged.findings, &evidence.aws.facts, &expected, evidence.now);
                if let Some(earlier) = &evidence.earlier {
                    earlier.keep_standing(&mut upper, evidence.now);
                }
                judged.findings.extend(upper);
            }
        }
    }
    judged.bill = valid.bill.as_ref().zip(evidence.warehouse.clone()).map(|(bill, warehouse)| {
        // Not listed since the start: what an earlier process found missing is missing still.
        let facts = &evidence.aws.facts;
        let missing = match facts.deliveries.listed() {
            Some(_) => {
                let expected = expected_deliveries(bill, judged.kind, evidence);
                checks::months_never_delivered(facts, &expected, evidence.now)
            }
            None => evidence.stored.history.clone().unwrap_or_default().missing,
        };
        let (wanted, listed) = (periods::wanted_months(bill.months, evidence.now), facts.deliveries.listed());
        let periods =
            periods::update_periods(&evidence.stored.periods, &wanted, listed, evidence.jobs, evidence.now);
        JudgedBill { bill, wanted, periods, missing, warehouse }
    });
    judged
}

/// The layers below deliveries. A probe that gave no answer leaves what an earlier one said.
pub fn judge_connection(
    facts: &Facts,
    target: &Target,
    earlier: Option<&EarlierVerdicts<'_>>,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = checks::run(facts, target, now);
    if let Some(earlier) = earlier {
        earlier.keep_standing(&mut findings, now);
    }
    findings
}

/// True if the layers below let deliveries be listed.
pub fn may_list(below: &[Finding]) -> bool {
    below
        .iter()
        .any(|finding| finding.condition == ConditionType::BucketReadable && finding.verdict == Verdict::Pass)
}

fn expected_deliveries<'a>(
    bill: &'a Bill,
    kind: Option<ReportKind>,
    evidence: &AccountEvidence<'_>,
) -> ExpectedDeliveries<'a> {
    let loaded = evidence.months.iter().filter(|status| status.version.is_some());
    ExpectedDeliveries {
        report: &bill.report,
        kind,
        months: bill.months,
        freshness: bill.freshness,
        loaded: loaded.map(|status| status.period).collect(),
        since: evidence.since,
    }
}

impl<'a> JudgedAccount<'a> {
    /// What a status says of it. Who asked, and as whom AWS was asked, is for the caller to add.
    pub fn account_state(
        &'a self,
        stored: &'a AwsCostAccountStatus,
        progress: &LoadProgress<'a>,
        now: Timestamp,
    ) -> AccountState<'a> {
        AccountState {
            old: stored,
            generation: None,
            reconcile_at: None,
            findings: &self.findings,
            external_id_policy: self.valid.role().map_or(ExternalIdPolicy::Warn, |role| role.policy),
            bill: self.bill.as_ref().map(|bill| BillState {
                warehouse: bill.warehouse.saying.clone(),
                warehouse_retries: bill.warehouse.retries,
                periods: &bill.periods,
                jobs: progress.jobs,
                created: progress.created,
                queued: progress.queued,
                blockage: progress.blockage.cloned(),
                missing: bill.missing.clone(),
                report: report_status(self.kind, &bill.periods, stored),
                bucket: BucketStatus { region: Some(bill.bill.report.region.to_string()) },
            }),
            identity: Identity::default(),
            now,
        }
    }
}

fn report_status(kind: Option<ReportKind>, periods: &Periods, stored: &AwsCostAccountStatus) -> ReportStatus {
    let before = stored.report.clone().unwrap_or_default();
    ReportStatus {
        kind: kind.map(|kind| kind.to_string()).or(before.kind),
        last_delivery: periods.list.iter().filter_map(|period| period.delivered).max(),
    }
}

/// The last success of AssumeRole as status keeps it.
pub fn last_assumed(identity: &Identity) -> Option<LastAssumed> {
    let StoredAssumption { role_arn, secret_version, principal } = identity.last_assumed.clone()?;
    Some(LastAssumed { role: role_arn.parse().ok()?, secret_version, principal })
}
