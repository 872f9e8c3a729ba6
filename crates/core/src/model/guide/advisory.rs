//! PermissionsMinimal, MetricsReadable and Deprecated: what works and should be better.

use super::{GOOD, Guide, Outlook, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::{Deprecated, MetricsReadable, PermissionsMinimal},
    Reason,
    layers::{Field, Severity},
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(PermissionsMinimal, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Advice: `PermissionsMinimal`, `MetricsReadable`, `Deprecated`",
    intro: "None of these affects `Ready`. The check of `PermissionsMinimal` changes nothing: the role asks `iam:SimulatePrincipalPolicy` about itself.",
    guides: &[
        Guide {
            reason: Reason::Minimal,
            stands: &[(PermissionsMinimal, True)],
            meaning: "The role has the permissions it needs, and no other important ones.",
            recognised: "`iam:SimulatePrincipalPolicy` says that all tested actions beyond the report are denied.",
            ..GOOD
        },
        Guide {
            reason: Reason::CanWriteBucket,
            short: "Reduce the role's permissions",
            meaning: "The role may write to the report's bucket, or delete from it.",
            recognised: "`iam:SimulatePrincipalPolicy` allows `s3:PutObject`, `s3:DeleteObject` or `s3:PutBucketPolicy` on the bucket.",
            remedy: "Replace the role's policy with the one that `awscost onboard policy --with-audit` prints.",
            ..FAULT
        },
        Guide {
            reason: Reason::CanReadOtherBuckets,
            short: "Reduce the role's permissions",
            meaning: "The role may read other buckets than the report's.",
            recognised: "`iam:SimulatePrincipalPolicy` allows `s3:GetObject` on another bucket.",
            remedy: "Restrict the role's policy to the report's bucket and prefix: `awscost onboard policy --with-audit` prints such a policy.",
            ..FAULT
        },
        Guide {
            reason: Reason::AdministratorLike,
            short: "Reduce the role's permissions",
            meaning: "The role may do almost anything in the account.",
            recognised: "`iam:SimulatePrincipalPolicy` allows actions that have nothing to do with billing, such as actions on IAM users.",
            remedy: "Detach the administrator policy from the role, and attach the policy that `awscost onboard policy --with-audit` prints.",
            ..FAULT
        },
        Guide {
            reason: Reason::AuditDenied,
            stands: &[(PermissionsMinimal, Unknown)],
            short: "Allow iam:SimulatePrincipalPolicy",
            meaning: "The role may not look up its own permissions, so they are not checked.",
            recognised: "`iam:SimulatePrincipalPolicy` is denied.",
            remedy: "You need not do anything. To turn on the check, allow the role `iam:SimulatePrincipalPolicy` on itself: `awscost onboard policy --with-audit` prints the policy.",
            severity: Severity::Blocked,
            outlook: Outlook::Settled,
            ..FAULT
        },
        Guide {
            reason: Reason::MetricsListed,
            stands: &[(MetricsReadable, True)],
            meaning: "CloudWatch metrics can be listed.",
            recognised: "`cloudwatch:ListMetrics` in the region of `spec.metrics` answers, even with an empty list.",
            ..GOOD
        },
        Guide {
            reason: Reason::MetricsDenied,
            stands: &[(MetricsReadable, False)],
            short: "Allow cloudwatch:ListMetrics",
            meaning: "The role may not list CloudWatch metrics, although `spec.metrics` asks for them.",
            recognised: "`cloudwatch:ListMetrics`: `AccessDenied` or `AccessDeniedException`.",
            remedy: "Allow the role `cloudwatch:ListMetrics` on `*`, or remove `spec.metrics`.",
            ..FAULT
        },
        Guide {
            reason: Reason::MetricsRegionDisabled,
            stands: &[(MetricsReadable, False)],
            short: "Correct spec.metrics.region",
            meaning: "The region of `spec.metrics` is not enabled for the account.",
            recognised: "`cloudwatch:ListMetrics`: `UnrecognizedClientException` or `InvalidClientTokenId`, although the session works elsewhere.",
            remedy: "Enable the region in the account, or set `spec.metrics.region` to an enabled one.",
            field: Field::At("spec.metrics.region"),
            ..FAULT
        },
        Guide {
            reason: Reason::IamUserKeys,
            stands: &[(Deprecated, True)],
            short: "Move to a role",
            meaning: "The account is connected with the long-lived keys of an IAM user instead of a role. It works, but so does a leaked key, for whoever has it.",
            recognised: "Local: `spec.access.accessKeySecretRef`.",
            remedy: "Create the role ([aws.md](aws.md)), set `spec.access.roleArn` and `externalIdSecretRef` instead of `accessKeySecretRef`, then delete the user's key. Loaded data stays.",
            field: Field::At("spec.access.accessKeySecretRef.name"),
            ..FAULT
        },
    ],
};
