//! What things are called on pages.

use latchkey_auth::oauth::Provider;
use latchkey_axum::Caller;
use latchkey_domain::{CredentialKind, SignInMethod};

use crate::app::Application;

#[derive(Debug)]
pub(crate) struct ProviderButton {
    pub(crate) slug: String,
    pub(crate) label: String,
    pub(crate) local: bool,
    pub(crate) can_reauthenticate: bool,
}

impl ProviderButton {
    pub(crate) fn of(provider: &Provider) -> Self {
        Self {
            slug: provider.slug.clone(),
            label: provider.label.clone(),
            local: provider.local,
            can_reauthenticate: provider.can_reauthenticate(),
        }
    }

    /// Of one that the settings may no longer name.
    pub(crate) fn named(app: &Application, slug: &str) -> Self {
        let (slug, label) = (slug.to_owned(), slug.to_owned());
        app.provider(&slug)
            .map_or(Self { slug, label, local: false, can_reauthenticate: false }, Self::of)
    }

    pub(crate) fn monogram(&self) -> String {
        monogram(&self.label)
    }
}

/// The first letter and the next capital: G, GH, MC.
fn monogram(label: &str) -> String {
    let mut letters = label.chars().filter(|c| c.is_alphanumeric());
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let next = letters.find(|c| c.is_uppercase());
    first.chain(next).collect()
}

/// A sign-in method's label: "Google (OAuth)" or "Password".
pub fn door_name(app: &Application, door: Option<&SignInMethod>) -> String {
    let Some(door) = door else { return "OAuth".to_owned() };
    match door {
        SignInMethod::Password => "Password".to_owned(),
        SignInMethod::OAuth(slug) => {
            let label = app.provider(slug).map_or(slug.as_str(), |p| p.label.as_str());
            format!("{label} (OAuth)")
        }
    }
}

pub const fn key_name(key: CredentialKind) -> &'static str {
    match key {
        CredentialKind::Session => "server session",
        CredentialKind::Jwt => "JWT",
    }
}

/// How somebody who is signed in came in.
#[derive(Debug)]
pub struct CurrentSignIn {
    pub name: String,
    pub door: String,
    pub key: &'static str,
}

impl CurrentSignIn {
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
