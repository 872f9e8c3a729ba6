//! BucketReadable: what keeps a report's bucket from being read → the reason and the whole message.

use super::*;

#[test]
fn bucket() {
    use Operation::{AssumeRole, GetObject, ListBucket};
    let text = findings(
        ConditionType::BucketReadable,
        &[
            ("readable", |_, _| {}),
            ("nothing delivered", |facts, _| facts.manifest = seen(ManifestRead::NoneYet)),
            ("no bucket", |facts, _| facts.listing = refused(ListBucket, Code::NoSuchBucket)),
            ("other region", |facts, _| {
                let region = Some("us-west-2".parse().expect("a region"));
                let fault = AwsFault { region, ..fault(ListBucket, Code::PermanentRedirect) };
                facts.listing = Fact::seen(sample::now(), Err(fault));
            }),
            ("other region, unnamed", |facts, _| {
                facts.listing = refused(ListBucket, Code::AuthorizationHeaderMalformed);
            }),
            ("other owner", |facts, _| {
                facts.listing = refused(ListBucket, Code::AccessDenied);
                facts.listing_any_owner = seen(());
            }),
            ("list denied", |facts, _| {
                facts.listing = refused(ListBucket, Code::AccessDenied);
                facts.listing_any_owner = refused(ListBucket, Code::AccessDenied);
            }),
            ("list denied by an organization", |facts, _| {
                facts.listing = detailed(ListBucket, Code::AccessDenied, Detail::OrganizationPolicy);
            }),
            ("get denied by an endpoint", |facts, _| {
                facts.manifest = detailed(GetObject, Code::AccessDenied, Detail::EndpointPolicy);
            }),
            ("get denied", |facts, _| facts.manifest = refused(GetObject, Code::AccessDenied)),
            ("decrypt denied", |facts, _| {
                let lacks = Some(IamPermission::KmsDecrypt);
                let fault = AwsFault { lacks, ..fault(GetObject, Code::AccessDenied) };
                facts.manifest = Fact::seen(sample::now(), Err(fault));
            }),
            ("decrypt denied by an organization", |facts, _| {
                let (lacks, detail) = (Some(IamPermission::KmsDecrypt), Detail::OrganizationPolicy);
                let fault = AwsFault { lacks, detail, ..fault(GetObject, Code::AccessDenied) };
                facts.manifest = Fact::seen(sample::now(), Err(fault));
            }),
            ("list denied by the own boundary", |facts, _| {
                facts.listing = detailed(ListBucket, Code::AccessDenied, Detail::PermissionsBoundary);
                facts.listing_any_owner = refused(ListBucket, Code::AccessDenied);
            }),
            ("get denied by the own policy", |facts, _| {
                facts.manifest = detailed(GetObject, Code::AccessDenied, Detail::IdentityPolicy);
            }),
            ("region not enabled", |facts, _| {
                facts.listing = refused(ListBucket, Code::InvalidClientToken);
            }),
            ("key disabled", |facts, _| facts.manifest = refused(GetObject, Code::KmsDisabled)),
            ("archived", |facts, _| facts.manifest = refused(GetObject, Code::InvalidObjectState)),
            ("customer key", |facts, _| facts.manifest = refused(GetObject, Code::CustomerKeyNeeded)),
            ("policy too long", |_, target| {
                declared(target).prefix = "a*".repeat(128).parse().expect("a prefix");
                declared(target).name = "*".repeat(256).parse().expect("a name");
            }),
            ("policy packed too large", |facts, _| {
                facts.ingest_session = refused(AssumeRole, Code::PackedPolicyTooLarge);
            }),
            ("narrowed session denied", |facts, _| {
                facts.ingest_session = refused(AssumeRole, Code::AccessDenied);
            }),
            ("slow down", |facts, _| facts.listing = refused(ListBucket, Code::Throttling)),
            ("replaced while read", |facts, _| facts.manifest = refused(GetObject, Code::PreconditionFailed)),
        ],
    );
    insta::assert_snapshot!(text, @r#"
readable
  Pass Readable: s3://acme-billing/cur/acme/ can be listed and read.
nothing delivered
  Pass ReadNotYetProvable: s3://acme-billing/cur/acme/ can be listed. There is no manifest yet to prove reading with.
no bucket
  Fail BucketNotFound: There is no bucket acme-billing. Correct spec.report.bucket.name to the bucket the report is delivered to.
other region
  Fail BucketRegionMismatch: acme-billing is in us-west-2, not in eu-west-1. Set spec.report.bucket.region: us-west-2.
other region, unnamed
  Fail BucketRegionMismatch: acme-billing is not in eu-west-1. Set spec.report.bucket.region to the bucket's own region.
other owner
  Fail BucketOwnerMismatch: acme-billing is not owned by account 111122223333. If it is your bucket, set spec.report.bucket.ownerAccountId to its owner; if not, somebody else holds a bucket of that name: correct spec.report.bucket.name.
list denied
  Fail BucketListDenied: arn:aws:iam::111122223333:role/finops/awscost may not list acme-billing under cur/acme/. Allow it s3:ListBucket on arn:aws:s3:::acme-billing with s3:prefix cur/acme/*, and check the bucket's own policy, that account 111122223333 owns the bucket, and organization and VPC endpoint policies.
list denied by an organization
  Fail OrganizationPolicyDenies: arn:aws:iam::111122223333:role/finops/awscost may not call s3:ListBucket on acme-billing: a service or resource control policy of an organization refuses it. Ask whoever administers the organization of account 111122223333 to allow it.
get denied by an endpoint
  Fail NetworkPolicyDenied: arn:aws:iam::111122223333:role/finops/awscost may not call s3:GetObject on acme-billing: the policy of a VPC endpoint between the operator and AWS refuses it. Allow it in that endpoint's policy.
get denied
  Fail ObjectReadDenied: arn:aws:iam::111122223333:role/finops/awscost may list the report but not read it. Allow it s3:GetObject on arn:aws:s3:::acme-billing/cur/acme/*; if that is allowed, the objects may belong to another account: set the bucket's object ownership to BucketOwnerEnforced.
decrypt denied
  Fail KmsDecryptDenied: arn:aws:iam::111122223333:role/finops/awscost may read arn:aws:s3:::acme-billing/cur/acme/*, but not decrypt it. Allow it kms:Decrypt on the bucket's key, in its own policy and in the key's policy (through S3 is enough: kms:ViaService).
decrypt denied by an organization
  Fail OrganizationPolicyDenies: arn:aws:iam::111122223333:role/finops/awscost may not call kms:Decrypt on acme-billing: a service or resource control policy of an organization refuses it. Ask whoever administers the organization of account 111122223333 to allow it.
list denied by the own boundary
  Fail BucketListDenied: arn:aws:iam::111122223333:role/finops/awscost may not list acme-billing under cur/acme/. AWS names its permissions boundary: begin there, with s3:ListBucket. Allow it s3:ListBucket on arn:aws:s3:::acme-billing with s3:prefix cur/acme/*, and check the bucket's own policy, that account 111122223333 owns the bucket, and organization and VPC endpoint policies.
get denied by the own policy
  Fail ObjectReadDenied: arn:aws:iam::111122223333:role/finops/awscost may list the report but not read it. Allow it s3:GetObject on arn:aws:s3:::acme-billing/cur/acme/*; if that is allowed, the objects may belong to another account: set the bucket's object ownership to BucketOwnerEnforced. AWS names its identity-based policy: begin there, with s3:GetObject.
region not enabled
  Fail BucketRegionNotEnabled: S3 in eu-west-1 does not take the session that STS has just given. Most often eu-west-1 is not enabled for account 111122223333: enable it there (Account, AWS Regions), or have the report delivered to a bucket of another region. If it is enabled, set AWS_ENDPOINT_URL_STS, where it is set, to a region's own endpoint: sessions of the global one are not valid there.
key disabled
  Fail KmsKeyUnusable: The key that arn:aws:s3:::acme-billing/cur/acme/* is encrypted with is disabled, pending deletion or gone. Enable it again, or have the report delivered again under another key.
archived
  Fail ObjectArchived: The newest manifest under arn:aws:s3:::acme-billing/cur/acme/* is archived. Restore it, and exclude the report from the bucket's lifecycle rules and archive tiers.
customer key
  Fail CustomerKeyEncrypted: arn:aws:s3:::acme-billing/cur/acme/* is encrypted with a key that only its writer has (SSE-C). Have it written with SSE-S3 or SSE-KMS.
policy too long
  Fail SessionPolicyTooLong: First correct spec.report as ReportConfigured says. If this lasts then: For s3://acme-billing: the session policy takes 3716 characters and AWS allows 2048: shorten the report's prefix or name.
policy packed too large
  Fail SessionPolicyTooLong: AWS finds the session policy for account 111122223333 too large once packed. Shorten the report's prefix or name.
narrowed session denied
  Unknown UnexpectedAnswer: sts:AssumeRole returned an error that this version does not recognise (AccessDenied). The operator's log at debug level has AWS's code and request id.
slow down
  Unknown Throttled: AWS throttles s3:ListBucket. It is tried again in some minutes.
replaced while read
  Unknown EndpointUnreachable: AWS failed on its side in s3:GetObject. It is tried again in some minutes.
"#);
}
