//! How far a connection has come, and whether it gets on.

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

/// How long a client may take nothing of an answer that is there for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may lie idle between two requests: longer than the 60 s
/// after which nginx lets go of it, so that it never sends one to a closed door.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle = 0,
    /// A part of a head has arrived, or nothing at all since it was opened.
    Head = 1,
    /// The head is there, and not yet all of the body.
    Body = 2,
    Answering = 3,
}

/// A small value, and above it how often it was set.
#[derive(Debug, Default)]
struct Noted(AtomicU32);

impl Noted {
    const VALUES: u32 = 4;

    fn value(&self) -> u32 {
        self.0.load(Ordering::Relaxed) % Self::VALUES
    }

    fn set(&self, value: u32) {
        let times = self.0.load(Ordering::Relaxed) / Self::VALUES;
        self.0.store(times.wrapping_add(1) * Self::VALUES + value, Ordering::Relaxed);
    }
}

/// How far a connection has come, noted by whatever reads and writes: several times
/// for each request, and so without a clock or a lock. A [`Watch`] has the clock.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: Noted,
    /// 1 while an answer finds no room.
    blocked: Noted,
}

impl Progress {
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.set(phase as u32);
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.value() == phase as u32
    }

    /// Whether no whole request is there, and no answer on its way.
    pub(crate) fn is_half(&self) -> bool {
        !self.is(Phase::Answering) && self.blocked.value() == 0
    }

    fn has_read(&self) {
        if self.is(Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    fn has_written<T>(&self, written: &Poll<T>) {
        match written.is_pending() {
            true if self.blocked.value() == 1 => {}
            blocked => self.blocked.set(blocked.into()),
        }
    }
}

/// Looks at the [`Progress`] of a connection now and then, and judges by how long
/// ago it saw something change.
#[derive(Debug)]
pub(crate) struct Watch {
    head_timeout: Duration,
    phase: (u32, Instant),
    blocked: (u32, Instant),
}

impl Watch {
    /// Over a connection that was opened now, and may take so long over a head.
    pub(crate) fn new(progress: &Progress, head_timeout: Duration) -> Self {
        progress.enter(Phase::Head);
        let now = Instant::now();
        Self { head_timeout, phase: (Phase::Head as u32, now), blocked: (0, now) }
    }

    /// Whether its time is up. A body and an answer have deadlines of their own,
    /// with an answer that says so.
    pub(crate) fn is_stuck(&mut self, progress: &Progress, now: Instant) -> bool {
        let unchanged = |noted: &Noted, (seen, since): &mut (u32, Instant)| {
            let noted = noted.0.load(Ordering::Relaxed);
            if noted != *seen {
                (*seen, *since) = (noted, now);
            }
            now.duration_since(*since)
        };
        let blocked = unchanged(&progress.blocked, &mut self.blocked);
        let same_phase = unchanged(&progress.phase, &mut self.phase);
        (progress.blocked.value() == 1 && blocked > WRITE_TIMEOUT)
            || progress.is(Phase::Idle) && same_phase > IDLE_TIMEOUT
            || progress.is(Phase::Head) && same_phase > self.head_timeout
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

/// One buffer at a time: an answer is small, and copied faster than gathered.
impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress.has_written(&written);
        written
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens on a connection, after so many seconds, and whether its time is up then.
    type Step = (u64, fn(&Progress), bool);

    #[test]
    fn a_connection_that_does_not_get_on_is_given_up() {
        let nothing: fn(&Progress) = |_| ();
        let read: fn(&Progress) = Progress::has_read;
        let blocked: fn(&Progress) = |progress| progress.has_written(&Poll::<()>::Pending);
        let written: fn(&Progress) = |progress| progress.has_written(&Poll::Ready(()));
        let idle: fn(&Progress) = |progress| progress.enter(Phase::Idle);
        let answering: fn(&Progress) = |progress| progress.enter(Phase::Answering);
        let steps: [&[Step]; 7] = [
            &[(10, nothing, false), (11, nothing, true)],
            // A head that drips is one head.
            &[(5, read, false), (10, read, false), (11, read, true)],
            &[(5, idle, false), (75, nothing, false), (81, nothing, true)],
            // The next head has its own time.
            &[(5, idle, false), (70, read, false), (79, read, false), (81, nothing, true)],
            &[(5, answering, false), (500, nothing, false)],
            &[
                (5, answering, false),
                (6, blocked, false),
                (16, blocked, false),
                (17, blocked, true),
            ],
            &[
                (5, answering, false),
                (6, blocked, false),
                (16, written, false),
                (17, blocked, false),
            ],
        ];
        for steps in steps {
            let progress = Progress::default();
            let mut watch = Watch::new(&progress, Duration::from_secs(10));
            let opened = Instant::now();
            let _ = watch.is_stuck(&progress, opened);
            for (after, step, expected) in steps {
                step(&progress);
                let now = opened + Duration::from_secs(*after);
                assert_eq!(watch.is_stuck(&progress, now), *expected, "{after} s: {steps:?}");
            }
        }
    }
}
