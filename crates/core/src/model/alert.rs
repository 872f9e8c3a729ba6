//! Every alert by its name, and which one a condition leads to. The rules themselves are `deploy/alerts/awscost.rules.yaml`.

use super::{
    ConditionStatus::{self, False, True, Unknown},
    ConditionType, Reason,
    condition::vocabulary,
    guide::{ANY_LAYER, FaultOwner, Guide},
};

vocabulary! {
    /// An alert: a class of faults that one person fixes in one way. Its runbook is `docs/runbooks/NAME.md`.
    Alert {
        // The operator as a whole.
        /// No operator leads, or none is scraped.
        AwscostOperatorDown,
        /// The operator's own AWS identity is absent, refused or expired.
        AwscostOperatorIdentityBroken,
        /// Many passes fail, or some keep running into their limit.
        AwscostReconcileErrors,
        /// AWS throttles the operator.
        AwscostAwsThrottled,
        /// AWS gives the operator no answers.
        AwscostAwsUnreachable,
        // An account.
        /// The account can't be entered.
        AwscostAccessBroken,
        /// The role lets in who does not know the external ID.
        AwscostExternalIdNotEnforced,
        /// Account type, bucket, report or spec must be fixed.
        AwscostAccountNotReady,
        /// Nothing certain is known of the account.
        AwscostAccountUnverified,
        /// AWS delivers no bill, or none that is whole.
        AwscostReportStale,
        /// A delivered month can't be loaded.
        AwscostLoadFailing,
        /// Loads wait or run for longer than they should.
        AwscostLoadSlow,
        /// What was to be committed was not what the source says.
        AwscostTotalsDiffer,
        /// The account was deleted, and its rows can't be removed.
        AwscostAccountDeletionStuck,
        // A warehouse.
        /// The warehouse can't be written to.
        AwscostWarehouseNotReady,
        // Advice.
        /// The role may do more than it needs to.
        AwscostPermissionsTooBroad,
        /// CloudWatch metrics can't be listed though the account opts in.
        AwscostMetricsUnreadable,
        /// The account is connected with an IAM user's keys.
        AwscostDeprecatedAccess,
    }
}

impl Alert {
    /// The alert that a condition leads to if it lasts.
    ///
    /// Each fault has one: `Ready` repeats a layer's reason, so it has its own only where no layer says it. What is Unknown
    /// in a layer shows in `Ready`, if it matters.
    pub fn of(condition: ConditionType, status: ConditionStatus, reason: Reason) -> Option<Self> {
        use ConditionType as T;
        // The same for every account, so one alert speaks for all of them.
        let identity = Guide::to(reason).owner == FaultOwner::Operator;
        match (condition, status) {
            (T::Ready, False) => match reason {
                Reason::InvalidSpec | Reason::InternalError => Some(Self::AwscostAccountNotReady),
                _ => None,
            },
            (T::Ready, Unknown) => Some(Self::AwscostAccountUnverified),
            (T::RoleAssumable, False) if identity => Some(Self::AwscostOperatorIdentityBroken),
            (T::RoleAssumable, False) => Some(Self::AwscostAccessBroken),
            (T::ExternalIdEnforced, False) => Some(Self::AwscostExternalIdNotEnforced),
            (T::AccountTypeVerified | T::BucketReadable | T::ReportConfigured, False) => {
                Some(Self::AwscostAccountNotReady)
            }
            (T::ReportDelivered, False) => Some(Self::AwscostReportStale),
            // The account names a warehouse that is not there; everything else is told of the warehouse itself.
            (T::WarehouseReady, False) if reason == Reason::WarehouseNotFound => {
                Some(Self::AwscostAccountNotReady)
            }
            (T::WarehouseReady, False | Unknown) => Some(Self::AwscostWarehouseNotReady),
            (T::DataCurrent, False) => match reason {
                Reason::Queued | Reason::Loading => Some(Self::AwscostLoadSlow),
                Reason::TotalsDiffer => Some(Self::AwscostTotalsDiffer),
                _ => Some(Self::AwscostLoadFailing),
            },
            (T::TotalsVerified, False) => Some(Self::AwscostTotalsDiffer),
            (T::PermissionsMinimal, False) => Some(Self::AwscostPermissionsTooBroad),
            (T::MetricsReadable, False) => Some(Self::AwscostMetricsUnreadable),
            (T::Deprecated, True) => Some(Self::AwscostDeprecatedAccess),
            (
                T::Ready
                | T::Reconciling
                | T::Stalled
                | T::RoleAssumable
                | T::ExternalIdEnforced
                | T::AccountTypeVerified
                | T::BucketReadable
                | T::ReportConfigured
                | T::ReportDelivered
                | T::HistoryComplete
                | T::WarehouseReady
                | T::DataCurrent
                | T::TotalsVerified
                | T::PermissionsMinimal
                | T::MetricsReadable
                | T::Deprecated,
                True | False | Unknown,
            ) => None,
        }
    }
}

impl Guide {
    /// The alerts it leads to where it lasts, in the order of their declaration.
    pub fn alerts(&self) -> Vec<Alert> {
        let own = self.stands.iter().filter_map(|(type_, status)| Alert::of(*type_, *status, self.reason));
        let mut alerts: Vec<Alert> = own.chain(self.alerts_of_calls()).collect();
        alerts.sort_unstable();
        alerts.dedup();
        alerts
    }

    /// Alerts on calls to AWS, whatever condition they were for; and on `Ready`, which a layer without an answer makes Unknown.
    fn alerts_of_calls(&self) -> Vec<Alert> {
        let every_layer = self.stands == ANY_LAYER;
        let of_ready = every_layer.then_some(Alert::AwscostAccountUnverified);
        let of_calls = match self.reason {
            Reason::Throttled => Some(Alert::AwscostAwsThrottled),
            Reason::EndpointUnreachable => Some(Alert::AwscostAwsUnreachable),
            _ => None,
        };
        of_ready.into_iter().chain(of_calls).collect()
    }
}
