//! Claim 9: "Access is granular".

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::seen::{bearing, get, said};
use super::{Claim, Measuring, closing};
use crate::doors::{self, Key};
use crate::evidence::Evidence;
use crate::ground::at;
use crate::verdict::Verdict;
use crate::{Agent, Bench, Call, Place, Result, Wishes};

const NARROW: &str = "profile calendar:read";
const GRANTED: &str = "scope of a token that was asked for less";
const CALENDAR: &str = "that token, GET /api/v1/calendar/events";
const CONTACTS: &str = "that token, GET /api/v1/contacts";
const WRITING: &str = "that token, POST /api/v1/contacts";
const NAMED: &str = "scope that the refusal names";
const TICKED: &str = "e-mail of a person who ticked everything at the provider";
const UNTICKED: &str = "e-mail of a person who unticked it at the provider";

pub(super) const CLAIM: Claim = Claim {
    number: 9,
    slug: "granular",
    sentence: "Access is granular",
    method: "A token is asked for with a narrower scope, and shown where it may go and where it \
             may not. Two people come in through the provider; one of them unticks the e-mail \
             address at the consent page.",
    honest: "The token opens what its scope says and is refused with insufficient_scope \
             elsewhere; what is unticked at consent does not arrive.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let mut evidence = Evidence::default();
        let measured = async {
            bench.doing("showing a narrow token");
            narrow(place.as_ref(), &mut evidence).await?;
            bench.doing("unticking a scope at consent");
            consent(place.as_ref(), &mut evidence).await
        };
        let measured = measured.await;
        closing(vec![place], measured.map(|()| evidence)).await
    })
}

async fn narrow(place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    let agent = Agent::new()?;
    let email = doors::sign_up(&agent, place.url()).await?;
    let wanted = serde_json::json!({
        "email": email, "password": doors::PASSWORD, "scope": NARROW,
    });
    let url = at(place.url(), "/api/v1/token")?;
    let answer = agent.stranger().send(Call::json(Method::POST, url, &wanted.to_string())).await?;
    let tokens: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    evidence.fact(GRANTED, tokens["scope"].as_str().unwrap_or("none"));
    let token = tokens["access_token"].as_str().unwrap_or_default();
    let calendar = bearing(&agent, place.url(), "/api/v1/calendar/events", token).await?;
    evidence.fact(CALENDAR, said(&calendar));
    let contacts = bearing(&agent, place.url(), "/api/v1/contacts", token).await?;
    evidence.fact(CONTACTS, said(&contacts));
    let challenge = contacts.header("www-authenticate").unwrap_or_default();
    let named = challenge.split_once("scope=\"").and_then(|(_, rest)| rest.split('"').next());
    evidence.fact(NAMED, named.unwrap_or("none"));
    let writing = Call::json(Method::POST, at(place.url(), "/api/v1/contacts")?, r#"{"name":"X"}"#);
    let writing = agent.stranger().send(writing.bearer(token)).await?;
    evidence.fact(WRITING, said(&writing));
    Ok(())
}

async fn consent(place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    let nobody = Agent::new()?;
    // One person each: a second sign-in would take nothing away.
    for (label, person, all) in [(TICKED, "ada", true), (UNTICKED, "long", false)] {
        let mut agent = nobody.stranger();
        let ticks = |scope: &str| all || scope != "email";
        doors::by_oauth_ticking(&mut agent, place, person, Key::Session, &ticks).await?;
        let me = get(&mut agent, place.url(), "/api/v1/me").await?;
        let me: Value = serde_json::from_slice(&me.body).unwrap_or_default();
        evidence.fact(label, if me["email"].is_string() { "known" } else { "not known" });
    }
    Ok(())
}

fn judge(evidence: &Evidence) -> Verdict {
    let seen: Vec<_> = [CALENDAR, CONTACTS, NAMED, WRITING, TICKED, UNTICKED]
        .into_iter()
        .filter_map(|label| evidence.seen(label))
        .collect();
    let [calendar, contacts, named, writing, ticked, unticked] = seen[..] else {
        return Verdict::undecided("Not everything was asked.");
    };
    if calendar != "200" || ticked != "known" {
        return Verdict::undecided(
            "What is allowed was refused too, so that refusals say nothing.",
        );
    }
    if [contacts, writing].iter().any(|said| said.starts_with('2')) {
        return Verdict::no("A token for the calendar opened the contacts.");
    }
    let refusals = [contacts, writing] == ["403 insufficient_scope"; 2];
    if !refusals || named != "contacts:read" {
        return Verdict::undecided(
            "The contacts were not opened, but not refused for want of their scope, either.",
        );
    }
    if unticked != "not known" {
        return Verdict::no("What was unticked at consent arrived all the same.");
    }
    Verdict::yes(format!(
        "A token for {NARROW} read the calendar and was answered with {contacts} at the contacts; \
         the refusal names {named}. The address that was unticked at consent never arrived."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_granted_is_refused() {
        let refused = "403 insufficient_scope";
        let judged = |calendar: &str, contacts: &str, named: &str, unticked: &str| {
            let mut evidence = Evidence::default();
            evidence.fact(CALENDAR, calendar);
            evidence.fact(CONTACTS, contacts);
            evidence.fact(NAMED, named);
            evidence.fact(WRITING, "403 insufficient_scope");
            evidence.fact(TICKED, "known");
            evidence.fact(UNTICKED, unticked);
            judge(&evidence).word()
        };
        let with =
            |calendar, contacts, unticked| judged(calendar, contacts, "contacts:read", unticked);
        assert_eq!(with("200", refused, "not known"), "true");
        assert_eq!(with("200", "403 cross_site_request", "not known"), "undecided");
        assert_eq!(with("200", "503 database_unavailable", "not known"), "undecided");
        assert_eq!(judged("200", refused, "none", "not known"), "undecided");
        assert_eq!(with("200", "200", "not known"), "false");
        assert_eq!(with("200", refused, "known"), "false");
        assert_eq!(with(refused, refused, "not known"), "undecided");
    }
}
