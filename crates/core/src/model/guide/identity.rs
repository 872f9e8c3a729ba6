//! RoleAssumable: the operator's own identity, and who may use it for what.

use super::{Guide, Section};
use crate::model::{ConditionStatus::False, ConditionType::RoleAssumable, Reason};

pub(super) const SECTION: Section = Section {
    title: "The operator's identity and tenancy: `RoleAssumable`",
    intro: "The first four are the operator's own: every account has them at once, and one alert speaks for all. Tenancy is judged before any call to AWS on the account.",
    guides: &[
        Guide {
            reason: Reason::NoBaseCredentials,
            stands: &[(RoleAssumable, False)],
            meaning: "The operator has no AWS credentials of its own.",
            recognised: "`sts:GetCallerIdentity`: the SDK found no credentials, and nothing was sent.",
            remedy: "Give its service account an identity (IRSA, EKS Pod Identity) or set the chart's `aws.credentialsSecret`.",
        },
        Guide {
            reason: Reason::BaseCredentialsInvalid,
            stands: &[(RoleAssumable, False)],
            meaning: "AWS does not accept the operator's own credentials, or they are set up wrongly.",
            recognised: "`sts:GetCallerIdentity` or `sts:AssumeRole`: `InvalidClientTokenId`, `UnrecognizedClientException`, `InvalidAccessKeyId`, `InvalidToken`, `SignatureDoesNotMatch`, `InvalidSignatureException`, `IncompleteSignature`, `MissingAuthenticationToken`; or a profile, token file or container endpoint that can't be read.",
            remedy: "Replace the keys; check that key and secret belong together. A role that was deleted after its credentials were issued reads the same.",
        },
        Guide {
            reason: Reason::BaseCredentialsExpired,
            stands: &[(RoleAssumable, False)],
            meaning: "The operator's own credentials have expired.",
            recognised: "`ExpiredToken`, `ExpiredTokenException` or `RequestExpired`.",
            remedy: "Renew them where they come from; restart the operator if they are mounted.",
        },
        Guide {
            reason: Reason::WebIdentityRejected,
            stands: &[(RoleAssumable, False)],
            meaning: "AWS refuses the web identity token of the operator's service account (IRSA).",
            recognised: "`sts:AssumeRoleWithWebIdentity`: `AccessDenied`, `IDPRejectedClaim` or `InvalidIdentityToken`.",
            remedy: "The role in the service account's `eks.amazonaws.com/role-arn` annotation exists, its trust policy names the cluster's OIDC provider, and the condition on `:sub` names this namespace and service account.",
        },
        Guide {
            reason: Reason::PartitionMismatch,
            stands: &[(RoleAssumable, False)],
            meaning: "The role lies in another AWS partition than the operator's identity. Credentials never cross partitions.",
            recognised: "Local: the partition in the ARN that `sts:GetCallerIdentity` gives, against the role ARN's.",
            remedy: "Run an operator with an identity of that partition.",
        },
        Guide {
            reason: Reason::RoleNotAllowedInNamespace,
            stands: &[(RoleAssumable, False)],
            meaning: "No tenancy rule allows this role or account in this namespace; AWS was not asked.",
            recognised: "Local: the operator's `tenancy.rules`. A role in the operator's own account needs to be named as well, in `tenancy.ownAccountRoleArns` or in a rule's `roleArns`.",
            remedy: "The administrator adds what the message says: [install.md](install.md#which-namespaces-which-accounts).",
        },
    ],
};
