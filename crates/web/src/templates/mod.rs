//! Every page there is, with what it shows. The HTML is in `templates/`.

mod account;
mod connected_apps;
mod connections;
mod words;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use latchkey_domain::audit::Event;
use latchkey_domain::sign_in::{CredentialKind, SignInMethod};

use crate::app::Application;
use crate::caller::Caller;
use crate::doctor::{Level, Report};
use crate::errors::{Action, AppError, Entry, Owner, catalogue};
use crate::mail::EmailMessage;

pub(crate) use crate::layout::Layout;
pub(crate) use account::{AccountPage, Carried, Device, LinkedIdentity};
pub(crate) use connected_apps::{AppRow, Apps, ConnectedApps};
pub(crate) use connections::{ConnectionsPage, Ending, ProviderCard, ServicePage};
pub(crate) use words::ProviderButton;
pub use words::{door_name, key_name};

#[derive(Debug)]
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                AppError::new(catalogue::INTERNAL).into_response()
            }
        }
    }
}

/// `GET /`
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) layout: Layout,
    pub(crate) current: Option<CurrentSignIn>,
}

/// How somebody who is signed in came in.
#[derive(Debug)]
pub struct CurrentSignIn {
    pub name: String,
    pub door: String,
    pub key: &'static str,
}

impl CurrentSignIn {
    #[must_use]
    pub fn of(app: &Application, caller: &Caller) -> Option<Self> {
        Some(Self {
            name: caller.user.name.to_string(),
            door: match caller.door() {
                Some(SignInMethod::Password) => "a password".to_owned(),
                door => door_name(app, door.as_ref()),
            },
            key: key_name(caller.key()?),
        })
    }
}

/// `GET /sign-in`, and `POST` when it failed.
#[derive(Debug, Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignInPage {
    pub(crate) layout: Layout,
    pub(crate) providers: Vec<ProviderButton>,
    pub(crate) next: String,
    /// What was typed, when it did not match.
    pub(crate) failed: Option<String>,
    pub(crate) welcome: Option<Welcome>,
    /// What to carry with a password.
    pub(crate) password_key: CredentialKind,
    pub(crate) access_ttl: String,
}

/// Why somebody is sent to the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    SignedUp,
    /// They have just chosen a new password.
    Reset,
}

/// `GET /sign-up`, and `POST` when something was not right.
#[derive(Debug, Default, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    pub(crate) layout: Layout,
    pub(crate) next: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) errors: Vec<FieldError>,
}

/// What is wrong with a field of a form.
#[derive(Clone, Debug)]
pub(crate) struct FieldError {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl SignUpPage {
    /// What is wrong with this field.
    fn error(&self, field: &str) -> Option<&str> {
        let mut errors = self.errors.iter();
        errors.find(|one| one.field == field).map(|one| one.message.as_str())
    }
}

/// `GET /account/link`
#[derive(Debug, Template)]
#[template(path = "link.html")]
pub(crate) struct LinkPage {
    pub(crate) layout: Layout,
    pub(crate) label: String,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
}

/// `GET /forgot`, and what `POST` answers.
#[derive(Debug, Template)]
#[template(path = "forgot.html")]
pub(crate) struct ForgotPage {
    pub(crate) layout: Layout,
    pub(crate) asked: bool,
}

/// `GET /reset/{token}`
#[derive(Debug, Template)]
#[template(path = "reset.html")]
pub(crate) struct ResetPage {
    pub(crate) layout: Layout,
    pub(crate) token: String,
    pub(crate) error: Option<String>,
}

/// `GET /verify/{token}`
#[derive(Debug, Template)]
#[template(path = "verify.html")]
pub(crate) struct VerifyPage {
    pub(crate) layout: Layout,
    pub(crate) token: String,
    pub(crate) email: String,
}

/// `GET /outbox`
#[derive(Debug, Template)]
#[template(path = "outbox.html")]
pub(crate) struct OutboxPage {
    pub(crate) layout: Layout,
    pub(crate) emails: Vec<EmailMessage>,
}

/// `GET /audit`
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage {
    pub(crate) layout: Layout,
    pub(crate) events: Vec<Event>,
    pub(crate) older: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) layout: Layout,
    pub(crate) error: &'a AppError,
    pub(crate) request_id: &'a str,
}

/// `GET /errors`
#[derive(Debug, Template)]
#[template(path = "errors.html")]
pub(crate) struct ErrorsPage {
    pub(crate) layout: Layout,
    pub(crate) groups: Vec<(&'static str, Vec<&'static Entry>)>,
}

/// `GET /errors/{code}`
#[derive(Debug, Template)]
#[template(path = "error-entry.html")]
pub(crate) struct ErrorEntryPage {
    pub(crate) layout: Layout,
    pub(crate) entry: &'static Entry,
}

/// `GET /doctor`
#[derive(Debug, Template)]
#[template(path = "doctor.html")]
pub(crate) struct DoctorPage {
    pub(crate) layout: Layout,
    pub(crate) report: Report,
}

/// `GET /docs`
#[derive(Debug, Template)]
#[template(path = "docs.html")]
pub(crate) struct DocsPage {
    pub(crate) layout: Layout,
    pub(crate) groups: Vec<(String, Vec<Operation>)>,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) tag: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) scope: Option<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) status: String,
    pub(crate) answer: Option<String>,
    pub(crate) curl: String,
}

/// One parameter of an operation, or one member of its body.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) meaning: String,
}
