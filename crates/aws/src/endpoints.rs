//! Where AWS's services are, by the SDK's own rules: partitions, FIPS and dual stack included. For clients that have no
//! such rules, as the warehouse's store.

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::endpoint::{self as s3_rules, ResolveEndpoint as _};
use aws_sdk_sts::config::endpoint::{self as sts_rules, ResolveEndpoint as _};
use url::Url;

use crate::model::Region;

/// Which of a service's endpoints are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointVariant {
    /// Those with validated cryptography (`AWS_USE_FIPS_ENDPOINT`).
    pub fips: bool,
    /// Those that answer over IPv6 too (`AWS_USE_DUALSTACK_ENDPOINT`).
    pub dual_stack: bool,
}

impl EndpointVariant {
    /// What the environment or the profile asks for; the profile is the environment's own if none is named.
    pub async fn configured(profile: Option<&str>) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            // Neither is needed for the question, and both might be looked for over the network.
            .region(aws_config::Region::new("us-east-1"))
            .no_credentials();
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        Self {
            fips: config.use_fips().unwrap_or_default(),
            dual_stack: config.use_dual_stack().unwrap_or_default(),
        }
    }
}

/// S3 in a region, without a bucket in front; `None` where there is no such endpoint.
pub async fn s3_endpoint(region: &Region, variant: EndpointVariant) -> Option<Url> {
    let parameters = s3_rules::Params::builder()
        .region(region.as_str())
        .use_fips(variant.fips)
        .use_dual_stack(variant.dual_stack)
        .build()
        .ok()?;
    let endpoint = s3_rules::DefaultResolver::new().resolve_endpoint(&parameters).await.ok()?;
    Url::parse(endpoint.url()).ok()
}

/// STS in a region; `None` where there is no such endpoint.
pub async fn sts_endpoint(region: &Region, variant: EndpointVariant) -> Option<Url> {
    let parameters = sts_rules::Params::builder()
        .region(region.as_str())
        .use_fips(variant.fips)
        .use_dual_stack(variant.dual_stack)
        .build()
        .ok()?;
    let endpoint = sts_rules::DefaultResolver::new().resolve_endpoint(&parameters).await.ok()?;
    Url::parse(endpoint.url()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: EndpointVariant = EndpointVariant { fips: false, dual_stack: false };
    const FIPS: EndpointVariant = EndpointVariant { fips: true, dual_stack: false };
    const BOTH: EndpointVariant = EndpointVariant { fips: true, dual_stack: true };

    #[tokio::test]
    async fn each_partition_has_its_own_names() {
        for (region, variant, of_s3, of_sts) in [
            ("eu-west-1", PLAIN, "s3.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"),
            ("us-east-1", FIPS, "s3-fips.us-east-1.amazonaws.com", "sts-fips.us-east-1.amazonaws.com"),
            ("us-east-2", BOTH, "s3-fips.dualstack.us-east-2.amazonaws.com", "sts-fips.us-east-2.api.aws"),
            ("us-gov-west-1", FIPS, "s3-fips.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", PLAIN, "s3.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", PLAIN, "s3.eusc-de-east-1.amazonaws.eu", "sts.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", PLAIN, "s3.us-iso-east-1.c2s.ic.gov", "sts.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", PLAIN, "s3.us-isob-east-1.sc2s.sgov.gov", "sts.us-isob-east-1.sc2s.sgov.gov"),
            (
                "eu-isoe-west-1",
                PLAIN,
                "s3.eu-isoe-west-1.cloud.adc-e.uk",
                "sts.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "us-isof-south-1",
                PLAIN,
                "s3.us-isof-south-1.csp.hci.ic.gov",
                "sts.us-isof-south-1.csp.hci.ic.gov",
            ),
        ] {
            let region: Region = region.parse().expect(region);
            let host = |url: Option<Url>| url.and_then(|url| Some(url.host_str()?.to_owned()));
            assert_eq!(host(s3_endpoint(&region, variant).await).as_deref(), Some(of_s3), "S3 in {region}");
            assert_eq!(
                host(sts_endpoint(&region, variant).await).as_deref(),
                Some(of_sts),
                "STS in {region}"
            );
        }
    }

    #[tokio::test]
    async fn a_bucket_in_front_is_what_the_sdk_itself_would_ask() {
        for region in ["eu-west-1", "us-gov-west-1", "cn-northwest-1"] {
            for variant in [PLAIN, FIPS, BOTH, EndpointVariant { fips: false, dual_stack: true }] {
                let parameters = s3_rules::Params::builder()
                    .region(region)
                    .bucket("acme-lake")
                    .use_fips(variant.fips)
                    .use_dual_stack(variant.dual_stack)
                    .build()
                    .expect("parameters");
                let theirs = s3_rules::DefaultResolver::new().resolve_endpoint(&parameters).await;
                let ours = s3_endpoint(&region.parse().expect(region), variant).await;
                let ours =
                    ours.map(|url| format!("https://acme-lake.{}", url.host_str().unwrap_or_default()));
                assert_eq!(
                    ours,
                    theirs.ok().map(|endpoint| endpoint.url().to_owned()),
                    "{region} {variant:?}"
                );
            }
        }
    }
}
