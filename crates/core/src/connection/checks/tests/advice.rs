//! What holds nothing up, and accounts reached with keys → the reason and the whole message.

use super::*;

#[test]
fn permissions() {
    use Operation::SimulatePrincipalPolicy;
    let text = findings(
        ConditionType::PermissionsMinimal,
        &[
            ("minimal", |_, _| {}),
            ("writes", |facts, _| facts.excess = seen(Excess { writes_bucket: true, ..Excess::default() })),
            ("reads others", |facts, _| {
                facts.excess = seen(Excess { reads_others: true, ..Excess::default() });
            }),
            ("administers", |facts, _| {
                facts.excess = seen(Excess { administers: true, writes_bucket: true, reads_others: true });
            }),
            ("minimal, without a report", |_, target| target.report = None),
            ("reads others, without a report", |facts, target| {
                target.report = None;
                facts.excess = seen(Excess { reads_others: true, ..Excess::default() });
            }),
            ("not told", |facts, _| facts.excess = refused(SimulatePrincipalPolicy, Code::AccessDenied)),
            ("throttled", |facts, _| facts.excess = refused(SimulatePrincipalPolicy, Code::Throttling)),
        ],
    );
    insta::assert_snapshot!(text, @r#"
minimal
  Pass Minimal: arn:aws:iam::111122223333:role/finops/awscost can neither write to the report's bucket, nor read others, nor administer the account.
writes
  Fail CanWriteBucket: arn:aws:iam::111122223333:role/finops/awscost can write to, delete from or re-police acme-billing, and so change the bill it is to read. It need only read the report: awscost onboard policy --with-audit prints what is needed for that and for this check.
reads others
  Fail CanReadOtherBuckets: arn:aws:iam::111122223333:role/finops/awscost can read buckets other than the report's. It need only read the report: awscost onboard policy --with-audit prints what is needed for that and for this check.
administers
  Fail AdministratorLike: arn:aws:iam::111122223333:role/finops/awscost can create users or attach policies, and so do almost anything in the account. It need only read the report: awscost onboard policy --with-audit prints what is needed for that and for this check.
minimal, without a report
  Pass Minimal: arn:aws:iam::111122223333:role/finops/awscost can neither read buckets nor administer the account.
reads others, without a report
  Fail CanReadOtherBuckets: arn:aws:iam::111122223333:role/finops/awscost can read buckets. Without a report it need read none: awscost onboard policy --with-audit prints what is needed for that and for this check.
not told
  Unknown AuditDenied: arn:aws:iam::111122223333:role/finops/awscost may not call iam:SimulatePrincipalPolicy on itself, so whether it can do too much is not known. Nothing is wrong; to have it checked, give the role what awscost onboard policy --with-audit prints.
throttled
  Unknown Throttled: AWS throttles iam:SimulatePrincipalPolicy. It is tried again in some minutes.
"#);
}

#[test]
fn metrics() {
    use Operation::ListMetrics;
    fn opted_in(facts: &mut Facts, target: &mut Target, answer: Fact<()>) {
        target.metrics = Some("eu-west-1".parse().expect("a region"));
        facts.metrics = answer;
    }
    let text = findings(
        ConditionType::MetricsReadable,
        &[
            ("listed", |facts, target| opted_in(facts, target, seen(()))),
            ("denied", |facts, target| opted_in(facts, target, refused(ListMetrics, Code::AccessDenied))),
            ("denied by an organization", |facts, target| {
                opted_in(
                    facts,
                    target,
                    detailed(ListMetrics, Code::AccessDenied, Detail::OrganizationPolicy),
                );
            }),
            ("region off", |facts, target| {
                opted_in(facts, target, refused(ListMetrics, Code::InvalidClientToken));
            }),
        ],
    );
    insta::assert_snapshot!(text, @r#"
listed
  Pass MetricsListed: CloudWatch metrics of eu-west-1 can be listed.
denied
  Fail MetricsDenied: arn:aws:iam::111122223333:role/finops/awscost may not call cloudwatch:ListMetrics in eu-west-1. Allow it on *, or remove spec.metrics.
denied by an organization
  Fail OrganizationPolicyDenies: arn:aws:iam::111122223333:role/finops/awscost may not call cloudwatch:ListMetrics on the metrics of eu-west-1: a service or resource control policy of an organization refuses it. Ask whoever administers the organization of account 111122223333 to allow it.
region off
  Fail MetricsRegionDisabled: Region eu-west-1 is not enabled for account 111122223333. Enable it there, or set spec.metrics.region to one that is.
"#);
}

#[test]
fn keys_of_an_iam_user() {
    use Operation::{GetCallerIdentity, GetFederationToken};
    fn keys(facts: &mut Facts, target: &mut Target) {
        *target = sample::with_keys();
        facts.federation = seen(());
    }
    let text = findings(
        ConditionType::RoleAssumable,
        &[
            ("accepted", |facts, target| keys(facts, target)),
            ("of another account", |facts, target| {
                keys(facts, target);
                facts.role = seen(sample::operator());
            }),
            ("refused", |facts, target| {
                keys(facts, target);
                facts.role = refused(GetCallerIdentity, Code::InvalidClientToken);
            }),
            ("refused, of a region that may be off", |facts, target| {
                keys(facts, target);
                target.sts_region = "ap-east-1".parse().expect("a region");
                facts.role = refused(GetCallerIdentity, Code::InvalidClientToken);
            }),
            ("STS off in the region", |facts, target| {
                keys(facts, target);
                target.sts_region = "ap-east-1".parse().expect("a region");
                facts.federation = refused(GetFederationToken, Code::RegionDisabled);
            }),
            ("may not federate", |facts, target| {
                keys(facts, target);
                facts.federation = refused(GetFederationToken, Code::AccessDenied);
            }),
            ("an organization denies", |facts, target| {
                keys(facts, target);
                facts.federation =
                    detailed(GetFederationToken, Code::AccessDenied, Detail::OrganizationPolicy);
            }),
            ("an endpoint denies", |facts, target| {
                keys(facts, target);
                facts.federation = detailed(GetFederationToken, Code::AccessDenied, Detail::EndpointPolicy);
            }),
        ],
    );
    insta::assert_snapshot!(text, @r#"
accepted
  Pass AccessKeyAccepted: The access key works, and belongs to account 111122223333.
of another account
  Fail WrongAccount: The keys belong to account 999900009999, not to the declared 111122223333. Put the keys of a user of that account into the Secret, or correct spec.accountId.
refused
  Fail AccessKeyRefused: AWS does not accept the access key in the Secret: it is unknown, inactive or deleted, or the secret does not belong to the id. Put a working key of account 111122223333 into it, or better, connect over a role: spec.access.roleArn.
refused, of a region that may be off
  Fail AccessKeyRefused: AWS does not accept the access key in the Secret: it is unknown, inactive or deleted, or the secret does not belong to the id; or region ap-east-1, whose STS is asked (spec.access.stsRegion), is not enabled for the account. Put a working key of account 111122223333 into it, or better, connect over a role: spec.access.roleArn.
STS off in the region
  Fail StsRegionDisabled: STS is not active in ap-east-1 for account 111122223333. Activate it there (IAM, account settings), or set spec.access.stsRegion to us-east-1.
may not federate
  Fail FederationDenied: The IAM user of the access key may not call sts:GetFederationToken, so no session narrowed to the report can be made for Jobs. Allow it on arn:aws:sts::111122223333:federated-user/awscost-*, or better, connect over a role: spec.access.roleArn.
an organization denies
  Fail OrganizationPolicyDenies: The IAM user whose keys are used in account 111122223333 may not call sts:GetFederationToken on account 111122223333: a service or resource control policy of an organization refuses it. Ask whoever administers the organization of account 111122223333 to allow it.
an endpoint denies
  Fail NetworkPolicyDenied: The IAM user whose keys are used in account 111122223333 may not call sts:GetFederationToken on account 111122223333: the policy of a VPC endpoint between the operator and AWS refuses it. Allow it in that endpoint's policy.
"#);
    let found = run(&Facts { federation: seen(()), ..sample::facts() }, &sample::with_keys(), sample::now());
    let conditions: Vec<ConditionType> = found.iter().map(|finding| finding.condition).collect();
    assert!(conditions.contains(&ConditionType::Deprecated), "{conditions:?}");
    assert!(!conditions.contains(&ConditionType::ExternalIdEnforced), "keys have no external ID");
}
