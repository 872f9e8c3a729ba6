//! CloudWatch through the SDK, which speaks CBOR to it (docs/aws-facts.md 10).

use async_trait::async_trait;
use aws_sdk_cloudwatch::{Client, config::Region as SdkRegion};

use super::{
    AwsFault, Operation, Sdk, Session, calls::Calls, client_config::sdk_credentials, traits::MetricsApi,
};
use crate::model::Region;

/// A namespace that every account has metrics in, so that the answer is short (docs/aws-facts.md 10).
const NAMESPACE: &str = "AWS/Usage";

/// [`MetricsApi`] over the SDK.
pub(super) struct SdkMetrics {
    client: Client,
    calls: Calls,
}

impl SdkMetrics {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self { client: Client::new(&sdk.without_credentials), calls: sdk.calls.clone() }
    }
}

#[async_trait]
impl MetricsApi for SdkMetrics {
    async fn can_list(&self, session: &Session, region: &Region) -> Result<(), AwsFault> {
        let config = aws_sdk_cloudwatch::Config::builder()
            .region(SdkRegion::new(region.as_str().to_owned()))
            .credentials_provider(sdk_credentials(session));
        let request = self.client.list_metrics().namespace(NAMESPACE).customize();
        let sending = request.config_override(config).send();
        self.calls.make(Operation::ListMetrics, sending).await.map(drop)
    }
}
