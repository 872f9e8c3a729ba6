//! The SDK's clients: STS, Organizations, the report APIs and S3 through a proxy and under an authority of one's own.

use super::{
    super::aws_environment::{KEYS, PAYER, assert_all_well, calls, sandbox},
    authority::Authority,
    proxy::{Proxy, Speaks},
};

/// The hosts of the demo's payer, as the proxy is asked for them.
const HOSTS: [&str; 3] = [
    "acme-billing.s3.us-east-1.amazonaws.com:443",
    "organizations.us-east-1.amazonaws.com:443",
    "sts.us-east-1.amazonaws.com:443",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_reached_through_the_proxy() {
    let sandbox = sandbox();
    let authority = Authority::new();
    let proxy = Proxy::start(&authority, sandbox.address(), Speaks::Http).await;
    let (ca, url) = (authority.path(), proxy.url());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let said = calls(&[KEYS[0], KEYS[1], PAYER, (variable, &url), ("AWS_CA_BUNDLE", &ca)]);
        assert_all_well(&said);
        assert_eq!(proxy.asked(), HOSTS, "{variable}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_keeps_a_host_from_the_proxy() {
    let sandbox = sandbox();
    let authority = Authority::new();
    let proxy = Proxy::start(&authority, sandbox.address(), Speaks::Http).await;
    let port = authority.door("127.0.0.1", sandbox.address()).await;
    let (ca, url, endpoint) = (authority.path(), proxy.url(), format!("https://127.0.0.1:{port}"));
    let usual = [KEYS[0], KEYS[1], PAYER, ("HTTPS_PROXY", url.as_str()), ("AWS_CA_BUNDLE", ca.as_str())];
    let without =
        [usual.as_slice(), &[("AWS_ENDPOINT_URL", endpoint.as_str()), ("NO_PROXY", "127.0.0.0/8")]].concat();
    assert_all_well(&calls(&without));
    assert_eq!(proxy.asked(), [""; 0], "the endpoint is kept from the proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named_and_never_before() {
    let sandbox = sandbox();
    let authority = Authority::new();
    let port = authority.door("127.0.0.1", sandbox.address()).await;
    let (ca, endpoint) = (authority.path(), format!("https://127.0.0.1:{port}"));
    let usual = [KEYS[0], KEYS[1], PAYER, ("AWS_ENDPOINT_URL", endpoint.as_str())];
    for named in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        assert_all_well(&calls(&[usual.as_slice(), &[(named, ca.as_str())]].concat()));
    }
    let refused = calls(&usual);
    assert!(refused.contains("base: Err") && refused.contains("ConnectionFailed"), "{refused}");
    assert_eq!(sandbox.calls().of("sts", "GetCallerIdentity").len(), 4, "nothing is told to a stranger");
}
