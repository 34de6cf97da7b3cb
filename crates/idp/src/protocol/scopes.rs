//! What an application may ask for, and the sentence in which a person is asked.

use std::{borrow::Cow, fmt, sync::Arc};

use crate::{Api, Provider};

/// One scope value, RFC 6749 §3.3.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) name: Cow<'static, str>,
    pub(crate) sentence: Cow<'static, str>,
    /// Cannot be unticked: without it the answer would mean nothing.
    pub(crate) required: bool,
}

fn optional(name: &'static str, sentence: &'static str) -> Arc<Scope> {
    Arc::new(Scope { name: name.into(), sentence: sentence.into(), required: false })
}

fn required(name: &'static str, sentence: &'static str) -> Arc<Scope> {
    Arc::new(Scope { name: name.into(), sentence: sentence.into(), required: true })
}

/// Google Calendar, read-only.
pub(crate) const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";
pub(crate) const CONTACTS: &str = "https://www.googleapis.com/auth/contacts";

fn google() -> Vec<Arc<Scope>> {
    vec![
        openid(),
        optional("email", "See your e-mail address"),
        optional("profile", "See your name and picture"),
        optional(CALENDAR, "See the events in your calendar"),
        optional(CONTACTS, "See, change and delete your contacts"),
    ]
}

fn openid() -> Arc<Scope> {
    required("openid", "Know that you are you, each time you come back")
}

fn github() -> Vec<Arc<Scope>> {
    vec![
        optional("read:user", "Read your profile"),
        optional("user:email", "Read your e-mail addresses, private ones too"),
        optional("repo", "Full control of your repositories, private ones too"),
    ]
}

fn facebook() -> Vec<Arc<Scope>> {
    vec![
        required("public_profile", "See your name and picture"),
        optional("email", "See your e-mail address"),
    ]
}

/// For whom a token is made out: exactly one resource server, RFC 9700 §2.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// The APIs of the provider that is being played.
    Provider,
    /// A registered API, by the URI that names it: RFC 8707 §2.
    Api(Arc<str>),
}

/// Every scope that exists here, by whom it belongs to.
#[derive(Debug)]
pub(crate) struct Catalogue {
    providers: [Vec<Arc<Scope>>; 3],
    apis: Vec<(Arc<str>, Vec<Arc<Scope>>)>,
}

impl Catalogue {
    pub(crate) fn new(apis: &[Api]) -> Self {
        let api = |api: &Api| {
            let scope = |(name, sentence): &(String, String)| {
                let sentence = format!("{sentence} at {}", api.name);
                let name = name.clone().into();
                Arc::new(Scope { name, sentence: sentence.into(), required: false })
            };
            // An application may also ask who the person is, in an ID token for itself.
            let scopes = std::iter::once(openid()).chain(api.scopes.iter().map(scope));
            (Arc::from(api.audience.as_str()), scopes.collect())
        };
        Self { providers: [google(), github(), facebook()], apis: apis.iter().map(api).collect() }
    }

    /// Every scope that a provider knows for its own APIs.
    pub(crate) fn offered(&self, provider: Provider) -> &[Arc<Scope>] {
        let [google, github, facebook] = &self.providers;
        match provider {
            Provider::Google => google,
            Provider::Github => github,
            Provider::Facebook => facebook,
        }
    }

    /// Every scope that a token of this audience may carry.
    pub(crate) fn of(&self, provider: Provider, audience: &Audience) -> &[Arc<Scope>] {
        match audience {
            Audience::Provider => self.offered(provider),
            Audience::Api(uri) => {
                let mut apis = self.apis.iter();
                apis.find(|(known, _)| known == uri).map_or(&[], |(_, scopes)| scopes)
            }
        }
    }

    /// The names of all scopes that Google's player knows, each once.
    pub(crate) fn names(&self) -> Vec<&str> {
        let all = self.offered(Provider::Google).iter();
        let all = all.chain(self.apis.iter().flat_map(|(_, scopes)| scopes));
        let mut names: Vec<&str> = Vec::new();
        for scope in all {
            if !names.contains(&&*scope.name) {
                names.push(&scope.name);
            }
        }
        names
    }

    /// Whom a request is about, RFC 8707 §2: the API that `resource` names, else the one that
    /// alone knows a scope that was asked for, else the provider. `None` when the named one is
    /// not registered.
    pub(crate) fn audience(
        &self,
        provider: Provider,
        issuer: Option<&str>,
        resource: Option<&str>,
        asked: &str,
    ) -> Option<Audience> {
        if provider != Provider::Google {
            return Some(Audience::Provider);
        }
        match resource {
            Some(uri) if Some(uri) == issuer => Some(Audience::Provider),
            Some(uri) => {
                let mut apis = self.apis.iter();
                apis.find(|(known, _)| **known == *uri)
                    .map(|(known, _)| Audience::Api(Arc::clone(known)))
            }
            None => Some(self.implied(asked)),
        }
    }

    fn implied(&self, asked: &str) -> Audience {
        let knows = |scopes: &[Arc<Scope>], name: &str| scopes.iter().any(|s| s.name == name);
        let google = self.offered(Provider::Google);
        let only_here = |scopes: &[Arc<Scope>]| {
            asked.split(' ').any(|name| knows(scopes, name) && !knows(google, name))
        };
        let api = self.apis.iter().find(|(_, scopes)| only_here(scopes));
        api.map_or(Audience::Provider, |(uri, _)| Audience::Api(Arc::clone(uri)))
    }

    /// Reads a `scope` parameter. Unknown values are ignored: RFC 6749 §3.3, OIDC Core §3.1.2.1.
    pub(crate) fn parse(&self, provider: Provider, audience: &Audience, value: &str) -> Scopes {
        let asked: Vec<&str> = value.split(separators(provider)).collect();
        let known = self.of(provider, audience).iter();
        Scopes(known.filter(|scope| asked.contains(&&*scope.name)).cloned().collect())
    }
}

/// GitHub and Facebook document commas, the standard says spaces; both are read.
const fn separators(provider: Provider) -> &'static [char] {
    match provider {
        Provider::Google => &[' '],
        Provider::Github | Provider::Facebook => &[' ', ','],
    }
}

/// A set of scopes of one audience, in the order in which the catalogue lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(Vec<Arc<Scope>>);

impl Scopes {
    /// What is granted when the person ticked `ticked`: never more than was asked for, and always
    /// the required part of it.
    pub(crate) fn granted(&self, provider: Provider, ticked: &str) -> Self {
        let ticked: Vec<&str> = ticked.split(separators(provider)).collect();
        self.filtered(|scope| scope.required || ticked.contains(&&*scope.name))
    }

    /// The part of these that `value` names; `None` when it names something else, RFC 6749 §6.
    pub(crate) fn narrowed(&self, value: &str) -> Option<Self> {
        let asked: Vec<&str> = value.split(' ').filter(|name| !name.is_empty()).collect();
        let within = !asked.is_empty() && asked.iter().all(|name| self.contains(name));
        within.then(|| self.filtered(|scope| asked.contains(&&*scope.name)))
    }

    /// Those of `self` that are not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        self.filtered(|scope| !other.contains(&scope.name))
    }

    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(other.without(self).0);
        Self(all)
    }

    fn filtered(&self, keep: impl Fn(&Scope) -> bool) -> Self {
        Self(self.0.iter().filter(|scope| keep(scope)).cloned().collect())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.name == name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Scope>> {
        self.0.iter()
    }

    pub(crate) fn joined(&self, separator: &str) -> String {
        let names: Vec<&str> = self.0.iter().map(|scope| &*scope.name).collect();
        names.join(separator)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(" "))
    }
}

#[cfg(test)]
mod tests;
