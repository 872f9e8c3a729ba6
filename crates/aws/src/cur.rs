//! The legacy Cost and Usage Report API through the SDK.

use aws_sdk_costandusagereport::{
    Client,
    config::Region as SdkRegion,
    types::{LastStatus, ReportDefinition, SchemaElement},
};

use super::{
    AwsFault, Operation, Sdk, Session,
    calls::Calls,
    client_config::sdk_credentials,
    sdk_fault::malformed_answer,
    traits::{LegacyDefinition, LegacyDelivery, LegacyDeliveryStatus, ReportDestination, ReportGranularity},
};
use crate::model::Partition;

/// Far more pages of five than an account may have reports.
const MAX_PAGES: usize = 40;

/// Legacy definitions over the SDK.
pub(super) struct LegacyReports {
    client: Client,
    calls: Calls,
}

impl LegacyReports {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self { client: Client::new(&sdk.without_credentials), calls: sdk.calls.clone() }
    }

    pub(super) async fn definitions(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<LegacyDefinition>, AwsFault> {
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            // The API exists in one region of a partition only, and the SDK does not pin it (docs/aws-facts.md 2.1).
            let config = aws_sdk_costandusagereport::Config::builder()
                .region(SdkRegion::new(partition.home_region()))
                .credentials_provider(sdk_credentials(session));
            let sending = self
                .client
                .describe_report_definitions()
                // No page size is sent: the API accepts only its default of 5 (docs/aws-facts.md 2.1).
                .set_next_token(token)
                .customize()
                .config_override(config)
                .send();
            let page = self.calls.make(Operation::DescribeReportDefinitions, sending).await?;
            found.extend(page.report_definitions().iter().map(legacy_definition));
            // An empty token ends the pages as a missing one does; sent back, it would be refused.
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
        Err(malformed_answer(Operation::DescribeReportDefinitions, "pages without end"))
    }
}

fn legacy_definition(from: &ReportDefinition) -> LegacyDefinition {
    let delivery = from.report_status().map(|status| LegacyDelivery {
        status: match status.last_status() {
            Some(LastStatus::Success) => LegacyDeliveryStatus::Success,
            Some(LastStatus::ErrorPermissions) => LegacyDeliveryStatus::PermissionsError,
            Some(LastStatus::ErrorNoBucket) => LegacyDeliveryStatus::NoBucket,
            // The field may be absent or have a value of a later API: neither says that a delivery failed.
            _ => LegacyDeliveryStatus::Other,
        },
    });
    LegacyDefinition {
        name: from.report_name().to_owned(),
        granularity: ReportGranularity::from_name(from.time_unit().as_str()),
        format: from.format().as_str().to_owned(),
        compression: from.compression().as_str().to_owned(),
        resource_ids: from.additional_schema_elements().contains(&SchemaElement::Resources),
        refreshes_closed: from.refresh_closed_reports(),
        destination: ReportDestination {
            bucket: from.s3_bucket().to_owned(),
            prefix: from.s3_prefix().to_owned(),
            region: from.s3_region().as_str().to_owned(),
            // The API names no owner: a legacy report is delivered to the account's own bucket
            // (docs/aws-facts.md 4.1).
            owner: None,
        },
        delivery,
    }
}
