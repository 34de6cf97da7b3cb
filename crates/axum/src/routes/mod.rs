//! The routes of sign-in with OAuth and with a password, and of the token API.

pub mod oauth;
mod password;
pub mod token;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use http::header;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::errors::{AppError, catalogue};
use crate::host::Host;
use crate::sign_in::session_layer;
use crate::state::Latchkey;

/// The redirect URI. With `response_mode=form_post` it gets cross-site POSTs.
pub(crate) const CALLBACK: &str = "/auth/{provider}/callback";

/// Which routes to mount. `POST /sign-out` is always included.
///
/// ```
/// # fn mount(latchkey: &latchkey_axum::Latchkey) -> axum::Router {
/// use latchkey_axum::Routes;
///
/// latchkey.routes_for(latchkey, Routes { password: false, tokens: false, ..Routes::ALL })
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routes {
    /// Sign-in with OAuth providers.
    pub oauth: bool,
    /// Sign-up and sign-in with a password.
    pub password: bool,
    /// The token API for programs, which takes a password, and the JWKS.
    pub tokens: bool,
}

impl Routes {
    pub const ALL: Self = Self { oauth: true, password: true, tokens: true };
}

/// Sign-in, sign-up and sign-out.
pub fn pages<S: Host>(latchkey: &Latchkey, routes: Routes) -> Router<S>
where
    Latchkey: FromRef<S>,
{
    let mut router = Router::new().route("/sign-out", post(password::sign_out::<S>));
    if routes.oauth {
        // HEAD must not use up the code.
        let refuse =
            async || ([(header::ALLOW, "GET,POST")], AppError::new(catalogue::METHOD_NOT_ALLOWED));
        let callback = get(oauth::callback::<S>).post(oauth::form_callback);
        router = router
            .route("/auth/{provider}", post(oauth::start))
            .route(CALLBACK, callback.head(refuse).fallback(refuse));
    }
    if routes.password {
        router = router.route("/sign-in", post(password::sign_in::<S>));
    }
    router = router.layer(session_layer(latchkey));
    if routes.password { router.route("/sign-up", post(password::sign_up::<S>)) } else { router }
}

/// The token API and the JWKS.
pub fn api<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S>
where
    Latchkey: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(token::issue_token))
        .routes(routes!(token::refresh_token))
        .routes(routes!(token::revoke_token))
        .route("/.well-known/jwks.json", get(token::jwks))
}
