//! RoleAssumable: entering the account, by its role or by its IAM user's keys.

use super::{GOOD, Guide, Section, SnippetKind};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::{BucketReadable, MetricsReadable, ReportConfigured, RoleAssumable},
    Reason,
    layers::Field,
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(RoleAssumable, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Access to the account: `RoleAssumable`",
    intro: "AWS does not say why it denies AssumeRole: the answer is the same for a missing role, a wrong trust policy and a wrong external ID. So these reasons use what else is known: the operator's own identity works, whether the role could be assumed before, whether the Secret changed since then, and which kind of policy AWS mentions.",
    guides: &[
        Guide {
            reason: Reason::RoleAssumed,
            stands: &[(RoleAssumable, True)],
            meaning: "The operator can assume the role, and it is in the declared account.",
            recognised: "`sts:AssumeRole` works, and `sts:GetCallerIdentity` in the session returns the account.",
            ..GOOD
        },
        Guide {
            reason: Reason::AssumeRoleDenied,
            short: "Role refuses: check its trust policy",
            meaning: "AWS denies AssumeRole, and it never worked with this spec.",
            recognised: "`sts:AssumeRole` is denied, and AWS does not say more. On `DataCurrent`: the operator could not get a session for a Job.",
            remedy: "Check in this order: the role exists with exactly this path and name; its trust policy names the operator's role; the `sts:ExternalId` in it equals the Secret's value; the operator's policy and organization policies allow `sts:AssumeRole` on the role. `kubectl awscost status` prints a trust policy that works.",
            block: SnippetKind::TrustPolicy,
            ..FAULT
        },
        Guide {
            reason: Reason::ExternalIdChanged,
            short: "Put the new ID into the trust policy",
            meaning: "AssumeRole worked before and is denied now, and the external-ID Secret was changed in between.",
            recognised: "`sts:AssumeRole`: `AccessDenied`, and the Secret has another version than when the call last worked.",
            remedy: "Put the new external ID into the role's trust policy, or the old one back into the Secret. If they are equal, see `RoleRemovedOrTrustChanged`, and with EKS Pod Identity `TagSessionDenied`. To change an external ID without interruption, use `spec.access.nextExternalIdSecretRef`.",
            field: Field::At("spec.access.externalIdSecretRef.name"),
            block: SnippetKind::TrustPolicy,
            ..FAULT
        },
        Guide {
            reason: Reason::RoleRemovedOrTrustChanged,
            short: "Restore the role or its trust",
            meaning: "AssumeRole worked before and is denied now with the same Secret, so the role was deleted or its trust policy changed.",
            recognised: "`sts:AssumeRole`: `AccessDenied`, and the same spec and Secret as when it last worked.",
            remedy: "Ask the account's owner to restore the role, or to replace its trust policy with the one that `kubectl awscost status` prints. A role that was deleted and created again under the same name needs that trust policy, too.",
            block: SnippetKind::TrustPolicy,
            ..FAULT
        },
        Guide {
            reason: Reason::CallerMayNotAssume,
            short: "Let the operator assume this role",
            meaning: "The operator's own policies do not allow AssumeRole on this role. If they name each role, the usual cause is a misspelled name.",
            recognised: "`sts:AssumeRole`: `AccessDenied`, and the text names an identity-based policy, a permissions boundary or a session policy, for `sts:AssumeRole` or `sts:TagSession`.",
            remedy: "First compare `spec.access.roleArn` with the role's page in the IAM console. If it is right, the administrator has to allow the action on this role in the operator's policy; the message names both.",
            ..FAULT
        },
        Guide {
            reason: Reason::OrganizationPolicyDenies,
            stands: &[
                (RoleAssumable, False),
                (BucketReadable, False),
                (ReportConfigured, False),
                (MetricsReadable, False),
            ],
            short: "Allow it in the SCP or RCP",
            meaning: "A service or resource control policy of an organization denies the call.",
            recognised: "The call in the message gets `AccessDenied`, and the text names a service control policy or a resource control policy.",
            remedy: "The organization's administrator has to exempt the operator's role and the connected role. No policy in the account itself can help.",
            ..FAULT
        },
        Guide {
            reason: Reason::NetworkPolicyDenied,
            stands: &[
                (RoleAssumable, False),
                (BucketReadable, False),
                (ReportConfigured, False),
                (MetricsReadable, False),
            ],
            short: "Allow it in the VPC endpoint's policy",
            meaning: "The policy of a VPC endpoint between the operator and AWS denies the call.",
            recognised: "The call in the message gets `AccessDenied`, and the text names a VPC endpoint policy.",
            remedy: "Allow the call, the role and the bucket in the policy of the VPC endpoint in the cluster's own VPC.",
            ..FAULT
        },
        Guide {
            reason: Reason::RoleArnRejected,
            short: "Copy the ARN from the role's page in IAM",
            meaning: "STS says that the role ARN is malformed, although the API server accepted it.",
            recognised: "`sts:AssumeRole`: `ValidationError`.",
            remedy: "Copy `spec.access.roleArn` from the role's page in the IAM console.",
            ..FAULT
        },
        Guide {
            reason: Reason::TagSessionDenied,
            short: "Check TagSession and ID in trust policy",
            meaning: "The operator's sessions carry tags, as with EKS Pod Identity, and AWS denies `sts:TagSession`. Either the trust policy does not allow that action, or the external ID is wrong: AWS gives the same answer for both.",
            recognised: "`sts:AssumeRole`: `AccessDenied`, and the text names `sts:TagSession` but no policy. If it names a policy, the reason is `CallerMayNotAssume`, `OrganizationPolicyDenies` or `NetworkPolicyDenied`. If the Secret changed since the role last worked, it is `ExternalIdChanged`.",
            remedy: "Check in this order: the trust policy allows both actions ([aws.md](aws.md)); its `sts:ExternalId` equals the Secret's value; it names the operator's role; the operator's own policy allows `sts:TagSession`.",
            block: SnippetKind::TrustPolicy,
            ..FAULT
        },
        Guide {
            reason: Reason::StsRegionDisabled,
            short: "Set stsRegion or activate STS there",
            meaning: "STS is not active in this region for the account, or the region is not enabled for the operator's account.",
            recognised: "`sts:AssumeRole` or `sts:GetFederationToken`: `RegionDisabledException`. Or `sts:AssumeRole`: `InvalidClientTokenId`, although the operator's credentials work in its own region.",
            remedy: "Set `spec.access.stsRegion` to the region in the message. Or activate STS or enable the region in the account that the message names.",
            field: Field::At("spec.access.stsRegion"),
            ..FAULT
        },
        Guide {
            reason: Reason::WrongAccount,
            short: "Credentials lead to another account",
            meaning: "The session or the IAM user belongs to another account than the declared one.",
            recognised: "`sts:GetCallerIdentity` in the session returns another account.",
            remedy: "Correct `spec.accountId`, the role or the keys. If those are right, check the AWS endpoint (`AWS_ENDPOINT_URL*`).",
            field: Field::At("spec.accountId"),
            ..FAULT
        },
        Guide {
            reason: Reason::AccountIdMismatch,
            short: "Correct accountId or roleArn",
            meaning: "`spec.accountId` and the account in the role ARN differ.",
            recognised: "Local. Usually the API server refuses such an object.",
            remedy: "Correct the field that is wrong.",
            field: Field::At("spec.accountId"),
            ..FAULT
        },
        Guide {
            reason: Reason::AccessKeyAccepted,
            stands: &[(RoleAssumable, True)],
            meaning: "The keys of the account's IAM user work, and belong to the declared account. They should be replaced by a role; `Deprecated` says so.",
            recognised: "`sts:GetCallerIdentity` and `sts:GetFederationToken` work with the keys.",
            remedy: "Nothing now; see `IamUserKeys`.",
            ..GOOD
        },
        Guide {
            reason: Reason::AccessKeyRefused,
            short: "Write a working key into the Secret",
            meaning: "AWS does not accept the account's IAM-user keys.",
            recognised: "`sts:GetCallerIdentity` or `sts:GetFederationToken` with the keys: `InvalidClientTokenId`, `SignatureDoesNotMatch` or another code that rejects the credentials.",
            remedy: "Check that the key is active, that its user exists, and that the secret key belongs to it. Then write both into the Secret again. Better, connect with a role.",
            field: Field::At("spec.access.accessKeySecretRef.name"),
            ..FAULT
        },
        Guide {
            reason: Reason::FederationDenied,
            short: "Allow the user sts:GetFederationToken",
            meaning: "The IAM user may not get federated sessions, so Jobs can't get a session that is limited to the report.",
            recognised: "`sts:GetFederationToken`: `AccessDenied`.",
            remedy: "Allow the user `sts:GetFederationToken`. Better, connect with a role.",
            field: Field::At("spec.access.accessKeySecretRef.name"),
            ..FAULT
        },
    ],
};
