//! CloudWatch over Smithy's RPC v2 with CBOR bodies: ListMetrics, and nothing else of CloudWatch.

mod cbor;

use serde_json::{Value, json};

pub use cbor::{decode, encode};

use crate::iam::{Ask, Context, Identity, allowed};
use crate::state::State;
use crate::wire::Failure;
use crate::world::Metric;

/// The path of an RPC v2 call, before the operation's name.
const PATH: &str = "/service/GraniteServiceVersion20100801/operation/";

/// Metrics on a page.
const PAGE: usize = 500;

/// The operation that a path names.
pub fn operation(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)
}

/// Performs one operation.
pub fn perform(
    state: &State,
    identity: &Identity,
    operation: &str,
    input: &Value,
    region: &str,
) -> Result<Value, Failure> {
    if operation != "ListMetrics" {
        return Err(Failure::new(404, "UnknownOperationException", ""));
    }
    let action = "cloudwatch:ListMetrics";
    let context = Context::default();
    let ask =
        Ask { action, resource: "*", owner: &identity.account, resource_policy: None, context: &context };
    allowed(identity, &ask).map_err(|denial| {
        let message = format!(
            "User: {} is not authorized to perform: {action} {}",
            identity.arn,
            denial.because(action)
        );
        Failure::new(403, "AccessDenied", message)
    })?;
    let known = state.world.accounts.get(&identity.account).map_or(&[][..], |account| &account.metrics);
    list(known.iter().filter(|metric| metric.region == region).collect(), input)
}

fn list(known: Vec<&Metric>, input: &Value) -> Result<Value, Failure> {
    let invalid = |message: &str| Failure::new(400, "InvalidParameterValue", message);
    if input.get("RecentlyActive").is_some_and(|value| value != "PT3H") {
        return Err(invalid("The value for parameter RecentlyActive must be PT3H."));
    }
    let wanted = |name: &str, given: &str| {
        input.get(name).and_then(Value::as_str).is_none_or(|wanted| wanted == given)
    };
    let dimensions = |metric: &Metric| {
        input.get("Dimensions").and_then(Value::as_array).into_iter().flatten().all(|filter| {
            let name = filter["Name"].as_str().unwrap_or_default();
            let value = filter["Value"].as_str();
            metric.dimensions.get(name).is_some_and(|has| value.is_none_or(|value| value == has))
        })
    };
    let found: Vec<Value> = known
        .into_iter()
        .filter(|metric| {
            wanted("Namespace", &metric.namespace) && wanted("MetricName", &metric.name) && dimensions(metric)
        })
        .map(|metric| {
            let dimensions: Vec<Value> =
                metric.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
            json!({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions})
        })
        .collect();
    let start = match input.get("NextToken").and_then(Value::as_str) {
        None => 0,
        Some(token) => token
            .strip_prefix("from-")
            .and_then(|n| n.parse::<usize>().ok())
            .ok_or_else(|| invalid("The NextToken is not valid."))?,
    };
    let page: Vec<&Value> = found.iter().skip(start).take(PAGE).collect();
    let mut answer = json!({"Metrics": page});
    if start + PAGE < found.len() {
        answer["NextToken"] = json!(format!("from-{}", start + PAGE));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
