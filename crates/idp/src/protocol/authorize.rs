//! Validates authorization requests and builds authorization responses.

use std::sync::Arc;

use strum::IntoStaticStr;
use url::form_urlencoded;

use super::grants::Offline;
use super::params::Params;
use super::pkce::CodeChallenge;
use super::registry::registered_redirect_uri;
use super::scopes::{Audience, Scopes};
use crate::app::App;
use crate::config::Client;
use crate::provider::Provider;

/// The parameters of an authorization request: RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1,
/// RFC 8707 §2.1, and Google's own. The consent form repeats these as hidden fields.
pub const PARAMETERS: [&str; 20] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "prompt",
    "max_age",
    "display",
    "ui_locales",
    "login_hint",
    "login",
    "request",
    "request_uri",
    "resource",
    "access_type",
    "include_granted_scopes",
];

const MAX_NONCE: usize = 512;

/// A valid authorization request.
#[derive(Debug)]
pub struct AuthorizationRequest {
    pub client: Arc<Client>,
    pub reply_to: ReplyTo,
    pub scopes: Scopes,
    pub audience: Audience,
    pub offline: Offline,
    pub incremental: bool,
    pub challenge: CodeChallenge,
    pub nonce: Option<String>,
    pub login_hint: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum AuthorizeError {
    /// The client or its redirect URI is invalid: show the error and do not redirect the browser
    /// (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2).
    Page(&'static str),
    Redirect {
        reply_to: ReplyTo,
        error: ErrorCode,
        description: &'static str,
    },
}

pub fn validate(
    app: &App,
    provider: Provider,
    params: &Params,
) -> Result<AuthorizationRequest, AuthorizeError> {
    let id =
        params.get("client_id").ok_or(AuthorizeError::Page("client_id is missing or repeated."))?;
    let client = app.clients.find(provider, id);
    let client = client.ok_or(AuthorizeError::Page("No app with this client_id is registered."))?;
    let requested = params.get("redirect_uri");
    let requested =
        requested.ok_or(AuthorizeError::Page("redirect_uri is missing or repeated."))?;
    let redirect_uri = registered_redirect_uri(client, requested).ok_or(AuthorizeError::Page(
        "redirect_uri does not exactly match one that this app has registered.",
    ))?;
    let reply_to = ReplyTo {
        redirect_uri: redirect_uri.to_owned(),
        state: params.get("state").map(str::to_owned),
        iss: app.response_iss(provider),
    };
    validate_parameters(app, params, client, reply_to.clone())
        .map_err(|(error, description)| AuthorizeError::Redirect { reply_to, error, description })
}

type ErrorWithDescription = (ErrorCode, &'static str);

fn invalid<T>(why: &'static str) -> Result<T, ErrorWithDescription> {
    Err((ErrorCode::InvalidRequest, why))
}

/// Validates what may be reported to the redirect URI.
fn validate_parameters(
    app: &App,
    params: &Params,
    client: &Arc<Client>,
    reply_to: ReplyTo,
) -> Result<AuthorizationRequest, ErrorWithDescription> {
    use ErrorCode::{InvalidScope, InvalidTarget};

    let provider = client.provider;
    if params.repeated().is_some() {
        return invalid("a parameter is repeated");
    }
    request_object(params)?;
    response(provider, params)?;
    let challenge = challenge(params)?;
    if params.get("nonce").is_some_and(|nonce| nonce.len() > MAX_NONCE) {
        return invalid("nonce is too long");
    }
    let scope = params.get("scope").unwrap_or_default();
    let resource = params.get("resource");
    let audience = app.catalogue.audience(provider, reply_to.iss.as_deref(), resource, scope);
    let audience =
        audience.ok_or((InvalidTarget, "resource is not a registered API (RFC 8707)"))?;
    let scopes = app.catalogue.parse(provider, &audience, scope);
    let (mut offline, mut incremental) = (Offline::No, false);
    if provider == Provider::Google {
        if scopes.is_empty() {
            return Err((InvalidScope, "scope contains no known scope"));
        }
        max_age(params)?;
        prompt(params)?;
        offline = access_type(params)?;
        incremental = include_granted_scopes(params)?;
    }
    Ok(AuthorizationRequest {
        client: Arc::clone(client),
        reply_to,
        scopes,
        audience,
        offline,
        incremental,
        challenge,
        nonce: params.get("nonce").map(str::to_owned),
        login_hint: params.get("login_hint").or(params.get("login")).map(str::to_owned),
    })
}

/// Google, "Using OAuth 2.0 for Web Server Applications": `access_type=offline` yields a refresh
/// token the first time, or each time with `prompt=consent`.
fn access_type(params: &Params) -> Result<Offline, ErrorWithDescription> {
    let prompts: Vec<&str> = params.get("prompt").unwrap_or_default().split(' ').collect();
    match params.get("access_type") {
        None | Some("online") => Ok(Offline::No),
        Some("offline") if prompts.contains(&"consent") => Ok(Offline::Always),
        Some("offline") => Ok(Offline::WhenNew),
        Some(_) => invalid("access_type must be online or offline"),
    }
}

fn include_granted_scopes(params: &Params) -> Result<bool, ErrorWithDescription> {
    match params.get("include_granted_scopes") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => invalid("include_granted_scopes must be true or false"),
    }
}

/// Request objects (OIDC Core §6) are not supported; the error codes are from §3.1.2.6.
fn request_object(params: &Params) -> Result<(), ErrorWithDescription> {
    if params.has("request") {
        return Err((ErrorCode::RequestNotSupported, "request is not supported"));
    }
    if params.has("request_uri") {
        return Err((ErrorCode::RequestUriNotSupported, "request_uri is not supported"));
    }
    Ok(())
}

/// Only the authorization code grant with a response in the query is supported (RFC 9700 §2.1.2).
fn response(provider: Provider, params: &Params) -> Result<(), ErrorWithDescription> {
    match params.get("response_type") {
        Some("code") => {}
        // GitHub has no such parameter, and Facebook's default is `code`.
        None if provider != Provider::Google => {}
        None => return invalid("response_type is missing"),
        Some(_) => {
            let why = "only response_type=code is supported";
            return Err((ErrorCode::UnsupportedResponseType, why));
        }
    }
    match params.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => invalid("only response_mode=query is supported"),
    }
}

/// RFC 7636 §4.3 and §4.4.1. A missing method means `plain`, which RFC 9700 §2.1.1 advises against.
fn challenge(params: &Params) -> Result<CodeChallenge, ErrorWithDescription> {
    let Some(value) = params.get("code_challenge") else {
        return invalid("code challenge required (RFC 7636)");
    };
    if params.get("code_challenge_method") != Some("S256") {
        return invalid("transform algorithm not supported: code_challenge_method must be S256");
    }
    CodeChallenge::parse(value)
        .map_or_else(|| invalid("code_challenge is not a base64url SHA-256"), Ok)
}

/// OIDC Core §3.1.2.1. You sign in every time, so every `max_age` is satisfied.
fn max_age(params: &Params) -> Result<(), ErrorWithDescription> {
    match params.get("max_age").map(str::parse::<u64>) {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(_)) => invalid("max_age is not a number of seconds"),
    }
}

/// OIDC Core §3.1.2.1. There are no sessions here, so `prompt=none` always fails.
fn prompt(params: &Params) -> Result<(), ErrorWithDescription> {
    let values: Vec<&str> =
        params.get("prompt").map(|prompt| prompt.split(' ').collect()).unwrap_or_default();
    match values.as_slice() {
        ["none"] => Err((
            ErrorCode::LoginRequired,
            "the user must pick a person, which prompt=none forbids",
        )),
        values if values.contains(&"none") => {
            invalid("prompt=none cannot be combined with another value")
        }
        _ => Ok(()),
    }
}

/// Where the response goes, and the parameters of every response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub redirect_uri: String,
    /// Returned unchanged, RFC 6749 §4.1.2.
    pub state: Option<String>,
    /// RFC 9207 §2: in every response, including errors.
    pub iss: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    // RFC 6749 §4.1.2.1
    InvalidRequest,
    AccessDenied,
    UnsupportedResponseType,
    InvalidScope,
    // RFC 8707 §2
    InvalidTarget,
    // OIDC Core §3.1.2.6
    LoginRequired,
    RequestNotSupported,
    RequestUriNotSupported,
}

impl ReplyTo {
    /// RFC 6749 §4.1.2.
    pub fn with_code(&self, code: &str) -> String {
        self.with(&[("code", code)])
    }

    /// RFC 6749 §4.1.2.1.
    pub fn with_error(&self, error: ErrorCode, description: &str) -> String {
        self.with(&[("error", error.into()), ("error_description", description)])
    }

    /// Each dialect reports a denial differently.
    pub fn with_denial(&self, provider: Provider) -> String {
        let error = ErrorCode::AccessDenied;
        match provider {
            Provider::Google => self.with_error(error, "The user denied the request."),
            Provider::Github => {
                self.with_error(error, "The user has denied your application access.")
            }
            Provider::Facebook => self.with(&[
                ("error", error.into()),
                ("error_code", "200"),
                ("error_description", "Permissions error"),
                ("error_reason", "user_denied"),
            ]),
        }
    }

    /// Keeps an existing query of the redirect URI, RFC 6749 §3.1.2.
    fn with(&self, parameters: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .extend_pairs(self.state.as_deref().map(|state| ("state", state)))
            .extend_pairs(self.iss.as_deref().map(|iss| ("iss", iss)))
            .finish();
        let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
        format!("{}{separator}{query}", self.redirect_uri)
    }
}
