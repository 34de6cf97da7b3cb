//! The providers: real ones by two variables each, local ones in their place.

use std::collections::BTreeSet;
use std::path::PathBuf;

use latchkey_auth::oauth::Kind;
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use url::Url;

use super::reader::{Credentials, Reader};
use super::variables;

#[derive(Clone, Debug)]
pub struct ProviderSettings {
    pub slug: String,
    pub label: String,
    pub kind: Kind,
    pub client_id: String,
    pub client_secret: Secret,
    pub scopes: Vec<String>,
    pub local: bool,
}

/// The provider that stands in for others in development.
#[derive(Clone, Debug)]
pub struct LocalIdp {
    pub port: u16,
    /// Another site than `localhost`, so that cookies behave as between two real sites.
    pub url: Url,
    pub people_file: PathBuf,
}

/// The providers that need credentials alone: slug, label, prefix of variables.
pub const BUILT_IN: [(&str, &str, &str); 3] = [
    ("google", "Google", "GOOGLE"),
    ("github", "GitHub", "GITHUB"),
    ("facebook", "Facebook", "FACEBOOK"),
];

pub(super) fn read_local(
    read: &mut Reader<'_>,
    development: bool,
    built_in: bool,
) -> Option<LocalIdp> {
    const NAME: &str = "LOCAL_IDP";
    if !built_in && read.text(NAME).as_deref() == Some("on") {
        let fix = "Set it to auto or off, or build Latchkey with the feature local-idp.";
        read.error_with_fix(NAME, "needs a feature that this build does not have", fix);
        return None;
    }
    let enabled = read.one_of(NAME, &[("auto", true), ("off", false)]);
    let port = read.port("LOCAL_IDP_PORT");
    let url = Url::parse(&format!("http://127.0.0.1:{port}")).ok()?;
    let people_file = read.environment.path("data/local-people.json");
    (enabled && development && built_in).then_some(LocalIdp { port, url, people_file })
}

pub(super) fn read(read: &mut Reader<'_>, local_idp: Option<&LocalIdp>) -> Vec<ProviderSettings> {
    let mut providers = Vec::new();
    for (slug, label, prefix) in BUILT_IN {
        let kind = real_kind(read, slug);
        let provider = match (read.credentials(prefix), local_idp) {
            (Credentials::Given(client_id, client_secret), _) => {
                kind.map(|kind| ProviderSettings {
                    slug: slug.to_owned(),
                    label: label.to_owned(),
                    kind,
                    client_id,
                    client_secret,
                    scopes: Vec::new(),
                    local: false,
                })
            }
            (Credentials::Unset, Some(idp)) => local(slug, label, idp),
            (Credentials::Unset, None) | (Credentials::Invalid, _) => None,
        };
        providers.extend(provider);
    }
    providers.extend(open_id_names(read).iter().filter_map(|name| open_id(read, name)));
    providers
}

fn real_kind(read: &mut Reader<'_>, slug: &str) -> Option<Kind> {
    let parse = |url: &str| Url::parse(url).ok();
    match slug {
        "google" => Some(Kind::google("https://accounts.google.com")),
        "github" => {
            let web = read.server("GITHUB_URL", |_| true).as_deref().and_then(parse);
            let api = read.server("GITHUB_API_URL", |_| true).as_deref().and_then(parse);
            Some(Kind::GitHub { web: web?, api: api? })
        }
        _ => Some(Kind::Facebook {
            web: parse("https://www.facebook.com/v23.0")?,
            graph: parse("https://graph.facebook.com/v23.0")?,
        }),
    }
}

/// The same provider on this machine, with a new secret for each start.
fn local(slug: &str, label: &str, idp: &LocalIdp) -> Option<ProviderSettings> {
    let base = idp.url.join(slug).ok()?;
    let under = |path: &str| Url::parse(&format!("{base}/{path}")).ok();
    let kind = match slug {
        "google" => Kind::google(base.to_string()),
        "github" => Kind::GitHub { web: base.clone(), api: under("api")? },
        _ => Kind::Facebook { web: under("v23.0")?, graph: under("v23.0")? },
    };
    Some(ProviderSettings {
        slug: slug.to_owned(),
        label: label.to_owned(),
        kind,
        client_id: format!("latchkey-{slug}"),
        client_secret: Secret::new(random::token()),
        scopes: Vec::new(),
        local: true,
    })
}

fn open_id_names(read: &mut Reader<'_>) -> BTreeSet<String> {
    let valid = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let mut names = BTreeSet::new();
    for variable in read.environment.names().filter(|name| name.starts_with("OIDC_")) {
        let name = variables::find(variable).and_then(|found| {
            let stem = variable.strip_suffix("_FILE").unwrap_or(variable);
            variables::chosen_name(found.name, stem).filter(|name| name.chars().all(valid))
        });
        match name {
            Some(name) => drop(names.insert(name.to_owned())),
            None => read.error_with_fix(
                variable,
                "is not a setting",
                "Use OIDC_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET, _LABEL and _SCOPES, \
                 with a <NAME> of capital letters, digits and underscores.",
            ),
        }
    }
    names
}

fn open_id(read: &mut Reader<'_>, name: &str) -> Option<ProviderSettings> {
    let prefix = format!("OIDC_{name}");
    let (issuer_name, slug) = (format!("{prefix}_ISSUER"), name.to_lowercase());
    if BUILT_IN.iter().any(|(built_in, ..)| *built_in == slug) {
        let fix = "Choose another <NAME>.";
        read.error_with_fix(&issuer_name, "has the name of a built-in provider", fix);
        return None;
    }
    if !read.is_set(&issuer_name) {
        read.error(&issuer_name, format!("is not set, but other {prefix}_ variables are"));
    }
    let issuer = read.issuer(&issuer_name);
    let label = read.text(&format!("{prefix}_LABEL")).unwrap_or_else(|| capitalize(&slug));
    let scopes = read.text(&format!("{prefix}_SCOPES")).unwrap_or_default();
    let credentials = read.credentials(&prefix);
    if let Credentials::Unset = credentials {
        read.error_with_fix(
            &format!("{prefix}_CLIENT_ID"),
            format!("is not set, but other {prefix}_ variables are"),
            format!("Set it and {prefix}_CLIENT_SECRET."),
        );
    }
    let Credentials::Given(client_id, client_secret) = credentials else { return None };
    Some(ProviderSettings {
        slug,
        label,
        kind: Kind::open_id(issuer?),
        client_id,
        client_secret,
        scopes: scopes.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        local: false,
    })
}

fn capitalize(slug: &str) -> String {
    let words = slug.split('_').filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}
