//! The HTTP client of the SDK where more authorities are trusted than the system's. It is the SDK's own otherwise.

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::network::trust::TrustedAuthorities;

/// The client; `None` where the SDK's default will do.
pub(super) fn trusting_client(trust: &TrustedAuthorities) -> Option<SharedHttpClient> {
    if trust.is_empty() {
        return None;
    }
    let store = TrustStore::default().with_native_roots(true).with_pem_certificate(trust.pem());
    let tls = TlsContext::builder().with_trust_store(store).build().ok()?;
    Some(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.clone())
            .proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.build()
    }))
}
