//! BucketReadable: what a Job will read can be read.

use super::{GOOD, Guide, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::BucketReadable,
    Reason,
    layers::Field,
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(BucketReadable, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "Bucket: `BucketReadable`",
    intro: "These checks use the same session that Jobs get, limited to this report, and require the expected bucket owner on every call. If a load fails for one of these reasons, `DataCurrent` has it.",
    guides: &[
        Guide {
            reason: Reason::Readable,
            stands: &[(BucketReadable, True)],
            meaning: "The report can be listed and read.",
            recognised: "`s3:ListBucket` works, and `s3:GetObject` of a manifest.",
            ..GOOD
        },
        Guide {
            reason: Reason::ReadNotYetProvable,
            stands: &[(BucketReadable, True)],
            short: "Wait for the first delivery",
            meaning: "Listing works, but reading can't be tested until there is a manifest.",
            recognised: "`s3:ListBucket` finds no manifest.",
            remedy: "Wait for the first delivery.",
            ..GOOD
        },
        Guide {
            reason: Reason::BucketNotFound,
            short: "Correct report.bucket.name",
            meaning: "The bucket does not exist.",
            recognised: "`s3:ListBucket`: `NoSuchBucket`.",
            remedy: "Set `spec.report.bucket.name` to the bucket that the report is delivered to.",
            ..FAULT
        },
        Guide {
            reason: Reason::BucketRegionMismatch,
            short: "Correct report.bucket.region",
            meaning: "The bucket is in another region.",
            recognised: "`PermanentRedirect`, `TemporaryRedirect`, `AuthorizationHeaderMalformed` or `IllegalLocationConstraintException`.",
            remedy: "Set `spec.report.bucket.region` to the region in the message.",
            field: Field::At("spec.report.bucket.region"),
            ..FAULT
        },
        Guide {
            reason: Reason::BucketRegionNotEnabled,
            short: "Enable the region in the account",
            meaning: "S3 in the bucket's region does not accept a new session. Either the region is not enabled for the account, or the session comes from an STS endpoint whose sessions are not valid in opt-in regions.",
            recognised: "`s3:ListBucket` or `s3:GetObject`: `InvalidToken` or `InvalidAccessKeyId`, although the role was assumed.",
            remedy: "Enable the region in the account that the message names (Account, AWS Regions), or deliver the report to a bucket in another region. If the region is enabled and `AWS_ENDPOINT_URL_STS` is set, let it name the endpoint of a region.",
            field: Field::At("spec.report.bucket.region"),
            ..FAULT
        },
        Guide {
            reason: Reason::BucketOwnerMismatch,
            short: "Set report.bucket.ownerAccountId",
            meaning: "The bucket is not owned by the declared account.",
            recognised: "Listing with the expected owner is denied, and works without it.",
            remedy: "Set `spec.report.bucket.ownerAccountId` to the owner, if the bucket is yours. If not, somebody else owns the bucket with this name: correct the name.",
            field: Field::At("spec.report.bucket.ownerAccountId"),
            ..FAULT
        },
        Guide {
            reason: Reason::BucketListDenied,
            short: "Allow s3:ListBucket on the prefix",
            meaning: "The role may not list the prefix.",
            recognised: "`s3:ListBucket`: `AccessDenied` with the expected owner. Without it the call is denied too, or got no answer.",
            remedy: "Allow `s3:ListBucket` with `s3:prefix` as in [aws.md](aws.md), and check the bucket's own policy.",
            ..FAULT
        },
        Guide {
            reason: Reason::BucketDisabled,
            short: "The bucket's owner asks AWS Support",
            meaning: "The bucket, or the account that owns it, is disabled.",
            recognised: "`AllAccessDisabled` or `AccountProblem`.",
            remedy: "The bucket's owner has to ask AWS Support. The usual cause is a missing payment or a suspended account.",
            ..FAULT
        },
        Guide {
            reason: Reason::ObjectReadDenied,
            short: "Allow s3:GetObject on the report",
            meaning: "Listing works, but reading an object is denied.",
            recognised: "`s3:GetObject`: `AccessDenied`.",
            remedy: "Allow `s3:GetObject` on the report's keys, in the role's policy and, if the bucket belongs to another account, in the bucket's policy.",
            ..FAULT
        },
        Guide {
            reason: Reason::ObjectOwnedByOther,
            short: "Set BucketOwnerEnforced",
            meaning: "Reading is denied, and objects in this bucket belong to whoever wrote them, so the report's files may belong to another account.",
            recognised: "`s3:GetObject`: `AccessDenied`, and `s3:GetBucketOwnershipControls` returns something other than BucketOwnerEnforced, or nothing.",
            remedy: "Set the bucket's object ownership to BucketOwnerEnforced. If reading is still denied then, see `ObjectReadDenied`.",
            ..FAULT
        },
        Guide {
            reason: Reason::KmsDecryptDenied,
            short: "Allow kms:Decrypt on the bucket's key",
            meaning: "The role may read the object, but not use its KMS key to decrypt it.",
            recognised: "`s3:GetObject`: `AccessDenied`, and the text names `kms:Decrypt`.",
            remedy: "Allow `kms:Decrypt` on the key in the role's policy and in the key's policy. Access through S3 is enough (`kms:ViaService`).",
            ..FAULT
        },
        Guide {
            reason: Reason::KmsKeyUnusable,
            short: "Enable the bucket's KMS key",
            meaning: "The object's KMS key is disabled, pending deletion or deleted.",
            recognised: "`KMS.DisabledException`, `KMS.NotFoundException`, `KMS.KMSInvalidStateException`.",
            remedy: "Enable the key, or have the report delivered again with another key.",
            ..FAULT
        },
        Guide {
            reason: Reason::ObjectArchived,
            short: "Restore the manifest from its archive",
            meaning: "The newest manifest was archived.",
            recognised: "`s3:GetObject`: `InvalidObjectState`.",
            remedy: "Restore the manifest, and exclude the report from lifecycle rules and archive tiers.",
            ..FAULT
        },
        Guide {
            reason: Reason::CustomerKeyEncrypted,
            short: "Write it without SSE-C",
            meaning: "The object is encrypted with a key that only its writer has (SSE-C).",
            recognised: "`s3:GetObject`: `UserKeyMustBeSpecified`.",
            remedy: "Write the objects with SSE-S3 or SSE-KMS. AWS delivers reports that way, so something else copied these.",
            ..FAULT
        },
        Guide {
            reason: Reason::PrefixIncludesReportName,
            short: "Remove the name from the prefix",
            meaning: "The prefix ends with the report's name. AWS adds the name itself, so the operator looks for it twice.",
            recognised: "`s3:ListBucket`: nothing under prefix and name, but the report directly under the prefix.",
            remedy: "Remove the report's name from the end of `spec.report.bucket.prefix`.",
            field: Field::At("spec.report.bucket.prefix"),
            ..FAULT
        },
        Guide {
            reason: Reason::PrefixOneLevelOff,
            short: "Correct report.bucket.prefix",
            meaning: "The report is one level above or below the declared prefix.",
            recognised: "`s3:ListBucket`: nothing under the prefix, but the report next to it.",
            remedy: "Set `spec.report.bucket.prefix` to the prefix in the message.",
            field: Field::At("spec.report.bucket.prefix"),
            ..FAULT
        },
        Guide {
            reason: Reason::SessionPolicyTooLong,
            short: "Shorten the prefix or name",
            meaning: "The session policy for this report would be longer than AWS allows.",
            recognised: "Local: it has more than 2,048 characters; or `sts:AssumeRole`: `PackedPolicyTooLarge`.",
            remedy: "Shorten the report's prefix or name.",
            ..FAULT
        },
    ],
};
