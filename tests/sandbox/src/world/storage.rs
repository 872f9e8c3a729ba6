//! Buckets and the keys that encrypt them.

use serde::Deserialize;

use crate::iam::Policy;

/// An S3 bucket. Its objects are runtime state, not part of the world file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bucket {
    /// The owning account's ID.
    pub owner: String,
    /// The only region it is answered for in.
    pub region: String,
    /// The bucket policy.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Who owns what others write.
    #[serde(default)]
    pub object_ownership: ObjectOwnership,
    /// The bucket is disabled: S3 refuses everything.
    #[serde(default)]
    pub disabled: bool,
    /// How a request signed for another region is answered.
    #[serde(default)]
    pub wrong_region: WrongRegion,
    /// Default encryption with a customer's key; none means keys that need no permission.
    #[serde(default)]
    pub kms_key: Option<KmsKey>,
    /// Writes with `If-None-Match` or `If-Match` are taken as if they had neither: no bucket of AWS's, but some stores that
    /// speak S3.
    #[serde(default)]
    pub ignores_write_conditions: bool,
}

impl Bucket {
    /// A new one, as AWS makes it when nothing else is said.
    pub(crate) fn new(owner: &str, region: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            region: region.to_owned(),
            policy: None,
            object_ownership: ObjectOwnership::default(),
            disabled: false,
            wrong_region: WrongRegion::default(),
            kms_key: None,
            ignores_write_conditions: false,
        }
    }
}

/// Who owns what others write into the bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ObjectOwnership {
    /// The bucket's owner owns everything; ACLs are off. AWS's default since 2023.
    #[default]
    BucketOwnerEnforced,
    /// The writer owns its objects, and the bucket's owner can't read them without an ACL.
    ObjectWriter,
    /// As [`Self::ObjectWriter`], for who writes without an ACL that hands the object over.
    BucketOwnerPreferred,
    /// No ownership controls, as on old buckets: as [`Self::ObjectWriter`].
    Unset,
}

impl ObjectOwnership {
    /// The API's text; `None` where there are no controls.
    #[must_use]
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::BucketOwnerEnforced => Some("BucketOwnerEnforced"),
            Self::ObjectWriter => Some("ObjectWriter"),
            Self::BucketOwnerPreferred => Some("BucketOwnerPreferred"),
            Self::Unset => None,
        }
    }
}

/// S3's answers to a request signed for a region that is not the bucket's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum WrongRegion {
    /// 301: the request came to another region's endpoint.
    #[default]
    PermanentRedirect,
    /// 400: the request came to the bucket's own name, signed for another region.
    AuthorizationHeaderMalformed,
    /// 400: the bucket is in an opt-in region, and the request came to another one.
    IllegalLocationConstraint,
}

/// A customer-managed key.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KmsKey {
    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`.
    pub arn: String,
    /// The key policy. Without one, the account's identity policies decide.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Whether it can be used.
    #[serde(default)]
    pub state: KeyState,
}

/// What the key can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum KeyState {
    /// Everything it is allowed to.
    #[default]
    Enabled,
    /// Nothing, until it is enabled again.
    Disabled,
    /// Nothing, and soon it is gone.
    PendingDeletion,
    /// Nothing: there is no such key.
    Missing,
    /// Nothing for now.
    Unavailable,
}
