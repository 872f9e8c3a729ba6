//! Templates: their parameters, their resources in the order they can be made in, and the functions in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{invalid, resources, resources::Made};
use crate::wire::{Failure, element};

/// The capability that a role with a name of its own takes.
const NAMED_IAM: &str = "CAPABILITY_NAMED_IAM";

/// A template as far as the sandbox goes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Template {
    #[serde(default, rename = "AWSTemplateFormatVersion")]
    version: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, rename = "Metadata")]
    _metadata: Option<Value>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    resources: BTreeMap<String, Resource>,
    #[serde(default, deserialize_with = "values")]
    pub outputs: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    default: Option<String>,
    #[serde(default)]
    no_echo: bool,
    #[serde(default)]
    min_length: Option<usize>,
    #[serde(default)]
    max_length: Option<usize>,
}

/// One resource, its functions not yet resolved.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RawResource")]
pub struct Resource {
    pub kind: String,
    pub properties: Value,
    /// It stays when the stack goes.
    pub retained: bool,
    depends_on: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawResource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    deletion_policy: Option<String>,
    #[serde(default)]
    depends_on: Option<String>,
}

impl From<RawResource> for Resource {
    fn from(raw: RawResource) -> Self {
        let retained = raw.deletion_policy.as_deref() == Some("Retain");
        Self { kind: raw.kind, properties: raw.properties, retained, depends_on: raw.depends_on }
    }
}

/// The values of outputs; the rest of them is for people.
fn values<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Value>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        value: Value,
    }
    let outputs = BTreeMap::<String, Output>::deserialize(deserializer)?;
    Ok(outputs.into_iter().map(|(name, output)| (name, output.value)).collect())
}

impl Template {
    /// Parses JSON or YAML; short tags such as `!Ref` are not known.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let template: Self = serde_saphyr::from_str(text).map_err(|error| {
            invalid(format!("Template format error: {}", error.to_string().replace('\n', " ")))
        })?;
        for (name, resource) in &template.resources {
            if !resources::KINDS.contains(&resource.kind.as_str()) {
                let kind = &resource.kind;
                return Err(invalid(format!("Template format error: the sandbox has no {kind} (at {name})")));
            }
        }
        Ok(template)
    }

    /// True for a parameter whose value is shown to nobody.
    pub fn is_secret(&self, name: &str) -> bool {
        self.parameters.get(name).is_some_and(|parameter| parameter.no_echo)
    }

    /// A role with a name of its own takes the caller's word for it (docs/aws-facts.md 6.1).
    pub fn check_capabilities(&self, given: &[&str]) -> Result<(), Failure> {
        if self.names_a_role() && !given.contains(&NAMED_IAM) {
            let message = format!("Requires capabilities : [{NAMED_IAM}]");
            return Err(Failure::new(400, "InsufficientCapabilitiesException", message));
        }
        Ok(())
    }

    fn names_a_role(&self) -> bool {
        let mut roles = self.resources.values().filter(|resource| resource.kind == resources::ROLE);
        roles.any(|role| role.properties.get("RoleName").is_some())
    }

    /// What GetTemplateSummary says of it.
    pub fn summary(&self) -> String {
        let parameters = self.parameters.iter().map(|(name, parameter)| parameter.shown(name));
        let kinds: BTreeSet<&str> = self.resources.values().map(|resource| resource.kind.as_str()).collect();
        let kinds = kinds.into_iter().map(|kind| element("member", kind));
        let capabilities = if self.names_a_role() {
            let reason = format!("The following resource(s) require capabilities: [{}]", resources::ROLE);
            format!("<Capabilities>{}</Capabilities>", element("member", NAMED_IAM))
                + &element("CapabilitiesReason", &reason)
        } else {
            String::new()
        };
        [
            format!("<Parameters>{}</Parameters>", parameters.collect::<String>()),
            self.description.as_ref().map(|text| element("Description", text)).unwrap_or_default(),
            capabilities,
            format!("<ResourceTypes>{}</ResourceTypes>", kinds.collect::<String>()),
            self.version.as_ref().map(|version| element("Version", version)).unwrap_or_default(),
        ]
        .concat()
    }

    /// Exports are created in one region only (docs/aws-facts.md 6.2).
    pub fn check_region(&self, region: &str) -> Result<(), Failure> {
        let has_export = self.resources.values().any(|resource| resource.kind == resources::EXPORT);
        if has_export && region != "us-east-1" {
            let kind = resources::EXPORT;
            return Err(invalid(format!("Template format error: Unrecognized resource types: [{kind}]")));
        }
        Ok(())
    }

    /// A value for every parameter.
    pub fn parameters_from(
        &self,
        given: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let unknown: Vec<&String> =
            given.keys().filter(|name| !self.parameters.contains_key(*name)).collect();
        if !unknown.is_empty() {
            return Err(invalid(
                format!("Parameters: {unknown:?} do not exist in the template").replace('"', ""),
            ));
        }
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, parameter) in &self.parameters {
            match given.get(name).or(parameter.default.as_ref()) {
                Some(value) => values.insert(name.clone(), parameter.checked(name, value)?),
                None => {
                    missing.push(name.as_str());
                    None
                }
            };
        }
        if !missing.is_empty() {
            return Err(invalid(format!("Parameters: [{}] must have values", missing.join(", "))));
        }
        Ok(values)
    }

    /// The resources, each after those it refers to.
    pub fn in_order(&self) -> Result<Vec<(&String, &Resource)>, Failure> {
        let mut ordered: Vec<(&String, &Resource)> = Vec::new();
        let mut left: BTreeMap<&String, &Resource> = self.resources.iter().collect();
        while !left.is_empty() {
            let ready = left.iter().find(|(_, resource)| {
                let mut needed = BTreeSet::new();
                references(&resource.properties, &mut needed);
                needed.extend(resource.depends_on.clone());
                left.keys().all(|waiting| !needed.contains(*waiting))
            });
            let Some((&name, &resource)) = ready else {
                let waiting: Vec<&str> = left.keys().map(|name| name.as_str()).collect();
                return Err(invalid(format!(
                    "Circular dependency between resources: [{}]",
                    waiting.join(", ")
                )));
            };
            left.remove(name);
            ordered.push((name, resource));
        }
        Ok(ordered)
    }
}

impl Parameter {
    fn shown(&self, name: &str) -> String {
        let members = [
            element("ParameterKey", name),
            self.default.as_ref().map(|value| element("DefaultValue", value)).unwrap_or_default(),
            element("ParameterType", &self.kind),
            element("NoEcho", &self.no_echo.to_string()),
            self.description.as_ref().map(|text| element("Description", text)).unwrap_or_default(),
            "<ParameterConstraints/>".to_owned(),
        ];
        format!("<member>{}</member>", members.concat())
    }

    fn checked(&self, name: &str, value: &str) -> Result<String, Failure> {
        let length = value.chars().count();
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return Err(invalid(format!("Parameter '{name}' must contain at least {least} characters")));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Err(invalid(format!("Parameter '{name}' must contain at most {most} characters")));
        }
        Ok(value.to_owned())
    }
}

/// The names that a value refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => match function(members) {
            Some(("Ref", Value::String(name))) => drop(found.insert(name.clone())),
            Some(("Fn::GetAtt", Value::Array(path))) => {
                found.extend(path.first().and_then(Value::as_str).map(str::to_owned));
            }
            Some(("Fn::Sub", Value::String(text))) => {
                found.extend(pieces(text).into_iter().filter_map(|piece| match piece {
                    Piece::Reference(name) => name.split('.').next().map(str::to_owned),
                    Piece::Text(_) => None,
                }));
            }
            _ => members.values().for_each(|member| references(member, found)),
        },
        _ => {}
    }
}

/// The function that an object of one member is.
fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = members.iter().next().filter(|_| members.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

enum Piece<'a> {
    Text(String),
    Reference(&'a str),
}

/// The parts of a substitution: `${x}` refers, `${!x}` is the text `${x}`.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        found.push(Piece::Text(before.to_owned()));
        let Some((name, tail)) = after.split_once('}') else { break };
        match name.strip_prefix('!') {
            Some(literal) => found.push(Piece::Text(format!("${{{literal}}}"))),
            None => found.push(Piece::Reference(name)),
        }
        rest = tail;
    }
    found.push(Piece::Text(rest.to_owned()));
    found
}

/// What a template's functions stand for.
pub struct Resolver<'a> {
    pub parameters: &'a BTreeMap<String, String>,
    pub account: &'a str,
    pub region: &'a str,
    pub made: BTreeMap<String, Made>,
}

impl Resolver<'_> {
    /// The value with every function carried out.
    pub fn resolve(&self, value: &Value) -> Result<Value, Failure> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(members) => match function(members) {
                None => {
                    members.iter().map(|(name, member)| Ok((name.clone(), self.resolve(member)?))).collect()
                }
                Some(("Ref", Value::String(name))) => self.reference(name).map(Value::String),
                Some(("Fn::GetAtt", Value::Array(path))) => {
                    let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
                    self.reference(&path.join(".")).map(Value::String)
                }
                Some(("Fn::Sub", Value::String(text))) => self.substitute(text).map(Value::String),
                Some((name, _)) => {
                    Err(invalid(format!("Template error: the sandbox has no {name} of this form")))
                }
            },
            other => Ok(other.clone()),
        }
    }

    fn substitute(&self, text: &str) -> Result<String, Failure> {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => Ok(text),
                Piece::Reference(name) => self.reference(name),
            })
            .collect()
    }

    /// A parameter, a pseudo parameter, a resource or, after a dot, an attribute of one.
    fn reference(&self, name: &str) -> Result<String, Failure> {
        let (resource, attribute) = name.split_once('.').unzip();
        let found = match name {
            "AWS::AccountId" => Some(self.account),
            "AWS::Region" => Some(self.region),
            "AWS::Partition" => Some("aws"),
            _ => self.parameters.get(name).map(String::as_str),
        };
        let made = self.made.get(resource.unwrap_or(name));
        found
            .or_else(|| made.and_then(|made| made.attribute(attribute)))
            .map(str::to_owned)
            .ok_or_else(|| invalid(format!("Template error: unresolved reference {name}")))
    }
}
