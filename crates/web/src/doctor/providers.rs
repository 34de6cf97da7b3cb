//! Which providers there are, and the redirect URI to register for each.

use super::Known;
use super::finding::{Check, Finding};
use crate::settings::{BUILT_IN, Dialect, ProviderSettings, Settings};

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
        let finding = Finding::ok(
            Check::Provider,
            label,
            format!("{label} is played by the local provider."),
        )
        .advise(format!("For the real one, register the redirect URI, and set {id} and {secret}."));
        return with_registration(finding, settings, provider.slug.as_str(), None);
    }
    let finding = Finding::ok(Check::Provider, label, format!("{label} is configured.")).advise(
        "Compare what is registered with the redirect URI: it has to be the same to the letter.",
    );
    with_registration(finding, settings, &provider.slug, Some(&provider.dialect))
}

fn off_duty(settings: &Settings, slug: &str, label: &str, prefix: &str) -> Finding {
    let (id, secret) = credentials(prefix);
    let finding = Finding::ok(Check::Provider, label, format!("{label} is off."))
        .advise(format!("To turn it on, register the redirect URI, and set {id} and {secret}."));
    with_registration(finding, settings, slug, None)
}

fn with_registration(
    finding: Finding,
    settings: &Settings,
    slug: &str,
    dialect: Option<&Dialect>,
) -> Finding {
    let (address, way) = register(slug, dialect);
    finding
        .fact("Redirect URI", redirect_uri(settings, slug))
        .fact("Register it at", address)
        .fact("Under", way)
}

fn credentials(prefix: &str) -> (String, String) {
    (format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"))
}

/// The redirect URI that we send, to the letter.
pub(super) fn redirect_uri(settings: &Settings, slug: &str) -> String {
    settings.absolute(&format!("/auth/{slug}/callback"))
}

/// Where a redirect URI is registered: the address, and the way from there.
/// `dialect` is that of a real provider.
fn register(slug: &str, dialect: Option<&Dialect>) -> (String, &'static str) {
    const GITHUB: &str = "GitHub → Settings → Developer settings → OAuth Apps → your app → Authorization callback URL";
    match (slug, dialect) {
        ("google", _) => (
            "https://console.cloud.google.com/apis/credentials".to_owned(),
            "Google Cloud console → APIs & Services → Credentials → your OAuth client → Authorized redirect URIs",
        ),
        // GitHub Enterprise has the same pages at another address.
        (_, Some(Dialect::GitHub { web, .. })) => {
            let page = web.join("/settings/developers");
            (page.as_ref().unwrap_or(web).to_string(), GITHUB)
        }
        ("github", _) => ("https://github.com/settings/developers".to_owned(), GITHUB),
        (_, Some(Dialect::OpenId { issuer })) => {
            (issuer.clone(), "at your issuer, among the redirect URIs of this client")
        }
        _ => (
            "https://developers.facebook.com/apps".to_owned(),
            "Meta for Developers → your app → Facebook Login → Settings → Valid OAuth Redirect URIs",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Capabilities, Environment};

    /// Label, sentence, redirect URI and the address at which it is registered.
    fn found(variables: &[(&str, &str)]) -> Vec<(String, String, String, String)> {
        let (settings, broken) =
            Settings::look(&Environment::of(variables.iter().copied(), ""), Capabilities::ALL);
        let found = findings(&Known { settings: &settings, broken: &broken });
        let found = found.into_iter().map(|one| {
            let mut facts = one.facts.into_iter().map(|(_, value)| value);
            let mut fact = || facts.next().unwrap_or_default();
            (one.subject, one.finding, fact(), fact())
        });
        found.collect()
    }

    #[test]
    fn each_provider_is_played_configured_or_off() {
        let public = [("PUBLIC_URL", "https://app.corp.dev")];
        for (variables, state) in
            [(&[][..], "is played by the local provider"), (&public, "is off")]
        {
            let found = found(variables);
            assert_eq!(found.len(), 3);
            assert!(found.iter().all(|(_, sentence, ..)| sentence.contains(state)), "{found:?}");
        }
        let google = [
            ("GOOGLE_CLIENT_ID", "1-a.apps.googleusercontent.com"),
            ("GOOGLE_CLIENT_SECRET", "GOCSPX-a"),
        ];
        let found = found(&google);
        assert_eq!(found[0].1, "Google is configured.");
        assert_eq!(found[0].2, "http://localhost:3000/auth/google/callback");
        assert_eq!(found[0].3, "https://console.cloud.google.com/apis/credentials");
    }

    #[test]
    fn redirect_uris_are_registered_where_the_provider_is() {
        let found = found(&[
            ("PUBLIC_URL", "https://app.corp.dev:8443"),
            ("GITHUB_URL", "https://git.corp.dev/x"),
            ("GITHUB_CLIENT_ID", "id"),
            ("GITHUB_CLIENT_SECRET", "hush"),
            ("OIDC_MY_CORP_ISSUER", "https://login.corp.dev/a"),
            ("OIDC_MY_CORP_CLIENT_ID", "id"),
            ("OIDC_MY_CORP_CLIENT_SECRET", "hush"),
        ]);
        let found: Vec<_> = found
            .iter()
            .map(|(label, _, uri, at)| (label.as_str(), uri.as_str(), at.as_str()))
            .collect();
        assert_eq!(
            found[..2],
            [
                (
                    "GitHub",
                    "https://app.corp.dev:8443/auth/github/callback",
                    "https://git.corp.dev/settings/developers",
                ),
                (
                    "My Corp",
                    "https://app.corp.dev:8443/auth/my_corp/callback",
                    "https://login.corp.dev/a",
                ),
            ]
        );
    }

    #[test]
    fn nothing_is_said_of_what_cannot_be_read() {
        assert!(found(&[("PUBLIC_URL", "app.corp.dev")]).is_empty());
        let off = found(&[("LOCAL_IDP", "off"), ("GOOGLE_CLIENT_ID", "id")]);
        let labels: Vec<_> = off.iter().map(|(label, ..)| label.as_str()).collect();
        assert_eq!(labels, ["GitHub", "Facebook"]);
    }
}
