//! AssumeRole: what the request must look like, whether the role trusts the caller, how long the session may last.
//!
//! Order of the checks: the parameters; the session policy; whether STS is active; trust (a role that does not exist
//! answers like one that refuses); the role's longest session; the hour that role chaining allows.

use jiff::{SignedDuration, Timestamp};

use super::Form;
use crate::iam::{Ask, Context, Identity, Kind, Policy, trusted};
use crate::state::{Session, State};
use crate::wire::{Failure, escape};
use crate::world::Secret;

/// Characters of all session policies together.
const POLICY_LIMIT: usize = 2048;
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
    let policy = request.session_policy()?;
    let refused = |action: &str| {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {}",
            identity.arn, request.role_arn
        );
        Failure::new(403, "AccessDenied", message)
    };

    if let Some(account) = request.role_arn.split(':').nth(4)
        && let Some(target) = state.world.accounts.get(account)
        && target.sts_disabled_regions.iter().any(|disabled| disabled == region)
    {
        return Err(Failure::new(
            403,
            "RegionDisabledException",
            format!(
                "STS is not activated in this region for account:{account}. Your account administrator can activate STS in this region using the IAM Console."
            ),
        ));
    }
    let (account, role) = state.world.role(request.role_arn).ok_or_else(|| refused("sts:AssumeRole"))?;
    let context = Context::default().with_opt("sts:ExternalId", request.external_id);
    let mut actions = vec!["sts:AssumeRole"];
    if form.has_list("Tags") {
        actions.push("sts:TagSession");
    }
    if form.get("SourceIdentity").is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    for action in actions {
        let ask = Ask {
            action,
            resource: request.role_arn,
            owner: account,
            resource_policy: Some(&role.trust),
            context: &context,
        };
        trusted(identity, &ask).map_err(|_| refused(action))?;
    }
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

    let key_id = format!("ASIA{}", random_text(16).to_ascii_uppercase());
    let (secret, token) = (Secret::new(random_text(40)), Secret::new(random_text(356)));
    // AWS dates are whole seconds here.
    let expires = Timestamp::from_second(now.as_second()).unwrap_or(now)
        + SignedDuration::from_secs(i64::from(request.duration));
    let packed = request.policy.map(|text| {
        format!(
            "<PackedPolicySize>{}</PackedPolicySize>",
            (text.chars().count() * 100).div_ceil(POLICY_LIMIT)
        )
    });
    let answer = format!(
        "<AssumedRoleUser><AssumedRoleId>{}:{name}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>{expires}</Expiration></Credentials>{}",
        role.id(account),
        escape(&role.session_arn(account, request.session_name)),
        secret.expose(),
        token.expose(),
        packed.unwrap_or_default(),
        name = escape(request.session_name),
    );
    let session = Session {
        secret,
        token,
        role_arn: request.role_arn.to_owned(),
        name: request.session_name.to_owned(),
        policy,
        expires,
    };
    state.sessions.insert(key_id, session);
    Ok(answer)
}

impl<'a> Request<'a> {
    fn parse(form: &'a Form) -> Result<Self, Failure> {
        let mut violations = Vec::new();
        let role_arn = text(form, "RoleArn", 20..=2048, |_| true, &mut violations);
        let session_name = text(form, "RoleSessionName", 2..=64, |c| is_name(c, "=,.@-"), &mut violations);
        let external_id = optional(form, "ExternalId", 2..=1224, |c| is_name(c, "=,.@:/-"), &mut violations);
        let policy_char = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
        let policy = optional(form, "Policy", 1..=usize::MAX, policy_char, &mut violations);
        optional(form, "SourceIdentity", 2..=64, |c| is_name(c, "=,.@-"), &mut violations);
        let duration = match form.get("DurationSeconds").map(str::parse::<u32>) {
            None => 3600,
            Some(Ok(seconds)) => {
                if seconds < 900 {
                    violations.push(format!("Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"));
                }
                if seconds > 43200 {
                    violations.push(format!("Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"));
                }
                seconds
            }
            Some(Err(_)) => return Err(Failure::new(400, "MalformedInput", "")),
        };
        if !violations.is_empty() {
            let plural = if violations.len() == 1 { "error" } else { "errors" };
            return Err(validation(&format!(
                "{} validation {plural} detected: {}",
                violations.len(),
                violations.join("; ")
            )));
        }
        Ok(Self { role_arn, session_name, external_id, duration, policy })
    }

    fn session_policy(&self) -> Result<Option<Policy>, Failure> {
        let Some(json) = self.policy else { return Ok(None) };
        let policy = Policy::parse(json)
            .map_err(|_| Failure::new(400, "MalformedPolicyDocument", "This policy contains invalid Json"))?;
        let length = json.chars().count();
        if length > POLICY_LIMIT {
            let percent = (length * 100).div_ceil(POLICY_LIMIT);
            return Err(Failure::new(
                400,
                "PackedPolicyTooLarge",
                format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
            ));
        }
        Ok(Some(policy))
    }
}

fn validation(message: &str) -> Failure {
    Failure::new(400, "ValidationError", message)
}

/// `\w` of AWS's patterns: ASCII only; and `+`, which all of them take.
fn is_name(c: char, more: &str) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '+' || more.contains(c)
}

fn text<'a>(
    form: &'a Form,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    fits: impl Fn(char) -> bool,
    violations: &mut Vec<String>,
) -> &'a str {
    if form.get(name).is_none() {
        violations.push(format!(
            "Value null at '{}' failed to satisfy constraint: Member must not be null",
            member(name)
        ));
    }
    optional(form, name, length, fits, violations).unwrap_or_default()
}

/// Checks length and characters. The value is not repeated in the message: for an external ID that would be a leak.
fn optional<'a>(
    form: &'a Form,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    fits: impl Fn(char) -> bool,
    violations: &mut Vec<String>,
) -> Option<&'a str> {
    let value = form.get(name)?;
    let mut violated = |constraint: String| {
        violations.push(format!("Value at '{}' failed to satisfy constraint: {constraint}", member(name)));
    };
    let count = value.chars().count();
    if count < *length.start() {
        violated(format!("Member must have length greater than or equal to {}", length.start()));
    }
    if count > *length.end() {
        violated(format!("Member must have length less than or equal to {}", length.end()));
    }
    if !value.chars().all(fits) {
        violated("Member must satisfy regular expression pattern".to_owned());
    }
    Some(value)
}

/// A parameter's name as validation messages spell it.
fn member(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}

/// Random letters and digits.
fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    std::iter::repeat_with(|| uuid::Uuid::new_v4().into_bytes())
        // Bytes 6 and 8 hold the UUID's version and variant.
        .flat_map(|bytes| {
            bytes.into_iter().enumerate().filter(|(at, _)| *at != 6 && *at != 8).map(|(_, byte)| byte)
        })
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .take(length)
        .collect()
}
