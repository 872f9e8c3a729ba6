//! IAM policies as values: what a statement holds, and the JSON it becomes. Onboarding, the fixes that findings name, and the
//! policies of sessions all write theirs with it.

pub mod text;

use std::{borrow::Cow, collections::BTreeMap, convert::Infallible};

use serde::{Serialize, Serializer};

use text::{TemplateReference, Text};

/// An IAM policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase", bound(serialize = "R: TemplateReference"))]
pub struct Policy<R> {
    version: &'static str,
    /// What it allows.
    pub statement: Vec<Statement<R>>,
}

impl<R> Policy<R> {
    /// A policy of these statements.
    pub fn of(statement: Vec<Statement<R>>) -> Self {
        Self { version: "2012-10-17", statement }
    }
}

impl Policy<Infallible> {
    /// Denies everything: for sessions that exist only to learn whether they can be had.
    pub fn deny_all() -> Self {
        let everything = Statement::allow_unnamed(vec!["*"], vec!["*".into()]);
        Self::of(vec![Statement { effect: Effect::Deny, ..everything }])
    }

    /// The document in one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a policy is made of texts")
    }
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase", bound(serialize = "R: TemplateReference"))]
pub struct Statement<R> {
    /// The statement's id, which says what it is for; left out where every character counts, or where others add the statement
    /// to a policy of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'static str>,
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
    pub condition: BTreeMap<ConditionOperator, ConditionKeys<R>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Effect {
    Allow,
    Deny,
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
pub enum ConditionOperator {
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
pub struct ConditionKeys<R>(BTreeMap<Cow<'static, str>, ConditionValues<R>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent, bound(serialize = "R: TemplateReference"))]
struct ConditionValues<R>(#[serde(serialize_with = "one_or_many")] Vec<Text<R>>);

impl<R> Statement<R> {
    /// Allows something on something.
    pub fn allow(sid: &'static str, action: Vec<&'static str>, resource: Vec<Text<R>>) -> Self {
        Self::allow_unnamed(action, resource).named(sid)
    }

    /// Says what the statement is for.
    #[must_use]
    pub fn named(self, sid: &'static str) -> Self {
        Self { sid: Some(sid), ..self }
    }

    /// Allows something on something, and does not say what for.
    pub fn allow_unnamed(action: Vec<&'static str>, resource: Vec<Text<R>>) -> Self {
        let (principal, condition) = (None, BTreeMap::new());
        Self { sid: None, effect: Effect::Allow, principal, action, resource, condition }
    }

    /// Lets one identity assume a role with any of these external IDs, and nobody without one. Sessions of EKS Pod Identity
    /// carry tags into every role, which needs `sts:TagSession` (docs/aws-facts.md 1.6).
    pub fn trust(principal: Text<R>, external_ids: Vec<Text<R>>, carries_tags: bool) -> Self {
        let mut action = vec!["sts:AssumeRole"];
        action.extend(carries_tags.then_some("sts:TagSession"));
        Self::allow_unnamed(action, Vec::new()).to(Principal::Aws(principal)).only_where_any(
            ConditionOperator::StringEquals,
            "sts:ExternalId",
            external_ids,
        )
    }

    /// The statement for this principal.
    #[must_use]
    pub fn to(mut self, principal: Principal<R>) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Only where a key of the request has this value.
    #[must_use]
    pub fn only_where(
        self,
        operator: ConditionOperator,
        key: impl Into<Cow<'static, str>>,
        value: Text<R>,
    ) -> Self {
        self.only_where_any(operator, key, vec![value])
    }

    /// Only where a key of the request has one of these values.
    #[must_use]
    pub fn only_where_any(
        mut self,
        operator: ConditionOperator,
        key: impl Into<Cow<'static, str>>,
        values: Vec<Text<R>>,
    ) -> Self {
        let keys = self.condition.entry(operator).or_insert_with(|| ConditionKeys(BTreeMap::new()));
        keys.0.insert(key.into(), ConditionValues(values));
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
