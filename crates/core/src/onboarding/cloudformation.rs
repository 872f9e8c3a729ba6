//! The CloudFormation template: the role, and on request the bucket that takes the report and the export that fills it.
//!
//! The external ID is a parameter without a default, so that no template ever holds one.

mod resources;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Impossible, PrincipalArn, Wanted,
    delivery::{self, ExportChoices},
    permissions,
    text::{Part, Reference, Text},
    trust::{self, BaseIdentity},
};
use crate::model::RoleArn;
use resources::{Inline, Properties, Resource};

/// What a stack has to be allowed, because its role has a name (docs/aws-facts.md 6.1).
pub const CAPABILITY: &str = "CAPABILITY_NAMED_IAM";
/// The parameter that takes the operator's identity.
pub const PRINCIPAL_PARAMETER: &str = "PrincipalArn";
/// The parameter that takes the external ID.
const EXTERNAL_ID_PARAMETER: &str = "ExternalId";
/// The parameter that takes the one that is to follow.
const NEXT_EXTERNAL_ID_PARAMETER: &str = "NextExternalId";

const ROLE: &str = "Role";
const BUCKET: &str = "ReportBucket";
const BUCKET_POLICY: &str = "ReportBucketPolicy";
const EXPORT: &str = "Export";

/// What the template creates besides the role.
#[derive(Debug, Clone)]
pub struct Choices {
    /// Whom the role trusts.
    pub principal: PrincipalArn,
    /// Where that identity comes from.
    pub base: BaseIdentity,
    /// The bucket and its policy too.
    pub bucket: bool,
    /// Also create the export, with these choices.
    pub export: Option<ExportChoices>,
    /// Whose stack it is.
    pub scope: Scope,
}

/// Which accounts the template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The one the manifest names.
    Account,
    /// Whichever a stack set brings it to.
    StackSet,
}

/// A template, and what its user has to know.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The template, ready to print.
    pub template: Template,
    /// The region the stack has to be in; any where there is none, as IAM is in all.
    pub region: Option<String>,
}

/// A template as CloudFormation takes it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    description: String,
    metadata: BTreeMap<&'static str, Value>,
    parameters: BTreeMap<&'static str, Parameter>,
    resources: BTreeMap<&'static str, Resource>,
    outputs: BTreeMap<&'static str, Output>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    #[serde(rename = "Type")]
    kind: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_echo: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<u32>,
    allowed_pattern: &'static str,
    constraint_description: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    description: &'static str,
    value: Value,
}

/// What a template refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The parameter with the external ID.
    ExternalId,
    /// The parameter with the next one.
    NextExternalId,
    /// The parameter with the operator's identity.
    Principal,
    /// The account the stack is in.
    Account,
    /// The bucket of the same template.
    Bucket,
    /// The role of the same template.
    Role,
}

impl Variable {
    fn name(self) -> &'static str {
        match self {
            Self::ExternalId => EXTERNAL_ID_PARAMETER,
            Self::NextExternalId => NEXT_EXTERNAL_ID_PARAMETER,
            Self::Principal => PRINCIPAL_PARAMETER,
            Self::Account => "AWS::AccountId",
            Self::Bucket => BUCKET,
            Self::Role => ROLE,
        }
    }
}

impl Reference for Variable {
    fn render(text: &Text<Self>) -> Value {
        match &text.0[..] {
            [Part::Reference(one)] => json!({"Ref": one.name()}),
            parts if parts.iter().all(|part| matches!(part, Part::Literal(_))) => {
                Value::String(parts.iter().map(|part| substituted(part, "${")).collect())
            }
            // In a substitution, `${!x}` is the literal `${x}`.
            parts => {
                json!({"Fn::Sub": parts.iter().map(|part| substituted(part, "${!")).collect::<String>()})
            }
        }
    }
}

fn substituted(part: &Part<Variable>, literal_mark: &str) -> String {
    match part {
        Part::Literal(literal) => literal.replace("${", literal_mark),
        Part::Reference(reference) => format!("${{{}}}", reference.name()),
    }
}

/// The stack for what is wanted.
///
/// # Errors
/// [`Impossible`] for what AWS would refuse.
pub fn stack(wanted: &Wanted, choices: &Choices) -> Result<Stack, Impossible> {
    let role_arn = choices.principal.role(wanted)?;
    if choices.scope == Scope::StackSet && wanted.report.is_some() {
        return Err(Impossible::StackSet);
    }
    let region = region(wanted, choices)?;
    let mut resources = BTreeMap::from([(ROLE, Resource::plain(role(role_arn, wanted, choices)))]);
    if choices.bucket {
        let report = delivery::own_bucket(wanted)?;
        resources.insert(BUCKET, Resource::retained(Properties::bucket(wanted, report)));
        let policy = delivery::bucket_policy(wanted, report);
        let bucket = Text::reference(Variable::Bucket);
        resources.insert(BUCKET_POLICY, Resource::retained(Properties::bucket_policy(bucket, policy)));
    }
    if let Some(export) = choices.export {
        let report = delivery::exportable(wanted)?;
        let definition = delivery::export(wanted, report, export);
        // AWS proves that it may write when the export is created (docs/aws-facts.md 3.6).
        let after = choices.bucket.then_some(BUCKET_POLICY);
        resources.insert(EXPORT, Resource::plain(Properties::export(definition)).after(after));
    }
    let region_rule = region.as_ref().map_or_else(
        || "It can be in any region, for IAM is the same in all.".to_owned(),
        |region| format!("It must be in {region}."),
    );
    let creates = creates(&resources);
    let description = format!(
        "awscost: {creates} for the cost report of an AWS account. {region_rule} Creating the stack needs {CAPABILITY}."
    );
    let metadata = json!({
        "Creates": creates,
        "Region": region.as_deref().unwrap_or("any"),
        "Capabilities": [CAPABILITY],
    });
    let output = |description, value| Output { description, value };
    let template = Template {
        version: "2010-09-09",
        description,
        metadata: BTreeMap::from([("Awscost", metadata)]),
        parameters: parameters(wanted, choices),
        outputs: BTreeMap::from([(
            "RoleArn",
            output("What goes into spec.access.roleArn", json!({"Fn::GetAtt": [ROLE, "Arn"]})),
        )]),
        resources,
    };
    Ok(Stack { template, region })
}

/// Where the stack has to be: a bucket where it is declared, an export in the partition's home (docs/aws-facts.md 6.1).
fn region(wanted: &Wanted, choices: &Choices) -> Result<Option<String>, Impossible> {
    let home = wanted.partition().home_region();
    let bucket = choices.bucket.then(|| wanted.needed_report()).transpose()?;
    match (bucket, choices.export) {
        (Some(report), Some(_)) if report.region.as_str() != home => {
            let (bucket, region) = (report.bucket.clone(), report.region.clone());
            Err(Impossible::TwoRegions { home, bucket, region })
        }
        (_, Some(_)) => Ok(Some(home.to_owned())),
        (Some(report), None) => Ok(Some(report.region.to_string())),
        (None, None) => Ok(None),
    }
}

fn role(role: &RoleArn, wanted: &Wanted, choices: &Choices) -> Properties {
    let account = match choices.scope {
        Scope::Account => Text::from(role.account().as_str()),
        Scope::StackSet => Text::reference(Variable::Account),
    };
    let mut external_ids = vec![Text::reference(Variable::ExternalId)];
    external_ids.extend(wanted.rotating.then(|| Text::reference(Variable::NextExternalId)));
    let trust = trust::policy(Text::reference(Variable::Principal), external_ids, choices.base);
    Properties::Role {
        role_name: role.role_name().to_owned(),
        path: role.path(),
        description: "Lets awscost read the cost report and nothing else",
        // The operator asks for no more: role chaining is capped at an hour (docs/aws-facts.md 1.3).
        max_session_duration: 3600,
        assume_role_policy_document: trust,
        policies: [Inline { policy_name: "awscost", policy_document: permissions::policy(wanted, &account) }],
    }
}

fn creates(resources: &BTreeMap<&'static str, Resource>) -> String {
    let parts: Vec<&str> = [(ROLE, "the role"), (BUCKET, "the bucket"), (EXPORT, "the export")]
        .iter()
        .filter(|(name, _)| resources.contains_key(name))
        .map(|(_, what)| *what)
        .collect();
    parts.join(", ")
}

fn parameters(wanted: &Wanted, choices: &Choices) -> BTreeMap<&'static str, Parameter> {
    let external_id = |description| Parameter {
        kind: "String",
        description,
        no_echo: Some(true),
        min_length: Some(2),
        max_length: Some(1224),
        // STS's own rule (docs/aws-facts.md 1.2).
        allowed_pattern: "^[A-Za-z0-9_+=,.@:/-]*$",
        constraint_description: "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -",
        ..Parameter::default()
    };
    let current = external_id("The external ID in the Secret that spec.access.externalIdSecretRef names");
    let next = external_id("The external ID in the Secret that spec.access.nextExternalIdSecretRef names");
    let mut parameters = BTreeMap::from([
        (EXTERNAL_ID_PARAMETER, current),
        (
            PRINCIPAL_PARAMETER,
            Parameter {
                kind: "String",
                description: "The role or user of the awscost operator, the only one that may assume this role",
                default: Some(choices.principal.to_string()),
                allowed_pattern: "^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/-]+$",
                constraint_description: "The whole ARN of one role or user, never an account's root",
                ..Parameter::default()
            },
        ),
    ]);
    parameters.extend(wanted.rotating.then_some((NEXT_EXTERNAL_ID_PARAMETER, next)));
    parameters
}

#[cfg(test)]
mod tests;
