//! The adapters as a whole, over loopback: against scripted answers, and against the sandbox.

mod answers;
mod calls;
mod connection;
mod redaction;
mod refusals;
mod sandbox;
mod source;

use aws_credential_types::Credentials;

use super::Session;

/// Keys that no server here checks.
fn some_keys() -> Credentials {
    Credentials::new("AKIATEST", "secret", None, None, "test")
}

/// A session of the same kind.
fn some_session() -> Session {
    Session {
        access_key_id: "ASIATEST".to_owned(),
        secret_access_key: "secret".into(),
        session_token: "token".into(),
        expiration: "2100-01-01T00:00:00Z".parse().expect("a time"),
    }
}
