//! Role ARNs: the one thing a customer hands over, so parsed strictly.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::AccountId;

/// An AWS partition: credentials, ARNs and buckets never cross it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Partition {
    /// The commercial partition, `aws`.
    Aws,
    /// The partition in China, `aws-cn`, with endpoints under amazonaws.com.cn.
    AwsCn,
    /// AWS GovCloud (US), `aws-us-gov`.
    AwsUsGov,
    /// The European sovereign cloud.
    AwsEusc,
    /// The isolated clouds of the United States and the United Kingdom.
    AwsIso,
    /// As [`Self::AwsIso`].
    AwsIsoB,
    /// As [`Self::AwsIso`].
    AwsIsoE,
    /// As [`Self::AwsIso`].
    AwsIsoF,
}

impl Partition {
    /// Every partition, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::AwsCn,
        Self::AwsUsGov,
        Self::AwsEusc,
        Self::AwsIso,
        Self::AwsIsoB,
        Self::AwsIsoE,
        Self::AwsIsoF,
    ];

    /// As it stands in an ARN.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsEusc => "aws-eusc",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
        }
    }

    /// What the names of its regions begin with; `None` for commercial AWS, whose regions have many beginnings.
    pub(super) fn region_prefix(self) -> Option<&'static str> {
        match self {
            Self::Aws => None,
            Self::AwsCn => Some("cn-"),
            Self::AwsUsGov => Some("us-gov-"),
            Self::AwsEusc => Some("eusc-"),
            Self::AwsIso => Some("us-iso-"),
            Self::AwsIsoB => Some("us-isob-"),
            Self::AwsIsoE => Some("eu-isoe-"),
            Self::AwsIsoF => Some("us-isof-"),
        }
    }

    /// The region in which the partition's global services (STS checks, Organizations, Data Exports) live.
    pub fn home_region(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::AwsCn => "cn-northwest-1",
            Self::AwsUsGov => "us-gov-west-1",
            Self::AwsEusc => "eusc-de-east-1",
            Self::AwsIso => "us-iso-east-1",
            Self::AwsIsoB => "us-isob-east-1",
            Self::AwsIsoE => "eu-isoe-west-1",
            Self::AwsIsoF => "us-isof-south-1",
        }
    }

    /// The suffix of its services' names (docs/aws-facts.md 11).
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
            Self::AwsEusc => "amazonaws.eu",
            Self::AwsIso => "c2s.ic.gov",
            Self::AwsIsoB => "sc2s.sgov.gov",
            Self::AwsIsoE => "cloud.adc-e.uk",
            Self::AwsIsoF => "csp.hci.ic.gov",
        }
    }

    /// True if legacy Cost and Usage Reports are to be had there (docs/aws-facts.md 11).
    pub fn has_legacy_reports(self) -> bool {
        matches!(self, Self::Aws | Self::AwsCn)
    }

    /// True if Data Exports are to be had there (docs/aws-facts.md 11).
    pub fn has_exports(self) -> bool {
        self != Self::AwsUsGov
    }

    /// True if CloudFormation makes Data Exports there (docs/aws-facts.md 6.2).
    pub fn has_export_templates(self) -> bool {
        matches!(self, Self::Aws | Self::AwsCn | Self::AwsIso)
    }
}

impl FromStr for Partition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|partition| partition.as_str() == text).ok_or(())
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    partition: Partition,
    account: AccountId,
    /// `[PATH/]NAME`, without the leading `role/`.
    resource: String,
}

/// The text is not the ARN of an IAM role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an IAM role ARN ({problem}): it looks like arn:aws:iam::123456789012:role/awscost")]
pub struct InvalidRoleArn {
    text: String,
    problem: &'static str,
}

impl RoleArn {
    /// The AWS partition that the role is in.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account that owns the role.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The role's name without its path, as it stands in an assumed-role ARN.
    pub fn role_name(&self) -> &str {
        self.resource.rsplit('/').next().unwrap_or(&self.resource)
    }

    /// The role's path, `/` or `/…/`.
    pub fn path(&self) -> String {
        self.resource.rsplit_once('/').map_or_else(|| "/".to_owned(), |(path, _)| format!("/{path}/"))
    }
}

impl FromStr for RoleArn {
    type Err = InvalidRoleArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |problem| InvalidRoleArn { text: text.chars().take(160).collect(), problem };
        let mut fields = text.splitn(6, ':');
        let mut next = || fields.next().unwrap_or_default();
        let (arn, partition, service, region, account, resource) =
            (next(), next(), next(), next(), next(), next());
        if arn != "arn" || service != "iam" || !region.is_empty() {
            return Err(refuse("it takes arn:PARTITION:iam::"));
        }
        let partition = partition.parse().map_err(|()| refuse("unknown partition"))?;
        let account = account.parse().map_err(|_| refuse("the account takes 12 digits"))?;
        let resource = resource.strip_prefix("role/").ok_or_else(|| refuse("not a role/…"))?;
        let (path, name) = resource.rsplit_once('/').unwrap_or(("", resource));
        // Role names: [\w+=,.@-]{1,64}; paths: printable ASCII, 512 in all with both slashes.
        let name_ok = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
        let path_ok = path.len() <= 510 && path.bytes().all(|byte| byte.is_ascii_graphic());
        if !name_ok || !path_ok {
            return Err(refuse("the role's path or name has a character or a length IAM does not allow"));
        }
        Ok(Self { partition, account, resource: resource.to_owned() })
    }
}

impl TryFrom<String> for RoleArn {
    type Error = InvalidRoleArn;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RoleArn> for String {
    fn from(arn: RoleArn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:iam::{}:role/{}", self.partition.as_str(), self.account, self.resource)
    }
}

impl fmt::Debug for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text as a resource or condition of an IAM policy has it to match that text alone: with the wildcards and the mark of
/// policy variables escaped.
pub fn taken_literally(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '?' | '$' => out.extend(['$', '{', character, '}']),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_in_the_partitions_own_domain() {
        assert_eq!(Partition::AwsCn.dns_suffix(), "amazonaws.com.cn");
        assert_eq!(Partition::AwsEusc.dns_suffix(), "amazonaws.eu");
    }

    #[test]
    fn roles_of_every_partition_and_path_read_back() {
        for text in [
            "arn:aws:iam::123456789012:role/awscost",
            "arn:aws-cn:iam::123456789012:role/finops/team/awscost",
            "arn:aws-us-gov:iam::000000000001:role/a+b=c,d.e@f-g_h",
            "arn:aws-eusc:iam::123456789012:role/awscost",
            "arn:aws-iso:iam::123456789012:role/awscost",
            "arn:aws-iso-b:iam::123456789012:role/awscost",
            "arn:aws-iso-e:iam::123456789012:role/awscost",
            "arn:aws-iso-f:iam::123456789012:role/awscost",
        ] {
            let arn: RoleArn = text.parse().expect(text);
            assert_eq!(arn.to_string(), text);
        }
        let arn: RoleArn = "arn:aws:iam::123456789012:role/finops/awscost".parse().expect("a role");
        assert_eq!((arn.account().as_str(), arn.role_name()), ("123456789012", "awscost"));
        assert_eq!(arn.path(), "/finops/");
        let arn: RoleArn = "arn:aws:iam::123456789012:role/awscost".parse().expect("a role");
        assert_eq!(arn.path(), "/");
    }

    #[test]
    fn anything_but_a_role_is_refused() {
        for text in [
            "",
            "awscost",
            "arn:aws:iam::123456789012:user/awscost",
            "arn:aws:sts::123456789012:assumed-role/awscost/x",
            "arn:aws:iam::12345678901:role/awscost",
            "arn:gcp:iam::123456789012:role/awscost",
            "arn:aws-iso-x:iam::123456789012:role/awscost",
            "arn:aws:iam:us-east-1:123456789012:role/awscost",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::123456789012:role/a*",
        ] {
            assert!(text.parse::<RoleArn>().is_err(), "{text:?} must be refused");
        }
    }
}
