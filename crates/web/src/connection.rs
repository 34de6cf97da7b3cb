//! Tracks the progress of a connection, and detects one that has stalled.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long a client may read nothing of a response that is ready.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Keep-alive timeout. nginx closes after 60 s, so it closes first and never sends a
/// request on a connection that we have just closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle = 0,
    /// Waiting for the rest of a head, or for the first byte of a new connection.
    Head = 1,
    /// Waiting for the rest of a body.
    Body = 2,
    Responding = 3,
}

/// A value below [`VALUES`](Self::VALUES), with a change counter in the bits above it.
#[derive(Debug, Default)]
struct VersionedValue(AtomicU32);

impl VersionedValue {
    const VALUES: u32 = 4;

    fn value(&self) -> u32 {
        self.0.load(Ordering::Relaxed) % Self::VALUES
    }

    fn set(&self, value: u32) {
        let changes = self.0.load(Ordering::Relaxed) / Self::VALUES;
        self.0.store(changes.wrapping_add(1) * Self::VALUES + value, Ordering::Relaxed);
    }
}

/// What a connection is doing. Updated several times per request, so without a lock
/// or a clock; the [`StallDetector`] has the clock.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: VersionedValue,
    /// 1 while the socket accepts no more of a response.
    blocked: VersionedValue,
}

impl Progress {
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.set(phase as u32);
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.value() == phase as u32
    }

    /// Whether there is neither a complete request nor a response in flight.
    pub(crate) fn can_close(&self) -> bool {
        !self.is(Phase::Responding) && self.blocked.value() == 0
    }

    fn record_read(&self) {
        if self.is(Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    fn record_write<T>(&self, written: &Poll<T>) {
        match written.is_pending() {
            true if self.blocked.value() == 1 => {}
            blocked => self.blocked.set(blocked.into()),
        }
    }
}

/// Polls the [`Progress`] of a connection and remembers when it last changed.
#[derive(Debug)]
pub(crate) struct StallDetector {
    head_timeout: Duration,
    phase: (u32, Instant),
    blocked: (u32, Instant),
}

impl StallDetector {
    /// For a connection that was opened just now.
    pub(crate) fn new(progress: &Progress, head_timeout: Duration) -> Self {
        progress.enter(Phase::Head);
        let now = Instant::now();
        Self { head_timeout, phase: (Phase::Head as u32, now), blocked: (0, now) }
    }

    /// Request bodies and handlers have timeouts of their own, with an error response.
    pub(crate) fn is_stalled(&mut self, progress: &Progress, now: Instant) -> bool {
        let unchanged_for = |current: &VersionedValue, (last, since): &mut (u32, Instant)| {
            let current = current.0.load(Ordering::Relaxed);
            if current != *last {
                (*last, *since) = (current, now);
            }
            now.duration_since(*since)
        };
        let blocked_for = unchanged_for(&progress.blocked, &mut self.blocked);
        let phase_for = unchanged_for(&progress.phase, &mut self.phase);
        (progress.blocked.value() == 1 && blocked_for > WRITE_TIMEOUT)
            || progress.is(Phase::Idle) && phase_for > IDLE_TIMEOUT
            || progress.is(Phase::Head) && phase_for > self.head_timeout
    }
}

/// A stream that records its reads and writes.
#[derive(Debug)]
pub(crate) struct TrackedStream {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl TrackedStream {
    pub(crate) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if into.filled().len() > before {
            self.progress.record_read();
        }
        read
    }
}

/// No vectored writes: a response is small, and copying it is faster.
impl AsyncWrite for TrackedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress.record_write(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that enters the next phase when it is dropped.
#[derive(Debug)]
pub(crate) struct TrackedBody<B> {
    body: B,
    progress: Arc<Progress>,
    next: Phase,
}

impl<B> TrackedBody<B> {
    pub(crate) fn new(body: B, progress: Arc<Progress>, next: Phase) -> Self {
        Self { body, progress, next }
    }
}

impl<B> Drop for TrackedBody<B> {
    fn drop(&mut self) {
        self.progress.enter(self.next);
    }
}

impl<B: HttpBody + Unpin> HttpBody for TrackedBody<B> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds since the connection was opened, what happens then, whether it is stalled.
    type Step = (u64, fn(&Progress), bool);

    #[test]
    fn stalled_connections_are_detected_per_phase() {
        let nothing: fn(&Progress) = |_| ();
        let read: fn(&Progress) = Progress::record_read;
        let blocked: fn(&Progress) = |progress| progress.record_write(&Poll::<()>::Pending);
        let written: fn(&Progress) = |progress| progress.record_write(&Poll::Ready(()));
        let idle: fn(&Progress) = |progress| progress.enter(Phase::Idle);
        let responding: fn(&Progress) = |progress| progress.enter(Phase::Responding);
        let steps: [&[Step]; 7] = [
            &[(10, nothing, false), (11, nothing, true)],
            // A slow head does not get more time with each byte.
            &[(5, read, false), (10, read, false), (11, read, true)],
            &[(5, idle, false), (75, nothing, false), (81, nothing, true)],
            // The next head has a timeout of its own.
            &[(5, idle, false), (70, read, false), (79, read, false), (81, nothing, true)],
            &[(5, responding, false), (500, nothing, false)],
            &[
                (5, responding, false),
                (6, blocked, false),
                (16, blocked, false),
                (17, blocked, true),
            ],
            &[
                (5, responding, false),
                (6, blocked, false),
                (16, written, false),
                (17, blocked, false),
            ],
        ];
        for steps in steps {
            let progress = Progress::default();
            let mut detector = StallDetector::new(&progress, Duration::from_secs(10));
            let opened = Instant::now();
            let _ = detector.is_stalled(&progress, opened);
            for (after, step, expected) in steps {
                step(&progress);
                let now = opened + Duration::from_secs(*after);
                assert_eq!(detector.is_stalled(&progress, now), *expected, "{after} s: {steps:?}");
            }
        }
    }
}
