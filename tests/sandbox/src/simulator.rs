//! IAM over the Query protocol: who may call it, and SimulatePrincipalPolicy. Roles and users have files of their own.

use crate::form::Form;
use crate::iam::{Ask, Context, Guardrails, Identity, Kind, Policy, Simulated, allowed_at_home, simulate};
use crate::state::State;
use crate::wire::{Failure, escape};
use crate::world::World;
use crate::{roles, users};

/// XML namespace of all IAM answers.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Results on a page, unless asked otherwise.
const PAGE: usize = 100;

/// Performs one operation and gives the inside of its result element.
pub fn perform(state: &mut State, identity: &Identity, form: &Form) -> Result<String, Failure> {
    if identity.kind == Kind::Federated {
        // A federated user may not call IAM at all.
        let message = "The security token included in the request is invalid";
        return Err(Failure::new(403, "InvalidClientTokenId", message));
    }
    match form.action() {
        "SimulatePrincipalPolicy" => simulate_principal_policy(state, identity, form),
        action if users::OPERATIONS.contains(&action) => users::perform(state, identity, form),
        _ => roles::perform(state, identity, form),
    }
}

fn simulate_principal_policy(state: &State, identity: &Identity, form: &Form) -> Result<String, Failure> {
    let invalid = |message: &str| Failure::new(400, "InvalidInput", message);
    let source = form.get("PolicySourceArn").ok_or_else(|| invalid("PolicySourceArn is missing."))?;
    let action = "iam:SimulatePrincipalPolicy";
    allowed_at_home(identity, action, source)
        .map_err(|message| Failure::new(403, "AccessDenied", message))?;
    let actions = form.list("ActionNames");
    if actions.is_empty() {
        return Err(invalid("ActionNames is missing."));
    }
    if let Some(odd) = actions.iter().find(|name| !is_action(name)) {
        return Err(invalid(&format!("{odd} is not the name of an action.")));
    }
    if form.get("ResourcePolicy").is_some() {
        return Err(invalid("Simulation of resource-based policies is not supported for this entity."));
    }
    let entity = Entity::find(&state.world, &identity.account, source)
        .ok_or_else(|| Failure::new(404, "NoSuchEntity", format!("The entity {source} cannot be found.")))?;
    let mut resources = form.list("ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let given = context_entries(form);
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (*action, *resource)));
    let all: Vec<String> = pairs
        .map(|(action, resource)| result(action, resource, &entity.simulate(action, resource, &given)))
        .collect();
    page(&all, form)
}

/// `service:Operation`, without wildcards.
fn is_action(name: &str) -> bool {
    name.split_once(':').is_some_and(|(service, operation)| !service.is_empty() && !operation.is_empty())
        && !name.contains(['*', '?'])
}

/// Who is simulated.
struct Entity<'a> {
    arn: &'a str,
    account: &'a str,
    policies: &'a std::collections::BTreeMap<String, Policy>,
    guardrails: Guardrails,
}

impl<'a> Entity<'a> {
    /// A role or user of the caller's own account.
    fn find(world: &'a World, account: &'a str, arn: &'a str) -> Option<Self> {
        let known = world.accounts.get(account)?;
        let role = known.roles.iter().find(|role| role.arn(account) == arn).map(|role| &role.policies);
        let user = known.users.iter().find(|user| user.arn(account) == arn).map(|user| &user.policies);
        let policies = role.or(user)?;
        Some(Self { arn, account, policies, guardrails: world.guardrails(account) })
    }

    fn simulate(&self, action: &str, resource: &str, given: &Context) -> Simulated {
        let context =
            &given.clone().with("aws:PrincipalArn", self.arn).with("aws:PrincipalAccount", self.account);
        let ask = Ask { action, resource, owner: self.account, resource_policy: None, context };
        simulate(self.policies.iter(), &self.guardrails, &ask)
    }
}

fn context_entries(form: &Form) -> Context {
    (1..)
        .map_while(|n| {
            let entry = format!("ContextEntries.member.{n}");
            let key = form.get(&format!("{entry}.ContextKeyName"))?;
            Some((key, form.list(&format!("{entry}.ContextKeyValues"))))
        })
        .fold(Context::default(), |context, (key, values)| {
            values.into_iter().fold(context, |context, value| context.with(key, value))
        })
}

fn result(action: &str, resource: &str, simulated: &Simulated) -> String {
    let matched: String = simulated
        .matched
        .iter()
        .map(|policy| {
            format!(
                "<member><SourcePolicyId>{}</SourcePolicyId><SourcePolicyType>IAM Policy</SourcePolicyType></member>",
                escape(policy)
            )
        })
        .collect();
    let missing: String =
        simulated.missing.iter().map(|key| format!("<member>{}</member>", escape(key))).collect();
    let organization = simulated
        .by_organization
        .map(|allows| {
            format!(
                "<OrganizationsDecisionDetail><AllowedByOrganizations>{allows}</AllowedByOrganizations></OrganizationsDecisionDetail>"
            )
        })
        .unwrap_or_default();
    format!(
        "<member><EvalActionName>{}</EvalActionName><EvalResourceName>{}</EvalResourceName>\
         <EvalDecision>{}</EvalDecision><MatchedStatements>{matched}</MatchedStatements>\
         <MissingContextValues>{missing}</MissingContextValues>{organization}</member>",
        escape(action),
        escape(resource),
        simulated.decision.as_str(),
    )
}

fn page(all: &[String], form: &Form) -> Result<String, Failure> {
    let invalid = |message: &str| Failure::new(400, "InvalidInput", message);
    let size = match form.get("MaxItems").map(str::parse) {
        None => PAGE,
        Some(Ok(n @ 1..=1000)) => n,
        Some(_) => return Err(invalid("MaxItems must be between 1 and 1000.")),
    };
    let start = match form.get("Marker") {
        None => 0,
        Some(marker) => marker
            .strip_prefix("from-")
            .and_then(|n| n.parse::<usize>().ok())
            .ok_or_else(|| invalid("Invalid Marker."))?,
    };
    let results: String = all.iter().skip(start).take(size).map(String::as_str).collect();
    let next = start + size;
    let more = if next < all.len() {
        format!("<IsTruncated>true</IsTruncated><Marker>from-{next}</Marker>")
    } else {
        "<IsTruncated>false</IsTruncated>".to_owned()
    };
    Ok(format!("<EvaluationResults>{results}</EvaluationResults>{more}"))
}

#[cfg(test)]
mod tests;
