//! The token inspector: decodes a token and checks its format, signature and claims.
//!
//! The token arrives by POST and is never stored, logged, sent on or put into a URL. Nothing here
//! signs.

mod claims;
mod clean;
mod decode;
mod escape;
mod explain;
mod keys;
mod lenient;
mod signature;

use latchkey_auth::tokens::VerifyError;
use latchkey_domain::Timestamp;
use latchkey_web::caller::Credential;
use serde_json::Value;

use crate::prelude::*;
use claims::{CheckResult, ClaimCheck, Expected, date};
use clean::{Cleaned, clean};
use decode::{DecodedToken, Object, PartKind};
use explain::danger;
use keys::{KeyError, PastedKey};
use signature::{Explained, Keys, skipped};

pub(crate) use escape::escape_invisible;

#[derive(Template)]
#[template(path = "inspector.html")]
pub(crate) struct InspectorPage {
    layout: Layout,
    has_own_jwt: bool,
    /// The submitted form without the secret.
    form: InspectForm,
    error: Option<&'static str>,
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

const PART_LABELS: [&str; decode::MAX_PARTS] = ["A", "B", "C", "D", "E", "F", "G"];

const MAX_ROWS: usize = 200;

/// Room for [`MAX_TEXT`] bytes, all of them percent-encoded.
pub(crate) const BODY_LIMIT: usize = 320 * 1024;

/// More than any server accepts in a header.
const MAX_TEXT: usize = 100_000;

/// `GET /inspector`. Ignores its query, so that no token is passed in a URL.
pub(crate) async fn page(State(app): State<App>, caller: Option<Caller>) -> Page<InspectorPage> {
    Page(empty_page(&app, caller.as_ref()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct InspectForm {
    token: String,
    by: VerifyBy,
    key: String,
    secret: String,
    issuer: String,
    audience: String,
    /// Inspects the browser's own token instead.
    carried: Option<String>,
}

pub(crate) async fn submit(
    State(app): State<App>,
    caller: Option<Caller>,
    StrictForm(form): StrictForm<InspectForm>,
) -> HandlerResult<Page<InspectorPage>> {
    if [&form.token, &form.key, &form.secret].iter().any(|text| text.len() > MAX_TEXT) {
        return Err(AppError::new(catalogue::TOO_LARGE)
            .detail("The inspector reads at most 100,000 bytes."));
    }
    let empty = empty_page(&app, caller.as_ref());
    if form.carried.is_some() {
        return Ok(Page(inspect_own(&app, caller.as_ref(), empty).await));
    }
    let keys = match form.by {
        VerifyBy::Key => Some(keys::parse(&form.key)),
        VerifyBy::Secret => Some(keys::from_secret(&form.secret)),
        VerifyBy::Ours | VerifyBy::Nothing => None,
    };
    // A private key is never shown again, in whichever field it was pasted.
    let public = |text: String| if keys::is_private(&text) { String::new() } else { text };
    let is_private_key = keys::is_private(&form.token);
    let (token, key) = (public(form.token), public(form.key));
    let form = InspectForm { token, key, secret: String::new(), ..form };
    if form.token.trim().is_empty() {
        let error = Some(match is_private_key {
            true => "This is a private key, not a token. Consider it compromised.",
            false => "Paste a token first.",
        });
        return Ok(Page(InspectorPage { form, error, ..empty }));
    }
    let cleaned = clean(&form.token);
    let api_response = match form.by {
        VerifyBy::Ours => api_response(&app, &cleaned.token).await,
        _ => None,
    };
    let token = escape_invisible(&cleaned.token);
    let result = Some(inspect(&app, cleaned, &form, keys, api_response));
    Ok(Page(InspectorPage { form: InspectForm { token, ..form }, result, ..empty }))
}

fn empty_page(app: &Application, caller: Option<&Caller>) -> InspectorPage {
    InspectorPage {
        layout: Layout::new(app, caller).at("/inspector"),
        has_own_jwt: own_jwt(caller).is_some(),
        form: InspectForm {
            issuer: app.settings.jwt.issuer.clone(),
            audience: app.settings.jwt.audience.clone(),
            ..InspectForm::default()
        },
        error: None,
        result: None,
    }
}

fn own_jwt(caller: Option<&Caller>) -> Option<&str> {
    match &caller?.credential {
        Credential::JwtCookie(jwt) => Some(&jwt.token),
        _ => None,
    }
}

/// Leaves out the signature: with it, a script on the page could use the token, which `HttpOnly`
/// prevents.
async fn inspect_own(app: &App, caller: Option<&Caller>, empty: InspectorPage) -> InspectorPage {
    let Some(token) = own_jwt(caller) else {
        let error = Some("This browser has no JWT. Sign in with one and try again.");
        return InspectorPage { error, ..empty };
    };
    let cleaned = Cleaned { token: token.to_owned(), removed: Vec::new() };
    let api_response = api_response(app, token).await;
    let result = inspect(app, cleaned, &empty.form, None, api_response);
    InspectorPage { result: Some(Inspection { hides_signature: true, ..result }), ..empty }
}

pub(crate) struct Inspection {
    removed: Vec<String>,
    token: DecodedToken,
    signature: Explained,
    claim_checks: Vec<ClaimCheck>,
    api_response: Option<ApiResponse>,
    hides_signature: bool,
    at: Timestamp,
}

/// How this service's API would respond to the token as a bearer token.
struct ApiResponse {
    /// `None` if it accepts the token.
    code: Option<&'static str>,
    message: String,
}

fn inspect(
    app: &Application,
    cleaned: Cleaned,
    form: &InspectForm,
    keys: Option<Result<Vec<PastedKey>, KeyError>>,
    api_response: Option<ApiResponse>,
) -> Inspection {
    let at = app.clock.now();
    let token = DecodedToken::decode(&cleaned.token);
    let signature = match (form.by, keys) {
        (VerifyBy::Ours, _) => signature::check(&token, Keys::Ours(&app.keys.ring(), at)),
        (_, Some(Ok(keys))) => signature::check(&token, Keys::Pasted(&keys)),
        (_, Some(Err(error))) => skipped(error),
        (_, None) => skipped("Not verified: anyone could have written this token."),
    };
    let (issuer, audience) = (non_empty(&form.issuer), non_empty(&form.audience));
    let expected = Expected { issuer, audience, leeway: app.keys.leeway(), now: at };
    let check = |claims: &Object| claims::check(claims, token.header_text("typ"), expected);
    Inspection {
        removed: cleaned.removed,
        signature,
        claim_checks: token.claims.as_ref().map(check).unwrap_or_default(),
        token,
        api_response,
        hides_signature: false,
        at,
    }
}

impl Inspection {
    fn checks(&self) -> [(&'static str, Explained); 3] {
        [
            ("Well formed", self.format()),
            ("Signature", self.signature.clone()),
            ("Claims valid now", self.claims()),
        ]
    }

    fn format(&self) -> Explained {
        if !self.token.errors.is_empty() {
            return (CheckResult::Fail, self.token.errors.clone());
        }
        let message = match self.token.is_encrypted() {
            true => {
                "It has five parts: it is encrypted (JWE, RFC 7516), and only the holder of the \
                 key can read its claims."
            }
            false => "Three base64url parts, the first two of them JSON objects.",
        };
        (CheckResult::Pass, vec![message.to_owned()])
    }

    fn claims(&self) -> Explained {
        if self.token.claims.is_none() {
            return (CheckResult::Skipped, vec!["No claims can be read.".to_owned()]);
        }
        let has_failed = self.claim_checks.iter().any(|one| one.result == CheckResult::Fail);
        let result = if has_failed { CheckResult::Fail } else { CheckResult::Pass };
        let relevant = self.claim_checks.iter().filter(|one| one.result == result);
        (result, relevant.map(|one| format!("{}: {}", one.claim, one.message)).collect())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| escape_invisible(&value.to_string()), escape_invisible)
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

async fn api_response(app: &App, token: &str) -> Option<ApiResponse> {
    if token.matches('.').count() != 2 {
        return None;
    }
    Some(match app.keys.verify(token, app.clock.now()).await {
        Ok(claims) if app.revoked.contains(claims.sid) => ApiResponse {
            code: Some(catalogue::TOKEN_REVOKED.code),
            message: catalogue::TOKEN_REVOKED.cause.to_owned(),
        },
        Ok(_) => ApiResponse { code: None, message: String::new() },
        Err(VerifyError::Refused(error)) => {
            ApiResponse { code: Some(error.code()), message: error.to_string() }
        }
        // The page works without.
        Err(VerifyError::Store(error)) => {
            tracing::warn!(%error, "an unknown key could not be looked up");
            return None;
        }
    })
}
