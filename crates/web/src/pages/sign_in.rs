//! The sign-in page, with both doors on one card, and the sign-up page.

use latchkey_axum::{FailedSignIn, FailedSignUp, sign_in_page};
use latchkey_domain::{CredentialKind, Email, ReturnTo, SignInMethod};
use latchkey_store::users;

use crate::labels::ProviderButton;
use crate::pages::account::forms::proved_address;
use crate::prelude::*;

#[derive(Debug, Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignInPage {
    layout: Layout,
    providers: Vec<ProviderButton>,
    next: String,
    email: String,
    failed: bool,
    welcome: Option<Welcome>,
    again: Option<Again>,
    last_used: Option<SignInMethod>,
    /// What both forms ask for; nothing leaves it to the settings.
    strategy: Option<CredentialKind>,
    /// What browsers get whatever the method, if that is decided.
    carries: Option<CredentialKind>,
    /// In the demonstration one chooses.
    choices: Vec<Choice>,
    access_ttl: String,
}

/// What a browser may carry, and the page on which both forms ask for it.
#[derive(Debug)]
pub(crate) struct Choice {
    label: &'static str,
    href: String,
    is_current: bool,
}

impl SignInPage {
    fn was_last(&self, slug: &str) -> bool {
        matches!(&self.last_used, Some(SignInMethod::OAuth(last)) if last == slug)
    }

    fn was_password_last(&self) -> bool {
        self.last_used == Some(SignInMethod::Password)
    }
}

/// What is different for somebody who is signed in, and is to prove it once more.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// The providers that are left out, because they cannot say that they asked.
    silent: String,
    /// Where a code can be sent to.
    email: Option<String>,
    /// Whether one was sent.
    sent: bool,
}

/// Why somebody is sent to the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    SignedUp,
    Reset,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignInQuery {
    pub(crate) next: Option<String>,
    welcome: Option<String>,
    again: Option<String>,
    strategy: Option<String>,
    arrived: Option<String>,
    sent: Option<String>,
}

/// `GET /sign-in`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<Caller>,
    hints: Hints,
    Query(query): Query<SignInQuery>,
) -> HandlerResult<Response> {
    let next = ReturnTo::parse(query.next.as_deref(), &app.settings.public_url);
    // Somebody who is signed in comes here to prove it once more.
    if caller.is_some() && query.again.is_none() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    // The password was right a moment ago.
    if caller.is_none() && query.arrived.is_some() {
        return Err(AppError::new(catalogue::ATTEMPT_COOKIE_MISSING)
            .detail("Your password was right, but this browser did not keep the cookie that signs you in: cookies are blocked.")
            .link("Sign in again", "/sign-in"));
    }
    let welcome = match query.welcome.as_deref() {
        None => None,
        Some("reset") => Some(Welcome::Reset),
        Some(_) => Some(Welcome::SignedUp),
    };
    let strategy = query.strategy.as_deref().and_then(|text| text.parse().ok());
    let mut page = SignInPage {
        welcome,
        last_used: hints.get(LAST_USED).and_then(|method| method.parse().ok()),
        layout: Layout::new(&app, caller.as_ref()),
        ..form(&app, &next, strategy, caller.is_some())
    };
    if let Some(caller) = &caller {
        prove_again(&mut page, &app, caller, query.sent.is_some()).await?;
    }
    Ok(Page(page).into_response())
}

/// Leaves out what proves nothing, as long as there is something that does.
async fn prove_again(
    page: &mut SignInPage,
    app: &App,
    caller: &Caller,
    sent: bool,
) -> HandlerResult<()> {
    let user = users::by_id(&app.db, caller.user.id).await?;
    let email = user.as_ref().and_then(proved_address).map(Email::to_string);
    if user.is_some_and(|user| user.email.is_some()) {
        let silent = app.providers.iter().filter(|provider| !provider.can_reauthenticate());
        let silent: Vec<_> = silent.map(|provider| provider.label.as_str()).collect();
        let silent = silent.join(" and ");
        page.providers.retain(|button| button.can_reauthenticate);
        page.again = Some(Again { silent, email, sent });
    } else {
        page.again = Some(Again::default());
    }
    Ok(())
}

/// `POST /sign-in`, when e-mail and password do not match.
pub(crate) fn failed(app: &Application, attempt: &FailedSignIn) -> SignInPage {
    let default = app.config.credential_for(&SignInMethod::Password);
    let strategy = (attempt.key != default).then_some(attempt.key);
    SignInPage {
        failed: true,
        email: attempt.email.clone(),
        ..form(app, &attempt.next, strategy, false)
    }
}

fn form(
    app: &Application,
    next: &ReturnTo,
    strategy: Option<CredentialKind>,
    again: bool,
) -> SignInPage {
    SignInPage {
        layout: Layout::new(app, None),
        providers: app.providers.iter().map(ProviderButton::of).collect(),
        next: next.to_string(),
        email: String::new(),
        failed: false,
        welcome: None,
        again: None,
        last_used: None,
        choices: if app.settings.demo { choices(app, next, strategy, again) } else { Vec::new() },
        strategy,
        carries: strategy.or(app.settings.sign_in_credential),
        access_ttl: app.settings.jwt.access_ttl.to_string(),
    }
}

fn choices(
    app: &Application,
    next: &ReturnTo,
    chosen: Option<CredentialKind>,
    again: bool,
) -> Vec<Choice> {
    let choice = |label, strategy: Option<CredentialKind>| {
        let mut query = vec![("next", next.as_str())];
        query.extend(again.then_some(("again", "1")));
        query.extend(strategy.map(|strategy| ("strategy", strategy.as_str())));
        let is_current = strategy == chosen.or(app.settings.sign_in_credential);
        Choice { label, href: sign_in_page(&query), is_current }
    };
    let each = app.settings.sign_in_credential.is_none().then(|| choice("Default", None));
    let kinds = [("Session", CredentialKind::Session), ("JWT", CredentialKind::Jwt)];
    each.into_iter().chain(kinds.map(|(label, kind)| choice(label, Some(kind)))).collect()
}

#[derive(Debug, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    layout: Layout,
    form: FailedSignUp,
}

impl SignUpPage {
    /// The form once more when something is wrong in it, or as it begins.
    pub(crate) fn new(app: &Application, form: FailedSignUp) -> Self {
        Self { layout: Layout::new(app, None), form }
    }

    fn error(&self, field: &str) -> Option<&str> {
        let mut errors = self.form.errors.iter();
        errors.find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }
}

/// `GET /sign-up`
pub(crate) async fn sign_up(
    State(app): State<App>,
    caller: Option<Caller>,
    Query(query): Query<SignInQuery>,
) -> Response {
    let next = ReturnTo::parse(query.next.as_deref(), &app.settings.public_url);
    if caller.is_some() {
        return Redirect::to(next.as_str()).into_response();
    }
    Page(SignUpPage::new(&app, FailedSignUp { next, ..FailedSignUp::default() })).into_response()
}
