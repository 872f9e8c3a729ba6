//! A bucket as a source of bills: lists, reads manifests, and streams data files, each pinned to its ETag.

mod explain;
mod stream;

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{Builder, IdentityCache, Region as SdkRegion},
};
use bytes::Bytes;
use tokio::runtime::Handle;

use super::{
    AwsFault, Code, Operation, Sdk, SessionDirectory,
    calls::Calls,
    client_config::{S3Endpoint, to_timestamp},
    s3::hides_absence,
    sdk_fault::{malformed_answer, not_readable},
    session_directory::SessionStamp,
};
use crate::{
    model::{AccountId, BucketName, Region},
    report::{
        BillSource, DeliveredFile, ListedObject, ReportStore, SourceFault, SourceFile, StoreFault,
        StoreListing, StoreObject,
    },
};

/// How often a range is fetched again when its body breaks off; the SDK retries what fails before.
const BODY_ATTEMPTS: u32 = 4;

/// Where the bucket is and who reads it.
#[derive(Debug, Clone)]
pub struct BucketAccess {
    /// The bucket that the report is delivered to.
    pub bucket: BucketName,
    /// Its region; `None` for the one of the standard AWS configuration.
    pub region: Option<Region>,
    /// The account that must own it; S3 refuses the call otherwise.
    pub owner: Option<AccountId>,
    /// A Job's mounted session; `None` for the standard AWS chain, at a laptop.
    pub session: Option<SessionDirectory>,
}

/// Reads reports from a bucket.
#[derive(Clone)]
pub struct S3Source {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    calls: Calls,
    access: BucketAccess,
    /// Drives the reads of worker threads, which are no async code.
    runtime: Handle,
}

/// An object's bytes, or a range of them.
struct Fetched {
    bytes: Bytes,
    etag: String,
    last_modified: Option<jiff::Timestamp>,
}

/// Which part of which object is fetched.
#[derive(Clone, Copy)]
struct Fetch<'a> {
    key: &'a str,
    if_match: Option<&'a str>,
    range: Option<(u64, u64)>,
    limit: u64,
}

impl S3Source {
    /// Sets the source up; nothing is read yet. Takes the tokio runtime it is called in for its reads.
    pub fn new(sdk: &Sdk, access: BucketAccess) -> Self {
        let mut config = match &access.session {
            Some(session) => Builder::from(&sdk.without_credentials)
                .credentials_provider(session.clone())
                // The directory keeps the session itself, and knows when to look again.
                .identity_cache(IdentityCache::no_cache()),
            None => Builder::from(&sdk.base),
        };
        config = config.force_path_style(sdk.s3_endpoint == S3Endpoint::Overridden);
        if let Some(region) = &access.region {
            config = config.region(SdkRegion::new(region.as_str().to_owned()));
        }
        let client = Client::from_conf(config.build());
        Self {
            inner: Arc::new(Inner { client, calls: sdk.calls.clone(), access, runtime: Handle::current() }),
        }
    }
}

impl Inner {
    fn owner(&self) -> Option<String> {
        self.access.owner.as_ref().map(ToString::to_string)
    }

    fn stamp(&self) -> Option<SessionStamp> {
        self.access.session.as_ref().and_then(SessionDirectory::stamp)
    }

    /// True if a call failed because its session had expired, and there is a new one by now. `before` is the
    /// session's stamp from before the call.
    async fn renewed(&self, fault: &AwsFault, before: Option<SessionStamp>) -> bool {
        let Some(session) = self.access.session.as_ref().filter(|_| fault.code == Code::ExpiredToken) else {
            return false;
        };
        tracing::info!("the session has expired; waiting for its renewal");
        // The first call of a process has no stamp before it, but one after.
        session.renewed(before.or_else(|| session.stamp()).as_ref()).await
    }

    async fn list(&self, prefix: &str) -> Result<StoreListing, AwsFault> {
        loop {
            let before = self.stamp();
            match self.list_once(prefix).await {
                Ok(listing) => return Ok(listing),
                Err(fault) => {
                    if !self.renewed(&fault, before).await {
                        return Err(fault);
                    }
                }
            }
        }
    }

    async fn list_once(&self, prefix: &str) -> Result<StoreListing, AwsFault> {
        let mut listing = StoreListing::default();
        let mut token: Option<String> = None;
        loop {
            let sending = self
                .client
                .list_objects_v2()
                .bucket(self.access.bucket.as_str())
                .prefix(prefix)
                .delimiter("/")
                .set_expected_bucket_owner(self.owner())
                .set_continuation_token(token.take())
                .send();
            let page = self.calls.make(Operation::ListBucket, sending).await?;
            for object in page.contents() {
                let listed = listed_object(object).ok_or_else(|| {
                    malformed_answer(Operation::ListBucket, "an object without key, size or ETag")
                })?;
                listing.objects.push(listed);
            }
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            listing.folders.extend(folders.map(str::to_owned));
            token = page.next_continuation_token().map(str::to_owned);
            match (page.is_truncated(), &token) {
                (Some(true), Some(_)) => {}
                (Some(true), None) => {
                    return Err(malformed_answer(Operation::ListBucket, "a page cut off without a token"));
                }
                _ => return Ok(listing),
            }
        }
    }

    /// Fetches once; a body that breaks off is [`Code::ConnectionFailed`].
    async fn fetch_once(&self, fetch: Fetch<'_>) -> Result<Fetched, AwsFault> {
        let sending = self
            .client
            .get_object()
            .bucket(self.access.bucket.as_str())
            .key(fetch.key)
            .set_expected_bucket_owner(self.owner())
            .set_if_match(fetch.if_match.map(str::to_owned))
            .set_range(fetch.range.map(|(start, end)| format!("bytes={start}-{}", end - 1)))
            .send();
        let mut output = self.calls.make(Operation::GetObject, sending).await?;
        let etag =
            output.e_tag().ok_or_else(|| malformed_answer(Operation::GetObject, "no ETag"))?.to_owned();
        let last_modified = output.last_modified().and_then(to_timestamp);
        let mut bytes = Vec::new();
        while let Some(chunk) = output.body.next().await {
            let chunk = chunk.map_err(|error| not_readable(Operation::GetObject, &error))?;
            // The length header is the sender's word; what arrives is counted.
            if bytes.len() as u64 + chunk.len() as u64 > fetch.limit {
                return Err(AwsFault::new(Operation::GetObject, Code::ObjectTooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        if fetch.range.is_some_and(|(start, end)| bytes.len() as u64 != end - start) {
            return Err(AwsFault::new(Operation::GetObject, Code::ConnectionFailed));
        }
        Ok(Fetched { bytes: bytes.into(), etag, last_modified })
    }

    async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched, AwsFault> {
        let mut attempt = 1;
        loop {
            let before = self.stamp();
            let fault = match self.fetch_once(fetch).await {
                Ok(fetched) => return Ok(fetched),
                Err(fault) => fault,
            };
            if fault.code == Code::ConnectionFailed && attempt < BODY_ATTEMPTS {
                // A server that drops connections is not helped by asking at once.
                tokio::time::sleep(std::time::Duration::from_millis(100 << attempt)).await;
                attempt += 1;
            } else if !self.renewed(&fault, before).await {
                let absent = hides_absence(&fault) && self.is_absent(fetch.key).await;
                return Err(if absent {
                    AwsFault::new(Operation::GetObject, Code::NoSuchKey)
                } else {
                    fault
                });
            }
        }
    }

    /// True if a listing of exactly this key succeeds and does not have it.
    async fn is_absent(&self, key: &str) -> bool {
        let listing = self.list_once(key).await;
        listing.is_ok_and(|listing| listing.objects.first().is_none_or(|object| object.key != key))
    }

    /// Fetches a range of a data file.
    async fn fetch_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes, SourceFault> {
        let limit = range.end - range.start;
        let fetch = Fetch { key, if_match: Some(etag), range: Some((range.start, range.end)), limit };
        match self.fetch(fetch).await {
            Ok(fetched) => Ok(fetched.bytes),
            Err(fault) => Err(explain::source_fault(key, &fault, &self.access)),
        }
    }
}

fn listed_object(object: &aws_sdk_s3::types::Object) -> Option<ListedObject> {
    Some(ListedObject {
        key: object.key()?.to_owned(),
        size: object.size().and_then(|size| u64::try_from(size).ok())?,
        etag: object.e_tag()?.to_owned(),
        last_modified: object.last_modified().and_then(to_timestamp),
        file_time: None,
    })
}

#[async_trait]
impl ReportStore for S3Source {
    async fn list(&self, prefix: &str) -> Result<StoreListing, StoreFault> {
        let inner = &self.inner;
        inner.list(prefix).await.map_err(|fault| explain::store_fault(prefix, &fault, &inner.access))
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Option<StoreObject>, StoreFault> {
        let inner = &self.inner;
        match inner.fetch(Fetch { key, if_match: None, range: None, limit }).await {
            Ok(fetched) => Ok(Some(StoreObject {
                bytes: fetched.bytes,
                etag: fetched.etag,
                last_modified: fetched.last_modified,
                file_time: None,
            })),
            Err(fault) if fault.code == Code::NoSuchKey => Ok(None),
            Err(fault) if fault.code == Code::ObjectTooLarge => {
                Err(StoreFault::TooLarge { key: key.to_owned(), size: limit + 1, limit })
            }
            Err(fault) => Err(explain::store_fault(key, &fault, &inner.access)),
        }
    }
}

impl BillSource for S3Source {
    fn file(&self, listed: &DeliveredFile) -> Arc<dyn SourceFile> {
        Arc::new(stream::S3File { inner: Arc::clone(&self.inner), listed: listed.clone() })
    }
}
