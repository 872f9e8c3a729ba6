//! The same in Terraform, in its JSON syntax (`.tf.json`): a value that is serialised can't come apart as glued text can,
//! and Terraform reads both alike. Resources and arguments: docs/aws-facts.md 6.3.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    OnboardingFault, PrincipalArn, WantedAccount,
    delivery::{self, ExportChoices, NewExport, TABLE},
    permissions,
    trust::{self, BaseIdentity},
};
use crate::model::{
    RoleArn,
    policy::{
        Policy,
        text::{TemplateReference, Text, TextPart},
    },
};

/// What the configuration creates besides the role.
#[derive(Debug, Clone)]
pub struct TerraformChoices {
    /// Whom the role trusts.
    pub principal: PrincipalArn,
    /// Where that identity comes from.
    pub base: BaseIdentity,
    /// The bucket and its policy too.
    pub bucket: bool,
    /// Also create the export, with these choices.
    pub export: Option<ExportChoices>,
}

/// A configuration, whole: a folder with it alone can be applied.
#[derive(Debug, Clone, Serialize)]
pub struct TerraformConfiguration {
    terraform: Value,
    provider: BTreeMap<&'static str, Vec<RequiredProvider>>,
    variable: BTreeMap<&'static str, Value>,
    /// By type, then by name.
    resource: BTreeMap<&'static str, BTreeMap<&'static str, Value>>,
    output: BTreeMap<&'static str, Value>,
}

/// One configuration of the AWS provider.
#[derive(Debug, Clone, Serialize)]
struct RequiredProvider {
    region: String,
    /// Another account's credentials create nothing.
    allowed_account_ids: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'static str>,
}

/// What a configuration refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerraformVariable {
    /// The variable for the external ID.
    ExternalId,
    /// The one that is to follow.
    NextExternalId,
    /// The variable for the operator's role or user ARN.
    Principal,
}

impl TemplateReference for TerraformVariable {
    fn render(text: &Text<Self>) -> Value {
        let part = |part: &TextPart<Self>| match part {
            TextPart::Literal(literal) => literally(literal),
            TextPart::Reference(Self::ExternalId) => "${var.external_id}".to_owned(),
            TextPart::Reference(Self::NextExternalId) => "${var.next_external_id}".to_owned(),
            TextPart::Reference(Self::Principal) => "${var.principal_arn}".to_owned(),
        };
        Value::String(text.0.iter().map(part).collect())
    }
}

/// A text that Terraform takes for itself: its two template marks doubled.
fn literally(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// Why the export has a provider of its own: it is created in the partition's home, the bucket may be elsewhere.
const EXPORT_PROVIDER: &str = "export";
/// The name of every resource.
const NAME: &str = "awscost";

/// The configuration for what is wanted.
///
/// # Errors
/// [`OnboardingFault`] for what AWS or Terraform's provider would refuse.
pub fn configuration(
    wanted: &WantedAccount,
    choices: &TerraformChoices,
) -> Result<TerraformConfiguration, OnboardingFault> {
    let mut resources = ResourceBlocks::default();
    role(choices.principal.role(wanted)?, wanted, choices, &mut resources);
    if choices.bucket {
        bucket(wanted, &mut resources)?;
    }
    if let Some(export_choices) = choices.export {
        let report = delivery::exportable(wanted)?;
        let definition = delivery::export(wanted, report, export_choices);
        if definition.bucket_owner.is_some() {
            return Err(OnboardingFault::TerraformOwner(report.owner.clone()));
        }
        let after = choices.bucket.then_some("aws_s3_bucket_policy.awscost");
        resources.add("aws_bcmdataexports_export", export(wanted, definition, after));
    }
    // The first with exports (hashicorp/terraform-provider-aws#37144).
    let version = if choices.export.is_some() { ">= 5.47" } else { ">= 5.0" };
    Ok(TerraformConfiguration {
        terraform: json!({
            "required_version": ">= 1.3",
            "required_providers": {"aws": {"source": "hashicorp/aws", "version": version}},
        }),
        provider: BTreeMap::from([("aws", providers(wanted, choices))]),
        variable: variables(wanted, &choices.principal),
        resource: resources.0,
        output: BTreeMap::from([(
            "role_arn",
            json!({"description": "What goes into spec.access.roleArn", "value": "${aws_iam_role.awscost.arn}"}),
        )]),
    })
}

#[derive(Default)]
struct ResourceBlocks(BTreeMap<&'static str, BTreeMap<&'static str, Value>>);

impl ResourceBlocks {
    fn add(&mut self, kind: &'static str, resource: Value) {
        self.0.entry(kind).or_default().insert(NAME, resource);
    }
}

fn providers(wanted: &WantedAccount, choices: &TerraformChoices) -> Vec<RequiredProvider> {
    let home = wanted.partition().home_region();
    let region = wanted.report.as_ref().filter(|_| choices.bucket).map(|report| report.region.to_string());
    let provider = |region: String, alias| RequiredProvider {
        region,
        allowed_account_ids: [wanted.account().to_string()],
        alias,
    };
    let mut providers = vec![provider(region.unwrap_or_else(|| home.to_owned()), None)];
    if choices.export.is_some() {
        providers.push(provider(home.to_owned(), Some(EXPORT_PROVIDER)));
    }
    providers
}

fn external_id(variable: &str, field: &str) -> Value {
    // STS's own rule (docs/aws-facts.md 1.2).
    let rule = format!(
        "can(regex(\"^[A-Za-z0-9_+=,.@:/-]{{2,}}$\", var.{variable})) && length(var.{variable}) <= 1224"
    );
    json!({
        "type": "string",
        "description": format!("The external ID in the Secret that spec.access.{field} names"),
        "sensitive": true,
        "validation": [{
            "condition": format!("${{{rule}}}"),
            "error_message": "An external ID takes 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -",
        }],
    })
}

fn variables(wanted: &WantedAccount, principal: &PrincipalArn) -> BTreeMap<&'static str, Value> {
    let mut variables = BTreeMap::from([
        ("external_id", external_id("external_id", "externalIdSecretRef")),
        (
            "principal_arn",
            json!({
                "type": "string",
                "description": "The role or user of the awscost operator, the only one that may assume this role",
                "default": literally(principal.as_str()),
            }),
        ),
    ]);
    if wanted.rotating {
        variables.insert("next_external_id", external_id("next_external_id", "nextExternalIdSecretRef"));
    }
    variables
}

fn role(role: &RoleArn, wanted: &WantedAccount, choices: &TerraformChoices, resources: &mut ResourceBlocks) {
    let mut external_ids = vec![Text::reference(TerraformVariable::ExternalId)];
    external_ids.extend(wanted.rotating.then(|| Text::reference(TerraformVariable::NextExternalId)));
    let trust = trust::policy(Text::reference(TerraformVariable::Principal), external_ids, choices.base);
    resources.add(
        "aws_iam_role",
        json!({
            "name": role.role_name(),
            "path": literally(&role.path()),
            "description": "Lets awscost read the cost report and nothing else",
            // The operator asks for no more: role chaining is capped at an hour (docs/aws-facts.md 1.3).
            "max_session_duration": 3600,
            "assume_role_policy": document(&trust),
        }),
    );
    let account = Text::from(role.account().as_str());
    resources.add(
        "aws_iam_role_policy",
        json!({
            "name": NAME,
            "role": "${aws_iam_role.awscost.name}",
            "policy": document(&permissions::policy(wanted, &account)),
        }),
    );
}

fn bucket(wanted: &WantedAccount, resources: &mut ResourceBlocks) -> Result<(), OnboardingFault> {
    let report = delivery::own_bucket(wanted)?;
    let of_bucket = |rest: Value| {
        let mut resource = Map::from_iter([("bucket".to_owned(), json!("${aws_s3_bucket.awscost.id}"))]);
        resource.extend(rest.as_object().cloned().unwrap_or_default());
        Value::Object(resource)
    };
    let encryption = match &wanted.kms_key {
        Some(key) => json!({"sse_algorithm": "aws:kms", "kms_master_key_id": key.as_str()}),
        None => json!({"sse_algorithm": "AES256"}),
    };
    resources.add(
        "aws_s3_bucket",
        // Bills can't be had again.
        json!({"bucket": report.bucket.as_str(), "lifecycle": [{"prevent_destroy": true}]}),
    );
    resources.add(
        "aws_s3_bucket_ownership_controls",
        of_bucket(json!({"rule": [{"object_ownership": "BucketOwnerEnforced"}]})),
    );
    resources.add(
        "aws_s3_bucket_public_access_block",
        of_bucket(json!({
            "block_public_acls": true, "block_public_policy": true,
            "ignore_public_acls": true, "restrict_public_buckets": true,
        })),
    );
    resources.add(
        "aws_s3_bucket_server_side_encryption_configuration",
        of_bucket(json!({"rule": [{"apply_server_side_encryption_by_default": [encryption]}]})),
    );
    resources.add(
        "aws_s3_bucket_policy",
        of_bucket(json!({"policy": document(&delivery::bucket_policy::<TerraformVariable>(wanted, report))})),
    );
    Ok(())
}

fn export(wanted: &WantedAccount, definition: NewExport, after: Option<&str>) -> Value {
    // The provider compares with what AWS echoes, the billing view included (docs/aws-facts.md 3.4).
    let mut properties: Map<String, Value> =
        definition.properties.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let (partition, account) = (wanted.partition().as_str(), wanted.account());
    let view = format!("arn:{partition}:billing::{account}:billingview/primary");
    properties.insert("BILLING_VIEW_ARN".to_owned(), json!(view));
    let mut resource = json!({
        "provider": format!("aws.{EXPORT_PROVIDER}"),
        "export": [{
            "name": definition.name,
            "description": "The cost report that awscost loads",
            "data_query": [{
                "query_statement": definition.query,
                "table_configurations": {TABLE: properties},
            }],
            "destination_configurations": [{"s3_destination": [{
                "s3_bucket": definition.bucket,
                "s3_prefix": literally(&definition.prefix),
                "s3_region": definition.region,
                "s3_output_configurations": [{
                    "output_type": "CUSTOM",
                    "format": "PARQUET",
                    "compression": "PARQUET",
                    // A delivery that never changes can be read while the next one is written
                    // (docs/aws-facts.md 3.7).
                    "overwrite": "CREATE_NEW_REPORT",
                }],
            }]}],
            "refresh_cadence": [{"frequency": "SYNCHRONOUS"}],
        }],
    });
    if let Some(after) = after {
        resource["depends_on"] = json!([after]);
    }
    resource
}

/// A policy as the text an argument takes; references stand in it as they do in any text of Terraform's.
fn document(policy: &Policy<TerraformVariable>) -> String {
    serde_json::to_string(policy).expect("a policy of texts and lists")
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};
    use crate::onboarding::delivery::ExportGranularity;

    fn choices() -> TerraformChoices {
        let export = ExportChoices {
            granularity: ExportGranularity::Daily,
            split_cost_allocation: true,
            iam_principal: false,
        };
        TerraformChoices {
            principal: "arn:aws:iam::999988887777:role/awscost-operator".parse().expect("a principal"),
            base: BaseIdentity::Plain,
            bucket: true,
            export: Some(export),
        }
    }

    #[test]
    fn a_bucket_elsewhere_has_a_provider_of_its_own() {
        let mut wanted = sample::wanted();
        wanted.report.as_mut().expect("a report").region = "eu-west-1".parse().expect("a region");
        let whole =
            serde_json::to_value(configuration(&wanted, &choices()).expect("possible")).expect("JSON");
        let regions: Vec<&str> = whole["provider"]["aws"]
            .as_array()
            .expect("providers")
            .iter()
            .filter_map(|provider| provider["region"].as_str())
            .collect();
        assert_eq!(regions, ["eu-west-1", "us-east-1"]);
        let export = &whole["resource"]["aws_bcmdataexports_export"]["awscost"];
        assert_eq!(export["provider"], "aws.export");
        assert_eq!(export["depends_on"], json!(["aws_s3_bucket_policy.awscost"]));
    }

    #[test]
    fn literals_mean_themselves() {
        assert_eq!(TerraformVariable::render(&Text::from("a${*}%{b}")), json!("a$${*}%%{b}"));
    }

    #[test]
    fn a_foreign_bucket_is_beyond_terraform() {
        let mut wanted = sample::wanted();
        wanted.report.as_mut().expect("a report").owner = "999999999999".parse().expect("an account");
        let refused = configuration(&wanted, &TerraformChoices { bucket: false, ..choices() }).map(drop);
        assert!(matches!(refused, Err(OnboardingFault::TerraformOwner(_))), "{refused:?}");
    }
}
