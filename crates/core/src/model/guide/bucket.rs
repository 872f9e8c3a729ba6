//! BucketReadable: what a Job will read can be read.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::BucketReadable,
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Bucket: `BucketReadable`",
    intro: "Looked at with the very session that Jobs get, narrowed to this report, and with the expected bucket owner on every call. A load that meets one of these says it in `DataCurrent`.",
    guides: &[
        Guide {
            reason: Reason::Readable,
            stands: &[(BucketReadable, True)],
            meaning: "The report can be listed and read.",
            recognised: "`s3:ListBucket` and `s3:GetObject` of a manifest.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::ReadNotYetProvable,
            stands: &[(BucketReadable, True)],
            meaning: "Listing works; there is no manifest yet to prove reading with.",
            recognised: "`s3:ListBucket` finds none.",
            remedy: "Wait for the first delivery.",
        },
        Guide {
            reason: Reason::BucketNotFound,
            stands: &[(BucketReadable, False)],
            meaning: "There is no such bucket.",
            recognised: "`s3:ListBucket`: `NoSuchBucket`.",
            remedy: "Correct `spec.report.bucket.name` to the bucket the report is delivered to.",
        },
        Guide {
            reason: Reason::BucketRegionMismatch,
            stands: &[(BucketReadable, False)],
            meaning: "The bucket lies in another region.",
            recognised: "`PermanentRedirect`, `TemporaryRedirect`, `AuthorizationHeaderMalformed` or `IllegalLocationConstraintException`.",
            remedy: "Set `spec.report.bucket.region` to the one the message names.",
        },
        Guide {
            reason: Reason::BucketRegionNotEnabled,
            stands: &[(BucketReadable, False)],
            meaning: "S3 in the bucket's region does not take the session that STS has just given: the region is not enabled for the account, or the session is of an STS endpoint whose sessions are not valid in opt-in regions.",
            recognised: "`s3:ListBucket` or `s3:GetObject`: `InvalidToken` or `InvalidAccessKeyId`, though the role was assumed.",
            remedy: "Enable the region in the account that the message names (Account, AWS Regions), or have the report delivered to a bucket of another region. If it is enabled: `AWS_ENDPOINT_URL_STS`, where it is set, names a region's own endpoint.",
        },
        Guide {
            reason: Reason::BucketOwnerMismatch,
            stands: &[(BucketReadable, False)],
            meaning: "The bucket is not owned by the declared account.",
            recognised: "Listing is refused with the expected owner, and works without.",
            remedy: "Set `spec.report.bucket.ownerAccountId` to the owner, if the bucket is yours. If not, somebody else holds a bucket of that name: correct the name.",
        },
        Guide {
            reason: Reason::BucketListDenied,
            stands: &[(BucketReadable, False)],
            meaning: "Listing under the prefix is refused.",
            recognised: "`s3:ListBucket`: `AccessDenied` with the expected owner; without one it is refused too, or gave no answer.",
            remedy: "Allow `s3:ListBucket` with `s3:prefix` as [aws.md](aws.md) has it; check the bucket's own policy.",
        },
        Guide {
            reason: Reason::BucketDisabled,
            stands: &[(BucketReadable, False)],
            meaning: "The bucket, or the account that owns it, is disabled.",
            recognised: "`AllAccessDisabled` or `AccountProblem`.",
            remedy: "The bucket's owner asks AWS Support; usually payment or a suspended account is behind it.",
        },
        Guide {
            reason: Reason::ObjectReadDenied,
            stands: &[(BucketReadable, False)],
            meaning: "Listing works, and reading an object is refused.",
            recognised: "`s3:GetObject`: `AccessDenied`.",
            remedy: "Allow `s3:GetObject` on the report's keys, in the role's policy and, if the bucket is another account's, in the bucket's.",
        },
        Guide {
            reason: Reason::ObjectOwnedByOther,
            stands: &[(BucketReadable, False)],
            meaning: "Reading is refused, and the bucket leaves objects to whoever wrote them: the report's may belong to another account.",
            recognised: "`s3:GetObject`: `AccessDenied`, and `s3:GetBucketOwnershipControls` gives something else than BucketOwnerEnforced, or nothing.",
            remedy: "Set the bucket's object ownership to BucketOwnerEnforced. If reading is still refused then: `ObjectReadDenied`.",
        },
        Guide {
            reason: Reason::KmsDecryptDenied,
            stands: &[(BucketReadable, False)],
            meaning: "The object may be read, and its key may not be used to decrypt it.",
            recognised: "`s3:GetObject`: `AccessDenied` that speaks of `kms:Decrypt`.",
            remedy: "Allow `kms:Decrypt` on the key in the role's policy and in the key's own; through S3 is enough (`kms:ViaService`).",
        },
        Guide {
            reason: Reason::KmsKeyUnusable,
            stands: &[(BucketReadable, False)],
            meaning: "The object's key is disabled, pending deletion or gone.",
            recognised: "`KMS.DisabledException`, `KMS.NotFoundException`, `KMS.KMSInvalidStateException`.",
            remedy: "Enable the key, or have the report delivered anew under another.",
        },
        Guide {
            reason: Reason::ObjectArchived,
            stands: &[(BucketReadable, False)],
            meaning: "The newest manifest was archived.",
            recognised: "`s3:GetObject`: `InvalidObjectState`.",
            remedy: "Restore it; keep the report out of lifecycle rules and archive tiers.",
        },
        Guide {
            reason: Reason::CustomerKeyEncrypted,
            stands: &[(BucketReadable, False)],
            meaning: "The object is encrypted with a key that only its writer has (SSE-C).",
            recognised: "`s3:GetObject`: `UserKeyMustBeSpecified`.",
            remedy: "Have it written with SSE-S3 or SSE-KMS. AWS delivers reports so; something else copied these.",
        },
        Guide {
            reason: Reason::PrefixIncludesReportName,
            stands: &[(BucketReadable, False)],
            meaning: "The prefix ends with the report's name, which AWS adds by itself, so the name is looked for twice.",
            recognised: "`s3:ListBucket`: nothing under prefix and name, and the report right under the prefix.",
            remedy: "Take the report's name off the end of `spec.report.bucket.prefix`.",
        },
        Guide {
            reason: Reason::PrefixOneLevelOff,
            stands: &[(BucketReadable, False)],
            meaning: "The report lies one level above or below the declared prefix.",
            recognised: "`s3:ListBucket`: nothing under the prefix, and the report beside it.",
            remedy: "Set `spec.report.bucket.prefix` to the one the message names.",
        },
        Guide {
            reason: Reason::SessionPolicyTooLong,
            stands: &[(BucketReadable, False)],
            meaning: "The session policy for this report would be longer than AWS allows.",
            recognised: "Local: over 2,048 characters; or `sts:AssumeRole`: `PackedPolicyTooLarge`.",
            remedy: "Shorten the report's prefix or name.",
        },
    ],
};
