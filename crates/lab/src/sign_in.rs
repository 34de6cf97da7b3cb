//! Signing in as a browser or a program does, over HTTP alone.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::agent::{Agent, Answer, Call};
use crate::error::{Error, Result};
use crate::instance::{Instance, at};
use crate::token::random;

/// The password of every account that an experiment makes.
pub const PASSWORD: &str = "a lantern under the stairs";

/// Somebody at the local provider, and the scope that they untick at its consent page.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    pub key: &'a str,
    pub password: Option<&'a str>,
    pub declined_scope: &'a str,
}

impl<'a> From<&'a str> for Person<'a> {
    fn from(key: &'a str) -> Self {
        Self { key, password: None, declined_scope: "" }
    }
}

/// The one person there who has a password.
pub const MARGARET: Person<'static> =
    Person { key: "margaret", password: Some("eleven steps to the moon"), declined_scope: "" };

/// The header that says how far away the database is to be.
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

    /// The name of its cookie: over https with a prefix that binds it to the host
    /// (RFC 6265bis §4.1.3.2), else with the port, which cookies ignore.
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

/// What a combination is called: `OAuth + session`.
pub fn combination(method: SignInMethod, credential: Credential) -> String {
    format!("{} + {}", method.name(), credential.name())
}

pub fn combinations() -> impl Iterator<Item = (SignInMethod, Credential)> {
    SignInMethod::ALL.into_iter().flat_map(|method| Credential::ALL.map(|one| (method, one)))
}

/// Tokens of a program (RFC 6749 §5.1).
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
}

/// Name and value of the cookie that holds a credential.
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

/// Makes an account with [`PASSWORD`], and yields its address.
pub async fn sign_up(agent: &Agent, base: &Url) -> Result<String> {
    let email = format!("lab-{}@example.test", random()?);
    let fields = [("name", "Lab Rat"), ("email", &email), ("password", PASSWORD)];
    let answer = agent.fresh().send(Call::form(at(base, "/sign-up")?, &fields)).await?;
    expect_status(answer, StatusCode::SEE_OTHER)?;
    Ok(email)
}

/// Signs in with [`PASSWORD`]; every exchange of it.
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

/// Signs in through the local provider, as one of its people; every exchange that the
/// browser sees.
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

/// Goes to the local provider and consents; what is left is the call that brings the code
/// back.
pub async fn until_consent(
    agent: &mut Agent,
    instance: &dyn Instance,
    person: impl Into<Person<'_>>,
    credential: Credential,
) -> Result<(Vec<Answer>, Call)> {
    let person = person.into();
    let Some(provider) = instance.provider() else {
        let why = "only a person can sign in at its provider";
        return Err(Error::Unsupported(why.to_owned()));
    };
    let page = agent.send(Call::get(at(instance.url(), "/sign-in")?)).await?;
    let start =
        Call::form(at(instance.url(), "/auth/google")?, &[("strategy", credential.strategy())]);
    let start = expect_status(agent.send(start).await?, StatusCode::SEE_OTHER)?;
    let authorize = redirect_target(&start)?;
    if authorize.origin() != provider.origin() {
        return Err(Error::Unsupported("Google is not played by the local provider".to_owned()));
    }
    let asked = agent.send(Call::get(authorize.clone())).await?;
    let decided = agent.send(consent(&authorize, person)).await?;
    let decided = expect_status(decided, StatusCode::SEE_OTHER)?;
    // What a browser says of a redirect that another site has begun.
    let callback =
        Call::new(Method::GET, redirect_target(&decided)?).with("sec-fetch-site", "cross-site");
    let (page, asked) =
        (expect_status(page, StatusCode::OK)?, expect_status(asked, StatusCode::OK)?);
    Ok((vec![page, start, asked, decided], callback))
}

/// The recorded sign-in that these exchanges completed, as an HTTP Archive; none when the
/// instance records nothing.
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
    let nowhere = || Error::unexpected(answer.url.path(), "a redirect that leads nowhere");
    answer.location().ok_or_else(nowhere)
}

/// The form of the local provider's consent page.
pub(crate) fn consent<'a>(authorize: &Url, person: impl Into<Person<'a>>) -> Call {
    let Person { key, password, declined_scope } = person.into();
    let mut fields = vec![("person", key)];
    fields.extend(password.map(|password| ("password", password)));
    consent_form(authorize, &fields, declined_scope)
}

/// The same, with these fields about the person.
pub(crate) fn consent_form(authorize: &Url, person: &[(&str, &str)], declined_scope: &str) -> Call {
    let query: Vec<_> = authorize.query_pairs().collect();
    let mut fields = vec![("decision", "allow")];
    fields.extend(person);
    for (name, value) in &query {
        if name == "scope" {
            let ticked = value.split(' ').filter(|scope| *scope != declined_scope);
            fields.extend(ticked.map(|scope| ("scope", scope)));
            fields.push(("requested_scope", value));
        } else {
            fields.push((name, value));
        }
    }
    let mut decide = authorize.clone();
    decide.set_query(None);
    decide.set_path(&format!("{}/decide", authorize.path()));
    Call::form(decide, &fields)
}

/// Tokens for a program, for an account with [`PASSWORD`].
pub async fn tokens(agent: &Agent, base: &Url, email: &str) -> Result<Tokens> {
    parse_tokens(&request_tokens(agent, base, email).await?)
}

pub(crate) async fn request_tokens(agent: &Agent, base: &Url, email: &str) -> Result<Answer> {
    let body = json!({ "email": email, "password": PASSWORD });
    let call = Call::json(Method::POST, at(base, "/api/v1/token")?, &body.to_string());
    expect_status(agent.fresh().send(call).await?, StatusCode::OK)
}

pub(crate) fn parse_tokens(answer: &Answer) -> Result<Tokens> {
    let broken = |error: serde_json::Error| Error::unexpected("the token", error.to_string());
    serde_json::from_slice(&answer.body).map_err(broken)
}

pub fn me(base: &Url) -> Result<Call> {
    Ok(Call::new(Method::GET, at(base, "/api/v1/me")?))
}

/// What `Server-Timing` says, which an instance sends in development: how many queries
/// the answer cost, and how long the app took over it, in milliseconds.
pub fn server_timing(answer: &Answer) -> Result<(f64, f64)> {
    let missing =
        || Error::Unsupported("it sends no Server-Timing, as outside development".to_owned());
    let header = answer.header("server-timing").ok_or_else(missing)?;
    let between = |from: &str, to: &[char]| -> Option<f64> {
        let (_, rest) = header.split_once(from)?;
        rest.split(to).next()?.parse().ok()
    };
    let queries = between("desc=\"", &[' ']).ok_or_else(missing)?;
    let millis = between("total;dur=", &[',', ';', ' ']).ok_or_else(missing)?;
    Ok((queries, millis))
}
