//! GetFederationToken: a session for whoever an IAM user vouches for. It may do what the user's policies and the session
//! policy both allow; without a session policy, nothing.

use jiff::Timestamp;

use super::issue::{Draft, issue};
use super::parameters::{
    duration, is_name, is_policy, optional, packed_percent, refuse, session_policy, text,
};
use super::region_disabled;
use crate::auth::federated_arn;
use crate::form::Form;
use crate::iam::{Identity, Kind, Policy, allowed_at_home};
use crate::state::{SessionOf, State};
use crate::wire::{Failure, escape};

/// Twelve hours.
const DEFAULT_SECONDS: u32 = 43_200;
/// Thirty-six hours.
const LONGEST_SECONDS: u32 = 129_600;

pub fn perform(
    state: &mut State,
    identity: &Identity,
    form: &Form,
    region: &str,
    now: Timestamp,
) -> Result<String, Failure> {
    let mut violations = Vec::new();
    let name = text(form, "Name", 2..=32, |c| is_name(c, "=,.@-"), &mut violations);
    let json = optional(form, "Policy", 1..=usize::MAX, is_policy, &mut violations);
    let duration = duration(form, DEFAULT_SECONDS, LONGEST_SECONDS, &mut violations)?;
    refuse(&violations)?;
    let policy = session_policy(json)?;
    let account = identity.account.as_str();
    if state.world.accounts.get(account).is_some_and(|own| !own.has_sts_in(region)) {
        return Err(region_disabled(account));
    }
    if identity.kind != Kind::User {
        let message = "Cannot call GetFederationToken with session credentials";
        return Err(Failure::new(403, "AccessDenied", message));
    }
    let (action, arn) = ("sts:GetFederationToken", federated_arn(account, name));
    allowed_at_home(identity, action, &arn).map_err(|message| Failure::new(403, "AccessDenied", message))?;
    let user = identity.arn.rsplit('/').next().unwrap_or_default().to_owned();
    let federated = format!(
        "<FederatedUser><FederatedUserId>{account}:{}</FederatedUserId><Arn>{}</Arn></FederatedUser>",
        escape(name),
        escape(&arn),
    );
    let packed = json
        .map(|json| format!("<PackedPolicySize>{}</PackedPolicySize>", packed_percent(json)))
        .unwrap_or_default();
    let draft = Draft {
        of: SessionOf::User { account: account.to_owned(), user },
        name: name.to_owned(),
        policy: Some(policy.unwrap_or_else(Policy::nothing)),
        duration,
    };
    Ok(format!("{}{federated}{packed}", issue(state, draft, now)))
}
