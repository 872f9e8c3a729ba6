//! RoleAssumable: the operator has an identity, the role lets it in, and it arrives in the declared account.

use jiff::Timestamp;

use super::super::{
    Asker, ExternalIdInUse, Facts, Finding, NextExternalId, RoleAccess, Snippet, Standing, Target,
    fault_reasons::{of_own_credentials, of_policy_elsewhere},
    principal, working_trust,
};
use crate::{
    aws::{AwsFault, Code, Detail, FaultClass, Operation, traits::Caller},
    model::{AccountId, ConditionType::RoleAssumable, Partition, Reason, RoleArn},
};

pub(in crate::connection) fn check(
    facts: &Facts,
    target: &Target,
    access: &RoleAccess,
    now: Timestamp,
) -> Finding {
    let role = &access.role;
    if let Some(hopeless) = before_assuming(facts, target, role, now) {
        return hopeless;
    }
    match facts.role.standing(now) {
        Standing::Known(caller) if caller.account != target.account => Finding::fail(
            RoleAssumable,
            Reason::WrongAccount,
            format!(
                "Assuming {role} leads to account {}, not to the declared {}. Check the AWS endpoint and the role.",
                caller.account, target.account
            ),
        ),
        Standing::Known(caller) => Finding::pass(
            RoleAssumable,
            Reason::RoleAssumed,
            format!(
                "{role} can be assumed, and belongs to account {}.{}",
                caller.account,
                rotation(facts, access)
            ),
        ),
        Standing::Refused(fault) if region_knows_not_the_operator(fault, facts, target) => Finding::fail(
            RoleAssumable,
            Reason::StsRegionDisabled,
            format!(
                "STS in {} does not accept the operator's credentials, which work elsewhere: most likely that region is not \
                 enabled for the operator's account. Set spec.access.stsRegion to {}, or have the region enabled.",
                target.sts_region,
                role.partition().home_region()
            ),
        ),
        Standing::Refused(fault) => role_refused(fault, facts, target, access),
        standing => inconclusive(facts, &standing, now),
    }
}

/// What makes assuming the role pointless: a role of another account or partition, or an operator without an identity.
fn before_assuming(facts: &Facts, target: &Target, role: &RoleArn, now: Timestamp) -> Option<Finding> {
    if target.account != *role.account() {
        return Some(Finding::fail(
            RoleAssumable,
            Reason::AccountIdMismatch,
            format!(
                "spec.accountId is {}, but {role} belongs to account {}. Correct the one that is wrong.",
                target.account,
                role.account()
            ),
        ));
    }
    match facts.base.standing(now) {
        Standing::Refused(fault) => Some(base_refused(fault)),
        Standing::Known(caller) if !same_partition(caller, target) => Some(Finding::fail(
            RoleAssumable,
            Reason::PartitionMismatch,
            format!(
                "{role} lies in another AWS partition than the operator's identity {}. Credentials never cross \
                 partitions: run an operator with an identity of partition {}.",
                principal(caller),
                role.partition().as_str()
            ),
        )),
        _ => None,
    }
}

/// How far a rotation of the external ID is.
fn rotation(facts: &Facts, access: &RoleAccess) -> String {
    match (&access.next_external_id, facts.in_use) {
        (NextExternalId::None, _) => String::new(),
        (NextExternalId::Unusable { secret }, _) => format!(
            " The Secret {secret} of spec.access.nextExternalIdSecretRef is not usable: it must exist, carry the label \
             awscost.io/use: external-id, and hold an external ID under the key."
        ),
        (NextExternalId::Usable(_), Some(ExternalIdInUse::Next)) => {
            " It takes the next external ID: take the old one out of the trust policy, name the next one's Secret in \
             spec.access.externalIdSecretRef, and remove nextExternalIdSecretRef; the old Secret may go."
                .to_owned()
        }
        (NextExternalId::Usable(_), _) => {
            " It takes the current external ID and not yet the next one: put the next one into its trust policy, beside \
             the current one; the old Secret is still needed."
                .to_owned()
        }
    }
}

/// The role could not be looked at: the operator's own identity may be why.
fn inconclusive(facts: &Facts, role: &Standing<'_, Caller>, now: Timestamp) -> Finding {
    match (role, facts.base.standing(now)) {
        (Standing::NotLooked, base @ (Standing::Doubtful(_) | Standing::Outdated)) => {
            Finding::inconclusive(RoleAssumable, &base)
        }
        (role, _) => Finding::inconclusive(RoleAssumable, role),
    }
}

/// True if a caller and the target's role are of one partition.
pub(in crate::connection) fn same_partition(caller: &Caller, target: &Target) -> bool {
    let partition = caller.arn.split(':').nth(1).and_then(|text| text.parse::<Partition>().ok());
    partition == Some(target.partition())
}

/// The operator's own credentials are at fault.
fn base_refused(fault: &AwsFault) -> Finding {
    let message = match fault.code {
        Code::NoCredentials => {
            "The operator has no AWS credentials of its own. Give its service account an identity (IRSA or EKS Pod \
             Identity) or its pod a Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        }
        Code::ExpiredToken => {
            "The operator's own AWS credentials have expired. Renew them where they come from, or restart the operator \
             if they are mounted."
        }
        Code::WebIdentityRejected => {
            "AWS refuses the web identity token of the operator's service account. Check that the role in its \
             annotation exists, that the role's trust policy names the cluster's OIDC provider and this service \
             account, and that IAM knows that provider."
        }
        Code::CredentialsMisconfigured => {
            "The operator's AWS credentials are set up wrongly: a profile, token file or container endpoint can't be \
             read. Check the AWS_* settings of its pod."
        }
        _ => {
            "AWS does not accept the operator's own credentials: an unknown, inactive or mistyped key, or a session \
             without its token. Replace them."
        }
    };
    Finding::fail(RoleAssumable, of_own_credentials(fault.code), message)
}

/// True if the operator's credentials were refused in the target's region alone: what a region answers that is not enabled
/// (docs/aws-facts.md 1.4, 1.5). The same look saw them work in the operator's own.
fn region_knows_not_the_operator(fault: &AwsFault, facts: &Facts, target: &Target) -> bool {
    let works = facts.base.fault().is_none() && facts.base.looked_at() == facts.role.looked_at();
    fault.operation == Operation::AssumeRole
        && fault.code == Code::InvalidClientToken
        && works
        && target.asks_sts_elsewhere()
}

/// STS says that the account has not activated it in the region that is asked.
pub(super) fn sts_inactive(target: &Target, account: &AccountId) -> Finding {
    let (region, home) = (&target.sts_region, target.partition().home_region());
    Finding::fail(
        RoleAssumable,
        Reason::StsRegionDisabled,
        format!(
            "STS is not active in {region} for account {account}. Activate it there (IAM, account settings), or set \
             spec.access.stsRegion to {home}."
        ),
    )
}

/// AssumeRole was refused.
fn role_refused(fault: &AwsFault, facts: &Facts, target: &Target, access: &RoleAccess) -> Finding {
    let role = &access.role;
    let who = facts.base.known().map(principal);
    let who = who.as_deref().unwrap_or("the operator's identity");
    let assume = fault.operation == Operation::AssumeRole;
    match (fault.code, fault.class) {
        (Code::RegionDisabled, _) => sts_inactive(target, role.account()),
        (Code::AccessDenied, _) if assume && fault.detail != Detail::None => {
            policy_refuses(fault, who, facts, access)
        }
        (_, FaultClass::Denied) if assume && fault.lacks.is_some() => {
            tagging_denied(who, facts, target, access)
        }
        (_, FaultClass::Denied) if assume => denied(who, facts, target, access),
        (Code::ValidationError, _) if assume => Finding::fail(
            RoleAssumable,
            Reason::RoleArnRejected,
            format!(
                "STS does not take {role} as the ARN of a role. Copy it from the role's page in IAM, path included, into \
                 spec.access.roleArn."
            ),
        ),
        (_, FaultClass::Credentials) if assume => base_refused(fault),
        _ => Finding::doubtful(RoleAssumable, &fault.clone().inconclusive()),
    }
}

/// AWS named the kind of policy that refuses: the operator's own side, an organization, or the network between. This is
/// checked before the permission it concerns: changing the trust policy would not help.
fn policy_refuses(fault: &AwsFault, who: &str, facts: &Facts, access: &RoleAccess) -> Finding {
    let (role, action) = (&access.role, fault.permission());
    let how = fault.lacks.map_or("", |_| " with the session tags that it carries");
    let message = match fault.detail {
        Detail::OrganizationPolicy => format!(
            "A service or resource control policy refuses to let {who} assume {role}{how}. Ask whoever administers the \
             organization of account {} (or of the operator's account) to allow {action} on it.",
            role.account()
        ),
        Detail::EndpointPolicy => format!(
            "The policy of the VPC endpoint between the operator and STS refuses to let {who} assume {role}{how}. Allow \
             {action} on it in that endpoint's policy."
        ),
        detail => format!(
            "{role}: if that name is misspelt, correct spec.access.roleArn{}. If it is right, {who} itself may not \
             assume it{how}: its {} does not allow {action} on it, or denies it. Allow that there; the role's trust policy \
             is not what refuses.",
            worked_before(facts, role),
            detail.policy().unwrap_or("own policy")
        ),
    };
    let reason = of_policy_elsewhere(fault.detail).unwrap_or(Reason::CallerMayNotAssume);
    Finding::fail(RoleAssumable, reason, message)
}

/// The role that could be assumed before this one was declared: AWS checks the caller's policies before it looks whether
/// there is such a role.
fn worked_before(facts: &Facts, role: &RoleArn) -> String {
    let before = facts.last_assumed.as_ref().filter(|before| before.role != *role);
    before.map(|before| format!(" ({} worked before)", before.role)).unwrap_or_default()
}

/// AWS speaks of sts:TagSession and names no policy. It does so to whoever carries session tags when that is not allowed, and
/// also when the external ID does not match (docs/aws-facts.md 1.4): neither may be stated.
fn tagging_denied(who: &str, facts: &Facts, target: &Target, access: &RoleAccess) -> Finding {
    let (role, place) = (&access.role, &access.external_id_place);
    let before = facts.last_assumed.as_ref().filter(|before| before.role == *role);
    if before.is_some_and(|before| before.secret_version != access.secret_version) {
        let changed = denied(who, facts, target, access);
        let message = format!("{} The trust policy must allow sts:TagSession too.", changed.message);
        return Finding { message, ..changed };
    }
    Finding::fail(
        RoleAssumable,
        Reason::TagSessionDenied,
        format!(
            "AWS refuses to let {who} assume {role} with session tags (sts:TagSession), as EKS Pod Identity sends them. Check \
             in this order: its trust policy allows sts:TagSession beside sts:AssumeRole; the sts:ExternalId in it is what is \
             in {place}; it names that principal; the role exists with exactly this path and name; the principal's own policy \
             allows sts:TagSession too."
        ),
    )
    .with(trust(facts, target))
}

/// The trust policy that would let whoever asks in.
fn trust(facts: &Facts, target: &Target) -> Snippet {
    working_trust(facts.base.known(), target.partition(), target.asker)
}

/// AWS says no and nothing more. What changed since it last said yes puts the candidate causes in order.
fn denied(who: &str, facts: &Facts, target: &Target, access: &RoleAccess) -> Finding {
    let (role, place) = (&access.role, &access.external_id_place);
    let is_it = |principal: Option<&str>| principal.is_none_or(|principal| principal == who);
    // What the operator could do says nothing of a check with an identity of its own.
    let before = facts.last_assumed.as_ref().filter(|before| {
        before.role == *role && (target.asker == Asker::Operator || is_it(before.principal.as_deref()))
    });
    let was = before.and_then(|before| before.principal.as_deref());
    let was = was.filter(|was| facts.base.known().is_some() && !is_it(Some(*was)));
    let (reason, message) = match (before, was) {
        (Some(_), Some(was)) => (
            Reason::RoleRemovedOrTrustChanged,
            format!(
                "{role} let the operator in as {was}; the operator is {who} now, and is refused. Most likely the trust policy \
                 still names the former: name the latter there. If it does, the role was removed or the rest of its trust \
                 policy changed."
            ),
        ),
        (Some(before), None) if before.secret_version != access.secret_version => (
            Reason::ExternalIdChanged,
            format!(
                "{role} could be assumed until {place} was named or changed, and is refused since. Most likely the \
                 sts:ExternalId in its trust policy is still the old value: set it to the Secret's, or restore the old value in \
                 the Secret or by naming the old Secret in spec.access.externalIdSecretRef. If they are the same, the role was \
                 removed or its trust policy changed."
            ),
        ),
        (Some(_), None) => (
            Reason::RoleRemovedOrTrustChanged,
            format!(
                "{role} could be assumed before, with the same Secret, and is refused now. Check in this order: the role still \
                 exists (one that was deleted and made again needs its trust policy again); its trust policy still names the \
                 operator's identity and the same sts:ExternalId; that identity was not itself made again."
            ),
        ),
        (None, _) => (
            Reason::AssumeRoleDenied,
            format!(
                "AWS refuses to let {who} assume {role}, and never says why. Check in this order: the role exists, with exactly \
                 this path and name; its trust policy names that principal; the sts:ExternalId in it is what is in {place}; \
                 the principal's own policy, and organization policies, allow sts:AssumeRole on it."
            ),
        ),
    };
    Finding::fail(RoleAssumable, reason, message).with(trust(facts, target))
}
