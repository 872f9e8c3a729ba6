//! RoleAssumable and Deprecated where an account is reached with the keys of an IAM user.

use jiff::Timestamp;

use super::{
    super::{Facts, Finding, Standing, Target},
    policy_elsewhere, role,
};
use crate::{
    aws::{AwsFault, Code, FaultClass},
    model::{
        ConditionType::{Deprecated, RoleAssumable},
        Reason,
    },
};

pub(in crate::connection) fn check(facts: &Facts, target: &Target, now: Timestamp) -> Finding {
    match facts.role.standing(now) {
        Standing::Known(caller) if caller.account != target.account => {
            return Finding::fail(
                RoleAssumable,
                Reason::WrongAccount,
                format!(
                    "The keys belong to account {}, not to the declared {}. Put the keys of a user of that account into the \
                     Secret, or correct spec.accountId.",
                    caller.account, target.account
                ),
            );
        }
        Standing::Known(_) => {}
        Standing::Refused(fault) if fault.class == FaultClass::Credentials => {
            return Finding::fail(
                RoleAssumable,
                Reason::AccessKeyRefused,
                format!(
                    "AWS does not accept the access key in the Secret: it is unknown, inactive or deleted, or the secret does \
                     not belong to the id{}. Put a working key of account {} into it, or better, connect over a role: \
                     spec.access.roleArn.",
                    or_region_off(target),
                    target.account
                ),
            );
        }
        Standing::Refused(fault) => return Finding::doubtful(RoleAssumable, &fault.clone().inconclusive()),
        standing => return Finding::inconclusive(RoleAssumable, &standing),
    }
    match facts.federation.standing(now) {
        Standing::Known(()) => Finding::pass(
            RoleAssumable,
            Reason::AccessKeyAccepted,
            format!("The access key works, and belongs to account {}.", target.account),
        ),
        Standing::Refused(fault) => federation_refused(fault, target),
        standing => Finding::inconclusive(RoleAssumable, &standing),
    }
}

/// A region that is not enabled refuses every key (docs/aws-facts.md 1.4, 1.5).
fn or_region_off(target: &Target) -> String {
    if !target.asks_sts_elsewhere() {
        return String::new();
    }
    let region = &target.sts_region;
    format!(
        "; or region {region}, whose STS is asked (spec.access.stsRegion), is not enabled for the account"
    )
}

fn federation_refused(fault: &AwsFault, target: &Target) -> Finding {
    if fault.code == Code::RegionDisabled {
        return role::sts_inactive(target, &target.account);
    }
    if fault.class != FaultClass::Denied {
        return Finding::doubtful(RoleAssumable, &fault.clone().inconclusive());
    }
    let account = format!("account {}", target.account);
    if let Some(finding) = policy_elsewhere(RoleAssumable, fault, target, &account) {
        return finding;
    }
    Finding::fail(
        RoleAssumable,
        Reason::FederationDenied,
        format!(
            "The IAM user of the access key may not call sts:GetFederationToken, so no session narrowed to the report can \
             be made for Jobs. Allow it on arn:{}:sts::{}:federated-user/awscost-*, or better, connect over a role: \
             spec.access.roleArn.",
            target.partition().as_str(),
            target.account
        ),
    )
}

/// The advice to move on, for accounts that use no role.
pub fn deprecated() -> Finding {
    Finding::pass(
        Deprecated,
        Reason::IamUserKeys,
        "This account is connected with the long-lived keys of an IAM user. Create a role (awscost onboard), then \
         replace spec.access.accessKeySecretRef by roleArn and externalIdSecretRef: what is loaded stays.",
    )
}
