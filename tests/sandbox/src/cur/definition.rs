//! Which report definitions AWS takes: the allowed values, what goes with what, and whether the bucket lets it deliver.

use crate::iam::{Ask, Context, allowed_for_service};
use crate::wire::Failure;
use crate::world::{ReportDefinition, World};

/// The service that delivers legacy reports.
const DELIVERER: &str = "billingreports.amazonaws.com";

/// Regions a legacy report can be delivered to; newer ones are not among them.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "cn-north-1",
    "cn-northwest-1",
];

/// Checks values and combinations.
///
/// A forbidden combination is answered with an empty message, as AWS does.
pub fn check(definition: &ReportDefinition) -> Result<(), Failure> {
    let name = &definition.report_name;
    let name_char = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()".contains(c);
    if name.is_empty() || name.len() > 256 || !name.chars().all(name_char) {
        return Err(violation(
            "reportName",
            name,
            "Member must satisfy regular expression pattern: [0-9A-Za-z!\\-_.*\\'()]+",
        ));
    }
    if definition.s3_prefix.len() > 256 || !definition.s3_prefix.chars().all(|c| name_char(c) || c == '/') {
        return Err(violation(
            "s3Prefix",
            &definition.s3_prefix,
            "Member must satisfy regular expression pattern: [0-9A-Za-z!\\-_.*\\'()/]*",
        ));
    }
    one_of("timeUnit", &definition.time_unit, &["HOURLY", "DAILY", "MONTHLY"])?;
    one_of("format", &definition.format, &["textORcsv", "Parquet"])?;
    one_of("compression", &definition.compression, &["ZIP", "GZIP", "Parquet"])?;
    one_of("s3Region", &definition.s3_region, REGIONS)?;
    for element in &definition.additional_schema_elements {
        let known = ["RESOURCES", "SPLIT_COST_ALLOCATION_DATA", "MANUAL_DISCOUNT_COMPATIBILITY"];
        one_of("additionalSchemaElements", element, &known)?;
    }
    for artifact in &definition.additional_artifacts {
        one_of("additionalArtifacts", artifact, &["REDSHIFT", "QUICKSIGHT", "ATHENA"])?;
    }
    if let Some(versioning) = &definition.report_versioning {
        one_of("reportVersioning", versioning, &["CREATE_NEW_REPORT", "OVERWRITE_REPORT"])?;
    }

    let parquet = definition.format == "Parquet";
    let has = |artifact: &str| definition.additional_artifacts.iter().any(|a| a == artifact);
    let athena_fits = definition.additional_artifacts.len() == 1
        && !definition.s3_prefix.is_empty()
        && definition.report_versioning.as_deref() == Some("OVERWRITE_REPORT")
        && parquet;
    let forbidden = parquet != (definition.compression == "Parquet")
        || (has("ATHENA") && !athena_fits)
        || (parquet && (has("REDSHIFT") || has("QUICKSIGHT")));
    if forbidden { Err(Failure::validation("")) } else { Ok(()) }
}

/// Whether the bucket exists, is the account's own, lies in the named region and lets AWS look and write.
pub fn check_bucket(world: &World, account: &str, definition: &ReportDefinition) -> Result<(), Failure> {
    if may_deliver(world, account, definition) {
        return Ok(());
    }
    Err(Failure::validation(format!(
        "Failed to verify customer bucket permission. accountId: {account}, bucket name: {}",
        definition.s3_bucket
    )))
}

/// The same question as before each delivery.
pub fn may_deliver(world: &World, account: &str, definition: &ReportDefinition) -> bool {
    let Some(bucket) = world.buckets.get(&definition.s3_bucket) else { return false };
    let arn = format!("arn:aws:s3:::{}", definition.s3_bucket);
    let object = format!("{arn}/{}/{}/object", definition.s3_prefix, definition.report_name);
    let context =
        Context::default().with("aws:SourceAccount", account).with("aws:SourceArn", definition.arn(account));
    bucket.owner == account
        && bucket.region == definition.s3_region
        && [("s3:GetBucketAcl", &arn), ("s3:GetBucketPolicy", &arn), ("s3:PutObject", &object)]
            .into_iter()
            .all(|(action, resource)| {
                let ask = Ask {
                    action,
                    resource,
                    owner: &bucket.owner,
                    resource_policy: bucket.policy.as_ref(),
                    context: &context,
                };
                allowed_for_service(DELIVERER, &ask)
            })
}

fn violation(member: &str, value: &str, constraint: &str) -> Failure {
    Failure::validation(format!(
        "1 validation error detected: Value '{value}' at 'reportDefinition.{member}' failed to satisfy constraint: {constraint}"
    ))
}

fn one_of(member: &str, value: &str, known: &[&str]) -> Result<(), Failure> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(violation(member, value, &format!("Member must satisfy enum value set: [{}]", known.join(", "))))
}
