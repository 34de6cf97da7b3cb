//! What happens around every request.

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
pub use guard::{NoPlace, RouteLayer, RouteService};
use guard::{Rules, guard};

/// Around pages: what goes wrong is a page of the host.
pub fn around_pages<S: Host>(router: Router<S>, host: &S) -> Router<S>
where
    Latchkey: FromRef<S>,
{
    guard(router, page_rules(host).for_pages())
}

/// Around what is called under whatever name this machine has: files, and the
/// questions of whoever watches over the process.
pub fn around_files<S: Host>(router: Router<S>, host: &S) -> Router<S>
where
    Latchkey: FromRef<S>,
{
    guard(router, page_rules(host))
}

/// Around what programs call: what goes wrong is `application/problem+json`.
pub fn around_api<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    latchkey: &Latchkey,
) -> Router<S> {
    let own = latchkey.clone();
    guard(router, Rules::new(latchkey, move |error, names| render::problem(&own, error, names)))
}

/// What [`around_pages`] puts around routes, as a layer.
pub fn page_layer<S: Host>(host: &S) -> impl RouteLayer
where
    Latchkey: FromRef<S>,
{
    guard::layer(page_rules(host).for_pages())
}

fn page_rules<S: Host>(host: &S) -> Rules
where
    Latchkey: FromRef<S>,
{
    let (own, latchkey) = (host.clone(), Latchkey::from_ref(host));
    Rules::new(&latchkey.clone(), move |error, names| {
        render::page(&latchkey, &own, error, names.request_id)
    })
}
