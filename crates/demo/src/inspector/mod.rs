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
mod signature;
mod visible;

use latchkey_auth::tokens::VerifyError;
use latchkey_domain::Timestamp;
use latchkey_web::caller::Credential;
use serde_json::Value;

use crate::prelude::*;
use claims::{CheckResult, ClaimCheck, Expected, when};
use clean::{Cleaned, clean};
use decode::{DecodedToken, Object, Place};
use explain::danger;
use keys::{KeyError, PastedKey};
use signature::{Against, Checked, skipped};

pub(crate) use visible::visible;

/// `GET /inspector`, and what `POST` answers.
#[derive(Template)]
#[template(path = "inspector.html")]
pub(crate) struct InspectorPage {
    layout: Layout,
    carries_jwt: bool,
    /// What was asked, to be asked again. A secret is not among it.
    form: Pasted,
    complaint: Option<&'static str>,
    result: Option<Inspection>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum VerifyBy {
    #[default]
    Ours,
    Key,
    Secret,
    Nothing,
}

/// The parts of a token are told apart by these.
const LETTERS: [&str; decode::MAX_PARTS] = ["A", "B", "C", "D", "E", "F", "G"];

const MAX_ROWS: usize = 200;

/// Room for a text of [`MAX_TEXT`] bytes in which every byte is escaped.
pub(crate) const BODY_LIMIT: usize = 320 * 1024;

/// More than any server takes in a header.
const MAX_TEXT: usize = 100_000;

/// `GET /inspector`. Whatever stands in its query is not looked at.
pub(crate) async fn page(State(app): State<App>, caller: Option<Caller>) -> Page<InspectorPage> {
    Page(empty(&app, caller.as_ref()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pasted {
    token: String,
    by: VerifyBy,
    key: String,
    secret: String,
    issuer: String,
    audience: String,
    /// Instead of a pasted one, the token that this browser carries.
    carried: Option<String>,
}

pub(crate) async fn submit(
    State(app): State<App>,
    caller: Option<Caller>,
    StrictForm(pasted): StrictForm<Pasted>,
) -> HandlerResult<Page<InspectorPage>> {
    if [&pasted.token, &pasted.key, &pasted.secret].iter().any(|text| text.len() > MAX_TEXT) {
        return Err(AppError::new(catalogue::TOO_LARGE)
            .detail("The inspector reads at most 100,000 bytes, and this text is longer."));
    }
    let empty = empty(&app, caller.as_ref());
    if pasted.carried.is_some() {
        return Ok(Page(carried(&app, caller.as_ref(), empty).await));
    }
    let keys = match pasted.by {
        VerifyBy::Key => Some(keys::parse(&pasted.key)),
        VerifyBy::Secret => Some(keys::from_secret(&pasted.secret)),
        VerifyBy::Ours | VerifyBy::Nothing => None,
    };
    // What is private is not shown again, wherever it was pasted.
    let public = |text: String| if keys::is_private(&text) { String::new() } else { text };
    let is_key = keys::is_private(&pasted.token);
    let (token, key) = (public(pasted.token), public(pasted.key));
    let form = Pasted { token, key, secret: String::new(), ..pasted };
    if form.token.trim().is_empty() {
        let complaint = Some(match is_key {
            true => "This is a private key, not a token. Consider whether it is still private.",
            false => "Paste a token first.",
        });
        return Ok(Page(InspectorPage { form, complaint, ..empty }));
    }
    let cleaned = clean(&form.token);
    let answer = match form.by {
        VerifyBy::Ours => answer(&app, &cleaned.token).await,
        _ => None,
    };
    // What was read, not what was around it.
    let token = visible(&cleaned.token);
    let result = Some(inspection(&app, cleaned, &form, keys, answer));
    Ok(Page(InspectorPage { form: Pasted { token, ..form }, result, ..empty }))
}

fn empty(app: &Application, caller: Option<&Caller>) -> InspectorPage {
    InspectorPage {
        layout: Layout::new(app, caller).at("/inspector"),
        carries_jwt: carried_token(caller).is_some(),
        form: Pasted {
            issuer: app.settings.jwt.issuer.clone(),
            audience: app.settings.jwt.audience.clone(),
            ..Pasted::default()
        },
        complaint: None,
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
        return InspectorPage { complaint, ..empty };
    };
    let cleaned = Cleaned { token: token.to_owned(), removed: Vec::new() };
    let answer = answer(app, token).await;
    let result = inspection(app, cleaned, &empty.form, None, answer);
    InspectorPage { result: Some(Inspection { hides_signature: true, ..result }), ..empty }
}

pub(crate) struct Inspection {
    removed: Vec<String>,
    token: DecodedToken,
    /// Whether it is signed by the key; or why the key that was given is none.
    signed: Checked,
    checks: Vec<ClaimCheck>,
    answer: Option<Answer>,
    hides_signature: bool,
    at: Timestamp,
}

struct Answer {
    /// The code of the refusal; none, if there is none.
    code: Option<&'static str>,
    said: String,
}

fn inspection(
    app: &Application,
    cleaned: Cleaned,
    form: &Pasted,
    keys: Option<Result<Vec<PastedKey>, KeyError>>,
    answer: Option<Answer>,
) -> Inspection {
    let at = app.clock.now();
    let token = DecodedToken::of(&cleaned.token);
    let signed = match (form.by, keys) {
        (VerifyBy::Ours, _) => signature::check(&token, Against::Ours(&app.keys.ring(), at)),
        (_, Some(Ok(keys))) => signature::check(&token, Against::Pasted(&keys)),
        (_, Some(Err(why))) => skipped(why),
        (_, None) => {
            skipped("Not asked. What is decoded above could have been written by anybody.")
        }
    };
    let (issuer, audience) = (said(&form.issuer), said(&form.audience));
    let expected = Expected { issuer, audience, leeway: app.keys.leeway(), now: at };
    let check = |claims: &Object| claims::check(claims, token.header_text("typ"), expected);
    let checks = token.claims.as_ref().map(check).unwrap_or_default();
    let (removed, hides_signature) = (cleaned.removed, false);
    Inspection { removed, token, signed, checks, answer, hides_signature, at }
}

impl Inspection {
    fn lamps(&self) -> [(&'static str, Checked); 3] {
        [
            ("Well formed", self.well_formed()),
            ("Signature", self.signed.clone()),
            ("Claims, now", self.claims_now()),
        ]
    }

    fn well_formed(&self) -> Checked {
        let wrong = &self.token.malformed;
        if !wrong.is_empty() {
            return (CheckResult::Fail, wrong.clone());
        }
        let said = match self.token.is_encrypted() {
            true => {
                "It has five parts: it is encrypted (JWE, RFC 7516), and only whoever has the key \
                 can read its claims."
            }
            false => "Three base64url parts, the first two of them JSON objects.",
        };
        (CheckResult::Pass, vec![said.to_owned()])
    }

    fn claims_now(&self) -> Checked {
        if self.token.claims.is_none() {
            return (CheckResult::Skipped, vec!["No claims can be read.".to_owned()]);
        }
        let fails = self.checks.iter().any(|one| one.result == CheckResult::Fail);
        let result = if fails { CheckResult::Fail } else { CheckResult::Pass };
        let telling = self.checks.iter().filter(|one| one.result == result);
        (result, telling.map(|one| format!("{}: {}", one.claim, one.said)).collect())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| visible(&value.to_string()), visible)
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
