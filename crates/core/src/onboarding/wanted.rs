//! What a manifest, or a command line, asks for.

use std::{fmt, str::FromStr};

use crate::model::{AccountId, BucketName, Partition, Region, ReportLocation, ReportName, RoleArn};

/// The connection whose AWS side is to be created.
#[derive(Debug, Clone)]
pub struct WantedAccount {
    /// Who is to read.
    pub reader: BillReader,
    /// The report it is to read; a member may have none.
    pub report: Option<ReportLocation>,
    /// The customer-managed key the bucket's objects are encrypted with.
    pub kms_key: Option<KmsKeyArn>,
    /// Whether the external ID is being replaced, so that the role has to take the next one too.
    pub rotating: bool,
    /// Whether `MetricsReadable` is to be checked.
    pub metrics: bool,
    /// Whether `PermissionsMinimal` and the bucket's ownership are to be checked.
    pub audit: bool,
}

/// Who reads for the operator.
#[derive(Debug, Clone)]
pub enum BillReader {
    /// A role to create, which the operator assumes.
    Role(RoleArn),
    /// An IAM user that is there and whose keys the operator holds: deprecated, and nothing is created for it.
    User {
        /// The account that the IAM user is in.
        account: AccountId,
        /// The partition that account is in.
        partition: Partition,
    },
}

/// What can't be created as asked for, with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnboardingFault {
    /// A bucket or an export is wanted of a manifest without a report.
    #[error("the manifest has no spec.report: --with-bucket, --with-export and --kms-key need one")]
    NoReport,
    /// The bucket belongs to another account.
    #[error(
        "the bucket {bucket} belongs to account {owner}: create it in that account, with that account's manifest"
    )]
    ForeignBucket {
        /// The bucket that was to be created.
        bucket: BucketName,
        /// The account that must own the bucket.
        owner: AccountId,
    },
    /// The export can't be in the bucket's region, and both are wanted in one stack.
    #[error(
        "the export belongs in {home} and the bucket {bucket} in {region}: use --with-bucket for a stack in {region} first, then --with-export for one in {home}"
    )]
    TwoRegions {
        /// Where exports are created.
        home: &'static str,
        /// The bucket of the report.
        bucket: BucketName,
        /// The region of that bucket.
        region: Region,
    },
    /// An export is wanted of a legacy report.
    #[error("spec.report.kind is LegacyCur, but --with-export creates a CUR 2.0 export: set it to Cur2")]
    LegacyReport,
    /// The report's name can't be an export's.
    #[error(
        "{0} can't be the name of a new export, which takes 1 to 128 of A-Z a-z 0-9 - _: change spec.report.name"
    )]
    ExportName(ReportName),
    /// Data Exports has no CloudFormation type there.
    #[error("a template can't create exports in the partition {0}: create the export in the console")]
    NoExports(&'static str),
    /// Terraform's resource can't name another owner of the bucket.
    #[error("Terraform's export can't deliver to a bucket of another account ({0}): use CloudFormation")]
    TerraformOwner(AccountId),
    /// A stack set is wanted of an account with a report.
    #[error(
        "--stack-set is only for members without spec.report: give an account with a report its own stack"
    )]
    StackSet,
    /// A role is to be trusted or created where the manifest has keys.
    #[error(
        "spec.access.accessKeySecretRef: an IAM user's keys take no role, and `awscost onboard policy` prints what the user needs; to move to a role, put roleArn and externalIdSecretRef in its place"
    )]
    Keys,
    /// A principal of another partition.
    #[error("{principal} is in another partition than {role}: no role can be assumed across partitions")]
    ForeignPrincipal {
        /// Who is to assume the role.
        principal: Box<PrincipalArn>,
        /// The role to create.
        role: RoleArn,
    },
    /// A key of another partition or region.
    #[error("the key {key} is not in the bucket's partition and region ({region})")]
    ForeignKey {
        /// The KMS key of the bucket's objects.
        key: KmsKeyArn,
        /// The region in which S3 uses the key.
        region: Region,
    },
}

impl WantedAccount {
    /// The partition everything is in.
    pub fn partition(&self) -> Partition {
        match &self.reader {
            BillReader::Role(role) => role.partition(),
            BillReader::User { partition, .. } => *partition,
        }
    }

    /// The account that is connected.
    pub fn account(&self) -> &AccountId {
        self.reader.account()
    }

    /// The role, where something needs one.
    pub(super) fn needed_role(&self) -> Result<&RoleArn, OnboardingFault> {
        match &self.reader {
            BillReader::Role(role) => Ok(role),
            BillReader::User { .. } => Err(OnboardingFault::Keys),
        }
    }

    /// The report, where something needs one.
    pub(super) fn needed_report(&self) -> Result<&ReportLocation, OnboardingFault> {
        self.report.as_ref().ok_or(OnboardingFault::NoReport)
    }

    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// [`OnboardingFault::NoReport`] or [`OnboardingFault::ForeignKey`] for a key that can't be the bucket's.
    pub fn checked(self) -> Result<Self, OnboardingFault> {
        if let Some(key) = &self.kms_key {
            let region = self.needed_report()?.region.clone();
            if key.partition != self.partition() || key.region != region {
                return Err(OnboardingFault::ForeignKey { key: key.clone(), region });
            }
        }
        Ok(self)
    }
}

impl BillReader {
    /// The account it is in.
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Role(role) => role.account(),
            Self::User { account, .. } => account,
        }
    }
}

/// The ARN of an IAM role or user, whole: never an account's root, which would let in everybody there
/// (docs/aws-facts.md 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalArn {
    /// As the ARN of a role of the same path and name.
    as_role: RoleArn,
    text: String,
}

/// The ARN of a KMS key, not of an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsKeyArn {
    partition: Partition,
    region: Region,
    text: String,
}

/// The text is not such an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArnFault {
    /// Not a role or user.
    #[error(
        "it takes the ARN of the operator's own role or user, such as arn:aws:iam::999988887777:role/awscost-operator"
    )]
    Principal,
    /// The ARN of a role's session.
    #[error("this is a session of a role: give the role itself, arn:PARTITION:iam::ACCOUNT:role/PATH/NAME")]
    Session,
    /// The whole account.
    #[error(
        "this lets in every identity of that account: give the operator's own role, arn:PARTITION:iam::ACCOUNT:role/NAME"
    )]
    Root,
    /// Not a key.
    #[error(
        "it takes the ARN of a KMS key, such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…; an alias has none"
    )]
    Key,
}

impl PrincipalArn {
    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition it is in.
    pub fn partition(&self) -> Partition {
        self.as_role.partition()
    }

    /// The account it is in.
    pub fn account(&self) -> &AccountId {
        self.as_role.account()
    }

    /// True for a user, false for a role.
    pub fn is_user(&self) -> bool {
        self.text != self.as_role.to_string()
    }

    /// Its path, `/` or `/…/`, and its name.
    pub fn path_and_name(&self) -> (String, &str) {
        (self.as_role.path(), self.as_role.role_name())
    }

    /// The role it is to assume.
    ///
    /// # Errors
    /// [`OnboardingFault::ForeignPrincipal`] if it never could, and [`OnboardingFault::Keys`] where there is no role.
    pub fn role<'a>(&self, wanted: &'a WantedAccount) -> Result<&'a RoleArn, OnboardingFault> {
        let role = wanted.needed_role()?;
        if self.partition() == role.partition() {
            return Ok(role);
        }
        Err(OnboardingFault::ForeignPrincipal { principal: Box::new(self.clone()), role: role.clone() })
    }
}

impl FromStr for PrincipalArn {
    type Err = ArnFault;

    fn from_str(text: &str) -> Result<Self, ArnFault> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [_, _, _, _, account, resource] = parts[..] else { return Err(ArnFault::Principal) };
        if resource == "root" {
            return Err(ArnFault::Root);
        }
        if resource.starts_with("assumed-role/") {
            return Err(ArnFault::Session);
        }
        // Users and roles have names and paths of the same characters.
        let as_role = text.replacen(":user/", ":role/", 1);
        let as_role: RoleArn = as_role.parse().map_err(|_| ArnFault::Principal)?;
        if account != as_role.account().as_str() {
            return Err(ArnFault::Principal);
        }
        Ok(Self { as_role, text: text.to_owned() })
    }
}

impl fmt::Display for PrincipalArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl KmsKeyArn {
    /// The KMS key's ARN as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for KmsKeyArn {
    type Err = ArnFault;

    fn from_str(text: &str) -> Result<Self, ArnFault> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "kms", region, account, key] = parts[..] else { return Err(ArnFault::Key) };
        let id = key.strip_prefix("key/").ok_or(ArnFault::Key)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if account.parse::<AccountId>().is_err() || id.is_empty() || !id.bytes().all(plain) {
            return Err(ArnFault::Key);
        }
        Ok(Self {
            partition: partition.parse().map_err(|()| ArnFault::Key)?,
            region: region.parse().map_err(|_| ArnFault::Key)?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for KmsKeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_identity_is_a_principal() {
        for good in
            ["arn:aws:iam::999988887777:role/ops/awscost", "arn:aws-cn:iam::999988887777:user/awscost"]
        {
            assert_eq!(good.parse::<PrincipalArn>().map(|arn| arn.to_string()), Ok(good.to_owned()));
        }
        let fault = |text: &str| text.parse::<PrincipalArn>().expect_err(text);
        assert_eq!(fault("arn:aws:iam::999988887777:root"), ArnFault::Root);
        assert_eq!(fault("arn:aws:sts::999988887777:assumed-role/awscost/session"), ArnFault::Session);
        for bad in ["*", "999988887777", "arn:aws:iam::999988887777:role/*", "arn:aws:iam::1:role/a"] {
            assert_eq!(fault(bad), ArnFault::Principal, "{bad}");
        }
    }

    #[test]
    fn an_alias_is_no_key() {
        let key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(key.parse::<KmsKeyArn>().map(|arn| arn.to_string()), Ok(key.to_owned()));
        for bad in ["arn:aws:kms:eu-west-1:123456789012:alias/a", "key/a", "arn:aws:kms:eu-west-1:1:key/a"] {
            assert_eq!(bad.parse::<KmsKeyArn>(), Err(ArnFault::Key), "{bad}");
        }
    }
}
