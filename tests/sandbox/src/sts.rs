//! STS over the Query protocol: GetCallerIdentity and AssumeRole.

mod assume_role;
mod form;

use jiff::Timestamp;

pub use form::Form;

use crate::iam::Identity;
use crate::state::State;
use crate::wire::{Failure, escape};

/// XML namespace of all STS answers.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Performs one operation and gives the inside of its result element.
pub fn perform(
    state: &mut State,
    identity: &Identity,
    form: &Form,
    region: &str,
    now: Timestamp,
) -> Result<String, Failure> {
    match form.action() {
        // Needs no permission and can't be denied.
        "GetCallerIdentity" => Ok(format!(
            "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
            escape(&identity.arn),
            escape(&identity.user_id),
            identity.account
        )),
        "AssumeRole" => assume_role::perform(state, identity, form, region, now),
        other => Err(Failure::new(
            400,
            "InvalidAction",
            format!(
                "Could not find operation {other} for version {}",
                form.get("Version").unwrap_or("NO_VERSION_SPECIFIED")
            ),
        )),
    }
}

#[cfg(test)]
mod tests;
