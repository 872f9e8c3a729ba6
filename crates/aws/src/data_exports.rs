//! The Data Exports API through the SDK, and both report APIs as one catalogue.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_bcmdataexports::{
    Client,
    config::{Builder, Region as SdkRegion},
    types::{ExecutionStatus, ExecutionStatusCode, ExecutionStatusReason, ExportStatus, ExportStatusCode},
};

use super::{
    AwsFault, Operation, Sdk, Session,
    calls::Calls,
    client_config::{sdk_credentials, to_timestamp},
    cur::LegacyReports,
    sdk_fault::malformed_answer,
    traits::{
        ExecutionEnd, ExportDefinition, ExportExecution, ExportHealth, ExportIllness, ExportReference,
        LegacyDefinition, ReportCatalog, ReportDestination,
    },
};
use crate::model::Partition;

/// Far more pages than an account may have exports.
const MAX_PAGES: usize = 40;

/// [`ReportCatalog`] over the SDK.
pub(super) struct SdkCatalog {
    legacy: LegacyReports,
    exports: Client,
    calls: Calls,
}

impl SdkCatalog {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self {
            legacy: LegacyReports::new(sdk),
            exports: Client::new(&sdk.without_credentials),
            calls: sdk.calls.clone(),
        }
    }
}

/// The API's home is pinned by the SDK, but a request to an endpoint override is signed for the region given here.
fn client_config(session: &Session, partition: Partition) -> Builder {
    aws_sdk_bcmdataexports::Config::builder()
        .region(SdkRegion::new(partition.home_region()))
        .credentials_provider(sdk_credentials(session))
}

#[async_trait]
impl ReportCatalog for SdkCatalog {
    async fn legacy_definitions(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<LegacyDefinition>, AwsFault> {
        self.legacy.definitions(session, partition).await
    }

    async fn exports(
        &self,
        session: &Session,
        partition: Partition,
    ) -> Result<Vec<ExportReference>, AwsFault> {
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let sending = self
                .exports
                .list_exports()
                .set_next_token(token)
                .customize()
                .config_override(client_config(session, partition))
                .send();
            let page = self.calls.make(Operation::ListExports, sending).await?;
            found.extend(page.exports().iter().map(|export| ExportReference {
                arn: export.export_arn().to_owned(),
                name: export.export_name().to_owned(),
            }));
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
        Err(malformed_answer(Operation::ListExports, "pages without end"))
    }

    async fn export(
        &self,
        session: &Session,
        partition: Partition,
        arn: &str,
    ) -> Result<ExportDefinition, AwsFault> {
        let sending = self
            .exports
            .get_export()
            .export_arn(arn)
            .customize()
            .config_override(client_config(session, partition))
            .send();
        let output = self.calls.make(Operation::GetExport, sending).await?;
        let missing = |what| malformed_answer(Operation::GetExport, what);
        let export = output.export().ok_or_else(|| missing("no export"))?;
        let query = export.data_query().ok_or_else(|| missing("no query"))?;
        let target = export
            .destination_configurations()
            .and_then(|destination| destination.s3_destination())
            .ok_or_else(|| missing("no destination"))?;
        let files = target.s3_output_configurations().ok_or_else(|| missing("no output configuration"))?;
        // The status is optional in the API; without it the export counts neither as healthy nor as broken.
        let status = output.export_status();
        Ok(ExportDefinition {
            arn: arn.to_owned(),
            name: export.name().to_owned(),
            query: query.query_statement().to_owned(),
            properties: query
                .table_configurations()
                .into_iter()
                .flatten()
                .map(|(table, properties)| {
                    let properties = properties.iter().map(|(name, value)| (name.clone(), value.clone()));
                    (table.clone(), properties.collect::<BTreeMap<_, _>>())
                })
                .collect(),
            format: files.format().as_str().to_owned(),
            compression: files.compression().as_str().to_owned(),
            destination: ReportDestination {
                bucket: target.s3_bucket().to_owned(),
                prefix: target.s3_prefix().to_owned(),
                region: target.s3_region().to_owned(),
                // Unlike a legacy report, an export may go to another account's bucket (docs/aws-facts.md
                // 3.2).
                owner: target.s3_bucket_owner().map(str::to_owned),
            },
            health: status.map_or(ExportHealth::Other, export_health),
            refreshed_at: status.and_then(ExportStatus::last_refreshed_at).and_then(to_timestamp),
        })
    }

    async fn last_execution(
        &self,
        session: &Session,
        partition: Partition,
        arn: &str,
    ) -> Result<Option<ExportExecution>, AwsFault> {
        let mut newest = None;
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let sending = self
                .exports
                .list_executions()
                .export_arn(arn)
                .set_next_token(token)
                .customize()
                .config_override(client_config(session, partition))
                .send();
            let page = self.calls.make(Operation::ListExecutions, sending).await?;
            let statuses = page.executions().iter().filter_map(|execution| execution.execution_status());
            // The API promises no order.
            newest = statuses.filter_map(ended_execution).chain(newest).max_by_key(|(at, _)| *at);
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(newest.map(|(_, execution)| execution));
            }
        }
        Err(malformed_answer(Operation::ListExecutions, "pages without end"))
    }
}

/// An execution that has ended, and when; `None` for one under way.
fn ended_execution(status: &ExecutionStatus) -> Option<(Option<jiff::Timestamp>, ExportExecution)> {
    let end = match status.status_code()? {
        ExecutionStatusCode::DeliverySuccess => ExecutionEnd::Delivered,
        ExecutionStatusCode::QueryFailure => ExecutionEnd::QueryFailed,
        ExecutionStatusCode::DeliveryFailure => ExecutionEnd::DeliveryFailed,
        _ => return None,
    };
    // All three times are optional; the later ones say more about when the execution ended.
    let at = status.completed_at().or_else(|| status.last_updated_at()).or_else(|| status.created_at());
    Some((
        at.and_then(to_timestamp),
        ExportExecution { end, illness: status.status_reason().map(export_illness) },
    ))
}

fn export_illness(reason: &ExecutionStatusReason) -> ExportIllness {
    match reason {
        ExecutionStatusReason::InsufficientPermission => ExportIllness::InsufficientPermission,
        ExecutionStatusReason::BillOwnerChanged => ExportIllness::BillOwnerChanged,
        ExecutionStatusReason::InternalFailure => ExportIllness::InternalFailure,
        ExecutionStatusReason::Deprecated => ExportIllness::Deprecated,
        _ => ExportIllness::Other,
    }
}

fn export_health(status: &ExportStatus) -> ExportHealth {
    match status.status_code() {
        Some(ExportStatusCode::Healthy) => ExportHealth::Healthy,
        Some(ExportStatusCode::Unhealthy) => {
            ExportHealth::Unhealthy(status.status_reason().map_or(ExportIllness::Other, export_illness))
        }
        _ => ExportHealth::Other,
    }
}
