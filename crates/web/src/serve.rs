//! Listens, serves connections, and shuts down gracefully.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use latchkey_axum::middleware::TooManyConnections;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Service as _;

use crate::app::App;
use crate::background::{self, Background};
use crate::connection::{Phase, Progress, StallDetector, TrackedBody, TrackedStream};
use crate::connection_limits::{ConnectionLimits, ConnectionPermit};
use crate::lifecycle::Lifecycle;
use crate::mail_queue;
use crate::settings::Settings;

/// The largest request head in bytes; a larger one gets 431. Also the memory that a
/// connection with an incomplete head can hold.
const MAX_HEAD: usize = 64 * 1024;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// At shutdown, queued connections are accepted until none has come for
/// `DRAIN_IDLE`, for `DRAIN_MAX` at most.
const DRAIN_IDLE: Duration = Duration::from_millis(20);
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// How often a connection is checked, normally and during shutdown.
const CHECK_EVERY: Duration = Duration::from_secs(1);
const CHECK_EVERY_AT_SHUTDOWN: Duration = Duration::from_millis(100);

/// How long background work may take after the deadline for responses.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Listens on the addresses in the settings. An error names the address.
pub async fn bind(settings: &Settings) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in &settings.listen {
        match listen(*address, "PORT").await {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 has only one of the two loopbacks.
            Err(error)
                if address.is_ipv6()
                    && settings.listen.len() > 1
                    && error.kind() != io::ErrorKind::AddrInUse =>
            {
                tracing::debug!(%error, "this machine has no IPv6");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

/// `setting` is the variable that changes the port.
pub async fn listen(address: SocketAddr, setting: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("something else listens there; stop it, or set {setting}")
            }
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {hint}"))
    })
}

/// Replaces an unspecified address (`0.0.0.0`, `::`) with loopback, to connect to it.
pub(crate) fn connect_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Serves each router on its listener until `stop` resolves, then finishes what is
/// in flight. `jobs` adds background jobs to the product's own.
pub async fn run(
    app: App,
    sites: Vec<(TcpListener, Router)>,
    jobs: impl FnOnce(&mut Background),
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut background = Background::new(stopped.clone());
    let server = Server::new(&app);
    for (listener, router) in sites {
        background.spawn(server.clone().accept(listener, router, stopped.clone()));
    }
    background::start(&mut background, &app);
    jobs(&mut background);
    stop.await;
    let deadline = app.lifecycle.begin_shutdown().await;
    // Fails if every task has already ended.
    let _ = stopping.send(true);
    let cleanup = async {
        background.join().await;
        // Tokens that a provider is issuing right now must be stored, and e-mails queued; then
        // those are sent.
        app.background_writes.close();
        app.background_writes.wait().await;
        let _ = tokio::time::timeout_at(deadline, mail_queue::run(app.clone(), stopped)).await;
        app.db.close().await;
    };
    if tokio::time::timeout_at(deadline + CLEANUP_TIMEOUT, cleanup).await.is_err() {
        tracing::warn!("some background work took too long and was cut off");
    }
}

/// Shared by all listeners of a process.
#[derive(Clone, Debug)]
pub struct Server {
    limits: Arc<ConnectionLimits>,
    lifecycle: Arc<Lifecycle>,
    trusted_proxies: Arc<[IpNet]>,
}

impl Server {
    pub fn new(app: &App) -> Self {
        Self {
            limits: Arc::default(),
            lifecycle: Arc::clone(&app.lifecycle),
            trusted_proxies: app.settings.trusted_proxies.as_slice().into(),
        }
    }

    /// Accepts connections until stopped, then those already queued, closes the
    /// listener, and waits for requests in flight.
    pub async fn accept(
        self,
        listener: TcpListener,
        router: Router,
        mut stopped: watch::Receiver<bool>,
    ) {
        let closing = stopped.clone();
        let mut open = JoinSet::new();
        let serve = |open: &mut JoinSet<()>, (stream, peer): (TcpStream, SocketAddr)| {
            let is_proxy =
                self.trusted_proxies.iter().any(|net| net.contains(&peer.ip().to_canonical()));
            // Beyond the reserve there is no response: it would need a connection.
            if let Some(permit) = self.limits.try_acquire(peer.ip(), is_proxy) {
                let (lifecycle, router) = (Arc::clone(&self.lifecycle), router.clone());
                let stopped = closing.clone();
                open.spawn(serve_connection(stream, peer, permit, lifecycle, router, stopped));
            }
        };
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
                // An error means that the sender is gone: stop as well.
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            match accepted {
                Ok(connection) => serve(&mut open, connection),
                Err(error) => {
                    // Mostly out of file descriptors: wait until connections end.
                    tracing::error!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        let queued = async {
            while let Ok(Ok(connection)) = tokio::time::timeout(DRAIN_IDLE, listener.accept()).await
            {
                serve(&mut open, connection);
            }
        };
        let _ = tokio::time::timeout(DRAIN_MAX, queued).await;
        drop(listener);
        let finished = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout_at(self.lifecycle.deadline(), finished).await.is_err() {
            tracing::warn!("some requests took too long and were cut off");
        }
    }
}

/// Serves one connection until it ends or stalls.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    permit: ConnectionPermit,
    lifecycle: Arc<Lifecycle>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let progress = Arc::new(Progress::default());
    let mut stall_detector = StallDetector::new(&progress, permit.head_timeout());
    let io = TokioIo::new(TrackedStream::new(stream, Arc::clone(&progress)));
    let (tracked, over_limit) = (Arc::clone(&progress), permit.is_reserve());
    let service = hyper::service::service_fn(move |request| {
        let close = over_limit || lifecycle.is_shutting_down();
        respond(router.clone(), request, peer, Arc::clone(&tracked), over_limit, close)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // hyper cannot tell an idle connection from an incomplete head; we can.
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, service)
    );
    let mut checks = tokio::time::interval(CHECK_EVERY);
    // Pinned, because each poll of a new one would register and unregister a waker.
    let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
    let mut shutting_down = false;
    loop {
        tokio::select! {
            biased;
            served = connection.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            _ = checks.tick() => {
                if stall_detector.is_stalled(&progress, Instant::now())
                    || shutting_down && progress.can_close()
                {
                    return;
                }
                // By now hyper has read everything that had arrived.
                if shutting_down {
                    connection.as_mut().graceful_shutdown();
                }
            }
            _ = stop.as_mut(), if !shutting_down => {
                shutting_down = true;
                let first = tokio::time::Instant::now() + CHECK_EVERY_AT_SHUTDOWN;
                checks = tokio::time::interval_at(first, CHECK_EVERY_AT_SHUTDOWN);
            }
        }
    }
}

/// hyper limits only its buffer, and a single read may bring a larger head.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let headers =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    headers.sum::<usize>() + target
}

async fn respond(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    progress: Arc<Progress>,
    over_limit: bool,
    close: bool,
) -> Result<Response<TrackedBody<axum::body::Body>>, Infallible> {
    if head_bytes(&request) > MAX_HEAD {
        let mut response = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
        response.headers_mut().insert(header::CONNECTION, CLOSE);
        return Ok(response.map(|body| TrackedBody::new(body, progress, Phase::Idle)));
    }
    progress.enter(if request.body().is_end_stream() { Phase::Responding } else { Phase::Body });
    request.extensions_mut().insert(ConnectInfo(peer));
    if over_limit && !matches!(request.uri().path(), "/healthz" | "/readyz") {
        request.extensions_mut().insert(TooManyConnections);
    }
    let tracked = Arc::clone(&progress);
    let request = request.map(|body| TrackedBody::new(body, tracked, Phase::Responding));
    let mut response = router.call(request).await?;
    progress.enter(Phase::Responding);
    if close {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    Ok(response.map(|body| TrackedBody::new(body, progress, Phase::Idle)))
}

/// Resolves on Ctrl-C or SIGTERM. Signals count from this call on, not from the
/// first poll.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
