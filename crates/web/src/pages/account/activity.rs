//! Audit events of an account as sentences.

use crate::prelude::*;
use latchkey_auth::oauth::{Kind as Dialect, OpenId};
use latchkey_domain::audit::Event;
use latchkey_domain::{SignInMethod, Timestamp};

#[derive(Debug)]
pub(crate) struct Activity {
    pub(super) sentence: String,
    /// The address, and the actor if it was not the user.
    pub(super) origin: String,
    pub(super) at: Timestamp,
}

impl Activity {
    pub(super) fn of(app: &Application, event: &Event) -> Self {
        let label = |name: &str| label(app, name);
        let by = match event.actor {
            Actor::Person => None,
            Actor::Operator | Actor::Unknown => Some(format!("by {}", event.actor.phrase())),
        };
        let from = event.address.as_ref().map(|address| format!("from {address}"));
        Self {
            sentence: sentence(event.kind, &event.detail, label),
            origin: by.into_iter().chain(from).collect::<Vec<_>>().join(", "),
            at: event.at,
        }
    }
}

/// `name` is the slug of a provider or the issuer of an identity.
fn label(app: &Application, name: &str) -> String {
    let is_issuer =
        |kind: &Dialect| matches!(kind, Dialect::OpenId(OpenId { issuer, .. }) if issuer == name);
    let mut providers = app.providers.iter();
    let found = providers.find(|one| one.slug == name || is_issuer(&one.kind));
    found.map_or_else(|| name.to_owned(), |provider| provider.label.clone())
}

fn sentence(kind: Kind, detail: &str, label: impl Fn(&str) -> String) -> String {
    let with = |method: &str| match method.parse() {
        Ok(SignInMethod::OAuth(slug)) => format!("with {}", label(&slug)),
        _ if method == "password" => "with a password".to_owned(),
        _ => format!("with {}", label(method)),
    };
    let more = match (kind, detail) {
        (_, "") | (Kind::SignInEnded, "signed out") => return kind.phrase().to_owned(),
        (Kind::SignedIn, detail) => match detail.split_once(", ") {
            Some((method, "session")) => format!("{} (server session)", with(method)),
            Some((method, "jwt")) => format!("{} (JWT)", with(method)),
            Some((method, _)) => format!("{}, for a program", with(method)),
            None => with(detail),
        },
        (Kind::SignedUp, method) => with(method),
        (Kind::SignInFailed, "wrong password") => "with a wrong password".to_owned(),
        (Kind::SignInFailed, detail) => {
            with(detail.split_once(':').map_or(detail, |(provider, _)| provider))
        }
        (Kind::SignInEnded, "token revoked") => "a program".to_owned(),
        (Kind::SignInEnded, through) => through.to_owned(),
        (Kind::Unlinked, "password") => return "Removed the password".to_owned(),
        (_, name) => return format!("{}: {}", kind.phrase(), label(name)),
    };
    format!("{} {more}", kind.phrase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_events_are_rendered_as_sentences() {
        let label =
            |name: &str| if name == "google" { "Google".to_owned() } else { name.to_owned() };
        for (kind, detail, says) in [
            (Kind::SignedIn, "oauth:google, session", "Signed in with Google (server session)"),
            (Kind::SignedIn, "password, jwt", "Signed in with a password (JWT)"),
            (Kind::SignedIn, "password, a program", "Signed in with a password, for a program"),
            (Kind::SignedUp, "google", "Created the account with Google"),
            (Kind::SignedUp, "password", "Created the account with a password"),
            (Kind::SignedUp, "", "Created the account"),
            (Kind::SignInFailed, "wrong password", "Failed to sign in with a wrong password"),
            (Kind::SignInFailed, "google: code", "Failed to sign in with Google"),
            (Kind::SignInEnded, "signed out", "Signed out"),
            (Kind::SignInEnded, "", "Signed out"),
            (Kind::SignInEnded, "token revoked", "Signed out a program"),
            (Kind::SignInEnded, "through the app X", "Signed out through the app X"),
            (Kind::Linked, "google", "Linked a provider: Google"),
            (Kind::Unlinked, "password", "Removed the password"),
            (Kind::RolesChanged, "+admin", "Roles changed: +admin"),
            (Kind::PasswordChanged, "", "Changed the password"),
        ] {
            assert_eq!(sentence(kind, detail, label), says, "{detail}");
        }
    }
}
