//! `/healthz` and `/metrics`, on a listener of their own, for monitoring alone.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::server::Server;

/// Answers whoever calls `listener`, until dropped.
///
/// # Errors
/// When the listener fails in a way that will not pass.
pub(crate) async fn serve(server: Server, listener: TcpListener) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return Ok(());
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "metrics: accept failed; waiting");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let server = server.clone();
        tokio::spawn(async move {
            connection(server, stream).await;
            drop(place);
        });
    }
}

/// One request. Bounded in time, because the far side may neither ask nor read.
async fn connection(server: Server, stream: TcpStream) {
    let respond = service_fn(|request: Request<Incoming>| {
        let response = response(&server, &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(REQUEST_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), respond);
    match timeout(CONNECTION_TIMEOUT, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "metrics: connection lost"),
        Err(_) => tracing::debug!("metrics: connection closed, it took too long"),
    }
}

fn response<B>(server: &Server, request: &Request<B>) -> Response<String> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(ALLOW, allowed);
        return refusal;
    }
    match request.uri().path() {
        "/healthz" if server.is_draining() => plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        "/metrics" => match server.metrics() {
            Ok(text) => {
                let mut response = Response::new(text);
                let kind = HeaderValue::from_static(OPEN_METRICS);
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "no metrics\n"),
        },
        _ => plain(
            StatusCode::NOT_FOUND,
            "here are only /healthz and /metrics\n",
        ),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Who asks at the same time: monitors are few.
const CONNECTIONS_MAX: usize = 16;

/// What a request may hold: hyper's least.
const REQUEST_BYTES_MAX: usize = 8192;

/// How long a connection may last.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before accepting again when descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
