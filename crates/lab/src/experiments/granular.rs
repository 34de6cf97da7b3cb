use serde_json::json;

use super::prelude::*;

experiment! { 9, "granular", within 3 s,
    "Access is granular",
    "A token with a narrower scope is sent where it may go and where it may not. Two people sign \
     in through the provider; one of them unticks the e-mail address at the consent page."
}

const NARROW: &str = "profile calendar:read";
const GRANTED: &str = "scope of a token that was asked for less";
const CALENDAR: &str = "that token, GET /api/v1/calendar/events";
const CONTACTS: &str = "that token, GET /api/v1/contacts";
const WRITING: &str = "that token, POST /api/v1/contacts";
const NAMED: &str = "scope that the refusal names";
const TICKED: &str = "e-mail of a person who ticked everything at the provider";
const UNTICKED: &str = "e-mail of a person who unticked it at the provider";

async fn measure(context: &Context<'_>, evidence: &mut Evidence) -> Result<()> {
    let fixture = context.start(&InstanceOptions::default()).await?;
    context.step("sending a narrow token");
    let wanted = json!({
        "email": fixture.email, "password": sign_in::PASSWORD, "scope": NARROW,
    });
    let call = Call::json(Method::POST, at(fixture.url(), "/api/v1/token")?, &wanted.to_string());
    let tokens = fixture.agent.fresh().send(call).await?.json();
    evidence.add_fact(GRANTED, tokens["scope"].as_str().unwrap_or("none"));
    let token = tokens["access_token"].as_str().unwrap_or_default();
    let calendar = fixture.get_with_token(token, "/api/v1/calendar/events").await?;
    evidence.add_fact(CALENDAR, calendar.summary());
    let contacts = fixture.get_with_token(token, "/api/v1/contacts").await?;
    evidence.add_fact(CONTACTS, contacts.summary());
    let challenge = contacts.header("www-authenticate").unwrap_or_default();
    let named = challenge.split_once("scope=\"").and_then(|(_, rest)| rest.split('"').next());
    evidence.add_fact(NAMED, named.unwrap_or("none"));
    let url = at(fixture.url(), "/api/v1/contacts")?;
    let writing = Call::json(Method::POST, url, r#"{"name":"X"}"#).bearer(token);
    evidence.add_fact(WRITING, fixture.agent.fresh().send(writing).await?.summary());

    context.step("unticking a scope at consent");
    // One person each: a second sign-in would take nothing away.
    for (label, key, declined_scope) in [(TICKED, "ada", ""), (UNTICKED, "long", "email")] {
        let mut agent = fixture.agent.fresh();
        let person = sign_in::Person { declined_scope, ..key.into() };
        sign_in::with_oauth(&mut agent, fixture.instance, person, Credential::Session).await?;
        let me = fixture.get(&mut agent, "/api/v1/me").await?.json();
        evidence.add_fact(label, if me["email"].is_string() { "known" } else { "not known" });
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> VerdictResult {
    let refused = ["403 insufficient_scope"];
    let opened = |label| evidence.accepted(label, &refused);
    if !opened(CALENDAR)? || evidence.required_fact(TICKED)? != "known" {
        return unclear("What is allowed was refused too, so refusals prove nothing.");
    }
    if opened(CONTACTS)? || opened(WRITING)? {
        return no("A token for the calendar opened the contacts.");
    }
    let named = evidence.required_fact(NAMED)?;
    if named != "contacts:read" {
        return unclear("The contacts were refused, but not because their scope was missing.");
    }
    if evidence.required_fact(UNTICKED)? != "not known" {
        return no("What was unticked at consent arrived all the same.");
    }
    yes(format!(
        "A token for {NARROW} read the calendar and was answered with {} at the contacts; the \
         refusal names {named}. The address that was unticked at consent never arrived.",
        refused[0]
    ))
}
