//! Signing in over HTTP, as a browser or a program does.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::agent::{Agent, Answer, Call};
use crate::error::{Error, Result};
use crate::instance::{Instance, at};
use crate::token::random;

/// The password of the accounts that experiments create.
pub const PASSWORD: &str = "a lantern under the stairs";

/// A person at the local provider, and the scope they decline on its consent page.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    pub id: &'a str,
    pub password: Option<&'a str>,
    pub declined_scope: &'a str,
}

impl<'a> From<&'a str> for Person<'a> {
    fn from(id: &'a str) -> Self {
        Self { id, password: None, declined_scope: "" }
    }
}

/// The only person at the local provider with a password.
pub const MARGARET: Person<'static> =
    Person { id: "margaret", password: Some("eleven steps to the moon"), declined_scope: "" };

/// The header that delays each database statement, in development.
pub const LATENCY_HEADER: &str = "x-latchkey-database-latency";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    OAuth,
    Password,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    Session,
    Jwt,
}

impl SignInMethod {
    pub const ALL: [Self; 2] = [Self::OAuth, Self::Password];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OAuth => "OAuth",
            Self::Password => "password",
        }
    }
}

impl Credential {
    pub const ALL: [Self; 2] = [Self::Session, Self::Jwt];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "JWT",
        }
    }

    const fn strategy(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
        }
    }

    /// The cookie's name: with the `__Host-` prefix over https (RFC 6265bis §4.1.3.2), otherwise
    /// with the port, because cookies ignore ports.
    pub fn cookie(self, base: &Url) -> String {
        let name = match self {
            Self::Session => "latchkey_session",
            Self::Jwt => "latchkey_token",
        };
        match (base.scheme(), base.port_or_known_default()) {
            ("http", Some(port)) => format!("{name}_{port}"),
            _ => format!("__Host-{name}"),
        }
    }
}

/// For example `OAuth + session`.
pub fn combination(method: SignInMethod, credential: Credential) -> String {
    format!("{} + {}", method.name(), credential.name())
}

pub fn combinations() -> impl Iterator<Item = (SignInMethod, Credential)> {
    SignInMethod::ALL.into_iter().flat_map(|method| Credential::ALL.map(|one| (method, one)))
}

/// A token response (RFC 6749 §5.1).
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
}

/// The name and the value of the credential's cookie.
pub fn credential_cookie(
    agent: &Agent,
    base: &Url,
    credential: Credential,
) -> Result<(String, String)> {
    let name = credential.cookie(base);
    match agent.cookie(base, &name).map(str::to_owned) {
        Some(value) => Ok((name, value)),
        None => Err(Error::unexpected("signing in", format!("no cookie {name}"))),
    }
}

pub fn expect_status(answer: Answer, status: StatusCode) -> Result<Answer> {
    if answer.status == status {
        return Ok(answer);
    }
    let code = answer.header("x-error-code").unwrap_or("no code");
    Err(Error::unexpected(answer.url.path(), format!("{} ({code})", answer.status)))
}

/// Creates an account with [`PASSWORD`] and returns its e-mail address.
pub async fn sign_up(agent: &Agent, base: &Url) -> Result<String> {
    let email = format!("lab-{}@example.test", random()?);
    let fields = [("name", "Lab Rat"), ("email", &email), ("password", PASSWORD)];
    let answer = agent.fresh().send(Call::form(at(base, "/sign-up")?, &fields)).await?;
    expect_status(answer, StatusCode::SEE_OTHER)?;
    Ok(email)
}

/// Signs in with [`PASSWORD`] and returns all answers.
pub async fn with_password(
    agent: &mut Agent,
    base: &Url,
    email: &str,
    credential: Credential,
) -> Result<Vec<Answer>> {
    let page = agent.send(Call::get(at(base, "/sign-in")?)).await?;
    let fields = [("email", email), ("password", PASSWORD), ("strategy", credential.strategy())];
    let answer = agent.send(Call::form(at(base, "/sign-in")?, &fields)).await?;
    Ok(vec![expect_status(page, StatusCode::OK)?, expect_status(answer, StatusCode::SEE_OTHER)?])
}

/// Signs in through the local provider and returns all answers that the browser gets.
pub async fn with_oauth(
    agent: &mut Agent,
    instance: &dyn Instance,
    person: impl Into<Person<'_>>,
    credential: Credential,
) -> Result<Vec<Answer>> {
    let (mut answers, callback) = until_consent(agent, instance, person, credential).await?;
    answers.push(expect_status(agent.send(callback).await?, StatusCode::SEE_OTHER)?);
    Ok(answers)
}

/// Signs in up to the consent, and returns the answers and the call that would deliver the code.
pub async fn until_consent(
    agent: &mut Agent,
    instance: &dyn Instance,
    person: impl Into<Person<'_>>,
    credential: Credential,
) -> Result<(Vec<Answer>, Call)> {
    let page = agent.send(Call::get(at(instance.url(), "/sign-in")?)).await?;
    let page = expect_status(page, StatusCode::OK)?;
    let fields = [("strategy", credential.strategy())];
    let start = Call::form(at(instance.url(), "/auth/google")?, &fields);
    let (mut answers, callback) = authorize(agent, instance, start, person).await?;
    answers.insert(0, page);
    Ok((answers, callback))
}

/// Sends a call that redirects to the local provider, and consents there. Returns the answers, and
/// the call that would deliver the code.
pub(crate) async fn authorize(
    agent: &mut Agent,
    instance: &dyn Instance,
    start: Call,
    person: impl Into<Person<'_>>,
) -> Result<(Vec<Answer>, Call)> {
    let Some(provider) = instance.provider() else {
        return Err(Error::unsupported("only a person can sign in at its provider"));
    };
    let start = expect_status(agent.send(start).await?, StatusCode::SEE_OTHER)?;
    let url = redirect_target(&start)?;
    if url.origin() != provider.origin() {
        return Err(Error::unsupported("its Google is not the local provider"));
    }
    let page = expect_status(agent.send(Call::get(url.clone())).await?, StatusCode::OK)?;
    let Person { id, password, declined_scope } = person.into();
    let mut fields = vec![("person", id)];
    fields.extend(password.map(|password| ("password", password)));
    let decision = agent.send(consent_form(&url, &fields, declined_scope)).await?;
    let decision = expect_status(decision, StatusCode::SEE_OTHER)?;
    // Browsers send this with a redirect that another site started.
    let callback =
        Call::new(Method::GET, redirect_target(&decision)?).with("sec-fetch-site", "cross-site");
    Ok((vec![start, page, decision], callback))
}

/// The recorded trace of the sign-in that these answers completed, as an HTTP Archive; `None` if
/// the instance records nothing.
pub async fn trace_har(
    agent: &mut Agent,
    base: &Url,
    answers: &[Answer],
) -> Result<Option<Answer>> {
    let id = answers.last().and_then(|answer| answer.header("x-latchkey-trace"));
    let Some(id) = id else { return Ok(None) };
    let har = agent.send(Call::get(at(base, &format!("/traces/{id}/har"))?)).await?;
    expect_status(har, StatusCode::OK).map(Some)
}

pub(crate) fn redirect_target(answer: &Answer) -> Result<Url> {
    let missing = || Error::unexpected(answer.url.path(), "a redirect without a location");
    answer.location().ok_or_else(missing)
}

/// Submits the local provider's consent page, with these fields for the person.
pub(crate) fn consent_form(authorize: &Url, person: &[(&str, &str)], declined_scope: &str) -> Call {
    let query: Vec<_> = authorize.query_pairs().collect();
    let mut fields = vec![("decision", "allow")];
    fields.extend(person);
    for (name, value) in &query {
        if name == "scope" {
            let granted = value.split(' ').filter(|scope| *scope != declined_scope);
            fields.extend(granted.map(|scope| ("scope", scope)));
            fields.push(("requested_scope", value));
        } else {
            fields.push((name, value));
        }
    }
    let mut url = authorize.clone();
    url.set_query(None);
    url.set_path(&format!("{}/decide", authorize.path()));
    Call::form(url, &fields)
}

/// API tokens for an account with [`PASSWORD`].
pub async fn tokens(agent: &Agent, base: &Url, email: &str) -> Result<Tokens> {
    parse_tokens(&request_tokens(agent, base, email).await?)
}

pub(crate) async fn request_tokens(agent: &Agent, base: &Url, email: &str) -> Result<Answer> {
    let body = json!({ "email": email, "password": PASSWORD });
    let call = Call::json(Method::POST, at(base, "/api/v1/token")?, &body.to_string());
    expect_status(agent.fresh().send(call).await?, StatusCode::OK)
}

pub(crate) fn parse_tokens(answer: &Answer) -> Result<Tokens> {
    let invalid = |error: serde_json::Error| Error::unexpected("the token", error.to_string());
    serde_json::from_slice(&answer.body).map_err(invalid)
}

pub fn me(base: &Url) -> Result<Call> {
    Ok(Call::new(Method::GET, at(base, "/api/v1/me")?))
}

/// The database queries and the milliseconds in the app, from `Server-Timing`, which instances
/// only send in development.
pub fn server_timing(answer: &Answer) -> Result<(f64, f64)> {
    let number_after = |prefix: &str| -> Option<f64> {
        let (_, rest) = answer.header("server-timing")?.split_once(prefix)?;
        rest.split([',', ';', ' ']).next()?.parse().ok()
    };
    let both = number_after("desc=\"").zip(number_after("total;dur="));
    both.ok_or_else(|| Error::unsupported("it sends no Server-Timing header"))
}
