//! The scopes of the providers and APIs, with their descriptions on the consent page.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexSet;

use crate::config::Api;
use crate::provider::Provider;

/// One scope value, RFC 6749 §3.3.
#[derive(Debug, PartialEq, Eq)]
pub struct Scope {
    pub name: Cow<'static, str>,
    pub description: Cow<'static, str>,
    pub required: bool,
}

/// Google Calendar, read-only.
pub const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";
pub const CONTACTS: &str = "https://www.googleapis.com/auth/contacts";

type Row = (&'static str, &'static str, bool);

const OPENID: Row = ("openid", "Recognize you when you come back", true);
const GOOGLE: &[Row] = &[
    OPENID,
    ("email", "See your e-mail address", false),
    ("profile", "See your name and picture", false),
    (CALENDAR, "See the events in your calendar", false),
    (CONTACTS, "See, change and delete your contacts", false),
];
const GITHUB: &[Row] = &[
    ("read:user", "Read your profile", false),
    ("user:email", "Read your e-mail addresses, private ones too", false),
    ("repo", "Full control of your repositories, private ones too", false),
];
const FACEBOOK: &[Row] = &[
    ("public_profile", "See your name and picture", true),
    ("email", "See your e-mail address", false),
];

fn scope((name, description, required): &Row) -> Arc<Scope> {
    let (name, description) = ((*name).into(), (*description).into());
    Arc::new(Scope { name, description, required: *required })
}

/// The one resource server that a token is for, RFC 9700 §2.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The provider's own APIs.
    Provider,
    /// A registered API, by its URI (RFC 8707 §2).
    Api(Arc<str>),
}

#[derive(Debug)]
pub struct Catalogue {
    providers: [Vec<Arc<Scope>>; 3],
    apis: Vec<(Arc<str>, Vec<Arc<Scope>>)>,
}

impl Catalogue {
    pub fn new(apis: &[Api]) -> Self {
        let api = |api: &Api| {
            let api_scope = |(name, description): &(String, String)| {
                let description = format!("{description} at {}", api.name).into();
                Arc::new(Scope { name: name.clone().into(), description, required: false })
            };
            // An application may also request an ID token for itself.
            let scopes = std::iter::once(scope(&OPENID)).chain(api.scopes.iter().map(api_scope));
            (Arc::from(api.audience.as_str()), scopes.collect())
        };
        let providers = [GOOGLE, GITHUB, FACEBOOK].map(|rows| rows.iter().map(scope).collect());
        Self { providers, apis: apis.iter().map(api).collect() }
    }

    /// The scopes of a provider's own APIs.
    fn provider_scopes(&self, provider: Provider) -> &[Arc<Scope>] {
        let [google, github, facebook] = &self.providers;
        provider.pick([google, github, facebook])
    }

    /// The scopes of an audience.
    fn scopes_for(&self, provider: Provider, audience: &Audience) -> &[Arc<Scope>] {
        match audience {
            Audience::Provider => self.provider_scopes(provider),
            Audience::Api(uri) => {
                let mut apis = self.apis.iter();
                apis.find(|(known, _)| known == uri).map_or(&[], |(_, scopes)| scopes)
            }
        }
    }

    /// The scopes of Google and all registered APIs, without duplicates.
    pub fn names(&self) -> Vec<&str> {
        let all = self.provider_scopes(Provider::Google).iter();
        let all = all.chain(self.apis.iter().flat_map(|(_, scopes)| scopes));
        all.map(|scope| &*scope.name).collect::<IndexSet<_>>().into_iter().collect()
    }

    /// The audience of a request: the API that `resource` names (RFC 8707 §2), else the first API
    /// with a requested scope that Google does not have, else the provider. `None` if `resource` is
    /// not registered.
    pub fn audience(
        &self,
        provider: Provider,
        issuer: Option<&str>,
        resource: Option<&str>,
        scope: &str,
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
            None => Some(self.inferred_audience(scope)),
        }
    }

    fn inferred_audience(&self, scope: &str) -> Audience {
        let has = |scopes: &[Arc<Scope>], name: &str| scopes.iter().any(|s| s.name == name);
        let google = self.provider_scopes(Provider::Google);
        let is_requested = |scopes: &[Arc<Scope>]| {
            scope.split(' ').any(|name| has(scopes, name) && !has(google, name))
        };
        let api = self.apis.iter().find(|(_, scopes)| is_requested(scopes));
        api.map_or(Audience::Provider, |(uri, _)| Audience::Api(Arc::clone(uri)))
    }

    /// Parses a `scope` parameter and ignores unknown values (RFC 6749 §3.3, OIDC Core §3.1.2.1).
    pub fn parse(&self, provider: Provider, audience: &Audience, value: &str) -> Scopes {
        let names: Vec<&str> = value.split(separators(provider)).collect();
        let known = self.scopes_for(provider, audience).iter();
        Scopes(known.filter(|scope| names.contains(&&*scope.name)).cloned().collect())
    }
}

/// GitHub and Facebook document commas, the standard requires spaces; both are accepted.
const fn separators(provider: Provider) -> &'static [char] {
    provider.pick([&[' '], &[' ', ','], &[' ', ',']])
}

/// A set of scopes of one audience, in the order of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Arc<Scope>>);

impl Scopes {
    /// The requested scopes that were selected, and all required ones.
    pub fn granted(&self, provider: Provider, selected: &str) -> Self {
        let selected: Vec<&str> = selected.split(separators(provider)).collect();
        self.filtered(|scope| scope.required || selected.contains(&&*scope.name))
    }

    /// The scopes in `value`; `None` if one of them is not in this set (RFC 6749 §6).
    pub fn narrowed(&self, value: &str) -> Option<Self> {
        let names: Vec<&str> = value.split(' ').filter(|name| !name.is_empty()).collect();
        let is_subset = !names.is_empty() && names.iter().all(|name| self.contains(name));
        is_subset.then(|| self.filtered(|scope| names.contains(&&*scope.name)))
    }

    pub fn without(&self, other: &Self) -> Self {
        self.filtered(|scope| !other.contains(&scope.name))
    }

    pub fn with(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(other.without(self).0);
        Self(all)
    }

    fn filtered(&self, keep: impl Fn(&Scope) -> bool) -> Self {
        Self(self.0.iter().filter(|scope| keep(scope)).cloned().collect())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.name == name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Scope>> {
        self.0.iter()
    }

    pub fn joined(&self, separator: &str) -> String {
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
mod tests {
    use super::*;

    const API: &str = "http://localhost:3000/api";
    const OTHER: &str = "https://other.test";
    const ISSUER: &str = "http://127.0.0.1:3001/google";

    fn catalogue() -> Catalogue {
        let scope = |name: &str| (name.to_owned(), format!("Do {name}"));
        let api = |audience: &str, scopes: &[&str]| Api {
            name: "Latchkey".into(),
            audience: audience.into(),
            scopes: scopes.iter().map(|name| scope(name)).collect(),
            id: "api".into(),
            secret: "secret".into(),
        };
        Catalogue::new(&[
            api(API, &["profile", "calendar:read", "contacts:read"]),
            api(OTHER, &["print"]),
        ])
    }

    fn parse(value: &str) -> Scopes {
        catalogue().parse(Provider::Google, &Audience::Provider, value)
    }

    #[test]
    fn scope_sets_support_union_difference_and_narrowing() {
        let [a, b] = ["openid email", "email profile"].map(parse);
        assert_eq!(a.with(&b).to_string(), "openid email profile");
        assert_eq!(a.without(&b).to_string(), "openid");
        for (asked, expected) in [
            ("openid", Some("openid")),
            ("email  openid", Some("openid email")),
            (CALENDAR, None),
            ("openid drive", None),
            (" ", None),
        ] {
            let narrowed = a.narrowed(asked).map(|scopes| scopes.to_string());
            assert_eq!(narrowed.as_deref(), expected, "{asked}");
        }
    }

    #[test]
    fn resource_and_scopes_determine_one_audience() {
        let api = |uri: &str| Some(Audience::Api(uri.into()));
        let provider = || Some(Audience::Provider);
        let all = "openid profile email calendar:read";
        for (resource, asked, expected, scopes) in [
            (None, "openid profile", provider(), "openid profile"),
            (Some(ISSUER), "openid calendar:read", provider(), "openid"),
            (Some(API), all, api(API), "openid profile calendar:read"),
            (Some(API), CALENDAR, api(API), ""),
            // A scope that only one API has determines the audience.
            (None, "calendar:read profile", api(API), "profile calendar:read"),
            (None, "nonsense", provider(), ""),
            (Some(OTHER), "print profile", api(OTHER), "print"),
            (Some("http://localhost:3000/api/"), "calendar:read", None, ""),
            (Some("http://localhost:3000"), "calendar:read", None, ""),
        ] {
            let catalogue = catalogue();
            let audience = catalogue.audience(Provider::Google, Some(ISSUER), resource, asked);
            assert_eq!(audience, expected, "{resource:?} {asked}");
            if let Some(audience) = audience {
                let parsed = catalogue.parse(Provider::Google, &audience, asked);
                assert_eq!(parsed.to_string(), scopes, "{resource:?} {asked}");
            }
        }
    }
}
