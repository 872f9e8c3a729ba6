//! What an entity's policies say about an action, without anybody doing it: the policy simulator's view. Resource
//! policies and session policies are not part of it.

use std::collections::BTreeSet;

use super::evaluate::{Ask, Verdict, judge};
use super::guardrails::Guardrails;
use super::policy::Policy;

/// What the simulator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    ExplicitDeny,
    ImplicitDeny,
}

impl Decision {
    /// The API's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

/// One evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    pub decision: Decision,
    /// The policies with a statement that matched, by name.
    pub matched: Vec<String>,
    /// Condition keys that statements about this action and resource look at, and that were not given.
    pub missing: BTreeSet<String>,
    /// What the organization's service control policies say, where there are any.
    pub by_organization: Option<bool>,
}

/// Evaluates an entity's policies.
pub fn simulate<'a>(
    policies: impl Iterator<Item = (&'a String, &'a Policy)>,
    guardrails: &Guardrails,
    ask: &Ask<'_>,
) -> Simulated {
    let policies: Vec<_> = policies.collect();
    let context = ask.context;
    let statements = || policies.iter().flat_map(|(_, policy)| &policy.statement);
    let own = judge(statements(), ask, context);
    let organization = guardrails.service_control(ask, context);
    let decision = match (own, organization) {
        (Verdict::Deny, _) | (_, Verdict::Deny) => Decision::ExplicitDeny,
        (Verdict::Allow, Verdict::Allow) => Decision::Allowed,
        _ => Decision::ImplicitDeny,
    };
    let matches =
        |policy: &Policy| policy.statement.iter().any(|s| s.covers(ask.action, ask.resource, context));
    let about = statements().filter(|s| s.concerns(ask.action, ask.resource));
    let keys = about.flat_map(|statement| statement.condition.values().flat_map(|keys| keys.keys()));
    Simulated {
        decision,
        matched: policies
            .iter()
            .filter(|(_, policy)| matches(policy))
            .map(|(name, _)| (*name).clone())
            .collect(),
        missing: keys.filter(|key| !context.has(key)).cloned().collect(),
        by_organization: (!guardrails.service_control.is_empty()).then_some(organization == Verdict::Allow),
    }
}
