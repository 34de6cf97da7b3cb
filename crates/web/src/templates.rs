//! Every page there is, with what it shows. The HTML is in `templates/`.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use latchkey_auth::oauth::Provider;
use latchkey_domain::audit::Event;
use latchkey_domain::sign_in::{Door, Key, SignIn};
use latchkey_domain::{Role, SignInId, Span, Timestamp, User};
use latchkey_store::identities::Identity;

use crate::app::Application;
use crate::caller::Caller;
use crate::doctor::{Level, Report};
use crate::errors::{Action, Entry, Fault, Owner};
use crate::device;
use crate::mail::Letter;
use crate::static_files;

/// A template as an answer.
#[derive(Debug)]
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => Fault::from(error).into_response(),
        }
    }
}

/// What stands around every page.
#[derive(Debug, Default)]
pub(crate) struct Chrome {
    /// Who is signed in.
    pub(crate) who: Who,
    /// In development: which providers are played, and where.
    pub(crate) local: Option<Local>,
    /// Whether there is an outbox to look into.
    pub(crate) outbox: bool,
}

/// What the header says of the person.
#[derive(Debug, Default)]
pub(crate) enum Who {
    /// Nobody is signed in.
    #[default]
    Visitor,
    /// Somebody is.
    Person { name: String, initials: String },
    /// It was not looked at: on error pages.
    Unknown,
}

/// The notice about the local provider.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) providers: String,
    pub(crate) url: String,
    /// Whether there is no other provider: then nothing leaves this machine.
    pub(crate) is_all: bool,
}

impl Chrome {
    /// For a page that knows who is looking at it.
    pub(crate) fn new(app: &Application, caller: Option<&Caller>) -> Self {
        let who = caller.map_or(Who::Visitor, |caller| Who::Person {
            name: caller.user.name.to_string(),
            initials: caller.user.name.initials(),
        });
        Self { who, local: local(app), outbox: app.mailer.outbox().is_some() }
    }

    /// The address of the stylesheet.
    #[expect(clippy::unused_self, reason = "templates reach it through the chrome")]
    pub(crate) fn stylesheet(&self) -> &'static str {
        static_files::stylesheet()
    }

    /// The address of the script.
    #[expect(clippy::unused_self, reason = "templates reach it through the chrome")]
    pub(crate) fn script(&self) -> &'static str {
        static_files::script()
    }

    /// For a page that does not.
    pub(crate) fn of_nobody(app: &Application) -> Self {
        Self { who: Who::Unknown, local: local(app), outbox: app.mailer.outbox().is_some() }
    }
}

fn local(app: &Application) -> Option<Local> {
    let idp = app.settings.local_idp.as_ref()?;
    let played: Vec<_> =
        app.providers.iter().filter(|p| p.local).map(|p| p.label.as_str()).collect();
    let (last, others) = played.split_last()?;
    let providers = match others {
        [] => format!("{last} is"),
        others => format!("{} and {last} are", others.join(", ")),
    };
    let is_all = played.len() == app.providers.len();
    Some(Local { providers, url: idp.url.origin().ascii_serialization(), is_all })
}

/// A button that leads to a provider.
#[derive(Debug)]
pub(crate) struct ProviderButton {
    pub(crate) slug: String,
    pub(crate) label: String,
    pub(crate) monogram: String,
    pub(crate) local: bool,
}

impl ProviderButton {
    pub(crate) fn of(provider: &Provider) -> Self {
        Self {
            slug: provider.slug.clone(),
            label: provider.label.clone(),
            monogram: monogram(&provider.label),
            local: provider.local,
        }
    }
}

/// The first letter and the next capital: G, GH, MC.
fn monogram(label: &str) -> String {
    let mut letters = label.chars().filter(|c| c.is_alphanumeric());
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let next = letters.find(|c| c.is_uppercase());
    first.chain(next).collect()
}

/// `GET /`
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) chrome: Chrome,
    pub(crate) came_in: Option<CameIn>,
}

/// How somebody who is signed in came in.
#[derive(Debug)]
pub(crate) struct CameIn {
    pub(crate) name: String,
    pub(crate) door: String,
    pub(crate) key: &'static str,
}

/// `GET /sign-in`, and `POST` when it failed.
#[derive(Debug, Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignInPage {
    pub(crate) chrome: Chrome,
    pub(crate) providers: Vec<ProviderButton>,
    pub(crate) next: String,
    /// What was typed, when it did not match.
    pub(crate) failed: Option<String>,
    /// Why somebody is sent here.
    pub(crate) welcome: Option<Welcome>,
    /// What to carry with a password.
    pub(crate) password_key: Key,
    pub(crate) access_ttl: String,
}

/// Why somebody is sent to the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// They have just signed up.
    SignedUp,
    /// They have just chosen a new password.
    Reset,
}

/// `GET /sign-up`, and `POST` when something was not right.
#[derive(Debug, Default, Template)]
#[template(path = "sign-up.html")]
pub(crate) struct SignUpPage {
    pub(crate) chrome: Chrome,
    pub(crate) next: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) complaints: Vec<Complaint>,
}

/// What is wrong with a field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl SignUpPage {
    /// What is wrong with this field.
    fn complaint(&self, field: &str) -> Option<&str> {
        let mut complaints = self.complaints.iter();
        complaints.find(|one| one.field == field).map(|one| one.message.as_str())
    }
}

/// `GET /account`
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) chrome: Chrome,
    pub(crate) user: User,
    pub(crate) door: Door,
    pub(crate) door_name: String,
    pub(crate) since: Timestamp,
    pub(crate) carried: Carried,
    pub(crate) identities: Vec<LinkedIdentity>,
    pub(crate) password_changed_at: Option<Timestamp>,
    pub(crate) done: Option<&'static str>,
    pub(crate) linkable: Vec<ProviderButton>,
    pub(crate) devices: Vec<Device>,
    pub(crate) events: Vec<Event>,
    pub(crate) word: &'static str,
}

/// A sign-in, as the account page lists it.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) from: String,
    pub(crate) key: &'static str,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    pub(crate) is_this: bool,
    pub(crate) has_ended: bool,
    /// Until when a JWT of it may be used, at most.
    pub(crate) may_live_until: Option<Timestamp>,
}

impl Device {
    /// A living sign-in.
    pub(crate) fn living(
        app: &Application,
        one: SignIn,
        this: SignInId,
        jwt_life: Span,
    ) -> Self {
        // The newest token was made when it was last renewed, which is when it was last seen.
        let until = (one.key == Key::Jwt).then(|| one.last_seen_at.plus(jwt_life));
        Self {
            id: one.id.to_string(),
            name: device::name(&one.user_agent),
            from: format!("{}, with {}", one.address, door_name(app, Some(&one.door))),
            key: key_name(one.key),
            first_seen: one.created_at,
            last_seen: one.last_seen_at,
            is_this: one.id == this,
            has_ended: false,
            may_live_until: until,
        }
    }

    /// One that has ended, and whose JWT may be used until it expires.
    pub(crate) fn lingering(app: &Application, one: SignIn, jwt_life: Span) -> Self {
        let this = one.id;
        Self { is_this: false, has_ended: true, ..Self::living(app, one, this, jwt_life) }
    }
}

/// `GET /account/link`
#[derive(Debug, Template)]
#[template(path = "link.html")]
pub(crate) struct LinkPage {
    pub(crate) chrome: Chrome,
    pub(crate) label: String,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
}

/// `GET /forgot`, and what `POST` answers.
#[derive(Debug, Template)]
#[template(path = "forgot.html")]
pub(crate) struct ForgotPage {
    pub(crate) chrome: Chrome,
    pub(crate) asked: bool,
}

/// `GET /reset/{token}`
#[derive(Debug, Template)]
#[template(path = "reset.html")]
pub(crate) struct ResetPage {
    pub(crate) chrome: Chrome,
    pub(crate) token: String,
    pub(crate) complaint: Option<String>,
}

/// `GET /verify/{token}`
#[derive(Debug, Template)]
#[template(path = "verify.html")]
pub(crate) struct VerifyPage {
    pub(crate) chrome: Chrome,
    pub(crate) token: String,
    pub(crate) email: String,
}

/// `GET /outbox`
#[derive(Debug, Template)]
#[template(path = "outbox.html")]
pub(crate) struct OutboxPage {
    pub(crate) chrome: Chrome,
    pub(crate) letters: Vec<Letter>,
}

/// `GET /audit`
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(crate) struct AuditPage {
    pub(crate) chrome: Chrome,
    pub(crate) events: Vec<Event>,
    pub(crate) older: Option<String>,
}

/// What somebody carries, as the account page shows it.
#[derive(Debug)]
pub(crate) enum Carried {
    /// Nothing of it can be shown but when it ends.
    Session {
        cookie: String,
        ends_if_unused: Timestamp,
        ends_at: Timestamp,
        idle: String,
        absolute: String,
    },
    /// All of it can be read.
    Jwt {
        cookie: String,
        header: Vec<Claim>,
        claims: Vec<Claim>,
        renews_in: Span,
        renews_at: Timestamp,
        ends_at: Timestamp,
        access_ttl: String,
        watched: bool,
    },
}

/// One member of a token, and what it means.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) meaning: &'static str,
}

/// An identity, as the account page lists it.
#[derive(Debug)]
pub(crate) struct LinkedIdentity {
    pub(crate) label: String,
    pub(crate) monogram: String,
    pub(crate) local: bool,
    pub(crate) identity: Identity,
}

impl LinkedIdentity {
    pub(crate) fn of(app: &Application, identity: Identity) -> Self {
        let provider = app.provider(&identity.provider);
        let label = provider.map_or(identity.provider.clone(), |p| p.label.clone());
        Self {
            monogram: monogram(&label),
            local: provider.is_some_and(|p| p.local),
            label,
            identity,
        }
    }
}

/// What to call a door: "Google, through OAuth".
pub(crate) fn door_name(app: &Application, door: Option<&Door>) -> String {
    let Some(door) = door else { return "a provider, through OAuth".to_owned() };
    match door {
        Door::Password => "a password".to_owned(),
        Door::OAuth(slug) => {
            let label = app.provider(slug).map_or(slug.as_str(), |p| p.label.as_str());
            format!("{label}, through OAuth")
        }
    }
}

/// Every error.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) chrome: Chrome,
    pub(crate) fault: &'a Fault,
    pub(crate) request_id: &'a str,
}

/// `GET /errors`
#[derive(Debug, Template)]
#[template(path = "errors.html")]
pub(crate) struct ErrorsPage {
    pub(crate) chrome: Chrome,
    pub(crate) groups: Vec<(&'static str, Vec<&'static Entry>)>,
}

/// `GET /errors/{code}`
#[derive(Debug, Template)]
#[template(path = "error-entry.html")]
pub(crate) struct ErrorEntryPage {
    pub(crate) chrome: Chrome,
    pub(crate) entry: &'static Entry,
}

/// `GET /doctor`
#[derive(Debug, Template)]
#[template(path = "doctor.html")]
pub(crate) struct DoctorPage {
    pub(crate) chrome: Chrome,
    pub(crate) report: Report,
}

/// What to call a key.
pub(crate) const fn key_name(key: Key) -> &'static str {
    match key {
        Key::Session => "server session",
        Key::Jwt => "JWT",
    }
}

/// `GET /docs`
#[derive(Debug, Template)]
#[template(path = "docs.html")]
pub(crate) struct DocsPage {
    pub(crate) chrome: Chrome,
    pub(crate) groups: Vec<(String, Vec<Operation>)>,
}

/// One operation of the API.
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

#[cfg(test)]
mod tests {
    #[test]
    fn monograms() {
        for (label, monogram) in
            [("Google", "G"), ("GitHub", "GH"), ("My Corp", "MC"), ("acme", "A"), ("", "")]
        {
            assert_eq!(super::monogram(label), monogram);
        }
    }
}
