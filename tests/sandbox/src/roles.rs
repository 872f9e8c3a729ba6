//! IAM's roles over the Query protocol: what a person looks at and mends in one that is there. To make one takes a stack.
//!
//! Shapes and codes are those of the service's model (2010-05-08).

use jiff::Timestamp;

use crate::form::Form;
use crate::iam::{Identity, Policy, allowed_at_home};
use crate::state::State;
use crate::wire::{Failure, element};
use crate::world::Role;

/// The world does not say when a role was made, and IAM always does.
const CREATED: Timestamp = Timestamp::UNIX_EPOCH;

/// Performs one operation and gives the inside of its result element.
pub fn perform(state: &mut State, identity: &Identity, form: &Form) -> Result<String, Failure> {
    let action = form.action();
    if !["GetRole", "UpdateAssumeRolePolicy", "ListRolePolicies", "GetRolePolicy", "PutRolePolicy"]
        .contains(&action)
    {
        return Err(Failure::new(400, "InvalidAction", format!("The sandbox has no iam:{action}.")));
    }
    let account = identity.account.as_str();
    let name = needed(form, "RoleName")?;
    let roles = state.world.accounts.get_mut(account).map(|own| &mut own.roles);
    let role = roles.and_then(|roles| roles.iter_mut().find(|role| role.name == name));
    let arn =
        role.as_ref().map_or_else(|| format!("arn:aws:iam::{account}:role/{name}"), |role| role.arn(account));
    allowed_at_home(identity, &format!("iam:{action}"), &arn)
        .map_err(|message| Failure::new(403, "AccessDenied", message))?;
    let role = role.ok_or_else(|| absent(format!("The role with name {name} cannot be found.")))?;
    match action {
        "GetRole" => Ok(shown(role, account)),
        "UpdateAssumeRolePolicy" => {
            role.trust = document(form)?;
            Ok(String::new())
        }
        "ListRolePolicies" => Ok(names(role)),
        "GetRolePolicy" => one(role, needed(form, "PolicyName")?),
        _ => {
            let policy = document(form)?;
            role.policies.insert(needed(form, "PolicyName")?.to_owned(), policy);
            Ok(String::new())
        }
    }
}

fn needed<'a>(form: &'a Form, name: &str) -> Result<&'a str, Failure> {
    form.get(name).ok_or_else(|| Failure::new(400, "ValidationError", format!("{name} is missing.")))
}

fn absent(message: String) -> Failure {
    Failure::new(404, "NoSuchEntity", message)
}

fn document(form: &Form) -> Result<Policy, Failure> {
    Policy::parse(needed(form, "PolicyDocument")?)
        .map_err(|problem| Failure::new(400, "MalformedPolicyDocument", problem.to_string()))
}

/// IAM percent-encodes the documents it shows, as RFC 3986 has it.
fn encoded(policy: &Policy) -> String {
    let text = serde_json::to_string(policy).expect("a policy is JSON");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn shown(role: &Role, account: &str) -> String {
    let elements = [
        element("Path", &role.path),
        element("RoleName", &role.name),
        element("RoleId", &role.id(account)),
        element("Arn", &role.arn(account)),
        element("CreateDate", &CREATED.to_string()),
        element("AssumeRolePolicyDocument", &encoded(&role.trust)),
        element("MaxSessionDuration", &role.max_session_duration.to_string()),
    ];
    format!("<Role>{}</Role>", elements.concat())
}

fn names(role: &Role) -> String {
    let names: String = role.policies.keys().map(|name| element("member", name)).collect();
    format!("<PolicyNames>{names}</PolicyNames><IsTruncated>false</IsTruncated>")
}

fn one(role: &Role, name: &str) -> Result<String, Failure> {
    let policy = role
        .policies
        .get(name)
        .ok_or_else(|| absent(format!("The role policy with name {name} cannot be found.")))?;
    Ok(element("RoleName", &role.name)
        + &element("PolicyName", name)
        + &element("PolicyDocument", &encoded(policy)))
}

#[cfg(test)]
mod tests;
