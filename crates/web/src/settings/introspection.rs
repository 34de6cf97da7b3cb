//! Where other apps' tokens are asked about (RFC 7662).

use latchkey_auth::introspection::{Config, Expected, MAX_REMEMBERED};
use latchkey_auth::oauth::discovery::may_be_called;
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use latchkey_domain::Span;
use url::Url;

use super::credentials::{Credentials, credentials};
use super::looks::is_unfinished;
use super::providers::{names_nobody, valid_issuer};
use super::reader::{Reader, parse_span};
use super::{Dialect, LocalIdp, ProviderSettings, Settings};

const FAMILY: &str = "OAUTH_INTROSPECTION";
const URL: &str = "OAUTH_INTROSPECTION_URL";
const ISSUER: &str = "OAUTH_INTROSPECTION_ISSUER";
const CACHE: &str = "OAUTH_INTROSPECTION_CACHE";

/// Where to ask, and as whom.
#[derive(Clone, Debug)]
pub struct IntrospectionSettings {
    pub url: Url,
    pub client_id: String,
    pub client_secret: Secret,
    /// Who issues the tokens, as far as it is known.
    pub issuer: Option<String>,
    /// Whether an answer that names another issuer is refused: somebody said
    /// who it is. Otherwise it was guessed from the providers.
    pub issuer_is_certain: bool,
    /// How long an answer is believed; with 0, for the one request alone.
    pub remembered_for: Span,
    /// Whether it is the local provider's.
    pub local: bool,
}

impl Settings {
    /// Who is asked about tokens, and what is expected of the answer.
    #[must_use]
    pub fn introspection_config(&self) -> Option<Config> {
        let from = self.introspection.as_ref()?;
        Some(Config {
            url: from.url.clone(),
            client_id: from.client_id.clone(),
            client_secret: from.client_secret.clone(),
            expected: Expected {
                audience: self.jwt.audience.clone(),
                issuer: from.issuer.clone().filter(|_| from.issuer_is_certain),
            },
            issuer: from.issuer.clone(),
            remembered_for: from.remembered_for,
        })
    }
}

/// Reads the family. Without any of it, the local provider is asked, where
/// there is one; elsewhere nobody is.
pub(super) fn read(
    read: &mut Reader<'_>,
    providers: &[ProviderSettings],
    local_idp: Option<&LocalIdp>,
) -> Option<IntrospectionSettings> {
    let remembered_for = remembered_for(read);
    let credentials = credentials(read, FAMILY);
    let issuer = issuer(read);
    if read.is_set(URL) {
        let url = url(read);
        if let Credentials::Unset = credentials {
            let message = format!("is not set, nor is {FAMILY}_CLIENT_SECRET, but {URL} is");
            read.complain(&format!("{FAMILY}_CLIENT_ID"), message);
        }
        let Credentials::Given(client_id, client_secret) = credentials else { return None };
        let url = url?;
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
        read.complain(URL, "is not set, but others of its family are");
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

fn url(read: &mut Reader<'_>) -> Option<Url> {
    let text = read.text(URL)?;
    if is_unfinished(&text) {
        read.complain(URL, "has a placeholder in it: write your own address");
        return None;
    }
    let valid = |url: &Url| may_be_called(url) && names_nobody(url) && url.fragment().is_none();
    let url = Url::parse(&text).ok().filter(valid);
    if url.is_none() {
        read.complain(
            URL,
            "has to be an https URL without user name or fragment (http only on loopback)",
        );
    }
    url
}

fn issuer(read: &mut Reader<'_>) -> Option<String> {
    let issuer = read.text(ISSUER)?;
    if is_unfinished(&issuer) {
        read.complain(ISSUER, "has a placeholder in it: write your own issuer");
    } else if !valid_issuer(&issuer) {
        read.complain(
            ISSUER,
            "has to be an https URL without user name, query or fragment (http only on loopback)",
        );
    } else {
        return Some(issuer);
    }
    None
}

fn remembered_for(read: &mut Reader<'_>) -> Span {
    let Some(text) = read.text(CACHE) else { return MAX_REMEMBERED };
    match text.as_str() {
        "0" | "0s" => Span::seconds(0),
        text => match parse_span(text) {
            Some(span) if span.as_millis() <= MAX_REMEMBERED.as_millis() => span,
            _ => {
                read.complain(CACHE, "has to be 0, or a time from 1s to 5s");
                MAX_REMEMBERED
            }
        },
    }
}

/// The provider that is most likely asked there: the one whose issuer the
/// address lies under, or the only one at the same origin.
fn likely_issuer(url: &Url, providers: &[ProviderSettings]) -> Option<String> {
    let issuers = providers.iter().filter_map(|provider| match &provider.dialect {
        Dialect::OpenId { issuer } => Some(issuer),
        Dialect::GitHub { .. } | Dialect::Facebook { .. } => None,
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
            dialect: Dialect::OpenId { issuer: issuer.to_owned() },
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
