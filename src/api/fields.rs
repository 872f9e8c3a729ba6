//! Texts of a spec as values: the operator and `awscost onboard` take the same.

use std::{fmt::Display, str::FromStr};

use super::aws_cost_account::{AwsCostAccountSpec, Report};
use crate::model::{AccountId, ReportLocation, RoleArn};

/// A field that can't be right as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidField {
    /// Its path in the object.
    pub field: &'static str,
    /// What is wrong and how to fix it.
    pub problem: String,
}

impl InvalidField {
    /// A field and what is wrong with it.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// Parses the text of a field.
///
/// # Errors
/// The field, with what its parser says.
pub fn parse_field<T: FromStr<Err: Display>>(field: &'static str, text: &str) -> Result<T, InvalidField> {
    text.parse().map_err(|fault: T::Err| InvalidField::new(field, fault.to_string()))
}

impl AwsCostAccountSpec {
    /// The connected account: the declared one, else that of its role.
    ///
    /// # Errors
    /// The account's field.
    pub fn account(&self, role: Option<&RoleArn>) -> Result<AccountId, InvalidField> {
        match (&self.account_id, role) {
            (Some(text), _) => parse_field("spec.accountId", text),
            (None, Some(role)) => Ok(role.account().clone()),
            (None, None) => Err(InvalidField::new(
                "spec.accountId",
                "spec.access.accessKeySecretRef needs it: keys do not say whose they are",
            )),
        }
    }
}

impl Report {
    /// Where it lies; its bucket is the connected account's where it names no other owner.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn location(&self, account: &AccountId) -> Result<ReportLocation, InvalidField> {
        let bucket = &self.bucket;
        Ok(ReportLocation {
            name: parse_field("spec.report.name", &self.name)?,
            kind: self.kind.unwrap_or_default().kind(),
            bucket: parse_field("spec.report.bucket.name", &bucket.name)?,
            prefix: parse_field("spec.report.bucket.prefix", bucket.prefix.as_deref().unwrap_or_default())?,
            region: parse_field("spec.report.bucket.region", &bucket.region)?,
            owner: match &bucket.owner_account_id {
                Some(owner) => parse_field("spec.report.bucket.ownerAccountId", owner)?,
                None => account.clone(),
            },
        })
    }
}
