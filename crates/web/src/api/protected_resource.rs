//! What the API says of itself to apps that begin with its address alone
//! (RFC 9728): who issues tokens for it, and for what.

use axum::Json;
use axum::extract::{Path, State};
use http::header;
use latchkey_domain::Scope;
use serde::Serialize;
use url::Url;

use crate::app::{App, Application};
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::settings::Settings;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// RFC 9728 §2.
#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    /// Who tokens have to be for: the `resource` to ask for (RFC 8707).
    resource: String,
    /// Who issues them; left out where nobody but ourselves does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<String>,
    scopes_supported: Vec<&'static str>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'static str,
    resource_documentation: String,
}

impl Metadata {
    fn of(app: &Application) -> Self {
        let issuer = app.introspection.as_ref().and_then(|one| one.issuer());
        Self {
            resource: app.settings.jwt.audience.clone(),
            authorization_servers: issuer.map(str::to_owned).into_iter().collect(),
            scopes_supported: Scope::ALL.map(Scope::as_str).to_vec(),
            bearer_methods_supported: ["header"],
            resource_name: "Latchkey",
            resource_documentation: app.settings.absolute("/docs"),
        }
    }
}

type Answer = ([(header::HeaderName, &'static str); 1], Json<Metadata>);

fn answer(app: &Application) -> Answer {
    ([(header::CACHE_CONTROL, "public, max-age=60")], Json(Metadata::of(app)))
}

/// `GET /.well-known/oauth-protected-resource`
pub(super) async fn metadata(State(app): State<App>) -> Answer {
    answer(&app)
}

/// The same below its own address: the path of the resource goes behind the
/// well-known one (RFC 9728 §3.1), and no other path is a resource.
pub(super) async fn metadata_by_path(
    State(app): State<App>,
    Path(path): Path<String>,
) -> HandlerResult<Answer> {
    if format!("/{path}") == path_of(&app.settings) {
        Ok(answer(&app))
    } else {
        Err(AppError::new(catalogue::NOT_FOUND))
    }
}

/// The address of this document, for `WWW-Authenticate` (RFC 9728 §5.1).
#[must_use]
pub fn address(settings: &Settings) -> String {
    settings.absolute(&format!("{WELL_KNOWN}{}", path_of(settings)))
}

/// The path of the resource, where it is an address of ours.
fn path_of(settings: &Settings) -> String {
    let resource = Url::parse(&settings.jwt.audience).ok();
    let ours = resource.filter(|resource| resource.origin() == settings.public_url.origin());
    ours.map(|resource| resource.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Capabilities, Environment};

    #[test]
    fn the_document_lies_where_the_resource_says() {
        for (audience, address_) in [
            (None, "http://localhost:3000/.well-known/oauth-protected-resource/api"),
            (
                Some("http://localhost:3000/a/b/"),
                "http://localhost:3000/.well-known/oauth-protected-resource/a/b",
            ),
            (
                Some("http://localhost:3000/"),
                "http://localhost:3000/.well-known/oauth-protected-resource",
            ),
            (
                Some("https://api.example.com/x"),
                "http://localhost:3000/.well-known/oauth-protected-resource",
            ),
            (Some("urn:api"), "http://localhost:3000/.well-known/oauth-protected-resource"),
        ] {
            let set = audience.map(|audience| ("JWT_AUDIENCE", audience));
            let (settings, _) = Settings::dry_run(&Environment::of(set, ""), Capabilities::ALL);
            assert_eq!(address(&settings), address_, "{audience:?}");
        }
    }
}
