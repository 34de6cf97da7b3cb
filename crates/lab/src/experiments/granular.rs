use serde_json::json;

use super::prelude::*;

experiment! { 9, "granular", within 3 s,
    "Access with OAuth is granular",
    "We send a token with a narrow scope to routes that it may use and to others. Then two people \
     sign in through the provider; one of them declines to share their e-mail address on the \
     consent page."
}

const SCOPE: &str = "profile calendar:read";
const GRANTED: &str = "scope of the narrow token";
const CALENDAR: &str = "narrow token, GET /api/v1/calendar/events";
const CONTACTS: &str = "narrow token, GET /api/v1/contacts";
const CREATE_CONTACT: &str = "narrow token, POST /api/v1/contacts";
const NAMED: &str = "scope named in the refusal";
const SHARED: &str = "e-mail address of a person who shared everything";
const DECLINED: &str = "e-mail address of a person who declined to share it";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    let body = json!({ "email": fixture.email, "password": sign_in::PASSWORD, "scope": SCOPE });
    let call = Call::json(Method::POST, at(fixture.url(), "/api/v1/token")?, &body.to_string());
    let tokens = fixture.agent.fresh().send(call).await?.json();
    evidence.add_fact(GRANTED, tokens["scope"].as_str().unwrap_or("none"));
    let token = tokens["access_token"].as_str().unwrap_or_default();
    let calendar = fixture.get_with_token(token, "/api/v1/calendar/events").await?;
    evidence.add_answer(CALENDAR, &calendar);
    let contacts = fixture.get_with_token(token, "/api/v1/contacts").await?;
    evidence.add_answer(CONTACTS, &contacts);
    let challenge = contacts.header("www-authenticate").unwrap_or_default();
    let named = challenge.split_once("scope=\"").and_then(|(_, rest)| rest.split('"').next());
    evidence.add_fact(NAMED, named.unwrap_or("none"));
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let create = Call::json(Method::POST, url, r#"{"name":"X"}"#).bearer(token);
    evidence.add_answer(CREATE_CONTACT, &fixture.agent.fresh().send(create).await?);

    // Two people, because a second sign-in of the same person would not withdraw the address.
    for (label, id, declined_scope) in [(SHARED, "ada", ""), (DECLINED, "long", "email")] {
        let mut agent = fixture.agent.fresh();
        let person = sign_in::Person { declined_scope, ..id.into() };
        sign_in::with_oauth(&mut agent, fixture.instance, person, Credential::Session).await?;
        let me = fixture.get(&mut agent, "/api/v1/me").await?.json();
        evidence.add_fact(label, if me["email"].is_string() { "known" } else { "not known" });
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let refused = ["403 insufficient_scope"];
    let accepted = |label| evidence.accepted(label, &refused);
    if !accepted(CALENDAR)? || evidence.required_fact(SHARED)? != "known" {
        return unclear("What is allowed was refused too, so the refusals prove nothing.");
    }
    if accepted(CONTACTS)? || accepted(CREATE_CONTACT)? {
        return no("A token for the calendar gave access to the contacts.");
    }
    let named = evidence.required_fact(NAMED)?;
    if named != "contacts:read" {
        return unclear("The contacts were refused, but not because of the missing scope.");
    }
    if evidence.required_fact(DECLINED)? != "not known" {
        return no("The app got the e-mail address, although sharing it was declined.");
    }
    yes(format!(
        "A token for {SCOPE} read the calendar, and got {} for the contacts; the refusal names \
         {named}. The app never got the e-mail address that its owner declined to share.",
        refused[0]
    ))
}
