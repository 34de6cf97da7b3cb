//! What an application may ask for, and the sentence in which a person is asked.

use std::{borrow::Cow, fmt};

use crate::Provider;

/// One scope value, RFC 6749 §3.3.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    pub(crate) sentence: &'static str,
    /// Cannot be unticked: without it the answer would mean nothing.
    pub(crate) required: bool,
}

const fn optional(name: &'static str, sentence: &'static str) -> Scope {
    Scope { name, sentence, required: false }
}

const fn required(name: &'static str, sentence: &'static str) -> Scope {
    Scope { name, sentence, required: true }
}

static GOOGLE: [Scope; 5] = [
    required("openid", "Know that you are you, each time you come back"),
    optional("email", "See your e-mail address"),
    optional("profile", "See your name and picture"),
    optional(
        "https://www.googleapis.com/auth/calendar.readonly",
        "See the events in your calendar",
    ),
    optional("https://www.googleapis.com/auth/contacts", "See, change and delete your contacts"),
];

static GITHUB: [Scope; 2] = [
    optional("read:user", "Read your profile"),
    optional("user:email", "Read your e-mail addresses, private ones too"),
];

static FACEBOOK: [Scope; 2] = [
    required("public_profile", "See your name and picture"),
    optional("email", "See your e-mail address"),
];

/// Every scope that a provider knows.
pub(crate) const fn offered(provider: Provider) -> &'static [Scope] {
    match provider {
        Provider::Google => &GOOGLE,
        Provider::Github => &GITHUB,
        Provider::Facebook => &FACEBOOK,
    }
}

/// A set of scopes of one provider, in the order in which the provider lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(Vec<&'static Scope>);

impl Scopes {
    /// Reads a `scope` parameter. Unknown values are ignored: RFC 6749 §3.3, OIDC Core §3.1.2.1.
    pub(crate) fn parse(provider: Provider, value: &str) -> Self {
        // GitHub and Facebook document commas, the standard says spaces; both are read.
        let separators: &[char] = match provider {
            Provider::Google => &[' '],
            Provider::Github | Provider::Facebook => &[' ', ','],
        };
        let asked: Vec<&str> = value.split(separators).collect();
        Self(offered(provider).iter().filter(|scope| asked.contains(&scope.name)).collect())
    }

    /// What is granted when the person ticked `ticked`: never more than was asked for, and always
    /// the required part of it.
    pub(crate) fn granted(&self, provider: Provider, ticked: &str) -> Self {
        let ticked = Self::parse(provider, ticked);
        let keep = |scope: &&'static Scope| scope.required || ticked.contains(scope.name);
        Self(self.0.iter().copied().filter(keep).collect())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.name == name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static Scope> {
        self.0.iter().copied()
    }

    pub(crate) fn joined(&self, separator: &str) -> String {
        let names: Vec<Cow<'_, str>> = self.0.iter().map(|scope| scope.name.into()).collect();
        names.join(separator)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_ignored() {
        for (provider, asked, known) in [
            (Provider::Google, "profile openid drive", "openid profile"),
            (Provider::Google, "openid,email", ""),
            (Provider::Google, "OPENID email email", "email"),
            (Provider::Github, "user:email,read:user repo", "read:user user:email"),
            (Provider::Facebook, "email,public_profile", "public_profile email"),
            (Provider::Github, "", ""),
        ] {
            assert_eq!(Scopes::parse(provider, asked).to_string(), known, "{asked}");
        }
    }

    #[test]
    fn a_grant_is_what_was_asked_and_ticked_and_what_is_required() {
        for (asked, ticked, granted) in [
            ("openid email profile", "profile", "openid profile"),
            ("openid email", "", "openid"),
            ("openid", "openid email", "openid"),
            ("email profile", "", ""),
        ] {
            let parse = |value| Scopes::parse(Provider::Google, value);
            let outcome = parse(asked).granted(Provider::Google, ticked);
            assert_eq!(outcome, parse(granted), "{asked} / {ticked}");
        }
    }
}
