//! The verdict: identity, resource and session policies together.
//!
//! Within one account a grant from either side is enough; across accounts both sides must grant. A resource policy that
//! names only the account leaves the decision to that account's identity policies. A session policy narrows what is
//! left. An explicit Deny anywhere wins.

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

/// Which policy stood in the way; AWS says so in newer messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Some policy denies it.
    Explicit,
    /// The session policy does not allow it.
    SessionPolicy,
    /// No identity policy allows it.
    IdentityPolicy,
    /// No resource policy allows it, and the caller is of another account.
    ResourcePolicy,
}

impl Denial {
    /// The end of AWS's sentence "… is not authorized to perform: ACTION on resource: ARN ".
    #[must_use]
    pub fn because(self, action: &str) -> String {
        match self {
            Self::Explicit => "with an explicit deny in a policy".to_owned(),
            Self::SessionPolicy => format!("because no session policy allows the {action} action"),
            Self::IdentityPolicy => format!("because no identity-based policy allows the {action} action"),
            Self::ResourcePolicy => format!("because no resource-based policy allows the {action} action"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allow,
    Deny,
    Silent,
}

fn judge<'a>(
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
    let session = identity.session_policy.as_ref().map(|p| judge(p.statement.iter(), ask, context));
    let named = |wanted: fn(Naming) -> bool| {
        let statements = ask.resource_policy.into_iter().flat_map(|p| &p.statement).filter(move |s| {
            s.principal.as_ref().is_some_and(|element| wanted(principal::names(element, identity)))
        });
        judge(statements, ask, context)
    };
    let from_resource = named(|naming| naming != Naming::No);
    let from_resource_directly = named(|naming| naming == Naming::Direct);

    if [from_identity, from_resource].contains(&Verdict::Deny) || session == Some(Verdict::Deny) {
        return Err(Denial::Explicit);
    }
    if session == Some(Verdict::Silent) {
        return Err(Denial::SessionPolicy);
    }
    let anonymous = identity.kind == super::Kind::Anonymous;
    if anonymous {
        return if from_resource == Verdict::Allow { Ok(()) } else { Err(Denial::ResourcePolicy) };
    }
    if identity.account == ask.owner {
        let granted = from_identity == Verdict::Allow || from_resource_directly == Verdict::Allow;
        return if granted { Ok(()) } else { Err(Denial::IdentityPolicy) };
    }
    if from_identity != Verdict::Allow {
        return Err(Denial::IdentityPolicy);
    }
    if from_resource != Verdict::Allow { Err(Denial::ResourcePolicy) } else { Ok(()) }
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
        Verdict::Deny => Err(Denial::Explicit),
        Verdict::Silent => Err(Denial::ResourcePolicy),
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
