//! Objects in memory, one ordered map a bucket, and uploads in parts.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// All its bytes, as uploaded.
    pub body: Bytes,
    /// Without quotes: MD5 of the body, or of the parts' MD5s with their number.
    pub etag: String,
    /// Whole seconds, as S3 keeps them.
    pub last_modified: Timestamp,
    /// As given with the upload.
    pub content_type: Option<String>,
    /// As given with the upload; the body is never decoded.
    pub content_encoding: Option<String>,
    /// `x-amz-meta-*` by lower-case name.
    pub metadata: BTreeMap<String, String>,
    /// The owning account; differs from the bucket's when its ownership setting allows that.
    pub owner: String,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: String,
    /// `ARCHIVE_ACCESS` or `DEEP_ARCHIVE_ACCESS`, when `INTELLIGENT_TIERING` has archived it.
    pub archive_tier: Option<String>,
    /// Encrypted with a key that its writer sent along and S3 does not keep.
    pub customer_key: bool,
}

impl Object {
    /// An object of the standard class.
    #[must_use]
    pub fn new(body: Bytes, owner: &str, now: Timestamp) -> Self {
        Self {
            etag: hex::encode(Md5::checksum(&body)),
            body,
            last_modified: whole_seconds(now),
            content_type: None,
            content_encoding: None,
            metadata: BTreeMap::new(),
            owner: owner.to_owned(),
            storage_class: "STANDARD".to_owned(),
            archive_tier: None,
            customer_key: false,
        }
    }

    /// Length of the body in bytes.
    #[must_use]
    pub fn size(&self) -> i64 {
        i64::try_from(self.body.len()).unwrap_or(i64::MAX)
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// An upload in parts under way.
#[derive(Debug, Clone)]
pub struct Upload {
    pub bucket: String,
    pub key: String,
    /// Everything but body and ETag.
    pub draft: Object,
    /// By part number.
    pub parts: BTreeMap<i32, Object>,
}

/// All objects of all buckets.
#[derive(Debug, Default)]
pub struct ObjectStore {
    buckets: BTreeMap<String, BTreeMap<String, Object>>,
    /// By upload ID.
    pub uploads: BTreeMap<String, Upload>,
}

impl ObjectStore {
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<&Object> {
        self.buckets.get(bucket)?.get(key)
    }

    pub fn put(&mut self, bucket: &str, key: &str, object: Object) {
        self.buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned(), object);
    }

    pub fn delete(&mut self, bucket: &str, key: &str) -> Option<Object> {
        self.buckets.get_mut(bucket)?.remove(key)
    }

    /// The objects of a bucket whose keys begin with `prefix`, in the order of S3: by the bytes of the key.
    pub fn with_prefix<'a>(
        &'a self,
        bucket: &str,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Object)> + use<'a> {
        self.buckets
            .get(bucket)
            .into_iter()
            .flat_map(move |objects| objects.range(prefix.to_owned()..))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Puts an upload's parts together.
    pub fn assemble(draft: Object, parts: &[&Object], now: Timestamp) -> Object {
        let mut body = Vec::with_capacity(parts.iter().map(|part| part.body.len()).sum());
        let mut digests = Md5::new();
        for part in parts {
            body.extend_from_slice(&part.body);
            digests.update(&hex::decode(&part.etag).unwrap_or_default());
        }
        Object {
            body: body.into(),
            etag: format!("{}-{}", hex::encode(digests.finalize()), parts.len()),
            last_modified: whole_seconds(now),
            ..draft
        }
    }
}
