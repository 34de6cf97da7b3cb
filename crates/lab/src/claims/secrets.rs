//! Claim 10: "The password is never shared with the app".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::seen::get;
use super::{Claim, Measuring, closing};
use crate::doors::{self, Door, Key};
use crate::evidence::Evidence;
use crate::verdict::Verdict;
use crate::{Agent, Answer, Bench, Error, Place, Result, Wishes};

/// What is worth stealing in a sign-in, as RFC 6749 and our form call it.
const SECRETS: [&str; 6] =
    ["password", "code", "code_verifier", "client_secret", "access_token", "id_token"];

const TIMES: &str = "exchanges that hold the password";
const EXCHANGES: &str = "exchanges";
const IN_RECORD: &str = "the password itself, in the record of the sign-in";

pub(super) const CLAIM: Claim = Claim {
    number: 10,
    slug: "secrets",
    sentence: "The password is never shared with the app",
    method: "Somebody comes in by each door. The record of that sign-in (its HAR, which every \
             sign-in has under /traces) tells which secret was in which exchange, and so which \
             parties saw it. The record itself holds no secret, only what each one was.",
    honest: "With OAuth the app sees no password. With a password of its own it sees all of it, \
             once.",
    budget: Duration::from_secs(3),
    measure,
    judge,
};

fn measure<'a>(bench: &'a Bench<'a>) -> Measuring<'a> {
    Box::pin(async move {
        let place = bench.start(&Wishes::none()).await?;
        let mut evidence = Evidence::default();
        bench.doing("reading who saw what off two recorded sign-ins");
        let measured = read(place.as_ref(), &mut evidence).await;
        closing(vec![place], measured.map(|()| evidence)).await
    })
}

async fn read(place: &dyn Place, evidence: &mut Evidence) -> Result<()> {
    let nobody = Agent::new()?;
    let email = doors::sign_up(&nobody, place.url()).await?;
    let mut recorded = String::new();
    for door in Door::ALL {
        let mut agent = nobody.stranger();
        let answers = match door {
            Door::OAuth => doors::by_oauth(&mut agent, place, "ada", Key::Session).await?,
            Door::Password => {
                doors::by_password(&mut agent, place.url(), &email, Key::Session).await?
            }
        };
        let record = record(&mut agent, place, &answers).await?;
        recorded.push_str(&record.text());
        let archive: Value = serde_json::from_slice(&record.body).unwrap_or_default();
        let entries = archive["log"]["entries"].as_array().cloned().unwrap_or_default();
        note(evidence, door, &entries);
    }
    let found = is_in(&recorded, doors::PASSWORD);
    evidence.fact(IN_RECORD, if found { "is there" } else { "is nowhere" });
    Ok(())
}

/// Whether a text holds a password, as it is or as URLs and forms write it.
fn is_in(text: &str, password: &str) -> bool {
    ["+", "%20", " "].iter().any(|space| text.contains(&password.replace(' ', space)))
}

/// The HAR of the sign-in that these answers complete.
async fn record(agent: &mut Agent, place: &dyn Place, answers: &[Answer]) -> Result<Answer> {
    let id = answers.last().and_then(|answer| answer.header("x-latchkey-trace"));
    let Some(id) = id else {
        return Err(Error::NotHere("it records no sign-ins (TRACES)".to_owned()));
    };
    let har = get(agent, place.url(), &format!("/traces/{id}/har")).await?;
    doors::expect(har, http::StatusCode::OK)
}

/// Who saw which secret, and how often the password crossed the wire.
fn note(evidence: &mut Evidence, door: Door, entries: &[Value]) {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut times = 0_u32;
    for entry in entries {
        let parties = ["from", "to"].map(|side| entry["_latchkey"][side].as_str());
        let is_there = |secret: &&str| {
            holds(entry, secret) || *secret == "client_secret" && authenticates(entry)
        };
        for secret in SECRETS.into_iter().filter(is_there) {
            // Whoever takes part in an exchange sees what is in it.
            let parties = parties.into_iter().flatten().map(str::to_owned);
            seen.entry(secret).or_default().extend(parties);
            times += u32::from(secret == "password");
        }
    }
    for secret in SECRETS {
        let parties = seen
            .get(secret)
            .map(|parties| parties.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
        evidence.fact(label(door, secret), parties.as_deref().unwrap_or("nobody"));
    }
    evidence.sample(door.name(), TIMES, f64::from(times));
    let all = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    evidence.sample(door.name(), EXCHANGES, f64::from(all));
}

/// Whether a client says who it is with its secret in the header (RFC 6749 §2.3.1).
fn authenticates(entry: &Value) -> bool {
    let headers = entry["request"]["headers"].as_array().into_iter().flatten();
    headers.filter(|header| header["name"] == "authorization").any(|header| {
        let value = header["value"].as_str().unwrap_or_default();
        value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
    })
}

/// Whether an exchange holds a secret of this name: in the URL, in a form, in a
/// JSON document or in a redirect. A page that asks for a password holds none.
fn holds(entry: &Value, secret: &str) -> bool {
    let (request, response) = (&entry["request"], &entry["response"]);
    let is_page =
        response["content"]["mimeType"].as_str().is_some_and(|kind| kind.starts_with("text/html"));
    let answered = if is_page { &Value::Null } else { &response["content"]["text"] };
    [&request["url"], &request["postData"]["text"], &response["redirectURL"], answered]
        .into_iter()
        .filter_map(Value::as_str)
        .any(|text| names(text, secret))
}

/// Whether a text has a parameter or a JSON member of this name.
fn names(text: &str, name: &str) -> bool {
    let (parameter, member) = (format!("{name}="), format!("\"{name}\""));
    let begins = |at: usize| at == 0 || text[..at].ends_with(['?', '&', '#']);
    text.match_indices(&parameter).any(|(at, _)| begins(at)) || text.contains(&member)
}

fn label(door: Door, secret: &str) -> String {
    format!("{}: who saw the {}", door.name(), secret.replace('_', " "))
}

fn judge(evidence: &Evidence) -> Verdict {
    let saw = |door, secret| evidence.seen(&label(door, secret));
    let (Some(oauth), Some(local), Some(code), Some(recorded)) = (
        saw(Door::OAuth, "password"),
        saw(Door::Password, "password"),
        saw(Door::OAuth, "code"),
        evidence.seen(IN_RECORD),
    ) else {
        return Verdict::undecided("One of the two sign-ins was not recorded.");
    };
    if code == "nobody" || !local.contains("app") || recorded != "is nowhere" {
        return Verdict::undecided("The records do not show what must be in them.");
    }
    if oauth.contains("app") {
        return Verdict::no("With OAuth, too, the password went through the app.");
    }
    let times = evidence.median(Door::Password.name(), TIMES).unwrap_or_default();
    Verdict::only_if(
        "the door is OAuth",
        format!(
            "Through OAuth the app saw a code and tokens, and no password: that is typed at the \
             provider, and the local one asks for none. Through the password’s door it was seen \
             by {}, in {times} exchange.",
            local.replace(", ", " and ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        for (text, name, expected) in [
            ("http://a/callback?code=x&state=y", "code", true),
            ("http://a/callback?state=y&code=x", "code", true),
            ("http://a/?code_challenge=x", "code", false),
            ("http://a/?error_code=x", "code", false),
            ("grant_type=authorization_code&code_verifier=x", "code", false),
            ("grant_type=authorization_code&code_verifier=x", "code_verifier", true),
            ("password=x", "password", true),
            (r#"{"access_token": "x"}"#, "access_token", true),
            (r#"{"access_token": "x"}"#, "id_token", false),
        ] {
            assert_eq!(names(text, name), expected, "{name} in {text}");
        }
    }

    #[test]
    fn a_password_is_found_as_forms_write_it() {
        for (text, expected) in [
            (r#""text":"email=a&password=a+lantern+under+the+stairs""#, true),
            ("?password=a%20lantern%20under%20the%20stairs", true),
            (r#"{"password":"a lantern under the stairs"}"#, true),
            (r#""text":"email=a&password=(26 bytes)""#, false),
        ] {
            assert_eq!(is_in(text, doors::PASSWORD), expected, "{text}");
        }
    }

    fn sign_in(door: Door, text: &str, from: &str, to: &str) -> Evidence {
        let mut evidence = Evidence::default();
        let page = json!({
            "request": { "url": "http://a/sign-in" },
            "response": { "content": {
                "mimeType": "text/html; charset=utf-8", "text": "<input name=\"password\">",
            }},
            "_latchkey": { "from": "browser", "to": "app" },
        });
        let sent = json!({
            "request": { "url": "http://a/", "postData": { "text": text } },
            "response": { "content": { "mimeType": "" }, "redirectURL": "" },
            "_latchkey": { "from": from, "to": to },
        });
        note(&mut evidence, door, &[page, sent]);
        evidence
    }

    #[test]
    fn a_page_that_asks_is_not_somebody_who_saw() {
        let local = sign_in(Door::Password, "email=a&password=x", "browser", "app");
        assert_eq!(local.seen(&label(Door::Password, "password")), Some("app, browser"));
        assert_eq!(local.median("password", TIMES), Some(1.0));
        let oauth = sign_in(Door::OAuth, "code=x", "app", "provider");
        assert_eq!(oauth.seen(&label(Door::OAuth, "password")), Some("nobody"));
        assert_eq!(oauth.seen(&label(Door::OAuth, "code")), Some("app, provider"));
    }

    #[test]
    fn the_door_decides() {
        let with = |oauth: &str, local: &str, recorded: &str| {
            let mut evidence = Evidence::default();
            evidence.fact(label(Door::OAuth, "password"), oauth);
            evidence.fact(label(Door::OAuth, "code"), "app, browser, provider");
            evidence.fact(label(Door::Password, "password"), local);
            evidence.fact(IN_RECORD, recorded);
            judge(&evidence).word()
        };
        assert_eq!(with("nobody", "app, browser", "is nowhere"), "true if");
        assert_eq!(with("app, browser", "app, browser", "is nowhere"), "false");
        assert_eq!(with("nobody", "nobody", "is nowhere"), "undecided");
        assert_eq!(with("nobody", "app, browser", "is there"), "undecided");
    }
}
