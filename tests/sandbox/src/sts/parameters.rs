//! The checks on the form of STS's parameters, and the session policy among them.

use crate::form::Form;
use crate::iam::Policy;
use crate::wire::Failure;

/// Characters of all session policies together.
const POLICY_LIMIT: usize = 2048;

/// The session policy of a request, if there is one.
pub fn session_policy(json: Option<&str>) -> Result<Option<Policy>, Failure> {
    let Some(json) = json else { return Ok(None) };
    let policy = Policy::parse(json)
        .map_err(|_| Failure::new(400, "MalformedPolicyDocument", "This policy contains invalid Json"))?;
    if json.chars().count() > POLICY_LIMIT {
        return Err(Failure::new(
            400,
            "PackedPolicyTooLarge",
            format!(
                "Packed policy consumes {}% of allotted space, please use smaller policy.",
                packed_percent(json)
            ),
        ));
    }
    Ok(Some(policy))
}

/// How much of the room for session policies one takes.
pub fn packed_percent(json: &str) -> usize {
    (json.chars().count() * 100).div_ceil(POLICY_LIMIT)
}

/// What characters a policy may have.
pub fn is_policy(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

/// The length of a session in seconds.
pub fn duration(
    form: &Form,
    default: u32,
    longest: u32,
    violations: &mut Vec<String>,
) -> Result<u32, Failure> {
    let Some(text) = form.get("DurationSeconds") else { return Ok(default) };
    let seconds = text.parse().map_err(|_| Failure::new(400, "MalformedInput", ""))?;
    let mut violated = |bound: &str, limit: u32| {
        violations.push(format!("Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value {bound} than or equal to {limit}"));
    };
    if seconds < 900 {
        violated("greater", 900);
    }
    if seconds > longest {
        violated("less", longest);
    }
    Ok(seconds)
}

/// What STS says of parameters that violate something.
pub fn refuse(violations: &[String]) -> Result<(), Failure> {
    if violations.is_empty() {
        return Ok(());
    }
    let plural = if violations.len() == 1 { "error" } else { "errors" };
    Err(validation(&format!("{} validation {plural} detected: {}", violations.len(), violations.join("; "))))
}

pub fn validation(message: &str) -> Failure {
    Failure::new(400, "ValidationError", message)
}

/// `\w` of AWS's patterns: ASCII only; and `+`, which all of them take.
pub fn is_name(c: char, more: &str) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '+' || more.contains(c)
}

pub fn text<'a>(
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
pub fn optional<'a>(
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
