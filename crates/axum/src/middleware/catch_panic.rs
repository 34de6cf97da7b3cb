//! Turns panics of handlers into internal errors.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::response::{IntoResponse as _, Response};

use crate::errors::{AppError, catalogue};

/// Unlike tower-http's layer, this does not box response bodies.
pub(super) async fn catch_panic<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

pub(super) fn panic_response(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = message.unwrap_or("not a string"), "a handler panicked");
    AppError::new(catalogue::INTERNAL_ERROR).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn handler_panic_becomes_internal_server_error() {
        assert_eq!(catch_panic(std::future::ready(1)).await.ok(), Some(1));
        let late = async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        };
        let panic = catch_panic(late).await.expect_err("a panic");
        assert_eq!(panic_response(&*panic).status(), 500);
    }
}
