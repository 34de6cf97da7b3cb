//! Settings of token introspection (RFC 7662).

use latchkey_auth::introspection::{self, Expected, MAX_CACHE_TTL};
use latchkey_auth::oauth::{Kind, OpenId, Provider};
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use latchkey_domain::Span;
use url::Url;

use crate::config::Config;

use super::reader::{Credentials, Reader, parse_duration};

const PREFIX: &str = "OAUTH_INTROSPECTION";
const URL: &str = "OAUTH_INTROSPECTION_URL";
const ISSUER: &str = "OAUTH_INTROSPECTION_ISSUER";

#[derive(Clone, Debug)]
pub struct IntrospectionSettings {
    /// A response that names another issuer is rejected only if the issuer is configured, not
    /// if it is guessed from the providers.
    pub config: introspection::Config,
    pub local: bool,
}

/// Without these variables, the local provider's endpoint, if it runs.
pub(super) fn read(
    read: &mut Reader<'_>,
    settings: &Config,
    providers: &[Provider],
) -> Option<IntrospectionSettings> {
    let cache_ttl = read.parsed("OAUTH_INTROSPECTION_CACHE", parse_cache).unwrap_or(MAX_CACHE_TTL);
    let credentials = read.credentials(PREFIX);
    let issuer = read.issuer(ISSUER);
    let local = !read.is_set(URL);
    let (url, issuer, client_id, client_secret) = if !local {
        let url = read.server(URL, |url| url.fragment().is_none());
        let (id, secret) = read.required(PREFIX, credentials, &format!("{URL} is"))?;
        (Url::parse(&url?).ok()?, issuer, id, secret)
    } else if !matches!(credentials, Credentials::Unset) || read.is_set(ISSUER) {
        read.error(URL, format!("is not set, but other {PREFIX}_ variables are"));
        return None;
    } else {
        let idp = settings.local_idp.as_ref()?;
        let issuer = idp.url.join("google").ok()?;
        let url = Url::parse(&format!("{issuer}/introspect")).ok()?;
        (url, Some(issuer.into()), idp.product.client_id("api"), Secret::new(random::token()))
    };
    let config = introspection::Config {
        issuer: issuer.clone().or_else(|| likely_issuer(&url, providers)),
        expected: Expected { audience: settings.jwt.audience.clone(), issuer },
        url,
        client_id,
        client_secret,
        cache_ttl,
    };
    Some(IntrospectionSettings { config, local })
}

fn parse_cache(text: &str) -> Option<Span> {
    match text {
        "0" | "0s" => Some(Span::seconds(0)),
        _ => parse_duration(text).filter(|span| *span <= MAX_CACHE_TTL),
    }
}

/// The provider whose issuer is a prefix of the URL, or the only one with the same origin.
fn likely_issuer(url: &Url, providers: &[Provider]) -> Option<String> {
    let issuers = providers.iter().filter_map(|provider| match &provider.kind {
        Kind::OpenId(OpenId { issuer, .. }) => Some(issuer),
        Kind::GitHub { .. } | Kind::Facebook { .. } => None,
    });
    let same_origin =
        |issuer: &&String| Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
    let candidates: Vec<_> = issuers.filter(same_origin).collect();
    let is_prefix = |issuer: &&&String| {
        let rest = url.as_str().strip_prefix(issuer.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let longest = candidates.iter().filter(is_prefix).max_by_key(|issuer| issuer.len());
    match (longest, candidates.as_slice()) {
        (Some(longest), _) => Some((*longest).clone()),
        (None, [only]) => Some((*only).clone()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::providers::acme;

    #[test]
    fn introspection_issuer_is_inferred_only_if_unambiguous() {
        for (url, issuers, likely) in [
            ("https://as.test/introspect", &["https://as.test"][..], Some("https://as.test")),
            ("https://as.test/introspect", &["https://as.test/"], Some("https://as.test/")),
            ("https://as.test/introspect", &["https://as.test/x"], Some("https://as.test/x")),
            ("https://as.test/introspect", &["https://as.test:8443", "https://op.test"], None),
            ("https://as.test/introspect", &["https://as.test/x", "https://as.test/y"], None),
            (
                "https://as.test/realms/b/introspect",
                &["https://as.test/realms/a", "https://as.test/realms/b"],
                Some("https://as.test/realms/b"),
            ),
            (
                "https://as.test/realms/bb/introspect",
                &["https://as.test/realms/a", "https://as.test/realms/b"],
                None,
            ),
            ("https://as.test/introspect", &[], None),
        ] {
            let kinds = issuers.iter().map(|issuer| Kind::open_id((*issuer).to_owned()));
            let providers: Vec<_> = kinds.map(acme).collect();
            let found = likely_issuer(&Url::parse(url).expect("a URL"), &providers);
            assert_eq!(found.as_deref(), likely, "{url} {issuers:?}");
        }
    }
}
