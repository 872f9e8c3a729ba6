//! STS over the Query protocol: GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity and GetFederationToken.

mod assume_role;
mod federate;
mod issue;
mod parameters;
mod web_identity;

use jiff::Timestamp;

use crate::form::Form;
use crate::iam::{Identity, Kind};
use crate::state::State;
use crate::wire::{Failure, escape};

pub use issue::random_text;

/// XML namespace of all STS answers.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The one operation that takes no signature.
pub const UNSIGNED: &str = "AssumeRoleWithWebIdentity";

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
        // A federated user may ask who it is, and nothing else of STS.
        "AssumeRole" | "GetFederationToken" if identity.kind == Kind::Federated => {
            let message = format!("Cannot call {} with session credentials", form.action());
            Err(Failure::new(403, "AccessDenied", message))
        }
        UNSIGNED => web_identity::perform(state, form, now),
        "AssumeRole" => assume_role::perform(state, identity, form, region, now),
        "GetFederationToken" => federate::perform(state, identity, form, region, now),
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

/// STS is not active in the region for the account whose session is wanted.
fn region_disabled(account: &str) -> Failure {
    Failure::new(
        403,
        "RegionDisabledException",
        format!(
            "STS is not activated in this region for account:{account}. Your account administrator can activate STS in this region using the IAM Console."
        ),
    )
}

#[cfg(test)]
mod tests;
