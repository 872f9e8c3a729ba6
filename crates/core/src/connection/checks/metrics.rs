//! MetricsReadable: CloudWatch metrics can be listed, for accounts that opt in. Advice: it holds nothing up.

use jiff::Timestamp;

use super::{
    super::{Facts, Finding, Standing, Target},
    policy_elsewhere,
};
use crate::{
    aws::{AwsFault, Code, FaultClass},
    model::{ConditionType::MetricsReadable, Reason, Region},
};

pub(in crate::connection) fn check(
    facts: &Facts,
    target: &Target,
    region: &Region,
    now: Timestamp,
) -> Finding {
    match facts.metrics.standing(now) {
        Standing::Known(()) => Finding::pass(
            MetricsReadable,
            Reason::MetricsListed,
            format!("CloudWatch metrics of {region} can be listed."),
        ),
        // What an opt-in region that is not enabled answers (docs/aws-facts.md 10).
        Standing::Refused(fault)
            if matches!(
                fault.code,
                Code::InvalidClientToken | Code::OptInRequired | Code::RegionDisabled
            ) =>
        {
            Finding::fail(
                MetricsReadable,
                Reason::MetricsRegionDisabled,
                format!(
                    "Region {region} is not enabled for account {}. Enable it there, or set spec.metrics.region to one that \
                     is.",
                    target.account
                ),
            )
        }
        Standing::Refused(fault) if fault.class == FaultClass::Denied => denied(fault, target, region),
        Standing::Refused(fault) => Finding::doubtful(MetricsReadable, &fault.clone().inconclusive()),
        standing => Finding::inconclusive(MetricsReadable, &standing),
    }
}

fn denied(fault: &AwsFault, target: &Target, region: &Region) -> Finding {
    policy_elsewhere(MetricsReadable, fault, target, &format!("the metrics of {region}")).unwrap_or_else(|| {
        Finding::fail(
            MetricsReadable,
            Reason::MetricsDenied,
            format!(
                "{} may not call cloudwatch:ListMetrics in {region}. Allow it on *, or remove spec.metrics.",
                target.actor()
            ),
        )
    })
}
