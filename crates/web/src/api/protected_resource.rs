//! OAuth protected resource metadata (RFC 9728): who issues tokens for the API.

use latchkey_domain::Scope;

use crate::prelude::*;
use crate::resource;

/// RFC 9728 §2.
#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    /// The audience of tokens, and the `resource` to request (RFC 8707).
    resource: String,
    /// Omitted if tokens of other apps are not accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<String>,
    scopes_supported: Vec<&'static str>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
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
            resource_name: app.settings.product.name.clone(),
            resource_documentation: app.settings.absolute("/docs"),
        }
    }
}

/// `GET /.well-known/oauth-protected-resource`, alone or followed by the path of the
/// resource (RFC 9728 §3.1).
pub(super) async fn metadata(
    State(app): State<App>,
    path: Option<Path<String>>,
) -> HandlerResult<([(header::HeaderName, &'static str); 1], Json<Metadata>)> {
    if path.is_some_and(|Path(path)| format!("/{path}") != resource::path(&app.settings)) {
        return Err(AppError::new(catalogue::NOT_FOUND));
    }
    Ok(([(header::CACHE_CONTROL, "public, max-age=60")], Json(Metadata::of(&app))))
}
