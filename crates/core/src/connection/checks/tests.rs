//! One table a check: what is broken → the reason and the whole message.

mod advice;
mod bucket;
mod page;
mod report;

use std::fmt::Write;

use super::*;
use crate::{
    aws::{AwsFault, Code, Detail, IamPermission, Operation},
    connection::{
        Asker, Enforcement, Excess, ExternalIdInUse, Fact, LastAssumed, ManifestRead, NextExternalId, fake,
        sample,
    },
    model::{AccountType, ExternalId, Reason, ReportLocation},
};

type Broken = (&'static str, fn(&mut Facts, &mut Target));

/// Characters that a message may have beside the user's own names.
const OWN_WORDS: usize = 400;

/// The characters of a message's own words: names, ARNs and places are the user's.
fn own_words(message: &str) -> usize {
    let theirs =
        |word: &&str| ["arn:", "s3://", "acme", "111122223333"].iter().any(|name| word.contains(name));
    message.split(' ').filter(|word| !theirs(word)).map(|word| word.chars().count() + 1).sum()
}

/// The finding of one condition after each breakage of a connection in order.
fn findings(condition: ConditionType, table: &[Broken]) -> String {
    let mut text = String::new();
    for (name, change) in table {
        let (mut facts, mut target) = (sample::facts(), sample::target());
        change(&mut facts, &mut target);
        let found = run(&facts, &target, sample::now());
        let finding = found.iter().find(|finding| finding.condition == condition).expect(name);
        let Finding { verdict, reason, message, snippet, .. } = finding;
        assert!(!message.contains("the-external-id"), "{name} shows the external ID");
        assert!(!message.contains("1763812800"), "{name} shows a session's name, which changes");
        let lists_several = name.ends_with("wrong all over");
        assert!(lists_several || own_words(message) <= OWN_WORDS, "{name}: too long: {message}");
        let block = snippet.as_ref().map(|snippet| format!(" + {}", snippet.title)).unwrap_or_default();
        writeln!(text, "{name}\n  {verdict:?} {reason}: {message}{block}").expect("a String takes it");
    }
    text
}

fn fault(operation: Operation, code: Code) -> AwsFault {
    AwsFault::new(operation, code)
}

fn refused<T>(operation: Operation, code: Code) -> Fact<T> {
    Fact::seen(sample::now(), Err(fault(operation, code)))
}

fn detailed<T>(operation: Operation, code: Code, detail: Detail) -> Fact<T> {
    Fact::seen(sample::now(), Err(AwsFault { detail, ..fault(operation, code) }))
}

/// A refusal to assume the role that speaks of session tags.
fn tagging<T>(detail: Detail) -> Fact<T> {
    let fault = fault(Operation::AssumeRole, Code::AccessDenied);
    Fact::seen(sample::now(), Err(AwsFault { detail, lacks: Some(IamPermission::TagSession), ..fault }))
}

fn seen<T>(value: T) -> Fact<T> {
    Fact::seen(sample::now(), Ok(value))
}

fn next() -> NextExternalId {
    NextExternalId::Usable(ExternalId::parse(b"the-next-one").expect("an external ID"))
}

fn declared(target: &mut Target) -> &mut ReportLocation {
    target.report.as_mut().expect("the sample has a report")
}

#[test]
fn a_connection_in_order_passes_every_check() {
    let found = run(&sample::facts(), &sample::target(), sample::now());
    let reasons: Vec<Reason> = found.iter().map(|finding| finding.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::RoleAssumed,
            Reason::Enforced,
            Reason::Verified,
            Reason::Readable,
            Reason::Configured,
            Reason::Minimal,
        ]
    );
    assert!(found.iter().all(|finding| !holds_ready_down(finding, &sample::target())));
}

#[test]
fn role() {
    use Operation::{AssumeRole, GetCallerIdentity};
    let text = findings(
        ConditionType::RoleAssumable,
        &[
            ("no credentials", |facts, _| facts.base = refused(GetCallerIdentity, Code::NoCredentials)),
            ("expired credentials", |facts, _| facts.base = refused(GetCallerIdentity, Code::ExpiredToken)),
            ("unknown key", |facts, _| facts.base = refused(GetCallerIdentity, Code::InvalidClientToken)),
            ("web identity", |facts, _| facts.base = refused(GetCallerIdentity, Code::WebIdentityRejected)),
            ("bad profile", |facts, _| {
                facts.base = refused(GetCallerIdentity, Code::CredentialsMisconfigured);
            }),
            ("other partition", |_, target| {
                sample::role(target).role =
                    "arn:aws-cn:iam::111122223333:role/awscost".parse().expect("a role");
            }),
            ("denied, never worked", |facts, _| {
                facts.last_assumed = None;
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("denied, caller unknown", |facts, _| {
                facts.last_assumed = None;
                facts.base = Fact::default();
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("denied, another role worked", |facts, target| {
                sample::role(target).role = "arn:aws:iam::111122223333:role/new".parse().expect("a role");
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("denied, Secret changed", |facts, target| {
                sample::role(target).secret_version = Some("2".to_owned());
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("denied, nothing changed", |facts, _| facts.role = refused(AssumeRole, Code::AccessDenied)),
            ("denied, the operator became another", |facts, _| {
                let was = Some("arn:aws:iam::999900009999:user/awscost".to_owned());
                facts.last_assumed = Some(LastAssumed { principal: was, ..sample::last_assumed() });
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("denied, a check asks", |facts, target| {
                target.asker = Asker::Check;
                let was = Some("arn:aws:iam::999900009999:user/awscost".to_owned());
                facts.last_assumed = Some(LastAssumed { principal: was, ..sample::last_assumed() });
                facts.role = refused(AssumeRole, Code::AccessDenied);
            }),
            ("own policy", |facts, _| {
                facts.role = detailed(AssumeRole, Code::AccessDenied, Detail::IdentityPolicy);
            }),
            ("own policy, another role worked", |facts, target| {
                sample::role(target).role = "arn:aws:iam::111122223333:role/new".parse().expect("a role");
                facts.role = detailed(AssumeRole, Code::AccessDenied, Detail::IdentityPolicy);
            }),
            ("own boundary", |facts, _| {
                facts.role = detailed(AssumeRole, Code::AccessDenied, Detail::PermissionsBoundary);
            }),
            ("organization policy", |facts, _| {
                facts.role = detailed(AssumeRole, Code::AccessDenied, Detail::OrganizationPolicy);
            }),
            ("endpoint policy", |facts, _| {
                facts.role = detailed(AssumeRole, Code::AccessDenied, Detail::EndpointPolicy);
            }),
            ("rotation, next in use", |facts, target| {
                sample::role(target).next_external_id = next();
                facts.in_use = Some(ExternalIdInUse::Next);
            }),
            ("rotation, current in use", |_, target| {
                sample::role(target).next_external_id = next();
            }),
            ("tagging denied", |facts, _| facts.role = tagging(Detail::None)),
            ("tagging denied, Secret changed", |facts, target| {
                sample::role(target).secret_version = Some("2".to_owned());
                facts.role = tagging(Detail::None);
            }),
            ("tagging denied by the own policy", |facts, _| facts.role = tagging(Detail::IdentityPolicy)),
            ("tagging denied by the own boundary", |facts, _| {
                facts.role = tagging(Detail::PermissionsBoundary);
            }),
            ("tagging denied by the own session policy", |facts, _| {
                facts.role = tagging(Detail::SessionPolicy);
            }),
            ("tagging denied by an organization", |facts, _| {
                facts.role = tagging(Detail::OrganizationPolicy);
            }),
            ("tagging denied by an endpoint", |facts, _| facts.role = tagging(Detail::EndpointPolicy)),
            ("region disabled", |facts, target| {
                target.sts_region = "af-south-1".parse().expect("a region");
                facts.role = refused(AssumeRole, Code::RegionDisabled);
            }),
            ("region does not know the operator", |facts, target| {
                target.sts_region = "ap-east-1".parse().expect("a region");
                facts.role = refused(AssumeRole, Code::InvalidClientToken);
            }),
            ("key gone since the operator was asked", |facts, target| {
                target.sts_region = "ap-east-1".parse().expect("a region");
                let later = sample::now() + jiff::SignedDuration::from_mins(1);
                facts.role = Fact::seen(later, Err(fault(AssumeRole, Code::InvalidClientToken)));
            }),
            ("other account", |facts, _| facts.role = seen(sample::operator())),
            ("account id differs", |_, target| target.account = "444455556666".parse().expect("an account")),
            ("throttled", |facts, _| facts.role = refused(AssumeRole, Code::Throttling)),
            ("no connection", |facts, _| facts.role = refused(AssumeRole, Code::ConnectionFailed)),
            ("AWS fails", |facts, _| facts.role = refused(AssumeRole, Code::InternalFailure)),
            ("clock", |facts, _| facts.role = refused(AssumeRole, Code::RequestTimeTooSkewed)),
            ("unknown code", |facts, _| facts.role = refused(AssumeRole, Code::Unexpected)),
            ("parameter refused", |facts, _| facts.role = refused(AssumeRole, Code::ValidationError)),
            ("never looked", |facts, _| *facts = Facts::default()),
            ("identity unreachable", |facts, _| {
                *facts = Facts { base: refused(GetCallerIdentity, Code::TimedOut), ..Facts::default() };
            }),
        ],
    );
    insta::assert_snapshot!(text, @r#"
no credentials
  Fail NoBaseCredentials: The operator has no AWS credentials of its own. Give its service account an identity (IRSA or EKS Pod Identity) or its pod a Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
expired credentials
  Fail BaseCredentialsExpired: The operator's own AWS credentials have expired. Renew them where they come from, or restart the operator if they are mounted.
unknown key
  Fail BaseCredentialsInvalid: AWS does not accept the operator's own credentials: an unknown, inactive or mistyped key, or a session without its token. Replace them.
web identity
  Fail WebIdentityRejected: AWS refuses the web identity token of the operator's service account. Check that the role in its annotation exists, that the role's trust policy names the cluster's OIDC provider and this service account, and that IAM knows that provider.
bad profile
  Fail BaseCredentialsInvalid: The operator's AWS credentials are set up wrongly: a profile, token file or container endpoint can't be read. Check the AWS_* settings of its pod.
other partition
  Fail PartitionMismatch: arn:aws-cn:iam::111122223333:role/awscost lies in another AWS partition than the operator's identity arn:aws:iam::999900009999:role/awscost-operator. Credentials never cross partitions: run an operator with an identity of partition aws-cn.
denied, never worked
  Fail AssumeRoleDenied: AWS refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost, and never says why. Check in this order: the role exists, with exactly this path and name; its trust policy names that principal; the sts:ExternalId in it is what is in Secret acme-external-id; the principal's own policy, and organization policies, allow sts:AssumeRole on it. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
denied, caller unknown
  Fail AssumeRoleDenied: AWS refuses to let the operator's identity assume arn:aws:iam::111122223333:role/finops/awscost, and never says why. Check in this order: the role exists, with exactly this path and name; its trust policy names that principal; the sts:ExternalId in it is what is in Secret acme-external-id; the principal's own policy, and organization policies, allow sts:AssumeRole on it. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole):
denied, another role worked
  Fail AssumeRoleDenied: AWS refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/new, and never says why. Check in this order: the role exists, with exactly this path and name; its trust policy names that principal; the sts:ExternalId in it is what is in Secret acme-external-id; the principal's own policy, and organization policies, allow sts:AssumeRole on it. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
denied, Secret changed
  Fail ExternalIdChanged: arn:aws:iam::111122223333:role/finops/awscost could be assumed until Secret acme-external-id was named or changed, and is refused since. Most likely the sts:ExternalId in its trust policy is still the old value: set it to the Secret's, or restore the old value in the Secret or by naming the old Secret in spec.access.externalIdSecretRef. If they are the same, the role was removed or its trust policy changed. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
denied, nothing changed
  Fail RoleRemovedOrTrustChanged: arn:aws:iam::111122223333:role/finops/awscost could be assumed before, with the same Secret, and is refused now. Check in this order: the role still exists (one that was deleted and made again needs its trust policy again); its trust policy still names the operator's identity and the same sts:ExternalId; that identity was not itself made again. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
denied, the operator became another
  Fail RoleRemovedOrTrustChanged: arn:aws:iam::111122223333:role/finops/awscost let the operator in as arn:aws:iam::999900009999:user/awscost; the operator is arn:aws:iam::999900009999:role/awscost-operator now, and is refused. Most likely the trust policy still names the former: name the latter there. If it does, the role was removed or the rest of its trust policy changed. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
denied, a check asks
  Fail AssumeRoleDenied: AWS refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost, and never says why. Check in this order: the role exists, with exactly this path and name; its trust policy names that principal; the sts:ExternalId in it is what is in Secret acme-external-id; the principal's own policy, and organization policies, allow sts:AssumeRole on it. + This check runs with an identity of its own, which needs a statement in the trust policy beside the operator's; if that principal has a path, put it back:
own policy
  Fail CallerMayNotAssume: arn:aws:iam::111122223333:role/finops/awscost: if that name is misspelt, correct spec.access.roleArn. If it is right, arn:aws:iam::999900009999:role/awscost-operator itself may not assume it: its identity-based policy does not allow sts:AssumeRole on it, or denies it. Allow that there; the role's trust policy is not what refuses.
own policy, another role worked
  Fail CallerMayNotAssume: arn:aws:iam::111122223333:role/new: if that name is misspelt, correct spec.access.roleArn (arn:aws:iam::111122223333:role/finops/awscost worked before). If it is right, arn:aws:iam::999900009999:role/awscost-operator itself may not assume it: its identity-based policy does not allow sts:AssumeRole on it, or denies it. Allow that there; the role's trust policy is not what refuses.
own boundary
  Fail CallerMayNotAssume: arn:aws:iam::111122223333:role/finops/awscost: if that name is misspelt, correct spec.access.roleArn. If it is right, arn:aws:iam::999900009999:role/awscost-operator itself may not assume it: its permissions boundary does not allow sts:AssumeRole on it, or denies it. Allow that there; the role's trust policy is not what refuses.
organization policy
  Fail OrganizationPolicyDenies: A service or resource control policy refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost. Ask whoever administers the organization of account 111122223333 (or of the operator's account) to allow sts:AssumeRole on it.
endpoint policy
  Fail NetworkPolicyDenied: The policy of the VPC endpoint between the operator and STS refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost. Allow sts:AssumeRole on it in that endpoint's policy.
rotation, next in use
  Pass RoleAssumed: arn:aws:iam::111122223333:role/finops/awscost can be assumed, and belongs to account 111122223333. It takes the next external ID: take the old one out of the trust policy, name the next one's Secret in spec.access.externalIdSecretRef, and remove nextExternalIdSecretRef; the old Secret may go.
rotation, current in use
  Pass RoleAssumed: arn:aws:iam::111122223333:role/finops/awscost can be assumed, and belongs to account 111122223333. It takes the current external ID and not yet the next one: put the next one into its trust policy, beside the current one; the old Secret is still needed.
tagging denied
  Fail TagSessionDenied: AWS refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost with session tags (sts:TagSession), as EKS Pod Identity sends them. Check in this order: its trust policy allows sts:TagSession beside sts:AssumeRole; the sts:ExternalId in it is what is in Secret acme-external-id; it names that principal; the role exists with exactly this path and name; the principal's own policy allows sts:TagSession too. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
tagging denied, Secret changed
  Fail ExternalIdChanged: arn:aws:iam::111122223333:role/finops/awscost could be assumed until Secret acme-external-id was named or changed, and is refused since. Most likely the sts:ExternalId in its trust policy is still the old value: set it to the Secret's, or restore the old value in the Secret or by naming the old Secret in spec.access.externalIdSecretRef. If they are the same, the role was removed or its trust policy changed. The trust policy must allow sts:TagSession too. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
tagging denied by the own policy
  Fail CallerMayNotAssume: arn:aws:iam::111122223333:role/finops/awscost: if that name is misspelt, correct spec.access.roleArn. If it is right, arn:aws:iam::999900009999:role/awscost-operator itself may not assume it with the session tags that it carries: its identity-based policy does not allow sts:TagSession on it, or denies it. Allow that there; the role's trust policy is not what refuses.
tagging denied by the own boundary
  Fail CallerMayNotAssume: arn:aws:iam::111122223333:role/finops/awscost: if that name is misspelt, correct spec.access.roleArn. If it is right, arn:aws:iam::999900009999:role/awscost-operator itself may not assume it with the session tags that it carries: its permissions boundary does not allow sts:TagSession on it, or denies it. Allow that there; the role's trust policy is not what refuses.
tagging denied by the own session policy
  Fail CallerMayNotAssume: arn:aws:iam::111122223333:role/finops/awscost: if that name is misspelt, correct spec.access.roleArn. If it is right, arn:aws:iam::999900009999:role/awscost-operator itself may not assume it with the session tags that it carries: its session policy does not allow sts:TagSession on it, or denies it. Allow that there; the role's trust policy is not what refuses.
tagging denied by an organization
  Fail OrganizationPolicyDenies: A service or resource control policy refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost with the session tags that it carries. Ask whoever administers the organization of account 111122223333 (or of the operator's account) to allow sts:TagSession on it.
tagging denied by an endpoint
  Fail NetworkPolicyDenied: The policy of the VPC endpoint between the operator and STS refuses to let arn:aws:iam::999900009999:role/awscost-operator assume arn:aws:iam::111122223333:role/finops/awscost with the session tags that it carries. Allow sts:TagSession on it in that endpoint's policy.
region disabled
  Fail StsRegionDisabled: STS is not active in af-south-1 for account 111122223333. Activate it there (IAM, account settings), or set spec.access.stsRegion to us-east-1.
region does not know the operator
  Fail StsRegionDisabled: STS in ap-east-1 does not accept the operator's credentials, which work elsewhere: most likely that region is not enabled for the operator's account. Set spec.access.stsRegion to us-east-1, or have the region enabled.
key gone since the operator was asked
  Fail BaseCredentialsInvalid: AWS does not accept the operator's own credentials: an unknown, inactive or mistyped key, or a session without its token. Replace them.
other account
  Fail WrongAccount: Assuming arn:aws:iam::111122223333:role/finops/awscost leads to account 999900009999, not to the declared 111122223333. Check the AWS endpoint and the role.
account id differs
  Fail AccountIdMismatch: spec.accountId is 444455556666, but arn:aws:iam::111122223333:role/finops/awscost belongs to account 111122223333. Correct the one that is wrong.
throttled
  Unknown Throttled: AWS throttles sts:AssumeRole. It is tried again in some minutes.
no connection
  Unknown EndpointUnreachable: sts:AssumeRole got no answer. Check that the operator's pod may reach the AWS endpoint: network policy, proxy, DNS, AWS_ENDPOINT_URL settings.
AWS fails
  Unknown EndpointUnreachable: AWS failed on its side in sts:AssumeRole. It is tried again in some minutes.
clock
  Unknown ClockSkew: AWS refuses sts:AssumeRole because the operator's clock differs from AWS's by more than 5 minutes. Set the node's clock.
unknown code
  Unknown UnexpectedAnswer: sts:AssumeRole returned an error that this version does not recognise (Unexpected). The operator's log at debug level has AWS's code and request id.
parameter refused
  Fail RoleArnRejected: STS does not take arn:aws:iam::111122223333:role/finops/awscost as the ARN of a role. Copy it from the role's page in IAM, path included, into spec.access.roleArn.
never looked
  Unknown NotChecked: Not looked at yet.
identity unreachable
  Unknown EndpointUnreachable: sts:GetCallerIdentity got no answer. Check that the operator's pod may reach the AWS endpoint: network policy, proxy, DNS, AWS_ENDPOINT_URL settings.
"#);
}

#[test]
fn external_id() {
    use Operation::AssumeRole;
    let text = findings(
        ConditionType::ExternalIdEnforced,
        &[
            ("enforced", |_, _| {}),
            ("accepts none", |facts, _| facts.enforcement = seen(Enforcement::AcceptsNone)),
            ("accepts any, warn", |facts, target| {
                sample::role(target).policy = ExternalIdPolicy::Warn;
                facts.enforcement = seen(Enforcement::AcceptsAny);
            }),
            ("throttled", |facts, _| facts.enforcement = refused(AssumeRole, Code::Throttling)),
            ("never probed", |facts, _| facts.enforcement = Fact::default()),
            ("role broken", |facts, _| facts.role = refused(AssumeRole, Code::AccessDenied)),
        ],
    );
    insta::assert_snapshot!(text, @r#"
enforced
  Pass Enforced: arn:aws:iam::111122223333:role/finops/awscost refuses callers without the external ID and with another one.
accepts none
  Fail NotEnforced: arn:aws:iam::111122223333:role/finops/awscost lets the operator in without any external ID: its trust policy has no sts:ExternalId condition, or one that passes when none is sent (StringEqualsIfExists, ForAllValues). Require one value with StringEquals. + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
accepts any, warn
  Fail AnyValueAccepted: arn:aws:iam::111122223333:role/finops/awscost lets the operator in with a random external ID: the sts:ExternalId condition of its trust policy accepts any value (StringLike with a wildcard, or Null). Require one value with StringEquals. (A warning only: spec.access.requireExternalId is Warn.) + This trust policy works with the external ID for THE-EXTERNAL-ID (awscost onboard trust -f FILE --principal ARN --pod-identity --external-id-file ID prints it whole; if that principal has a path, put it back):
throttled
  Unknown Throttled: AWS throttles sts:AssumeRole. It is tried again in some minutes.
never probed
  Unknown NotChecked: Not looked at yet.
role broken
  Unknown BlockedByRole: Not checked: waiting for RoleAssumable.
"#);
}

#[test]
fn account_type() {
    use Operation::DescribeOrganization;

    use crate::aws::traits::{OrganizationFeatures, OrganizationMembership};
    let text = findings(
        ConditionType::AccountTypeVerified,
        &[
            ("management", |_, _| {}),
            ("member", |facts, target| {
                target.account_type = AccountType::Member;
                let management = "444455556666".parse().expect("an account");
                facts.membership = seen(OrganizationMembership::InOrganization {
                    management,
                    features: OrganizationFeatures::All,
                });
            }),
            ("standalone", |facts, target| {
                target.account_type = AccountType::Standalone;
                facts.membership = seen(OrganizationMembership::Standalone);
            }),
            ("management in none", |facts, _| facts.membership = seen(OrganizationMembership::Standalone)),
            ("management is member", |facts, _| {
                let management = "444455556666".parse().expect("an account");
                facts.membership = seen(OrganizationMembership::InOrganization {
                    management,
                    features: OrganizationFeatures::All,
                });
            }),
            ("member is management", |_, target| target.account_type = AccountType::Member),
            ("standalone is management", |_, target| target.account_type = AccountType::Standalone),
            ("standalone is member", |facts, target| {
                target.account_type = AccountType::Standalone;
                let management = "444455556666".parse().expect("an account");
                facts.membership = seen(OrganizationMembership::InOrganization {
                    management,
                    features: OrganizationFeatures::All,
                });
            }),
            ("denied", |facts, _| facts.membership = refused(DescribeOrganization, Code::AccessDenied)),
            ("throttled", |facts, _| facts.membership = refused(DescribeOrganization, Code::Throttling)),
        ],
    );
    insta::assert_snapshot!(text, @r#"
management
  Pass Verified: Account 111122223333 is the management account of its organization.
member
  Pass Verified: Account 111122223333 is a member of the organization of account 444455556666. Its report lacks credits and refunds where the payer's billing preferences keep them from members.
standalone
  Pass Verified: Account 111122223333 is in no organization.
management in none
  Fail NotInOrganization: accountType is Management, but account 111122223333 is in no organization. Set accountType: Standalone.
management is member
  Fail DeclaredManagementIsMember: accountType is Management, but account 111122223333 is a member of the organization of account 444455556666: its report holds its own usage only. Set accountType: Member, or connect account 444455556666 for the whole organization's bill.
member is management
  Fail DeclaredMemberIsManagement: accountType is Member, but account 111122223333 is the management account: its report holds every member's usage. Set accountType: Management.
standalone is management
  Fail DeclaredStandaloneIsInOrganization: accountType is Standalone, but account 111122223333 is the management account of an organization. Set accountType: Management.
standalone is member
  Fail DeclaredStandaloneIsInOrganization: accountType is Standalone, but account 111122223333 is a member of the organization of account 444455556666. Set accountType: Member.
denied
  Unknown OrganizationReadDenied: arn:aws:iam::111122223333:role/finops/awscost may not call organizations:DescribeOrganization, so accountType Management is taken on trust. Allow it to have it verified.
throttled
  Unknown Throttled: AWS throttles organizations:DescribeOrganization. It is tried again in some minutes.
"#);
}

#[test]
fn behind_a_broken_role_nothing_is_judged_and_no_report_means_no_finding() {
    let mut facts = sample::facts();
    facts.role = refused(Operation::AssumeRole, Code::AccessDenied);
    let found = run(&facts, &sample::target(), sample::now());
    assert!(found[1..].iter().all(|finding| finding.reason == Reason::BlockedByRole), "{found:?}");
    assert_eq!(found.len(), 6);
    let bare = Target { report: None, ..sample::target() };
    assert_eq!(run(&facts, &bare, sample::now()).len(), 4);
}

#[test]
fn what_holds_ready_down() {
    let mut facts = sample::facts();
    facts.enforcement = seen(Enforcement::AcceptsNone);
    facts.membership = refused(Operation::DescribeOrganization, Code::AccessDenied);
    let held = |target: &Target| -> Vec<ConditionType> {
        let found = run(&facts, target, sample::now());
        found.iter().filter(|one| holds_ready_down(one, target)).map(|one| one.condition).collect()
    };
    assert_eq!(held(&sample::target()), [ConditionType::ExternalIdEnforced]);
    let mut warned = sample::target();
    sample::role(&mut warned).policy = ExternalIdPolicy::Warn;
    assert_eq!(held(&warned), []);
}

#[test]
fn the_kind_is_the_one_found_unless_declared() {
    assert_eq!(report_kind(&sample::facts(), &sample::target()), Some(ReportKind::Cur2));
    let declared = sample::of_kind(ReportKind::LegacyCur);
    assert_eq!(report_kind(&sample::facts(), &declared), Some(ReportKind::LegacyCur));
    assert_eq!(report_kind(&Facts::default(), &sample::target()), None);
    // The script of the fake and the sample facts describe the same connection.
    assert_eq!(sample::script().trust, fake::Trust::Exact);
}

#[test]
fn no_message_of_a_long_name_is_cut() {
    // What a condition may hold.
    const MOST: usize = 4096;
    // The longest names that IAM takes: paths of 512 characters, names of 64.
    let mut target = sample::target();
    let path = "p".repeat(510);
    sample::role(&mut target).role =
        format!("arn:aws-us-gov:iam::111122223333:role/{path}/{}", "r".repeat(64)).parse().expect("a role");
    let caller = crate::aws::traits::Caller {
        arn: format!("arn:aws-us-gov:sts::999900009999:assumed-role/{}/s", "o".repeat(64)),
        ..sample::operator()
    };
    let facts = Facts {
        base: seen(caller),
        role: refused(Operation::AssumeRole, Code::AccessDenied),
        last_assumed: None,
        ..sample::facts()
    };
    sample::role(&mut target).external_id_place = format!("Secret {}", "s".repeat(253));
    for finding in run(&facts, &target, sample::now()) {
        let message = &finding.message;
        assert!(message.len() <= MOST, "{} bytes: {message}", message.len());
    }
}
