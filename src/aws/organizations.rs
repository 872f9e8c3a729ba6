//! AWS Organizations through the SDK.

use async_trait::async_trait;
use aws_sdk_organizations::{Client, config::Region as SdkRegion};

use super::{
    AwsFault, Code, Operation, Sdk, Session,
    client_config::credentials,
    fault::{from_sdk, malformed},
    traits::{Membership, Organizations},
};
use crate::model::Partition;

/// [`Organizations`] over the SDK.
pub(super) struct SdkOrganizations {
    client: Client,
}

impl SdkOrganizations {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self { client: Client::new(&sdk.without_credentials) }
    }
}

#[async_trait]
impl Organizations for SdkOrganizations {
    async fn membership(&self, session: &Session, partition: Partition) -> Result<Membership, AwsFault> {
        let config = aws_sdk_organizations::Config::builder()
            .region(SdkRegion::new(partition.home_region()))
            .credentials_provider(credentials(session));
        let described = self.client.describe_organization().customize().config_override(config).send().await;
        let output = match described.map_err(|error| from_sdk(Operation::DescribeOrganization, &error)) {
            Ok(output) => output,
            Err(fault) if fault.code == Code::OrganizationsNotInUse => return Ok(Membership::Standalone),
            Err(fault) => return Err(fault),
        };
        // The API still says "master" for what AWS now calls the management account (fact sheet 8).
        let management = output.organization().and_then(|organization| organization.master_account_id());
        management
            .and_then(|id| id.parse().ok())
            .map(|management| Membership::InOrganization { management })
            .ok_or_else(|| malformed(Operation::DescribeOrganization, "no management account"))
    }
}
