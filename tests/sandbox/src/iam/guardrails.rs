//! What stands above a caller's own policies: its organization's service control policies, the resource owners' resource
//! control policies, and the policies of the VPC endpoints that requests come through.

use std::collections::BTreeMap;

use super::condition::Context;
use super::evaluate::{Ask, Verdict, judge};
use super::policy::{Policy, Statement};

/// The guardrails around one caller. They only ever take away.
#[derive(Debug, Clone, Default)]
pub struct Guardrails {
    /// One list a level: the organization's, the account's. A level without policies has AWS's FullAWSAccess.
    pub service_control: Vec<Vec<Policy>>,
    /// By the account whose resources they guard. FullAWSAccess can't be detached from these, so only a Deny counts.
    pub resource_control: BTreeMap<String, Vec<Policy>>,
    /// By service.
    pub endpoints: BTreeMap<String, Policy>,
}

impl Guardrails {
    /// The policy of the endpoint that a call of this action comes through.
    pub(super) fn endpoint(&self, action: &str) -> Option<&Policy> {
        let (service, _) = action.split_once(':')?;
        self.endpoints.get(service)
    }

    /// Every level must allow.
    pub(super) fn service_control(&self, ask: &Ask<'_>, context: &Context) -> Verdict {
        let levels = self.service_control.iter().filter(|level| !level.is_empty());
        let verdicts =
            levels.map(|level| judge(level.iter().flat_map(|policy| &policy.statement), ask, context));
        verdicts.fold(Verdict::Allow, |worst, verdict| match (worst, verdict) {
            (Verdict::Deny, _) | (_, Verdict::Deny) => Verdict::Deny,
            (Verdict::Silent, _) | (_, Verdict::Silent) => Verdict::Silent,
            _ => Verdict::Allow,
        })
    }

    pub(super) fn resource_control(&self, owner: &str) -> impl Iterator<Item = &Statement> {
        self.resource_control.get(owner).into_iter().flatten().flat_map(|policy| &policy.statement)
    }
}
