//! The credentials that can be timed, each from its own sign-in.

use std::time::Duration;

use http::{Method, StatusCode};
use url::Url;

use crate::agent::{Agent, Call};
use crate::error::{Error, Result};
use crate::instance::{Instance, at};
use crate::sign_in::{self, Credential};
use crate::token;

/// How long after `exp` a JWT is still accepted (see `docs/security.md`).
const LEEWAY: Duration = Duration::from_secs(5);

/// The person at the local provider who authorizes the Calendar Printer.
const PERSON: &str = "ada";

/// A credential, the call that revokes it, and how soon it must be refused afterwards.
#[derive(Clone, Debug)]
pub struct TimedCredential {
    pub request: Call,
    pub revocation: Call,
    pub promise: Duration,
}

/// An account, the process that revokes its sign-ins, and the process that gets its credentials,
/// which may be the same.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub agent: &'a Agent,
    pub email: &'a str,
    pub revoked_at: &'a Url,
    pub used_at: &'a Url,
}

impl Subject<'_> {
    /// A copied session cookie, whose owner signs out.
    pub async fn session(self) -> Result<TimedCredential> {
        let (mut owner, base) = (self.agent.fresh(), self.revoked_at);
        sign_in::with_password(&mut owner, base, self.email, Credential::Session).await?;
        let cookies = owner.cookies_for(base).unwrap_or_default();
        Ok(TimedCredential {
            request: sign_in::me(self.used_at)?.with("cookie", &cookies),
            revocation: Call::form(at(base, "/sign-out")?, &[]).with("cookie", &cookies),
            promise: Duration::ZERO,
        })
    }

    /// A JWT that must be refused this soon, or else when it expires.
    pub async fn jwt(self, promise: Option<Duration>) -> Result<TimedCredential> {
        let tokens = sign_in::tokens(self.agent, self.revoked_at, self.email).await?;
        let lifetime = Duration::from_secs(token::lifetime(&tokens.access_token)?);
        let document = serde_json::json!({ "token": tokens.refresh_token }).to_string();
        let revoke = at(self.revoked_at, "/api/v1/token/revoke")?;
        Ok(TimedCredential {
            request: sign_in::me(self.used_at)?.bearer(&tokens.access_token),
            revocation: Call::json(Method::POST, revoke, &document),
            promise: promise.unwrap_or(lifetime + LEEWAY),
        })
    }
}

/// Another app's opaque OAuth token for the API at `base`, which is introspected at its provider
/// (RFC 7662).
pub fn introspected(
    base: &Url,
    token: &str,
    revocation: Call,
    cached_for: Duration,
) -> Result<TimedCredential> {
    let request = sign_in::me(base)?.bearer(token);
    Ok(TimedCredential { request, revocation, promise: cached_for })
}

/// The opaque token of the Calendar Printer, an app of the local provider that calls our API (RFC
/// 8707) from its server: so we use it through a browser that is signed in there, and revoke the
/// grant through a second one.
pub(crate) async fn calendar_printer(
    agent: &Agent,
    instance: &dyn Instance,
    cached_for: Duration,
) -> Result<TimedCredential> {
    let Some(provider) = instance.provider() else {
        return Err(Error::unsupported("it needs another app that calls our API"));
    };
    // The person needs an account with us first.
    sign_in::with_oauth(&mut agent.fresh(), instance, PERSON, Credential::Session).await?;
    let (mut holder, mut owner) = (agent.fresh(), agent.fresh());
    for browser in [&mut holder, &mut owner] {
        let start = Call::form(at(provider, "/calendar-printer/connect")?, &[]);
        let (_, callback) = sign_in::authorize(browser, instance, start, PERSON).await?;
        sign_in::expect_status(browser.send(callback).await?, StatusCode::SEE_OTHER)?;
    }
    let printout = at(provider, "/calendar-printer/printout")?;
    let cookies = |agent: &Agent| agent.cookies_for(&printout).unwrap_or_default();
    let forget = at(provider, "/calendar-printer/forget")?;
    let request = Call::new(Method::GET, printout.clone()).with("cookie", &cookies(&holder));
    let revocation = Call::form(forget, &[]).with("cookie", &cookies(&owner));
    Ok(TimedCredential { request, ..introspected(instance.url(), "", revocation, cached_for)? })
}
