//! What AWS's faults mean to a connection: the reason of each, for every condition and every session that meets it.

use super::{Target, TargetAccess};
use crate::{
    aws::{AwsFault, Code, Detail, FaultClass},
    model::Reason,
};

/// The reason of a refusal where AWS says that it is neither the account's own policies nor the bucket's.
pub fn of_policy_elsewhere(detail: Detail) -> Option<Reason> {
    match detail {
        Detail::EndpointPolicy => Some(Reason::NetworkPolicyDenied),
        Detail::OrganizationPolicy => Some(Reason::OrganizationPolicyDenies),
        Detail::None | Detail::IdentityPolicy | Detail::PermissionsBoundary | Detail::SessionPolicy => None,
    }
}

/// The reason where the operator's own credentials are refused.
pub fn of_own_credentials(code: Code) -> Reason {
    match code {
        Code::NoCredentials => Reason::NoBaseCredentials,
        Code::ExpiredToken => Reason::BaseCredentialsExpired,
        Code::WebIdentityRejected => Reason::WebIdentityRejected,
        _ => Reason::BaseCredentialsInvalid,
    }
}

/// The reason of a call that got no answer to what it asked.
pub fn of_no_answer(fault: &AwsFault) -> Reason {
    match fault.class {
        FaultClass::Throttled => Reason::Throttled,
        FaultClass::Unreachable | FaultClass::Transient => Reason::EndpointUnreachable,
        FaultClass::ClockSkew => Reason::ClockSkew,
        _ => Reason::UnexpectedAnswer,
    }
}

/// The reason where no session for a load could be had: what the next look at the identity will say as well, which may be an
/// hour away.
pub fn of_session(fault: &AwsFault, target: &Target) -> Reason {
    match (fault.class, &target.access) {
        _ if fault.code == Code::PackedPolicyTooLarge => Reason::SessionPolicyTooLong,
        _ if fault.code == Code::RegionDisabled => Reason::StsRegionDisabled,
        // What a region answers that is not enabled for the operator's account (docs/aws-facts.md 1.4, 1.5).
        (_, TargetAccess::Role(_))
            if target.asks_sts_elsewhere() && fault.code == Code::InvalidClientToken =>
        {
            Reason::StsRegionDisabled
        }
        (_, TargetAccess::Role(_)) if fault.code == Code::ValidationError => Reason::RoleArnRejected,
        // A role is assumed with the operator's credentials, a session of a user's is asked for with the user's.
        (FaultClass::Credentials, TargetAccess::Role(_)) => of_own_credentials(fault.code),
        (FaultClass::Credentials, TargetAccess::Keys(_)) => Reason::AccessKeyRefused,
        (FaultClass::Denied, access) => of_refused_session(fault, access),
        _ => of_no_answer(&fault.clone().inconclusive()),
    }
}

fn of_refused_session(fault: &AwsFault, access: &TargetAccess) -> Reason {
    of_policy_elsewhere(fault.detail).unwrap_or(match (access, fault.detail, fault.lacks) {
        (TargetAccess::Keys(_), ..) => Reason::FederationDenied,
        (TargetAccess::Role(_), Detail::None, Some(_)) => Reason::TagSessionDenied,
        (TargetAccess::Role(_), Detail::None, None) => Reason::AssumeRoleDenied,
        (TargetAccess::Role(_), ..) => Reason::CallerMayNotAssume,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aws::{IamPermission, Operation},
        connection::sample,
    };

    #[test]
    fn a_session_that_is_refused_has_the_reason_that_the_identity_will_have() {
        let (role, keys) = (sample::target(), sample::with_keys());
        for (code, over_role, with_keys) in [
            (Code::AccessDenied, Reason::AssumeRoleDenied, Reason::FederationDenied),
            (Code::PackedPolicyTooLarge, Reason::SessionPolicyTooLong, Reason::SessionPolicyTooLong),
            (Code::RegionDisabled, Reason::StsRegionDisabled, Reason::StsRegionDisabled),
            (Code::ExpiredToken, Reason::BaseCredentialsExpired, Reason::AccessKeyRefused),
            (Code::InvalidClientToken, Reason::BaseCredentialsInvalid, Reason::AccessKeyRefused),
            (Code::NoCredentials, Reason::NoBaseCredentials, Reason::AccessKeyRefused),
            (Code::WebIdentityRejected, Reason::WebIdentityRejected, Reason::AccessKeyRefused),
            (Code::MalformedPolicyDocument, Reason::UnexpectedAnswer, Reason::UnexpectedAnswer),
            (Code::Throttling, Reason::Throttled, Reason::Throttled),
            (Code::TimedOut, Reason::EndpointUnreachable, Reason::EndpointUnreachable),
            (Code::Unexpected, Reason::UnexpectedAnswer, Reason::UnexpectedAnswer),
        ] {
            let fault = AwsFault::new(Operation::AssumeRole, code);
            assert_eq!(
                (of_session(&fault, &role), of_session(&fault, &keys)),
                (over_role, with_keys),
                "{code}"
            );
        }
    }

    #[test]
    fn a_region_that_does_not_know_the_operator_is_not_enabled() {
        let mut elsewhere = sample::target();
        elsewhere.sts_region = "ap-east-1".parse().expect("a region");
        let fault = AwsFault::new(Operation::AssumeRole, Code::InvalidClientToken);
        assert_eq!(of_session(&fault, &elsewhere), Reason::StsRegionDisabled);
        let fault = AwsFault::new(Operation::AssumeRole, Code::ValidationError);
        assert_eq!(of_session(&fault, &elsewhere), Reason::RoleArnRejected);
    }

    #[test]
    fn a_policy_that_refuses_a_session_is_named() {
        let (role, keys) = (sample::target(), sample::with_keys());
        for (detail, over_role, with_keys) in [
            (Detail::IdentityPolicy, Reason::CallerMayNotAssume, Reason::FederationDenied),
            (Detail::PermissionsBoundary, Reason::CallerMayNotAssume, Reason::FederationDenied),
            (Detail::SessionPolicy, Reason::CallerMayNotAssume, Reason::FederationDenied),
            (Detail::OrganizationPolicy, Reason::OrganizationPolicyDenies, Reason::OrganizationPolicyDenies),
            (Detail::EndpointPolicy, Reason::NetworkPolicyDenied, Reason::NetworkPolicyDenied),
        ] {
            for lacks in [None, Some(IamPermission::TagSession)] {
                let fault =
                    AwsFault { detail, lacks, ..AwsFault::new(Operation::AssumeRole, Code::AccessDenied) };
                assert_eq!(
                    (of_session(&fault, &role), of_session(&fault, &keys)),
                    (over_role, with_keys),
                    "{fault}"
                );
            }
        }
        let lacks = Some(IamPermission::TagSession);
        let tagged = AwsFault { lacks, ..AwsFault::new(Operation::AssumeRole, Code::AccessDenied) };
        assert_eq!(of_session(&tagged, &role), Reason::TagSessionDenied, "no policy is named");
    }
}
