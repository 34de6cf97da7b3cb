//! Imports that most pages and API handlers need.

pub(crate) use askama::Template;
pub(crate) use axum::Json;
pub(crate) use axum::extract::{Path, Query, State};
pub(crate) use axum::response::{IntoResponse, Redirect, Response};
pub(crate) use http::{HeaderMap, StatusCode, header};
pub(crate) use latchkey_axum::{
    Action, ApiCaller, AppError, Caller, Client, ErrorResponses, HandlerResult, PathId,
    QueryParams, ResponseCookies, SignInContext, StrictForm, audit, catalogue,
};
pub(crate) use latchkey_domain::audit::{Actor, Kind};
pub(crate) use serde::{Deserialize, Serialize};
pub(crate) use utoipa::ToSchema;

pub(crate) use crate::app::{App, Application};
pub(crate) use crate::hints::{DONE, Hints, LAST_USED};
pub(crate) use crate::layout::Layout;
pub(crate) use crate::page::{Page, with_page};
