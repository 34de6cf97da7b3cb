//! The middleware around every route.

mod canonical_host;
mod catch_panic;
mod current;
mod guard;
mod render;
mod request_id;
mod same_site;
mod security_headers;
mod server_timing;

use axum::Router;
use axum::extract::FromRef;

use crate::host::Host;
use crate::state::Latchkey;
pub use current::CurrentRequest;
use guard::{GuardConfig, guard};
pub use guard::{RouteLayer, RouteService, TooManyConnections};

/// For pages: errors are pages of the [`Host`], and other names of this site redirect to
/// `PUBLIC_URL`.
pub fn guard_pages<S: Host>(router: Router<S>, host: &S) -> Router<S>
where
    Latchkey: FromRef<S>,
{
    guard(router, page_config(host).for_pages())
}

/// For files and health checks, under any host name.
pub fn guard_files<S: Host>(router: Router<S>, host: &S) -> Router<S>
where
    Latchkey: FromRef<S>,
{
    guard(router, page_config(host))
}

/// For the API: errors are `application/problem+json`.
pub fn guard_api<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    latchkey: &Latchkey,
) -> Router<S> {
    let state = latchkey.clone();
    guard(router, GuardConfig::new(latchkey, move |error, ids| render::problem(&state, error, ids)))
}

/// The layer of [`guard_pages`].
pub(crate) fn page_layer<S: Host>(host: &S) -> impl RouteLayer
where
    Latchkey: FromRef<S>,
{
    guard::layer(page_config(host).for_pages())
}

fn page_config<S: Host>(host: &S) -> GuardConfig
where
    Latchkey: FromRef<S>,
{
    let (host, latchkey) = (host.clone(), Latchkey::from_ref(host));
    GuardConfig::new(&latchkey.clone(), move |error, ids| {
        render::page(&latchkey, &host, error, ids.request_id)
    })
}
