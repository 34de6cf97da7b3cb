//! The local provider, with this app as its client and Calendar Printer as a third-party app.

use axum::Router;
use axum::middleware::from_fn;
use latchkey_axum::local_provider::{clients, config};
use latchkey_domain::Scope;
use latchkey_web::resource;
use latchkey_web::settings::{LocalIdp, Settings};
use url::Url;

/// `None` if the settings turn it off.
pub(crate) fn router(
    settings: &Settings,
) -> Result<Option<Router>, Box<dyn std::error::Error + Send + Sync>> {
    let Some(idp) = &settings.local_idp else { return Ok(None) };
    let clients = clients(&settings.providers, &settings.product.name);
    let api = our_api(settings);
    let printer = api.as_ref().map(|api| printer(settings, idp, api)).transpose()?;
    let third_party = printer.as_ref().map(|printer| latchkey_idp::Client {
        provider: latchkey_idp::Provider::Google,
        id: printer.client_id.clone(),
        secret: printer.client_secret.clone(),
        redirect_uris: vec![calendar_printer::redirect_uri(&printer.origin)],
        name: "Calendar Printer".to_owned(),
        uri: Some("/calendar-printer".to_owned()),
    });
    let clients = clients.into_iter().chain(third_party).collect();
    let apis = api.into_iter().collect();
    let router = latchkey_idp::router(latchkey_idp::Config { apis, ..config(idp, clients) })?;
    Ok(Some(match printer {
        // Protected against DNS rebinding like the provider itself.
        Some(printer) => router
            .merge(calendar_printer::router(printer).layer(from_fn(latchkey_idp::loopback_only))),
        None => router,
    }))
}

/// Calendar Printer on the local provider's origin, with a new secret for each start.
fn printer(
    settings: &Settings,
    idp: &LocalIdp,
    api: &latchkey_idp::Api,
) -> Result<calendar_printer::Config, Box<dyn std::error::Error + Send + Sync>> {
    Ok(calendar_printer::Config {
        origin: idp.url.origin().ascii_serialization(),
        client_id: calendar_printer::CLIENT_ID.to_owned(),
        client_secret: calendar_printer::random_token()?,
        resource: api.audience.clone(),
        api_metadata: resource::metadata_url(settings).parse()?,
        api_name: api.name.clone(),
    })
}

/// Our API, for whose third-party apps the local provider issues tokens, unless another server
/// introspects them.
fn our_api(settings: &Settings) -> Option<latchkey_idp::Api> {
    let introspection = settings.introspection.as_ref().filter(|one| one.local)?;
    // RFC 8707 §2: a resource is an absolute URI without a fragment.
    Url::parse(&settings.jwt.audience).ok().filter(|uri| uri.fragment().is_none())?;
    let scope = |scope: Scope| (scope.as_str().to_owned(), scope.description().to_owned());
    Some(latchkey_idp::Api {
        name: settings.product.name.clone(),
        audience: settings.jwt.audience.clone(),
        scopes: Scope::ALL.map(scope).to_vec(),
        id: introspection.config.client_id.clone(),
        secret: introspection.config.client_secret.expose().to_owned(),
    })
}
