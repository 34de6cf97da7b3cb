//! The consent page: where a person says who they are and what the app may know.

mod decision;
mod view;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use url::form_urlencoded;

use self::{
    decision::{Decision, Verdict},
    view::{ConsentPage, Creation},
};
use crate::{
    Provider,
    app::{App, Shared},
    guard,
    misbehave::Misbehaviour,
    pages::Problem,
    people::{CreateError, NewPerson, Person, is_passing, passing},
    protocol::{
        authorize::{AuthorizationRequest, Refusal, Rules, judge},
        grants::{Authorization, Binding, ConsentKey},
        params::Params,
        reply::{ErrorCode, ReplyTo},
    },
    random,
};

/// The authorization endpoint of one provider, and the two forms on its page.
pub(crate) fn routes(provider: Provider) -> Router<Shared> {
    let authorize = provider.authorize_path();
    Router::new()
        .route(authorize, authorization_endpoint(provider))
        .route(
            &format!("{authorize}/decide"),
            post(move |State(app): State<Shared>, headers: HeaderMap, form: Params| async move {
                decide(&app, provider, &headers, &form)
            }),
        )
        .route(
            &format!("{authorize}/people"),
            post(move |State(app): State<Shared>, headers: HeaderMap, form: Params| async move {
                create_person(&app, provider, &headers, &form).await
            }),
        )
}

fn authorization_endpoint(provider: Provider) -> MethodRouter<Shared> {
    let ask = move |State(app): State<Shared>, params: Params| async move {
        ask(&app, provider, &params)
    };
    match provider {
        // OIDC Core §3.1.2.1 wants both methods.
        Provider::Google => get(ask).post(ask),
        Provider::Github | Provider::Facebook => get(ask),
    }
}

fn understand(
    app: &App,
    provider: Provider,
    params: &Params,
) -> Result<AuthorizationRequest, Refusal> {
    let rules = Rules {
        provider,
        issuer: app.response_iss(provider),
        clients: app.clients(),
        catalogue: app.catalogue(),
    };
    judge(&rules, params).inspect_err(|refusal| match refusal {
        Refusal::Page(why) => tracing::info!(%provider, why, "authorization request refused"),
        Refusal::Redirect { description, .. } => {
            tracing::info!(%provider, why = description, "authorization request refused");
        }
    })
}

fn ask(app: &App, provider: Provider, params: &Params) -> Response {
    match understand(app, provider, params) {
        Ok(request) => {
            let page = ConsentPage::new(app, provider, &request, params, Creation::default());
            page.into_response(StatusCode::OK)
        }
        Err(refusal) => refuse(provider, refusal),
    }
}

/// Takes the decision, from the page or from a program that fills in the same fields.
fn decide(app: &App, provider: Provider, headers: &HeaderMap, form: &Params) -> Response {
    if !guard::is_same_origin(headers, app.origin()) {
        return Problem::cross_site().into_response();
    }
    // Nothing is remembered between page and form: the request is judged again, from scratch.
    let request = match understand(app, provider, &decision::carried_request(form)) {
        Ok(request) => request,
        Err(refusal) => return refuse(provider, refusal),
    };
    let decision = match Decision::read(provider, form) {
        Ok(decision) => decision,
        Err(why) => return Problem::bad_request(why).into_response(),
    };
    match decision.verdict {
        Verdict::Decline => {
            tracing::info!(%provider, client = request.client.id, "declined");
            see_other(&declined(provider, &request.reply_to))
        }
        Verdict::Allow { person } => match who(app, &person, form) {
            Some(person) => allow(app, request, person, &decision.ticked, decision.misbehaviour),
            None => Problem::bad_request("There is nobody with this key.").into_response(),
        },
    }
}

/// Somebody of the list, or who passes by: a program that leaves nobody behind makes one up with
/// the fields of the form below the list.
fn who(app: &App, key: &str, form: &Params) -> Option<Arc<Person>> {
    if !is_passing(key) {
        return app.people.find(key);
    }
    let Creation { name, email, verified, .. } = Creation::read(form);
    let new = NewPerson::parse(&name, &email, verified).ok()?;
    Some(Arc::new(passing(key, new)))
}

/// Issues a code and sends the browser back with it, RFC 6749 §4.1.2.
fn allow(
    app: &App,
    request: AuthorizationRequest,
    person: Arc<Person>,
    ticked: &str,
    misbehaviour: Misbehaviour,
) -> Response {
    let Ok(code) = random::token() else {
        return Problem::internal().into_response();
    };
    let AuthorizationRequest { client, mut reply_to, scopes: asked, audience, .. } = request;
    let mut granted = asked.granted(client.provider, ticked);
    if request.incremental {
        let key = ConsentKey::new(&client, &person, &audience);
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
    let redirect_uri = reply_to.redirect_uri.clone();
    let binding = Binding { redirect_uri, challenge: request.challenge, asked };
    app.grants().issue_code(now, &code, authorization, binding);
    if misbehaviour == Misbehaviour::WrongResponseIss {
        reply_to.iss = Some("https://issuer.example.test".into());
    }
    see_other(&reply_to.with_code(&code))
}

/// Makes up a person and comes back to the same request, with that person picked.
async fn create_person(
    app: &Shared,
    provider: Provider,
    headers: &HeaderMap,
    form: &Params,
) -> Response {
    if !guard::is_same_origin(headers, app.origin()) {
        return Problem::cross_site().into_response();
    }
    let params = decision::carried_request(form);
    let request = match understand(app, provider, &params) {
        Ok(request) => request,
        Err(refusal) => return refuse(provider, refusal),
    };
    let creation = Creation::read(form);
    let new = match NewPerson::parse(&creation.name, &creation.email, creation.verified) {
        Ok(new) => new,
        Err(invalid) => {
            let creation = creation.with_complaint(invalid);
            let page = ConsentPage::new(app, provider, &request, &params, creation);
            return page.into_response(StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let people = Arc::clone(app);
    let created = tokio::task::spawn_blocking(move || people.people.create(new)).await;
    match created {
        Ok(Ok(person)) => see_other(&back_to(provider, &params, &person)),
        Ok(Err(CreateError::Full)) => {
            Problem::conflict("There are a hundred people already; that is as many as fit.")
                .into_response()
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "a person could not be created");
            Problem::internal().into_response()
        }
        Err(_) => Problem::internal().into_response(),
    }
}

fn back_to(provider: Provider, params: &Params, person: &Person) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params.iter())
        .append_pair(view::SELECTED_PERSON, &person.key)
        .finish();
    let path = provider.authorize_path();
    format!("{path}?{query}#person-{}", person.key)
}

fn refuse(provider: Provider, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Page(why) => Problem::bad_request(format!(
            "The app asked the local {provider} for something it may not. {why} Nobody was sent \
             anywhere."
        ))
        .into_response(),
        Refusal::Redirect { reply_to, error, description } => {
            see_other(&reply_to.with_error(error, description))
        }
    }
}

/// Each dialect has its own way of telling that the person said no.
fn declined(provider: Provider, reply_to: &ReplyTo) -> String {
    match provider {
        Provider::Google => reply_to.with_error(ErrorCode::AccessDenied, "The person declined."),
        Provider::Github => reply_to
            .with_error(ErrorCode::AccessDenied, "The user has denied your application access."),
        Provider::Facebook => reply_to.with_facebook_denial(),
    }
}

/// RFC 9700 §4.12: 303, so that no browser posts the form again, to the app.
fn see_other(location: &str) -> Response {
    Redirect::to(location).into_response()
}
