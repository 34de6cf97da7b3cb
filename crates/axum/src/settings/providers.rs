//! The OAuth providers, or local ones in place of built-in providers without credentials.

use std::collections::BTreeSet;

use latchkey_auth::oauth::provider::{Apis, Options};
use latchkey_auth::oauth::{Kind, OpenId, Provider};
use latchkey_auth::random;
use latchkey_auth::secret::Secret;
use oauth2::RedirectUrl;
use url::Url;

use crate::config::{LocalIdp, Product};

use super::problem::Problem;
use super::reader::{Credentials, Reader};
use super::variables;

/// The providers that need only credentials: slug and label.
pub const BUILT_IN: [(&str, &str); 3] =
    [("google", "Google"), ("github", "GitHub"), ("facebook", "Facebook")];

/// `<NAME>` in the `OIDC_` variables of other programs, like `OIDC_RP_CLIENT_ID`.
const OTHER_PROGRAMS: [&str; 8] = ["RP", "OP", "OAUTH", "OAUTH2", "AUTH", "PROVIDER", "WEB", "API"];

pub fn redirect_uri(public_url: &Url, slug: &str) -> String {
    format!("{}/auth/{slug}/callback", public_url.origin().ascii_serialization())
}

pub(super) fn read_local(
    read: &mut Reader<'_>,
    development: bool,
    built_in: bool,
    product: &Product,
) -> Option<LocalIdp> {
    const NAME: &str = "LOCAL_IDP";
    if !built_in && read.text(NAME).as_deref() == Some("on") {
        let fix = "Set it to auto or off, or build with the feature local-idp.";
        read.error_with_fix(NAME, "needs a feature that this build does not have", fix);
        return None;
    }
    let enabled = read.one_of(NAME, &[("auto", true), ("off", false)]);
    let port = read.port("LOCAL_IDP_PORT");
    let url = Url::parse(&format!("http://127.0.0.1:{port}")).ok()?;
    let people_file = read.environment.path("data/local-people.json");
    let product = product.clone();
    (enabled && development && built_in).then_some(LocalIdp { product, port, url, people_file })
}

pub(super) fn read(
    read: &mut Reader<'_>,
    public_url: &Url,
    local_idp: Option<&LocalIdp>,
) -> Vec<Provider> {
    let mut providers = Vec::new();
    for (slug, label) in BUILT_IN {
        let real = real_kind(read, slug);
        let found = match (read.credentials(&slug.to_uppercase()), local_idp) {
            (Credentials::Set(id, secret), _) => {
                real.and_then(|kind| provider(public_url, slug, label, kind, id, secret))
            }
            (Credentials::Unset, Some(idp)) => local(public_url, slug, label, idp),
            (Credentials::Unset, None) | (Credentials::Invalid, _) => None,
        };
        providers.extend(found);
    }
    for name in open_id_names(read) {
        let Some(provider) = open_id(read, public_url, &name) else { continue };
        // Both number their users from 1, so one's users would be the other's.
        let is_github = |one: &&Provider| matches!(one.kind, Kind::GitHub { .. });
        if providers.iter().filter(is_github).any(|github| same_issuer(github, &provider)) {
            let fix = "Remove the GitHub credentials, or the issuer.";
            read.error_with_fix(&format!("OIDC_{name}_ISSUER"), "is the address of GitHub", fix);
        }
        providers.push(provider);
    }
    providers
}

fn same_issuer(one: &Provider, other: &Provider) -> bool {
    let [one, other] = [one, other].map(|provider| Url::parse(&provider.issuer()));
    one.is_ok() && one == other
}

fn provider(
    public_url: &Url,
    slug: &str,
    label: &str,
    kind: Kind,
    client_id: String,
    client_secret: Secret,
) -> Option<Provider> {
    Some(Provider {
        slug: slug.to_owned(),
        label: label.to_owned(),
        kind,
        client_id,
        client_secret,
        redirect_uri: RedirectUrl::new(redirect_uri(public_url, slug)).ok()?,
        scopes: Vec::new(),
        local: false,
    })
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

/// A provider simulated by the local one, with a new secret for each start.
fn local(public_url: &Url, slug: &str, label: &str, idp: &LocalIdp) -> Option<Provider> {
    let base = idp.url.join(slug).ok()?;
    let under = |path: &str| Url::parse(&format!("{base}/{path}")).ok();
    let kind = match slug {
        "google" => Kind::google(base.to_string()),
        "github" => Kind::GitHub { web: base.clone(), api: under("api")? },
        _ => Kind::Facebook { web: under("v23.0")?, graph: under("v23.0")? },
    };
    let (id, secret) = (idp.product.client_id(slug), Secret::new(random::token()));
    let found = provider(public_url, slug, label, kind, id, secret)?;
    Some(Provider { local: true, ..found })
}

fn open_id_names(read: &mut Reader<'_>) -> BTreeSet<String> {
    let valid = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let name_of = |variable: &str| {
        let stem = variable.strip_suffix("_FILE").unwrap_or(variable);
        let name = variables::name_part(variables::find(variable)?.name, stem)?;
        Some(name.to_owned()).filter(|name| name.chars().all(valid))
    };
    let environment = read.environment;
    let all = || environment.names().filter(|name| name.starts_with("OIDC_"));
    let mut names: BTreeSet<String> = all().filter_map(name_of).collect();
    names.retain(|name| {
        let is_set = |field: &str| read.is_set(&format!("OIDC_{name}_{field}"));
        let has_client = is_set("CLIENT_ID") || is_set("CLIENT_SECRET");
        is_set("ISSUER") || has_client && !OTHER_PROGRAMS.contains(&&**name)
    });
    for variable in all() {
        let is_misspelled = match name_of(variable) {
            Some(name) if names.contains(&name) => continue,
            Some(_) => false,
            None => {
                let of = |name: &String| variable.starts_with(&format!("OIDC_{name}_"));
                names.iter().any(of) || variables::is_misspelled_oidc(variable)
            }
        };
        if is_misspelled {
            read.error_with_fix(
                variable,
                "is not a setting",
                "Use OIDC_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET, _LABEL, _SCOPES, _AUDIENCES, \
                 _RESPONSE_MODE and _TOKEN_AUTH, with a <NAME> of capital letters, digits and underscores.",
            );
        } else {
            let fix = "Ignore this if another program reads it; \
                       an issuer for Latchkey needs OIDC_<NAME>_ISSUER.";
            let message = "is not read by Latchkey";
            read.warnings.push(Problem::with_fix(variable, message, fix));
        }
    }
    names
}

fn open_id(read: &mut Reader<'_>, public_url: &Url, name: &str) -> Option<Provider> {
    let prefix = format!("OIDC_{name}");
    let (issuer_name, slug) = (format!("{prefix}_ISSUER"), name.to_lowercase());
    if BUILT_IN.iter().any(|(built_in, _)| *built_in == slug) {
        let fix = "Choose another <NAME>.";
        read.error_with_fix(&issuer_name, "has the name of a built-in provider", fix);
        return None;
    }
    let others = format!("other {prefix}_ variables are");
    if !read.is_set(&issuer_name) {
        read.error(&issuer_name, format!("is not set, but {others}"));
    }
    let issuer = read.issuer(&issuer_name);
    let label = read.text(&format!("{prefix}_LABEL")).unwrap_or_else(|| capitalize(&slug));
    let scopes = words(read.text(&format!("{prefix}_SCOPES")));
    let options = Options {
        audiences: words(read.text(&format!("{prefix}_AUDIENCES"))),
        form_post: read
            .one_of(&format!("{prefix}_RESPONSE_MODE"), &[("query", false), ("form_post", true)]),
        secret_in_body: read.one_of(
            &format!("{prefix}_TOKEN_AUTH"),
            &[("auto", None), ("basic", Some(false)), ("body", Some(true))],
        ),
    };
    let credentials = read.credentials(&prefix);
    let (id, secret) = read.required(&prefix, credentials, &others)?;
    let kind = Kind::OpenId(OpenId::new(issuer?, Apis::None, options));
    let found = provider(public_url, &slug, &label, kind, id, secret)?;
    Some(Provider { scopes, ..found })
}

fn words(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn capitalize(slug: &str) -> String {
    let words = slug.split('_').filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(super) fn acme(kind: Kind) -> Provider {
    let public_url = Url::parse("https://app.test").expect("a URL");
    let (id, secret) = ("id".to_owned(), Secret::new("hush"));
    provider(&public_url, "acme", "Acme", kind, id, secret).expect("a provider")
}
