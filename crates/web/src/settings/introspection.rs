//! Where opaque access tokens of other apps are introspected (RFC 7662).

use latchkey_auth::introspection::{Config, Expected, MAX_REMEMBERED};
use latchkey_auth::oauth::{Kind, OpenId};
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use latchkey_domain::Span;
use url::Url;

use super::providers::{LocalIdp, ProviderSettings};
use super::reader::{Credentials, Reader, parse_duration};

const FAMILY: &str = "OAUTH_INTROSPECTION";
const URL: &str = "OAUTH_INTROSPECTION_URL";
const ISSUER: &str = "OAUTH_INTROSPECTION_ISSUER";

#[derive(Clone, Debug)]
pub struct IntrospectionSettings {
    pub url: Url,
    pub client_id: String,
    pub client_secret: Secret,
    pub issuer: Option<String>,
    /// Whether an answer that names another issuer is refused: the issuer was
    /// configured, not guessed from the providers.
    pub issuer_is_certain: bool,
    /// How long an answer is reused; with 0, for one request only.
    pub remembered_for: Span,
    pub local: bool,
}

impl IntrospectionSettings {
    pub fn config(&self, audience: &str) -> Config {
        Config {
            url: self.url.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            expected: Expected {
                audience: audience.to_owned(),
                issuer: self.issuer.clone().filter(|_| self.issuer_is_certain),
            },
            issuer: self.issuer.clone(),
            remembered_for: self.remembered_for,
        }
    }
}

/// Without any of these variables, the local provider's endpoint, if there is one.
pub(super) fn read(
    read: &mut Reader<'_>,
    providers: &[ProviderSettings],
    local_idp: Option<&LocalIdp>,
) -> Option<IntrospectionSettings> {
    let remembered_for =
        read.parsed("OAUTH_INTROSPECTION_CACHE", parse_cache).unwrap_or(MAX_REMEMBERED);
    let credentials = read.credentials(FAMILY);
    let issuer = read.issuer(ISSUER);
    if read.is_set(URL) {
        let url = read.server(URL, |url| url.fragment().is_none());
        if let Credentials::Unset = credentials {
            read.error_with_fix(
                &format!("{FAMILY}_CLIENT_ID"),
                format!("is not set, but {URL} is"),
                format!("Set it and {FAMILY}_CLIENT_SECRET."),
            );
        }
        let Credentials::Given(client_id, client_secret) = credentials else { return None };
        let url = Url::parse(&url?).ok()?;
        return Some(IntrospectionSettings {
            issuer_is_certain: issuer.is_some(),
            issuer: issuer.or_else(|| likely_issuer(&url, providers)),
            url,
            client_id,
            client_secret,
            remembered_for,
            local: false,
        });
    }
    if !matches!(credentials, Credentials::Unset) || read.is_set(ISSUER) {
        read.error(URL, format!("is not set, but other {FAMILY}_ variables are"));
        return None;
    }
    let issuer = local_idp?.url.join("google").ok()?;
    Some(IntrospectionSettings {
        url: Url::parse(&format!("{issuer}/introspect")).ok()?,
        client_id: "latchkey-api".to_owned(),
        client_secret: Secret::new(random::token()),
        issuer: Some(issuer.into()),
        issuer_is_certain: true,
        remembered_for,
        local: true,
    })
}

fn parse_cache(text: &str) -> Option<Span> {
    match text {
        "0" | "0s" => Some(Span::seconds(0)),
        _ => parse_duration(text).filter(|span| *span <= MAX_REMEMBERED),
    }
}

/// The provider whose issuer the endpoint lies under, or the only one at the same origin.
fn likely_issuer(url: &Url, providers: &[ProviderSettings]) -> Option<String> {
    let issuers = providers.iter().filter_map(|provider| match &provider.kind {
        Kind::OpenId(OpenId { issuer, .. }) => Some(issuer),
        Kind::GitHub { .. } | Kind::Facebook { .. } => None,
    });
    let same_origin =
        |issuer: &&String| Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
    let there: Vec<_> = issuers.filter(same_origin).collect();
    let above = |issuer: &&&String| {
        let rest = url.as_str().strip_prefix(issuer.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let nearest = there.iter().filter(above).max_by_key(|issuer| issuer.len());
    match (nearest, there.as_slice()) {
        (Some(nearest), _) => Some((*nearest).clone()),
        (None, [only]) => Some((*only).clone()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> ProviderSettings {
        ProviderSettings {
            slug: "acme".to_owned(),
            label: "Acme".to_owned(),
            kind: Kind::open_id(issuer.to_owned()),
            client_id: "id".to_owned(),
            client_secret: Secret::new("hush"),
            scopes: Vec::new(),
            local: false,
        }
    }

    #[test]
    fn the_issuer_is_guessed_where_there_is_one_answer() {
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
            let providers: Vec<_> = issuers.iter().map(|issuer| provider(issuer)).collect();
            let found = likely_issuer(&Url::parse(url).expect("a URL"), &providers);
            assert_eq!(found.as_deref(), likely, "{url} {issuers:?}");
        }
    }
}
