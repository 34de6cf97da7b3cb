//! The providers: real ones by two variables each, local ones in their place.

use std::collections::BTreeSet;

use latchkey_auth::oauth::discovery::may_be_called;
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use url::Url;

use super::LocalIdp;
use super::credentials::{Credentials, credentials};
use super::looks::is_unfinished;
use super::reader::Reader;

/// One provider, as it was configured.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    pub slug: String,
    pub label: String,
    /// The dialect that it speaks, and where.
    pub dialect: Dialect,
    pub client_id: String,
    pub client_secret: Secret,
    /// What is asked for beyond what signing in needs.
    pub scopes: Vec<String>,
    /// Whether the local provider plays it.
    pub local: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    OpenId { issuer: String },
    GitHub { web: Url, api: Url },
    Facebook { web: Url, graph: Url },
}

/// The providers that need nothing but credentials: their name in our URLs,
/// for people, and in variables.
pub const BUILT_IN: [(&str, &str, &str); 3] = [
    ("google", "Google", "GOOGLE"),
    ("github", "GitHub", "GITHUB"),
    ("facebook", "Facebook", "FACEBOOK"),
];

pub(super) fn read(read: &mut Reader<'_>, local_idp: Option<&LocalIdp>) -> Vec<ProviderSettings> {
    let mut providers = Vec::new();
    for (slug, label, prefix) in BUILT_IN {
        let dialect = real_dialect(read, slug);
        let credentials = credentials(read, prefix);
        let provider = match (credentials, local_idp) {
            (Credentials::Given(client_id, client_secret), _) => {
                dialect.map(|dialect| ProviderSettings {
                    slug: slug.to_owned(),
                    label: label.to_owned(),
                    dialect,
                    client_id,
                    client_secret,
                    scopes: Vec::new(),
                    local: false,
                })
            }
            (Credentials::Unset, Some(idp)) => local(slug, label, idp),
            (Credentials::Unset, None) | (Credentials::Broken, _) => None,
        };
        providers.extend(provider);
    }
    providers.extend(open_id_names(read).iter().filter_map(|name| open_id(read, name)));
    providers
}

fn real_dialect(read: &mut Reader<'_>, slug: &str) -> Option<Dialect> {
    match slug {
        "google" => Some(Dialect::OpenId { issuer: "https://accounts.google.com".to_owned() }),
        "github" => {
            let web = url(read, "GITHUB_URL", "https://github.com");
            let api = url(read, "GITHUB_API_URL", "https://api.github.com");
            Some(Dialect::GitHub { web: web?, api: api? })
        }
        _ => Some(Dialect::Facebook {
            web: Url::parse("https://www.facebook.com/v23.0").ok()?,
            graph: Url::parse("https://graph.facebook.com/v23.0").ok()?,
        }),
    }
}

fn url(read: &mut Reader<'_>, name: &str, default: &str) -> Option<Url> {
    let text = read.text(name).unwrap_or_else(|| default.to_owned());
    let url = Url::parse(&text).ok().filter(|url| may_be_called(url) && names_nobody(url));
    if url.is_none() {
        read.complain(name, "has to be an https URL without a user name (http only on loopback)");
    }
    url
}

/// Whether a URL holds no user name and no password: it is shown to people.
pub(super) fn names_nobody(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

/// Whether a text can be an issuer (RFC 8414 §2): nothing behind its path.
pub(super) fn valid_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        may_be_called(&url)
            && names_nobody(&url)
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// The same provider, played on this machine, with a secret of its own for each start.
fn local(slug: &str, label: &str, idp: &LocalIdp) -> Option<ProviderSettings> {
    let base = idp.url.join(slug).ok()?;
    let under = |path: &str| Url::parse(&format!("{base}/{path}")).ok();
    let dialect = match slug {
        "google" => Dialect::OpenId { issuer: base.to_string() },
        "github" => Dialect::GitHub { web: base.clone(), api: under("api")? },
        _ => Dialect::Facebook { web: under("v23.0")?, graph: under("v23.0")? },
    };
    Some(ProviderSettings {
        slug: slug.to_owned(),
        label: label.to_owned(),
        dialect,
        client_id: format!("latchkey-{slug}"),
        client_secret: Secret::new(random::token()),
        scopes: Vec::new(),
        local: true,
    })
}

const OPEN_ID: [&str; 5] = ["ISSUER", "CLIENT_ID", "CLIENT_SECRET", "LABEL", "SCOPES"];

/// The names in `OIDC_<NAME>_…`.
fn open_id_names(read: &mut Reader<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let variables: Vec<_> = read.environment().names().map(str::to_owned).collect();
    for variable in variables.iter().filter_map(|name| name.strip_prefix("OIDC_")) {
        let known = OPEN_ID.iter().find_map(|what| {
            let name = variable.strip_suffix("_FILE").unwrap_or(variable);
            name.strip_suffix(what)?.strip_suffix('_').filter(|name| !name.is_empty())
        });
        let valid = |name: &str| {
            name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        match known {
            Some(name) if valid(name) => {
                names.insert(name.to_owned());
            }
            _ => read.complain(
                &format!("OIDC_{variable}"),
                "is not known: there are OIDC_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET, _LABEL \
                 and _SCOPES, with a NAME of capital letters, digits and underscores",
            ),
        }
    }
    names
}

fn open_id(read: &mut Reader<'_>, name: &str) -> Option<ProviderSettings> {
    let slug = name.to_lowercase();
    let issuer_name = format!("OIDC_{name}_ISSUER");
    if BUILT_IN.iter().any(|(built_in, ..)| *built_in == slug) {
        read.complain(&issuer_name, "has the name of a provider that is built in: choose another");
        return None;
    }
    let issuer = read.text(&issuer_name);
    let issuer = match issuer {
        None if !read.is_set(&issuer_name) => {
            read.complain(&issuer_name, "is not set, but others of its family are");
            None
        }
        Some(issuer) if is_unfinished(&issuer) => {
            read.complain(&issuer_name, "has a placeholder in it: write your own issuer");
            None
        }
        Some(issuer) if !valid_issuer(&issuer) => {
            read.complain(
                &issuer_name,
                "has to be an https URL without user name, query or fragment (http only on loopback)",
            );
            None
        }
        issuer => issuer,
    };
    let label = read.text(&format!("OIDC_{name}_LABEL")).unwrap_or_else(|| capitalised(&slug));
    let scopes = read.text(&format!("OIDC_{name}_SCOPES")).unwrap_or_default();
    let credentials = credentials(read, &format!("OIDC_{name}"));
    if let Credentials::Unset = credentials {
        read.complain(
            &format!("OIDC_{name}_CLIENT_ID"),
            format!("is not set, nor is OIDC_{name}_CLIENT_SECRET, but {issuer_name} is"),
        );
    }
    let Credentials::Given(client_id, client_secret) = credentials else { return None };
    Some(ProviderSettings {
        slug,
        label,
        dialect: Dialect::OpenId { issuer: issuer? },
        client_id,
        client_secret,
        scopes: scopes.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        local: false,
    })
}

fn capitalised(slug: &str) -> String {
    let words = slug.split('_').filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}
