//! `/metrics`, `/healthz` and `/readyz`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
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
pub struct Health {
    ready: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
}

impl Health {
    /// The watches are up, or another replica leads.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Something ended that must not: only a restart helps.
    pub fn set_failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && self.is_alive()
    }

    fn is_alive(&self) -> bool {
        !self.failed.load(Ordering::Relaxed)
    }
}

/// Binds the address.
///
/// # Errors
/// If it can't be bound.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until `stop`.
///
/// # Errors
/// If the server ends by itself.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Health,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/metrics", get(page))
        .route(
            "/healthz",
            get(|State((_, health)): State<(Metrics, Health)>| async move { verdict(health.is_alive()) }),
        )
        .route(
            "/readyz",
            get(|State((_, health)): State<(Metrics, Health)>| async move { verdict(health.is_ready()) }),
        )
        .with_state((metrics, health));
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn page(State((metrics, _)): State<(Metrics, Health)>) -> Response {
    match metrics.page() {
        Ok(page) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn verdict(good: bool) -> (StatusCode, &'static str) {
    if good { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") }
}
