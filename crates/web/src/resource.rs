//! The URL and path of the API as a protected resource (RFC 9728).

use url::Url;

use crate::settings::Settings;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The URL of the metadata, for `WWW-Authenticate` (RFC 9728 §5.1).
pub fn metadata_url(settings: &Settings) -> String {
    settings.absolute(&format!("{WELL_KNOWN}{}", path(settings)))
}

/// The path of the resource if it is under `PUBLIC_URL`, else empty.
pub(crate) fn path(settings: &Settings) -> String {
    let resource = Url::parse(&settings.jwt.audience).ok();
    let ours = resource.filter(|resource| resource.origin() == settings.public_url.origin());
    ours.map(|resource| resource.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Capabilities, Environment};

    #[test]
    fn resource_metadata_url_follows_the_audience() {
        const WELL_KNOWN: &str = "http://localhost:3000/.well-known/oauth-protected-resource";
        for (audience, path) in [
            (None, "/api"),
            (Some("http://localhost:3000/a/b/"), "/a/b"),
            (Some("http://localhost:3000/"), ""),
            (Some("https://api.example.com/x"), ""),
            (Some("urn:api"), ""),
        ] {
            let set = audience.map(|audience| ("JWT_AUDIENCE", audience));
            let (settings, _) = Settings::dry_run(&Environment::new(set, ""), Capabilities::ALL);
            assert_eq!(metadata_url(&settings), format!("{WELL_KNOWN}{path}"), "{audience:?}");
        }
    }
}
