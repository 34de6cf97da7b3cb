//! One person, with an account at each of the three providers.

use serde::{Deserialize, Serialize};

use crate::Provider;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) email: Option<Email>,
    /// Which branch of an application this person walks, in words.
    pub(crate) branch: String,
    /// `sub` at Google, OIDC Core §2: locally unique, never reassigned, at most 255 characters.
    pub(crate) google_sub: String,
    pub(crate) github: GithubAccount,
    /// `id` at Facebook: a decimal string.
    pub(crate) facebook_id: String,
    /// Under Google's rule for applications in testing: refresh tokens end after seven days.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) testing: bool,
}

/// An e-mail address, and whether the provider has checked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Email {
    pub(crate) address: String,
    pub(crate) verified: bool,
}

/// What GitHub tells about a person depends on what the person made public there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GithubAccount {
    /// The key of the account; a number in JSON.
    pub(crate) id: u64,
    /// A name that changes hands: never a key.
    pub(crate) login: String,
    /// `name` of `/user` is null otherwise.
    pub(crate) shows_name: bool,
    /// `email` of `/user` is null otherwise.
    pub(crate) shows_email: bool,
    /// The address that the person gave to GitHub. People have more than one: somebody who signs
    /// in at Google and at GitHub is not stopped by an application that compares addresses.
    pub(crate) email: Option<Email>,
}

impl Person {
    /// The address that a provider has of this person.
    pub(crate) fn email_at(&self, provider: Provider) -> Option<&Email> {
        match provider {
            Provider::Github => self.github.email.as_ref(),
            Provider::Google | Provider::Facebook => self.email.as_ref(),
        }
    }

    pub(crate) fn initial(&self) -> char {
        self.name
            .chars()
            .find(|c| c.is_alphanumeric())
            .and_then(|c| c.to_uppercase().next())
            .unwrap_or('?')
    }

    /// The path of the avatar on this provider.
    pub(crate) fn avatar_path(&self) -> String {
        format!("/avatars/{}.svg", self.key)
    }
}
