//! Ready, Reconciling and Stalled: what all layers come to, so that kstatus and people agree.

use crate::{
    api::{
        conditions::Saying,
        status::{Failure, FailureClass},
    },
    connection::ExternalIdPolicy,
    controller::{loads::decide::used_up, status::AccountState},
    model::{
        ConditionStatus, ConditionType, Guide, Reason, Severity,
        layers::{LAYERS, Layer, ReadyTerms},
    },
};

/// The summary of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadySummary {
    ready: Saying,
    also: Option<Saying>,
}

impl ReadySummary {
    pub(super) fn of(picture: &AccountState<'_>, sayings: &[Saying]) -> Self {
        let mut broken: Vec<&Saying> =
            LAYERS.iter().filter_map(|layer| holding_down(layer, picture, sayings)).collect();
        // What is wrong with a place that is not the report's follows from that.
        if let Some(report) = broken.iter().position(|saying| saying.reason.misnames_report()) {
            let bucket = broken.iter().position(|saying| saying.type_ == ConditionType::BucketReadable);
            broken.swap(bucket.unwrap_or(report), report);
        }
        match broken.iter().find(|saying| saying.status == ConditionStatus::False) {
            Some(failed) if waiting_retry(failed, picture) => Self::retrying(failed.reason, &failed.message),
            Some(failed) => Self::stalled(failed.reason, &failed.message),
            None => broken.first().map_or_else(Self::ready, |unknown| Self::unknown(unknown)),
        }
    }

    fn ready() -> Self {
        let message = "Everything that must work does.";
        Self {
            ready: Saying::new(ConditionType::Ready, ConditionStatus::True, Reason::Succeeded, message),
            also: None,
        }
    }

    /// Only a person can fix it.
    pub fn stalled(reason: Reason, message: &str) -> Self {
        Self {
            ready: Saying::new(ConditionType::Ready, ConditionStatus::False, reason, message),
            also: Some(Saying::new(ConditionType::Stalled, ConditionStatus::True, reason, message)),
        }
    }

    /// Broken, and tried again by itself.
    pub fn retrying(reason: Reason, message: &str) -> Self {
        Self::reconciling(Saying::new(ConditionType::Ready, ConditionStatus::False, reason, message))
    }

    /// Ready, and beside it that the object is worked on.
    pub fn reconciling(ready: Saying) -> Self {
        let reason = match ready.status {
            ConditionStatus::False => Reason::ProgressingWithRetry,
            _ => Reason::Progressing,
        };
        let message = ready.message.clone();
        let also = Saying::new(ConditionType::Reconciling, ConditionStatus::True, reason, message);
        Self { ready, also: Some(also) }
    }

    /// It can't be told yet.
    pub fn unknown(saying: &Saying) -> Self {
        let reason = match Guide::to(saying.reason).severity {
            Severity::Waiting => Reason::Progressing,
            _ => Reason::ProgressingWithRetry,
        };
        let message = format!("{}: {}", saying.type_, saying.message);
        let say = |type_, status| Saying::new(type_, status, reason, message.clone());
        Self {
            ready: say(ConditionType::Ready, ConditionStatus::Unknown),
            also: Some(say(ConditionType::Reconciling, ConditionStatus::True)),
        }
    }

    /// Reconciling or Stalled first, as kstatus reads them in order; then Ready.
    pub fn sayings(&self) -> Vec<Saying> {
        self.also.iter().chain([&self.ready]).cloned().collect()
    }
}

/// The layer beside those that the data needs that keeps loads from starting, if one does.
pub(super) fn holding_loads(picture: &AccountState<'_>, sayings: &[Saying]) -> Option<ConditionType> {
    let data = Layer::of(ConditionType::DataCurrent)?;
    let beside = |layer: &&Layer| *layer != data && !data.needs(layer.condition);
    let held = |layer: &Layer| holding_down(layer, picture, sayings).map(|saying| saying.type_);
    LAYERS.iter().filter(beside).find_map(held)
}

/// What a layer says, if Ready can't be True because of it.
fn holding_down<'a>(layer: &Layer, picture: &AccountState<'_>, sayings: &'a [Saying]) -> Option<&'a Saying> {
    let terms = ReadyTerms {
        external_id_enforced: picture.external_id_policy == ExternalIdPolicy::Enforce,
        retries_used_up: exhausted_failures(picture).next().is_some(),
    };
    let saying = sayings.iter().find(|saying| saying.type_ == layer.condition)?;
    layer.holds_ready_down(saying.status, terms).then_some(saying)
}

/// Failures whose quick retries are used up.
fn exhausted_failures<'a>(picture: &'a AccountState<'_>) -> impl Iterator<Item = &'a Failure> {
    let periods = picture.bill.as_ref().map(|bill| bill.periods.list.as_slice()).unwrap_or_default();
    periods
        .iter()
        .filter_map(|period| {
            period
                .failure
                .as_ref()
                .filter(|failure| Some(&failure.version) == period.delivered_version.as_ref())
        })
        .filter(|failure| used_up(failure))
}

/// True if what is broken is tried again by itself, if only every few hours.
fn waiting_retry(saying: &Saying, picture: &AccountState<'_>) -> bool {
    match saying.type_ {
        ConditionType::DataCurrent => exhausted_failures(picture)
            .all(|failure| !matches!(failure.class, FailureClass::Data | FailureClass::Configuration)),
        ConditionType::WarehouseReady => picture.bill.as_ref().is_some_and(|bill| bill.warehouse_retries),
        _ => false,
    }
}
