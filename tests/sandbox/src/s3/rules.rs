//! What an operation asks before it does anything: is the bucket there, may the caller have the object, does its key open,
//! do the request's conditions hold.

use std::time::SystemTime;

use s3s::dto::{self, ETagCondition};
use s3s::{S3Result, s3_error};

use super::access::error;
use super::store::Object;
use super::visit::Visit;
use crate::iam::{Ask, Context, allowed};
use crate::state::State;
use crate::wire::Failure;
use crate::world::{Bucket, KeyState, ObjectOwnership};

pub fn bucket<'a>(state: &'a State, name: &str) -> S3Result<&'a Bucket> {
    state
        .world
        .buckets
        .get(name)
        .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
}

/// Who owns what `visit` writes into the bucket.
pub fn owner_of_new(bucket: &Bucket, visit: &Visit) -> String {
    match bucket.object_ownership {
        ObjectOwnership::BucketOwnerEnforced => bucket.owner.clone(),
        ObjectOwnership::ObjectWriter | ObjectOwnership::BucketOwnerPreferred | ObjectOwnership::Unset => {
            visit.identity.account.clone()
        }
    }
}

pub fn timestamp(time: jiff::Timestamp) -> dto::Timestamp {
    SystemTime::from(time).into()
}

/// The object, if it exists and its owner lets the caller have it.
pub fn find<'a>(state: &'a State, visit: &Visit, bucket_name: &str, key: &str) -> S3Result<&'a Object> {
    let object = state.objects.get(bucket_name, key).ok_or_else(|| {
        if visit.may_list() {
            s3_error!(NoSuchKey, "The specified key does not exist.")
        } else {
            s3_error!(AccessDenied, "Access Denied")
        }
    })?;
    let bucket = bucket(state, bucket_name)?;
    let owner = match bucket.object_ownership {
        ObjectOwnership::BucketOwnerEnforced => &bucket.owner,
        _ => &object.owner,
    };
    if *owner != bucket.owner && *owner != visit.identity.account {
        return Err(s3_error!(AccessDenied, "Access Denied"));
    }
    Ok(object)
}

/// Whether the object's bytes can be had at all: not archived, and with the key it was written with, if that was the
/// writer's own.
pub fn at_hand(visit: &Visit, object: &Object, with_own_key: bool) -> S3Result<()> {
    let tier = object.archive_tier.as_deref();
    if tier.is_some() || matches!(object.storage_class.as_str(), "GLACIER" | "DEEP_ARCHIVE") {
        let message = "The operation is not valid for the object's storage class";
        let failure = Failure::new(403, "InvalidObjectState", message);
        let mut elements = vec![("StorageClass", object.storage_class.as_str())];
        elements.extend(tier.map(|tier| ("AccessTier", tier)));
        let refusal = error(&failure);
        visit.set_end(|end| end.replacement = Some(failure.into_s3_response("-", &elements)));
        return Err(refusal);
    }
    if object.customer_key != with_own_key {
        let message = if object.customer_key {
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
        } else {
            "The encryption parameters are not applicable to this object."
        };
        return Err(error(&Failure::new(400, "InvalidRequest", message)));
    }
    Ok(())
}

/// Whether the bucket's key can be used by the caller for `action`, as S3 asks KMS.
pub fn use_key(visit: &Visit, bucket: &Bucket, action: &str) -> S3Result<()> {
    let Some(key) = &bucket.kms_key else { return Ok(()) };
    let unusable = match key.state {
        KeyState::Enabled => None,
        KeyState::Disabled => Some(("KMS.DisabledException", "is disabled.")),
        KeyState::PendingDeletion => Some(("KMS.KMSInvalidStateException", "is pending deletion.")),
        KeyState::Missing => Some(("KMS.NotFoundException", "does not exist")),
        KeyState::Unavailable => Some(("KMS.KeyUnavailableException", "is not available.")),
    };
    if let Some((code, how)) = unusable {
        return Err(error(&Failure::new(400, code, format!("{} {how}", key.arn))));
    }
    let account = key.arn.split(':').nth(4).unwrap_or_default();
    let context = Context::default().with("kms:ViaService", format!("s3.{}.amazonaws.com", bucket.region));
    let ask = Ask {
        action,
        resource: &key.arn,
        owner: account,
        resource_policy: key.policy.as_ref(),
        context: &context,
    };
    allowed(&visit.identity, &ask).map_err(|denial| {
        let because = denial.because(action);
        s3_error!(
            AccessDenied,
            "User: {} is not authorized to perform: {action} on resource: {} {because}",
            visit.identity.arn,
            key.arn
        )
    })
}

pub fn fits(condition: &ETagCondition, object: &Object) -> bool {
    condition.is_any() || condition.as_etag().is_some_and(|etag| etag.value() == object.etag)
}

/// The conditions of a read: 412 beats 304, ETags beat dates.
pub fn check_read(
    object: &Object,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    if_modified_since: Option<&dto::Timestamp>,
    if_unmodified_since: Option<&dto::Timestamp>,
) -> S3Result<()> {
    let modified = timestamp(object.last_modified);
    let failed = match if_match {
        Some(condition) => !fits(condition, object),
        None => if_unmodified_since.is_some_and(|since| modified > *since),
    };
    if failed {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    let unchanged = match if_none_match {
        Some(condition) => fits(condition, object),
        None => if_modified_since.is_some_and(|since| modified <= *since),
    };
    if unchanged { Err(error(&Failure::new(304, "NotModified", "Not Modified"))) } else { Ok(()) }
}

/// The conditions of a write.
pub fn check_write(
    bucket: &Bucket,
    existing: Option<&Object>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let failed =
        || s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold");
    if bucket.ignores_write_conditions {
        return Ok(());
    }
    if let Some(condition) = if_none_match
        && existing.is_some_and(|object| fits(condition, object))
    {
        return Err(failed());
    }
    match (if_match, existing) {
        (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        (Some(condition), Some(object)) if !fits(condition, object) => Err(failed()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_ignores_conditions_takes_a_second_writer() {
        let bucket = |more: &str| -> Bucket {
            serde_json::from_str(&format!(r#"{{"owner": "1", "region": "r"{more}}}"#)).unwrap()
        };
        let there = Object::new("first".into(), "1", jiff::Timestamp::UNIX_EPOCH);
        let second = |bucket: &Bucket| check_write(bucket, Some(&there), None, Some(&ETagCondition::Any));
        assert!(second(&bucket("")).is_err());
        assert!(second(&bucket(r#", "ignoresWriteConditions": true"#)).is_ok());
    }
}
