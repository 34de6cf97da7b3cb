//! From settings to a server that answers, and back to silence.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::Service as _;

use crate::app::App;
use crate::background::{self, Background};
use crate::settings::Settings;

/// How long somebody may take over the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes; beyond it the answer is 431. So
/// large that a token of a megabyte is refused for what it is, with a code.
const MAX_HEAD: usize = 1_250_000;

/// Connections at a time; more wait to be taken. Together with [`MAX_HEAD`] it
/// bounds what half-sent heads can take up.
const MAX_CONNECTIONS: usize = 1024;

/// How long requests that are under way may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(8);

/// How long everything may take from the signal to the end, whoever hangs.
const LAST: Duration = Duration::from_secs(9);

/// Listens where the settings say.
///
/// # Errors
/// When an address is taken, with a sentence that says which.
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
///
/// # Errors
/// When the address is taken, with a sentence that says which.
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
    for (listener, router) in sites {
        background.spawn(accept(listener, router, stopped.clone()));
    }
    background::start(&mut background, &app);
    jobs(&mut background);
    stop.await;
    // Nobody receives it when every task has ended already.
    let _ = stopping.send(true);
    let to_the_end = async {
        background.join().await;
        // Tokens that a provider is handing out now have to be written down.
        app.background_writes.close();
        app.background_writes.wait().await;
        app.db.close().await;
    };
    if tokio::time::timeout(LAST, to_the_end).await.is_err() {
        tracing::warn!("some work was still under way and was cut off");
    }
}

/// Takes connections until told to stop, then waits for those that are open.
pub async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Never closed, so there is always a place in the end.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the sender is gone, which is the end as well.
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = open.watch(connection(stream, peer, router.clone()));
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection broke");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: others have to end first.
                tracing::error!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    if tokio::time::timeout(GRACE, open.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way and were cut off");
    }
}

/// One connection, with limits on how slowly and how much may be sent as a head.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
}

/// Comes to its end at Ctrl-C, or when the process is asked to end.
pub async fn asked_to_stop() {
    let interrupted = pin!(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    interrupted.await;
}
