//! The operations on objects and buckets.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use s3s::dto::{self, ETag, StreamingBlob};
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::access::{permit, visit_of};
use super::listing::{self, Entry};
use super::rules::{at_hand, bucket, check_read, check_write, find, fits, owner_of_new, timestamp, use_key};
use super::store::Object;
use super::upload;
use crate::iam::Context;
use crate::state::Shared;
use crate::world::Bucket;

/// S3's operations over the shared state.
pub struct Operations(pub Arc<Shared>);

/// The whole body of an upload. `s3s` checks its signature and length while it is read.
async fn read(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let whole = body.try_fold(BytesMut::new(), |mut whole, chunk| async move {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    whole.await.map(BytesMut::freeze).map_err(|e| S3Error::with_source(S3ErrorCode::IncompleteBody, e))
}

fn encoded(text: &str, encoding: Option<&dto::EncodingType>) -> String {
    match encoding {
        Some(_) => {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace("%2F", "/")
        }
        None => text.to_owned(),
    }
}

fn limit(max_keys: Option<i32>) -> S3Result<usize> {
    match max_keys.map(usize::try_from) {
        None => Ok(listing::PAGE),
        Some(Ok(keys)) => Ok(keys.min(listing::PAGE)),
        Some(Err(_)) => {
            Err(s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))
        }
    }
}

fn listed(
    page: &listing::Page<'_>,
    encoding: Option<&dto::EncodingType>,
) -> (dto::ObjectList, dto::CommonPrefixList) {
    let objects = page.objects.iter().map(|(key, object)| dto::Object {
        key: Some(encoded(key, encoding)),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(timestamp(object.last_modified)),
        size: Some(object.size()),
        storage_class: Some(object.storage_class.clone().into()),
        ..Default::default()
    });
    let prefixes =
        page.common_prefixes.iter().map(|p| dto::CommonPrefix { prefix: Some(encoded(p, encoding)) });
    (objects.collect(), prefixes.collect())
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn get_object(
        &self,
        req: S3Request<dto::GetObjectInput>,
    ) -> S3Result<S3Response<dto::GetObjectOutput>> {
        let (visit, input) = (visit_of(&req.extensions)?, req.input);
        let state = self.0.lock();
        let object = find(&state, &visit, &input.bucket, &input.key)?;
        check_read(
            object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
            input.if_modified_since.as_ref(),
            input.if_unmodified_since.as_ref(),
        )?;
        at_hand(&visit, object, input.sse_customer_algorithm.is_some())?;
        use_key(&visit, bucket(&state, &input.bucket)?, "kms:Decrypt")?;
        let whole = u64::try_from(object.size()).unwrap_or_default();
        let (body, content_range) = match input.range {
            None => (object.body.clone(), None),
            Some(range) => {
                let range = range
                    .check(whole)
                    .map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
                let content_range = format!("bytes {}-{}/{whole}", range.start, range.end.saturating_sub(1));
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                (object.body.slice(at(range.start)..at(range.end)), Some(content_range))
            }
        };
        Ok(S3Response::new(dto::GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(body.len()).ok(),
            content_range,
            content_type: Some(
                object.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            content_encoding: object.content_encoding.clone(),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(timestamp(object.last_modified)),
            metadata: Some(object.metadata.clone().into_iter().collect()),
            body: Some(StreamingBlob::from(Body::from(body))),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        req: S3Request<dto::HeadObjectInput>,
    ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
        let (visit, input) = (visit_of(&req.extensions)?, req.input);
        let state = self.0.lock();
        let object = find(&state, &visit, &input.bucket, &input.key)?;
        check_read(
            object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
            input.if_modified_since.as_ref(),
            input.if_unmodified_since.as_ref(),
        )?;
        Ok(S3Response::new(dto::HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(object.size()),
            content_type: Some(
                object.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            content_encoding: object.content_encoding.clone(),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(timestamp(object.last_modified)),
            metadata: Some(object.metadata.clone().into_iter().collect()),
            ..Default::default()
        }))
    }

    async fn put_object(
        &self,
        req: S3Request<dto::PutObjectInput>,
    ) -> S3Result<S3Response<dto::PutObjectOutput>> {
        let (visit, input) = (visit_of(&req.extensions)?, req.input);
        let body = read(input.body).await?;
        let mut state = self.0.lock();
        let target = bucket(&state, &input.bucket)?;
        use_key(&visit, target, "kms:GenerateDataKey")?;
        let object = Object {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            storage_class: input
                .storage_class
                .map_or_else(|| "STANDARD".to_owned(), |class| class.as_str().to_owned()),
            customer_key: input.sse_customer_algorithm.is_some(),
            ..Object::new(body, &owner_of_new(target, &visit), visit.now)
        };
        let existing = state.objects.get(&input.bucket, &input.key);
        check_write(target, existing, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let etag = object.etag.clone();
        state.objects.put(&input.bucket, &input.key, object);
        Ok(S3Response::new(dto::PutObjectOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
    }

    async fn copy_object(
        &self,
        req: S3Request<dto::CopyObjectInput>,
    ) -> S3Result<S3Response<dto::CopyObjectOutput>> {
        let (visit, input) = (visit_of(&req.extensions)?, req.input);
        let dto::CopySource::Bucket { bucket: from, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "access points are not in the sandbox"));
        };
        let mut state = self.0.lock();
        let source = bucket(&state, from)?;
        let arn = format!("arn:aws:s3:::{from}/{key}");
        permit(&visit.identity, "s3:GetObject", &arn, Some(source), &Context::default())?;
        use_key(&visit, source, "kms:Decrypt")?;
        let object = find(&state, &visit, from, key)?;
        at_hand(&visit, object, input.copy_source_sse_customer_algorithm.is_some())?;
        if input.copy_source_if_match.as_ref().is_some_and(|condition| !fits(condition, object)) {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        let target = bucket(&state, &input.bucket)?;
        let copy = Object {
            content_type: object.content_type.clone(),
            content_encoding: object.content_encoding.clone(),
            metadata: object.metadata.clone(),
            ..Object::new(object.body.clone(), &owner_of_new(target, &visit), visit.now)
        };
        let result = dto::CopyObjectResult {
            e_tag: Some(ETag::Strong(copy.etag.clone())),
            last_modified: Some(timestamp(copy.last_modified)),
            ..Default::default()
        };
        state.objects.put(&input.bucket, &input.key, copy);
        Ok(S3Response::new(dto::CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
    }

    async fn delete_object(
        &self,
        req: S3Request<dto::DeleteObjectInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectOutput>> {
        let input = req.input;
        let mut state = self.0.lock();
        if let Some(object) = state.objects.get(&input.bucket, &input.key) {
            let target = bucket(&state, &input.bucket)?;
            check_write(target, Some(object), input.if_match.as_ref(), None)?;
        }
        state.objects.delete(&input.bucket, &input.key);
        Ok(S3Response::new(dto::DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<dto::DeleteObjectsInput>,
    ) -> S3Result<S3Response<dto::DeleteObjectsOutput>> {
        let (visit, input) = (visit_of(&req.extensions)?, req.input);
        let mut state = self.0.lock();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for dto::ObjectIdentifier { key, .. } in input.delete.objects {
            let arn = format!("arn:aws:s3:::{}/{key}", input.bucket);
            let target = bucket(&state, &input.bucket)?;
            match permit(&visit.identity, "s3:DeleteObject", &arn, Some(target), &Context::default()) {
                Ok(()) => {
                    state.objects.delete(&input.bucket, &key);
                    deleted.push(dto::DeletedObject { key: Some(key), ..Default::default() });
                }
                Err(denied) => errors.push(dto::Error {
                    code: Some(denied.code().as_str().to_owned()),
                    key: Some(key),
                    message: denied.message().map(str::to_owned),
                    ..Default::default()
                }),
            }
        }
        let deleted = (input.delete.quiet != Some(true)).then_some(deleted);
        Ok(S3Response::new(dto::DeleteObjectsOutput { deleted, errors: Some(errors), ..Default::default() }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<dto::ListObjectsV2Input>,
    ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
        let input = req.input;
        let state = self.0.lock();
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => {
                let invalid = || s3_error!(InvalidArgument, "The continuation token provided is incorrect");
                Some(Entry::from_token(token).ok_or_else(invalid)?)
            }
            (None, Some(key)) => Some(Entry::Key(key.clone())),
            (None, None) => None,
        };
        let query = listing::Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after,
            limit: limit(input.max_keys)?,
        };
        let page = listing::list(&state.objects, &query);
        let encoding = input.encoding_type.as_ref();
        let (contents, common_prefixes) = listed(&page, encoding);
        Ok(S3Response::new(dto::ListObjectsV2Output {
            key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
            max_keys: i32::try_from(query.limit).ok(),
            is_truncated: Some(page.resume.is_some()),
            next_continuation_token: page.resume.as_ref().map(Entry::to_token),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            prefix: Some(encoded(query.prefix, encoding)),
            delimiter: query.delimiter.map(|delimiter| encoded(delimiter, encoding)),
            start_after: input.start_after.as_deref().map(|key| encoded(key, encoding)),
            name: Some(input.bucket.clone()),
            continuation_token: input.continuation_token.clone(),
            encoding_type: input.encoding_type.clone(),
            ..Default::default()
        }))
    }

    async fn list_objects(
        &self,
        req: S3Request<dto::ListObjectsInput>,
    ) -> S3Result<S3Response<dto::ListObjectsOutput>> {
        let input = req.input;
        let state = self.0.lock();
        // A marker that ends in the delimiter was a rolled-up prefix.
        let after = input.marker.clone().map(|marker| match &input.delimiter {
            Some(delimiter) if marker.ends_with(delimiter.as_str()) => Entry::CommonPrefix(marker),
            _ => Entry::Key(marker),
        });
        let query = listing::Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after,
            limit: limit(input.max_keys)?,
        };
        let page = listing::list(&state.objects, &query);
        let encoding = input.encoding_type.as_ref();
        let (contents, common_prefixes) = listed(&page, encoding);
        let next_marker = page
            .resume
            .as_ref()
            .map(|(Entry::Key(text) | Entry::CommonPrefix(text))| encoded(text, encoding));
        Ok(S3Response::new(dto::ListObjectsOutput {
            max_keys: i32::try_from(query.limit).ok(),
            is_truncated: Some(page.resume.is_some()),
            next_marker,
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            prefix: Some(encoded(query.prefix, encoding)),
            delimiter: query.delimiter.map(|delimiter| encoded(delimiter, encoding)),
            marker: Some(input.marker.clone().unwrap_or_default()),
            name: Some(input.bucket.clone()),
            encoding_type: input.encoding_type.clone(),
            ..Default::default()
        }))
    }

    async fn create_bucket(
        &self,
        req: S3Request<dto::CreateBucketInput>,
    ) -> S3Result<S3Response<dto::CreateBucketOutput>> {
        let (visit, input) = (visit_of(&req.extensions)?, req.input);
        let named = input.create_bucket_configuration.and_then(|made| made.location_constraint);
        let region = named.map_or_else(|| "us-east-1".to_owned(), |region| region.as_str().to_owned());
        let buckets = &mut self.0.lock().world.buckets;
        if buckets.contains_key(&input.bucket) {
            return Err(s3_error!(BucketAlreadyExists, "The requested bucket name is not available."));
        }
        let location = Some(format!("/{}", input.bucket));
        buckets.insert(input.bucket, Bucket::new(&visit.identity.account, &region));
        Ok(S3Response::new(dto::CreateBucketOutput { location }))
    }

    async fn head_bucket(
        &self,
        req: S3Request<dto::HeadBucketInput>,
    ) -> S3Result<S3Response<dto::HeadBucketOutput>> {
        let state = self.0.lock();
        let bucket_region = Some(bucket(&state, &req.input.bucket)?.region.clone());
        Ok(S3Response::new(dto::HeadBucketOutput { bucket_region, ..Default::default() }))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<dto::GetBucketLocationInput>,
    ) -> S3Result<S3Response<dto::GetBucketLocationOutput>> {
        let state = self.0.lock();
        let region = bucket(&state, &req.input.bucket)?.region.clone();
        // The oldest region has no name here.
        let location_constraint = (region != "us-east-1").then(|| region.into());
        Ok(S3Response::new(dto::GetBucketLocationOutput { location_constraint }))
    }

    async fn get_bucket_policy(
        &self,
        req: S3Request<dto::GetBucketPolicyInput>,
    ) -> S3Result<S3Response<dto::GetBucketPolicyOutput>> {
        let state = self.0.lock();
        let policy = bucket(&state, &req.input.bucket)?.policy.as_ref();
        let policy =
            policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))?;
        let text = serde_json::to_string(policy).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(dto::GetBucketPolicyOutput { policy: Some(text) }))
    }

    async fn get_bucket_ownership_controls(
        &self,
        req: S3Request<dto::GetBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<dto::GetBucketOwnershipControlsOutput>> {
        let state = self.0.lock();
        let ownership = bucket(&state, &req.input.bucket)?.object_ownership.as_str();
        let ownership = ownership.ok_or_else(|| {
            s3_error!(OwnershipControlsNotFoundError, "The bucket ownership controls were not found")
        })?;
        let rule = dto::OwnershipControlsRule { object_ownership: ownership.to_owned().into() };
        let ownership_controls = Some(dto::OwnershipControls { rules: vec![rule] });
        Ok(S3Response::new(dto::GetBucketOwnershipControlsOutput { ownership_controls }))
    }

    async fn list_buckets(
        &self,
        req: S3Request<dto::ListBucketsInput>,
    ) -> S3Result<S3Response<dto::ListBucketsOutput>> {
        let visit = visit_of(&req.extensions)?;
        let state = self.0.lock();
        let own = state.world.buckets.iter().filter(|(_, bucket)| bucket.owner == visit.identity.account);
        let buckets = own.map(|(name, bucket)| dto::Bucket {
            name: Some(name.clone()),
            bucket_region: Some(bucket.region.clone()),
            creation_date: Some(timestamp(jiff::Timestamp::UNIX_EPOCH)),
        });
        Ok(S3Response::new(dto::ListBucketsOutput { buckets: Some(buckets.collect()), ..Default::default() }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<dto::CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
        upload::create(&mut self.0.lock(), &*visit_of(&req.extensions)?, req.input)
    }

    async fn upload_part(
        &self,
        req: S3Request<dto::UploadPartInput>,
    ) -> S3Result<S3Response<dto::UploadPartOutput>> {
        let (visit, mut input) = (visit_of(&req.extensions)?, req.input);
        let body = read(input.body.take()).await?;
        upload::part(&mut self.0.lock(), &visit, &input, body)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<dto::CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
        upload::complete(&mut self.0.lock(), &*visit_of(&req.extensions)?, req.input)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<dto::AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
        upload::abort(&mut self.0.lock(), &req.input)
    }
}
