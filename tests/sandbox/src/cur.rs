//! The legacy Cost and Usage Report API: definitions, five a page.

mod definition;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use definition::may_deliver;

use crate::iam::{Identity, allowed_at_home};
use crate::s3::Object;
use crate::state::State;
use crate::wire::Failure;
use crate::world::ReportDefinition;

/// Definitions on a page; AWS takes no other number.
const PAGE: usize = 5;
/// Definitions an account may have.
const QUOTA: usize = 10;

/// What AWS leaves in the bucket of a new report, to see whether it can write.
const PROBE: &str = "aws-programmatic-access-test-object";

/// Performs one operation.
pub fn perform(
    state: &mut State,
    identity: &Identity,
    operation: &str,
    input: &Value,
    now: Timestamp,
) -> Result<Value, Failure> {
    let account = identity.account.as_str();
    let named = |name: &str| format!("arn:aws:cur:us-east-1:{account}:definition/{name}");
    match operation {
        "DescribeReportDefinitions" => {
            authorize(identity, operation, "*")?;
            describe(reports(state, account), input)
        }
        "PutReportDefinition" => {
            let definition = parse(input)?;
            authorize(identity, operation, &named(&definition.report_name))?;
            definition::check(&definition)?;
            definition::check_bucket(&state.world, account, &definition)?;
            let reports = reports(state, account);
            if reports.iter().any(|known| known.report_name == definition.report_name) {
                let message = format!(
                    "A report with the name {} already exists in the account.",
                    definition.report_name
                );
                return Err(Failure::new(400, "DuplicateReportNameException", message));
            }
            if reports.len() >= QUOTA {
                let message = "The account has reached its limit of report definitions.";
                return Err(Failure::new(400, "ReportLimitReachedException", message));
            }
            let bucket = definition.s3_bucket.clone();
            reports.push(ReportDefinition { report_status: None, ..definition });
            state.objects.put(&bucket, PROBE, Object::new("test".into(), account, now));
            Ok(json!({}))
        }
        "ModifyReportDefinition" => {
            let definition = parse(input)?;
            let name = text(input, "ReportName")?;
            authorize(identity, operation, &named(name))?;
            definition::check(&definition)?;
            definition::check_bucket(&state.world, account, &definition)?;
            let known = find(reports(state, account), name)?;
            if definition.report_name != name {
                return Err(Failure::validation("The report name can't be changed."));
            }
            *known = ReportDefinition { report_status: known.report_status.take(), ..definition };
            Ok(json!({}))
        }
        "DeleteReportDefinition" => {
            let name = text(input, "ReportName")?;
            authorize(identity, operation, &named(name))?;
            find(reports(state, account), name)?;
            reports(state, account).retain(|known| known.report_name != name);
            Ok(json!({"ResponseMessage": format!("Report {name} has been deleted.")}))
        }
        _ => Err(Failure::new(400, "UnknownOperationException", "")),
    }
}

fn authorize(identity: &Identity, operation: &str, resource: &str) -> Result<(), Failure> {
    allowed_at_home(identity, &format!("cur:{operation}"), resource)
        .map_err(|message| Failure::new(400, "AccessDeniedException", message))
}

fn reports<'a>(state: &'a mut State, account: &str) -> &'a mut Vec<ReportDefinition> {
    &mut state.world.accounts.entry(account.to_owned()).or_default().reports
}

fn find<'a>(reports: &'a mut [ReportDefinition], name: &str) -> Result<&'a mut ReportDefinition, Failure> {
    reports
        .iter_mut()
        .find(|known| known.report_name == name)
        .ok_or_else(|| Failure::validation(format!("There is no report definition with the name {name}.")))
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Failure> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| Failure::validation(format!("{name} is missing.")))
}

fn parse(input: &Value) -> Result<ReportDefinition, Failure> {
    serde_json::from_value(input.get("ReportDefinition").cloned().unwrap_or_default())
        .map_err(|e| Failure::validation(format!("ReportDefinition: {e}")))
}

fn describe(reports: &[ReportDefinition], input: &Value) -> Result<Value, Failure> {
    if let Some(size) = input.get("MaxResults")
        && size.as_u64() != Some(PAGE as u64)
    {
        return Err(Failure::validation(format!(
            "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value equal to {PAGE}"
        )));
    }
    let start = match input.get("NextToken").and_then(Value::as_str) {
        None => 0,
        Some(token) => token
            .strip_prefix("from-")
            .and_then(|n| n.parse::<usize>().ok())
            .ok_or_else(|| Failure::validation("The NextToken is not valid."))?,
    };
    let page: Vec<&ReportDefinition> = reports.iter().skip(start).take(PAGE).collect();
    let mut answer = json!({"ReportDefinitions": page});
    if start + PAGE < reports.len() {
        answer["NextToken"] = json!(format!("from-{}", start + PAGE));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
