//! The cost of a wrong choice: what somebody gains who steals one of the things that a sign-in is
//! made of, for how long, and how its owner ends it. The words stand in `cost.html`; each cell
//! there names the measurement or the setting that it stands on.

use latchkey_auth::oauth::attempt;
use latchkey_domain::sign_in::Lifetime;
use latchkey_domain::{Span, refresh};
use latchkey_web::app::Application;
use latchkey_web::settings::{JwtSettings, Revocation};

#[derive(Debug)]
pub(super) struct Cost {
    pub(super) session: Lifetime,
    pub(super) is_cached: bool,
    pub(super) jwt: JwtSettings,
    pub(super) is_watched: bool,
    pub(super) leeway: Span,
    pub(super) grace: Span,
    pub(super) attempt: Span,
}

pub(super) fn of(app: &Application) -> Cost {
    let jwt = app.settings.jwt.clone();
    Cost {
        session: app.settings.session,
        is_cached: app.settings.session_cache,
        is_watched: jwt.revocation == Revocation::Watch,
        jwt,
        leeway: app.keys.leeway(),
        grace: refresh::GRACE,
        attempt: attempt::LIFETIME,
    }
}
