//! The account page. The other files of this module handle its forms.

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
use crate::pages::audit::{PAGE, TrailQuery, split_page};
use crate::prelude::*;
use crate::settings::Revocation;
use crate::{client, cookies};

/// How many devices and events the account page shows; other pages list all.
const RECENT: u32 = 10;

#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    layout: Layout,
    user: Arc<User>,
    sign_in: SignIn,
    method_label: String,
    credential: CredentialView,
    identities: Vec<(ProviderButton, Identity)>,
    password_changed_at: Option<Timestamp>,
    done: Option<String>,
    linkable: Vec<ProviderButton>,
    devices: Vec<Device>,
    more_devices: usize,
    events: Vec<Activity>,
    delete_confirmation: &'static str,
}

/// A row in the list of sign-ins.
#[derive(Debug)]
pub(crate) struct Device {
    sign_in: SignIn,
    origin: String,
    is_this: bool,
    /// Revoked, but its JWT may work until it expires.
    has_ended: bool,
    /// When its newest JWT expires, at the latest.
    token_usable_until: Option<Timestamp>,
}

impl Device {
    fn name(&self) -> String {
        client::device_name(&self.sign_in.user_agent)
    }

    fn credential(&self) -> &'static str {
        credential_label(self.sign_in.credential)
    }
}

#[derive(Debug)]
pub(crate) enum CredentialView {
    Session {
        cookie: String,
        expires_if_unused: Timestamp,
        lifetime: Lifetime,
    },
    Jwt {
        cookie: String,
        header: Vec<Claim>,
        claims: Vec<Claim>,
        refreshes_in: Span,
        refreshes_at: Timestamp,
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
    let overview = load_overview(&app, &caller).await?;
    let sign_in = current_sign_in(&overview, &caller)?;
    hints.set(LAST_USED, &sign_in.method.to_string());
    let credential = match &caller.credential {
        Credential::Session(_) => session_view(&app, &sign_in),
        Credential::JwtCookie(jwt) | Credential::JwtBearer(jwt) => jwt_view(&app, jwt),
        // An app's token has no sign-in.
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
        delete_confirmation: forms::DELETE_CONFIRMATION,
        layout: Layout::new(&app, Some(&caller)).at("/account"),
        method_label: method_label(&app, Some(&sign_in.method)),
        sign_in,
        credential,
        identities: identities.into_iter().map(linked).collect(),
        password_changed_at,
        user: caller.user,
    }))
}

/// `GET /account/devices`
pub(crate) async fn devices_page(
    State(app): State<App>,
    caller: Caller,
) -> HandlerResult<Page<DevicesPage>> {
    let overview = load_overview(&app, &caller).await?;
    let layout = Layout::new(&app, Some(&caller)).below("/account");
    Ok(Page(DevicesPage { layout, devices: devices(&app, &caller, overview.sign_ins) }))
}

/// `GET /account/activity`
pub(crate) async fn activity_page(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TrailQuery>,
) -> HandlerResult<Page<ActivityPage>> {
    let events = audit::of_user(&app.db, caller.user.id, query.before()?, PAGE + 1).await?;
    let (events, older) = split_page(events);
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

/// Includes revoked sign-ins whose JWT may still work. With `watch` there are none.
async fn load_overview(app: &Application, caller: &Caller) -> HandlerResult<Overview> {
    let now = app.clock.now();
    let lingers = app.settings.jwt.revocation == Revocation::Expiry;
    let shown = OverviewQuery {
        session: app.settings.session,
        lingering_since: if lingers { now.minus(jwt_lifetime(app)) } else { now },
        events: RECENT,
    };
    Ok(overview::of_user(&app.db, caller.user.id, shown, now).await?)
}

/// How long a JWT is accepted: its lifetime and the leeway for clock skew.
fn jwt_lifetime(app: &Application) -> Span {
    Span::millis(app.settings.jwt.access_ttl.as_millis() + app.keys.leeway().as_millis())
}

fn devices(app: &Application, caller: &Caller, sign_ins: Vec<(SignIn, bool)>) -> Vec<Device> {
    let device = |(sign_in, has_ended): (SignIn, bool)| Device {
        origin: format!("{}, {}", sign_in.address, method_label(app, Some(&sign_in.method))),
        is_this: !has_ended && Some(sign_in.id) == caller.sign_in_id(),
        has_ended,
        // Every refresh updates `last_seen_at`, so no token is newer.
        token_usable_until: (sign_in.credential == CredentialKind::Jwt)
            .then(|| sign_in.last_seen_at.plus(jwt_lifetime(app))),
        sign_in,
    };
    sign_ins.into_iter().map(device).collect()
}

/// A JWT holds only the ID of its sign-in, and may outlive it.
fn current_sign_in(overview: &Overview, caller: &Caller) -> HandlerResult<SignIn> {
    if let Credential::Session(sign_in) = &caller.credential {
        return Ok(SignIn::clone(sign_in));
    }
    let mut active = overview.sign_ins.iter().filter(|(_, ended)| !ended).map(|(one, _)| one);
    let found = active.find(|one| Some(one.id) == caller.sign_in_id());
    found.cloned().ok_or_else(|| AppError::new(catalogue::TOKEN_REVOKED))
}

fn session_view(app: &Application, sign_in: &SignIn) -> CredentialView {
    let lifetime = app.settings.session;
    CredentialView::Session {
        cookie: app.cookies.name(cookies::SESSION),
        expires_if_unused: lifetime.ends_at(sign_in.created_at, app.clock.now()),
        lifetime,
    }
}

fn jwt_view(app: &Application, jwt: &Jwt) -> CredentialView {
    let refreshes_at = Timestamp::from_seconds(jwt.claims.exp);
    let decoded = decode_unverified(&jwt.token).unwrap_or_default();
    CredentialView::Jwt {
        cookie: app.cookies.name(cookies::TOKEN),
        header: describe(&decoded.header),
        claims: describe(&decoded.claims),
        refreshes_in: refreshes_at.since(app.clock.now()),
        refreshes_at,
        access_ttl: app.settings.jwt.access_ttl,
        watched: app.settings.jwt.revocation == Revocation::Watch,
    }
}
