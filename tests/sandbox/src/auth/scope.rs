//! The credential scope of a Signature Version 4 request: key, day, region, service.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// What an `Authorization` header, or a presigned URL, says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    pub key_id: String,
    /// `YYYYMMDD`.
    pub day: String,
    pub region: String,
    pub service: String,
    /// Lower-case names in the order given.
    pub signed_headers: Vec<String>,
    /// 64 hex digits.
    pub signature: String,
    pub token: Option<String>,
}

impl Scope {
    /// Reads the scope from the header or from the query of a presigned URL; `None` for an unsigned request.
    #[must_use]
    pub fn of(headers: &HeaderMap, query: &str) -> Option<Self> {
        Self::from_header(headers).or_else(|| Self::from_query(query))
    }

    fn from_header(headers: &HeaderMap) -> Option<Self> {
        let rest = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("AWS4-HMAC-SHA256")?;
        let mut scope = Self::default();
        for part in rest.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", credential) => scope.set_credential(credential)?,
                ("SignedHeaders", names) => {
                    scope.signed_headers = names.split(';').map(str::to_owned).collect();
                }
                ("Signature", signature) => scope.signature = signature.to_owned(),
                _ => return None,
            }
        }
        scope.token = headers.get("x-amz-security-token").and_then(|v| v.to_str().ok()).map(str::to_owned);
        (!scope.key_id.is_empty()).then_some(scope)
    }

    fn from_query(query: &str) -> Option<Self> {
        let mut scope = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "X-Amz-Credential" => scope.set_credential(&value)?,
                "X-Amz-SignedHeaders" => scope.signed_headers = value.split(';').map(str::to_owned).collect(),
                "X-Amz-Signature" => scope.signature = value.into_owned(),
                "X-Amz-Security-Token" => scope.token = Some(value.into_owned()),
                _ => {}
            }
        }
        (!scope.key_id.is_empty()).then_some(scope)
    }

    fn set_credential(&mut self, credential: &str) -> Option<()> {
        // From the right: nothing keeps a key ID from holding a slash.
        let mut parts = credential.rsplitn(5, '/');
        let (terminator, service) = (parts.next()?, parts.next()?);
        let (region, day, key_id) = (parts.next()?, parts.next()?, parts.next()?);
        if terminator != "aws4_request" {
            return None;
        }
        service.clone_into(&mut self.service);
        region.clone_into(&mut self.region);
        day.clone_into(&mut self.day);
        key_id.clone_into(&mut self.key_id);
        Some(())
    }
}
