//! Hands out the credentials of a session.

use jiff::{SignedDuration, Timestamp};

use crate::iam::Policy;
use crate::state::{Session, SessionOf, State};
use crate::world::Secret;

/// What a session is to be.
pub struct Draft {
    pub of: SessionOf,
    pub name: String,
    pub policy: Option<Policy>,
    /// In seconds.
    pub duration: u32,
}

/// Opens the session and gives its `<Credentials>`.
pub fn issue(state: &mut State, draft: Draft, now: Timestamp) -> String {
    let key_id = format!("ASIA{}", random_text(16).to_ascii_uppercase());
    let (secret, token) = (Secret::new(random_text(40)), Secret::new(random_text(356)));
    // AWS dates are whole seconds here.
    let expires = Timestamp::from_second(now.as_second()).unwrap_or(now)
        + SignedDuration::from_secs(i64::from(draft.duration));
    let credentials = format!(
        "<Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>{expires}</Expiration></Credentials>",
        secret.expose(),
        token.expose(),
    );
    let Draft { of, name, policy, .. } = draft;
    state.sessions.insert(key_id, Session { secret, token, of, name, policy, expires });
    credentials
}

/// Random letters and digits.
pub fn random_text(length: usize) -> String {
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
