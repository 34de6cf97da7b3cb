//! The account page: who I am, how I came in, what I carry; and what can be
//! done about it, in the files beside this one.

pub(crate) mod delete;
mod done;
pub(crate) mod link;
pub(crate) mod password;
pub(crate) mod proof;
pub(crate) mod sign_ins;

use askama::Template;
use axum::extract::{Query, State};
use latchkey_auth::jose::decode_unverified;
use latchkey_domain::audit::Event;
use latchkey_domain::sign_in::{CredentialKind, Lifetime, SignIn, SignInMethod};
use latchkey_domain::{Role, Span, Timestamp, User};
use latchkey_store::identities::{self, Identity};
use latchkey_store::sign_ins as stored;
use latchkey_store::{audit, passwords};
use serde::Deserialize;

use crate::app::{App, Application};
use crate::caller::{Caller, Credential, Jwt, PageCaller};
use crate::claims::{Claim, describe};
use crate::client;
use crate::cookies;
use crate::errors::{AppError, HandlerResult, catalogue};
use crate::hints::{Hints, LAST_USED};
use crate::labels::{ProviderButton, door_name, key_name, monogram};
use crate::layout::Layout;
use crate::page::Page;
use crate::settings::Revocation;

/// How many events of the audit trail the page shows.
const RECENT: u32 = 10;

#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    layout: Layout,
    user: User,
    sign_in: SignIn,
    door_name: String,
    carried: Carried,
    identities: Vec<LinkedIdentity>,
    password_changed_at: Option<Timestamp>,
    done: Option<&'static str>,
    linkable: Vec<ProviderButton>,
    devices: Vec<Device>,
    events: Vec<Event>,
    word: &'static str,
}

/// A sign-in, as the account page lists it.
#[derive(Debug)]
pub(crate) struct Device {
    sign_in: SignIn,
    from: String,
    is_this: bool,
    /// Whether it is over, and its JWT may be used until it expires.
    has_ended: bool,
    /// Until when a JWT of it may be used, at most.
    may_live_until: Option<Timestamp>,
}

impl Device {
    fn name(&self) -> String {
        client::device_name(&self.sign_in.user_agent)
    }

    fn key(&self) -> &'static str {
        key_name(self.sign_in.credential)
    }
}

/// What somebody carries, as the account page shows it.
#[derive(Debug)]
pub(crate) enum Carried {
    /// Nothing of it can be shown but when it ends.
    Session { cookie: String, ends_if_unused: Timestamp, lasts: Lifetime },
    Jwt {
        cookie: String,
        header: Vec<Claim>,
        claims: Vec<Claim>,
        renews_in: Span,
        renews_at: Timestamp,
        access_ttl: Span,
        watched: bool,
    },
}

/// An identity, as the account page lists it.
#[derive(Debug)]
pub(crate) struct LinkedIdentity {
    label: String,
    monogram: String,
    local: bool,
    identity: Identity,
}

impl LinkedIdentity {
    pub(crate) fn of(app: &Application, identity: Identity) -> Self {
        let provider = app.provider(&identity.provider);
        let label = provider.map_or(identity.provider.clone(), |p| p.label.clone());
        Self {
            monogram: monogram(&label),
            local: provider.is_some_and(|p| p.local),
            label,
            identity,
        }
    }
}

/// `GET /account`
pub(crate) async fn page(
    State(app): State<App>,
    caller: PageCaller,
    hints: Hints,
    Query(query): Query<DoneQuery>,
) -> HandlerResult<Page<AccountPage>> {
    let sign_in = sign_in(&app, &caller).await?;
    hints.keep(LAST_USED, &sign_in.method.to_string());
    let identities = identities::of_user(&app.db, caller.user.id).await?;
    let carried = match &caller.credential {
        Credential::Session(_) => session(&app, &sign_in),
        Credential::JwtCookie(carried) | Credential::JwtBearer(carried) => jwt(&app, carried),
        // It has no sign-in, so there is no page of one.
        Credential::OAuthBearer(_) => return Err(AppError::new(catalogue::SIGN_IN_REQUIRED)),
    };
    let devices = devices(&app, &caller).await?;
    let events = audit::of_user(&app.db, caller.user.id, RECENT).await?;
    let linked: Vec<_> = identities.iter().map(|one| one.provider.clone()).collect();
    let others = app.providers.iter().filter(|one| !linked.contains(&one.slug));
    Ok(Page(AccountPage {
        done: query.done.as_deref().and_then(done::sentence),
        devices,
        events,
        linkable: others.map(ProviderButton::of).collect(),
        word: delete::WORD,
        layout: Layout::new(&app, Some(&caller)).at("/account"),
        door_name: door_name(&app, Some(&sign_in.method)),
        sign_in,
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

/// Every living sign-in, and those that have ended whose JWT may live on.
async fn devices(app: &Application, caller: &Caller) -> HandlerResult<Vec<Device>> {
    let now = app.clock.now();
    // A token is believed a little longer than it says, for clocks differ.
    let life = app.settings.jwt.access_ttl.as_millis() + app.keys.leeway().as_millis();
    let jwt_life = Span::millis(life);
    let user = caller.user.id;
    let device = |sign_in: SignIn, has_ended: bool| Device {
        from: format!("{}, {}", sign_in.address, door_name(app, Some(&sign_in.method))),
        is_this: !has_ended && Some(sign_in.id) == caller.sign_in_id(),
        has_ended,
        // The newest token was made when it was last renewed, which is when it was last seen.
        may_live_until: (sign_in.credential == CredentialKind::Jwt)
            .then(|| sign_in.last_seen_at.plus(jwt_life)),
        sign_in,
    };
    let living = stored::living(&app.db, user, app.settings.session, now).await?;
    let mut devices: Vec<_> = living.into_iter().map(|one| device(one, false)).collect();
    // With `watch` nothing lingers: it is refused within a second.
    if app.settings.jwt.revocation == Revocation::Expiry {
        let ended = stored::lingering(&app.db, user, now.minus(jwt_life)).await?;
        devices.extend(ended.into_iter().map(|one| device(one, true)));
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
        lasts: life,
    }
}

fn jwt(app: &Application, carried: &Jwt) -> Carried {
    let renews_at = Timestamp::from_seconds(carried.claims.exp);
    let shown = decode_unverified(&carried.token).unwrap_or_default();
    Carried::Jwt {
        cookie: app.cookies.name(cookies::TOKEN),
        header: describe(&shown.header),
        claims: describe(&shown.claims),
        renews_in: renews_at.since(app.clock.now()),
        renews_at,
        access_ttl: app.settings.jwt.access_ttl,
        watched: app.settings.jwt.revocation == Revocation::Watch,
    }
}
