//! The credentials that can be timed, each of a sign-in of its own.

use std::time::Duration;

use http::{Method, StatusCode};
use url::Url;

use crate::agent::{Agent, Call};
use crate::error::{Error, Result};
use crate::instance::{Instance, at};
use crate::sign_in::{self, Credential, consent, expect_status, redirect_target};
use crate::token;

/// How much longer than it says a JWT is accepted, because clocks differ, as
/// `docs/security.md` promises.
const LEEWAY: Duration = Duration::from_secs(5);

/// How soon every process refuses with `JWT_REVOCATION=watch`.
const WATCHED: Duration = Duration::from_secs(1);

/// The person of the local provider who lets the Calendar Printer in.
const PERSON: &str = "ada";

/// A credential that is about to lose its sign-in.
#[derive(Clone, Debug)]
pub struct TimedCredential {
    pub slug: &'static str,
    pub request: Call,
    pub revocation: Call,
    pub promise: Duration,
}

/// An account, the process at which its sign-ins are ended, and the one to which their credentials
/// are sent: the same, or another.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub agent: &'a Agent,
    pub email: &'a str,
    pub revoked_at: &'a Url,
    pub used_at: &'a Url,
}

impl Subject<'_> {
    /// A server session: its cookie was copied, and the owner signs out.
    pub async fn session(self) -> Result<TimedCredential> {
        let (mut owner, base) = (self.agent.fresh(), self.revoked_at);
        sign_in::with_password(&mut owner, base, self.email, Credential::Session).await?;
        let cookies = owner.cookies_for(base).unwrap_or_default();
        Ok(TimedCredential {
            slug: "session",
            request: sign_in::me(self.used_at)?.with("cookie", &cookies),
            revocation: Call::form(at(base, "/sign-out")?, &[]).with("cookie", &cookies),
            promise: Duration::ZERO,
        })
    }

    /// A JWT that lives until it expires, whatever happens to its sign-in.
    pub async fn expiring_jwt(self) -> Result<TimedCredential> {
        let (jwt, lifetime) = self.jwt().await?;
        Ok(TimedCredential { slug: "jwt_expiry", promise: lifetime + LEEWAY, ..jwt })
    }

    /// A JWT that every process refuses soon after its sign-in has ended, and at once the one that
    /// ended it.
    pub async fn watched_jwt(self) -> Result<TimedCredential> {
        let (jwt, _) = self.jwt().await?;
        Ok(match self.revoked_at == self.used_at {
            true => TimedCredential { slug: "jwt_watch_here", ..jwt },
            false => TimedCredential { slug: "jwt_watch", promise: WATCHED, ..jwt },
        })
    }

    /// A JWT, with what revokes its sign-in; and its lifetime.
    async fn jwt(self) -> Result<(TimedCredential, Duration)> {
        let tokens = sign_in::tokens(self.agent, self.revoked_at, self.email).await?;
        let lifetime = Duration::from_secs(token::lifetime(&tokens.access_token)?);
        let document = serde_json::json!({ "token": tokens.refresh_token }).to_string();
        let revoke = at(self.revoked_at, "/api/v1/token/revoke")?;
        let jwt = TimedCredential {
            slug: "jwt",
            request: sign_in::me(self.used_at)?.bearer(&tokens.access_token),
            revocation: Call::json(Method::POST, revoke, &document),
            promise: Duration::ZERO,
        };
        Ok((jwt, lifetime))
    }
}

/// An opaque OAuth token of another app, which is introspected at its provider
/// (RFC 7662): `token` was issued for the API at `base`, and `revocation` revokes it there.
pub fn introspected(
    base: &Url,
    token: &str,
    revocation: Call,
    cached_for: Duration,
) -> Result<TimedCredential> {
    let slug = if cached_for.is_zero() { "introspected" } else { "introspected_cached" };
    let request = sign_in::me(base)?.bearer(token);
    Ok(TimedCredential { slug, request, revocation, promise: cached_for })
}

/// A token of the local provider's Calendar Printer, an app that gets an opaque token for our
/// API (RFC 8707) and keeps it to itself. So one of its browsers is used, and a person takes
/// the access back in another one: what revocation is the grant, with all its tokens.
pub(crate) async fn calendar_printer(
    agent: &Agent,
    instance: &dyn Instance,
    cached_for: Duration,
) -> Result<TimedCredential> {
    let Some(provider) = instance.provider() else {
        return Err(Error::Unsupported("it needs another app that asks for access".to_owned()));
    };
    // The owner of the calendar needs an account here.
    sign_in::with_oauth(&mut agent.fresh(), instance, PERSON, Credential::Session).await?;
    let (mut holder, mut owner) = (agent.fresh(), agent.fresh());
    for browser in [&mut holder, &mut owner] {
        let connect = Call::form(at(provider, "/calendar-printer/connect")?, &[]);
        let authorize =
            redirect_target(&expect_status(browser.send(connect).await?, StatusCode::SEE_OTHER)?)?;
        browser.send(Call::get(authorize.clone())).await?;
        let decided = browser.send(consent(&authorize, PERSON)).await?;
        let callback = Call::get(redirect_target(&decided)?);
        expect_status(browser.send(callback).await?, StatusCode::SEE_OTHER)?;
    }
    let printout = at(provider, "/calendar-printer/printout")?;
    let cookies = |agent: &Agent| agent.cookies_for(&printout).unwrap_or_default();
    let forget = Call::form(at(provider, "/calendar-printer/forget")?, &[]);
    let request = Call::new(Method::GET, printout.clone()).with("cookie", &cookies(&holder));
    let revocation = forget.with("cookie", &cookies(&owner));
    Ok(TimedCredential { request, ..introspected(instance.url(), "", revocation, cached_for)? })
}
