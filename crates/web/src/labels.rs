//! Labels of providers, sign-in methods and credentials.

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

    /// Falls back to the slug for a provider that was removed from the settings.
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
pub fn method_label(app: &Application, method: Option<&SignInMethod>) -> String {
    match method {
        None => "OAuth".to_owned(),
        Some(SignInMethod::Password) => "Password".to_owned(),
        Some(SignInMethod::OAuth(slug)) => {
            let label = app.provider(slug).map_or(slug.as_str(), |p| p.label.as_str());
            format!("{label} (OAuth)")
        }
    }
}

pub const fn credential_label(credential: CredentialKind) -> &'static str {
    match credential {
        CredentialKind::Session => "server session",
        CredentialKind::Jwt => "JWT",
    }
}

/// The visitor's sign-in, as the home page shows it.
#[derive(Debug)]
pub struct CurrentSignIn {
    pub name: String,
    pub method: String,
    pub credential: &'static str,
}

impl CurrentSignIn {
    pub fn of(app: &Application, caller: &Caller) -> Option<Self> {
        Some(Self {
            name: caller.user.name.to_string(),
            method: match caller.sign_in_method() {
                Some(SignInMethod::Password) => "a password".to_owned(),
                method => method_label(app, method.as_ref()),
            },
            credential: credential_label(caller.credential_kind()?),
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn monogram_uses_first_letter_and_next_capital() {
        for (label, monogram) in
            [("Google", "G"), ("GitHub", "GH"), ("My Corp", "MC"), ("acme", "A"), ("", "")]
        {
            assert_eq!(super::monogram(label), monogram);
        }
    }
}
