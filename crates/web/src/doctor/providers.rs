//! Which providers there are, and the redirect URI to register for each.

use super::Known;
use super::finding::{Check, Finding};
use crate::settings::{BUILT_IN, Dialect, ProviderSettings, Settings};

/// Where a redirect URI is registered.
struct Register {
    place: String,
    address: Option<String>,
}

/// A finding for each provider that is configured, played, or could be.
pub(super) fn findings(known: &Known<'_>) -> Vec<Finding> {
    // Without knowing where the app is, there is no redirect URI to tell.
    if !known.reads(&["PUBLIC_URL"]) {
        return Vec::new();
    }
    let settings = known.settings;
    let there = settings.providers.iter().map(|provider| one(settings, provider));
    let off = BUILT_IN.into_iter().filter(|(slug, _, prefix)| {
        let (id, secret) = credentials(prefix);
        settings.providers.iter().all(|provider| provider.slug != *slug)
            && known.reads(&[&id, &secret, "GITHUB_URL", "GITHUB_API_URL"])
    });
    there.chain(off.map(|(slug, label, prefix)| off_duty(settings, slug, label, prefix))).collect()
}

fn one(settings: &Settings, provider: &ProviderSettings) -> Finding {
    let label = &provider.label;
    if provider.local {
        let (id, secret) = credentials(&provider.slug.to_uppercase());
        let finding =
            Finding::ok(Check::Provider, label, format!("{label} is played by the local provider."))
                .to_do(format!(
                    "Nothing. For the real one: register the redirect URI, and set {id} and {secret}."
                ));
        return with_registration(finding, settings, provider.slug.as_str(), None);
    }
    let finding = Finding::ok(Check::Provider, label, format!("{label} is configured."))
        .to_do("Compare what is registered with the redirect URI: it has to be the same to the letter.");
    with_registration(finding, settings, &provider.slug, Some(&provider.dialect))
}

fn off_duty(settings: &Settings, slug: &str, label: &str, prefix: &str) -> Finding {
    let (id, secret) = credentials(prefix);
    let finding = Finding::ok(Check::Provider, label, format!("{label} is off.")).to_do(format!(
        "Nothing. To turn it on: register the redirect URI, and set {id} and {secret}."
    ));
    with_registration(finding, settings, slug, None)
}

fn with_registration(
    finding: Finding,
    settings: &Settings,
    slug: &str,
    dialect: Option<&Dialect>,
) -> Finding {
    let register = register(slug, dialect);
    let finding = finding
        .fact("Redirect URI", redirect_uri(settings, slug))
        .fact("Register it at", register.place);
    match register.address {
        Some(address) => finding.fact("Which is at", address),
        None => finding,
    }
}

fn credentials(prefix: &str) -> (String, String) {
    (format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"))
}

/// The redirect URI that we send, to the letter.
pub(super) fn redirect_uri(settings: &Settings, slug: &str) -> String {
    settings.absolute(&format!("/auth/{slug}/callback"))
}

/// Where it is registered: with the provider of that name, or at an issuer.
fn register(slug: &str, dialect: Option<&Dialect>) -> Register {
    let at = |place: &str, address: &str| Register {
        place: place.to_owned(),
        address: Some(address.to_owned()),
    };
    match (slug, dialect) {
        (_, Some(Dialect::GitHub { web, .. })) if web.host_str() != Some("github.com") => Register {
            place: GITHUB.to_owned(),
            address: web.join("/settings/developers").ok().map(String::from),
        },
        ("google", _) => at(
            "Google Cloud console → APIs & Services → Credentials → your OAuth client → Authorized redirect URIs",
            "https://console.cloud.google.com/apis/credentials",
        ),
        ("github", _) => at(GITHUB, "https://github.com/settings/developers"),
        ("facebook", _) => at(
            "Meta for Developers → your app → Facebook Login → Settings → Valid OAuth Redirect URIs",
            "https://developers.facebook.com/apps",
        ),
        (_, Some(Dialect::OpenId { issuer })) => Register {
            place: "at your issuer, among the redirect URIs of this client".to_owned(),
            address: Some(issuer.clone()),
        },
        _ => Register { place: "at your issuer".to_owned(), address: None },
    }
}

const GITHUB: &str =
    "GitHub → Settings → Developer settings → OAuth Apps → your app → Authorization callback URL";
