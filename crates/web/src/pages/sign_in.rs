//! The sign-in and sign-up pages.

use latchkey_axum::routes::oauth::can_prove_identity;
use latchkey_axum::{Credential, FailedSignIn, FailedSignUp, sign_in_page};
use latchkey_domain::{CredentialKind, ReturnTo, SignInMethod, User};
use latchkey_store::users;

use crate::labels::ProviderButton;
use crate::prelude::*;

#[derive(Debug, Default, Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignInPage {
    layout: Layout,
    providers: Vec<ProviderButton>,
    next: String,
    email: String,
    failed: bool,
    welcome: Option<Welcome>,
    reauthentication: Option<Reauthentication>,
    last_used: Option<SignInMethod>,
    /// The credential that the forms request; `None` leaves it to the settings.
    strategy: Option<CredentialKind>,
    /// The credential for every method, if there is only one.
    credential: Option<CredentialKind>,
    /// Only in the demo.
    choices: Vec<CredentialChoice>,
    access_ttl: String,
}

/// A link to the sign-in page that requests this credential.
#[derive(Debug)]
pub(crate) struct CredentialChoice {
    label: &'static str,
    href: String,
    is_current: bool,
}

impl SignInPage {
    fn was_last_used(&self, slug: &str) -> bool {
        matches!(&self.last_used, Some(SignInMethod::OAuth(last)) if last == slug)
    }

    fn was_password_last(&self) -> bool {
        self.last_used == Some(SignInMethod::Password)
    }

    /// Leaves out providers that cannot prove it, unless there is no other way.
    async fn offer_reauthentication(
        &mut self,
        app: &App,
        caller: &Caller,
        code_sent: bool,
    ) -> HandlerResult<()> {
        self.reauthentication = Some(Reauthentication::default());
        // The user in a JWT may be minutes old.
        let user = match caller.credential {
            Credential::Session(_) => Some(User::clone(&caller.user)),
            _ => users::by_id(&app.db, caller.user.id).await?,
        };
        let Some(user) = user else { return Ok(()) };
        if can_prove_identity(app, app, &user).await? {
            let email = user.verified_email().filter(|_| self.layout.sends_email);
            let excluded = app.providers.iter().filter(|provider| !provider.can_reauthenticate());
            let excluded: Vec<_> = excluded.map(|provider| provider.label.as_str()).collect();
            self.providers.retain(|button| button.can_reauthenticate);
            self.reauthentication = Some(Reauthentication {
                excluded: excluded.join(" and "),
                email: email.map(ToString::to_string),
                code_sent,
            });
        }
        Ok(())
    }
}

/// For a signed-in user who must reauthenticate.
#[derive(Debug, Default)]
pub(crate) struct Reauthentication {
    /// Providers that are left out: they cannot say when the user last signed in there.
    excluded: String,
    /// The verified address for a code.
    email: Option<String>,
    code_sent: bool,
}

/// What the user has just done.
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
    // A signed-in user comes here only to reauthenticate.
    if caller.is_some() && query.again.is_none() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    // The password was correct, but the sign-in cookie did not come back.
    if caller.is_none() && query.arrived.is_some() {
        return Err(AppError::new(catalogue::ATTEMPT_COOKIE_MISSING)
            .detail("Your password was correct, but cookies are blocked in this browser, so it can’t stay signed in.")
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
        ..new_page(&app, &next, strategy, caller.is_some())
    };
    if let Some(caller) = &caller {
        page.offer_reauthentication(&app, caller, query.sent.is_some()).await?;
    }
    Ok(Page(page).into_response())
}

/// `POST /sign-in` with a wrong e-mail address or password.
pub(crate) fn failed(app: &Application, attempt: &FailedSignIn) -> SignInPage {
    let default = app.config.default_credential(&SignInMethod::Password);
    let strategy = (attempt.credential != default).then_some(attempt.credential);
    SignInPage {
        failed: true,
        email: attempt.email.clone(),
        ..new_page(app, &attempt.next, strategy, false)
    }
}

fn new_page(
    app: &Application,
    next: &ReturnTo,
    strategy: Option<CredentialKind>,
    reauthenticate: bool,
) -> SignInPage {
    SignInPage {
        layout: Layout::new(app, None),
        providers: app.providers.iter().map(ProviderButton::of).collect(),
        next: next.to_string(),
        choices: if app.settings.demo {
            choices(app, next, strategy, reauthenticate)
        } else {
            Vec::new()
        },
        strategy,
        credential: strategy.or(app.settings.sign_in_credential),
        access_ttl: app.settings.jwt.access_ttl.to_string(),
        ..SignInPage::default()
    }
}

fn choices(
    app: &Application,
    next: &ReturnTo,
    chosen: Option<CredentialKind>,
    reauthenticate: bool,
) -> Vec<CredentialChoice> {
    let choice = |label, strategy: Option<CredentialKind>| {
        let mut query = vec![("next", next.as_str())];
        query.extend(reauthenticate.then_some(("again", "1")));
        query.extend(strategy.map(|strategy| ("strategy", strategy.as_str())));
        let is_current = strategy == chosen.or(app.settings.sign_in_credential);
        CredentialChoice { label, href: sign_in_page(&query), is_current }
    };
    let default = app.settings.sign_in_credential.is_none().then(|| choice("Default", None));
    let kinds = [("Session", CredentialKind::Session), ("JWT", CredentialKind::Jwt)];
    default.into_iter().chain(kinds.map(|(label, kind)| choice(label, Some(kind)))).collect()
}

#[derive(Debug, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    layout: Layout,
    form: FailedSignUp,
}

impl SignUpPage {
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
