//! Settings of the standard AWS configuration that the SDK leaves out, because it can't read them. It warns of each with
//! its own insides; here they are told in plain words, without their values: an address may hold a password.

use aws_config::profile;
use aws_types::os_shim_internal::{Env, Fs};
use url::Url;

/// Variables that are true or false.
const SWITCHES: [&str; 4] = [
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_EC2_METADATA_DISABLED",
];

/// Says what is left out of the process's own configuration.
pub(super) async fn warn_of_settings() {
    for (name, value) in std::env::vars_os() {
        if let Some(problem) = name.to_str().and_then(|name| setting_problem(name, &value.to_string_lossy()))
        {
            tracing::warn!("{problem}");
        }
    }
    let (files, environment) = (Fs::real(), Env::real());
    if profile::load(&files, &environment, &Default::default(), None).await.is_err() {
        tracing::warn!(
            "the files with AWS profiles (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, or those in ~/.aws) can't be read, and \
             are left out: a header may lack its bracket, or a line its ="
        );
    }
}

fn setting_problem(name: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    let switch = |value: &str| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
    if name.starts_with("AWS_ENDPOINT_URL") && Url::parse(value).is_err() {
        return Some(format!("{name} is not an address and is ignored: it takes https://HOST"));
    }
    if SWITCHES.contains(&name) && !switch(value) {
        return Some(format!("{name} is neither true nor false and is ignored"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_variable_is_named_without_its_value() {
        for (name, value, expected) in [
            ("AWS_ENDPOINT_URL", "https://sandbox:9000", None),
            ("AWS_ENDPOINT_URL", "", None),
            ("AWS_ENDPOINT_URL_STS", "canary and no address", Some("AWS_ENDPOINT_URL_STS is not an address")),
            ("AWS_USE_FIPS_ENDPOINT", "True", None),
            ("AWS_USE_FIPS_ENDPOINT", "canary", Some("AWS_USE_FIPS_ENDPOINT is neither true nor false")),
            ("AWS_REGION", "canary", None),
        ] {
            let said = setting_problem(name, value);
            match (&said, expected) {
                (None, None) => {}
                (Some(said), Some(expected)) => assert!(said.starts_with(expected), "{said}"),
                _ => panic!("{name}={value}: {said:?}"),
            }
            assert!(!said.unwrap_or_default().contains("canary"));
        }
    }
}
