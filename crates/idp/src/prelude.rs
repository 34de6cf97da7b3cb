//! The imports of the three dialects.

pub use std::sync::Arc;

pub use axum::extract::{Path, State};
pub use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
pub use axum::response::{IntoResponse, Response};
pub use axum::routing::{any, delete, get, post};
pub use axum::{Json, Router};
pub use serde_json::{Map, Value, json};

pub use crate::app::{App, Shared};
pub use crate::misbehave::{Misbehaviour, simulated_failure};
pub use crate::protocol::credentials::{BearerError, client_credentials};
pub use crate::protocol::grants::{Authorization, GrantError, GrantType};
pub use crate::protocol::params::{Call, Params, ParamsError};
pub use crate::protocol::token::TokenError;
pub use crate::provider::Provider;
