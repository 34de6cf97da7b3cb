//! The keys that can be timed, each with a sign-in of its own.

use std::time::Duration;

use http::Method;
use url::Url;

use super::Subject;
use crate::doors::{self, Key};
use crate::ground::at;
use crate::{Agent, Call, Result, token};

/// By how much a JWT is believed longer than it says: clocks differ. It is what
/// `docs/security.md` promises; the watch would show if it were more.
const LEEWAY: Duration = Duration::from_secs(5);

/// How soon every process refuses with `JWT_REVOCATION=watch`.
const WATCHED: Duration = Duration::from_secs(1);

/// Where a sign-in is ended and where its key is shown: twice the same place, or
/// two processes.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    pub ends_at: &'a Url,
    pub shown_at: &'a Url,
}

impl<'a> Between<'a> {
    #[must_use]
    pub const fn one(base: &'a Url) -> Self {
        Self { ends_at: base, shown_at: base }
    }
}

/// A server session: somebody has copied its cookie, and the owner signs out.
///
/// # Errors
/// When nobody can sign in.
pub async fn session(agent: &Agent, between: Between<'_>, email: &str) -> Result<Subject> {
    let mut owner = agent.stranger();
    doors::by_password(&mut owner, between.ends_at, email, Key::Session).await?;
    let cookies = owner.cookies_for(between.ends_at).unwrap_or_default();
    let sign_out = Call::form(at(between.ends_at, "/sign-out")?, &[]);
    Ok(Subject {
        slug: "session",
        key: "Server session".to_owned(),
        ending: "the sign-out".to_owned(),
        shows: doors::me(between.shown_at)?.with("cookie", &cookies),
        ends: sign_out.with("cookie", &cookies),
        promise: Duration::ZERO,
        because: "It is looked up at each request, so the next one is refused.".to_owned(),
    })
}

/// A JWT that lives until it expires, whatever happens to its sign-in.
///
/// # Errors
/// When nobody can sign in.
pub async fn expiring_jwt(agent: &Agent, between: Between<'_>, email: &str) -> Result<Subject> {
    let (mut subject, lifetime) = jwt(agent, between, email).await?;
    subject.slug = "jwt_expiry";
    subject.key = "JWT, until it expires".to_owned();
    subject.promise = lifetime + LEEWAY;
    subject.because = format!(
        "Nobody asks whether its sign-in has ended (JWT_REVOCATION=expiry). It was issued for {} s \
         here, so that you need not wait, and is believed {} s longer, because clocks differ. Out \
         of the box it is issued for 5 minutes, and lives on for as long.",
        lifetime.as_secs(),
        LEEWAY.as_secs()
    );
    Ok(subject)
}

/// A JWT that every process refuses soon after its sign-in has ended.
///
/// # Errors
/// When nobody can sign in.
pub async fn watched_jwt(agent: &Agent, between: Between<'_>, email: &str) -> Result<Subject> {
    let (mut subject, _) = jwt(agent, between, email).await?;
    let is_one = between.ends_at == between.shown_at;
    let (slug, key, because) = if is_one {
        ("jwt_watch_here", "JWT, watched", "The process that ended it knows at once.")
    } else {
        (
            "jwt_watch",
            "JWT, watched, at another process",
            "It is ended at one process and shown at another (JWT_REVOCATION=watch), which asks \
             every 400 ms, beside its requests, what has ended.",
        )
    };
    subject.slug = slug;
    subject.key = key.to_owned();
    subject.promise = if is_one { Duration::ZERO } else { WATCHED };
    subject.because = because.to_owned();
    Ok(subject)
}

/// A JWT, with what ends its sign-in; and for how long it was issued.
async fn jwt(agent: &Agent, between: Between<'_>, email: &str) -> Result<(Subject, Duration)> {
    let tokens = doors::tokens(agent, between.ends_at, email).await?;
    let lifetime = Duration::from_secs(token::lifetime(&tokens.access_token)?);
    let document = serde_json::json!({ "token": tokens.refresh_token }).to_string();
    let revoke = at(between.ends_at, "/api/v1/token/revoke")?;
    let subject = Subject {
        slug: "jwt",
        key: String::new(),
        ending: "the revocation of its refresh token (RFC 7009)".to_owned(),
        shows: doors::me(between.shown_at)?.bearer(&tokens.access_token),
        ends: Call::json(Method::POST, revoke, &document),
        promise: Duration::ZERO,
        because: String::new(),
    };
    Ok((subject, lifetime))
}

/// An opaque OAuth token of another app, which is introspected at its provider
/// (RFC 7662): `token` was issued for the API at `base`, and `ends` revokes it there.
///
/// # Errors
/// When the address cannot be made.
pub fn introspected(base: &Url, token: &str, ends: Call, cached_for: Duration) -> Result<Subject> {
    let cached = !cached_for.is_zero();
    let (slug, key, because) = if cached {
        (
            "introspected_cached",
            format!("OAuth token, asked about every {} s", cached_for.as_secs_f64()),
            "The provider’s yes is believed for as long as OAUTH_INTROSPECTION_CACHE says.",
        )
    } else {
        (
            "introspected",
            "OAuth token, asked about each time".to_owned(),
            "The provider is asked at each request, so the next one is refused.",
        )
    };
    Ok(Subject {
        slug,
        key,
        ending: "its revocation at the provider (RFC 7009)".to_owned(),
        shows: doors::me(base)?.bearer(token),
        ends,
        promise: cached_for,
        because: because.to_owned(),
    })
}
