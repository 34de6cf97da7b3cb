//! The account page, and what it lists.

use askama::Template;
use latchkey_domain::audit::Event;
use latchkey_domain::sign_in::{CredentialKind, SignIn, SignInMethod};
use latchkey_domain::{Role, SignInId, Span, Timestamp, User};
use latchkey_store::identities::Identity;

use super::words::{ProviderButton, door_name, key_name, monogram};
use crate::app::Application;
use crate::claims::Claim;
use crate::client;
use crate::layout::Layout;

/// `GET /account`
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) layout: Layout,
    pub(crate) user: User,
    pub(crate) door: SignInMethod,
    pub(crate) door_name: String,
    pub(crate) since: Timestamp,
    pub(crate) carried: Carried,
    pub(crate) identities: Vec<LinkedIdentity>,
    pub(crate) password_changed_at: Option<Timestamp>,
    pub(crate) done: Option<&'static str>,
    pub(crate) linkable: Vec<ProviderButton>,
    pub(crate) devices: Vec<Device>,
    pub(crate) events: Vec<Event>,
    pub(crate) word: &'static str,
}

/// A sign-in, as the account page lists it.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) from: String,
    pub(crate) key: &'static str,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    pub(crate) is_this: bool,
    pub(crate) has_ended: bool,
    /// Until when a JWT of it may be used, at most.
    pub(crate) may_live_until: Option<Timestamp>,
}

impl Device {
    pub(crate) fn living(
        app: &Application,
        one: SignIn,
        this: Option<SignInId>,
        jwt_life: Span,
    ) -> Self {
        // The newest token was made when it was last renewed, which is when it was last seen.
        let until =
            (one.credential == CredentialKind::Jwt).then(|| one.last_seen_at.plus(jwt_life));
        Self {
            id: one.id.to_string(),
            name: client::device_name(&one.user_agent),
            from: format!("{}, {}", one.address, door_name(app, Some(&one.method))),
            key: key_name(one.credential),
            first_seen: one.created_at,
            last_seen: one.last_seen_at,
            is_this: Some(one.id) == this,
            has_ended: false,
            may_live_until: until,
        }
    }

    /// One that has ended, and whose JWT may be used until it expires.
    pub(crate) fn lingering(app: &Application, one: SignIn, jwt_life: Span) -> Self {
        Self { has_ended: true, ..Self::living(app, one, None, jwt_life) }
    }
}

/// What somebody carries, as the account page shows it.
#[derive(Debug)]
pub(crate) enum Carried {
    /// Nothing of it can be shown but when it ends.
    Session {
        cookie: String,
        ends_if_unused: Timestamp,
        ends_at: Timestamp,
        idle: String,
        absolute: String,
    },
    /// All of it can be read.
    Jwt {
        cookie: String,
        header: Vec<Claim>,
        claims: Vec<Claim>,
        renews_in: Span,
        renews_at: Timestamp,
        ends_at: Timestamp,
        access_ttl: String,
        watched: bool,
    },
}

/// An identity, as the account page lists it.
#[derive(Debug)]
pub(crate) struct LinkedIdentity {
    pub(crate) label: String,
    pub(crate) monogram: String,
    pub(crate) local: bool,
    pub(crate) identity: Identity,
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
