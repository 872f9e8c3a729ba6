//! PermissionsMinimal, MetricsReadable and Deprecated: what works and should be better.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::{Deprecated, MetricsReadable, PermissionsMinimal},
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Advice: `PermissionsMinimal`, `MetricsReadable`, `Deprecated`",
    intro: "None of these holds `Ready` down. `PermissionsMinimal` is found out without changing anything: `iam:SimulatePrincipalPolicy` of the role on itself.",
    guides: &[
        Guide {
            reason: Reason::Minimal,
            stands: &[(PermissionsMinimal, True)],
            meaning: "The role may do what it needs to, and nothing more that matters.",
            recognised: "`iam:SimulatePrincipalPolicy`: what is asked for beyond the report is denied.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::CanWriteBucket,
            stands: &[(PermissionsMinimal, False)],
            meaning: "The role may write to the report's bucket or delete from it.",
            recognised: "`iam:SimulatePrincipalPolicy`: `s3:PutObject`, `s3:DeleteObject` or `s3:PutBucketPolicy` there is allowed.",
            remedy: "Replace the role's policy by the one that `awscost onboard policy --with-audit` prints.",
        },
        Guide {
            reason: Reason::CanReadOtherBuckets,
            stands: &[(PermissionsMinimal, False)],
            meaning: "The role may read other buckets than the report's.",
            recognised: "`iam:SimulatePrincipalPolicy`: `s3:GetObject` on a bucket that is not the report's is allowed.",
            remedy: "Name the report's bucket and prefix in the role's policy instead of `*`: `awscost onboard policy --with-audit` prints it.",
        },
        Guide {
            reason: Reason::AdministratorLike,
            stands: &[(PermissionsMinimal, False)],
            meaning: "The role may do almost anything in the account.",
            recognised: "`iam:SimulatePrincipalPolicy`: actions that have nothing to do with billing, such as on IAM users, are allowed.",
            remedy: "Take the administrator's policy off the role; attach what `awscost onboard policy --with-audit` prints.",
        },
        Guide {
            reason: Reason::AuditDenied,
            stands: &[(PermissionsMinimal, Unknown)],
            meaning: "The role may not look at its own permissions, so nothing can be said of them.",
            recognised: "`iam:SimulatePrincipalPolicy`: a refusal.",
            remedy: "Nothing is wrong. To have it checked, allow the role `iam:SimulatePrincipalPolicy` on itself: `awscost onboard policy --with-audit` prints how.",
        },
        Guide {
            reason: Reason::MetricsListed,
            stands: &[(MetricsReadable, True)],
            meaning: "CloudWatch metrics can be listed.",
            recognised: "`cloudwatch:ListMetrics` in the region of `spec.metrics`; none at all is a good answer too.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::MetricsDenied,
            stands: &[(MetricsReadable, False)],
            meaning: "CloudWatch metrics may not be listed, though `spec.metrics` asks for them.",
            recognised: "`cloudwatch:ListMetrics`: `AccessDenied` or `AccessDeniedException`.",
            remedy: "Allow the role `cloudwatch:ListMetrics` on `*`, or take `spec.metrics` out.",
        },
        Guide {
            reason: Reason::MetricsRegionDisabled,
            stands: &[(MetricsReadable, False)],
            meaning: "The region of `spec.metrics` is not enabled for the account.",
            recognised: "`cloudwatch:ListMetrics`: `UnrecognizedClientException` or `InvalidClientTokenId`, though the session works elsewhere.",
            remedy: "Enable the region in the account, or set `spec.metrics.region` to one that is.",
        },
        Guide {
            reason: Reason::IamUserKeys,
            stands: &[(Deprecated, True)],
            meaning: "The account is connected with the long-lived keys of an IAM user instead of a role. It works, and a leaked key works for whoever has it.",
            recognised: "Local: `spec.access.accessKeySecretRef`.",
            remedy: "Create the role ([aws.md](aws.md)), set `spec.access.roleArn` and `externalIdSecretRef` in place of `accessKeySecretRef`, then delete the user's key. Loaded data stays.",
        },
    ],
};
