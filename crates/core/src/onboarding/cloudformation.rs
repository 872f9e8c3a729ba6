//! The CloudFormation template: the role, and on request the bucket that takes the report and the export that fills it.
//!
//! The external ID is a parameter without a default, so that no template ever holds one.

mod resources;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    OnboardingFault, PrincipalArn, WantedAccount,
    delivery::{self, ExportChoices},
    permissions,
    trust::{self, BaseIdentity},
};
use crate::model::{
    RoleArn,
    policy::text::{TemplateReference, Text, TextPart},
};
use resources::{InlinePolicy, ResourceProperties, StackResource};

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
pub struct TemplateChoices {
    /// Whom the role trusts.
    pub principal: PrincipalArn,
    /// Where that identity comes from.
    pub base: BaseIdentity,
    /// The bucket and its policy too.
    pub bucket: bool,
    /// Also create the export, with these choices.
    pub export: Option<ExportChoices>,
    /// Whose stack it is.
    pub scope: StackScope,
}

/// Which accounts the template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackScope {
    /// The one the manifest names.
    Account,
    /// Whichever a stack set brings it to.
    StackSet,
}

/// A template, and what its user has to know.
#[derive(Debug, Clone)]
pub struct FilledStack {
    /// The template, ready to print.
    pub template: StackTemplate,
    /// The region the stack has to be in; any where there is none, as IAM is in all.
    pub region: Option<String>,
}

/// A template as CloudFormation takes it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StackTemplate {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    description: String,
    metadata: BTreeMap<&'static str, Value>,
    parameters: BTreeMap<&'static str, TemplateParameter>,
    resources: BTreeMap<&'static str, StackResource>,
    outputs: BTreeMap<&'static str, TemplateOutput>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateParameter {
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
struct TemplateOutput {
    description: &'static str,
    value: Value,
}

/// What a template refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateVariable {
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

impl TemplateVariable {
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

impl TemplateReference for TemplateVariable {
    fn render(text: &Text<Self>) -> Value {
        match &text.0[..] {
            [TextPart::Reference(one)] => json!({"Ref": one.name()}),
            parts if parts.iter().all(|part| matches!(part, TextPart::Literal(_))) => {
                Value::String(parts.iter().map(|part| substituted(part, "${")).collect())
            }
            // In a substitution, `${!x}` is the literal `${x}`.
            parts => {
                json!({"Fn::Sub": parts.iter().map(|part| substituted(part, "${!")).collect::<String>()})
            }
        }
    }
}

fn substituted(part: &TextPart<TemplateVariable>, literal_mark: &str) -> String {
    match part {
        TextPart::Literal(literal) => literal.replace("${", literal_mark),
        TextPart::Reference(reference) => format!("${{{}}}", reference.name()),
    }
}

/// The stack for what is wanted.
///
/// # Errors
/// [`OnboardingFault`] for what AWS would refuse.
pub fn stack(wanted: &WantedAccount, choices: &TemplateChoices) -> Result<FilledStack, OnboardingFault> {
    let role_arn = choices.principal.role(wanted)?;
    if choices.scope == StackScope::StackSet && wanted.report.is_some() {
        return Err(OnboardingFault::StackSet);
    }
    let region = region(wanted, choices)?;
    let mut resources = BTreeMap::from([(ROLE, StackResource::plain(role(role_arn, wanted, choices)))]);
    if choices.bucket {
        let report = delivery::own_bucket(wanted)?;
        resources.insert(BUCKET, StackResource::retained(ResourceProperties::bucket(wanted, report)));
        let policy = delivery::bucket_policy(wanted, report);
        let bucket = Text::reference(TemplateVariable::Bucket);
        resources.insert(
            BUCKET_POLICY,
            StackResource::retained(ResourceProperties::bucket_policy(bucket, policy)),
        );
    }
    if let Some(export) = choices.export {
        let report = delivery::exportable(wanted)?;
        let definition = delivery::export(wanted, report, export);
        // AWS proves that it may write when the export is created (docs/aws-facts.md 3.6).
        let after = choices.bucket.then_some(BUCKET_POLICY);
        resources.insert(EXPORT, StackResource::plain(ResourceProperties::export(definition)).after(after));
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
    let output = |description, value| TemplateOutput { description, value };
    let template = StackTemplate {
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
    Ok(FilledStack { template, region })
}

/// Where the stack has to be: a bucket where it is declared, an export in the partition's home (docs/aws-facts.md 6.1).
fn region(wanted: &WantedAccount, choices: &TemplateChoices) -> Result<Option<String>, OnboardingFault> {
    let home = wanted.partition().home_region();
    let bucket = choices.bucket.then(|| wanted.needed_report()).transpose()?;
    match (bucket, choices.export) {
        (Some(report), Some(_)) if report.region.as_str() != home => {
            let (bucket, region) = (report.bucket.clone(), report.region.clone());
            Err(OnboardingFault::TwoRegions { home, bucket, region })
        }
        (_, Some(_)) => Ok(Some(home.to_owned())),
        (Some(report), None) => Ok(Some(report.region.to_string())),
        (None, None) => Ok(None),
    }
}

fn role(role: &RoleArn, wanted: &WantedAccount, choices: &TemplateChoices) -> ResourceProperties {
    let account = match choices.scope {
        StackScope::Account => Text::from(role.account().as_str()),
        StackScope::StackSet => Text::reference(TemplateVariable::Account),
    };
    let mut external_ids = vec![Text::reference(TemplateVariable::ExternalId)];
    external_ids.extend(wanted.rotating.then(|| Text::reference(TemplateVariable::NextExternalId)));
    let trust = trust::policy(Text::reference(TemplateVariable::Principal), external_ids, choices.base);
    ResourceProperties::Role {
        role_name: role.role_name().to_owned(),
        path: role.path(),
        description: "Lets awscost read the cost report and nothing else",
        // The operator asks for no more: role chaining is capped at an hour (docs/aws-facts.md 1.3).
        max_session_duration: 3600,
        assume_role_policy_document: trust,
        policies: [InlinePolicy {
            policy_name: "awscost",
            policy_document: permissions::policy(wanted, &account),
        }],
    }
}

fn creates(resources: &BTreeMap<&'static str, StackResource>) -> String {
    let parts: Vec<&str> = [(ROLE, "the role"), (BUCKET, "the bucket"), (EXPORT, "the export")]
        .iter()
        .filter(|(name, _)| resources.contains_key(name))
        .map(|(_, what)| *what)
        .collect();
    parts.join(", ")
}

fn parameters(
    wanted: &WantedAccount,
    choices: &TemplateChoices,
) -> BTreeMap<&'static str, TemplateParameter> {
    let external_id = |description| TemplateParameter {
        kind: "String",
        description,
        no_echo: Some(true),
        min_length: Some(2),
        max_length: Some(1224),
        // STS's own rule (docs/aws-facts.md 1.2).
        allowed_pattern: "^[A-Za-z0-9_+=,.@:/-]*$",
        constraint_description: "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -",
        ..TemplateParameter::default()
    };
    let current = external_id("The external ID in the Secret that spec.access.externalIdSecretRef names");
    let next = external_id("The external ID in the Secret that spec.access.nextExternalIdSecretRef names");
    let mut parameters = BTreeMap::from([
        (EXTERNAL_ID_PARAMETER, current),
        (
            PRINCIPAL_PARAMETER,
            TemplateParameter {
                kind: "String",
                description: "The role or user of the awscost operator, the only one that may assume this role",
                default: Some(choices.principal.to_string()),
                allowed_pattern: "^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/-]+$",
                constraint_description: "The whole ARN of one role or user, never an account's root",
                ..TemplateParameter::default()
            },
        ),
    ]);
    parameters.extend(wanted.rotating.then_some((NEXT_EXTERNAL_ID_PARAMETER, next)));
    parameters
}

#[cfg(test)]
mod tests;
