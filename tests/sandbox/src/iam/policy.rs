//! Policy documents as AWS writes them: `Version`, and one statement or a list of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::condition::{self, Operator};

/// A policy that AWS would refuse as malformed.
#[derive(Debug, thiserror::Error)]
pub enum MalformedPolicy {
    /// The text is not JSON, or has keys that no policy has.
    #[error("the policy is not in valid JSON format: {0}")]
    Syntax(String),
    /// A condition operator that does not exist, or that the sandbox does not evaluate.
    #[error("unknown condition operator {0}")]
    Operator(String),
    /// A statement names neither or both of an element and its `Not` form.
    #[error("statement {index} needs exactly one of {element}")]
    Element {
        /// Counted from 0.
        index: usize,
        /// The two names.
        element: &'static str,
    },
    /// A version other than the two that exist.
    #[error("the policy version {0} is unknown")]
    Version(String),
}

/// A policy document: an identity policy, a trust policy, a bucket policy or a session policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) statement: Vec<Statement>,
}

/// Allow or Deny. An explicit Deny wins over every Allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    Allow,
    Deny,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    pub effect: Effect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalElement>,
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub action: Values,
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub not_action: Values,
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub resource: Values,
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub not_resource: Values,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, Values>>,
}

/// `"*"`, or AWS principals and service principals by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PrincipalElement {
    Anyone(Star),
    Named(NamedPrincipals),
}

/// The text `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Star {
    #[serde(rename = "*")]
    Star,
}

/// Principals by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPrincipals {
    #[serde(rename = "AWS", default, skip_serializing_if = "Values::is_empty")]
    pub aws: Values,
    #[serde(rename = "Service", default, skip_serializing_if = "Values::is_empty")]
    pub service: Values,
    #[serde(rename = "Federated", default, skip_serializing_if = "Values::is_empty")]
    pub federated: Values,
}

/// One text or a list of them; booleans and numbers count as their text, as in AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Values(pub Vec<String>);

impl Values {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar {
            Bool(bool),
            Number(i64),
            Text(String),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(Scalar),
            Many(Vec<Scalar>),
        }
        let text = |scalar| match scalar {
            Scalar::Bool(b) => b.to_string(),
            Scalar::Number(n) => n.to_string(),
            Scalar::Text(s) => s,
        };
        Ok(Self(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![text(one)],
            OneOrMany::Many(many) => many.into_iter().map(text).collect(),
        }))
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            Many(Vec<Statement>),
            One(Box<Statement>),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct Document {
            // AWS takes a missing version for the old one.
            #[serde(default = "old_version")]
            version: String,
            id: Option<String>,
            statement: OneOrMany,
        }
        fn old_version() -> String {
            "2008-10-17".to_owned()
        }
        let document = Document::deserialize(deserializer)?;
        let policy = Self {
            version: document.version,
            id: document.id,
            statement: match document.statement {
                OneOrMany::Many(many) => many,
                OneOrMany::One(one) => vec![*one],
            },
        };
        policy.check().map_err(serde::de::Error::custom)?;
        Ok(policy)
    }
}

impl Policy {
    /// A policy that allows nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self { version: "2012-10-17".to_owned(), id: None, statement: Vec::new() }
    }

    /// Parses the JSON text of a policy.
    ///
    /// # Errors
    /// Anything that AWS calls a malformed policy document.
    pub fn parse(json: &str) -> Result<Self, MalformedPolicy> {
        serde_json::from_str(json).map_err(|e| MalformedPolicy::Syntax(e.to_string()))
    }

    fn check(&self) -> Result<(), MalformedPolicy> {
        if !matches!(self.version.as_str(), "2012-10-17" | "2008-10-17") {
            return Err(MalformedPolicy::Version(self.version.clone()));
        }
        for (index, statement) in self.statement.iter().enumerate() {
            if statement.action.is_empty() == statement.not_action.is_empty() {
                return Err(MalformedPolicy::Element { index, element: "Action and NotAction" });
            }
            if !statement.resource.is_empty() && !statement.not_resource.is_empty() {
                return Err(MalformedPolicy::Element { index, element: "Resource and NotResource" });
            }
            for operator in statement.condition.keys() {
                Operator::parse(operator).ok_or_else(|| MalformedPolicy::Operator(operator.clone()))?;
            }
        }
        Ok(())
    }
}

impl Statement {
    /// Whether action, resource and conditions match. A trust policy has no resource element: it speaks of its role.
    pub fn covers(&self, action: &str, resource: &str, context: &condition::Context) -> bool {
        self.concerns(action, resource) && condition::holds(&self.condition, context)
    }

    /// Whether action and resource match, whatever the conditions.
    pub fn concerns(&self, action: &str, resource: &str) -> bool {
        let action_matches = if self.action.is_empty() {
            !self.not_action.iter().any(|p| super::pattern::matches_action(p, action))
        } else {
            self.action.iter().any(|p| super::pattern::matches_action(p, action))
        };
        let resource_matches = if self.resource.is_empty() {
            !self.not_resource.iter().any(|p| super::pattern::matches(p, resource))
        } else {
            self.resource.iter().any(|p| super::pattern::matches(p, resource))
        };
        action_matches && resource_matches
    }
}
