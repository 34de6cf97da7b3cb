//! From settings to a server that answers, and back to silence.

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
use latchkey_axum::middleware::NoPlace;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Service as _;

use crate::app::App;
use crate::background::{self, Background};
use crate::connection::{Phase, Progress, Tracked, Watch, Watched};
use crate::lifecycle::Lifecycle;
use crate::places::{Place, Places};
use crate::settings::Settings;

/// The largest head of a request, in bytes; beyond it the answer is 431. It is
/// what a connection takes up that sends half of one.
const MAX_HEAD: usize = 64 * 1024;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// How long a socket that is to be closed may go without anybody new before
/// nobody waits there any longer, and how long that may take.
const QUIET: Duration = Duration::from_millis(20);
const AT_THE_DOOR: Duration = Duration::from_millis(500);

/// How often a connection is looked at, and how often when the end has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_AT_THE_END: Duration = Duration::from_millis(100);

/// How long what is left may take after the last answer, whoever hangs.
const LAST: Duration = Duration::from_secs(1);

/// Listens where the settings say. An error says which address is taken.
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
                tracing::debug!(%error, "no IPv6 here");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

/// Listens at one address, whose port a setting decides.
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

/// "Every address" is where to listen; nobody can be reached there.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Serves each router at its socket until `stop` comes to its end, then lets
/// what is under way finish. `jobs` are added to the product's own.
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
    let end = app.lifecycle.leave().await;
    // Nobody receives it when every task has ended already.
    let _ = stopping.send(true);
    let to_the_end = async {
        background.join().await;
        // Tokens that a provider is handing out now have to be written down.
        app.background_writes.close();
        app.background_writes.wait().await;
        app.db.close().await;
    };
    if tokio::time::timeout_at(end + LAST, to_the_end).await.is_err() {
        tracing::warn!("some work was still under way and was cut off");
    }
}

/// What the sockets of a process share.
#[derive(Clone, Debug)]
pub struct Server {
    places: Arc<Places>,
    lifecycle: Arc<Lifecycle>,
    trusted_proxies: Arc<[IpNet]>,
}

impl Server {
    pub fn new(app: &App) -> Self {
        Self {
            places: Arc::default(),
            lifecycle: Arc::clone(&app.lifecycle),
            trusted_proxies: app.settings.trusted_proxies.as_slice().into(),
        }
    }

    /// Takes connections until told to stop; then those that have queued
    /// already, closes the socket, and waits for what is under way.
    pub async fn accept(
        self,
        listener: TcpListener,
        router: Router,
        mut stopped: watch::Receiver<bool>,
    ) {
        let closing = stopped.clone();
        let mut open = JoinSet::new();
        let take = |open: &mut JoinSet<()>, (stream, peer): (TcpStream, SocketAddr)| {
            let is_proxy =
                self.trusted_proxies.iter().any(|net| net.contains(&peer.ip().to_canonical()));
            // Who takes too much is not told: that would cost a place.
            if let Some(place) = self.places.take(peer.ip(), is_proxy) {
                let lifecycle = Arc::clone(&self.lifecycle);
                open.spawn(converse(
                    stream,
                    peer,
                    place,
                    lifecycle,
                    router.clone(),
                    closing.clone(),
                ));
            }
        };
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
                // An error means that the sender is gone, which is the end as well.
                _ = stopped.wait_for(|stopped| *stopped) => break,
            };
            match accepted {
                Ok(connection) => take(&mut open, connection),
                Err(error) => {
                    // Out of file descriptors, mostly: others have to end first.
                    tracing::error!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        let queued = async {
            while let Ok(Ok(connection)) = tokio::time::timeout(QUIET, listener.accept()).await {
                take(&mut open, connection);
            }
        };
        // More come all the time, perhaps.
        let _ = tokio::time::timeout(AT_THE_DOOR, queued).await;
        drop(listener);
        let finished = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout_at(self.lifecycle.end(), finished).await.is_err() {
            tracing::warn!("some requests were still under way and were cut off");
        }
    }
}

/// Serves one connection for as long as it gets on.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    lifecycle: Arc<Lifecycle>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let progress = Arc::new(Progress::default());
    let mut watch = Watch::new(&progress, place.patience());
    let (seen, is_full) = (Arc::clone(&progress), place.is_reserve());
    let service = hyper::service::service_fn(move |request| {
        let closes = is_full || lifecycle.is_leaving();
        answer(router.clone(), request, peer, Arc::clone(&seen), is_full, closes)
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&progress)));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // [`Progress`] knows an idle connection from half a head.
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, service)
    );
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut ends = false;
    loop {
        tokio::select! {
            biased;
            served = connection.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            _ = look.tick() => {
                if watch.is_stuck(&progress, Instant::now()) || ends && progress.is_half() {
                    return;
                }
                // By now whatever had arrived has been read.
                if ends {
                    connection.as_mut().graceful_shutdown();
                }
            }
            _ = stopped.wait_for(|stopped| *stopped), if !ends => {
                ends = true;
                let first = tokio::time::Instant::now() + LOOK_AT_THE_END;
                look = tokio::time::interval_at(first, LOOK_AT_THE_END);
            }
        }
    }
}

/// hyper refuses what does not fit into its buffer; one that came in a single
/// read may be larger.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let headers =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    headers.sum::<usize>() + target
}

async fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    progress: Arc<Progress>,
    is_full: bool,
    closes: bool,
) -> Result<Response<Tracked<axum::body::Body>>, Infallible> {
    if head_bytes(&request) > MAX_HEAD {
        let mut refused = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
        refused.headers_mut().insert(header::CONNECTION, CLOSE);
        return Ok(refused.map(|body| Tracked::new(body, progress, Phase::Idle)));
    }
    progress.enter(if request.body().is_end_stream() { Phase::Answering } else { Phase::Body });
    request.extensions_mut().insert(ConnectInfo(peer));
    if is_full && !matches!(request.uri().path(), "/healthz" | "/readyz") {
        request.extensions_mut().insert(NoPlace);
    }
    let arriving = Arc::clone(&progress);
    let request = request.map(|body| Tracked::new(body, arriving, Phase::Answering));
    let mut response = router.call(request).await?;
    progress.enter(Phase::Answering);
    if closes {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    Ok(response.map(|body| Tracked::new(body, progress, Phase::Idle)))
}

/// Hears of Ctrl-C and of being asked to end, from now on: whoever asks before
/// the first answer is heard as well.
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
