//! The commands that create a pod's AWS identity, as a script that can be read, copied, or given to a shell.

use std::convert::Infallible;

use super::workload::{CredentialSource, WorkloadIdentity};
use crate::model::{BucketName, Region, policy::Policy};

/// The name of the one inline policy.
const POLICY: &str = "awscost";

/// The Secret that takes a user's keys.
#[derive(Debug, Clone)]
pub struct KeysSecret {
    /// The namespace of the Secret.
    pub namespace: String,
    /// The name of the Secret.
    pub name: String,
    /// What it is labelled with, as `KEY=VALUE`.
    pub label: Option<String>,
}

/// A script under way.
#[derive(Debug)]
pub struct ShellScript(String);

impl ShellScript {
    /// One that ends at the first command that fails.
    pub fn begin() -> Self {
        Self("set -euo pipefail\n".to_owned())
    }

    /// The script's text, ready for bash.
    pub fn text(self) -> String {
        self.0
    }

    fn line(&mut self, command: &[&str]) {
        self.0 += &words(command);
        self.0.push('\n');
    }

    /// Adds a command that creates something, run only where `there` fails: a script can be run again.
    fn unless(&mut self, there: &[&str], create: &[&str]) {
        self.0 += &format!("{} >/dev/null 2>&1 ||\n  {}\n", words(there), words(create));
    }

    /// Creates a bucket; since 2023 a new one is private and encrypted without being asked to be.
    pub fn create_bucket(&mut self, bucket: &BucketName, region: &Region) {
        let constraint = format!("LocationConstraint={region}");
        let of = ["--bucket", bucket.as_str(), "--region", region.as_str()];
        let mut create = [&["aws", "s3api", "create-bucket"], &of[..]].concat();
        // The first region is the one that S3 takes no name of.
        if region.as_str() != "us-east-1" {
            create.extend(["--create-bucket-configuration", &constraint]);
        }
        self.unless(&[&["aws", "s3api", "head-bucket"], &of[..]].concat(), &create);
    }

    /// Creates the role or user, or finds it there, and puts its policy; gives it to the pod: by its service account, or as
    /// keys in `secret`.
    pub fn create_identity(
        &mut self,
        workload: &WorkloadIdentity,
        policy: &Policy<Infallible>,
        secret: &KeysSecret,
    ) {
        let (path, name) = workload.principal.path_and_name();
        match workload.trust() {
            Err(_) => {
                // Without the namespace the key could be put nowhere, and AWS shows it once.
                self.line(&["kubectl", "get", "namespace", secret.namespace.as_str()]);
                let user = ["--user-name", name];
                self.unless(
                    &[&["aws", "iam", "get-user"], &user[..]].concat(),
                    &[&["aws", "iam", "create-user"], &user[..], &["--path", &path]].concat(),
                );
                self.put_policy("put-user-policy", &user, policy);
                self.keys_into(secret, name);
            }
            Ok(trust) => {
                let role = ["--role-name", name];
                self.0 += &format!("trust={}\n", quoted(&pretty(&trust)));
                self.0 += &format!(
                    "{} >/dev/null 2>&1 ||\n  {} --assume-role-policy-document \"$trust\"\n",
                    words(&[&["aws", "iam", "get-role"], &role[..]].concat()),
                    words(&[&["aws", "iam", "create-role"], &role[..], &["--path", &path]].concat()),
                );
                self.0 += &words(&[&["aws", "iam", "update-assume-role-policy"], &role[..]].concat());
                self.0 += " --policy-document \"$trust\"\n";
                self.put_policy("put-role-policy", &role, policy);
            }
        }
        if let CredentialSource::PodIdentity(cluster) = &workload.source {
            self.associate(workload, &cluster.to_string());
        }
    }

    fn put_policy(&mut self, put: &str, whose: &[&str], policy: &Policy<Infallible>) {
        let document = pretty(policy);
        let what = ["--policy-name", POLICY, "--policy-document", &document];
        self.line(&[&["aws", "iam", put], whose, &what].concat());
    }

    /// Gives the role to the service account, which has one role at most.
    fn associate(&mut self, workload: &WorkloadIdentity, cluster: &str) {
        let (namespace, account) = (&workload.namespace, &workload.service_account);
        let of = ["--cluster-name", cluster, "--namespace", namespace, "--service-account", account];
        let list = words(&[&["aws", "eks", "list-pod-identity-associations"], &of[..]].concat());
        let role = ["--role-arn", workload.principal.as_str()];
        let create = words(&[&["aws", "eks", "create-pod-identity-association"], &of[..], &role].concat());
        self.0 += &format!(
            "{list} \\\n  --query 'associations[].associationId' --output text | grep . ||\n  {create}\n"
        );
    }

    /// Creates an access key and puts it into a Secret, unless that is there: the key stands on no command line, in no file
    /// and in no history.
    fn keys_into(&mut self, secret: &KeysSecret, user: &str) {
        let KeysSecret { namespace, name, label } = secret;
        let (place, user) = (quoted(namespace), quoted(user));
        let secret = quoted(name);
        self.0 += &format!(
            "if ! kubectl -n {place} get secret {secret}; then\n  \
               aws iam create-access-key --user-name {user} --output text \\\n    \
                 --query \"AccessKey.[join('=', ['accessKeyId', AccessKeyId]), join('=', ['secretAccessKey', SecretAccessKey])]\" |\n    \
                 tr '\\t' '\\n' |\n    \
                 kubectl -n {place} create secret generic {secret} --from-env-file=/dev/stdin\n\
             fi\n",
        );
        if let Some(label) = label {
            self.line(&["kubectl", "-n", namespace, "label", "secret", name, label]);
        }
    }
}

/// A command's words, each as a shell takes it for itself.
fn words(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn pretty(policy: &Policy<Infallible>) -> String {
    serde_json::to_string_pretty(policy).expect("a policy of texts, lists and maps")
}

/// A word as a shell takes it for itself.
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(principal: &str, source: CredentialSource, label: Option<&str>) -> String {
        let workload = WorkloadIdentity {
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
        let mut script = ShellScript::begin();
        script.create_identity(&workload, &policy, &secret);
        script.text()
    }

    #[test]
    fn a_role_of_pod_identity_is_associated() {
        let cluster = CredentialSource::PodIdentity("acme".parse().expect("a cluster"));
        insta::assert_snapshot!(script("arn:aws:iam::999988887777:role/ops/awscost-operator", cluster, None));
    }

    #[test]
    fn a_users_keys_go_straight_into_their_secret() {
        insta::assert_snapshot!(script(
            "arn:aws:iam::999988887777:user/awscost-operator",
            CredentialSource::User,
            Some("awscost.io/use=warehouse")
        ));
    }

    #[test]
    fn a_bucket_is_made_where_it_is_wanted() {
        let made = |region: &str| {
            let mut script = ShellScript::begin();
            script.create_bucket(&"acme-lake".parse().expect("a bucket"), &region.parse().expect("a region"));
            script.text().lines().last().unwrap_or_default().trim().to_owned()
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
