//! The account page: who I am, how I came in, what I carry; and what can be
//! done about it, in the files beside this one.

pub(crate) mod delete;
pub(crate) mod link;
pub(crate) mod password;
pub(crate) mod sign_ins;

use axum::extract::{Query, State};
use latchkey_auth::jose::decode_unverified;
use latchkey_domain::sign_in::SignIn;
use latchkey_domain::{Span, Timestamp};
use latchkey_store::sign_ins as stored;
use latchkey_store::{audit, identities, passwords};
use serde::Deserialize;

use crate::app::{App, Application};
use crate::caller::{Caller, Credential, Jwt, PageCaller};
use crate::claims::describe;
use crate::cookies;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::settings::Revocation;
use crate::templates::{
    AccountPage, Carried, Device, Layout, LinkedIdentity, Page, ProviderButton, door_name,
};

/// How many events of the audit trail the page shows.
const RECENT: u32 = 10;

/// `GET /account`
pub(crate) async fn page(
    State(app): State<App>,
    caller: PageCaller,
    Query(query): Query<DoneQuery>,
) -> HandlerResult<Page<AccountPage>> {
    let sign_in = sign_in(&app, &caller).await?;
    let identities = identities::of_user(&app.db, caller.user.id).await?;
    let carried = match &caller.credential {
        Credential::Session(_) => session(&app, &sign_in),
        Credential::JwtCookie(carried) | Credential::JwtBearer(carried) => {
            jwt(&app, &sign_in, carried)
        }
        // It has no sign-in, so there is no page of one.
        Credential::OAuthBearer(_) => return Err(AppError::new(catalogue::SIGN_IN_REQUIRED)),
    };
    let devices = devices(&app, &caller).await?;
    let events = audit::of_user(&app.db, caller.user.id, RECENT).await?;
    let linked: Vec<_> = identities.iter().map(|one| one.provider.clone()).collect();
    let others = app.providers.iter().filter(|one| !linked.contains(&one.slug));
    Ok(Page(AccountPage {
        done: query.done.as_deref().and_then(sentence),
        devices,
        events,
        linkable: others.map(ProviderButton::of).collect(),
        word: delete::WORD,
        layout: Layout::new(&app, Some(&caller)).at("/account"),
        door_name: door_name(&app, Some(&sign_in.method)),
        since: sign_in.created_at,
        door: sign_in.method,
        carried,
        identities: identities.into_iter().map(|one| LinkedIdentity::of(&app, one)).collect(),
        password_changed_at: passwords::changed_at(&app.db, caller.user.id).await?,
        user: caller.0.user,
    }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct DoneQuery {
    done: Option<String>,
}

/// Back to the account page, with a word on what was done.
pub(crate) fn done(what: &str) -> String {
    format!("/account?done={what}")
}

fn sentence(done: &str) -> Option<&'static str> {
    Some(match done {
        "linked" => "Linked. You can now sign in with it.",
        "unlinked" => "Unlinked. It no longer signs you in.",
        "password" => "Your password is set, and you’re signed out on all other devices.",
        "ended" => "Revoked. You’re signed out there.",
        "verified" => "E-mail address verified.",
        "letter" => "Check your inbox: an e-mail is on its way.",
        _ => return None,
    })
}

/// Every living sign-in, and those that have ended whose JWT may live on.
async fn devices(app: &Application, caller: &Caller) -> HandlerResult<Vec<Device>> {
    let now = app.clock.now();
    // A token is believed a little longer than it says, for clocks differ.
    let life = app.settings.jwt.access_ttl.as_millis() + app.keys.leeway().as_millis();
    let jwt_life = Span::millis(life);
    let user = caller.user.id;
    let living = stored::living(&app.db, user, app.settings.session, now).await?;
    let mut devices: Vec<_> = living
        .into_iter()
        .map(|one| Device::living(app, one, caller.sign_in_id(), jwt_life))
        .collect();
    // With `watch` nothing lingers: it is refused within a second.
    if app.settings.jwt.revocation == Revocation::Expiry {
        let ended = stored::lingering(&app.db, user, now.minus(jwt_life)).await?;
        devices.extend(ended.into_iter().map(|one| Device::lingering(app, one, jwt_life)));
    }
    Ok(devices)
}

/// The sign-in as it was written down. A JWT knows only its number; and it may
/// outlive its sign-in.
async fn sign_in(app: &Application, caller: &Caller) -> HandlerResult<SignIn> {
    if let Credential::Session(sign_in) = &caller.credential {
        return Ok(SignIn::clone(sign_in));
    }
    let found = match caller.sign_in_id() {
        Some(id) => stored::by_id(&app.db, id).await?,
        None => None,
    };
    found.ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
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
    let shown = decode_unverified(&carried.token).unwrap_or_default();
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
