//! The inspector: a token, decoded, and three questions asked of it.
//!
//! The token comes by POST and goes nowhere: it is not in an address, not in a
//! log, not in the database, and nobody else is asked about it. Nothing here
//! signs.

mod claims;
mod clean;
mod decode;
mod explain;
mod keys;
mod salvage;
mod shown;
mod signature;
#[cfg(test)]
mod tests;
mod visible;

use askama::Template;
use axum::extract::State;
use latchkey_auth::tokens::VerifyError;
use latchkey_web::app::{App, Application};
use latchkey_web::caller::{Caller, Credential, PageCaller};
use latchkey_web::errors::{AppError, HandlerResult, catalogue};
use latchkey_web::extract::StrictForm;
use latchkey_web::layout::Layout;
use latchkey_web::page::Page;
use serde::Deserialize;

use claims::{CheckResult, Expected};
use clean::{Cleaned, clean};
use decode::DecodedToken;
use keys::{KeyError, PastedKey};
use shown::{Answer, Inspection};
use signature::Against;

pub(crate) use visible::visible;

/// `GET /inspector`, and what `POST` answers.
#[derive(Template)]
#[template(path = "inspector.html")]
pub(crate) struct InspectorPage {
    pub(crate) layout: Layout,
    pub(crate) carries_jwt: bool,
    pub(crate) form: InspectorForm,
    pub(crate) result: Option<Inspection>,
}

/// What was asked, to be asked again. A secret is not among it.
#[derive(Default)]
pub(crate) struct InspectorForm {
    pub(crate) token: String,
    pub(crate) by: VerifyBy,
    pub(crate) key: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) complaint: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VerifyBy {
    #[default]
    Ours,
    Key,
    Secret,
    Nothing,
}

/// Room for a text of [`MAX_TEXT`] bytes in which every byte is escaped.
pub(crate) const BODY_LIMIT: usize = 320 * 1024;

/// More than any server takes in a header.
const MAX_TEXT: usize = 100_000;

/// `GET /inspector`. Whatever stands in its query is not looked at.
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<PageCaller>,
) -> Page<InspectorPage> {
    Page(empty(&app, caller.as_deref()))
}

#[derive(Deserialize)]
pub(crate) struct Pasted {
    #[serde(default)]
    token: String,
    #[serde(default)]
    by: VerifyBy,
    #[serde(default)]
    key: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    audience: String,
    /// Instead of a pasted one, the token that this browser carries.
    carried: Option<String>,
}

/// `POST /inspector`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Option<PageCaller>,
    StrictForm(pasted): StrictForm<Pasted>,
) -> HandlerResult<Page<InspectorPage>> {
    if [&pasted.token, &pasted.key, &pasted.secret].iter().any(|text| text.len() > MAX_TEXT) {
        return Err(AppError::new(catalogue::TOO_LARGE)
            .detail("The inspector reads at most 100,000 bytes, and this text is longer."));
    }
    let empty = empty(&app, caller.as_deref());
    if pasted.carried.is_some() {
        return Ok(Page(carried(&app, caller.as_deref(), empty).await));
    }
    let keys = match pasted.by {
        VerifyBy::Key => Some(keys::parse(&pasted.key)),
        VerifyBy::Secret => Some(keys::from_secret(&pasted.secret)),
        VerifyBy::Ours | VerifyBy::Nothing => None,
    };
    // What is private is not shown again, wherever it was pasted.
    let public = |text: String| if keys::is_private(&text) { String::new() } else { text };
    let is_key = keys::is_private(&pasted.token);
    let form = InspectorForm {
        token: public(pasted.token),
        by: pasted.by,
        key: public(pasted.key),
        issuer: pasted.issuer,
        audience: pasted.audience,
        complaint: None,
    };
    if form.token.trim().is_empty() {
        let complaint = Some(match is_key {
            true => "This is a private key, not a token. Consider whether it is still private.",
            false => "Paste a token first.",
        });
        return Ok(Page(InspectorPage { form: InspectorForm { complaint, ..form }, ..empty }));
    }
    let cleaned = clean(&form.token);
    let answer = match form.by {
        VerifyBy::Ours => answer(&app, &cleaned.token).await,
        _ => None,
    };
    let result = inspection(&app, &cleaned, &form, keys, answer);
    // What was read, not what was around it.
    let form = InspectorForm { token: visible(&cleaned.token), ..form };
    Ok(Page(InspectorPage { form, result: Some(result), ..empty }))
}

fn empty(app: &Application, caller: Option<&Caller>) -> InspectorPage {
    InspectorPage {
        layout: Layout::new(app, caller).at("/inspector"),
        carries_jwt: carried_token(caller).is_some(),
        form: InspectorForm {
            issuer: app.settings.jwt.issuer.clone(),
            audience: app.settings.jwt.audience.clone(),
            ..InspectorForm::default()
        },
        result: None,
    }
}

fn carried_token(caller: Option<&Caller>) -> Option<&str> {
    match &caller?.credential {
        Credential::JwtCookie(jwt) => Some(&jwt.token),
        _ => None,
    }
}

/// The token of this browser. Its signature stays out of the page: with it,
/// whatever reads the page could be its person, and the cookie is `HttpOnly`
/// so that nothing on a page can.
async fn carried(app: &App, caller: Option<&Caller>, empty: InspectorPage) -> InspectorPage {
    let Some(token) = carried_token(caller) else {
        let complaint = Some("This browser has no JWT. Sign in with one and try again.");
        return InspectorPage { form: InspectorForm { complaint, ..empty.form }, ..empty };
    };
    let cleaned = Cleaned { token: token.to_owned(), removed: Vec::new() };
    let answer = answer(app, token).await;
    let mut result = inspection(app, &cleaned, &empty.form, None, answer);
    shown::hide_signature(&mut result);
    InspectorPage { result: Some(result), ..empty }
}

type Keys = Result<Vec<PastedKey>, KeyError>;

fn inspection(
    app: &Application,
    cleaned: &Cleaned,
    form: &InspectorForm,
    keys: Option<Keys>,
    answer: Option<Answer>,
) -> Inspection {
    let at = app.clock.now();
    let decoded = DecodedToken::of(&cleaned.token);
    let ring = app.keys.ring();
    let against = match (&form.by, &keys) {
        (VerifyBy::Ours, _) => Against::Ours(&ring, at),
        (_, Some(Ok(keys))) => Against::Pasted(keys),
        _ => Against::Nothing,
    };
    let signed = signature::check(&decoded, against);
    let expected = Expected { issuer: said(&form.issuer), audience: said(&form.audience) };
    let checks = decoded
        .claims
        .as_ref()
        .map(|claims| claims::check(claims.members.as_slice(), expected, app.keys.leeway(), at))
        .unwrap_or_default();
    let unread = keys.and_then(std::result::Result::err);
    shown::of(cleaned, &decoded, &shown::Answers { signed, unread, checks, answer }, at)
}

fn said(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// What the API of this service would answer to this token as a bearer token.
async fn answer(app: &App, token: &str) -> Option<Answer> {
    if token.matches('.').count() != 2 {
        return None;
    }
    Some(match app.keys.verify(token, app.clock.now()).await {
        Ok(claims) if app.revoked.contains(claims.sid) => Answer {
            code: Some(catalogue::TOKEN_REVOKED.code),
            said: catalogue::TOKEN_REVOKED.cause.to_owned(),
        },
        Ok(_) => Answer { code: None, said: "It is accepted.".to_owned() },
        Err(VerifyError::Refused(refused)) => {
            Answer { code: Some(refused.code()), said: refused.to_string() }
        }
        // Which key it was could not be looked up; the page can be shown without.
        Err(VerifyError::Store(error)) => {
            tracing::warn!(%error, "an unknown key could not be looked up");
            return None;
        }
    })
}
