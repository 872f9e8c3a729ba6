//! AWS Organizations through the SDK.

use async_trait::async_trait;
use aws_sdk_organizations::{
    Client,
    config::{Builder, Region as SdkRegion},
    types::{AccountState, AccountStatus, OrganizationFeatureSet},
};

use super::{
    AwsFault, Code, Operation, Sdk, Session,
    calls::Calls,
    client_config::sdk_credentials,
    sdk_fault::malformed_answer,
    traits::{
        OrganizationAccount, OrganizationAccountState, OrganizationFeatures, OrganizationMembership,
        OrganizationsApi,
    },
};
use crate::model::Partition;

/// Far more pages of twenty than an organization may have accounts.
const MAX_PAGES: usize = 5_000;

/// [`OrganizationsApi`] over the SDK.
pub(super) struct SdkOrganizations {
    client: Client,
    calls: Calls,
}

impl SdkOrganizations {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self { client: Client::new(&sdk.without_credentials), calls: sdk.calls.clone() }
    }
}

/// The API has one home in a partition (docs/aws-facts.md 8).
fn client_config(session: &Session, partition: Partition) -> Builder {
    aws_sdk_organizations::Config::builder()
        .region(SdkRegion::new(partition.home_region()))
        .credentials_provider(sdk_credentials(session))
}

#[async_trait]
impl OrganizationsApi for SdkOrganizations {
    async fn membership(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<OrganizationMembership, AwsFault> {
        let request = self.client.describe_organization().customize();
        let sending = request.config_override(client_config(session, partition)).send();
        let output = match self.calls.make(Operation::DescribeOrganization, sending).await {
            Ok(output) => output,
            // AWS answers with an error what is a fact about the account (docs/aws-facts.md 8).
            Err(fault) if fault.code == Code::OrganizationsNotInUse => {
                return Ok(OrganizationMembership::Standalone);
            }
            Err(fault) => return Err(fault),
        };
        // The API still says "master" for what AWS now calls the management account (docs/aws-facts.md 8).
        let organization = output.organization();
        let management = organization.and_then(|organization| organization.master_account_id());
        let features = match organization.and_then(|organization| organization.feature_set()) {
            Some(OrganizationFeatureSet::ConsolidatedBilling) => OrganizationFeatures::ConsolidatedBilling,
            // A value that AWS adds later is not consolidated billing alone, which is all that is asked
            // here.
            _ => OrganizationFeatures::All,
        };
        management
            .and_then(|id| id.parse().ok())
            .map(|management| OrganizationMembership::InOrganization { management, features })
            .ok_or_else(|| malformed_answer(Operation::DescribeOrganization, "no management account"))
    }

    async fn accounts(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<OrganizationAccount>, AwsFault> {
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_accounts().set_next_token(token).customize();
            let sending = request.config_override(client_config(session, partition)).send();
            let page = self.calls.make(Operation::ListAccounts, sending).await?;
            for account in page.accounts() {
                found.push(
                    account_summary(account).ok_or_else(|| {
                        malformed_answer(Operation::ListAccounts, "an account without an id")
                    })?,
                );
            }
            // A page may be empty and not the last.
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
        Err(malformed_answer(Operation::ListAccounts, "pages without end"))
    }
}

fn account_summary(account: &aws_sdk_organizations::types::Account) -> Option<OrganizationAccount> {
    Some(OrganizationAccount {
        id: account.id()?.parse().ok()?,
        name: account.name().unwrap_or_default().to_owned(),
        state: account_state(account),
    })
}

/// `State`, for AWS retires `Status`. Both are optional (docs/aws-facts.md 8): an account of which nothing is said is in
/// the organization, so it counts as one, unless `Status` says that it ends.
fn account_state(account: &aws_sdk_organizations::types::Account) -> OrganizationAccountState {
    match (account.state(), account.status()) {
        (Some(AccountState::Active), _) => OrganizationAccountState::Active,
        (Some(AccountState::Suspended | AccountState::PendingClosure | AccountState::Closed), _)
        | (None, Some(AccountStatus::Suspended | AccountStatus::PendingClosure)) => {
            OrganizationAccountState::Ending
        }
        (None, None | Some(AccountStatus::Active)) => OrganizationAccountState::Active,
        _ => OrganizationAccountState::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_a_state_counts_unless_its_status_says_that_it_ends() {
        use OrganizationAccountState::{Active, Ending, Other};
        for (given, said, expected) in [
            (None, None, Active),
            (None, Some(AccountStatus::Active), Active),
            (None, Some(AccountStatus::Suspended), Ending),
            (None, Some(AccountStatus::PendingClosure), Ending),
            (None, Some(AccountStatus::from("NEW_ONE")), Other),
            (Some(AccountState::Active), Some(AccountStatus::Suspended), Active),
            (Some(AccountState::Closed), Some(AccountStatus::Active), Ending),
            (Some(AccountState::PendingActivation), None, Other),
            (Some(AccountState::from("NEW_ONE")), Some(AccountStatus::Active), Other),
        ] {
            let account = aws_sdk_organizations::types::Account::builder();
            let account = account.set_state(given.clone()).set_status(said.clone()).build();
            assert_eq!(account_state(&account), expected, "{given:?} {said:?}");
        }
    }
}
