//! The layers of a connection, as one table: what each condition needs, which accounts have it, and when it keeps `Ready`
//! from being True. Checks, the summary and the order of fixes all follow it.

use super::{
    ConditionStatus::{self, False, True, Unknown},
    ConditionType::{self, *},
    Reason,
};

/// One condition, and how it depends on the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// The condition.
    pub condition: ConditionType,
    /// Which accounts have it.
    pub applies: Applies,
    /// When it keeps `Ready` from being True.
    pub ready: HoldsReady,
    /// Who finds it out.
    pub judge: Judge,
    /// What it needs, the lowest layer first: the first that is not there blocks it.
    pub needs: &'static [Need],
    /// The reason of a condition that this one blocks; none if nothing needs it.
    pub blocks_as: Option<Reason>,
    /// The field of the spec that it is about.
    pub field: Field,
    /// How much it matters where it is not as it must be.
    pub weight: Severity,
}

/// A field of an account's spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The one that its condition is about.
    OfCondition,
    /// What the account is reached with: its role, or the Secret with its keys.
    Access,
    /// The Secret that it is reached with.
    Secret,
    /// The one of this path.
    At(&'static str),
    /// The object whole.
    Whole,
}

/// How much a condition matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As it must be.
    Fine,
    /// It takes its time, and nobody needs to do anything.
    Waiting,
    /// It can't be told before another condition holds, or somebody lets it be looked at.
    Blocked,
    /// Nothing is broken, but it could be better.
    Advice,
    /// It could not be told, and should have been.
    Untold,
    /// Broken.
    Error,
}

/// What one condition needs of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// That it is True.
    Holds(ConditionType),
    /// That it is not Unknown: a stale delivery is a delivery, and says which months there are.
    Known(ConditionType),
}

/// Which accounts have a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// All.
    Always,
    /// Those that are reached over a role.
    WithRole,
    /// Those that are reached with the keys of an IAM user.
    WithKeys,
    /// Those with a report to load.
    WithReport,
    /// Those that ask for metrics.
    WithMetrics,
}

/// When a condition keeps `Ready` from being True.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldsReady {
    /// Never: what is loaded stays right, or it is advice.
    Never,
    /// Unless it is True.
    UnlessTrue,
    /// Unless it is True, where the account insists on its external ID.
    UnlessTrueWhereEnforced,
    /// Only when it is False: what can't be told is taken on trust.
    IfFalse,
    /// When it is False and the quick retries of a load are used up: a load at work is nothing wrong.
    OnceRetriesAreUsedUp,
}

/// Who finds a condition out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The checks of the connection, on AWS's side.
    Checks,
    /// What was listed under the report's prefix, once the connection is judged.
    Deliveries,
    /// Status, from the warehouse and the loads.
    Status,
}

/// What an account has, and so which conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountParts {
    /// True if it is reached over a role, else over an IAM user's keys.
    pub role: bool,
    /// True if it has a report.
    pub report: bool,
    /// True if it asks for metrics.
    pub metrics: bool,
}

/// What decides, with a condition's status, whether `Ready` can be True.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyTerms {
    /// The account insists on its external ID.
    pub external_id_enforced: bool,
    /// A load failed as often as it is tried again soon.
    pub retries_used_up: bool,
}

const ON_ROLE: &[Need] = &[Need::Holds(RoleAssumable)];
const ON_REPORT: &[Need] =
    &[Need::Holds(RoleAssumable), Need::Holds(BucketReadable), Need::Holds(ReportConfigured)];
const ON_DELIVERY: &[Need] = &[
    Need::Holds(RoleAssumable),
    Need::Holds(BucketReadable),
    Need::Holds(ReportConfigured),
    Need::Holds(ReportDelivered),
    Need::Holds(WarehouseReady),
];

const REPORT: Field = Field::At("spec.report.name");

/// The table, in the order in which conditions are judged. `Ready` takes the reason of the first one that keeps it from
/// being True.
pub static LAYERS: [Layer; 13] = [
    Layer::new(RoleAssumable, Applies::Always, HoldsReady::UnlessTrue)
        .about(Field::Access)
        .blocking(Reason::BlockedByRole),
    Layer::new(ExternalIdEnforced, Applies::WithRole, HoldsReady::UnlessTrueWhereEnforced)
        .about(Field::Access)
        .needing(ON_ROLE),
    Layer::new(AccountTypeVerified, Applies::Always, HoldsReady::IfFalse)
        .about(Field::At("spec.accountType"))
        .needing(ON_ROLE),
    Layer::new(BucketReadable, Applies::WithReport, HoldsReady::UnlessTrue)
        .about(Field::At("spec.report.bucket.name"))
        .needing(ON_ROLE)
        .blocking(Reason::BlockedByBucket),
    Layer::new(ReportConfigured, Applies::WithReport, HoldsReady::UnlessTrue)
        .about(REPORT)
        .needing(ON_ROLE)
        .blocking(Reason::BlockedByReport),
    Layer::new(PermissionsMinimal, Applies::WithRole, HoldsReady::Never)
        .about(Field::Access)
        .advising()
        .needing(ON_ROLE),
    Layer::new(MetricsReadable, Applies::WithMetrics, HoldsReady::Never)
        .about(Field::At("spec.metrics.region"))
        .advising()
        .needing(ON_ROLE),
    Layer::new(Deprecated, Applies::WithKeys, HoldsReady::Never).about(Field::Access).advising(),
    Layer::new(ReportDelivered, Applies::WithReport, HoldsReady::Never)
        .about(REPORT)
        .needing(ON_REPORT)
        .blocking(Reason::BlockedByDelivery)
        .of_deliveries(),
    Layer::new(HistoryComplete, Applies::WithReport, HoldsReady::Never)
        .about(REPORT)
        .advising()
        .needing(&[Need::Known(ReportDelivered)])
        .of_deliveries(),
    Layer::new(WarehouseReady, Applies::WithReport, HoldsReady::UnlessTrue)
        .about(Field::At("spec.ingestion.warehouseRef.name"))
        .blocking(Reason::BlockedByWarehouse)
        .of_status(),
    Layer::new(DataCurrent, Applies::WithReport, HoldsReady::OnceRetriesAreUsedUp)
        .needing(ON_DELIVERY)
        .blocking(Reason::BlockedByData)
        .of_status(),
    Layer::new(TotalsVerified, Applies::WithReport, HoldsReady::Never)
        .needing(&[Need::Known(DataCurrent)])
        .of_status(),
];

impl Layer {
    const fn new(condition: ConditionType, applies: Applies, ready: HoldsReady) -> Self {
        Self {
            condition,
            applies,
            ready,
            judge: Judge::Checks,
            needs: &[],
            blocks_as: None,
            field: Field::Whole,
            weight: Severity::Error,
        }
    }

    const fn needing(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    const fn blocking(self, reason: Reason) -> Self {
        Self { blocks_as: Some(reason), ..self }
    }

    const fn about(self, field: Field) -> Self {
        Self { field, ..self }
    }

    /// Advice, which holds nothing up.
    const fn advising(self) -> Self {
        Self { weight: Severity::Advice, ..self }
    }

    const fn of_deliveries(self) -> Self {
        Self { judge: Judge::Deliveries, ..self }
    }

    const fn of_status(self) -> Self {
        Self { judge: Judge::Status, ..self }
    }

    /// The layer of a condition; none of a summary.
    pub fn of(condition: ConditionType) -> Option<&'static Self> {
        LAYERS.iter().find(|layer| layer.condition == condition)
    }

    /// True if an account of these parts has the condition.
    pub const fn applies_to(&self, account: AccountParts) -> bool {
        match self.applies {
            Applies::Always => true,
            Applies::WithRole => account.role,
            Applies::WithKeys => !account.role,
            Applies::WithReport => account.report,
            Applies::WithMetrics => account.metrics,
        }
    }

    /// True if `Ready` can't be True because of it.
    pub fn holds_ready_down(&self, status: ConditionStatus, terms: ReadyTerms) -> bool {
        match self.ready {
            HoldsReady::Never => false,
            HoldsReady::UnlessTrue => status != True,
            HoldsReady::UnlessTrueWhereEnforced => status != True && terms.external_id_enforced,
            HoldsReady::IfFalse => status == False,
            HoldsReady::OnceRetriesAreUsedUp => status == False && terms.retries_used_up,
        }
    }

    /// True if it needs a condition, of whatever status.
    pub fn needs(&self, condition: ConditionType) -> bool {
        self.needs.iter().any(|need| need.condition() == condition)
    }

    /// The first condition it needs that is not there. One that the account does not have blocks nothing.
    pub fn blocked_by(
        &self,
        status: impl Fn(ConditionType) -> Option<ConditionStatus>,
    ) -> Option<ConditionType> {
        let missing = |need: &&Need| match (need, status(need.condition())) {
            (_, None) => false,
            (Need::Holds(_), Some(status)) => status != True,
            (Need::Known(_), Some(status)) => status == Unknown,
        };
        self.needs.iter().find(missing).map(Need::condition)
    }
}

impl Need {
    const fn condition(&self) -> ConditionType {
        match self {
            Self::Holds(condition) | Self::Known(condition) => *condition,
        }
    }
}

/// The reason of whatever waits for a condition.
pub fn blocked_reason(by: ConditionType) -> Reason {
    let reason = Layer::of(by).and_then(|layer| layer.blocks_as);
    reason.expect("what is needed has a reason for those it blocks: a test holds the table to it")
}

/// What a condition says that waits for another.
pub fn blocked_message(by: ConditionType) -> String {
    format!("Not checked: waiting for {by}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Guide;

    #[test]
    fn every_condition_but_the_summaries_has_one_row() {
        for condition in ConditionType::ALL {
            let rows = LAYERS.iter().filter(|layer| layer.condition == *condition).count();
            assert_eq!(rows, usize::from(!condition.is_summary()), "{condition}");
        }
    }

    #[test]
    fn a_layer_needs_only_layers_above_it_in_the_table_and_each_has_a_reason_that_says_so() {
        for (at, layer) in LAYERS.iter().enumerate() {
            for need in layer.needs {
                let by = need.condition();
                assert!(LAYERS[..at].iter().any(|lower| lower.condition == by), "{}", layer.condition);
                let stands = Guide::to(blocked_reason(by)).stands;
                assert!(stands.contains(&(layer.condition, Unknown)), "{} on {by}", layer.condition);
            }
        }
    }

    #[test]
    fn the_first_layer_that_is_not_there_blocks() {
        let data = Layer::of(DataCurrent).expect("a layer");
        let statuses = |broken: &[(ConditionType, ConditionStatus)]| {
            let broken = broken.to_vec();
            data.blocked_by(move |condition| {
                Some(broken.iter().find(|(of, _)| *of == condition).map_or(True, |(_, status)| *status))
            })
        };
        assert_eq!(statuses(&[]), None);
        assert_eq!(statuses(&[(WarehouseReady, Unknown), (BucketReadable, False)]), Some(BucketReadable));
        let history = Layer::of(HistoryComplete).expect("a layer");
        assert_eq!(history.blocked_by(|_| Some(False)), None, "what is delivered too late is delivered");
        assert_eq!(history.blocked_by(|_| Some(Unknown)), Some(ReportDelivered));
        assert_eq!(history.blocked_by(|_| None), None, "what an account does not have blocks nothing");
    }

    #[test]
    fn ready_is_held_down_as_the_table_says() {
        let strict = ReadyTerms { external_id_enforced: true, retries_used_up: true };
        let mild = ReadyTerms { external_id_enforced: false, retries_used_up: false };
        for (condition, status, strictly, mildly) in [
            (RoleAssumable, Unknown, true, true),
            (ExternalIdEnforced, Unknown, true, false),
            (ExternalIdEnforced, True, false, false),
            (AccountTypeVerified, Unknown, false, false),
            (AccountTypeVerified, False, true, true),
            (ReportDelivered, False, false, false),
            (WarehouseReady, Unknown, true, true),
            (DataCurrent, False, true, false),
            (DataCurrent, Unknown, false, false),
        ] {
            let layer = Layer::of(condition).expect("a layer");
            let held = [strict, mild].map(|terms| layer.holds_ready_down(status, terms));
            assert_eq!(held, [strictly, mildly], "{condition} {status:?}");
        }
    }
}
