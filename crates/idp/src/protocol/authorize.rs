//! The authorization request: what is asked, and whether it may be asked. A pure decision.

use std::sync::Arc;

use super::{
    clients::Clients,
    grants::Offline,
    params::Params,
    pkce::CodeChallenge,
    reply::{ErrorCode, ReplyTo},
    scopes::{Audience, Catalogue, Scopes},
};
use crate::{Client, Provider};

/// The parameters that belong to an authorization request: RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC
/// Core §3.1.2.1, RFC 8707 §2.1, and Google's own two. The consent form carries these through, and
/// nothing else.
pub(crate) const PARAMETERS: [&str; 20] = [
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

/// A nonce is kept until the ID token is made; this much is more than anyone needs.
const MAX_NONCE: usize = 512;

/// A request that may be put before a person.
#[derive(Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client: Arc<Client>,
    pub(crate) reply_to: ReplyTo,
    pub(crate) scopes: Scopes,
    /// For whose API the token will be.
    pub(crate) audience: Audience,
    /// Whether a refresh token is wanted.
    pub(crate) offline: Offline,
    /// `include_granted_scopes`: what was granted earlier comes along.
    pub(crate) incremental: bool,
    pub(crate) challenge: CodeChallenge,
    pub(crate) nonce: Option<String>,
    /// Who the application believes is there: `login_hint`, at GitHub `login`.
    pub(crate) login_hint: Option<String>,
}

/// A request that may not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Client or redirect URI cannot be trusted: tell the person, and send the browser nowhere
    /// (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2).
    Page(&'static str),
    /// Everything else is told to the application.
    Redirect { reply_to: ReplyTo, error: ErrorCode, description: &'static str },
}

/// What a request is judged against.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) provider: Provider,
    /// What RFC 9207 sends as `iss`, where the dialect does.
    pub(crate) issuer: Option<String>,
    pub(crate) clients: &'a Clients,
    pub(crate) catalogue: &'a Catalogue,
}

pub(crate) fn judge(rules: &Rules<'_>, params: &Params) -> Result<AuthorizationRequest, Refusal> {
    let client = client(rules.provider, rules.clients, params)?;
    let reply_to = ReplyTo {
        redirect_uri: redirect_uri(client, params)?,
        state: params.get("state").map(str::to_owned),
        iss: rules.issuer.clone(),
    };
    match rest(rules, params) {
        Ok(Asked { scopes, audience, offline, incremental, challenge }) => {
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
        Err((error, description)) => Err(Refusal::Redirect { reply_to, error, description }),
    }
}

fn client<'a>(
    provider: Provider,
    clients: &'a Clients,
    params: &Params,
) -> Result<&'a Arc<Client>, Refusal> {
    let id = params.get("client_id").ok_or(Refusal::Page("client_id must be there, once."))?;
    clients.find(provider, id).ok_or(Refusal::Page("No app with this client_id is registered."))
}

fn redirect_uri(client: &Client, params: &Params) -> Result<String, Refusal> {
    let asked =
        params.get("redirect_uri").ok_or(Refusal::Page("redirect_uri must be there, once."))?;
    client.registered_redirect_uri(asked).map(str::to_owned).ok_or(Refusal::Page(
        "redirect_uri is not, character for character, one that this app has registered.",
    ))
}

type Complaint = (ErrorCode, &'static str);

struct Asked {
    scopes: Scopes,
    audience: Audience,
    offline: Offline,
    incremental: bool,
    challenge: CodeChallenge,
}

/// What is left to check once there is an address to complain to.
fn rest(rules: &Rules<'_>, params: &Params) -> Result<Asked, Complaint> {
    use ErrorCode::{InvalidRequest, InvalidScope, InvalidTarget};

    let provider = rules.provider;
    if params.repeated().is_some() {
        return Err((InvalidRequest, "a parameter came more than once"));
    }
    request_object(params)?;
    response(provider, params)?;
    let challenge = challenge(params)?;
    if params.get("nonce").is_some_and(|nonce| nonce.len() > MAX_NONCE) {
        return Err((InvalidRequest, "nonce is too long"));
    }
    let asked = params.get("scope").unwrap_or_default();
    let audience = rules
        .catalogue
        .audience(provider, rules.issuer.as_deref(), params.get("resource"), asked)
        .ok_or((InvalidTarget, "resource names no API that is registered here (RFC 8707)"))?;
    let scopes = rules.catalogue.parse(provider, &audience, asked);
    let (mut offline, mut incremental) = (Offline::No, false);
    if provider == Provider::Google {
        if scopes.is_empty() {
            return Err((InvalidScope, "scope names nothing that is known here"));
        }
        max_age(params)?;
        prompt(params)?;
        offline = access_type(params)?;
        incremental = include_granted_scopes(params)?;
    }
    Ok(Asked { scopes, audience, offline, incremental, challenge })
}

/// Google, "Using OAuth 2.0 for Web Server Applications": a refresh token comes with
/// `access_type=offline`, the first time, or whenever `prompt=consent` asks again.
fn access_type(params: &Params) -> Result<Offline, Complaint> {
    let prompts: Vec<&str> = params.get("prompt").unwrap_or_default().split(' ').collect();
    match params.get("access_type") {
        None | Some("online") => Ok(Offline::No),
        Some("offline") if prompts.contains(&"consent") => Ok(Offline::Always),
        Some("offline") => Ok(Offline::WhenNew),
        Some(_) => Err((ErrorCode::InvalidRequest, "access_type must be online or offline")),
    }
}

fn include_granted_scopes(params: &Params) -> Result<bool, Complaint> {
    match params.get("include_granted_scopes") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err((ErrorCode::InvalidRequest, "include_granted_scopes must be true or false")),
    }
}

/// OIDC Core §6: request objects are not taken, and §3.1.2.6 has names for saying so.
fn request_object(params: &Params) -> Result<(), Complaint> {
    if params.has("request") {
        return Err((ErrorCode::RequestNotSupported, "request is not supported"));
    }
    if params.has("request_uri") {
        return Err((ErrorCode::RequestUriNotSupported, "request_uri is not supported"));
    }
    Ok(())
}

/// The authorization code grant, answered in the query; nothing else is offered (RFC 9700 §2.1.2).
fn response(provider: Provider, params: &Params) -> Result<(), Complaint> {
    match params.get("response_type") {
        Some("code") => {}
        // GitHub has no such parameter, and Facebook's default is `code`.
        None if provider != Provider::Google => {}
        None => return Err((ErrorCode::InvalidRequest, "response_type is missing")),
        Some(_) => {
            return Err((
                ErrorCode::UnsupportedResponseType,
                "only response_type=code is supported",
            ));
        }
    }
    match params.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err((ErrorCode::InvalidRequest, "only response_mode=query is supported")),
    }
}

/// RFC 7636 §4.3 and §4.4.1; no method means `plain`, which RFC 9700 §2.1.1 advises against.
fn challenge(params: &Params) -> Result<CodeChallenge, Complaint> {
    let value = params
        .get("code_challenge")
        .ok_or((ErrorCode::InvalidRequest, "code challenge required (RFC 7636)"))?;
    if params.get("code_challenge_method") != Some("S256") {
        return Err((
            ErrorCode::InvalidRequest,
            "transform algorithm not supported: code_challenge_method must be S256",
        ));
    }
    CodeChallenge::parse(value)
        .ok_or((ErrorCode::InvalidRequest, "code_challenge is not a base64url SHA-256"))
}

/// OIDC Core §3.1.2.1. A person is asked every time, so any age that is asked for is met.
fn max_age(params: &Params) -> Result<(), Complaint> {
    match params.get("max_age").map(str::parse::<u64>) {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(_)) => Err((ErrorCode::InvalidRequest, "max_age is not a number of seconds")),
    }
}

/// OIDC Core §3.1.2.1. No session is kept here, so without asking nobody is signed in.
fn prompt(params: &Params) -> Result<(), Complaint> {
    let values: Vec<&str> =
        params.get("prompt").map(|prompt| prompt.split(' ').collect()).unwrap_or_default();
    match values.as_slice() {
        ["none"] => Err((
            ErrorCode::LoginRequired,
            "the person must choose who to be, and prompt=none forbids to ask",
        )),
        values if values.contains(&"none") => {
            Err((ErrorCode::InvalidRequest, "prompt=none cannot be combined with another value"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
