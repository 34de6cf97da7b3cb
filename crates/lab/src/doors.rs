//! Through the doors as a browser or a program goes, over HTTP alone.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use http::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::ground::at;
use crate::{Agent, Answer, Call, Error, Place, Result};

/// The password of every account that an experiment makes.
pub const PASSWORD: &str = "a lantern under the stairs";

/// The header that says from which distance the database is to answer.
pub const LATENCY: &str = "x-latchkey-database-latency";

/// How somebody proves who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    OAuth,
    Password,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Session,
    Jwt,
}

impl Door {
    pub const ALL: [Self; 2] = [Self::OAuth, Self::Password];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OAuth => "OAuth",
            Self::Password => "password",
        }
    }
}

impl Key {
    pub const ALL: [Self; 2] = [Self::Session, Self::Jwt];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "JWT",
        }
    }

    #[must_use]
    pub const fn strategy(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
        }
    }

    /// The cookie in which it travels on http.
    #[must_use]
    pub const fn cookie(self) -> &'static str {
        match self {
            Self::Session => "latchkey_session",
            Self::Jwt => "latchkey_token",
        }
    }
}

/// What a combination is called: `OAuth + session`.
#[must_use]
pub fn combination(door: Door, key: Key) -> String {
    format!("{} + {}", door.name(), key.name())
}

/// Tokens of a program (RFC 6749 §5.1).
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
}

/// The cookie in which somebody carries a key: its name and its value. Over https its
/// name has a prefix that binds it to the host (RFC 6265bis §4.1.3.2).
///
/// # Errors
/// When they carry none.
pub fn carried(agent: &Agent, place: &Url, key: Key) -> Result<(String, String)> {
    let name = key.cookie();
    [format!("__Host-{name}"), name.to_owned()]
        .into_iter()
        .find_map(|name| {
            let value = agent.cookie(place, &name)?.to_owned();
            Some((name, value))
        })
        .ok_or_else(|| Error::unexpected("signing in", format!("no cookie {name}")))
}

/// An address that nobody has yet.
#[must_use]
pub fn new_email() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("lab-{number:016x}@example.test")
}

/// The answer, if it has this status.
pub fn expect(answer: Answer, status: StatusCode) -> Result<Answer> {
    if answer.status == status {
        return Ok(answer);
    }
    let code = answer.header("x-error-code").unwrap_or("no code");
    Err(Error::unexpected(answer.url.path(), format!("{} ({code})", answer.status)))
}

/// Makes an account with [`PASSWORD`], and yields its address.
///
/// # Errors
/// When there is no such account afterwards.
pub async fn sign_up(agent: &Agent, place: &Url) -> Result<String> {
    let email = new_email();
    let fields = [("name", "Lab Rat"), ("email", &email), ("password", PASSWORD)];
    let answer = agent.stranger().send(Call::form(at(place, "/sign-up")?, &fields)).await?;
    expect(answer, StatusCode::SEE_OTHER)?;
    Ok(email)
}

/// Comes in with a password; every exchange of it.
///
/// # Errors
/// When it does not lead to the account.
pub async fn by_password(
    agent: &mut Agent,
    place: &Url,
    email: &str,
    key: Key,
) -> Result<Vec<Answer>> {
    let page = agent.send(Call::get(at(place, "/sign-in")?)).await?;
    let fields = [("email", email), ("password", PASSWORD), ("strategy", key.strategy())];
    let answer = agent.send(Call::form(at(place, "/sign-in")?, &fields)).await?;
    Ok(vec![expect(page, StatusCode::OK)?, expect(answer, StatusCode::SEE_OTHER)?])
}

/// Comes in through the local provider, as one of its people; every exchange
/// that the browser sees.
///
/// # Errors
/// When there is no local provider, or it does not lead to the account.
pub async fn by_oauth(
    agent: &mut Agent,
    place: &dyn Place,
    person: &str,
    key: Key,
) -> Result<Vec<Answer>> {
    by_oauth_ticking(agent, place, person, key, &|_| true).await
}

/// The same, with only these scopes ticked at the consent page.
///
/// # Errors
/// When there is no local provider, or it does not lead to the account.
pub async fn by_oauth_ticking(
    agent: &mut Agent,
    place: &dyn Place,
    person: &str,
    key: Key,
    ticks: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<Answer>> {
    let (mut answers, callback) = to_consent(agent, place, person, key, ticks).await?;
    let back = agent.send(callback).await?;
    answers.push(expect(back, StatusCode::SEE_OTHER)?);
    Ok(answers)
}

/// The way to the local provider and its consent; what is left is the call that
/// brings the code back.
///
/// # Errors
/// When there is no local provider, or it does not consent.
pub async fn as_far_as_consent(
    agent: &mut Agent,
    place: &dyn Place,
    person: &str,
    key: Key,
) -> Result<Call> {
    Ok(to_consent(agent, place, person, key, &|_| true).await?.1)
}

async fn to_consent(
    agent: &mut Agent,
    place: &dyn Place,
    person: &str,
    key: Key,
    ticks: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(Vec<Answer>, Call)> {
    let Some(provider) = place.provider() else {
        let why = "its provider asks a person, and there is none";
        return Err(Error::NotHere(why.to_owned()));
    };
    let page = agent.send(Call::get(at(place.url(), "/sign-in")?)).await?;
    let start = at(place.url(), "/auth/google")?;
    let start = agent.send(Call::form(start, &[("strategy", key.strategy())])).await?;
    let start = expect(start, StatusCode::SEE_OTHER)?;
    let authorize = leads_to(&start)?;
    if authorize.origin() != provider.origin() {
        return Err(Error::NotHere("Google is not played by the local provider".to_owned()));
    }
    let asked = agent.send(Call::get(authorize.clone())).await?;
    let decided = agent.send(decision(&authorize, person, ticks)).await?;
    let decided = expect(decided, StatusCode::SEE_OTHER)?;
    let callback = Call::new(Method::GET, leads_to(&decided)?);
    // What a browser says of a redirect that another site has begun.
    let callback = callback.with("sec-fetch-site", "cross-site");
    let (page, asked) = (expect(page, StatusCode::OK)?, expect(asked, StatusCode::OK)?);
    Ok((vec![page, start, asked, decided], callback))
}

/// The record of a sign-in, as an HTTP Archive: what the app noted at the answer
/// that completed it, and shows to whom it let in. Nothing when it keeps none.
///
/// # Errors
/// When there is one that cannot be read.
pub async fn record(
    agent: &mut Agent,
    place: &Url,
    answers: &[Answer],
) -> Result<Option<serde_json::Value>> {
    let id = answers.last().and_then(|answer| answer.header("x-latchkey-trace"));
    let Some(id) = id else { return Ok(None) };
    let har = agent.send(Call::get(at(place, &format!("/traces/{id}/har"))?)).await?;
    let har = expect(har, StatusCode::OK)?;
    let broken = |error: serde_json::Error| Error::unexpected("the record", error.to_string());
    serde_json::from_slice(&har.body).map(Some).map_err(broken)
}

pub(crate) fn leads_to(answer: &Answer) -> Result<Url> {
    let nowhere = || Error::unexpected(answer.url.path(), "a redirect that leads nowhere");
    answer.location().ok_or_else(nowhere)
}

/// The form of the local provider's consent page, with these scopes ticked.
pub(crate) fn decision(authorize: &Url, person: &str, ticks: &dyn Fn(&str) -> bool) -> Call {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in authorize.query_pairs() {
        if name == "scope" {
            let ticked = value.split(' ').filter(|scope| ticks(scope));
            fields.extend(ticked.map(|scope| ("scope".to_owned(), scope.to_owned())));
            fields.push(("requested_scope".to_owned(), value.into_owned()));
        } else {
            fields.push((name.into_owned(), value.into_owned()));
        }
    }
    fields.push(("decision".to_owned(), "allow".to_owned()));
    fields.push(("person".to_owned(), person.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut decide = authorize.clone();
    decide.set_query(None);
    decide.set_path(&format!("{}/decide", authorize.path()));
    Call::form(decide, &fields)
}

/// Tokens for a program, for an account with [`PASSWORD`].
///
/// # Errors
/// When there are none.
pub async fn tokens(agent: &Agent, place: &Url, email: &str) -> Result<Tokens> {
    let body = serde_json::json!({ "email": email, "password": PASSWORD });
    answer_to(agent, at(place, "/api/v1/token")?, &body).await
}

pub async fn refresh(agent: &Agent, place: &Url, refresh_token: &str) -> Result<Tokens> {
    let body = serde_json::json!({ "refresh_token": refresh_token });
    answer_to(agent, at(place, "/api/v1/token/refresh")?, &body).await
}

async fn answer_to(agent: &Agent, url: Url, body: &serde_json::Value) -> Result<Tokens> {
    let call = Call::json(Method::POST, url, &body.to_string());
    let answer = expect(agent.stranger().send(call).await?, StatusCode::OK)?;
    let broken = |error: serde_json::Error| Error::unexpected("the token", error.to_string());
    serde_json::from_slice(&answer.body).map_err(broken)
}

/// Asks who one is: `GET /api/v1/me`.
///
/// # Errors
/// When the address cannot be made.
pub fn me(place: &Url) -> Result<Call> {
    Ok(Call::new(Method::GET, at(place, "/api/v1/me")?))
}

/// What `Server-Timing` says: how many queries the answer cost, and how long the
/// app took over it, in milliseconds.
///
/// # Errors
/// When the instance does not say so, as outside development.
pub fn server_timing(answer: &Answer) -> Result<(f64, f64)> {
    let missing = || Error::NotHere("it says no Server-Timing, as outside development".to_owned());
    let header = answer.header("server-timing").ok_or_else(missing)?;
    let between = |from: &str, to: &[char]| -> Option<f64> {
        let (_, rest) = header.split_once(from)?;
        rest.split(to).next()?.parse().ok()
    };
    let queries = between("desc=\"", &[' ']).ok_or_else(missing)?;
    let millis = between("total;dur=", &[',', ';', ' ']).ok_or_else(missing)?;
    Ok((queries, millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_over_http_and_over_https() {
        for (url, name) in [
            ("http://localhost:3000/", "latchkey_session"),
            ("https://app.example.com/", "__Host-latchkey_session"),
        ] {
            let (url, mut agent) = (url.parse().unwrap(), Agent::new().unwrap());
            assert!(carried(&agent, &url, Key::Session).is_err());
            agent.plant(&url, name, "abc");
            let found = carried(&agent, &url, Key::Session).unwrap();
            assert_eq!(found, (name.to_owned(), "abc".to_owned()));
        }
    }
}
