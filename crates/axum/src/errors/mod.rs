//! Everything that can go wrong, and how a person is told.
//!
//! A handler answers with a [`AppError`]. It knows nothing of HTML or JSON: the
//! middleware in `crate::middleware` renders it as a page or as
//! `application/problem+json`, from the one entry in the [`catalogue`].

mod app_error;
pub mod catalogue;
pub mod oauth;
mod problem;

pub(crate) use app_error::LateBody;
pub use app_error::{Action, AppError, HandlerResult, body_rejection};
pub use catalogue::{Entry, Owner};
pub(crate) use oauth::prove_again;
pub use oauth::sign_in_page;
pub use problem::{Problem, Refusals};
