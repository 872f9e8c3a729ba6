//! AWS Data Exports: exports of CUR 2.0 and FOCUS tables, their status and their executions.

mod query;
mod table;

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::iam::{Ask, Context, Identity, allowed_at_home, allowed_for_service};
use crate::state::State;
use crate::wire::Failure;
use crate::world::{Execution, Export, ExportRecord, ExportStatus, World};

pub use query::Selection;

/// The service that delivers exports.
const DELIVERER: &str = "bcm-data-exports.amazonaws.com";

/// Performs one operation.
pub fn perform(
    state: &mut State,
    identity: &Identity,
    operation: &str,
    input: &Value,
    now: Timestamp,
) -> Result<Value, Failure> {
    // AWS dates are milliseconds here.
    let now = now.round(Unit::Millisecond).unwrap_or(now);
    let account = identity.account.as_str();
    match operation {
        "ListExports" => {
            authorize(identity, operation, "*")?;
            let listed: Vec<Value> = records(state, account)
                .iter()
                .map(|record| {
                    json!({
                        "ExportArn": record.arn(account),
                        "ExportName": record.export.name,
                        "ExportStatus": record.export_status,
                    })
                })
                .collect();
            page("Exports", listed, input)
        }
        "GetExport" => {
            let record = authorized_record(state, identity, operation, input)?;
            Ok(json!({"Export": record.shown(account), "ExportStatus": record.export_status}))
        }
        "ListExecutions" => {
            let record = authorized_record(state, identity, operation, input)?;
            let listed = record
                .executions
                .iter()
                .map(|run| json!({"ExecutionId": run.execution_id, "ExecutionStatus": run.execution_status}))
                .collect();
            page("Executions", listed, input)
        }
        "GetExecution" => {
            let record = authorized_record(state, identity, operation, input)?;
            let id = text(input, "ExecutionId")?;
            let run = record
                .executions
                .iter()
                .find(|run| run.execution_id == id)
                .ok_or_else(|| not_found("execution", id))?;
            Ok(shown_execution(run, record, account))
        }
        "CreateExport" => create(state, identity, input, now),
        "UpdateExport" => update(state, identity, input, now),
        "DeleteExport" => {
            let arn = authorized_record(state, identity, operation, input)?.arn(account);
            records(state, account).retain(|record| record.arn(account) != arn);
            Ok(json!({"ExportArn": arn}))
        }
        _ => Err(Failure::new(400, "UnknownOperationException", "")),
    }
}

fn shown_execution(run: &Execution, record: &ExportRecord, account: &str) -> Value {
    let export = run.export.clone().unwrap_or_else(|| record.shown(account));
    json!({"ExecutionId": run.execution_id, "Export": export, "ExecutionStatus": run.execution_status})
}

fn authorize(identity: &Identity, operation: &str, resource: &str) -> Result<(), Failure> {
    let action = match operation.split_once(':') {
        Some(_) => operation.to_owned(),
        None => format!("bcm-data-exports:{operation}"),
    };
    allowed_at_home(identity, &action, resource)
        .map_err(|message| Failure::new(400, "AccessDeniedException", message))
}

fn records<'a>(state: &'a mut State, account: &str) -> &'a mut Vec<ExportRecord> {
    &mut state.world.accounts.entry(account.to_owned()).or_default().exports
}

fn authorized_record<'a>(
    state: &'a mut State,
    identity: &Identity,
    operation: &str,
    input: &Value,
) -> Result<&'a mut ExportRecord, Failure> {
    let arn = text(input, "ExportArn")?;
    authorize(identity, operation, arn)?;
    let account = identity.account.as_str();
    records(state, account)
        .iter_mut()
        .find(|record| record.arn(account) == arn)
        .ok_or_else(|| not_found("export", arn))
}

fn not_found(kind: &str, id: &str) -> Failure {
    Failure::new(404, "ResourceNotFoundException", format!("The {kind} {id} does not exist."))
        .member("ResourceId", id)
        .member("ResourceType", kind)
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Failure> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| invalid(&format!("{name} is missing.")))
}

fn invalid(message: &str) -> Failure {
    Failure::validation(message).member("Reason", "fieldValidationFailed")
}

fn page(member: &str, all: Vec<Value>, input: &Value) -> Result<Value, Failure> {
    let size = match input.get("MaxResults").map(Value::as_u64) {
        None => 100,
        Some(Some(n @ 1..=300)) => usize::try_from(n).unwrap_or(300),
        Some(_) => return Err(invalid("MaxResults must be between 1 and 300.")),
    };
    let start = match input.get("NextToken").and_then(Value::as_str) {
        None => 0,
        Some(token) => token
            .strip_prefix("from-")
            .and_then(|n| n.parse::<usize>().ok())
            .ok_or_else(|| invalid("The NextToken is not valid."))?,
    };
    let more = start + size < all.len();
    let mut answer = json!({});
    answer[member] = all.into_iter().skip(start).take(size).collect();
    if more {
        answer["NextToken"] = json!(format!("from-{}", start + size));
    }
    Ok(answer)
}

fn parse_export(input: &Value) -> Result<Export, Failure> {
    serde_json::from_value(input.get("Export").cloned().unwrap_or_default())
        .map_err(|e| Failure::validation(format!("Export: {e}")).member("Reason", "cannotParse"))
}

fn create(state: &mut State, identity: &Identity, input: &Value, now: Timestamp) -> Result<Value, Failure> {
    let account = identity.account.as_str();
    let export = Export { export_arn: None, ..parse_export(input)? };
    let id = uuid::Uuid::new_v4();
    let arn = format!("arn:aws:bcm-data-exports:us-east-1:{account}:export/{}-{id}", export.name);
    authorize(identity, "CreateExport", &arn)?;
    let name_fits = (1..=128).contains(&export.name.len())
        && export.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !name_fits {
        return Err(invalid("Name must match [0-9A-Za-z-_]+ and be 1 to 128 characters long."));
    }
    let table = check(&state.world, account, &arn, &export)?;
    authorize(
        identity,
        "CreateExport",
        &format!("arn:aws:bcm-data-exports:us-east-1:{account}:table/{}", table.name),
    )?;
    authorize(
        identity,
        "cur:PutReportDefinition",
        &format!("arn:aws:cur:us-east-1:{account}:/putReportDefinition"),
    )?;
    let known = records(state, account);
    if known.iter().any(|record| record.export.name == export.name) {
        return Err(invalid(&format!("An export with the name {} already exists.", export.name)));
    }
    let of_this_table = known.iter().filter(|r| {
        Selection::parse(&r.export.data_query.query_statement).is_ok_and(|s| s.table == table.name)
    });
    if of_this_table.count() >= table.quota {
        let message =
            format!("Account has reached the resource limit of {} on {} table.", table.quota, table.name);
        return Err(Failure::new(402, "ServiceQuotaExceededException", message)
            .member("QuotaCode", "L-00000000")
            .member("ServiceCode", "AWSBillingAndCostManagementDataExports"));
    }
    known.push(ExportRecord {
        export: Export { export_arn: Some(arn.clone()), ..export },
        export_status: ExportStatus {
            created_at: Some(now),
            last_updated_at: Some(now),
            ..ExportStatus::default()
        },
        executions: Vec::new(),
    });
    Ok(json!({"ExportArn": arn}))
}

fn update(state: &mut State, identity: &Identity, input: &Value, now: Timestamp) -> Result<Value, Failure> {
    let account = identity.account.as_str();
    let export = parse_export(input)?;
    let known = authorized_record(state, identity, "UpdateExport", input)?;
    let (arn, old) = (known.arn(account), known.export.clone());
    let old_table = Selection::parse(&old.data_query.query_statement).map(|selection| selection.table);
    let table = check(&state.world, account, &arn, &export)?;
    if export.name != old.name || old_table.is_ok_and(|old| old != table.name) {
        return Err(invalid("The name and the table of an export can't be changed."));
    }
    let known = authorized_record(state, identity, "UpdateExport", input)?;
    known.export = Export { export_arn: Some(arn.clone()), ..export };
    known.export_status.last_updated_at = Some(now);
    Ok(json!({"ExportArn": arn}))
}

/// Everything about an export that AWS looks at before it takes it.
fn check(world: &World, account: &str, arn: &str, export: &Export) -> Result<&'static table::Table, Failure> {
    let selection =
        Selection::parse(&export.data_query.query_statement).map_err(|why| invalid(&why.to_string()))?;
    let table = table::find(&selection.table)
        .ok_or_else(|| invalid(&format!("Invalid QueryStatement: there is no table {}.", selection.table)))?;
    for (name, properties) in &export.data_query.table_configurations {
        if *name != table.name {
            return Err(invalid(&format!(
                "TableConfigurations names {name}, which is not the table of the query."
            )));
        }
        table.check_properties(properties).map_err(|why| invalid(&why))?;
    }
    let properties = export.data_query.table_configurations.get(table.name);
    if let Some(column) = selection.columns.iter().find(|column| !table.offers(column, properties)) {
        return Err(invalid(&format!("Invalid QueryStatement: {} has no column {column}.", table.name)));
    }

    let destination = &export.destination_configurations.s3_destination;
    let output = &destination.s3_output_configurations;
    let pair = (output.format.as_str(), output.compression.as_str());
    if !matches!(pair, ("TEXT_OR_CSV", "GZIP" | "ZIP") | ("PARQUET", "PARQUET")) {
        return Err(invalid(&format!("Format {} can't be compressed as {}.", pair.0, pair.1)));
    }
    for (member, value, known) in [
        ("OutputType", &output.output_type, &["CUSTOM", "ATHENA", "REDSHIFT"][..]),
        ("Overwrite", &output.overwrite, &["CREATE_NEW_REPORT", "OVERWRITE_REPORT"]),
        ("Frequency", &export.refresh_cadence.frequency, &["SYNCHRONOUS"]),
    ] {
        if !known.contains(&value.as_str()) {
            return Err(invalid(&format!("{member} must be one of {}.", known.join(", "))));
        }
    }
    if !may_deliver(world, account, arn, export) {
        return Err(Failure::validation("S3 bucket permission validation failed").member("Reason", "other"));
    }
    Ok(table)
}

/// Whether the bucket is where and whose the export says, and lets the service write: asked at creation and before each
/// delivery.
pub fn may_deliver(world: &World, account: &str, arn: &str, export: &Export) -> bool {
    let destination = &export.destination_configurations.s3_destination;
    let Some(bucket) = world.buckets.get(&destination.s3_bucket) else { return false };
    let owner = destination.s3_bucket_owner.as_deref().unwrap_or(account);
    let context = Context::default().with("aws:SourceAccount", account).with("aws:SourceArn", arn);
    let ask = Ask {
        action: "s3:PutObject",
        resource: &format!(
            "arn:aws:s3:::{}/{}/{}/object",
            destination.s3_bucket, destination.s3_prefix, export.name
        ),
        owner: &bucket.owner,
        resource_policy: bucket.policy.as_ref(),
        context: &context,
    };
    bucket.owner == owner && bucket.region == destination.s3_region && allowed_for_service(DELIVERER, &ask)
}

#[cfg(test)]
mod tests;
