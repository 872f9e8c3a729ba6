//! What holds Ready down (docs/design/0002-conditions.md), layer by layer: a mutation of a healthy picture, and what the
//! summary says.

use jiff::SignedDuration;

struct World {
    findings: Vec<Finding>,
    policy: ExternalIdPolicy,
    warehouse: Saying,
    jobs: Vec<LoadJob>,
    queued: usize,
    old: AwsCostAccountStatus,
    now: Timestamp,
}

impl World {
    fn healthy() -> Self {
        let pass = |condition, reason| Finding::pass(condition, reason, "fine");
        Self {
            findings: vec![
                pass(ConditionType::RoleAssumable, Reason::RoleAssumed),
                pass(ConditionType::ExternalIdEnforced, Reason::Enforced),
                pass(ConditionType::AccountTypeVerified, Reason::Verified),
                pass(ConditionType::BucketReadable, Reason::Readable),
                pass(ConditionType::ReportConfigured, Reason::Configured),
                pass(ConditionType::ReportDelivered, Reason::Delivered),
                pass(ConditionType::HistoryComplete, Reason::Complete),
            ],
            policy: ExternalIdPolicy::Enforce,
            warehouse: Saying::new(
                ConditionType::WarehouseReady,
                ConditionStatus::True,
                Reason::ProbeSucceeded,
                "fine",
            ),
            jobs: vec![job("2026-11", "v1", 1, done(-5, report("2026-11", 7, false)))],
            queued: 0,
            old: AwsCostAccountStatus::default(),
            now: at(0),
        }
    }

    fn find(&mut self, type_: ConditionType) -> &mut Finding {
        self.findings.iter_mut().find(|finding| finding.condition == type_).expect("a finding")
    }

    fn set(&mut self, type_: ConditionType, verdict: Verdict, reason: Reason) {
        *self.find(type_) = Finding::kept(type_, verdict, reason, "words");
    }

    fn build(&self) -> AwsCostAccountStatus {
        let periods = periods::update_periods(
            &self.old.periods,
            &periods::wanted_months(1, self.now),
            Some(&[found("2026-11", "v1")]),
            &self.jobs,
            self.now,
        );
        build_status(&AccountState {
            old: &self.old,
            generation: Some(3),
            reconcile_at: None,
            findings: &self.findings,
            external_id_policy: self.policy,
            bill: Some(BillState {
                warehouse: self.warehouse.clone(),
                warehouse_retries: self.warehouse.reason == Reason::ProbeFailed,
                periods: &periods,
                jobs: &self.jobs,
                created: &[],
                queued: self.queued,
                blockage: None,
                missing: Vec::new(),
                report: ReportStatus::default(),
                bucket: BucketStatus::default(),
            }),
            identity: Identity::default(),
            now: self.now,
        })
    }
}

/// Ready's status and reason, and whether Reconciling or Stalled stands beside it.
fn summary(status: &AwsCostAccountStatus) -> (String, String, &'static str) {
    let find = |type_| conditions::find_condition(&status.conditions, type_);
    let ready = find(ConditionType::Ready).expect("Ready is always there");
    let also = match (find(ConditionType::Reconciling), find(ConditionType::Stalled)) {
        (None, None) => "",
        (Some(_), None) => "Reconciling",
        (None, Some(_)) => "Stalled",
        (Some(_), Some(_)) => "both",
    };
    (ready.status.clone(), ready.reason.clone(), also)
}

#[test]
fn the_summary_of_every_layer() {
    type Row = (fn(&mut World), (&'static str, &'static str, &'static str));
    use ConditionType as T;
    let table: [Row; 20] = [
        (|_| {}, ("True", "Succeeded", "")),
        (
            |w| w.set(T::RoleAssumable, Verdict::Fail, Reason::AssumeRoleDenied),
            ("False", "AssumeRoleDenied", "Stalled"),
        ),
        (
            |w| w.set(T::RoleAssumable, Verdict::Unknown, Reason::Throttled),
            ("Unknown", "ProgressingWithRetry", "Reconciling"),
        ),
        (
            |w| w.set(T::RoleAssumable, Verdict::Unknown, Reason::NotChecked),
            ("Unknown", "Progressing", "Reconciling"),
        ),
        (
            |w| w.set(T::ExternalIdEnforced, Verdict::Fail, Reason::NotEnforced),
            ("False", "NotEnforced", "Stalled"),
        ),
        (
            |w| {
                w.policy = ExternalIdPolicy::Warn;
                w.set(T::ExternalIdEnforced, Verdict::Fail, Reason::NotEnforced);
            },
            ("True", "Succeeded", ""),
        ),
        (
            |w| w.set(T::AccountTypeVerified, Verdict::Unknown, Reason::OrganizationReadDenied),
            ("True", "Succeeded", ""),
        ),
        (
            |w| w.set(T::AccountTypeVerified, Verdict::Fail, Reason::NotInOrganization),
            ("False", "NotInOrganization", "Stalled"),
        ),
        (
            |w| w.set(T::BucketReadable, Verdict::Fail, Reason::BucketNotFound),
            ("False", "BucketNotFound", "Stalled"),
        ),
        (
            |w| {
                w.set(T::BucketReadable, Verdict::Fail, Reason::BucketListDenied);
                w.set(T::ReportConfigured, Verdict::Fail, Reason::ReportNotFound);
            },
            ("False", "ReportNotFound", "Stalled"),
        ),
        (|w| w.set(T::ReportDelivered, Verdict::Fail, Reason::DeliveryStale), ("True", "Succeeded", "")),
        (
            |w| w.set(T::ReportDelivered, Verdict::Unknown, Reason::AwaitingFirstDelivery),
            ("True", "Succeeded", ""),
        ),
        (|w| w.set(T::HistoryComplete, Verdict::Fail, Reason::MonthsMissing), ("True", "Succeeded", "")),
        (
            |w| {
                w.warehouse.status = ConditionStatus::Unknown;
                w.warehouse.reason = Reason::Probing;
            },
            ("Unknown", "Progressing", "Reconciling"),
        ),
        (
            |w| {
                w.warehouse.status = ConditionStatus::False;
                w.warehouse.reason = Reason::WarehouseNotFound;
            },
            ("False", "WarehouseNotFound", "Stalled"),
        ),
        (
            |w| {
                w.warehouse.status = ConditionStatus::False;
                w.warehouse.reason = Reason::ProbeFailed;
            },
            ("False", "ProbeFailed", "Reconciling"),
        ),
        (
            |w| {
                w.jobs =
                    vec![job("2026-11", "v1", 1, failed(-5, FailureClass::Transient, Reason::JobFailed))];
            },
            ("True", "Succeeded", ""),
        ),
        (
            |w| {
                let end = failed(-5, FailureClass::Conflict, Reason::DuplicateConnection);
                w.jobs = vec![job("2026-11", "v1", 1, end)];
            },
            ("False", "DuplicateConnection", "Reconciling"),
        ),
        (
            |w| {
                w.jobs = vec![job("2026-11", "v1", 1, failed(-5, FailureClass::Data, Reason::ParseFailed))];
            },
            ("False", "ParseFailed", "Stalled"),
        ),
        (
            |w| {
                w.jobs = (1..=4)
                    .map(|n| {
                        job("2026-11", "v1", n, failed(n.into(), FailureClass::Lost, Reason::OutOfMemory))
                    })
                    .collect();
            },
            ("False", "OutOfMemory", "Reconciling"),
        ),
    ];
    for (index, (mutate, (ready, reason, also))) in table.into_iter().enumerate() {
        let mut world = World::healthy();
        mutate(&mut world);
        assert_eq!(summary(&world.build()), (ready.to_owned(), reason.to_owned(), also), "row {index}");
    }
}

/// Status and reason of one condition.
fn condition(status: &AwsCostAccountStatus, type_: ConditionType) -> (String, String) {
    let condition = conditions::find_condition(&status.conditions, type_).expect("it applies");
    (condition.status.clone(), condition.reason.clone())
}

#[test]
fn how_far_the_data_is() {
    type Row = (fn(&mut World), (&'static str, &'static str), (&'static str, &'static str));
    use ConditionType as T;
    let table: [Row; 9] = [
        (|_| {}, ("True", "Current"), ("True", "TotalsEqual")),
        (|w| w.jobs.clear(), ("False", "Queued"), ("Unknown", "BlockedByData")),
        (
            |w| {
                w.jobs = vec![job("2026-11", "v1", 1, JobState::Active(PodBlocker::None))];
            },
            ("False", "Loading"),
            ("Unknown", "BlockedByData"),
        ),
        (
            |w| {
                w.jobs = vec![job("2026-11", "v1", 1, JobState::Active(PodBlocker::Unschedulable))];
            },
            ("False", "Unschedulable"),
            ("Unknown", "BlockedByData"),
        ),
        (
            |w| {
                w.jobs = vec![job("2026-11", "v1", 1, failed(-5, FailureClass::Lost, Reason::OutOfMemory))];
            },
            ("False", "OutOfMemory"),
            ("Unknown", "BlockedByData"),
        ),
        (
            |w| {
                w.jobs = vec![job("2026-11", "v1", 1, failed(-5, FailureClass::Data, Reason::TotalsDiffer))];
            },
            ("False", "TotalsDiffer"),
            ("False", "TotalsDiffer"),
        ),
        (
            |w| w.set(T::RoleAssumable, Verdict::Fail, Reason::AssumeRoleDenied),
            ("Unknown", "BlockedByRole"),
            ("True", "TotalsEqual"),
        ),
        (
            |w| {
                w.jobs.clear();
                w.warehouse.status = ConditionStatus::False;
            },
            ("Unknown", "BlockedByWarehouse"),
            ("Unknown", "BlockedByWarehouse"),
        ),
        (
            |w| w.set(T::ReportDelivered, Verdict::Fail, Reason::DeliveryStale),
            ("True", "Current"),
            ("True", "TotalsEqual"),
        ),
    ];
    for (index, (mutate, data, totals)) in table.into_iter().enumerate() {
        let mut world = World::healthy();
        mutate(&mut world);
        let status = world.build();
        let own = |(status, reason): (&str, &str)| (status.to_owned(), reason.to_owned());
        assert_eq!(condition(&status, T::DataCurrent), own(data), "data, row {index}");
        assert_eq!(condition(&status, T::TotalsVerified), own(totals), "totals, row {index}");
    }
}

use crate::{
    api::status::{FailureClass, PeriodState, PeriodStatus},
    connection::Verdict,
    controller::{
        jobs::observed::{JobState, PodBlocker},
        loads::periods::{
            self,
            tests::{at, done, failed, found, job, period, report, version},
        },
        status::*,
    },
    model::Amount,
};

#[test]
fn the_same_picture_later_gives_an_equal_status() {
    let mut world = World::healthy();
    let first = world.build();
    world.old = first.clone();
    world.now = at(600);
    assert_eq!(world.build(), first, "nothing in status follows the clock");
    world.jobs.clear();
    assert_eq!(world.build(), first, "what a removed Job said is kept");
}

#[test]
fn last_success_is_when_the_job_ended() {
    let status = World::healthy().build();
    assert_eq!(
        status.ingestion.and_then(|ingestion| ingestion.last_success),
        Some(at(0) - SignedDuration::from_mins(5))
    );
}

#[test]
fn a_new_generation_is_seen_at_once_and_keeps_the_other_conditions() {
    let old = World::healthy().build();
    let status = progressing_status(&old, Some(4), at(1));
    assert_eq!(summary(&status), ("Unknown".to_owned(), "Progressing".to_owned(), "Reconciling"));
    assert_eq!(status.observed_generation, Some(4));
    assert_eq!(condition(&status, ConditionType::BucketReadable).0, "True");
    assert_eq!(status.conditions[0].type_, "Reconciling", "kstatus reads in order");
}

#[test]
fn suspended_objects_keep_their_conditions() {
    let old = World::healthy().build();
    let status = suspended_status(&old, Some(9), Some("now"), None, at(1));
    assert_eq!(status.conditions, old.conditions);
    assert_eq!(
        (status.observed_generation, status.last_handled_reconcile_at.as_deref()),
        (Some(9), Some("now"))
    );
    let fresh = suspended_status(&AwsCostAccountStatus::default(), Some(1), None, None, at(1));
    assert_eq!(summary(&fresh), ("Unknown".to_owned(), "NotChecked".to_owned(), ""));
}

#[test]
fn lists_show_the_newest_loaded_month_and_a_total_of_one_currency() {
    let month = |text: &str, loaded: bool, totals: &[(&str, &str)]| PeriodStatus {
        period: period(text),
        state: PeriodState::Open,
        delivered_version: Some(version("v")),
        delivered: None,
        version: loaded.then(|| version("v")),
        loaded: None,
        rows: None,
        totals: totals
            .iter()
            .map(|(currency, total)| {
                ((*currency).to_owned(), Amount::parse(total.as_bytes()).expect("a number").amount)
            })
            .collect(),
        failure: None,
    };
    let shown = |list: Vec<PeriodStatus>| {
        let (month, total) = newest_load(&Periods { list, loaded: Vec::new(), failed: false });
        (month.map(|month| month.to_string()), total)
    };
    let (text, total) = (|text: &str| Some(text.to_owned()), "108716.416629522563693978");
    let october = month("2026-10", true, &[("USD", total)]);
    assert_eq!(shown(vec![]), (None, None));
    assert_eq!(shown(vec![month("2026-11", false, &[])]), (None, None), "nothing is loaded");
    assert_eq!(
        shown(vec![month("2026-11", false, &[]), october.clone()]),
        (text("2026-10"), text("108716.42 USD"))
    );
    let two = month("2026-11", true, &[("EUR", "1"), ("USD", "1")]);
    assert_eq!(shown(vec![two, october]), (text("2026-11"), None), "currencies are never added up");
}
