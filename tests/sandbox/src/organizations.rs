//! AWS Organizations: who manages whom. Any account may ask for its organization; only the management account and
//! delegated administrators may list accounts.

use serde_json::{Value, json};

use crate::iam::{Identity, allowed_at_home};
use crate::state::State;
use crate::wire::Failure;
use crate::world::{Organization, World};

/// Performs one operation.
pub fn perform(
    state: &mut State,
    identity: &Identity,
    operation: &str,
    input: &Value,
) -> Result<Value, Failure> {
    let action = format!("organizations:{operation}");
    let known = matches!(operation, "DescribeOrganization" | "ListAccounts" | "ListDelegatedAdministrators");
    if !known {
        return Err(Failure::new(400, "UnknownOperationException", ""));
    }
    allowed_at_home(identity, &action, "*")
        .map_err(|message| Failure::new(400, "AccessDeniedException", message))?;
    let organization = state.world.organization_of(&identity.account).ok_or_else(|| {
        Failure::new(
            400,
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        )
    })?;
    match operation {
        "DescribeOrganization" => Ok(describe(organization)),
        _ if !may_list(organization, &identity.account) => Err(Failure::new(
            400,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        )),
        "ListAccounts" => list_accounts(&state.world, organization, input),
        _ => Ok(list_delegated(organization)),
    }
}

fn may_list(organization: &Organization, account: &str) -> bool {
    organization.management == account || organization.delegated_administrators.iter().any(|id| id == account)
}

fn account_arn(organization: &Organization, account: &str) -> String {
    format!("arn:aws:organizations::{}:account/{}/{account}", organization.management, organization.id)
}

fn describe(organization: &Organization) -> Value {
    let Organization { id, management, feature_set, .. } = organization;
    json!({"Organization": {
        "Id": id,
        "Arn": format!("arn:aws:organizations::{management}:organization/{id}"),
        "FeatureSet": feature_set,
        "MasterAccountId": management,
        "MasterAccountArn": account_arn(organization, management),
        "MasterAccountEmail": format!("root+{management}@example.com"),
        "AvailablePolicyTypes": [],
    }})
}

/// Everybody in the organization, the management account first.
fn accounts(world: &World, organization: &Organization) -> Vec<Value> {
    let one = |id: &str, name: &str, email: &str, state: &str, joined: &str| {
        let mut account = json!({
            "Id": id,
            "Arn": account_arn(organization, id),
            "Name": name,
            "Email": if email.is_empty() { format!("root+{id}@example.com") } else { email.to_owned() },
            "State": state,
            "JoinedMethod": joined,
            "JoinedTimestamp": 1_700_000_000.0,
        });
        if organization.answers_status {
            account["Status"] = json!(if state == "CLOSED" { "SUSPENDED" } else { state });
        }
        account
    };
    let management_name =
        world.accounts.get(&organization.management).map_or("", |account| account.name.as_str());
    std::iter::once(one(&organization.management, management_name, "", "ACTIVE", "INVITED"))
        .chain(
            organization.members.iter().map(|m| one(&m.id, &m.name, &m.email, m.state.as_str(), "CREATED")),
        )
        .collect()
}

fn list_accounts(world: &World, organization: &Organization, input: &Value) -> Result<Value, Failure> {
    let invalid = |reason: &str, message: &str| {
        Failure::new(400, "InvalidInputException", message).member("Reason", reason)
    };
    let asked = match input.get("MaxResults").map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())) {
        None => organization.page_size,
        Some(Some(n @ 1..=20)) => n,
        Some(_) => return Err(invalid("MAX_LIMIT_EXCEEDED", "MaxResults must be between 1 and 20.")),
    };
    let size = asked.min(organization.page_size).clamp(1, 20);
    let start = match input.get("NextToken").and_then(Value::as_str) {
        None if organization.empty_page_first => {
            return Ok(json!({"Accounts": [], "NextToken": "page-0"}));
        }
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|n| n.parse().ok())
            .ok_or_else(|| invalid("INVALID_NEXT_TOKEN", "You provided an invalid NextToken."))?,
    };
    let all = accounts(world, organization);
    let page: Vec<&Value> = all.iter().skip(start).take(size).collect();
    let mut answer = json!({"Accounts": page});
    if start + size < all.len() {
        answer["NextToken"] = json!(format!("page-{}", start + size));
    }
    Ok(answer)
}

fn list_delegated(organization: &Organization) -> Value {
    let administrators: Vec<Value> = organization
        .members
        .iter()
        .filter(|member| organization.delegated_administrators.contains(&member.id))
        .map(|member| {
            json!({
                "Id": member.id,
                "Arn": account_arn(organization, &member.id),
                "Name": member.name,
                "Email": member.email,
                "State": member.state.as_str(),
            })
        })
        .collect();
    json!({"DelegatedAdministrators": administrators})
}

#[cfg(test)]
mod tests;
