//! Who is asking: an IAM user, a role session, a federated user, or nobody.

use super::guardrails::Guardrails;
use super::policy::{Policy, PrincipalElement};

/// What kind of identity signed the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An IAM user with long-lived keys.
    User,
    /// A session of a role. Assuming another role with it is role chaining.
    Session,
    /// A session that an IAM user has made with GetFederationToken.
    Federated,
    /// An unsigned request.
    Anonymous,
}

/// An identity with the policies that bound it.
#[derive(Debug, Clone)]
pub struct Identity {
    pub kind: Kind,
    /// The 12-digit account; empty for an anonymous caller.
    pub account: String,
    /// The ARN that `GetCallerIdentity` and error messages show.
    pub arn: String,
    /// The ARN that policies name: for a session, that of its role (`aws:PrincipalArn`).
    pub principal_arn: String,
    /// The unique id that `GetCallerIdentity` shows.
    pub user_id: String,
    /// The user's or the role's own policies.
    pub policies: Vec<Policy>,
    /// The most that these can allow.
    pub permissions_boundary: Option<Policy>,
    /// The policy handed over when the session was made; it only ever takes away.
    pub session_policy: Option<Policy>,
    /// Whether every role it assumes is assumed with session tags.
    pub carries_session_tags: bool,
    /// What stands above all of these.
    pub guardrails: Guardrails,
}

impl Identity {
    /// The caller of an unsigned request.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            kind: Kind::Anonymous,
            account: String::new(),
            arn: "anonymous".to_owned(),
            principal_arn: String::new(),
            user_id: "anonymous".to_owned(),
            policies: Vec::new(),
            permissions_boundary: None,
            session_policy: None,
            carries_session_tags: false,
            guardrails: Guardrails::default(),
        }
    }
}

/// How a resource policy's principal element names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// Not at all.
    No,
    /// By its account: the account's own identity policies decide further.
    Account,
    /// By itself, or by `*`.
    Direct,
}

/// How `element` names `identity`.
pub fn names(element: &PrincipalElement, identity: &Identity) -> Naming {
    let named = match element {
        PrincipalElement::Anyone(_) => return Naming::Direct,
        PrincipalElement::Named(named) => named,
    };
    named
        .aws
        .iter()
        .map(|principal| {
            if principal == "*" {
                return Naming::Direct;
            }
            if identity.kind == Kind::Anonymous {
                return Naming::No;
            }
            if principal == identity.principal_arn || principal == identity.arn {
                return Naming::Direct;
            }
            let root_of = principal.strip_suffix(":root").and_then(|head| head.rsplit(':').next());
            if root_of == Some(identity.account.as_str()) || principal == identity.account {
                return Naming::Account;
            }
            Naming::No
        })
        .max()
        .unwrap_or(Naming::No)
}

/// Whether `element` names an identity provider by its ARN.
pub fn names_provider(element: &PrincipalElement, provider: &str) -> bool {
    match element {
        PrincipalElement::Anyone(_) => false,
        PrincipalElement::Named(named) => named.federated.iter().any(|arn| arn == provider),
    }
}

/// Whether `element` names an AWS service such as `billingreports.amazonaws.com`.
pub fn names_service(element: &PrincipalElement, service: &str) -> bool {
    match element {
        PrincipalElement::Anyone(_) => true,
        PrincipalElement::Named(named) => named.service.iter().any(|name| name == service),
    }
}
