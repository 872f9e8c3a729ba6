//! RoleAssumable: the operator's own identity, and who may use it for what.

use super::{FaultOwner, Guide, ReasonSource, Section};
use crate::model::{ConditionStatus::False, ConditionType::RoleAssumable, Reason};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(RoleAssumable, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "The operator's identity and tenancy: `RoleAssumable`",
    intro: "The first four are faults of the operator's own identity. They affect every account at once, and raise one alert for all. The tenancy rules are checked before any AWS call for the account.",
    guides: &[
        Guide {
            reason: Reason::NoBaseCredentials,
            short: "Give the operator an AWS identity",
            meaning: "The operator has no AWS credentials of its own.",
            recognised: "`sts:GetCallerIdentity`: the SDK found no credentials and sent no request.",
            remedy: "Give its service account an identity (IRSA, EKS Pod Identity) or set the chart's `aws.credentialsSecret`.",
            owner: FaultOwner::Operator,
            ..FAULT
        },
        Guide {
            reason: Reason::BaseCredentialsInvalid,
            short: "Replace the operator's keys",
            meaning: "AWS does not accept the operator's own credentials, or they are configured wrongly.",
            recognised: "`sts:GetCallerIdentity` or `sts:AssumeRole`: `InvalidClientTokenId`, `UnrecognizedClientException`, `InvalidAccessKeyId`, `InvalidToken`, `SignatureDoesNotMatch`, `InvalidSignatureException`, `IncompleteSignature`, `MissingAuthenticationToken`; or a profile, token file or container endpoint that can't be read.",
            remedy: "Replace the keys, and check that key and secret belong together. AWS gives the same answer if the role was deleted after its credentials were issued.",
            owner: FaultOwner::Operator,
            ..FAULT
        },
        Guide {
            reason: Reason::BaseCredentialsExpired,
            short: "Renew the operator's keys",
            meaning: "The operator's own credentials have expired.",
            recognised: "`ExpiredToken`, `ExpiredTokenException` or `RequestExpired`.",
            remedy: "Renew them at their source. If they are mounted into the pod, restart the operator.",
            owner: FaultOwner::Operator,
            ..FAULT
        },
        Guide {
            reason: Reason::WebIdentityRejected,
            short: "Check the operator's IRSA role",
            meaning: "AWS refuses the web identity token of the operator's service account (IRSA).",
            recognised: "`sts:AssumeRoleWithWebIdentity`: `AccessDenied`, `IDPRejectedClaim` or `InvalidIdentityToken`.",
            remedy: "Check three things: the role in the service account's `eks.amazonaws.com/role-arn` annotation exists, its trust policy names the cluster's OIDC provider, and its condition on `:sub` names this namespace and service account.",
            owner: FaultOwner::Operator,
            ..FAULT
        },
        Guide {
            reason: Reason::PartitionMismatch,
            short: "Run an operator in that partition",
            meaning: "The role is in another AWS partition than the operator's identity. Credentials are never valid across partitions.",
            recognised: "Local: the ARN from `sts:GetCallerIdentity` and the role ARN have different partitions.",
            remedy: "Run an operator with an identity of that partition.",
            ..FAULT
        },
        Guide {
            reason: Reason::RoleNotAllowedInNamespace,
            short: "Add a tenancy rule",
            meaning: "No tenancy rule allows this role or account in this namespace. The operator did not call AWS.",
            recognised: "Local: the operator's `tenancy.rules`. A role in the operator's own account must also be named in `tenancy.ownAccountRoleArns` or in a rule's `roleArns`.",
            remedy: "The administrator has to add the rule in the message: [install.md](install.md#which-namespaces-which-accounts).",
            source: ReasonSource::Cluster,
            ..FAULT
        },
    ],
};
