//! Spec → values that are right by construction. The API server's rules say the same; objects that were stored
//! before a rule existed are caught here.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    api::{
        AwsCostAccountSpec, DEFAULT_EXTERNAL_ID_KEY,
        aws_cost_account::{self, DeletionPolicy, Ingestion, RequireExternalId},
        duration,
        fields::{InvalidField, parse_field},
    },
    connection::{Asker, ExternalIdPolicy, Target, TargetAccess},
    model::{AccountId, AccountType, Partition, Region, ReportLocation, RoleArn, layers::AccountParts},
    report::FreshnessLimits,
};

/// Months of history where the object names none: a year back, and the current one.
const DEFAULT_MONTHS: u32 = 13;
/// How often deliveries are looked for where the object says nothing: AWS delivers up to three times a day
/// (docs/aws-facts.md 2.3).
const DEFAULT_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// AWS delivers at least once a day (docs/aws-facts.md 2.3); half a day of patience on top.
const DEFAULT_MAX_DELIVERY_AGE: SignedDuration = SignedDuration::from_hours(36);
/// AWS says up to 24 hours for a first delivery (docs/aws-facts.md 2.3); twice that.
const DEFAULT_FIRST_DELIVERY_GRACE: SignedDuration = SignedDuration::from_hours(48);

/// An account as declared, parsed.
#[derive(Debug, Clone)]
pub struct ValidAccount {
    /// How it is reached.
    pub access: ValidAccess,
    /// The connected account.
    pub account: AccountId,
    /// What it is declared to be.
    pub account_type: AccountType,
    /// The region whose CloudWatch metrics are to be readable.
    pub metrics: Option<Region>,
    /// The region whose STS is asked; the operator's own where none is named.
    pub sts_region: Option<Region>,
    /// The report to load and how; a Member may have none.
    pub bill: Option<Bill>,
    /// What becomes of the rows when the object is deleted.
    pub deletion: DeletionPolicy,
}

/// How an account is reached, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValidAccess {
    /// Over a role.
    Role(RoleInput),
    /// With the keys of an IAM user.
    Keys {
        /// The Secret that holds them.
        secret: String,
    },
}

/// A role, and where its external IDs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleInput {
    /// The role to assume.
    pub role: RoleArn,
    /// Where the external ID is.
    pub secret: SecretKey,
    /// Where the one is that is to take its place.
    pub next: Option<SecretKey>,
    /// What it means if the role does not enforce it.
    pub policy: ExternalIdPolicy,
    /// Whether the operator makes the external ID where there is none.
    pub generate: bool,
}

impl ValidAccess {
    /// The names of the Secrets it needs, the current one first.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let (first, next) = match self {
            Self::Role(role) => (&role.secret.name, role.next.as_ref().map(|next| next.name.as_str())),
            Self::Keys { secret } => (secret, None),
        };
        std::iter::once(first.as_str()).chain(next)
    }
}

/// One key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// The Secret's name.
    pub name: String,
    /// The key in it.
    pub key: String,
}

/// The account that a spec names, by its id or by its role's ARN, whatever else is wrong with the spec.
pub fn named_account(spec: &AwsCostAccountSpec) -> Option<AccountId> {
    let of_role = || Some(spec.access.role_arn.as_ref()?.parse::<RoleArn>().ok()?.account().clone());
    spec.account_id.as_ref().and_then(|id| id.parse().ok()).or_else(of_role)
}

/// The report to load, and how.
#[derive(Debug, Clone)]
pub struct Bill {
    /// The report and where it lies.
    pub report: ReportLocation,
    /// Billing months wanted, the current one included.
    pub months: u32,
    /// How often deliveries are looked for.
    pub interval: SignedDuration,
    /// How patient we are.
    pub freshness: FreshnessLimits,
    /// The CostWarehouse's name.
    pub warehouse: String,
    /// How Jobs run.
    pub ingestion: Ingestion,
}

impl ValidAccount {
    /// The role, where there is one.
    pub fn role(&self) -> Option<&RoleInput> {
        match &self.access {
            ValidAccess::Role(role) => Some(role),
            ValidAccess::Keys { .. } => None,
        }
    }

    /// What the account has, and so which conditions.
    pub fn parts(&self) -> AccountParts {
        AccountParts {
            role: self.role().is_some(),
            report: self.bill.is_some(),
            metrics: self.metrics.is_some(),
        }
    }

    /// What `connection` looks at.
    pub fn target(&self, access: TargetAccess, own_region: Option<&Region>) -> Target {
        let home = || {
            let partition = self.role().map_or(Partition::Aws, |role| role.role.partition());
            partition.home_region().parse().expect("a partition's home region is a region")
        };
        Target {
            access,
            account: self.account.clone(),
            account_type: self.account_type,
            sts_region: self.sts_region.as_ref().or(own_region).cloned().unwrap_or_else(home),
            report: self.bill.as_ref().map(|bill| bill.report.clone()),
            metrics: self.metrics.clone(),
            asker: Asker::Operator,
        }
    }
}

/// Parses an account's spec.
///
/// # Errors
/// The first field that is wrong.
pub fn parse_account(spec: &AwsCostAccountSpec) -> Result<ValidAccount, InvalidField> {
    let access = parse_access(&spec.access)?;
    let account = spec.account(match &access {
        ValidAccess::Role(role) => Some(&role.role),
        ValidAccess::Keys { .. } => None,
    })?;
    let sts_region = spec.access.sts_region.as_deref();
    let metrics = spec.metrics.as_ref();
    Ok(ValidAccount {
        account_type: spec.account_type,
        sts_region: sts_region.map(|text| parse_field("spec.access.stsRegion", text)).transpose()?,
        metrics: metrics.map(|metrics| parse_field("spec.metrics.region", &metrics.region)).transpose()?,
        bill: parse_bill(spec, &account)?,
        deletion: spec.deletion_policy.unwrap_or_default(),
        access,
        account,
    })
}

fn parse_access(spec: &aws_cost_account::Access) -> Result<ValidAccess, InvalidField> {
    let wrong = |field, problem: &str| Err(InvalidField::new(field, problem));
    let secret_key = |secret: &aws_cost_account::SecretKeyRef| SecretKey {
        name: secret.name.clone(),
        key: secret.key.clone().unwrap_or_else(|| DEFAULT_EXTERNAL_ID_KEY.to_owned()),
    };
    match (&spec.role_arn, &spec.external_id_secret_ref, &spec.access_key_secret_ref) {
        (Some(role), Some(secret), None) => Ok(ValidAccess::Role(RoleInput {
            role: parse_field("spec.access.roleArn", role)?,
            secret: secret_key(secret),
            next: spec.next_external_id_secret_ref.as_ref().map(secret_key),
            policy: match spec.require_external_id.unwrap_or_default() {
                RequireExternalId::Enforce => ExternalIdPolicy::Enforce,
                RequireExternalId::Warn => ExternalIdPolicy::Warn,
            },
            generate: spec.generate_external_id == Some(true),
        })),
        (None, None, Some(keys)) => Ok(ValidAccess::Keys { secret: keys.name.clone() }),
        (Some(_), None, _) => wrong("spec.access.externalIdSecretRef", "a role needs it"),
        (Some(_), Some(_), Some(_)) | (None, Some(_), Some(_)) => {
            wrong("spec.access", "it takes a role with its external ID, or accessKeySecretRef, not both")
        }
        (None, _, None) => wrong("spec.access.roleArn", "it is missing"),
    }
}

fn parse_bill(spec: &AwsCostAccountSpec, account: &AccountId) -> Result<Option<Bill>, InvalidField> {
    let (report, ingestion) = match (&spec.report, &spec.ingestion) {
        (Some(report), Some(ingestion)) => (report, ingestion),
        (Some(_), None) => {
            let problem = "an account with spec.report needs spec.ingestion.warehouseRef";
            return Err(InvalidField::new("spec.ingestion", problem));
        }
        (None, _) if spec.account_type == AccountType::Member => return Ok(None),
        (None, _) => {
            let problem = "a Management or Standalone account needs a report: its name and its bucket";
            return Err(InvalidField::new("spec.report", problem));
        }
    };
    let freshness = spec.freshness.clone().unwrap_or_default();
    Ok(Some(Bill {
        report: report.location(account)?,
        months: spec
            .history
            .as_ref()
            .and_then(|history| u32::try_from(history.months).ok())
            .map_or(DEFAULT_MONTHS, |months| months.clamp(1, 15)),
        interval: parse_time("spec.ingestion.interval", ingestion.interval.as_deref(), DEFAULT_INTERVAL)?,
        freshness: FreshnessLimits {
            max_delivery_age: parse_time(
                "spec.freshness.maxDeliveryAge",
                freshness.max_delivery_age.as_deref(),
                DEFAULT_MAX_DELIVERY_AGE,
            )?,
            first_delivery_grace: parse_time(
                "spec.freshness.firstDeliveryGrace",
                freshness.first_delivery_grace.as_deref(),
                DEFAULT_FIRST_DELIVERY_GRACE,
            )?,
        },
        warehouse: ingestion.warehouse_ref.name.clone(),
        ingestion: ingestion.clone(),
    }))
}

fn parse_time(
    field: &'static str,
    text: Option<&str>,
    default: SignedDuration,
) -> Result<SignedDuration, InvalidField> {
    let Some(text) = text else { return Ok(default) };
    let time: Duration =
        duration::parse(text).map_err(|error| InvalidField::new(field, error.to_string()))?;
    Ok(SignedDuration::try_from(time).expect("at most 99,999 days and hours"))
}

#[cfg(test)]
mod tests;
