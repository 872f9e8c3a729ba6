//! The listener: HTTP/1.1 connections, each served until the sandbox stops.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dispatch;
use crate::s3::S3Door;
use crate::state::Shared;
use crate::wire::Failure;

/// How long open connections may take to finish after a stop.
const GRACE: Duration = Duration::from_secs(5);
/// The largest request body: S3's limit for one PUT is 5 GiB, and objects live in memory.
const BODY_LIMIT: usize = 5 * 1024 * 1024 * 1024;

/// Serves until `stop` turns true or its sender is gone.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let s3 = S3Door::new(shared.clone());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, shared.clone(), s3.clone(), stop.clone()));
                }
                // Out of file handles, or the peer is gone already: neither ends the sandbox.
                Err(failure) => tracing::warn!(%failure, "accept failed"),
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(listener);
    let drained =
        tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        connections.abort_all();
    }
}

/// Resolves when the sandbox is to stop, or its handle is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok();
}

async fn converse(stream: TcpStream, shared: Arc<Shared>, s3: S3Door, mut stop: watch::Receiver<bool>) {
    if let Err(failure) = stream.set_nodelay(true) {
        tracing::debug!(%failure, "connection gone");
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, s3) = (shared.clone(), s3.clone());
        async move { answer(&shared, &s3, request).await }
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(failure) = ended {
        tracing::debug!(%failure, "connection ended early");
    }
}

async fn answer(
    shared: &Arc<Shared>,
    s3: &S3Door,
    request: Request<Incoming>,
) -> Result<http::Response<Body>, io::Error> {
    let (parts, incoming) = request.into_parts();
    let body = match Body::from(incoming).store_all_limited(BODY_LIMIT).await {
        Ok(body) => body,
        Err(failure) => {
            let failure = Failure::new(400, "IncompleteBody", failure.to_string());
            return Ok(failure.into_s3_response("-", &[]));
        }
    };
    dispatch::answer(shared, s3, parts, body).await.map_err(io::Error::other)
}
