//! Every error, with its status and its text.
//!
//! Handlers return an [`AppError`]. The middleware renders it from its entry in the
//! [`catalogue`], as a page or as `application/problem+json`.

mod app_error;
pub mod catalogue;
pub mod oauth;
mod problem;

pub(crate) use app_error::BodyTimeout;
pub use app_error::{Action, AppError, HandlerResult, body_rejection};
pub use catalogue::{Entry, Owner};
pub(crate) use oauth::reauthenticate;
pub use oauth::sign_in_page;
pub use problem::{ErrorResponses, Problem};
