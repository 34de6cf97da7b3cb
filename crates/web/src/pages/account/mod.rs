//! The account page: who I am, how I came in, what I carry; and what can be
//! done about it, in the files beside this one.

mod activity;
pub(crate) mod forms;
pub(crate) mod link;

use std::sync::Arc;

use activity::Activity;
use latchkey_auth::jose::decode_unverified;
use latchkey_axum::{Credential, Jwt};
use latchkey_domain::{
    AuditId, CredentialKind, Lifetime, Role, SignIn, SignInMethod, Span, Timestamp, User,
};
use latchkey_store::audit;
use latchkey_store::identities::Identity;
use latchkey_store::overview::{self, Overview, OverviewQuery};

use crate::claims::{Claim, describe};
use crate::labels::{ProviderButton, credential_label, method_label};
use crate::pages::audit::{PAGE, TrailQuery, cut};
use crate::prelude::*;
use crate::settings::Revocation;
use crate::{client, cookies};

/// How many devices and events the overview shows; the rest has a page of its own.
const RECENT: u32 = 10;

#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    layout: Layout,
    user: Arc<User>,
    sign_in: SignIn,
    method_label: String,
    carried: Carried,
    identities: Vec<(ProviderButton, Identity)>,
    password_changed_at: Option<Timestamp>,
    done: Option<String>,
    linkable: Vec<ProviderButton>,
    devices: Vec<Device>,
    more_devices: usize,
    events: Vec<Activity>,
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
        credential_label(self.sign_in.credential)
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

/// `GET /account/devices`
#[derive(Debug, Template)]
#[template(path = "account-devices.html")]
pub(crate) struct DevicesPage {
    layout: Layout,
    devices: Vec<Device>,
}

/// `GET /account/activity`
#[derive(Debug, Template)]
#[template(path = "account-activity.html")]
pub(crate) struct ActivityPage {
    layout: Layout,
    events: Vec<Activity>,
    older: Option<AuditId>,
}

/// `GET /account`
pub(crate) async fn page(
    State(app): State<App>,
    caller: Caller,
    hints: Hints,
    Query(query): Query<DoneQuery>,
) -> HandlerResult<Page<AccountPage>> {
    let overview = read(&app, &caller).await?;
    let sign_in = sign_in(&overview, &caller)?;
    hints.set(LAST_USED, &sign_in.method.to_string());
    let carried = match &caller.credential {
        Credential::Session(_) => session(&app, &sign_in),
        Credential::JwtCookie(carried) | Credential::JwtBearer(carried) => jwt(&app, carried),
        // It has no sign-in, so there is no page of one.
        Credential::OAuthBearer(_) => return Err(AppError::new(catalogue::SIGN_IN_REQUIRED)),
    };
    let Overview { sign_ins, identities, password_changed_at, events } = overview;
    let mut devices = devices(&app, &caller, sign_ins);
    let more_devices = devices.len().saturating_sub(RECENT as usize);
    devices.truncate(RECENT as usize);
    let is_linked = |slug: &str| identities.iter().any(|one| one.provider == slug);
    let others = app.providers.iter().filter(|one| !is_linked(&one.slug));
    let linkable = others.map(ProviderButton::of).collect();
    let linked = |one: Identity| (ProviderButton::named(&app, &one.provider), one);
    Ok(Page(AccountPage {
        done: query.done,
        devices,
        more_devices,
        events: events.iter().map(|event| Activity::of(&app, event)).collect(),
        linkable,
        word: forms::WORD,
        layout: Layout::new(&app, Some(&caller)).at("/account"),
        method_label: method_label(&app, Some(&sign_in.method)),
        sign_in,
        carried,
        identities: identities.into_iter().map(linked).collect(),
        password_changed_at,
        user: caller.user,
    }))
}

/// `GET /account/devices`: every one of them.
pub(crate) async fn devices_page(
    State(app): State<App>,
    caller: Caller,
) -> HandlerResult<Page<DevicesPage>> {
    let overview = read(&app, &caller).await?;
    let layout = Layout::new(&app, Some(&caller)).below("/account");
    Ok(Page(DevicesPage { layout, devices: devices(&app, &caller, overview.sign_ins) }))
}

/// `GET /account/activity`: everything that is kept of it, page by page.
pub(crate) async fn activity_page(
    State(app): State<App>,
    caller: Caller,
    Query(part): Query<TrailQuery>,
) -> HandlerResult<Page<ActivityPage>> {
    let events = audit::of_user(&app.db, caller.user.id, part.before()?, PAGE + 1).await?;
    let (events, older) = cut(events);
    Ok(Page(ActivityPage {
        layout: Layout::new(&app, Some(&caller)).below("/account"),
        older,
        events: events.iter().map(|event| Activity::of(&app, event)).collect(),
    }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct DoneQuery {
    done: Option<String>,
}

/// With `watch` nothing lingers: what has ended is refused within a second.
async fn read(app: &Application, caller: &Caller) -> HandlerResult<Overview> {
    let now = app.clock.now();
    let lingers = app.settings.jwt.revocation == Revocation::Expiry;
    let shown = OverviewQuery {
        session: app.settings.session,
        lingering_since: if lingers { now.minus(jwt_life(app)) } else { now },
        events: RECENT,
    };
    Ok(overview::of_user(&app.db, caller.user.id, shown, now).await?)
}

/// A token is believed a little longer than it says, for clocks differ.
fn jwt_life(app: &Application) -> Span {
    Span::millis(app.settings.jwt.access_ttl.as_millis() + app.keys.leeway().as_millis())
}

/// Every living sign-in, and those that have ended whose JWT may live on.
fn devices(app: &Application, caller: &Caller, sign_ins: Vec<(SignIn, bool)>) -> Vec<Device> {
    let device = |(sign_in, has_ended): (SignIn, bool)| Device {
        from: format!("{}, {}", sign_in.address, method_label(app, Some(&sign_in.method))),
        is_this: !has_ended && Some(sign_in.id) == caller.sign_in_id(),
        has_ended,
        // The newest token was made when it was last renewed, which is when it was last seen.
        may_live_until: (sign_in.credential == CredentialKind::Jwt)
            .then(|| sign_in.last_seen_at.plus(jwt_life(app))),
        sign_in,
    };
    sign_ins.into_iter().map(device).collect()
}

/// The sign-in as it was written down. A JWT knows only its number; and it may
/// outlive its sign-in.
fn sign_in(overview: &Overview, caller: &Caller) -> HandlerResult<SignIn> {
    if let Credential::Session(sign_in) = &caller.credential {
        return Ok(SignIn::clone(sign_in));
    }
    let mut living = overview.sign_ins.iter().filter(|(_, ended)| !ended).map(|(one, _)| one);
    let found = living.find(|one| Some(one.id) == caller.sign_in_id());
    found.cloned().ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
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
