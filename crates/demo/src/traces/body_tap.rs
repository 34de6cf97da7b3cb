//! A body that is looked at as it passes, so that whatever limits it further
//! in still limits it.

use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// More than any form here is allowed to hold.
const MAX: usize = 64 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct BodyTap(Arc<Mutex<Vec<u8>>>);

impl BodyTap {
    /// Lends what has passed, and forgets it.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// The body, and where what passes can be seen.
pub(crate) fn tap(body: Body) -> (Body, BodyTap) {
    let tap = BodyTap::default();
    (Body::new(Tapped { body, tap: tap.clone() }), tap)
}

struct Tapped {
    body: Body,
    tap: BodyTap,
}

impl HttpBody for Tapped {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let mut tap = self.tap.0.lock();
            let room = MAX.saturating_sub(tap.len());
            tap.extend_from_slice(&data[..data.len().min(room)]);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
