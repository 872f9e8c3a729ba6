//! The commands that create a pod's AWS identity, as a script that can be read, copied, or given to a shell.

use std::convert::Infallible;

use super::{
    policy::Policy,
    workload::{Source, Workload},
};
use crate::model::{BucketName, Region};

/// The name of the one inline policy.
const POLICY: &str = "awscost";

/// The Secret that takes a user's keys.
#[derive(Debug, Clone)]
pub struct KeysSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it is labelled with, as `KEY=VALUE`.
    pub label: Option<String>,
}

/// A script under way.
#[derive(Debug)]
pub struct Script(String);

impl Script {
    /// One that ends at the first command that fails.
    pub fn begin() -> Self {
        Self("set -euo pipefail\n".to_owned())
    }

    /// The text.
    pub fn text(self) -> String {
        self.0
    }

    fn line(&mut self, words: &[&str]) {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        self.0 += &words.join(" ");
        self.0.push('\n');
    }

    /// Creates a bucket; since 2023 a new one is private and encrypted without being asked to be.
    pub fn create_bucket(&mut self, bucket: &BucketName, region: &Region) {
        let constraint = format!("LocationConstraint={region}");
        let mut words =
            vec!["aws", "s3api", "create-bucket", "--bucket", bucket.as_str(), "--region", region.as_str()];
        // The first region is the one that S3 takes no name of.
        if region.as_str() != "us-east-1" {
            words.extend(["--create-bucket-configuration", &constraint]);
        }
        self.line(&words);
    }

    /// Creates the role or user with its policy, and gives it to the pod: by its service account, or as keys in `secret`.
    pub fn create_identity(&mut self, workload: &Workload, policy: &Policy<Infallible>, secret: &KeysSecret) {
        let (path, name) = workload.principal.path_and_name();
        let policy = pretty(policy);
        match workload.trust() {
            Err(_) => {
                // Without the namespace the key could be put nowhere, and AWS shows it once.
                self.line(&["kubectl", "get", "namespace", secret.namespace.as_str()]);
                self.line(&["aws", "iam", "create-user", "--user-name", name, "--path", &path]);
                self.line(&[
                    "aws",
                    "iam",
                    "put-user-policy",
                    "--user-name",
                    name,
                    "--policy-name",
                    POLICY,
                    "--policy-document",
                    &policy,
                ]);
                self.keys_into(secret, name);
            }
            Ok(trust) => {
                self.line(&[
                    "aws",
                    "iam",
                    "create-role",
                    "--role-name",
                    name,
                    "--path",
                    &path,
                    "--assume-role-policy-document",
                    &pretty(&trust),
                ]);
                self.line(&[
                    "aws",
                    "iam",
                    "put-role-policy",
                    "--role-name",
                    name,
                    "--policy-name",
                    POLICY,
                    "--policy-document",
                    &policy,
                ]);
            }
        }
        if let Source::PodIdentity(cluster) = &workload.source {
            self.line(&[
                "aws",
                "eks",
                "create-pod-identity-association",
                "--cluster-name",
                &cluster.to_string(),
                "--namespace",
                &workload.namespace,
                "--service-account",
                &workload.service_account,
                "--role-arn",
                workload.principal.as_str(),
            ]);
        }
    }

    /// Creates an access key and puts it into a Secret: it stands on no command line, in no file and in no history.
    fn keys_into(&mut self, secret: &KeysSecret, user: &str) {
        let KeysSecret { namespace, name, label } = secret;
        self.0 += &format!(
            "aws iam create-access-key --user-name {} --output text \\\n  \
               --query \"AccessKey.[join('=', ['accessKeyId', AccessKeyId]), join('=', ['secretAccessKey', SecretAccessKey])]\" |\n  \
               tr '\\t' '\\n' |\n  \
               kubectl -n {} create secret generic {} --from-env-file=/dev/stdin\n",
            quoted(user),
            quoted(namespace),
            quoted(name),
        );
        if let Some(label) = label {
            self.line(&["kubectl", "-n", namespace, "label", "secret", name, label]);
        }
    }
}

fn pretty(policy: &Policy<Infallible>) -> String {
    serde_json::to_string_pretty(policy).expect("a policy of texts, lists and maps")
}

/// A word as a shell takes it for itself.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(principal: &str, source: Source, label: Option<&str>) -> String {
        let workload = Workload {
            principal: principal.parse().expect("a principal"),
            source,
            namespace: "awscost-system".to_owned(),
            service_account: "awscost".to_owned(),
        };
        let role = "arn:aws:iam::*:role/awscost".parse().expect("a role");
        let policy = workload.assuming(&[role]).expect("a policy");
        let secret = KeysSecret {
            namespace: "awscost-system".to_owned(),
            name: "awscost-aws".to_owned(),
            label: label.map(str::to_owned),
        };
        let mut script = Script::begin();
        script.create_identity(&workload, &policy, &secret);
        script.text()
    }

    #[test]
    fn a_role_of_pod_identity_is_associated() {
        let cluster = Source::PodIdentity("acme".parse().expect("a cluster"));
        insta::assert_snapshot!(script("arn:aws:iam::999988887777:role/ops/awscost-operator", cluster, None));
    }

    #[test]
    fn a_users_keys_go_straight_into_their_secret() {
        insta::assert_snapshot!(script(
            "arn:aws:iam::999988887777:user/awscost-operator",
            Source::User,
            Some("awscost.io/use=warehouse")
        ));
    }

    #[test]
    fn a_bucket_is_made_where_it_is_wanted() {
        let made = |region: &str| {
            let mut script = Script::begin();
            script.create_bucket(&"acme-lake".parse().expect("a bucket"), &region.parse().expect("a region"));
            script.text().lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(made("us-east-1"), "aws s3api create-bucket --bucket acme-lake --region us-east-1");
        assert!(made("eu-west-1").ends_with("--create-bucket-configuration LocationConstraint=eu-west-1"));
    }

    #[test]
    fn no_word_ends_its_quotes() {
        assert_eq!(quoted("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
        assert_eq!(quoted(""), "''");
    }
}
