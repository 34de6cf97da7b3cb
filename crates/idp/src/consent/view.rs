//! The consent page as data for its template.

use std::sync::Arc;

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::REFERRER_POLICY},
    response::{IntoResponse, Response},
};

use super::decision::REQUESTED_SCOPE;
use crate::{
    Provider,
    app::App,
    misbehave::Misbehaviour,
    pages::Page,
    people::{Invalid, Person},
    protocol::{
        authorize::{AuthorizationRequest, PARAMETERS},
        params::Params,
        scopes::Scope,
    },
};

/// The parameter with which a newly created person comes back picked.
pub(super) const SELECTED_PERSON: &str = "selected_person";

#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage {
    provider: Provider,
    client: String,
    /// What the app wants, after its name: "asks who you are".
    asks: String,
    /// The redirect URI, parted where a line may best be broken.
    returns_to: (String, String),
    /// The authorization request, as hidden fields of both forms.
    carried: Vec<(String, String)>,
    people: Vec<PersonCard>,
    scopes: Vec<Arc<Scope>>,
    misbehaviours: Vec<Misbehaviour>,
    creation: Creation,
}

struct PersonCard {
    key: String,
    name: String,
    email: Option<String>,
    verified: bool,
    branch: String,
    avatar: String,
    selected: bool,
}

/// The form "create another person", as it was last filled in.
pub(super) struct Creation {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) verified: bool,
    complaint: Option<Invalid>,
}

impl Default for Creation {
    fn default() -> Self {
        Self { name: String::new(), email: String::new(), verified: true, complaint: None }
    }
}

impl Creation {
    pub(super) fn read(form: &Params) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            email: text("email"),
            verified: form.has("verified"),
            complaint: None,
        }
    }

    pub(super) fn with_complaint(self, invalid: Invalid) -> Self {
        Self { complaint: Some(invalid), ..self }
    }

    fn is_open(&self) -> bool {
        self.complaint.is_some()
    }

    fn name_complaint(&self) -> Option<&'static str> {
        self.complaint_about(Invalid::Name)
    }

    fn email_complaint(&self) -> Option<&'static str> {
        self.complaint_about(Invalid::Email)
    }

    fn complaint_about(&self, field: Invalid) -> Option<&'static str> {
        self.complaint.filter(|invalid| *invalid == field).map(Invalid::sentence)
    }
}

impl ConsentPage {
    pub(super) fn new(
        app: &App,
        provider: Provider,
        request: &AuthorizationRequest,
        params: &Params,
        creation: Creation,
    ) -> Self {
        let people = app.people.all();
        let hinted = request.login_hint.as_deref().and_then(|hint| app.people.hinted(hint));
        let selected = params
            .get(SELECTED_PERSON)
            .and_then(|key| app.people.find(key))
            .or(hinted)
            .or(people.first().cloned())
            .map(|person| person.key.clone())
            .unwrap_or_default();
        Self {
            provider,
            client: request.client.name.clone(),
            asks: asks(app, provider, request),
            returns_to: parted(&request.reply_to.redirect_uri),
            carried: carried_fields(params),
            people: people.iter().map(|person| card(person, provider, &selected)).collect(),
            scopes: request.scopes.iter().cloned().collect(),
            misbehaviours: Misbehaviour::of(provider).collect(),
            creation,
        }
    }

    fn client_initial(&self) -> char {
        self.client.chars().next().unwrap_or('?')
    }

    pub(super) fn into_response(self, status: StatusCode) -> Response {
        let mut response = Page(status, self).into_response();
        // Under `no-referrer` a browser sends `Origin: null` with the form, and one that knows no
        // Sec-Fetch-Site could then not be told from another site.
        response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }
}

/// An app that wants no more than an API does not ask who somebody is.
fn asks(app: &App, provider: Provider, request: &AuthorizationRequest) -> String {
    let identity = ["openid", "email", "profile"];
    match app.apis().named(&request.audience) {
        Some(_) if request.scopes.contains("openid") => "asks who you are".to_owned(),
        Some(api) => format!("asks to be let in to {}", api.name),
        None if provider != Provider::Google => "asks who you are".to_owned(),
        None if identity.iter().any(|name| request.scopes.contains(name)) => {
            "asks who you are".to_owned()
        }
        None => format!("asks to be let in to your {provider} account"),
    }
}

fn card(person: &Person, provider: Provider, selected: &str) -> PersonCard {
    let email = person.email_at(provider);
    PersonCard {
        key: person.key.clone(),
        name: person.name.clone(),
        email: email.map(|email| email.address.clone()),
        verified: email.is_some_and(|email| email.verified),
        branch: person.branch.clone(),
        avatar: person.avatar_path(),
        selected: person.key == selected,
    }
}

fn parted(uri: &str) -> (String, String) {
    let authority = uri.find("://").map_or(0, |colon| colon + 3);
    let path = uri
        .get(authority..)
        .and_then(|rest| rest.find(['/', '?']))
        .map_or(uri.len(), |slash| authority + slash);
    let (origin, rest) = uri.split_at(path);
    (origin.to_owned(), rest.to_owned())
}

fn carried_fields(params: &Params) -> Vec<(String, String)> {
    params
        .iter()
        .filter(|(name, _)| PARAMETERS.contains(name))
        .map(|(name, value)| match name {
            "scope" => (REQUESTED_SCOPE.to_owned(), value.to_owned()),
            name => (name.to_owned(), value.to_owned()),
        })
        .collect()
}
