//! The consent page: where a person says who they are and what the app may know.

#![expect(clippy::result_large_err, reason = "a response on its way out: a box would only move it")]

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::REFERRER_POLICY;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use url::form_urlencoded;

use crate::app::{App, Shared};
use crate::guard;
use crate::kit::random_token;
use crate::misbehave::Misbehaviour;
use crate::pages::{Page, Problem};
use crate::people::{CreateError, Invalid, NewPerson, Person, is_ephemeral};
use crate::protocol::authorize::{AuthorizationRequest, PARAMETERS, Refusal, judge};
use crate::protocol::grants::{Authorization, CODE_LIFETIME, Code, consent_key};
use crate::protocol::params::{Call, Params};
use crate::provider::Provider;

/// The form field with the original `scope`, since `scope` itself means what was ticked.
const REQUESTED_SCOPE: &str = "requested_scope";
/// The parameter with which a newly created person comes back selected.
const SELECTED_PERSON: &str = "selected_person";

/// The authorization endpoint of one provider, and the two forms on its page.
pub fn routes(provider: Provider) -> Router<Shared> {
    let authorize = provider.authorize_path();
    let show = move |call: Call| async move { show(provider, &call) };
    let endpoint = match provider {
        // OIDC Core §3.1.2.1 wants both methods.
        Provider::Google => get(show).post(show),
        Provider::Github | Provider::Facebook => get(show),
    };
    let decide = move |call: Call| async move { decide(provider, &call) };
    let create = move |call: Call| async move { create_person(provider, &call).await };
    Router::new()
        .route(authorize, endpoint)
        .route(&format!("{authorize}/decide"), post(decide))
        .route(&format!("{authorize}/people"), post(create))
}

type Answer = Result<Response, Response>;

fn params(call: &Call) -> Result<&Params, Response> {
    call.params.as_ref().map_err(|error| error.into_response())
}

/// The form, unless a page of another site has posted it.
fn posted(call: &Call) -> Result<&Params, Response> {
    match guard::is_same_origin(&call.headers, &call.app.origin) {
        true => params(call),
        false => Err(Problem::from(StatusCode::FORBIDDEN).into_response()),
    }
}

fn understand(
    app: &App,
    provider: Provider,
    params: &Params,
) -> Result<AuthorizationRequest, Response> {
    judge(app, provider, params).map_err(|refusal| match refusal {
        Refusal::Page(why) => {
            tracing::info!(%provider, why, "authorization request refused");
            let sentence = format!(
                "The app’s request to the local {provider} is not allowed. {why} You were not \
                 redirected."
            );
            Problem::new(StatusCode::BAD_REQUEST, sentence).into_response()
        }
        Refusal::Redirect { reply_to, error, description } => {
            tracing::info!(%provider, why = description, "authorization request refused");
            see_other(&reply_to.with_error(error, description))
        }
    })
}

fn show(provider: Provider, call: &Call) -> Answer {
    let (app, params) = (&call.app, params(call)?);
    let request = understand(app, provider, params)?;
    let creation = Creation { verified: true, ..Creation::read(&Params::default()) };
    let page = ConsentPage::new(app, provider, &request, params, creation);
    Ok(page.into_response(StatusCode::OK))
}

/// Takes the decision, from the page or from a program that fills in the same fields.
fn decide(provider: Provider, call: &Call) -> Answer {
    let (app, form) = (&call.app, posted(call)?);
    // Nothing is remembered between page and form: the request is judged again, from scratch.
    let request = understand(app, provider, &carried_request(form))?;
    let bad_request = |why| Problem::new(StatusCode::BAD_REQUEST, why).into_response();
    let (person, misbehaviour) = decision(provider, form).map_err(bad_request)?;
    let Some(person) = person else {
        tracing::info!(%provider, client = request.client.id, "declined");
        return Ok(see_other(&request.reply_to.with_denial(provider)));
    };
    let person = person_with_key(app, person, form);
    let person = person.ok_or_else(|| bad_request("No person has this key."))?;
    if person.password.is_some() && person.password.as_deref() != form.get("password") {
        return Err(bad_request("That is not this person’s password."));
    }
    Ok(allow(app, request, person, &ticked(form), misbehaviour))
}

/// Whom the form names who allows it, or nobody who does; not verified yet.
fn decision(
    provider: Provider,
    form: &Params,
) -> Result<(Option<&str>, Misbehaviour), &'static str> {
    if ["decision", "person", "misbehave"].iter().any(|name| form.all(name).nth(1).is_some()) {
        return Err("decision, person and misbehave may each come once.");
    }
    let person = match (form.get("decision"), form.get("person")) {
        (Some("decline"), _) => None,
        (Some("allow"), Some(person)) => Some(person),
        (Some("allow"), None) => return Err("Pick a person."),
        _ => return Err("decision must be allow or decline."),
    };
    let misbehaviour = Misbehaviour::parse(provider, form.get("misbehave"));
    Ok((person, misbehaviour.ok_or("This provider cannot misbehave like that.")?))
}

/// Somebody in the list, or an ephemeral person whom a program makes up with the fields of the form
/// below the list.
fn person_with_key(app: &App, key: &str, form: &Params) -> Option<Arc<Person>> {
    if !is_ephemeral(key) {
        return app.people.find(key);
    }
    let new = Creation::read(form).checked().ok()?;
    Some(Arc::new(Person::ephemeral(key, new)))
}

/// Issues a code and sends the browser back with it, RFC 6749 §4.1.2.
fn allow(
    app: &App,
    request: AuthorizationRequest,
    person: Arc<Person>,
    ticked: &str,
    misbehaviour: Misbehaviour,
) -> Response {
    let Ok(code) = random_token() else {
        return Problem::from(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    let AuthorizationRequest { client, mut reply_to, scopes: asked, audience, .. } = request;
    let mut granted = asked.granted(client.provider, ticked);
    if request.incremental {
        let key = consent_key(&client, &person, &audience);
        granted = granted.with(&app.grants().granted_earlier(&key, &asked));
    }
    tracing::info!(
        provider = %client.provider,
        client = client.id,
        person = person.key,
        scope = %granted,
        misbehaviour = misbehaviour.key(),
        "allowed",
    );
    let now = app.now();
    let authorization = Authorization {
        client,
        person,
        audience,
        scopes: granted,
        nonce: request.nonce,
        auth_time: now,
        offline: request.offline,
        misbehaviour,
    };
    let issued = Code {
        authorization: Arc::new(authorization),
        redirect_uri: reply_to.redirect_uri.clone(),
        challenge: request.challenge,
        asked,
        expires_at: now.plus(CODE_LIFETIME),
        spent: false,
    };
    app.grants().issue_code(now, &code, issued);
    if misbehaviour == Misbehaviour::WrongResponseIss {
        reply_to.iss = Some("https://issuer.example.test".into());
    }
    see_other(&reply_to.with_code(&code))
}

/// Creates a person and comes back to the same request, with that person selected.
async fn create_person(provider: Provider, call: &Call) -> Answer {
    let (app, form) = (&call.app, posted(call)?);
    let params = carried_request(form);
    let request = understand(app, provider, &params)?;
    let mut creation = Creation::read(form);
    let new = match creation.checked() {
        Ok(new) => new,
        Err(invalid) => {
            creation.complaint = Some(invalid);
            let page = ConsentPage::new(app, provider, &request, &params, creation);
            return Err(page.into_response(StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let people = Arc::clone(app);
    match tokio::task::spawn_blocking(move || people.people.create(new)).await {
        Ok(Ok(person)) => Ok(see_other(&back_to(provider, &params, &person))),
        Ok(Err(CreateError::Full)) => Err(Problem::from(StatusCode::CONFLICT).into_response()),
        Ok(Err(CreateError::Failed(error))) => {
            tracing::error!(error, "a person could not be created");
            Err(Problem::from(StatusCode::INTERNAL_SERVER_ERROR).into_response())
        }
        Err(_) => Err(Problem::from(StatusCode::INTERNAL_SERVER_ERROR).into_response()),
    }
}

fn back_to(provider: Provider, params: &Params, person: &Person) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params.iter())
        .append_pair(SELECTED_PERSON, &person.key)
        .finish();
    format!("{}?{query}#person-{}", provider.authorize_path(), person.key)
}

/// RFC 9700 §4.12: 303, so that no browser posts the form again, to the app.
fn see_other(location: &str) -> Response {
    Redirect::to(location).into_response()
}

fn ticked(form: &Params) -> String {
    form.all("scope").collect::<Vec<_>>().join(" ")
}

/// The authorization request in the form.
///
/// A program may leave out `requested_scope`: what it ticks is then what was asked for.
fn carried_request(form: &Params) -> Params {
    let ticked = ticked(form);
    let asked: Vec<&str> = match form.has(REQUESTED_SCOPE) {
        true => form.all(REQUESTED_SCOPE).collect(),
        false => [ticked.as_str()].into_iter().filter(|s| !s.is_empty()).collect(),
    };
    form.iter()
        .filter(|(name, _)| *name != "scope" && PARAMETERS.contains(name))
        .chain(asked.into_iter().map(|scope| ("scope", scope)))
        .collect()
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    provider: Provider,
    /// What the app wants, after its name: "asks who you are".
    asks: String,
    returns_to: (&'a str, &'a str),
    carried: Vec<(&'a str, &'a str)>,
    people: Vec<Arc<Person>>,
    selected: String,
    request: &'a AuthorizationRequest,
    creation: Creation,
}

/// The form "create another person", as it was last filled in.
struct Creation {
    name: String,
    email: String,
    verified: bool,
    complaint: Option<Invalid>,
}

impl Creation {
    fn read(form: &Params) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        let (name, email, verified) = (text("name"), text("email"), form.has("verified"));
        Self { name, email, verified, complaint: None }
    }

    fn checked(&self) -> Result<NewPerson, Invalid> {
        NewPerson::parse(&self.name, &self.email, self.verified)
    }
}

impl<'a> ConsentPage<'a> {
    fn new(
        app: &App,
        provider: Provider,
        request: &'a AuthorizationRequest,
        params: &'a Params,
        creation: Creation,
    ) -> Self {
        let people = app.people.all();
        let hinted = request.login_hint.as_deref().and_then(|hint| app.people.hinted(hint));
        let selected = params
            .get(SELECTED_PERSON)
            .and_then(|key| app.people.find(key))
            .or(hinted)
            .or(people.first().cloned());
        let carried = params.iter().filter(|(name, _)| PARAMETERS.contains(name));
        Self {
            provider,
            asks: asks(app, provider, request),
            returns_to: split_after_origin(&request.reply_to.redirect_uri),
            carried: carried
                .map(|(name, value)| (if name == "scope" { REQUESTED_SCOPE } else { name }, value))
                .collect(),
            people,
            selected: selected.map(|person| person.key.clone()).unwrap_or_default(),
            request,
            creation,
        }
    }

    fn client(&self) -> &str {
        &self.request.client.name
    }

    fn client_initial(&self) -> char {
        self.client().chars().next().unwrap_or('?')
    }

    fn into_response(self, status: StatusCode) -> Response {
        // Under `no-referrer` a browser sends `Origin: null` with the form, and one that knows no
        // Sec-Fetch-Site could then not be told from another site.
        ([(REFERRER_POLICY, "same-origin")], Page(status, self)).into_response()
    }
}

/// An app that only wants an API does not ask who somebody is.
fn asks(app: &App, provider: Provider, request: &AuthorizationRequest) -> String {
    let identity = ["openid", "email", "profile"];
    match app.apis.named(&request.audience) {
        Some(api) if !request.scopes.contains("openid") => {
            format!("asks for access to {}", api.name)
        }
        None if provider == Provider::Google
            && !identity.iter().any(|name| request.scopes.contains(name)) =>
        {
            format!("asks for access to your {provider} account")
        }
        _ => "asks who you are".to_owned(),
    }
}

fn split_after_origin(uri: &str) -> (&str, &str) {
    let authority = uri.find("://").map_or(0, |colon| colon + 3);
    let path = uri[authority..].find(['/', '?']).map_or(uri.len(), |slash| authority + slash);
    uri.split_at(path)
}
