//! IAM policies as values: what a statement holds, and the JSON it becomes.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Serialize, Serializer};

use super::text::{TemplateReference, Text};

/// An IAM policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase", bound(serialize = "R: TemplateReference"))]
pub struct Policy<R> {
    version: &'static str,
    /// What it allows. We never deny: that is for those who allow too much.
    pub statement: Vec<Statement<R>>,
}

impl<R> Policy<R> {
    /// A policy of these statements.
    pub fn of(statement: Vec<Statement<R>>) -> Self {
        Self { version: "2012-10-17", statement }
    }
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase", bound(serialize = "R: TemplateReference"))]
pub struct Statement<R> {
    /// The statement's id, which says what it is for.
    pub sid: &'static str,
    effect: Effect,
    /// Who; in trust and bucket policies only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal<R>>,
    /// What may be done.
    #[serde(serialize_with = "one_or_many")]
    pub action: Vec<&'static str>,
    /// To what; a trust policy speaks of its own role and names nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "one_or_many")]
    pub resource: Vec<Text<R>>,
    /// Under which conditions, all of which must hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<Operator, Keys<R>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
}

/// The principal of a trust or bucket policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound(serialize = "R: TemplateReference"))]
pub enum Principal<R> {
    /// An AWS identity by its ARN.
    #[serde(rename = "AWS")]
    Aws(Text<R>),
    /// A service of AWS.
    Service(&'static str),
    /// An identity provider of the account.
    Federated(Text<R>),
}

/// How a condition compares. `StringEquals` is the only right one for an external ID (docs/aws-facts.md 1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Operator {
    /// ARNs part by part, with wildcards.
    ArnLike,
    /// The value equals the text exactly.
    StringEquals,
    /// The value matches the text, in which `*` is a wildcard.
    StringLike,
}

/// The keys one operator compares, each with the values it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(bound(serialize = "R: TemplateReference"))]
pub struct Keys<R>(BTreeMap<Cow<'static, str>, Values<R>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent, bound(serialize = "R: TemplateReference"))]
struct Values<R>(#[serde(serialize_with = "one_or_many")] Vec<Text<R>>);

impl<R> Statement<R> {
    /// Allows something on something.
    pub fn allow(sid: &'static str, action: Vec<&'static str>, resource: Vec<Text<R>>) -> Self {
        let (principal, condition) = (None, BTreeMap::new());
        Self { sid, effect: Effect::Allow, principal, action, resource, condition }
    }

    /// The statement for this principal.
    #[must_use]
    pub fn to(mut self, principal: Principal<R>) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Only where a key of the request has this value.
    #[must_use]
    pub fn only_where(self, operator: Operator, key: impl Into<Cow<'static, str>>, value: Text<R>) -> Self {
        self.only_where_any(operator, key, vec![value])
    }

    /// Only where a key of the request has one of these values.
    #[must_use]
    pub fn only_where_any(
        mut self,
        operator: Operator,
        key: impl Into<Cow<'static, str>>,
        values: Vec<Text<R>>,
    ) -> Self {
        let keys = self.condition.entry(operator).or_insert_with(|| Keys(BTreeMap::new()));
        keys.0.insert(key.into(), Values(values));
        self
    }
}

/// AWS's own way to write lists: a single value stands alone.
fn one_or_many<T: Serialize, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    match values {
        [one] => one.serialize(serializer),
        many => many.serialize(serializer),
    }
}
