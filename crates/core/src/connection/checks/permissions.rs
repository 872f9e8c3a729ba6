//! PermissionsMinimal: the role can do no more than it must. Advice: it holds nothing up.
//!
//! IAM's simulator is asked what the role's own policies allow; nothing is done to find out.

use jiff::Timestamp;

use super::super::{Excess, Facts, Finding, RoleAccess, Standing, Target};
use crate::{
    aws::{FaultClass, traits::PermissionQuestion},
    model::{ConditionType::PermissionsMinimal, Reason},
};

/// Ways to change what the report's bucket holds or who may reach it.
const WRITES: [(&str, PolicyPart); 3] = [
    ("s3:PutObject", PolicyPart::Objects),
    ("s3:DeleteObject", PolicyPart::Objects),
    ("s3:PutBucketPolicy", PolicyPart::Bucket),
];
/// Whoever may do one of these may give itself the rest.
const ADMINISTERS: [&str; 2] = ["iam:CreateUser", "iam:AttachRolePolicy"];
/// A bucket that no report is delivered to: its name has what no bucket of AWS's customers may begin with.
const OTHER_BUCKET: &str = "xn--awscost-another-bucket";

#[derive(Debug, Clone, Copy)]
enum PolicyPart {
    Bucket,
    Objects,
}

/// What IAM's simulator is asked.
pub(in crate::connection) fn questions(target: &Target, access: &RoleAccess) -> Vec<PermissionQuestion> {
    let (partition, account) = (target.partition().as_str(), &target.account);
    let mut questions: Vec<PermissionQuestion> = ADMINISTERS
        .iter()
        .map(|action| PermissionQuestion {
            action,
            resource: match *action {
                "iam:CreateUser" => format!("arn:{partition}:iam::{account}:user/awscost-permission-check"),
                _ => access.role.to_string(),
            },
        })
        .collect();
    questions.push(PermissionQuestion {
        action: "s3:GetObject",
        resource: format!("arn:{partition}:s3:::{OTHER_BUCKET}/object"),
    });
    if let Some(report) = &target.report {
        let bucket = report.bucket_arn(target.partition());
        questions.extend(WRITES.iter().map(|(action, part)| PermissionQuestion {
            action,
            resource: match part {
                PolicyPart::Bucket => bucket.clone(),
                PolicyPart::Objects => format!("{bucket}/{}object", report.key_root()),
            },
        }));
    }
    questions
}

/// What the answers come to.
pub(in crate::connection) fn excess(questions: &[PermissionQuestion], answers: &[bool]) -> Excess {
    let mut excess = Excess::default();
    let allowed = questions.iter().zip(answers).filter(|(_, allowed)| **allowed);
    for (question, _) in allowed {
        if ADMINISTERS.contains(&question.action) {
            excess.administers = true;
        } else if WRITES.iter().any(|(action, _)| *action == question.action) {
            excess.writes_bucket = true;
        } else {
            excess.reads_others = true;
        }
    }
    excess
}

pub(in crate::connection) fn check(
    facts: &Facts,
    target: &Target,
    access: &RoleAccess,
    now: Timestamp,
) -> Finding {
    let role = &access.role;
    match facts.excess.standing(now) {
        Standing::Known(excess) => judge(*excess, target, access),
        Standing::Refused(fault) if fault.class == FaultClass::Denied => Finding::unknown(
            PermissionsMinimal,
            Reason::AuditDenied,
            format!(
                "{role} may not call iam:SimulatePrincipalPolicy on itself, so whether it can do too much is not known. Nothing \
                 is wrong; to have it checked, give the role what awscost onboard policy --with-audit prints."
            ),
        ),
        Standing::Refused(fault) => Finding::doubtful(PermissionsMinimal, &fault.clone().inconclusive()),
        standing => Finding::inconclusive(PermissionsMinimal, &standing),
    }
}

fn judge(excess: Excess, target: &Target, access: &RoleAccess) -> Finding {
    let role = &access.role;
    let bucket = target.report.as_ref().map_or("", |report| report.bucket.as_str());
    let (others, need) = match target.report {
        Some(_) => ("buckets other than the report's", "It need only read the report"),
        None => ("buckets", "Without a report it need read none"),
    };
    let fix = "awscost onboard policy --with-audit prints what is needed for that and for this check.";
    let (reason, problem) = if excess.administers {
        (
            Reason::AdministratorLike,
            "can create users or attach policies, and so do almost anything in the account".to_owned(),
        )
    } else if excess.writes_bucket {
        (
            Reason::CanWriteBucket,
            format!("can write to, delete from or re-police {bucket}, and so change the bill it is to read"),
        )
    } else if excess.reads_others {
        (Reason::CanReadOtherBuckets, format!("can read {others}"))
    } else {
        return Finding::pass(
            PermissionsMinimal,
            Reason::Minimal,
            match target.report {
                Some(_) => format!(
                    "{role} can neither write to the report's bucket, nor read others, nor administer the account."
                ),
                None => format!("{role} can neither read buckets nor administer the account."),
            },
        );
    };
    Finding::fail(PermissionsMinimal, reason, format!("{role} {problem}. {need}: {fix}"))
}
