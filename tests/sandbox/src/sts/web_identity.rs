//! AssumeRoleWithWebIdentity: a session for whoever brings a token of a provider that the role trusts.
//!
//! Tokens are read and not verified: their signature is whatever it is, and every issuer is taken for one whose provider
//! the account has. What the role's trust policy says of issuer, subject and audience is evaluated.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;

use super::issue::{Draft, issue};
use super::parameters::{duration, is_name, refuse, text};
use crate::form::Form;
use crate::iam::{Context, lets_in};
use crate::state::{SessionOf, State};
use crate::wire::{Failure, escape};

/// The claims of a token that count.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

pub fn perform(state: &mut State, form: &Form, now: Timestamp) -> Result<String, Failure> {
    let mut violations = Vec::new();
    let role_arn = text(form, "RoleArn", 20..=2048, |_| true, &mut violations);
    let name = text(form, "RoleSessionName", 2..=64, |c| is_name(c, "=,.@-"), &mut violations);
    let token = text(form, "WebIdentityToken", 4..=20_000, |_| true, &mut violations);
    let duration = duration(form, 3600, 43_200, &mut violations)?;
    refuse(&violations)?;
    let claims = Claims::of(token)?;
    if claims.exp <= now.as_second() {
        return Err(Failure::new(400, "ExpiredTokenException", "Token expired"));
    }
    let denied =
        || Failure::new(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let (account, role) = state.world.role(role_arn).ok_or_else(denied)?;
    let issuer = claims.iss.trim_start_matches("https://");
    let provider = format!("arn:aws:iam::{account}:oidc-provider/{issuer}");
    let context = Context::default().with(&format!("{issuer}:sub"), &claims.sub);
    let context = claims
        .audience()
        .iter()
        .fold(context, |context, audience| context.with(&format!("{issuer}:aud"), audience));
    if !lets_in(&role.trust, &provider, role_arn, &context) {
        return Err(denied());
    }
    let assumed = format!(
        "<AssumedRoleUser><AssumedRoleId>{}:{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>\
         <SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Provider>{}</Provider>",
        role.id(account),
        escape(name),
        escape(&role.session_arn(account, name)),
        escape(&claims.sub),
        escape(&provider),
    );
    let of = SessionOf::Role { arn: role_arn.to_owned() };
    let draft = Draft { of, name: name.to_owned(), policy: None, duration };
    Ok(format!("{}{assumed}", issue(state, draft, now)))
}

impl Claims {
    fn of(token: &str) -> Result<Self, Failure> {
        let invalid = || {
            let message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
            Failure::new(400, "InvalidIdentityToken", message)
        };
        let payload = token.split('.').nth(1).ok_or_else(invalid)?;
        let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| invalid())?;
        serde_json::from_slice(&json).map_err(|_| invalid())
    }

    fn audience(&self) -> &[String] {
        match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Many(many) => many,
        }
    }
}
