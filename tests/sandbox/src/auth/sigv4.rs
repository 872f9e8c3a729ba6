//! Checking a Signature Version 4 made in headers, for the Query and JSON services. (S3's own rules are checked by `s3s`.)

use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{Refusal, Scope};
use crate::world::Secret;

/// What AWS says to a wrong signature.
pub const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// How far a request's date may be off, as in AWS.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

/// Checks the signature of a request with its whole body.
///
/// `wall` is the machine's time, not the sandbox's shifted one: clients sign with theirs.
///
/// # Errors
/// [`Refusal::BadSignature`] with AWS's explanation.
pub fn verify(
    parts: &Parts,
    body: &[u8],
    scope: &Scope,
    secret: &Secret,
    wall: Timestamp,
) -> Result<(), Refusal> {
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let date = header("x-amz-date").unwrap_or_default();
    let signed_at = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", date)
        .and_then(|broken_down| broken_down.to_datetime())
        .and_then(|datetime| datetime.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|_| Refusal::BadSignature("Date must be in ISO-8601 'basic format'.".to_owned()))?
        .timestamp();
    if wall.duration_since(signed_at).abs() > TOLERANCE {
        return Err(Refusal::BadSignature(format!(
            "Signature expired: {date} is too far from the current time"
        )));
    }
    if !date.starts_with(&scope.day) {
        return Err(Refusal::BadSignature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
                .to_owned(),
        ));
    }

    if signature(parts, body, scope, secret) == scope.signature {
        return Ok(());
    }
    Err(Refusal::BadSignature(MISMATCH.to_owned()))
}

/// The signature that the holder of `secret` gives to this request: its signed headers, its query and its body.
pub fn signature(parts: &Parts, body: &[u8], scope: &Scope, secret: &Secret) -> String {
    const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
    let mut names = scope.signed_headers.clone();
    names.sort_unstable();
    let mut canonical_headers = String::new();
    for name in &names {
        let values: Vec<String> = parts
            .headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .map(|v| v.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        canonical_headers.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    // What the header claims of the body counts for nothing.
    let payload = match parts.headers.get("x-amz-content-sha256") {
        Some(claim) if claim == UNSIGNED => UNSIGNED.to_owned(),
        _ => hex::encode(Sha256::digest(body)),
    };
    let canonical = [
        parts.method.as_str(),
        parts.uri.path(),
        &canonical_query(parts.uri.query().unwrap_or_default()),
        &canonical_headers,
        &names.join(";"),
        &payload,
    ]
    .join("\n");
    let chain = format!("{}/{}/{}/aws4_request", scope.day, scope.region, scope.service);
    let date = parts.headers.get("x-amz-date").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{date}\n{chain}\n{}", hex::encode(Sha256::digest(canonical.as_bytes())));
    hex::encode(hmac(&signing_key(secret, scope), to_sign.as_bytes()))
}

fn signing_key(secret: &Secret, scope: &Scope) -> [u8; 32] {
    let first = hmac(format!("AWS4{}", secret.expose()).as_bytes(), scope.day.as_bytes());
    [scope.region.as_str(), &scope.service, "aws4_request"]
        .iter()
        .fold(first, |key, part| hmac(&key, part.as_bytes()))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut padded = [0u8; BLOCK];
    if key.len() > BLOCK {
        padded[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        padded[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(padded.map(|b| b ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded.map(|b| b ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        for (key, message, expected) in [
            (
                b"Jefe".to_vec(),
                &b"what do ya want for nothing?"[..],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                &b"Test Using Larger Than Block-Size Key - Hash Key First"[..],
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex::encode(hmac(&key, message)), expected);
        }
    }
}
