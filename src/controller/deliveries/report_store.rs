//! A report's bucket in a session, as `report` reads it.

use async_trait::async_trait;

use crate::{
    aws::{
        Aws, AwsFault, Code, FaultClass, Session,
        traits::{BucketOwner, Delimiter, ListObjects, MAX_READ, ReadObject},
    },
    model::{Reason, ReportLocation},
    report::{ListedObject, ReportStore, StoreFault, StoreListing, StoreObject},
};

/// More entries than one folder of a report ever has; a version of a large bill has some hundred files.
const FOLDER_LIMIT: usize = 100_000;

/// Reads the report's bucket with its narrowed session.
pub(super) struct SessionStore<'a> {
    aws: &'a Aws,
    session: &'a Session,
    report: &'a ReportLocation,
}

impl<'a> SessionStore<'a> {
    pub(super) fn new(aws: &'a Aws, session: &'a Session, report: &'a ReportLocation) -> Self {
        Self { aws, session, report }
    }

    fn store_fault(&self, place: &str, fault: &AwsFault) -> StoreFault {
        let place = format!("s3://{}/{place}", self.report.bucket);
        let problem = format!("{} on {place} failed: {}", fault.operation, fault.code);
        match fault.class {
            FaultClass::Denied | FaultClass::NotFound | FaultClass::Invalid => {
                StoreFault::Refused { reason: Reason::ObjectReadDenied, problem }
            }
            FaultClass::Throttled => StoreFault::Transient { reason: Reason::Throttled, problem },
            _ => StoreFault::Transient { reason: Reason::EndpointUnreachable, problem },
        }
    }
}

#[async_trait]
impl ReportStore for SessionStore<'_> {
    async fn list(&self, prefix: &str) -> Result<StoreListing, StoreFault> {
        let request = ListObjects {
            bucket: &self.report.bucket,
            region: &self.report.region,
            owner: BucketOwner::Expected(&self.report.owner),
            prefix,
            delimiter: Delimiter::Slash,
            limit: FOLDER_LIMIT,
        };
        let listing = self
            .aws
            .buckets
            .list(self.session, request)
            .await
            .map_err(|fault| self.store_fault(prefix, &fault))?;
        let objects = listing.objects.into_iter().map(|object| ListedObject {
            key: object.key,
            etag: object.etag,
            size: object.size,
            last_modified: Some(object.last_modified),
            file_time: None,
        });
        Ok(StoreListing { objects: objects.collect(), folders: listing.folders })
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Option<StoreObject>, StoreFault> {
        let request = ReadObject {
            bucket: &self.report.bucket,
            region: &self.report.region,
            owner: &self.report.owner,
            key,
            range: None,
        };
        match self.aws.buckets.read(self.session, request).await {
            Ok(read) if read.bytes.len() as u64 > limit => {
                Err(StoreFault::TooLarge { key: key.to_owned(), size: read.bytes.len() as u64, limit })
            }
            Ok(read) => Ok(Some(StoreObject {
                bytes: read.bytes,
                etag: read.etag,
                last_modified: Some(read.last_modified),
                file_time: None,
            })),
            Err(fault) if fault.code == Code::NoSuchKey => Ok(None),
            Err(fault) if fault.code == Code::ObjectTooLarge => {
                Err(StoreFault::TooLarge { key: key.to_owned(), size: MAX_READ + 1, limit })
            }
            Err(fault) => Err(self.store_fault(key, &fault)),
        }
    }
}
