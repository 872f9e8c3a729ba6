//! The environment that Jobs get as the operator has it: what everybody may read, and what holds a password.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector},
};
use secrecy::{ExposeSecret, SecretString};

/// Variables by name.
#[derive(Debug, Clone, Default)]
pub struct JobEnvironment {
    plain: BTreeMap<String, String>,
    secret: BTreeMap<String, SecretString>,
}

impl From<BTreeMap<String, String>> for JobEnvironment {
    fn from(all: BTreeMap<String, String>) -> Self {
        let (secret, plain): (BTreeMap<_, _>, _) =
            all.into_iter().partition(|(_, value)| holds_password(value));
        let secret = secret.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect();
        Self { plain, secret }
    }
}

/// True if an address may have user and password in it: of what is handed on, nothing but a path has that sign, too.
fn holds_password(value: &str) -> bool {
    value.contains('@') && !value.starts_with('/')
}

impl JobEnvironment {
    /// Variables whose values stand in the pod's spec.
    pub fn plain(&self) -> &BTreeMap<String, String> {
        &self.plain
    }

    /// True if no value has to be kept out of a pod's spec.
    pub fn is_public(&self) -> bool {
        self.secret.is_empty()
    }

    /// The values that a Job's Secret carries, by the variables' names.
    pub fn secret_data(&self) -> impl Iterator<Item = (String, ByteString)> {
        self.secret
            .iter()
            .map(|(name, value)| (name.clone(), ByteString(value.expose_secret().as_bytes().to_vec())))
    }

    /// The variables that a pod takes from the Secret of this name.
    pub fn in_secret(&self, secret: &str) -> impl Iterator<Item = EnvVar> {
        self.secret.keys().map(move |name| EnvVar {
            name: name.clone(),
            value: None,
            value_from: Some(EnvVarSource {
                secret_key_ref: Some(SecretKeySelector {
                    name: secret.to_owned(),
                    key: name.clone(),
                    optional: None,
                }),
                ..EnvVarSource::default()
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_user_is_a_secret_in_every_form_and_no_other_is() {
        let given = [
            ("HTTPS_PROXY", "http://me:pass@proxy:3128"),
            ("http_proxy", "me:pass@proxy:3128"),
            ("ALL_PROXY", "http://token@proxy"),
            ("AWS_ENDPOINT_URL_S3", "https://me:pass@store"),
            ("HTTP_PROXY", "http://proxy:3128"),
            ("NO_PROXY", "*.corp.example,10.0.0.0/8,::1"),
            ("AWS_ENDPOINT_URL", "http://sandbox"),
            ("SSL_CERT_FILE", "/etc/ca@corp.pem"),
        ];
        let all = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = JobEnvironment::from(BTreeMap::from(all));
        let names: Vec<String> = environment.secret_data().map(|(name, _)| name).collect();
        assert_eq!(names, ["ALL_PROXY", "AWS_ENDPOINT_URL_S3", "HTTPS_PROXY", "http_proxy"]);
        assert_eq!(
            environment.plain().keys().collect::<Vec<_>>(),
            ["AWS_ENDPOINT_URL", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE"]
        );
        assert!(!format!("{environment:?}").contains("pass"), "{environment:?}");
    }
}
