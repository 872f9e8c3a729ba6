//! Uploads in parts: nothing is visible before the last call, and then everything at once.

use bytes::Bytes;
use s3s::dto::{self, ETag};
use s3s::{S3Response, S3Result, s3_error};

use super::rules::{bucket, check_write, owner_of_new, use_key};
use super::store::{Object, ObjectStore, Upload};
use super::visit::Visit;
use crate::state::State;

/// The least size of a part that is not the last, as in S3.
const LEAST_PART: usize = 5 * 1024 * 1024;

fn find<'a>(state: &'a mut State, id: &str, name: &str, key: &str) -> S3Result<&'a mut Upload> {
    state.objects.uploads.get_mut(id).filter(|upload| upload.bucket == name && upload.key == key).ok_or_else(|| {
        s3_error!(
            NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
        )
    })
}

pub fn create(
    state: &mut State,
    visit: &Visit,
    input: dto::CreateMultipartUploadInput,
) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
    let target = bucket(state, &input.bucket)?;
    use_key(visit, target, "kms:GenerateDataKey")?;
    let draft = Object {
        content_type: input.content_type,
        content_encoding: input.content_encoding,
        metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        ..Object::new(Bytes::new(), &owner_of_new(target, visit), visit.now)
    };
    let id = uuid::Uuid::new_v4().simple().to_string();
    let upload =
        Upload { bucket: input.bucket.clone(), key: input.key.clone(), draft, parts: Default::default() };
    state.objects.uploads.insert(id.clone(), upload);
    Ok(S3Response::new(dto::CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..Default::default()
    }))
}

pub fn part(
    state: &mut State,
    visit: &Visit,
    input: &dto::UploadPartInput,
    body: Bytes,
) -> S3Result<S3Response<dto::UploadPartOutput>> {
    if !(1..=10_000).contains(&input.part_number) {
        return Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive"
        ));
    }
    let upload = find(state, &input.upload_id, &input.bucket, &input.key)?;
    let part = Object::new(body, &upload.draft.owner, visit.now);
    let etag = part.etag.clone();
    upload.parts.insert(input.part_number, part);
    Ok(S3Response::new(dto::UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
}

pub fn complete(
    state: &mut State,
    visit: &Visit,
    input: dto::CompleteMultipartUploadInput,
) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
    let upload = find(state, &input.upload_id, &input.bucket, &input.key)?.clone();
    let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    let mut parts = Vec::with_capacity(named.len());
    let mut last = 0;
    for part in &named {
        let number = part.part_number.unwrap_or_default();
        if number <= last {
            return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
        }
        last = number;
        let known = upload
            .parts
            .get(&number)
            .filter(|known| part.e_tag.as_ref().is_none_or(|etag| etag.value() == known.etag));
        parts.push(known.ok_or_else(|| {
            s3_error!(InvalidPart, "One or more of the specified parts could not be found.")
        })?);
    }
    if parts[..parts.len() - 1].iter().any(|part| part.body.len() < LEAST_PART) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    let existing = state.objects.get(&input.bucket, &input.key);
    let target = bucket(state, &input.bucket)?;
    check_write(target, existing, input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let object = ObjectStore::assemble(upload.draft.clone(), &parts, visit.now);
    let etag = object.etag.clone();
    state.objects.put(&input.bucket, &input.key, object);
    state.objects.uploads.remove(&input.upload_id);
    Ok(S3Response::new(dto::CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(ETag::Strong(etag)),
        ..Default::default()
    }))
}

pub fn abort(
    state: &mut State,
    input: &dto::AbortMultipartUploadInput,
) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
    find(state, &input.upload_id, &input.bucket, &input.key)?;
    state.objects.uploads.remove(&input.upload_id);
    Ok(S3Response::new(dto::AbortMultipartUploadOutput::default()))
}
