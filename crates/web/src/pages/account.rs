//! The account page: who I am, how I came in, what I carry.

use axum::extract::State;
use latchkey_auth::jwt::shown;
use latchkey_domain::Timestamp;
use latchkey_domain::sign_in::SignIn;
use latchkey_store::{identities, passwords, sign_ins};

use super::claims::describe;
use crate::app::{App, Application};
use crate::caller::{Caller, Credential, Jwt};
use crate::cookies;
use crate::errors::{Fault, Result, catalogue};
use crate::settings::Revocation;
use crate::templates::{AccountPage, Carried, Chrome, LinkedIdentity, Page, door_name};

/// `GET /account`
pub(crate) async fn show(State(app): State<App>, caller: Caller) -> Result<Page<AccountPage>> {
    let sign_in = sign_in(&app, &caller).await?;
    let identities = identities::of_user(&app.db, caller.user.id).await?;
    let carried = match &caller.credential {
        Credential::Session(_) => session(&app, &sign_in),
        Credential::JwtCookie(carried) | Credential::JwtBearer(carried) => {
            jwt(&app, &sign_in, carried)
        }
    };
    Ok(Page(AccountPage {
        chrome: Chrome::new(&app, Some(&caller)),
        door_name: door_name(&app, Some(&sign_in.door)),
        since: sign_in.created_at,
        door: sign_in.door,
        carried,
        identities: identities.into_iter().map(|one| LinkedIdentity::of(&app, one)).collect(),
        password_changed_at: passwords::changed_at(&app.db, caller.user.id).await?,
        user: caller.user,
    }))
}

/// The sign-in as it was written down. A JWT knows only its number; and it may
/// outlive its sign-in.
async fn sign_in(app: &Application, caller: &Caller) -> Result<SignIn> {
    if let Credential::Session(sign_in) = &caller.credential {
        return Ok(SignIn::clone(sign_in));
    }
    let found = sign_ins::by_id(&app.db, caller.sign_in_id()).await?;
    found.ok_or_else(|| Fault::new(catalogue::TOKEN_REVOKED))
}

fn session(app: &Application, sign_in: &SignIn) -> Carried {
    let life = app.settings.session;
    Carried::Session {
        cookie: app.cookies.name(cookies::SESSION),
        ends_if_unused: life.ends_at(sign_in.created_at, app.clock.now()),
        ends_at: sign_in.expires_at,
        idle: life.idle.to_string(),
        absolute: life.absolute.to_string(),
    }
}

fn jwt(app: &Application, sign_in: &SignIn, carried: &Jwt) -> Carried {
    let renews_at = Timestamp::from_seconds(carried.claims.exp);
    let shown = shown(&carried.token).unwrap_or_default();
    Carried::Jwt {
        cookie: app.cookies.name(cookies::TOKEN),
        header: describe(&shown.header),
        claims: describe(&shown.claims),
        renews_in: renews_at.since(app.clock.now()),
        renews_at,
        ends_at: sign_in.expires_at,
        access_ttl: app.settings.jwt.access_ttl.to_string(),
        watched: app.settings.jwt.revocation == Revocation::Watch,
    }
}
