//! `/metrics`, `/healthz` and `/readyz`.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;

/// Whether the process can do its work, as the kubelet asks it.
#[derive(Debug, Clone, Default)]
pub struct HealthState {
    ready: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    standing_by: Arc<Mutex<Option<String>>>,
}

impl HealthState {
    /// The watches are up, or another replica leads.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Something ended that must not: only a restart helps.
    pub fn set_failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Another replica leads, and which; `None` once this one does.
    pub fn stands_by(&self, because: Option<String>) {
        *self.standing_by.lock().unwrap_or_else(PoisonError::into_inner) = because;
    }

    /// What `/readyz` says of a process that is ready.
    fn ready_text(&self) -> String {
        let standing_by = self.standing_by.lock().unwrap_or_else(PoisonError::into_inner);
        standing_by.as_ref().map_or_else(|| "ok".to_owned(), |because| format!("ok, standing by: {because}"))
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && self.is_alive()
    }

    fn is_alive(&self) -> bool {
        !self.failed.load(Ordering::Relaxed)
    }
}

/// Binds the address. `[::]` takes calls over IPv6 and IPv4, and over IPv4 alone on a node that has no IPv6.
///
/// # Errors
/// If it can't be bound.
pub async fn bind_listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let any = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match TcpListener::bind(address).await {
        // A node without IPv6 refuses the family; a port in use would be in use for IPv4 as well.
        Err(error) if any && error.kind() != ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

/// Serves until `stop`.
///
/// # Errors
/// If the server ends by itself.
pub async fn serve_http(
    listener: TcpListener,
    metrics: Metrics,
    health: HealthState,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/metrics", get(metrics_page))
        .route(
            "/healthz",
            get(|State((_, health)): State<(Metrics, HealthState)>| async move {
                verdict_response(health.is_alive(), "ok".to_owned())
            }),
        )
        .route(
            "/readyz",
            get(|State((_, health)): State<(Metrics, HealthState)>| async move {
                verdict_response(health.is_ready(), health.ready_text())
            }),
        )
        .with_state((metrics, health));
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn metrics_page(State((metrics, _)): State<(Metrics, HealthState)>) -> Response {
    match metrics.page() {
        Ok(page) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn verdict_response(good: bool, text: String) -> (StatusCode, String) {
    if good { (StatusCode::OK, text) } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_address_is_reached_over_ipv4_too() {
        let listener = bind_listener(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("IPv4 reaches it");
    }
}
