//! The verdict: identity, resource and session policies together.
//!
//! Within one account a grant from either side is enough; across accounts both sides must grant. A resource policy that
//! names only the account leaves the decision to that account's identity policies. A session policy narrows what is
//! left; so do an organization's control policies and the policy of a VPC endpoint. An explicit Deny anywhere wins.

use super::condition::Context;
use super::policy::{Effect, Policy};
use super::principal::{self, Identity, Naming};

/// One question: may this be done to that?
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// For example `s3:GetObject`.
    pub action: &'a str,
    /// The resource's ARN, or `*` where the action knows no resources.
    pub resource: &'a str,
    /// The account that owns the resource.
    pub owner: &'a str,
    /// The resource's own policy: bucket, trust or key policy. Absent when the resource kind has none.
    pub resource_policy: Option<&'a Policy>,
    pub context: &'a Context,
}

/// The kinds of policy that can refuse, as AWS's messages name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuser {
    /// The policy of the VPC endpoint that the request comes through.
    Endpoint,
    /// A service control policy of the caller's organization.
    ServiceControl,
    /// A resource control policy of the resource owner's organization.
    ResourceControl,
    /// The caller's own policies.
    Identity,
    /// The caller's permissions boundary.
    Boundary,
    /// The resource's own policy.
    Resource,
    /// The policy handed over when the session was made.
    Session,
}

impl Refuser {
    fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "VPC endpoint policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Resource => "resource-based policy",
            Self::Session => "session policy",
        }
    }
}

/// Which policy stood in the way; AWS says so in newer messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// One of these denies it.
    Explicit(Refuser),
    /// None of these allows it.
    Implicit(Refuser),
}

impl Denial {
    /// The kind of policy.
    #[must_use]
    pub fn refuser(self) -> Refuser {
        match self {
            Self::Explicit(refuser) | Self::Implicit(refuser) => refuser,
        }
    }

    /// The end of AWS's sentence "… is not authorized to perform: ACTION on resource: ARN ".
    #[must_use]
    pub fn because(self, action: &str) -> String {
        match self {
            Self::Explicit(Refuser::Identity) => {
                "with an explicit deny in an identity-based policy".to_owned()
            }
            Self::Explicit(refuser) => format!("with an explicit deny in a {}", refuser.name()),
            Self::Implicit(refuser) => {
                format!("because no {} allows the {action} action", refuser.name())
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Allow,
    Deny,
    Silent,
}

pub(super) fn judge<'a>(
    statements: impl Iterator<Item = &'a super::policy::Statement>,
    ask: &Ask<'_>,
    context: &Context,
) -> Verdict {
    let mut verdict = Verdict::Silent;
    for statement in statements.filter(|s| s.covers(ask.action, ask.resource, context)) {
        match statement.effect {
            Effect::Deny => return Verdict::Deny,
            Effect::Allow => verdict = Verdict::Allow,
        }
    }
    verdict
}

/// Whether a role's trust policy lets in whom an identity provider of its account vouches for.
#[must_use]
pub fn lets_in(trust: &Policy, provider: &str, role: &str, context: &Context) -> bool {
    let named = trust.statement.iter().filter(|statement| {
        statement.principal.as_ref().is_some_and(|element| principal::names_provider(element, provider))
    });
    let action = "sts:AssumeRoleWithWebIdentity";
    let ask = Ask { action, resource: role, owner: "", resource_policy: None, context };
    judge(named, &ask, context) == Verdict::Allow
}

/// Whether the caller may do something to what its own account has, where no resource policy has a say.
///
/// # Errors
/// AWS's sentence that says no.
pub fn allowed_at_home(identity: &Identity, action: &str, resource: &str) -> Result<(), String> {
    let context = Context::default();
    let ask = Ask { action, resource, owner: &identity.account, resource_policy: None, context: &context };
    allowed(identity, &ask).map_err(|denial| {
        let because = denial.because(action);
        format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} {because}",
            identity.arn
        )
    })
}

/// Whether `identity` may do what `ask` asks for.
///
/// # Errors
/// The policy that stood in the way.
pub fn allowed(identity: &Identity, ask: &Ask<'_>) -> Result<(), Denial> {
    let context = &ask
        .context
        .clone()
        // The sandbox speaks plain HTTP on loopback in the place of TLS endpoints.
        .with("aws:SecureTransport", "true")
        .with_opt("aws:PrincipalArn", (!identity.principal_arn.is_empty()).then_some(&identity.principal_arn))
        .with_opt("aws:PrincipalAccount", (!identity.account.is_empty()).then_some(&identity.account));

    let from_identity = judge(identity.policies.iter().flat_map(|p| &p.statement), ask, context);
    let from_session =
        identity.session_policy.as_ref().map_or(Verdict::Allow, |p| judge(p.statement.iter(), ask, context));
    let boundary = identity.permissions_boundary.as_ref();
    let from_boundary = boundary.map_or(Verdict::Allow, |p| judge(p.statement.iter(), ask, context));
    let named = |policy: Option<&'_ Policy>, wanted: fn(Naming) -> bool| {
        let statements = policy.into_iter().flat_map(|p| &p.statement).filter(move |s| {
            s.principal.as_ref().is_some_and(|element| wanted(principal::names(element, identity)))
        });
        judge(statements, ask, context)
    };
    let from_resource = named(ask.resource_policy, |naming| naming != Naming::No);
    let from_resource_directly = named(ask.resource_policy, |naming| naming == Naming::Direct);
    let guardrails = &identity.guardrails;
    let endpoint = guardrails.endpoint(ask.action);
    let from_endpoint = endpoint.map_or(Verdict::Allow, |p| named(Some(p), |naming| naming != Naming::No));
    let from_control = guardrails.service_control(ask, context);
    let from_owners_control = judge(guardrails.resource_control(ask.owner), ask, context);

    let anonymous = identity.kind == super::Kind::Anonymous;
    let within = identity.account == ask.owner;
    // An allow that comes from the other side, or is not needed, makes this side's silence harmless.
    let silent_identity = from_identity == Verdict::Silent
        && !anonymous
        && !(within && from_resource_directly == Verdict::Allow);
    let silent_resource = from_resource == Verdict::Silent && (anonymous || !within);
    let verdicts = [
        (Refuser::Endpoint, from_endpoint, from_endpoint == Verdict::Silent),
        (Refuser::ResourceControl, from_owners_control, false),
        (Refuser::ServiceControl, from_control, from_control == Verdict::Silent),
        (Refuser::Session, from_session, from_session == Verdict::Silent),
        (Refuser::Boundary, from_boundary, from_boundary == Verdict::Silent),
        (Refuser::Identity, from_identity, silent_identity),
        (Refuser::Resource, from_resource, silent_resource),
    ];
    for (refuser, verdict, _) in verdicts {
        if verdict == Verdict::Deny {
            return Err(Denial::Explicit(refuser));
        }
    }
    match verdicts.into_iter().find(|(_, _, in_the_way)| *in_the_way) {
        Some((refuser, ..)) => Err(Denial::Implicit(refuser)),
        None => Ok(()),
    }
}

/// Whether the owner of a role lets `identity` assume it. A trust policy must always name the caller: unlike other
/// resources, a role can't be assumed on the strength of an identity policy alone, not even within one account.
///
/// # Errors
/// The policy that stood in the way.
pub fn trusted(identity: &Identity, ask: &Ask<'_>) -> Result<(), Denial> {
    allowed(identity, ask)?;
    let context = &ask
        .context
        .clone()
        .with("aws:SecureTransport", "true")
        .with("aws:PrincipalArn", &identity.principal_arn);
    let statements = ask.resource_policy.into_iter().flat_map(|p| &p.statement).filter(|s| {
        s.principal.as_ref().is_some_and(|element| principal::names(element, identity) != Naming::No)
    });
    match judge(statements, ask, context) {
        Verdict::Allow => Ok(()),
        Verdict::Deny => Err(Denial::Explicit(Refuser::Resource)),
        Verdict::Silent => Err(Denial::Implicit(Refuser::Resource)),
    }
}

/// Whether a resource policy lets an AWS service act, as AWS asks before and on each delivery of a bill.
#[must_use]
pub fn allowed_for_service(service: &str, ask: &Ask<'_>) -> bool {
    let context =
        &ask.context.clone().with("aws:SecureTransport", "true").with("aws:PrincipalIsAWSService", "true");
    let statements =
        ask.resource_policy.into_iter().flat_map(|p| &p.statement).filter(|s| {
            s.principal.as_ref().is_some_and(|element| principal::names_service(element, service))
        });
    judge(statements, ask, context) == Verdict::Allow
}
