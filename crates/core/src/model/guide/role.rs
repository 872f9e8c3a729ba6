//! RoleAssumable: entering the account, by its role or by its IAM user's keys.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::{BucketReadable, MetricsReadable, ReportConfigured, RoleAssumable},
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Entering the account: `RoleAssumable`",
    intro: "AWS never says why it refuses AssumeRole: a role that is not there, a trust policy that does not fit and a wrong external ID read the same. So these reasons use what is known besides: that the operator's own identity works, whether the role let it in before, whether the Secret changed since, and the few words AWS adds about the kind of policy.",
    guides: &[
        Guide {
            reason: Reason::RoleAssumed,
            stands: &[(RoleAssumable, True)],
            meaning: "The role can be assumed, and leads to the declared account.",
            recognised: "`sts:AssumeRole`, then `sts:GetCallerIdentity` in the session.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::AssumeRoleDenied,
            stands: &[(RoleAssumable, False)],
            meaning: "AWS refuses AssumeRole, and it never worked with this spec.",
            recognised: "`sts:AssumeRole`: `AccessDenied` or another refusal, without a word that tells more. On `DataCurrent`: no session for a Job could be had.",
            remedy: "In this order: the role exists with exactly this path and name; its trust policy names the operator's role; the `sts:ExternalId` in it is what the Secret holds; the operator's policy, and organization policies, allow `sts:AssumeRole` on it. The message has a trust policy that works.",
        },
        Guide {
            reason: Reason::ExternalIdChanged,
            stands: &[(RoleAssumable, False)],
            meaning: "AssumeRole worked before and is refused now, and the external-ID Secret changed, or was edited, in between.",
            recognised: "`sts:AssumeRole`: `AccessDenied`, and another version of the Secret than when it last worked.",
            remedy: "Put the new external ID into the role's trust policy, or the old one back into the Secret; if they are the same, see `RoleRemovedOrTrustChanged`, and with EKS Pod Identity `TagSessionDenied`. To change it without a gap, use `spec.access.nextExternalIdSecretRef`.",
        },
        Guide {
            reason: Reason::RoleRemovedOrTrustChanged,
            stands: &[(RoleAssumable, False)],
            meaning: "AssumeRole worked before and is refused now, with the same Secret: the role is gone, or its trust policy changed.",
            recognised: "`sts:AssumeRole`: `AccessDenied`, and the same spec and Secret as when it last worked.",
            remedy: "Ask the account's owner: restore the role, or its trust policy to the one in the message. A role that was deleted and made anew under the same name needs that trust policy again.",
        },
        Guide {
            reason: Reason::CallerMayNotAssume,
            stands: &[(RoleAssumable, False)],
            meaning: "The operator's own policies do not let it call AssumeRole on this role; most often because its name is misspelt, where they name each role.",
            recognised: "`sts:AssumeRole`: `AccessDenied` that speaks of an identity-based policy, a permissions boundary or a session policy, be it about `sts:AssumeRole` or about `sts:TagSession`.",
            remedy: "Compare `spec.access.roleArn` with the role's page in the IAM console first. If it is right, the administrator allows the operator's identity what the message names on it, in the policy that the message names.",
        },
        Guide {
            reason: Reason::OrganizationPolicyDenies,
            stands: &[
                (RoleAssumable, False),
                (BucketReadable, False),
                (ReportConfigured, False),
                (MetricsReadable, False),
            ],
            meaning: "A service or resource control policy of an organization refuses the call.",
            recognised: "The call that the message names: `AccessDenied` that speaks of a service control policy or a resource control policy.",
            remedy: "The organization's administrator excepts the operator's role and the connected role from it. No policy in the account itself can help.",
        },
        Guide {
            reason: Reason::NetworkPolicyDenied,
            stands: &[
                (RoleAssumable, False),
                (BucketReadable, False),
                (ReportConfigured, False),
                (MetricsReadable, False),
            ],
            meaning: "The policy of a VPC endpoint between the operator and AWS refuses the call.",
            recognised: "The call that the message names: `AccessDenied` that speaks of a VPC endpoint policy.",
            remedy: "Allow the call, the role and the bucket in the policy of the VPC endpoint in the cluster's own VPC.",
        },
        Guide {
            reason: Reason::RoleArnRejected,
            stands: &[(RoleAssumable, False)],
            meaning: "STS finds the role ARN malformed, though the API server let it in.",
            recognised: "`sts:AssumeRole`: `ValidationError`.",
            remedy: "Copy `spec.access.roleArn` from the role's page in the IAM console.",
        },
        Guide {
            reason: Reason::TagSessionDenied,
            stands: &[(RoleAssumable, False)],
            meaning: "AWS refuses an operator that carries session tags, as with EKS Pod Identity, and speaks of `sts:TagSession`. It does so where the trust policy does not allow that, and as well where the external ID does not match.",
            recognised: "`sts:AssumeRole`: `AccessDenied` that speaks of `sts:TagSession` and of no policy. Where it names a policy: `CallerMayNotAssume`, `OrganizationPolicyDenies` or `NetworkPolicyDenied`. Where the Secret changed since the role last worked: `ExternalIdChanged`.",
            remedy: "In this order: both actions in the trust policy ([aws.md](aws.md)); the `sts:ExternalId` in it is what the Secret holds; it names the operator's role; the operator's own policy allows `sts:TagSession`.",
        },
        Guide {
            reason: Reason::StsRegionDisabled,
            stands: &[(RoleAssumable, False)],
            meaning: "STS is not active in that region for the account, or the region is not enabled for the operator's.",
            recognised: "`sts:AssumeRole` or `sts:GetFederationToken`: `RegionDisabledException`. Or `sts:AssumeRole`: `InvalidClientTokenId`, though the operator's credentials work in its own region.",
            remedy: "Set `spec.access.stsRegion` to the one the message names; or activate STS, or enable the region, in the account that the message speaks of.",
        },
        Guide {
            reason: Reason::WrongAccount,
            stands: &[(RoleAssumable, False)],
            meaning: "The session, or the IAM user, belongs to another account than the declared one.",
            recognised: "The account of `sts:GetCallerIdentity` in the session.",
            remedy: "Correct `spec.accountId`, the role or the keys; if those are right, check the AWS endpoint (`AWS_ENDPOINT_URL*`).",
        },
        Guide {
            reason: Reason::AccountIdMismatch,
            stands: &[(RoleAssumable, False)],
            meaning: "`spec.accountId` is not the role ARN's account.",
            recognised: "Local. The API server refuses such an object already.",
            remedy: "Correct the one that is wrong.",
        },
        Guide {
            reason: Reason::AccessKeyAccepted,
            stands: &[(RoleAssumable, True)],
            meaning: "The account's own IAM-user keys work, and belong to the declared account. It works, and should be replaced: `Deprecated` says so.",
            recognised: "`sts:GetCallerIdentity` and `sts:GetFederationToken` with the keys.",
            remedy: "Nothing at once; see `IamUserKeys`.",
        },
        Guide {
            reason: Reason::AccessKeyRefused,
            stands: &[(RoleAssumable, False)],
            meaning: "AWS does not accept the account's IAM-user keys.",
            recognised: "`sts:GetCallerIdentity` or `sts:GetFederationToken` with the keys: `InvalidClientTokenId`, `SignatureDoesNotMatch` or another refusal of the credentials.",
            remedy: "The key is active, belongs to a user that exists, and its secret is the one AWS showed with it: write both into the Secret again. Better, connect with a role.",
        },
        Guide {
            reason: Reason::FederationDenied,
            stands: &[(RoleAssumable, False)],
            meaning: "The IAM user may not get a federated session, so its Jobs can't get one narrowed to the report.",
            recognised: "`sts:GetFederationToken`: `AccessDenied`.",
            remedy: "Allow the user `sts:GetFederationToken`; better, connect with a role.",
        },
    ],
};
