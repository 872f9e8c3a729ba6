//! Bounded looks into buckets through the SDK.

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{Builder, Region as SdkRegion},
    types::{ObjectOwnership as SdkOwnership, OwnershipControls},
};

use super::{
    AwsFault, Code, Operation, Sdk, Session,
    calls::Calls,
    client_config::{S3Endpoint, sdk_credentials, to_timestamp},
    sdk_fault::{malformed_answer, not_readable},
    traits::{
        BucketOwner, BucketProbe, Delimiter, ListObjects, Listing, MAX_READ, ObjectOwnership, ObjectRead,
        ObjectSummary, ReadObject,
    },
};
use crate::model::{AccountId, BucketName, Region};

/// The most keys S3 returns in one page.
const PAGE: usize = 1000;

/// [`BucketProbe`] over the SDK.
pub(super) struct SdkBuckets {
    client: Client,
    calls: Calls,
}

impl SdkBuckets {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self { client: Client::from_conf(client_config(sdk)), calls: sdk.calls.clone() }
    }
}

/// The S3 configuration shared by everything that reads sources: no credentials of its own.
pub(super) fn client_config(sdk: &Sdk) -> aws_sdk_s3::Config {
    Builder::from(&sdk.without_credentials)
        .force_path_style(sdk.s3_endpoint == S3Endpoint::Overridden)
        .build()
}

fn session_config(session: &Session, region: &Region) -> Builder {
    aws_sdk_s3::Config::builder()
        .region(SdkRegion::new(region.as_str().to_owned()))
        .credentials_provider(sdk_credentials(session))
}

#[async_trait]
impl BucketProbe for SdkBuckets {
    async fn list(&self, session: &Session, request: ListObjects<'_>) -> Result<Listing, AwsFault> {
        let mut listing = Listing::default();
        let mut token = None;
        loop {
            let left = request.limit - listing.objects.len() - listing.folders.len();
            let sending = self
                .client
                .list_objects_v2()
                .bucket(request.bucket.as_str())
                .prefix(request.prefix)
                .set_delimiter((request.delimiter == Delimiter::Slash).then(|| "/".to_owned()))
                // S3 compares the owner itself, so that a stranger's bucket of this name is never listed
                // (docs/aws-facts.md 9).
                .set_expected_bucket_owner(match request.owner {
                    BucketOwner::Expected(owner) => Some(owner.to_string()),
                    BucketOwner::Any => None,
                })
                .max_keys(i32::try_from(left.min(PAGE)).unwrap_or(1000))
                .set_continuation_token(token)
                .customize()
                .config_override(session_config(session, request.region))
                .send();
            let page = self.calls.make(Operation::ListBucket, sending).await?;
            for object in page.contents() {
                listing.objects.push(object_summary(object).ok_or_else(|| {
                    malformed_answer(Operation::ListBucket, "an object without key, size, ETag or time")
                })?);
            }
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            listing.folders.extend(folders.map(str::to_owned));
            let more = page.is_truncated() == Some(true);
            // At the limit there is no further page to fetch, whatever its token says.
            if listing.objects.len() + listing.folders.len() >= request.limit {
                listing.truncated = more;
                return Ok(listing);
            }
            token = page.next_continuation_token().map(str::to_owned);
            match (more, &token) {
                (false, _) => return Ok(listing),
                (true, Some(_)) => {}
                (true, None) => {
                    return Err(malformed_answer(Operation::ListBucket, "a page cut off without a token"));
                }
            }
        }
    }

    async fn read(&self, session: &Session, request: ReadObject<'_>) -> Result<ObjectRead, AwsFault> {
        match self.fetch(session, &request).await {
            Err(fault) if hides_absence(&fault) && self.is_absent(session, &request).await => {
                Err(AwsFault::new(Operation::GetObject, Code::NoSuchKey))
            }
            outcome => outcome,
        }
    }

    async fn ownership(
        &self,
        session: &Session,
        bucket: &BucketName,
        region: &Region,
        owner: &AccountId,
    ) -> Result<ObjectOwnership, AwsFault> {
        let sending = self
            .client
            .get_bucket_ownership_controls()
            .bucket(bucket.as_str())
            .expected_bucket_owner(owner.as_str())
            .customize()
            .config_override(session_config(session, region))
            .send();
        let output = match self.calls.make(Operation::GetBucketOwnershipControls, sending).await {
            Ok(output) => output,
            // Without ownership controls, objects belong to whoever wrote them.
            Err(fault) if fault.code == Code::NoOwnershipControls => return Ok(ObjectOwnership::Writer),
            Err(fault) => return Err(fault),
        };
        let rules = output.ownership_controls().map(OwnershipControls::rules).unwrap_or_default();
        let enforced = rules.iter().any(|rule| *rule.object_ownership() == SdkOwnership::BucketOwnerEnforced);
        Ok(if enforced { ObjectOwnership::BucketOwner } else { ObjectOwnership::Writer })
    }
}

impl SdkBuckets {
    async fn fetch(&self, session: &Session, request: &ReadObject<'_>) -> Result<ObjectRead, AwsFault> {
        let range = request
            .range
            .as_ref()
            // An HTTP range includes its end, a Rust range does not.
            .map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let sending = self
            .client
            .get_object()
            .bucket(request.bucket.as_str())
            .key(request.key)
            .expected_bucket_owner(request.owner.as_str())
            .set_range(range)
            .customize()
            .config_override(session_config(session, request.region))
            .send();
        let mut output = self.calls.make(Operation::GetObject, sending).await?;
        let missing = |what| malformed_answer(Operation::GetObject, what);
        let etag = output.e_tag().ok_or_else(|| missing("no ETag"))?.to_owned();
        let last_modified =
            output.last_modified().and_then(to_timestamp).ok_or_else(|| missing("no modification time"))?;
        let promised = output.content_length().and_then(|length| u64::try_from(length).ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = output.body.next().await {
            let chunk = chunk.map_err(|error| not_readable(Operation::GetObject, &error))?;
            // The length header is the sender's word; what arrives is counted.
            if bytes.len() as u64 + chunk.len() as u64 > MAX_READ {
                return Err(AwsFault::new(Operation::GetObject, Code::ObjectTooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        // A connection that is closed early can look like the end of a body.
        if promised.is_some_and(|promised| promised != bytes.len() as u64) {
            return Err(AwsFault::new(Operation::GetObject, Code::ConnectionFailed));
        }
        Ok(ObjectRead { bytes: bytes.into(), etag, last_modified })
    }

    /// True if a listing of exactly this key succeeds and does not have it.
    async fn is_absent(&self, session: &Session, request: &ReadObject<'_>) -> bool {
        let listing = ListObjects {
            bucket: request.bucket,
            region: request.region,
            owner: BucketOwner::Expected(request.owner),
            prefix: request.key,
            delimiter: Delimiter::None,
            limit: 1,
        };
        // Keys come in order, so the key itself stands before all that only begin with it.
        self.list(session, listing)
            .await
            .is_ok_and(|listing| listing.objects.first().is_none_or(|object| object.key != request.key))
    }
}

/// S3 says NoSuchKey only to callers that may list the whole bucket. With `s3:ListBucket` bound to a prefix, as in
/// every session here, a missing key is answered with AccessDenied (docs/aws-facts.md 9), whichever policy it
/// then names. Only what is there has a key that may not decrypt it.
pub(super) fn hides_absence(fault: &AwsFault) -> bool {
    fault.code == Code::AccessDenied && fault.lacks.is_none()
}

fn object_summary(object: &aws_sdk_s3::types::Object) -> Option<ObjectSummary> {
    Some(ObjectSummary {
        key: object.key()?.to_owned(),
        size: object.size().and_then(|size| u64::try_from(size).ok())?,
        etag: object.e_tag()?.to_owned(),
        last_modified: object.last_modified().and_then(to_timestamp)?,
    })
}
