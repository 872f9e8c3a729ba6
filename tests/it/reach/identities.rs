//! Whose credentials are used on a laptop: a helper program's, a console sign-in's, and for a warehouse the profile that is
//! named and no other.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, ToSpan};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::aws_environment::{KEYS, PAYER, assert_all_well, calls, sandbox};

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A program that prints what the SDK expects of a credential process.
fn helper(folder: &Path, key: &str, secret: &str) -> PathBuf {
    let program = folder.join("helper");
    let answer = json!({"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret});
    fs::write(&program, format!("#!/bin/sh\necho '{answer}'\n")).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_with_a_helper_program() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config");
    let program = helper(folder.path(), KEYS[0].1, KEYS[1].1);
    let endpoint = sandbox.endpoint();
    let profile = format!(
        "[profile vault]\nregion = us-east-1\nendpoint_url = {endpoint}\ncredential_process = {}\n",
        program.display()
    );
    fs::write(&config, profile).expect("written");
    assert_all_well(&calls(&[PAYER, ("AWS_CONFIG_FILE", text(&config)), ("AWS_PROFILE", "vault")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_signed_in_at_the_console() {
    let sandbox = sandbox();
    let endpoint = sandbox.endpoint();
    // Any session will do: this issues one, which the console's token then carries.
    calls(&[KEYS[0], KEYS[1], PAYER, ("AWS_ENDPOINT_URL", &endpoint)]);
    let [id, secret, token] = sandbox.session_keys().remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let session = "arn:aws:iam::123456789012:user/alice";
    let (config, cache) = (folder.path().join("config"), folder.path().join("cache"));
    fs::create_dir(&cache).expect("a folder");
    let profile = format!(
        "[profile console]\nregion = us-east-1\nendpoint_url = {endpoint}\nlogin_session = {session}\n"
    );
    fs::write(&config, profile).expect("written");
    let cached = json!({
        "accessToken": {
            "accessKeyId": id, "secretAccessKey": secret, "sessionToken": token, "accountId": "123456789012",
            "expiresAt": (Timestamp::now() + 1.hour()).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        "tokenType": "aws_sigv4", "refreshToken": "none", "idToken": "none",
        "clientId": "arn:aws:signin:::devtools/same-device", "dpopKey": "none",
    });
    let file = format!("{}.json", hex::encode(Sha256::digest(session)));
    fs::write(cache.join(file), cached.to_string()).expect("written");
    let said = calls(&[
        PAYER,
        ("AWS_CONFIG_FILE", text(&config)),
        ("AWS_LOGIN_CACHE_DIRECTORY", text(&cache)),
        ("AWS_PROFILE", "console"),
    ]);
    let caller = r#"base: Ok("arn:aws:sts::123456789012:assumed-role/awscost/awscost-check")"#;
    assert!(said.contains(caller), "{said}");
}
