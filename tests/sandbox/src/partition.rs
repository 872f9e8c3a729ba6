//! ARNs at the border of a world that plays another partition: inside, all are of `aws`.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use s3s::Body;

/// A request's body as the world understands it: JSON or a form.
pub fn inward(partition: &str, body: &Bytes) -> Bytes {
    let Ok(text) = std::str::from_utf8(body) else { return body.clone() };
    let plain = text.replace(&format!("arn:{partition}:"), "arn:aws:");
    plain.replace(&format!("arn%3A{partition}%3A"), "arn%3Aaws%3A").into()
}

/// An answer as the partition tells it: JSON or XML; nothing in CBOR names an ARN.
pub async fn outward(partition: &str, response: Response<Body>) -> Response<Body> {
    let cbor = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/cbor");
    let (mut parts, mut body) = response.into_parts();
    let whole = body.store_all_limited(usize::MAX).await.unwrap_or_default();
    let text = std::str::from_utf8(&whole).ok().filter(|_| !cbor);
    let told = text
        .map_or_else(|| whole.clone(), |text| text.replace("arn:aws:", &format!("arn:{partition}:")).into());
    if parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(CONTENT_LENGTH, told.len().into());
    }
    Response::from_parts(parts, Body::from(told))
}
