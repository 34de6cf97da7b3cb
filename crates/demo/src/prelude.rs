//! Imports that most pages need.

pub(crate) use askama::Template;
pub(crate) use axum::Json;
pub(crate) use axum::extract::{Path, Query, State};
pub(crate) use axum::response::{IntoResponse, Redirect, Response};
pub(crate) use latchkey_web::app::{App, Application};
pub(crate) use latchkey_web::caller::Caller;
pub(crate) use latchkey_web::errors::{AppError, HandlerResult, catalogue};
pub(crate) use latchkey_web::extract::StrictForm;
pub(crate) use latchkey_web::layout::Layout;
pub(crate) use latchkey_web::page::Page;
pub(crate) use serde::Deserialize;

pub(crate) use crate::state::Demo;
