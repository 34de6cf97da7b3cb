//! The consent page: you pick a person and decide what the app may access.

#![expect(clippy::result_large_err, reason = "these errors are HTTP responses")]

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
use crate::people::{CreateError, InvalidField, NewPerson, Person, is_ephemeral};
use crate::protocol::authorize::{AuthorizationRequest, AuthorizeError, PARAMETERS, validate};
use crate::protocol::grants::{Authorization, CODE_LIFETIME, Code, consent_key};
use crate::protocol::params::{Call, Params};
use crate::provider::Provider;

/// The form field with the original `scope`; `scope` itself has the selected ones.
const REQUESTED_SCOPE: &str = "requested_scope";
/// The query parameter that selects a newly created person.
const SELECTED_PERSON: &str = "selected_person";

/// The authorization endpoint of a provider and the two forms on its page.
pub fn routes(provider: Provider) -> Router<Shared> {
    let authorize = provider.authorize_path();
    let page = move |call: Call| async move { page(provider, &call) };
    let endpoint = match provider {
        // OIDC Core §3.1.2.1 requires both methods.
        Provider::Google => get(page).post(page),
        Provider::Github | Provider::Facebook => get(page),
    };
    let decide = move |call: Call| async move { decide(provider, &call) };
    let create = move |call: Call| async move { create_person(provider, &call).await };
    Router::new()
        .route(authorize, endpoint)
        .route(&format!("{authorize}/decide"), post(decide))
        .route(&format!("{authorize}/people"), post(create))
}

type PageResult = Result<Response, Response>;

fn params(call: &Call) -> Result<&Params, Response> {
    call.params.as_ref().map_err(|error| error.into_response())
}

/// The form, if it was not sent by a page of another site.
fn same_origin_form(call: &Call) -> Result<&Params, Response> {
    match guard::is_same_origin(&call.headers, &call.app.origin) {
        true => params(call),
        false => Err(Problem::from(StatusCode::FORBIDDEN).into_response()),
    }
}

fn validated(
    app: &App,
    provider: Provider,
    params: &Params,
) -> Result<AuthorizationRequest, Response> {
    validate(app, provider, params).map_err(|error| match error {
        AuthorizeError::Page(why) => {
            tracing::info!(%provider, why, "authorization request refused");
            let detail = format!(
                "The app sent an invalid request to the local {provider}. {why} You were not \
                 redirected."
            );
            Problem::new(StatusCode::BAD_REQUEST, detail).into_response()
        }
        AuthorizeError::Redirect { reply_to, error, description } => {
            tracing::info!(%provider, why = description, "authorization request refused");
            see_other(&reply_to.with_error(error, description))
        }
    })
}

fn page(provider: Provider, call: &Call) -> PageResult {
    let (app, params) = (&call.app, params(call)?);
    let request = validated(app, provider, params)?;
    let new_person = NewPersonForm { verified: true, ..NewPersonForm::read(&Params::default()) };
    let page = ConsentPage::new(app, provider, &request, params, new_person);
    Ok(page.into_response(StatusCode::OK))
}

/// Handles the decision, from the page or from a program that posts the same fields.
fn decide(provider: Provider, call: &Call) -> PageResult {
    let (app, form) = (&call.app, same_origin_form(call)?);
    // The server keeps no state between page and form, so the request is validated again.
    let request = validated(app, provider, &original_request(form))?;
    let bad_request = |why| Problem::new(StatusCode::BAD_REQUEST, why).into_response();
    let (person, misbehaviour) = decision(provider, form).map_err(bad_request)?;
    let Some(person) = person else {
        tracing::info!(%provider, client = request.client.id, "declined");
        return Ok(see_other(&request.reply_to.with_denial(provider)));
    };
    let person = find_person(app, person, form);
    let person = person.ok_or_else(|| bad_request("There is no such person."))?;
    if person.password.is_some() && person.password.as_deref() != form.get("password") {
        return Err(bad_request("The password is wrong."));
    }
    Ok(allow(app, request, person, &selected_scope(form), misbehaviour))
}

/// The key of the person who allows the request, `None` if they decline, and the fault.
fn decision(
    provider: Provider,
    form: &Params,
) -> Result<(Option<&str>, Misbehaviour), &'static str> {
    if ["decision", "person", "misbehave"].iter().any(|name| form.all(name).nth(1).is_some()) {
        return Err("decision, person and misbehave must not be repeated.");
    }
    let person = match (form.get("decision"), form.get("person")) {
        (Some("decline"), _) => None,
        (Some("allow"), Some(person)) => Some(person),
        (Some("allow"), None) => return Err("Pick a person."),
        _ => return Err("decision must be allow or decline."),
    };
    let misbehaviour = Misbehaviour::parse(provider, form.get("misbehave"));
    Ok((person, misbehaviour.ok_or("This provider does not support this fault.")?))
}

/// A person in the list, or an ephemeral one with the name and address in the form.
fn find_person(app: &App, key: &str, form: &Params) -> Option<Arc<Person>> {
    if !is_ephemeral(key) {
        return app.people.find(key);
    }
    let new = NewPersonForm::read(form).validate().ok()?;
    Some(Arc::new(Person::ephemeral(key, new)))
}

/// Issues a code and redirects the browser to the app with it, RFC 6749 §4.1.2.
fn allow(
    app: &App,
    request: AuthorizationRequest,
    person: Arc<Person>,
    selected_scope: &str,
    misbehaviour: Misbehaviour,
) -> Response {
    let Ok(code) = random_token() else {
        return Problem::from(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    let AuthorizationRequest { client, mut reply_to, scopes: requested, audience, .. } = request;
    let mut granted = requested.granted(client.provider, selected_scope);
    if request.incremental {
        let key = consent_key(&client, &person, &audience);
        granted = granted.with(&app.grants().granted_earlier(&key, &requested));
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
        requested,
        expires_at: now.plus(CODE_LIFETIME),
        used: false,
    };
    app.grants().issue_code(now, &code, issued);
    if misbehaviour == Misbehaviour::WrongResponseIss {
        reply_to.iss = Some("https://issuer.example.test".into());
    }
    see_other(&reply_to.with_code(&code))
}

/// Creates a person and redirects to the same request, with that person selected.
async fn create_person(provider: Provider, call: &Call) -> PageResult {
    let (app, form) = (&call.app, same_origin_form(call)?);
    let params = original_request(form);
    let request = validated(app, provider, &params)?;
    let mut new_person = NewPersonForm::read(form);
    let new = match new_person.validate() {
        Ok(new) => new,
        Err(invalid) => {
            new_person.invalid = Some(invalid);
            let page = ConsentPage::new(app, provider, &request, &params, new_person);
            return Err(page.into_response(StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let app = Arc::clone(app);
    match tokio::task::spawn_blocking(move || app.people.create(new)).await {
        Ok(Ok(person)) => Ok(see_other(&url_with_person(provider, &params, &person))),
        Ok(Err(CreateError::Full)) => Err(Problem::from(StatusCode::CONFLICT).into_response()),
        Ok(Err(CreateError::Failed(error))) => {
            tracing::error!(error, "a person could not be created");
            Err(Problem::from(StatusCode::INTERNAL_SERVER_ERROR).into_response())
        }
        Err(_) => Err(Problem::from(StatusCode::INTERNAL_SERVER_ERROR).into_response()),
    }
}

fn url_with_person(provider: Provider, params: &Params, person: &Person) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params.iter())
        .append_pair(SELECTED_PERSON, &person.key)
        .finish();
    format!("{}?{query}#person-{}", provider.authorize_path(), person.key)
}

/// 303, so that the browser does not post the form to the app (RFC 9700 §4.12).
fn see_other(location: &str) -> Response {
    Redirect::to(location).into_response()
}

fn selected_scope(form: &Params) -> String {
    form.all("scope").collect::<Vec<_>>().join(" ")
}

/// The authorization request in the form. `requested_scope` defaults to the selected scopes.
fn original_request(form: &Params) -> Params {
    let selected = selected_scope(form);
    let requested: Vec<&str> = match form.has(REQUESTED_SCOPE) {
        true => form.all(REQUESTED_SCOPE).collect(),
        false => [selected.as_str()].into_iter().filter(|s| !s.is_empty()).collect(),
    };
    form.iter()
        .filter(|(name, _)| *name != "scope" && PARAMETERS.contains(name))
        .chain(requested.into_iter().map(|scope| ("scope", scope)))
        .collect()
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    provider: Provider,
    /// What the app wants, after its name: "wants to know who you are".
    wants: String,
    returns_to: (&'a str, &'a str),
    hidden_fields: Vec<(&'a str, &'a str)>,
    people: Vec<Arc<Person>>,
    selected: String,
    request: &'a AuthorizationRequest,
    new_person: NewPersonForm,
}

/// The form "create another person", as last submitted.
struct NewPersonForm {
    name: String,
    email: String,
    verified: bool,
    invalid: Option<InvalidField>,
}

impl NewPersonForm {
    fn read(form: &Params) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        let (name, email, verified) = (text("name"), text("email"), form.has("verified"));
        Self { name, email, verified, invalid: None }
    }

    fn validate(&self) -> Result<NewPerson, InvalidField> {
        NewPerson::parse(&self.name, &self.email, self.verified)
    }
}

impl<'a> ConsentPage<'a> {
    fn new(
        app: &App,
        provider: Provider,
        request: &'a AuthorizationRequest,
        params: &'a Params,
        new_person: NewPersonForm,
    ) -> Self {
        let people = app.people.all();
        let hint = request.login_hint.as_deref();
        let selected = params
            .get(SELECTED_PERSON)
            .and_then(|key| app.people.find(key))
            .or_else(|| hint.and_then(|hint| app.people.find_by_hint(hint)))
            .or(people.first().cloned());
        let hidden_fields = params.iter().filter(|(name, _)| PARAMETERS.contains(name));
        Self {
            provider,
            wants: wants(app, provider, request),
            returns_to: split_after_origin(&request.reply_to.redirect_uri),
            hidden_fields: hidden_fields
                .map(|(name, value)| (if name == "scope" { REQUESTED_SCOPE } else { name }, value))
                .collect(),
            people,
            selected: selected.map(|person| person.key.clone()).unwrap_or_default(),
            request,
            new_person,
        }
    }

    fn client(&self) -> &str {
        &self.request.client.name
    }

    fn client_initial(&self) -> char {
        self.client().chars().next().unwrap_or('?')
    }

    fn into_response(self, status: StatusCode) -> Response {
        // With `no-referrer`, browsers send `Origin: null` with the form, and the same-origin check
        // would reject old browsers without Sec-Fetch-Site.
        ([(REFERRER_POLICY, "same-origin")], Page(status, self)).into_response()
    }
}

/// What the app wants, after its name.
fn wants(app: &App, provider: Provider, request: &AuthorizationRequest) -> String {
    let identity = ["openid", "email", "profile"];
    match app.apis.find(&request.audience) {
        Some(api) if !request.scopes.contains("openid") => {
            format!("wants access to {}", api.name)
        }
        None if provider == Provider::Google
            && !identity.iter().any(|name| request.scopes.contains(name)) =>
        {
            format!("wants access to your {provider} account")
        }
        _ => "wants to know who you are".to_owned(),
    }
}

fn split_after_origin(uri: &str) -> (&str, &str) {
    let authority = uri.find("://").map_or(0, |colon| colon + 3);
    let path = uri[authority..].find(['/', '?']).map_or(uri.len(), |slash| authority + slash);
    uri.split_at(path)
}
