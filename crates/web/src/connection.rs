//! How far a connection has come, and whether it gets on.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long a client may take nothing of an answer that is there for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may lie idle between two requests: longer than the 60 s
/// after which nginx lets go of it, so that it never sends one to a closed door.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    /// A part of a head has arrived, or nothing at all since it was opened.
    Head,
    /// The head is there, and not yet all of the body.
    Body,
    Answering,
}

/// Noted by whatever reads and writes, and looked at from outside now and then.
#[derive(Debug)]
pub(crate) struct Progress {
    patience: Duration,
    now: Mutex<(Phase, Instant)>,
    blocked_since: Mutex<Option<Instant>>,
}

impl Progress {
    /// A connection that was opened now, and may take so long over a head.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            now: Mutex::new((Phase::Head, Instant::now())),
            blocked_since: Mutex::default(),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        *self.now.lock() = (phase, Instant::now());
    }

    /// Whether its time is up. A body and an answer have deadlines of their own,
    /// with an answer that says so.
    pub(crate) fn is_stuck(&self) -> bool {
        let blocked = *self.blocked_since.lock();
        let (phase, since) = *self.now.lock();
        blocked.is_some_and(|since| since.elapsed() > WRITE_TIMEOUT)
            || match phase {
                Phase::Idle => since.elapsed() > IDLE_TIMEOUT,
                Phase::Head => since.elapsed() > self.patience,
                Phase::Body | Phase::Answering => false,
            }
    }

    /// Whether no whole request is there, and no answer on its way.
    pub(crate) fn is_half(&self) -> bool {
        self.now.lock().0 != Phase::Answering && self.blocked_since.lock().is_none()
    }

    fn has_read(&self) {
        let mut now = self.now.lock();
        if now.0 == Phase::Idle {
            *now = (Phase::Head, Instant::now());
        }
    }

    fn has_written<T>(&self, written: Poll<T>) -> Poll<T> {
        let mut blocked = self.blocked_since.lock();
        *blocked = written.is_pending().then(|| blocked.unwrap_or_else(Instant::now));
        written
    }
}

/// A connection whose reads and writes are noted.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if into.filled().len() > before {
            self.progress.has_read();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress.has_written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.progress.has_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body whose end, or whose being let go of, begins another phase.
#[derive(Debug)]
pub(crate) struct Tracked<B> {
    body: B,
    progress: Arc<Progress>,
    then: Phase,
}

impl<B> Tracked<B> {
    pub(crate) fn new(body: B, progress: Arc<Progress>, then: Phase) -> Self {
        Self { body, progress, then }
    }
}

impl<B> Drop for Tracked<B> {
    fn drop(&mut self) {
        self.progress.enter(self.then);
    }
}

impl<B: HttpBody + Unpin> HttpBody for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
