//! The closed list of codes: what AWS sends, and what class each is (docs/aws-facts.md 1.4, 2.1, 3.1, 8, 9).

use std::fmt;

use super::FaultClass;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $class:ident = [$($wire:literal),*],)*) => {
        /// A code of AWS's, or one of ours for what never got an answer.
        ///
        /// Spellings that differ between services (`Throttling`, `ThrottlingException`, `SlowDown`) are one code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, for messages and metric labels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The class a fault of this code has.
            pub const fn class(self) -> FaultClass {
                match self { $(Self::$name => FaultClass::$class,)* }
            }

            /// The code behind what stands on the wire, if this version knows it.
            pub fn from_wire(wire: &str) -> Option<Self> {
                match wire { $($($wire => Some(Self::$name),)*)* _ => None }
            }
        }
    };
}

impl Code {
    /// True if S3 says that the bucket is in another region than it was asked for in (docs/aws-facts.md 9).
    pub const fn is_of_another_region(self) -> bool {
        matches!(
            self,
            Self::PermanentRedirect | Self::AuthorizationHeaderMalformed | Self::IllegalLocationConstraint
        )
    }
}

codes! {
    /// A policy somewhere refuses: identity, resource, trust, session, organization or endpoint policy.
    AccessDenied: Denied = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"],
    /// The bucket is disabled.
    AllAccessDisabled: Denied = ["AllAccessDisabled"],
    /// The account is disabled.
    AccountProblem: Denied = ["AccountProblem"],
    /// The account has not opted in to the service or region.
    OptInRequired: Denied = ["OptInRequired", "SubscriptionRequiredException"],
    /// STS is not active in the region for the target account.
    RegionDisabled: Denied = ["RegionDisabledException"],

    /// The bucket does not exist.
    NoSuchBucket: NotFound = ["NoSuchBucket"],
    /// The object does not exist.
    NoSuchKey: NotFound = ["NoSuchKey"],
    /// The export does not exist.
    ResourceNotFound: NotFound = ["ResourceNotFoundException"],
    /// The bucket has no ownership controls.
    NoOwnershipControls: NotFound = ["OwnershipControlsNotFoundError"],
    /// The account is in no organization.
    OrganizationsNotInUse: NotFound = ["AWSOrganizationsNotInUseException"],

    /// No provider of the chain has credentials. Ours: nothing was sent.
    NoCredentials: Credentials = [],
    /// A provider is set up wrongly: profile, token file, container endpoint. Ours: nothing was sent.
    CredentialsMisconfigured: Credentials = [],
    /// The credentials have expired.
    ExpiredToken: Credentials = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"],
    /// The key is unknown, or its token is missing or not its own.
    InvalidClientToken: Credentials =
        ["InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"],
    /// The secret key is wrong (or the clock is).
    SignatureDoesNotMatch: Credentials =
        ["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
         "MissingAuthenticationToken", "MissingAuthenticationTokenException"],
    /// The web identity token is refused.
    WebIdentityRejected: Credentials = ["IDPRejectedClaim", "InvalidIdentityToken"],

    /// A parameter is refused.
    ValidationError: Invalid = ["ValidationError", "ValidationException", "InvalidInputException"],
    /// The session policy is not one.
    MalformedPolicyDocument: Invalid = ["MalformedPolicyDocument", "MalformedPolicyDocumentException"],
    /// The session policy is too large.
    PackedPolicyTooLarge: Invalid = ["PackedPolicyTooLarge", "PackedPolicyTooLargeException"],
    /// The bucket is in another region.
    PermanentRedirect: Invalid = ["PermanentRedirect", "TemporaryRedirect", "Redirect"],
    /// The request was signed for another region than the bucket's.
    AuthorizationHeaderMalformed: Invalid = ["AuthorizationHeaderMalformed"],
    /// The bucket is in an opt-in region and was asked for through another.
    IllegalLocationConstraint: Invalid = ["IllegalLocationConstraintException"],
    /// The object's key does not exist.
    KmsNotFound: Invalid = ["KMS.NotFoundException", "KMSNotFoundException"],
    /// The object's key is disabled.
    KmsDisabled: Invalid = ["KMS.DisabledException", "KMSDisabledException"],
    /// The object's key is pending deletion or otherwise in no state to be used.
    KmsInvalidState: Invalid =
        ["KMS.KMSInvalidStateException", "KMS.InvalidStateException", "KMSInvalidStateException"],
    /// The object is archived.
    InvalidObjectState: Invalid = ["InvalidObjectState"],
    /// The object is encrypted with a key only its writer has.
    CustomerKeyNeeded: Invalid = ["UserKeyMustBeSpecified"],
    /// The organization is managed through another partition's endpoint.
    UnsupportedEndpoint: Invalid = ["UnsupportedAPIEndpointException"],
    /// An object is larger than this program reads in one piece. Ours.
    ObjectTooLarge: Invalid = [],

    /// AWS throttles; each service has its own spelling, all of which are this code.
    Throttling: Throttled =
        ["Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
         "TooManyRequestsException", "SlowDown", "RequestThrottled", "RequestThrottledException",
         "LimitExceededException", "BandwidthLimitExceeded", "ServiceUnavailableThrottling"],

    /// No connection, or it broke. Ours.
    ConnectionFailed: Unreachable = [],
    /// No answer in time. Ours.
    TimedOut: Unreachable = ["RequestTimeout", "RequestTimeoutException"],
    /// The identity provider of a web identity token could not be reached.
    IdentityProviderUnreachable: Unreachable = ["IDPCommunicationError"],

    /// A failure on AWS's side.
    InternalFailure: Transient =
        ["InternalFailure", "InternalError", "InternalErrorException", "InternalServerException",
         "InternalServerError", "ServiceException", "ConcurrentModificationException"],
    /// The service is down for now.
    ServiceUnavailable: Transient = ["ServiceUnavailable", "ServiceUnavailableException"],
    /// The object's key could not be reached for now.
    KmsUnavailable: Transient = ["KMS.KeyUnavailableException", "KMS.InternalException", "KMS.ThrottlingException"],
    /// The object is another than the one asked for: it was replaced.
    PreconditionFailed: Transient = ["PreconditionFailed", "ConditionalRequestConflict"],
    /// The range lies beyond the object: it was replaced, or is empty.
    InvalidRange: Transient = ["InvalidRange"],

    /// The request's time is too far from AWS's.
    RequestTimeTooSkewed: ClockSkew = ["RequestTimeTooSkewed", "RequestInTheFuture"],

    /// A code outside this list, an answer that does not parse, or one without what it must have.
    Unexpected: Unexpected = [],
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
