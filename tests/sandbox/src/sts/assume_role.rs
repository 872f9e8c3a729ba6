//! AssumeRole: what the request must look like, whether the role trusts the caller, how long the session may last.
//!
//! Order of the checks: the parameters; the session policy; whether STS is active; permission and trust (a role that does
//! not exist answers like one that refuses); the role's longest session; the hour that role chaining allows.

use jiff::Timestamp;

use super::issue::{Draft, issue};
use super::parameters::{
    duration, is_name, is_policy, optional, packed_percent, refuse, session_policy, text, validation,
};
use super::region_disabled;
use crate::form::Form;
use crate::iam::{Ask, Context, Denial, Identity, Kind, Refuser, trusted};
use crate::state::{SessionOf, State};
use crate::wire::{Failure, escape};

/// The longest session of a role assumed by a role, in seconds.
const CHAINED_LIMIT: u32 = 3600;

/// A request that passed the checks on its form.
struct Request<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    external_id: Option<&'a str>,
    duration: u32,
    policy: Option<&'a str>,
}

pub fn perform(
    state: &mut State,
    identity: &Identity,
    form: &Form,
    region: &str,
    now: Timestamp,
) -> Result<String, Failure> {
    let request = Request::parse(form)?;
    let policy = session_policy(request.policy)?;
    let owner = request.role_arn.split(':').nth(4).unwrap_or_default();
    if state.world.accounts.get(owner).is_some_and(|target| !target.has_sts_in(region)) {
        return Err(region_disabled(owner));
    }
    let found = state.world.role(request.role_arn);
    let context = Context::default().with_opt("sts:ExternalId", request.external_id);
    let mut actions = vec!["sts:AssumeRole"];
    if form.has_list("Tags") || identity.carries_session_tags {
        // AWS speaks of this one first, also where it is the external ID that does not match.
        actions.insert(0, "sts:TagSession");
    }
    if form.get("SourceIdentity").is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    for action in actions {
        let ask = Ask {
            action,
            resource: request.role_arn,
            owner,
            resource_policy: found.map(|(_, role)| &role.trust),
            context: &context,
        };
        trusted(identity, &ask).map_err(|denial| refused(identity, &ask, denial))?;
    }
    // Nobody is trusted by a role that does not exist.
    let Some((account, role)) = found else { return Err(Failure::new(500, "InternalFailure", "")) };
    if request.duration > role.max_session_duration {
        return Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    if identity.kind == Kind::Session && request.duration > CHAINED_LIMIT {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let assumed = format!(
        "<AssumedRoleUser><AssumedRoleId>{}:{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
        role.id(account),
        escape(request.session_name),
        escape(&role.session_arn(account, request.session_name)),
    );
    let packed = request
        .policy
        .map(|json| format!("<PackedPolicySize>{}</PackedPolicySize>", packed_percent(json)))
        .unwrap_or_default();
    let draft = Draft {
        of: SessionOf::Role { arn: request.role_arn.to_owned() },
        name: request.session_name.to_owned(),
        policy,
        duration: request.duration,
    };
    Ok(format!("{assumed}{}{packed}", issue(state, draft, now)))
}

/// AWS names the policy that refuses on the caller's side and above it; of the role's own trust policy it gives nothing
/// away, not even that there is a role.
fn refused(identity: &Identity, ask: &Ask<'_>, denial: Denial) -> Failure {
    let reason = match denial.refuser() {
        Refuser::Resource => String::new(),
        _ => format!(" {}", denial.because(ask.action)),
    };
    let message = format!(
        "User: {} is not authorized to perform: {} on resource: {}{reason}",
        identity.arn, ask.action, ask.resource
    );
    Failure::new(403, "AccessDenied", message)
}

impl<'a> Request<'a> {
    fn parse(form: &'a Form) -> Result<Self, Failure> {
        let mut violations = Vec::new();
        let role_arn = text(form, "RoleArn", 20..=2048, |_| true, &mut violations);
        let session_name = text(form, "RoleSessionName", 2..=64, |c| is_name(c, "=,.@-"), &mut violations);
        let external_id = optional(form, "ExternalId", 2..=1224, |c| is_name(c, "=,.@:/-"), &mut violations);
        let policy = optional(form, "Policy", 1..=usize::MAX, is_policy, &mut violations);
        optional(form, "SourceIdentity", 2..=64, |c| is_name(c, "=,.@-"), &mut violations);
        let duration = duration(form, 3600, 43_200, &mut violations)?;
        refuse(&violations)?;
        Ok(Self { role_arn, session_name, external_id, duration, policy })
    }
}
