//! The AWS identity of a pod of ours, the operator's or a warehouse's Jobs': where it comes from, who may take it, and
//! what it may do.

use std::{convert::Infallible, fmt, str::FromStr};

use super::PrincipalArn;
use crate::model::{
    AccountId, BucketName, Partition,
    policy::{ConditionOperator, Policy, Principal, Statement, text::Text},
};

/// The audience of the tokens that EKS gives pods for STS (docs/aws-facts.md 1.6).
const AUDIENCE: &str = "sts.amazonaws.com";
/// The service that hands out the roles of EKS Pod Identity.
const POD_IDENTITY: &str = "pods.eks.amazonaws.com";
/// What IAM takes of a user's inline policies in all, and of a role's; blanks don't count (docs/aws-facts.md 1.6).
const LONGEST_OF_USER: usize = 2_048;
const LONGEST_OF_ROLE: usize = 10_240;

/// Where a pod's identity comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// A role that the cluster's identity provider vouches for: IAM roles for service accounts.
    Irsa(OidcIssuer),
    /// A role that EKS Pod Identity hands out in this cluster.
    PodIdentity(ClusterName),
    /// The keys of an IAM user, in a Secret.
    User,
}

/// The pod, and what it is to be in AWS.
#[derive(Debug, Clone)]
pub struct WorkloadIdentity {
    /// The role or user to create.
    pub principal: PrincipalArn,
    /// Where it comes from.
    pub source: CredentialSource,
    /// The namespace of the pods that use the identity.
    pub namespace: String,
    /// The pod's service account.
    pub service_account: String,
}

/// What can't be created as asked for, with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadFault {
    /// A user where a role is needed, or the other way round.
    #[error(
        "{principal} is not an IAM {needed}: give the ARN of the {needed} to create, arn:{partition}:iam::{account}:{needed}/NAME"
    )]
    Kind {
        /// The ARN that was given.
        principal: Box<PrincipalArn>,
        /// The partition in the ARN.
        partition: &'static str,
        /// The account in the ARN.
        account: AccountId,
        /// What takes its place.
        needed: &'static str,
    },
    /// Nobody assumes a user.
    #[error("an IAM user has keys and no trust policy: --print commands creates it")]
    NoTrust,
    /// A role of another partition.
    #[error("{0} is in another partition than {1}: no role can be assumed across partitions")]
    ForeignRole(RolePattern, Box<PrincipalArn>),
    /// IAM would refuse the policy.
    #[error(
        "the policy has {length} characters and IAM takes {most}: give --role-arns with a pattern that all accounts' roles match, such as arn:aws:iam::*:role/awscost"
    )]
    TooLong {
        /// Its length without blanks.
        length: usize,
        /// The most there may be.
        most: usize,
    },
}

impl WorkloadIdentity {
    /// Refuses a user for a service account, and a role for keys.
    ///
    /// # Errors
    /// [`WorkloadFault::Kind`].
    pub fn checked(self) -> Result<Self, WorkloadFault> {
        let needs_user = self.source == CredentialSource::User;
        if needs_user == self.principal.is_user() {
            return Ok(self);
        }
        Err(WorkloadFault::Kind {
            partition: self.principal.partition().as_str(),
            account: self.principal.account().clone(),
            needed: if needs_user { "user" } else { "role" },
            principal: Box::new(self.principal),
        })
    }

    /// Who may take the role: this service account's pods and nobody else's.
    ///
    /// # Errors
    /// [`WorkloadFault::NoTrust`] for a user.
    pub fn trust(&self) -> Result<Policy<Infallible>, WorkloadFault> {
        let statement = match &self.source {
            CredentialSource::User => return Err(WorkloadFault::NoTrust),
            CredentialSource::PodIdentity(_) => {
                // The association names cluster, namespace and service account; its sessions carry tags.
                Statement::allow("EksPodIdentity", vec!["sts:AssumeRole", "sts:TagSession"], Vec::new())
                    .to(Principal::Service(POD_IDENTITY))
            }
            CredentialSource::Irsa(issuer) => {
                let (partition, account) = (self.principal.partition().as_str(), self.principal.account());
                let provider = format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}");
                let subject = format!("system:serviceaccount:{}:{}", self.namespace, self.service_account);
                Statement::allow("ServiceAccount", vec!["sts:AssumeRoleWithWebIdentity"], Vec::new())
                    .to(Principal::Federated(provider.into()))
                    .only_where(ConditionOperator::StringEquals, format!("{issuer}:sub"), subject.into())
                    .only_where(ConditionOperator::StringEquals, format!("{issuer}:aud"), AUDIENCE.into())
            }
        };
        Ok(Policy::of(vec![statement]))
    }

    /// What the operator may do: assume these roles.
    ///
    /// # Errors
    /// [`WorkloadFault::ForeignRole`] and [`WorkloadFault::TooLong`].
    pub fn assuming(&self, roles: &[RolePattern]) -> Result<Policy<Infallible>, WorkloadFault> {
        if let Some(foreign) = roles.iter().find(|role| role.partition != self.principal.partition()) {
            return Err(WorkloadFault::ForeignRole(foreign.clone(), Box::new(self.principal.clone())));
        }
        // What EKS Pod Identity tags its sessions with goes along into every role (docs/aws-facts.md 1.6).
        let actions = match self.source {
            CredentialSource::PodIdentity(_) => vec!["sts:AssumeRole", "sts:TagSession"],
            CredentialSource::Irsa(_) | CredentialSource::User => vec!["sts:AssumeRole"],
        };
        let mut resources: Vec<&str> = roles.iter().map(|role| role.text.as_str()).collect();
        resources.sort_unstable();
        resources.dedup();
        let resources = resources.into_iter().map(Text::from).collect();
        self.short_enough(Policy::of(vec![Statement::allow("AssumeConnectedRoles", actions, resources)]))
    }

    /// What a warehouse's Jobs may do: list the bucket, and read, write and delete below the prefix. A condition on what is
    /// listed would make S3 answer "denied" where nothing is, and the writer asks for files that may not be there.
    ///
    /// # Errors
    /// [`WorkloadFault::TooLong`].
    pub fn writing(&self, bucket: &BucketName, prefix: &str) -> Result<Policy<Infallible>, WorkloadFault> {
        let bucket = format!("arn:{}:s3:::{bucket}", self.principal.partition().as_str());
        let below = if prefix.is_empty() { format!("{bucket}/*") } else { format!("{bucket}/{prefix}/*") };
        // A load that fails gives up the parts of a file that it had begun, which would be charged for otherwise.
        let objects = vec!["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"];
        self.short_enough(Policy::of(vec![
            Statement::allow("ListLake", vec!["s3:ListBucket"], vec![bucket.into()]),
            Statement::allow("UseLake", objects, vec![below.into()]),
        ]))
    }

    fn short_enough(&self, policy: Policy<Infallible>) -> Result<Policy<Infallible>, WorkloadFault> {
        let text = serde_json::to_string(&policy).expect("a policy of texts, lists and maps");
        let most = if self.source == CredentialSource::User { LONGEST_OF_USER } else { LONGEST_OF_ROLE };
        match text.len() {
            length if length > most => Err(WorkloadFault::TooLong { length, most }),
            _ => Ok(policy),
        }
    }
}

/// An OpenID Connect issuer as IAM names its provider: host and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcIssuer(String);

/// The name of an EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName(String);

/// The ARN of a role, or a pattern of such ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePattern {
    partition: Partition,
    text: String,
}

/// The text is not what it is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not an issuer.
    #[error(
        "it takes the cluster's issuer, such as https://oidc.eks.eu-west-1.amazonaws.com/id/ABC: aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer --output text"
    )]
    Issuer,
    /// Not a cluster's name.
    #[error("it takes the name of an EKS cluster: 1 to 100 letters, digits, - and _")]
    Cluster,
    /// Not a role.
    #[error(
        "it takes arn:PARTITION:iam::ACCOUNT:role/NAME; * stands for any account, and for any run of characters of the name"
    )]
    Role,
    /// Not a name of Kubernetes'.
    #[error("it takes a name of Kubernetes': lower-case letters, digits, - and .")]
    Kubernetes,
}

impl FromStr for OidcIssuer {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let bare = text.strip_prefix("https://").ok_or(Unusable::Issuer)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
        let whole =
            !bare.is_empty() && !bare.starts_with('/') && !bare.ends_with('/') && !bare.contains("//");
        if whole && bare.len() <= 255 && bare.bytes().all(plain) {
            Ok(Self(bare.to_owned()))
        } else {
            Err(Unusable::Issuer)
        }
    }
}

impl fmt::Display for OidcIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterName {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if starts && text.len() <= 100 && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Unusable::Cluster)
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RolePattern {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts[..] else { return Err(Unusable::Role) };
        let name = resource.strip_prefix("role/").ok_or(Unusable::Role)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-/*".contains(&byte);
        if !name.is_empty()
            && name.bytes().all(plain)
            && (account == "*" || account.parse::<AccountId>().is_ok())
        {
            let partition = partition.parse().map_err(|()| Unusable::Role)?;
            return Ok(Self { partition, text: text.to_owned() });
        }
        Err(Unusable::Role)
    }
}

impl fmt::Display for RolePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::999988887777:role/awscost-operator";

    fn workload(principal: &str, source: CredentialSource) -> WorkloadIdentity {
        WorkloadIdentity {
            principal: principal.parse().expect("a principal"),
            source,
            namespace: "awscost-system".to_owned(),
            service_account: "awscost".to_owned(),
        }
    }

    fn irsa() -> CredentialSource {
        CredentialSource::Irsa("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC".parse().expect("an issuer"))
    }

    fn pods() -> CredentialSource {
        CredentialSource::PodIdentity("acme".parse().expect("a cluster"))
    }

    #[test]
    fn a_web_identity_is_of_one_service_account_and_one_audience() {
        insta::assert_json_snapshot!(workload(ROLE, irsa()).trust().expect("a policy"), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "ServiceAccount",
              "Effect": "Allow",
              "Principal": {
                "Federated": "arn:aws:iam::999988887777:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
              },
              "Action": "sts:AssumeRoleWithWebIdentity",
              "Condition": {
                "StringEquals": {
                  "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
                  "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "system:serviceaccount:awscost-system:awscost"
                }
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn eks_pod_identity_tags_its_sessions() {
        let policy = serde_json::to_value(workload(ROLE, pods()).trust().expect("a policy")).expect("JSON");
        assert_eq!(policy["Statement"][0]["Principal"]["Service"], "pods.eks.amazonaws.com");
        assert_eq!(policy["Statement"][0]["Action"], serde_json::json!(["sts:AssumeRole", "sts:TagSession"]));
    }

    #[test]
    fn the_operator_may_assume_the_accounts_roles_and_nothing_else() {
        let roles: Vec<RolePattern> =
            ["arn:aws:iam::*:role/finops/awscost*", "arn:aws:iam::123456789012:role/awscost"]
                .map(|role| role.parse().expect(role))
                .to_vec();
        let lines = |source| {
            let policy = workload(ROLE, source).assuming(&roles).expect("a policy");
            let policy = serde_json::to_value(policy).expect("JSON");
            format!("{} {}", policy["Statement"][0]["Action"], policy["Statement"][0]["Resource"])
        };
        let resources = r#"["arn:aws:iam::*:role/finops/awscost*","arn:aws:iam::123456789012:role/awscost"]"#;
        assert_eq!(lines(irsa()), format!(r#""sts:AssumeRole" {resources}"#));
        assert_eq!(lines(pods()), format!(r#"["sts:AssumeRole","sts:TagSession"] {resources}"#));
    }

    #[test]
    fn what_iam_would_refuse_is_refused_with_the_way_out() {
        let user = "arn:aws:iam::999988887777:user/awscost-operator";
        for (principal, source, part) in
            [(ROLE, CredentialSource::User, "is not an IAM user"), (user, pods(), "is not an IAM role")]
        {
            let fault = workload(principal, source).checked().expect_err(part).to_string();
            assert!(fault.contains(part), "{fault}");
        }
        assert_eq!(
            workload(user, CredentialSource::User).trust().expect_err("no trust"),
            WorkloadFault::NoTrust
        );
        let abroad: RolePattern = "arn:aws-cn:iam::123456789012:role/awscost".parse().expect("a role");
        assert!(matches!(workload(ROLE, irsa()).assuming(&[abroad]), Err(WorkloadFault::ForeignRole(..))));
        let many: Vec<RolePattern> =
            (0..100).map(|n| format!("arn:aws:iam::{n:012}:role/awscost").parse().expect("a role")).collect();
        assert!(workload(ROLE, irsa()).assuming(&many).is_ok(), "a role's policy takes them");
        let long = workload(user, CredentialSource::User)
            .assuming(&many)
            .expect_err("a user's does not")
            .to_string();
        assert!(long.contains("--role-arns"), "{long}");
    }

    #[test]
    fn issuers_clusters_and_patterns_are_told_from_other_text() {
        for bad in [
            "",
            "oidc.eks.eu-west-1.amazonaws.com/id/A",
            "https://",
            "https://a/",
            "https://a:1/b",
            "https://a?b",
        ] {
            assert_eq!(bad.parse::<OidcIssuer>(), Err(Unusable::Issuer), "{bad}");
        }
        for bad in ["", "-a", "a b", "a/b"] {
            assert_eq!(bad.parse::<ClusterName>(), Err(Unusable::Cluster), "{bad}");
        }
        for bad in [
            "*",
            "arn:aws:iam::*:user/a",
            "arn:aws:iam::12:role/a",
            "arn:aws:iam::*:role/",
            "arn:aws:iam::*:role/a'b",
        ] {
            assert_eq!(bad.parse::<RolePattern>(), Err(Unusable::Role), "{bad}");
        }
    }
}
