//! The credentials that can be timed, each of a sign-in of its own.

use std::time::Duration;

use http::{Method, StatusCode};
use url::Url;

use crate::agent::{Agent, Call};
use crate::error::{Error, Result};
use crate::instance::{Instance, at};
use crate::sign_in::{self, Credential, decision, expect, redirect};
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
    pub key: String,
    pub ending: String,
    pub request: Call,
    pub revocation: Call,
    pub promise: Duration,
    pub because: String,
}

/// Where a sign-in is ended and where its credential is sent: one process, or two.
#[derive(Clone, Copy, Debug)]
pub struct Processes<'a> {
    pub revoked_at: &'a Url,
    pub used_at: &'a Url,
}

impl<'a> Processes<'a> {
    pub const fn one(base: &'a Url) -> Self {
        Self { revoked_at: base, used_at: base }
    }
}

/// A server session: its cookie was copied, and the owner signs out.
pub async fn session(
    agent: &Agent,
    processes: Processes<'_>,
    email: &str,
) -> Result<TimedCredential> {
    let mut owner = agent.fresh();
    sign_in::with_password(&mut owner, processes.revoked_at, email, Credential::Session).await?;
    let cookies = owner.cookies_for(processes.revoked_at).unwrap_or_default();
    let sign_out = Call::form(at(processes.revoked_at, "/sign-out")?, &[]);
    Ok(TimedCredential {
        slug: "session",
        key: "Server session".to_owned(),
        ending: "the sign-out".to_owned(),
        request: sign_in::me(processes.used_at)?.with("cookie", &cookies),
        revocation: sign_out.with("cookie", &cookies),
        promise: Duration::ZERO,
        because: "It is looked up at each request, so the next one is refused.".to_owned(),
    })
}

/// A JWT that lives until it expires, whatever happens to its sign-in.
pub async fn expiring_jwt(
    agent: &Agent,
    processes: Processes<'_>,
    email: &str,
) -> Result<TimedCredential> {
    let (jwt, lifetime) = jwt(agent, processes, email).await?;
    let because = format!(
        "Revocation is not checked (JWT_REVOCATION=expiry). It was issued for {} s here, so that \
         you need not wait, and is accepted {} s longer, because clocks differ. Out of the box it \
         is issued for 5 minutes, and lives on for as long.",
        lifetime.as_secs(),
        LEEWAY.as_secs()
    );
    let key = "JWT, until it expires".to_owned();
    Ok(TimedCredential { slug: "jwt_expiry", key, promise: lifetime + LEEWAY, because, ..jwt })
}

/// A JWT that every process refuses soon after its sign-in has ended.
pub async fn watched_jwt(
    agent: &Agent,
    processes: Processes<'_>,
    email: &str,
) -> Result<TimedCredential> {
    let (jwt, _) = jwt(agent, processes, email).await?;
    let (slug, key, promise, because) = if processes.revoked_at == processes.used_at {
        (
            "jwt_watch_here",
            "JWT, watched",
            Duration::ZERO,
            "The process that ended it knows at once.",
        )
    } else {
        (
            "jwt_watch",
            "JWT, watched, at another process",
            WATCHED,
            "It is ended at one process and used at another (JWT_REVOCATION=watch), which reads \
             the list of revocations every 400 ms, beside its requests.",
        )
    };
    Ok(TimedCredential { slug, key: key.to_owned(), promise, because: because.to_owned(), ..jwt })
}

/// A JWT, with what revocation its sign-in; and its lifetime.
async fn jwt(
    agent: &Agent,
    processes: Processes<'_>,
    email: &str,
) -> Result<(TimedCredential, Duration)> {
    let tokens = sign_in::tokens(agent, processes.revoked_at, email).await?;
    let lifetime = Duration::from_secs(token::lifetime(&tokens.access_token)?);
    let document = serde_json::json!({ "token": tokens.refresh_token }).to_string();
    let revoke = at(processes.revoked_at, "/api/v1/token/revoke")?;
    let jwt = TimedCredential {
        slug: "jwt",
        key: String::new(),
        ending: "the revocation of its refresh token (RFC 7009)".to_owned(),
        request: sign_in::me(processes.used_at)?.bearer(&tokens.access_token),
        revocation: Call::json(Method::POST, revoke, &document),
        promise: Duration::ZERO,
        because: String::new(),
    };
    Ok((jwt, lifetime))
}

/// An opaque OAuth token of another app, which is introspected at its provider
/// (RFC 7662): `token` was issued for the API at `base`, and `revocation` revokes it there.
pub fn introspected(
    base: &Url,
    token: &str,
    revocation: Call,
    cached_for: Duration,
) -> Result<TimedCredential> {
    let (slug, key, because) = if cached_for.is_zero() {
        (
            "introspected",
            "OAuth token, asked about each time".to_owned(),
            "The provider is asked at each request, so the next one is refused.",
        )
    } else {
        (
            "introspected_cached",
            format!("OAuth token, asked about every {} s", cached_for.as_secs_f64()),
            "The provider’s yes is cached for as long as OAUTH_INTROSPECTION_CACHE says.",
        )
    };
    Ok(TimedCredential {
        slug,
        key,
        ending: "its revocation at the provider (RFC 7009)".to_owned(),
        request: sign_in::me(base)?.bearer(token),
        revocation,
        promise: cached_for,
        because: because.to_owned(),
    })
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
        return Err(Error::NotHere("it needs another app that asks for access".to_owned()));
    };
    // The owner of the calendar needs an account here.
    sign_in::with_oauth(&mut agent.fresh(), instance, PERSON, Credential::Session).await?;
    let (mut holder, mut owner) = (agent.fresh(), agent.fresh());
    for browser in [&mut holder, &mut owner] {
        let connect = Call::form(at(provider, "/calendar-printer/connect")?, &[]);
        let authorize = redirect(&expect(browser.send(connect).await?, StatusCode::SEE_OTHER)?)?;
        browser.send(Call::get(authorize.clone())).await?;
        let decided = browser.send(decision(&authorize, PERSON, &|_| true)).await?;
        let callback = Call::get(redirect(&decided)?);
        expect(browser.send(callback).await?, StatusCode::SEE_OTHER)?;
    }
    let printout = at(provider, "/calendar-printer/printout")?;
    let cookies = |agent: &Agent| agent.cookies_for(&printout).unwrap_or_default();
    let forget = Call::form(at(provider, "/calendar-printer/forget")?, &[]);
    let request = Call::new(Method::GET, printout.clone()).with("cookie", &cookies(&holder));
    let revocation = forget.with("cookie", &cookies(&owner));
    Ok(TimedCredential { request, ..introspected(instance.url(), "", revocation, cached_for)? })
}
