//! IAM's users over the Query protocol: what it takes to make one that has keys.
//!
//! Shapes and codes are those of the service's model (2010-05-08).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::form::Form;
use crate::iam::{Identity, Policy, allowed_at_home};
use crate::state::State;
use crate::sts::random_text;
use crate::wire::{Failure, element};
use crate::world::{AccessKey, Secret, User};

/// The operations there are.
pub const OPERATIONS: [&str; 3] = ["CreateUser", "PutUserPolicy", "CreateAccessKey"];
/// The keys a user may have.
const MOST_KEYS: usize = 2;
/// The world does not say when a user was made, and IAM always does.
const CREATED: Timestamp = Timestamp::UNIX_EPOCH;

/// Performs one of [`OPERATIONS`] and gives the inside of its result element.
pub fn perform(state: &mut State, identity: &Identity, form: &Form) -> Result<String, Failure> {
    let (account, action) = (identity.account.as_str(), form.action());
    let name = needed(form, "UserName")?;
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    allowed_at_home(identity, &format!("iam:{action}"), &arn)
        .map_err(|message| Failure::new(403, "AccessDenied", message))?;
    let users = &mut state.world.accounts.entry(account.to_owned()).or_default().users;
    let known = users.iter_mut().find(|user| user.name == name);
    match (action, known) {
        ("CreateUser", Some(_)) => {
            let message = format!("User with name {name} already exists.");
            Err(Failure::new(409, "EntityAlreadyExists", message))
        }
        ("CreateUser", None) => {
            let user = User {
                name: name.to_owned(),
                access_keys: Vec::new(),
                policies: BTreeMap::new(),
                permissions_boundary: None,
                carries_session_tags: false,
            };
            let shown = shown(&user, account);
            users.push(user);
            Ok(shown)
        }
        (_, None) => {
            let message = format!("The user with name {name} cannot be found.");
            Err(Failure::new(404, "NoSuchEntity", message))
        }
        ("PutUserPolicy", Some(user)) => {
            let policy = Policy::parse(needed(form, "PolicyDocument")?)
                .map_err(|problem| Failure::new(400, "MalformedPolicyDocument", problem.to_string()))?;
            user.policies.insert(needed(form, "PolicyName")?.to_owned(), policy);
            Ok(String::new())
        }
        (_, Some(user)) => create_access_key(user),
    }
}

fn create_access_key(user: &mut User) -> Result<String, Failure> {
    if user.access_keys.len() >= MOST_KEYS {
        let message = format!("Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}");
        return Err(Failure::new(409, "LimitExceeded", message));
    }
    let (id, secret) = (format!("AKIA{}", random_text(16).to_ascii_uppercase()), random_text(40));
    let elements = [
        element("UserName", &user.name),
        element("AccessKeyId", &id),
        element("Status", "Active"),
        element("SecretAccessKey", &secret),
        element("CreateDate", &CREATED.to_string()),
    ];
    user.access_keys.push(AccessKey { id, secret: Secret::new(secret) });
    Ok(format!("<AccessKey>{}</AccessKey>", elements.concat()))
}

fn shown(user: &User, account: &str) -> String {
    let elements = [
        element("Path", "/"),
        element("UserName", &user.name),
        element("UserId", &user.identity(account).user_id),
        element("Arn", &user.arn(account)),
        element("CreateDate", &CREATED.to_string()),
    ];
    format!("<User>{}</User>", elements.concat())
}

fn needed<'a>(form: &'a Form, name: &str) -> Result<&'a str, Failure> {
    form.get(name).ok_or_else(|| Failure::new(400, "ValidationError", format!("{name} is missing.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth, world::World};

    const WORLD: &str = r#"
accounts:
  "123456789012":
    users:
      - name: administrator
        accessKeys: [{id: AKIAADMIN, secret: s}]
        policies: {all: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
      - name: nobody
        accessKeys: [{id: AKIANOBODY, secret: s}]
"#;

    fn call(state: &mut State, key: &str, action: &str, more: &[(&str, &str)]) -> Result<String, Failure> {
        let caller = auth::look_up(state, key, None, Timestamp::UNIX_EPOCH).unwrap().identity;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("UserName", "operator")
            .extend_pairs(more)
            .finish();
        perform(state, &caller, &Form::parse(form.as_bytes()))
    }

    #[test]
    fn a_new_user_has_the_policy_and_the_key_that_it_was_given() {
        let mut state = State { world: World::from_yaml(WORLD).unwrap(), ..State::default() };
        let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}"#;
        call(&mut state, "AKIAADMIN", "CreateUser", &[]).unwrap();
        call(
            &mut state,
            "AKIAADMIN",
            "PutUserPolicy",
            &[("PolicyName", "assume"), ("PolicyDocument", policy)],
        )
        .unwrap();
        let key = call(&mut state, "AKIAADMIN", "CreateAccessKey", &[]).unwrap();
        let (_, rest) = key.split_once("<AccessKeyId>").unwrap();
        let (id, _) = rest.split_once('<').unwrap();
        let user = auth::look_up(&state, id, None, Timestamp::UNIX_EPOCH).unwrap().identity;
        assert_eq!(user.arn, "arn:aws:iam::123456789012:user/operator");
        assert_eq!(user.policies, [Policy::parse(policy).unwrap()]);
    }

    #[test]
    fn refusals() {
        let mut state = State { world: World::from_yaml(WORLD).unwrap(), ..State::default() };
        let mut code = |key, action| call(&mut state, key, action, &[]).map_err(|failure| failure.code);
        assert_eq!(code("AKIANOBODY", "CreateUser"), Err("AccessDenied".to_owned()));
        assert_eq!(code("AKIAADMIN", "CreateAccessKey"), Err("NoSuchEntity".to_owned()));
        code("AKIAADMIN", "CreateUser").unwrap();
        assert_eq!(code("AKIAADMIN", "CreateUser"), Err("EntityAlreadyExists".to_owned()));
        for _ in 0..MOST_KEYS {
            code("AKIAADMIN", "CreateAccessKey").unwrap();
        }
        assert_eq!(code("AKIAADMIN", "CreateAccessKey"), Err("LimitExceeded".to_owned()));
    }
}
